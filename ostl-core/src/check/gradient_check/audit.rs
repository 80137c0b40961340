//! A method's gradient against BPTT's, block by block.

use crate::check::bptt;
use crate::check::gradient_check::{Agreement, agreement};
use crate::data::batch::SequenceBatch;
use crate::data::objective::Objective;
use crate::learner::Learner;
use crate::learner::error::LearnError;
use crate::learner::optimizer::OptimizerSettings;
use crate::method::{Carry, Method, Window};
use crate::network::Network;
use crate::network::layer::Layer;
use crate::trace::claim::{Claim, claims};

/// Relative error up to which a gradient counts as equal in `f64`.
const EQUAL: f64 = 1e-10;
/// Multiply–adds that finding R may take.
const MOST_PRODUCTS: f64 = 3e11;

/// One block of parameters under a method.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BlockAudit {
    /// Layer, from 0; the readout is the last.
    pub layer: usize,
    /// The layer's name.
    pub layer_name: String,
    /// The block's name.
    pub block: String,
    /// What the method promises.
    pub claim: Claim,
    /// ‖BPTT‖: the norm of the block's true gradient, of the loss summed over the batch.
    pub norm: f64,
    /// ‖found − BPTT‖, whatever the gradient's size.
    pub difference: f64,
    /// ‖found − BPTT‖ / ‖BPTT‖, or, where the block's gradient is smaller than [`Audit::FLOOR`] times the gradient of all blocks together
    /// ([`Audit::norm`]), divided by that: of a block whose gradient vanishes beside the others' only rounding is left, and how that compares
    /// with nothing says nothing. Without such a floor the figure is [`difference`](Self::difference) / [`norm`](Self::norm).
    pub relative_error: f64,
    /// Cosine with BPTT's gradient, without a floor; 1 where both are zero.
    pub cosine: f64,
}

impl BlockAudit {
    /// Not claimed exact, or exact indeed.
    pub fn holds(&self) -> bool {
        self.claim != Claim::Exact || self.relative_error <= EQUAL
    }
}

/// A network's gradient under a method, beside BPTT's.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Audit {
    /// Block by block, as in [`Network::blocks`].
    pub blocks: Vec<BlockAudit>,
    /// The loss that the gradient is of, summed over the batch's targets, with what activity terms add.
    pub loss: f64,
    /// ‖BPTT‖ over all parameters, what relative errors and cosines are about. Near a minimum it falls to nothing as contributions cancel each
    /// other, and what a method leaves out does not cancel with them: errors grow and cosines fall without anything being wrong. Compare it
    /// with the norm at the starting weights before reading anything into either.
    pub norm: f64,
    /// The whole gradient beside BPTT's, without a floor.
    pub whole: Agreement,
    /// ‖R‖ / ‖BPTT‖ over all parameters: the residual that deep OSTL drops between layers, that is, BPTT's gradient less the
    /// gradient by the `layer` carry with the same window. Zero where that claims every block, as for a single recurrent layer; `None`
    /// where it would take more than some 10¹¹ multiply–adds to find out.
    pub residual: Option<f64>,
    /// Spikes of the spiking layers, per unit and step; `None` without a spiking layer.
    pub firing_rate: Option<f64>,
}

impl Audit {
    /// The fraction of the whole gradient's norm that a block's [`relative_error`](BlockAudit::relative_error) is measured by at the least.
    pub const FLOOR: f64 = 1e-6;

    /// Everything claimed exact is.
    pub fn holds(&self) -> bool {
        self.blocks.iter().all(BlockAudit::holds)
    }
}

/// Runs a method over a batch at fixed weights and compares its gradient with BPTT's. Frozen blocks have none in either.
///
/// # Errors
/// If the method cannot be run on the network, the batch does not fit it, or something is not finite.
pub fn audit(
    network: &Network<f64>,
    objective: impl Into<Objective>,
    method: &Method,
    batch: &SequenceBatch<f64>,
) -> Result<Audit, LearnError> {
    audit_of(network, &objective.into(), method, batch)
}

