//! From an equation to a trained network that you have reason to trust.
//!
//! The cell: an adaptive unit with two states, a potential v and a slow average w of the output that inhibits it,
//!
//! ```text
//! v = 0.8 v⁻ + a − 0.5 w⁻,   y = σ(v),   w = 0.95 w⁻ + 0.05 y⁻
//! ```
//!
//! `cargo run --release -p ostl-core --example cell_by_hand`

use ostl_core::gradient_check::{audit, check_cell};
use ostl_core::{
    Cell, Gate, Learner, Loss, Method, Network, OptimizerSettings, Partials, Real, SequenceBatch, Target, TargetKind, Unit,
};

#[derive(Clone, Copy)]
struct Adaptive;

impl Cell<2, 1> for Adaptive {
    fn name(&self) -> &'static str {
        "adaptive"
    }

    fn gates(&self) -> [Gate; 1] {
        [Gate::new("current", true)]
    }

    fn resets(&self) -> bool {
        true // its own output acts on its state
    }

    fn step<T: Real>(&self, previous: Unit<T, 2>, [a]: [T; 1]) -> Unit<T, 2> {
        let [v, w] = previous.s;
        let c = T::from_f64;
        let (v, w) = (c(0.8) * v + a - c(0.5) * w, c(0.95) * w + c(0.05) * previous.y);
        Unit { s: [v, w], y: v.sigmoid() }
    }

    fn linearise<T: Real>(&self, previous: Unit<T, 2>, a: [T; 1]) -> (Unit<T, 2>, Partials<T, 2, 1>) {
        let unit = self.step(previous, a);
        let (zero, c) = (T::zero(), T::from_f64);
        let partials = Partials {
            ds_ds: [[c(0.8), c(-0.5)], [zero, c(0.95)]],
            ds_dy: [zero, c(0.05)],
            ds_da: [[T::one()], [zero]],
            dy_ds: [unit.y * (T::one() - unit.y), zero],
            dy_da: [zero],
        };
        (unit, partials)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("partials against central differences: {}", check_cell(Adaptive, 1000, 1));

    // The same network in f64, audited: one layer with H, the whole influence carried, windows of three steps.
    let method = Method::ostl().with_window(3);
    let network = Network::<f64>::builder(2).seed(1).recurrent(Adaptive, 12).readout(2)?;
    let mut batch = SequenceBatch::new(2, 2, TargetKind::Classes, &[20, 13]);
    for stream in 0..2 {
        for step in 0..batch.lengths()[stream] {
            let x = f64::from(((step * 7 + stream * 3) % 5) as u32) - 2.0;
            batch.input_mut(stream, step).copy_from_slice(&[x, -0.5 * x]);
            batch.set_class(stream, step, step % 2);
        }
    }
    for block in audit(&network, Loss::SoftmaxCrossEntropy, &method, &batch)?.blocks {
        println!(
            "{:9} {:2} {:?}: relative error {:.1e} against BPTT",
            block.layer_name, block.block, block.claim, block.relative_error
        );
    }

    // Trained online on an endless stream: was the input of four steps ago positive?
    let network = Network::<f32>::builder(2).seed(1).recurrent(Adaptive, 24).readout(2)?;
    let mut learner = Learner::new(network, Loss::SoftmaxCrossEntropy, method, OptimizerSettings::adam(0.01), 1)?;
    let mut seen = [1.0_f32; 5];
    let (mut random, mut hits) = (1_u32, 0);
    for step in 1..=20_000_u32 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seen.rotate_right(1);
        seen[0] = if random >> 31 == 0 { 1.0 } else { -1.0 };
        learner.predict(&[seen[0], 1.0])?;
        hits += learner.learn(&[Some(Target::Class(usize::from(seen[4] > 0.0)))])?.correct;
        if step % 5000 == 0 {
            println!("after {step:5} steps: {:.1} % of the last 5000 right", hits as f64 / 50.0);
            hits = 0;
        }
    }
    Ok(())
}