fn audit_of(
    network: &Network<f64>,
    objective: &Objective,
    method: &Method,
    batch: &SequenceBatch<f64>,
) -> Result<Audit, LearnError> {
    let found = gradient(network, objective, *method, batch)?;
    let bptt::Gradient { loss: total, values: mut truth } = bptt::gradient(network, objective, batch);
    network.clear_frozen(&mut truth);
    let whole = norm(truth.iter().copied());
    let blocks = network.blocks().iter().zip(claims(network, method)).map(|(block, claim)| {
        let (found, truth) = (&found[block.range()], &truth[block.range()]);
        let agreement = agreement(found, truth, Audit::FLOOR * whole);
        BlockAudit {
            layer: block.layer,
            layer_name: network.layer_name(block.layer).to_owned(),
            block: block.name.to_owned(),
            claim,
            norm: norm(truth.iter().copied()),
            difference: norm(found.iter().zip(truth).map(|(found, truth)| found - truth)),
            relative_error: agreement.relative_error,
            cosine: agreement.cosine,
        }
    });
    let blocks = blocks.collect();
    // The method whose gradient is BPTT's less R.
    let by_layer = Method { window: method.window, ..Method::bptt().with_carry(Carry::Layer) };
    let residual = match method.window {
        Window::Sequence => Some(0.0),
        // So many steps leave the tape at a time.
        Window::Steps(steps) | Window::Rolling { every: steps, .. } => {
            if claims(network, &by_layer).iter().all(|claim| *claim != Claim::Approximate) {
                Some(0.0)
            } else if products_by_layer(network, steps, batch) > MOST_PRODUCTS {
                None
            } else {
                Some(agreement(&gradient(network, objective, by_layer, batch)?, &truth, 0.0).relative_error)
            }
        }
    };
    let firing_rate = firing_rate(network, batch);
    Ok(Audit { blocks, loss: total, norm: whole, whole: agreement(&found, &truth, 0.0), residual, firing_rate })
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// About the multiply–adds that the carry `layer` takes to move on over a batch in windows of `steps` steps.
fn products_by_layer(network: &Network<f64>, steps: usize, batch: &SequenceBatch<f64>) -> f64 {
    let parameters = |index: usize| {
        let blocks = network.blocks().iter().filter(move |block| block.layer == index);
        blocks.map(|block| block.range().len()).sum::<usize>() as f64
    };
    let windows: usize = batch.lengths().iter().map(|length| length / steps).sum();
    let of_layer = |(index, layer): (usize, &Layer<f64>)| {
        let layer = layer.recurrent().filter(|layer| !layer.y_gates.is_empty())?;
        let variables = ((layer.states() + 1) * layer.units) as f64;
        Some(variables * variables * parameters(index))
    };
    network.layers.iter().enumerate().filter_map(of_layer).sum::<f64>() * windows as f64
}

fn gradient(
    network: &Network<f64>,
    objective: &Objective,
    method: Method,
    batch: &SequenceBatch<f64>,
) -> Result<Vec<f64>, LearnError> {
    // The optimiser is never used; a batch always has at least one stream to make room for.
    let method = method.for_sequences_of(batch.steps());
    let learner = Learner::new(network.clone(), objective, method, OptimizerSettings::sgd(1.0), batch.streams().max(1));
    Ok(learner?.gradient(batch)?.1.to_vec())
}

/// Mean output of the spiking layers.
fn firing_rate(network: &Network<f64>, batch: &SequenceBatch<f64>) -> Option<f64> {
    let spiking: Vec<usize> = (0..network.depth())
        .filter(|&index| network.layers[index].recurrent().is_some_and(|layer| !layer.dynamics.is_smooth()))
        .collect();
    let (mut spikes, mut count) = (0.0, 0_usize);
    for stream in 0..batch.streams() {
        for step in bptt::layer_outputs(network, batch, stream) {
            for &index in &spiking {
                spikes += step[index].iter().sum::<f64>();
                count += step[index].len();
            }
        }
    }
    (count > 0).then(|| spikes / count as f64)
}
