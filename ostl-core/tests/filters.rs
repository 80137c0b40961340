//! Leaky readouts, filtered traces, presynaptic and postsynaptic traces, and fixed feedback, against BPTT.

use ostl_core::gradient_check::{Claim, agreement, audit, central_differences};
use ostl_core::{
    Activation, Carry, Cell, Feedback, Gate, Leak, Learner, Loss, Method, Network, NetworkBuilder, OptimizerSettings,
    Partials, Real, SequenceBatch, TargetKind, Unit, Update, bptt,
};

const KAPPA: f64 = 0.85;

/// s = κ s⁻ + ½ a, y = s.
#[derive(Clone, Copy)]
struct Readout;

impl Cell<1, 1> for Readout {
    fn name(&self) -> &'static str {
        "leak"
    }
    fn gates(&self) -> [Gate; 1] {
        [Gate::new("current", false)]
    }
    fn leak(&self) -> Option<Leak> {
        Some(Leak { factor: KAPPA, gain: 0.5, is_all: true })
    }
    fn step<T: Real>(&self, previous: Unit<T, 1>, [a]: [T; 1]) -> Unit<T, 1> {
        let s = T::from_f64(KAPPA) * previous.s[0] + T::from_f64(0.5) * a;
        Unit { s: [s], y: s }
    }
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 1]) -> (Unit<T, 1>, Partials<T, 1, 1>) {
        let mut partials = Partials::zero();
        partials.ds_ds = [[T::from_f64(KAPPA)]];
        partials.ds_da = [[T::from_f64(0.5)]];
        partials.dy_ds = [T::one()];
        (self.step(previous, a), partials)
    }
}

/// s = 0.7 s⁻ + a₀ − y⁻, y = step or σ of 4 (s + a₁); the reset may carry a gradient or not.
#[derive(Clone, Copy)]
struct Leaky {
    recurrent: bool,
    detached: bool,
    spikes: bool,
}

impl Cell<1, 2> for Leaky {
    fn name(&self) -> &'static str {
        "leaky"
    }
    fn gates(&self) -> [Gate; 2] {
        [Gate::new("current", self.recurrent), Gate::constant("threshold").on_output()]
    }
    fn resets(&self) -> bool {
        !self.detached
    }
    fn detaches_reset(&self) -> bool {
        self.detached
    }
    fn is_smooth(&self) -> bool {
        !self.spikes
    }
    fn leak(&self) -> Option<Leak> {
        Some(Leak { factor: 0.7, gain: 1.0, is_all: self.detached })
    }
    fn step<T: Real>(&self, previous: Unit<T, 1>, [a, b]: [T; 2]) -> Unit<T, 1> {
        let s = T::from_f64(0.7) * previous.s[0] + a - previous.y;
        let soft = (T::from_f64(4.0) * (s + b)).sigmoid();
        let hard = T::one().if_or(s + b > T::zero(), T::zero());
        Unit { s: [s], y: hard.if_or(self.spikes, soft) }
    }
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 2]) -> (Unit<T, 1>, Partials<T, 1, 2>) {
        let unit = self.step(previous, a);
        let soft = (T::from_f64(4.0) * (unit.s[0] + a[1])).sigmoid();
        let slope = T::from_f64(4.0) * soft * (T::one() - soft);
        let mut partials = Partials::zero();
        partials.ds_ds = [[T::from_f64(0.7)]];
        partials.ds_dy = [T::zero().if_or(self.detached, -T::one())];
        partials.ds_da = [[T::one(), T::zero()]];
        partials.dy_ds = [slope];
        partials.dy_da = [T::zero(), slope];
        (unit, partials)
    }
}

/// An LSTM's essence: s = σ(a₀) s⁻ + tanh a₁, y = σ(a₂) tanh s, so that y has a memory of its own.
#[derive(Clone, Copy)]
struct Gated {
    recurrent: bool,
}

impl Cell<1, 3> for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }
    fn gates(&self) -> [Gate; 3] {
        let gate = |name| Gate::new(name, self.recurrent);
        [gate("forget"), gate("input"), gate("output").on_output()]
    }
    fn step<T: Real>(&self, previous: Unit<T, 1>, a: [T; 3]) -> Unit<T, 1> {
        let s = a[0].sigmoid() * previous.s[0] + a[1].tanh();
        Unit { s: [s], y: a[2].sigmoid() * s.tanh() }
    }
    fn linearise<T: Real>(&self, previous: Unit<T, 1>, a: [T; 3]) -> (Unit<T, 1>, Partials<T, 1, 3>) {
        let one = T::one();
        let unit = self.step(previous, a);
        let (f, u, o, squashed) = (a[0].sigmoid(), a[1].tanh(), a[2].sigmoid(), unit.s[0].tanh());
        let mut partials = Partials::zero();
        partials.ds_ds = [[f]];
        partials.ds_da = [[previous.s[0] * f * (one - f), one - u * u, T::zero()]];
        partials.dy_ds = [o * (one - squashed * squashed)];
        partials.dy_da = [T::zero(), T::zero(), squashed * o * (one - o)];
        (unit, partials)
    }
}

fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31) * 2.0 - 1.0
    }
}

/// Ragged, with resets, targets at some steps.
fn batch(inputs: usize, outputs: usize) -> SequenceBatch<f64> {
    let mut batch = SequenceBatch::new(inputs, outputs, TargetKind::Classes, &[19, 16, 16, 9, 1]);
    let mut next = random(7);
    for stream in 0..5 {
        for step in 0..batch.lengths()[stream] {
            batch.input_mut(stream, step).fill_with(|| 1.6 * next() + 0.4);
            if next() > -0.2 || step == 0 {
                batch.set_class(stream, step, (step + stream) % outputs);
            }
            if next() > 0.8 {
                batch.reset_before(stream, step);
            }
        }
    }
    batch
}

fn finish(network: Result<Network<f64>, ostl_core::ConfigError>) -> Network<f64> {
    let mut network = network.unwrap();
    let mut next = random(3);
    network.parameters_mut().iter_mut().for_each(|p| *p += 0.2 * next());
    network
}

fn builder() -> NetworkBuilder<f64> {
    Network::builder(3).seed(5)
}

const LOSS: Loss = Loss::SoftmaxCrossEntropy;

/// Audits and returns the largest error of each layer.
#[track_caller]
fn errors(network: &Network<f64>, method: Method) -> Vec<f64> {
    let audit = audit(network, LOSS, &method, &batch(3, 4)).unwrap();
    assert!(audit.holds(), "{method:?}: {:?}", audit.blocks);
    if let Some(rate) = audit.firing_rate {
        assert!(rate > 0.02 && rate < 0.98, "firing rate {rate}");
    }
    let mut errors = vec![0.0_f64; network.depth()];
    for block in &audit.blocks {
        errors[block.layer] = errors[block.layer].max(block.relative_error);
    }
    errors
}

fn claims_exact(network: &Network<f64>, method: Method, layer: usize) -> bool {
    let audit = audit(network, LOSS, &method, &batch(3, 4)).unwrap();
    audit.blocks.iter().filter(|block| block.layer == layer).all(|block| block.claim == Claim::Exact)
}

const WINDOWS: [usize; 6] = [1, 2, 3, 7, 18, 19];

fn with(carry: Carry, window: usize) -> Method {
    Method::bptt().with_carry(carry).with_window(window)
}

#[test]
fn below_a_leaky_readout_the_filtered_trace_is_exact() {
    let spiking = Leaky { recurrent: true, detached: false, spikes: true };
    let networks = [
        finish(builder().recurrent(spiking, 6).readout_of(Readout, 4)),
        finish(builder().recurrent(Gated { recurrent: true }, 5).readout_of(Readout, 4)),
        finish(builder().dense(4, Activation::Tanh).recurrent(Gated { recurrent: true }, 5).readout_of(Readout, 4)),
    ];
    for network in &networks {
        for window in WINDOWS {
            for carry in [Carry::Layer, Carry::Network] {
                let method = with(carry, window);
                assert!((0..network.depth()).all(|layer| claims_exact(network, method, layer)), "{network:?} {carry}");
                assert!(errors(network, method).iter().all(|&error| error < 1e-10));
            }
        }
        assert!(errors(network, with(Carry::Local, 2))[0] > 1e-6, "H is left out");
    }
    let closed = [
        finish(builder().recurrent(Leaky { recurrent: false, ..spiking }, 6).readout_of(Readout, 4)),
        finish(builder().recurrent(Gated { recurrent: false }, 17).readout_of(Readout, 4)),
    ];
    for network in &closed {
        for window in WINDOWS {
            for carry in [Carry::Local, Carry::Layer, Carry::Postsynaptic, Carry::Snap(1), Carry::Snap(2), Carry::KfRtrl] {
                let method = with(carry, window);
                assert!(claims_exact(network, method, 0) && claims_exact(network, method, 1));
                assert!(errors(network, method).iter().all(|&error| error < 1e-10), "{network:?} {carry} {window}");
            }
        }
        assert!(errors(network, with(Carry::None, 2))[0] > 1e-6);
    }
}

#[test]
fn the_oracle_has_the_slope_of_a_leaky_readout() {
    let network = finish(builder().recurrent(Gated { recurrent: true }, 4).readout_of(Readout, 4));
    let truth = central_differences(&network, LOSS, &batch(3, 4), 1e-5);
    let found = bptt::gradient(&network, LOSS, &batch(3, 4)).values;
    assert!(agreement(&found, &truth, 0.0).relative_error < 1e-7);
}

/// With more than the leaky readout above, the filter says nothing of what lies between.
#[test]
fn what_lies_between_is_dropped() {
    let gated = Gated { recurrent: true };
    let network = finish(builder().recurrent(gated, 4).recurrent(gated, 4).readout_of(Readout, 4));
    let found = errors(&network, with(Carry::Layer, 2));
    assert!(found[0] > 1e-6 && found[1] < 1e-10 && found[2] < 1e-10, "{found:?}");
    let network = finish(builder().recurrent(gated, 4).dense(3, Activation::Tanh).readout_of(Readout, 4));
    let found = errors(&network, with(Carry::Layer, 2));
    assert!(found[0] > 1e-6 && found[1] < 1e-10 && found[2] < 1e-10, "{found:?}");
}

/// OTTT = OSTL where units are leaky sums whose resets are detached.
#[test]
fn a_presynaptic_trace_is_exact_for_leaky_sums() {
    for (spikes, units) in [(true, 6), (true, 19), (false, 3)] {
        let leaky = Leaky { recurrent: false, detached: true, spikes };
        let network = finish(builder().dense(5, Activation::Sigmoid).recurrent(leaky, units).readout(4));
        for window in WINDOWS {
            let method = with(Carry::Presynaptic, window);
            assert!(claims_exact(&network, method, 1));
            let found = errors(&network, method);
            assert!(found[1] < 1e-10 && found[2] < 1e-10, "K={window}: {found:?}");
            let gradient = |carry| {
                let mut learner =
                    Learner::new(network.clone(), LOSS, with(carry, window), OptimizerSettings::sgd(1.0), 5).unwrap();
                learner.gradient(&batch(3, 4)).unwrap().1.to_vec()
            };
            let (ottt, ostl) = (gradient(Carry::Presynaptic), gradient(Carry::Local));
            assert!(agreement(&ottt, &ostl, 0.0).relative_error < 1e-10, "K={window}");
        }
        // It takes one value a signal, not one a parameter.
        let bytes = |carry| {
            let learner = Learner::new(network.clone(), LOSS, with(carry, 3), OptimizerSettings::sgd(1.0), 5).unwrap();
            learner.trace_bytes()
        };
        assert!(bytes(Carry::Presynaptic) * units <= bytes(Carry::Local) * 2, "{} {}", bytes(Carry::Presynaptic), units);
    }
    // With H, or a reset that carries a gradient, it is an approximation.
    for (recurrent, detached) in [(true, true), (false, false)] {
        let network = finish(builder().recurrent(Leaky { recurrent, detached, spikes: true }, 6).readout(4));
        let method = with(Carry::Presynaptic, 2);
        assert!(!claims_exact(&network, method, 0));
        assert!(errors(&network, method)[0] > 1e-6);
    }
}

/// Sparse inputs take the way of events.
#[test]
fn presynaptic_traces_of_events() {
    let leaky = Leaky { recurrent: true, detached: true, spikes: true };
    let mut network: Network<f64> = Network::builder(40).seed(2).recurrent(leaky, 20).readout(3).unwrap();
    network.block_mut(0, "W").iter_mut().for_each(|w| *w *= 2.0);
    network.block_mut(0, "threshold").fill(-1.2);
    let h = network.block(0, "H").into_owned();
    network.block_mut(0, "H").copy_from(&(0.2 * h));
    let mut sparse = SequenceBatch::new(40, 3, TargetKind::Classes, &[25; 3]);
    let mut next = random(1);
    for stream in 0..3 {
        for step in 0..25 {
            sparse.input_mut(stream, step).fill_with(|| f64::from(next() > 0.88));
            sparse.set_class(stream, step, step % 3);
        }
    }
    // By hand: ε = Σ λ^(t − k) z_k, times what the window wants of the state.
    for window in [1, 4] {
        let method = Method::ottt().with_window(window).with_update(Update::Sequence);
        let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 3).unwrap();
        let found = learner.gradient(&sparse).unwrap().1.to_vec();
        let rate = audit(&network, LOSS, &method, &sparse).unwrap().firing_rate.unwrap();
        assert!(rate > 0.02 && rate < 0.25, "{rate}");
        if window == 1 {
            let by_hand = ottt_by_hand(&network, &sparse);
            assert!(agreement(&found, &by_hand, 0.0).relative_error < 1e-10);
        }
    }
}

/// OTTT as its paper has it, one step at a time, for one recurrent layer and a dense readout.
fn ottt_by_hand(network: &Network<f64>, batch: &SequenceBatch<f64>) -> Vec<f64> {
    let (w, h, b) = (network.block(0, "W"), network.block(0, "H"), network.block(0, "threshold"));
    let (v, c) = (network.block(1, "W"), network.block(1, "b"));
    let (n, m, o) = (w.nrows(), w.ncols(), v.nrows());
    let mut gradient = network.clone();
    gradient.parameters_mut().fill(0.0);
    for stream in 0..batch.streams() {
        let (mut s, mut y) = (vec![0.0; n], vec![0.0; n]);
        let (mut x_trace, mut y_trace) = (vec![0.0; m], vec![0.0; n]);
        for step in 0..batch.lengths()[stream] {
            let x = batch.input(stream, step);
            x_trace.iter_mut().zip(x).for_each(|(trace, x)| *trace = 0.7 * *trace + x);
            y_trace.iter_mut().zip(&y).for_each(|(trace, y)| *trace = 0.7 * *trace + y);
            let drive: Vec<f64> = (0..n)
                .map(|i| (0..m).map(|j| w[(i, j)] * x[j]).sum::<f64>() + (0..n).map(|j| h[(i, j)] * y[j]).sum::<f64>())
                .collect();
            for i in 0..n {
                s[i] = 0.7 * s[i] + drive[i] + network.block(0, "b")[i] - y[i];
            }
            y = (0..n).map(|i| f64::from(s[i] + b[i] > 0.0)).collect();
            let logits: Vec<f64> = (0..o).map(|k| c[k] + (0..n).map(|i| v[(k, i)] * y[i]).sum::<f64>()).collect();
            let mut error = vec![0.0; o];
            LOSS.evaluate(&logits, batch.target(stream, step).unwrap(), &mut error);
            for k in 0..o {
                gradient.block_mut(1, "b")[k] += error[k];
                for i in 0..n {
                    gradient.block_mut(1, "W")[(k, i)] += error[k] * y[i];
                }
            }
            let one_trace = (1.0 - 0.7_f64.powi(step as i32 + 1)) / 0.3;
            for i in 0..n {
                let soft = 1.0 / (1.0 + (-4.0 * (s[i] + b[i])).exp());
                let signal = (0..o).map(|k| v[(k, i)] * error[k]).sum::<f64>() * 4.0 * soft * (1.0 - soft);
                gradient.block_mut(0, "threshold")[i] += signal;
                gradient.block_mut(0, "b")[i] += signal * one_trace;
                for j in 0..m {
                    gradient.block_mut(0, "W")[(i, j)] += signal * x_trace[j];
                }
                for j in 0..n {
                    gradient.block_mut(0, "H")[(i, j)] += signal * y_trace[j];
                }
            }
        }
    }
    gradient.parameters().to_vec()
}

/// OTPE: exact for the two topmost layers of leaky sums, closer than `local` below.
#[test]
fn a_postsynaptic_trace_reaches_one_layer_up() {
    let leaky = Leaky { recurrent: false, detached: true, spikes: true };
    let two = finish(builder().recurrent(leaky, 7).recurrent(leaky, 6).readout(4));
    for window in WINDOWS {
        let method = with(Carry::Postsynaptic, window);
        assert!((0..3).all(|layer| claims_exact(&two, method, layer)));
        assert!(errors(&two, method).iter().all(|&error| error < 1e-10), "K={window}");
    }
    assert!(errors(&two, with(Carry::Local, 2))[0] > 1e-4);
    let three = finish(builder().recurrent(leaky, 9).recurrent(leaky, 7).recurrent(leaky, 6).readout(4));
    let (otpe, local) = (errors(&three, with(Carry::Postsynaptic, 1)), errors(&three, with(Carry::Local, 1)));
    assert!(otpe[0] > 1e-6 && otpe[1] < 1e-10, "{otpe:?}");
    assert!(otpe[1] < local[1]);
    // Where the layer above resets with a gradient it is an approximation.
    let attached = Leaky { detached: false, ..leaky };
    let network = finish(builder().recurrent(leaky, 7).recurrent(attached, 6).readout(4));
    let method = with(Carry::Postsynaptic, 2);
    assert!(!claims_exact(&network, method, 0) && claims_exact(&network, method, 1));
    assert!(errors(&network, method)[0] > 1e-6);
}

/// Whatever brings the signals down: within a window and across windows the engine does what the oracle does with the same matrices.
#[test]
fn fixed_feedback_against_the_oracle() {
    let gated = Gated { recurrent: true };
    let leaky = Leaky { recurrent: false, detached: false, spikes: true };
    let networks = [
        (finish(builder().recurrent(gated, 5).readout(4)), vec![0]),
        (finish(builder().recurrent(gated, 5).readout_of(Readout, 4)), vec![0]),
        (finish(builder().recurrent(leaky, 5).dense(4, Activation::Tanh).recurrent(gated, 5).readout(4)), vec![1, 2]),
    ];
    let batch = batch(3, 4);
    for feedback in [Feedback::Random, Feedback::Direct, Feedback::TargetProjection] {
        for (network, compared) in &networks {
            let method = Method::bptt().with_feedback(feedback).with_seed(9);
            let truth = bptt::gradient_with_feedback(network, LOSS, &batch, &method).values;
            let plain = bptt::gradient(network, LOSS, &batch).values;
            for window in [1, 2, 3, 7, 19] {
                let method = method.with_carry(Carry::Layer).with_window(window);
                let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 5).unwrap();
                let found = learner.gradient(&batch).unwrap().1.to_vec();
                for block in network.blocks() {
                    let range = block.range();
                    let error = agreement(&found[range.clone()], &truth[range.clone()], 0.0).relative_error;
                    // Everything in one window; across windows where nothing but the layer itself has a memory. Layers that
                    // hear nothing from above across a window keep everything with any carry.
                    let is_exact = window == 19
                        || block.layer + 1 == network.depth()
                        || compared.contains(&block.layer) && !(block.layer == 1 && network.depth() == 4);
                    if is_exact {
                        assert!(error < 1e-10, "{feedback:?} {network:?} K={window} {block:?}: {error}");
                    }
                    let from_plain = agreement(&found[range.clone()], &plain[range], 0.0).relative_error;
                    assert_eq!(from_plain > 1e-3, block.layer + 1 < network.depth(), "{feedback:?} {block:?} {from_plain}");
                }
                let claims = ostl_core::gradient_check::claims(network, &method);
                for (block, claim) in network.blocks().iter().zip(claims) {
                    assert_eq!(claim == Claim::Exact, block.layer + 1 == network.depth());
                }
            }
        }
    }
    // Other seeds, other matrices; the same seed, the same.
    let weights = |seed| {
        ostl_core::feedback::FeedbackWeights::new(&networks[0].0, &Method::osttp().with_seed(seed)).below(1).into_owned()
    };
    assert!(weights(1) == weights(1) && weights(1) != weights(2));
}

/// Per-unit feedback of the target alone needs no error: it is the same whatever the readout says.
#[test]
fn a_target_projection_does_not_ask_the_readout() {
    let mut network = finish(builder().recurrent(Gated { recurrent: true }, 5).readout(4));
    let gradient = |network: &Network<f64>| {
        let method = Method::osttp().with_update(Update::Sequence);
        let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 5).unwrap();
        learner.gradient(&batch(3, 4)).unwrap().1.to_vec()
    };
    let before = gradient(&network);
    network.block_mut(1, "W").fill(0.3);
    let after = gradient(&network);
    let hidden = network.blocks().iter().find(|block| block.name == "H").unwrap().range();
    assert!(before[hidden.clone()].iter().any(|g| g.abs() > 1e-3));
    assert_eq!(before[hidden.clone()], after[hidden]);
}

#[test]
fn combinations_that_make_no_sense_are_refused() {
    let gated = finish(builder().recurrent(Gated { recurrent: true }, 5).readout(4));
    let refusal = |method: Method, words: &[&str]| {
        let error = Learner::new(gated.clone(), LOSS, method, OptimizerSettings::sgd(1.0), 5).err().unwrap().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    refusal(Method::uoro().with_feedback(Feedback::TargetProjection), &["feedback = target-projection", "uoro"]);
    refusal(Method::rtrl().with_feedback(Feedback::Random), &["feedback = random", "network"]);
    refusal(Method::kf_rtrl().with_feedback(Feedback::TargetProjection), &["feedback", "kf-rtrl"]);
    refusal(Method::rolling_tbptt(5).with_carry(Carry::Local), &["carry = local", "rolling"]);
    refusal(Method::snap(0), &["carry = snap-0"]);
    refusal(Method::ottt(), &["carry = presynaptic", "layer 0 (gated)", "leaky"]);
    refusal(Method::otpe().with_feedback(Feedback::Direct), &["feedback = direct", "symmetric"]);
    let deep = finish(builder().recurrent(Gated { recurrent: true }, 5).recurrent(Gated { recurrent: true }, 5).readout(4));
    let error = Learner::new(deep, LOSS, Method::otpe(), OptimizerSettings::sgd(1.0), 5).err().unwrap().to_string();
    assert!(error.contains("layer 1 (gated)"), "{error}");
}

/// E-prop as its paper has it (Bellec et al. 2020, eq. 1–4, 13 and 28), symmetric and with random feedback, for one recurrent spiking layer
/// and a leaky readout: eligibility traces filtered with κ, times the error of the readout.
#[test]
fn e_prop_by_hand() {
    let cell = Leaky { recurrent: true, detached: true, spikes: true };
    let network = finish(builder().recurrent(cell, 6).readout_of(Readout, 4));
    let batch = batch(3, 4);
    for (method, is_random) in [(Method::e_prop(), false), (Method::e_prop_random().with_seed(4), true)] {
        let mut learner = Learner::new(
            network.clone(),
            LOSS,
            method.with_update(Update::Sequence),
            OptimizerSettings::sgd(1.0),
            batch.streams(),
        )
        .unwrap();
        let found = learner.gradient(&batch).unwrap().1.to_vec();
        let (w, h, b, v) =
            (network.block(0, "W"), network.block(0, "H"), network.block(0, "threshold"), network.block(1, "W"));
        let weights = ostl_core::feedback::FeedbackWeights::new(&network, &method);
        let (n, m, o) = (6, 3, 4);
        let mut gradient = network.clone();
        gradient.parameters_mut().fill(0.0);
        for stream in 0..batch.streams() {
            let (mut s, mut y, mut r) = (vec![0.0; n], vec![0.0; n], vec![0.0; o]);
            // ε, and F_κ of ψ ε, for every connection: x, y and 1; and F_κ of ψ for the threshold.
            let columns = m + n + 1;
            let (mut trace, mut filtered) = (vec![vec![0.0; columns]; n], vec![vec![0.0; columns + 1]; n]);
            for step in 0..batch.lengths()[stream] {
                if batch.is_reset(stream, step) {
                    (s, y, r) = (vec![0.0; n], vec![0.0; n], vec![0.0; o]);
                    trace = vec![vec![0.0; columns]; n];
                    filtered = vec![vec![0.0; columns + 1]; n];
                }
                let z: Vec<f64> = batch.input(stream, step).iter().chain(&y).copied().chain([1.0]).collect();
                let weight = |i: usize, j: usize| match j {
                    j if j < m => w[(i, j)],
                    j if j < m + n => h[(i, j - m)],
                    _ => network.block(0, "b")[i],
                };
                for i in 0..n {
                    s[i] = 0.7 * s[i] + (0..columns).map(|j| weight(i, j) * z[j]).sum::<f64>() - y[i];
                }
                y = (0..n).map(|i| f64::from(s[i] + b[i] > 0.0)).collect();
                for i in 0..n {
                    let soft = 1.0 / (1.0 + (-4.0 * (s[i] + b[i])).exp());
                    let psi = 4.0 * soft * (1.0 - soft);
                    for j in 0..columns {
                        trace[i][j] = 0.7 * trace[i][j] + z[j];
                        filtered[i][j] = KAPPA * filtered[i][j] + 0.5 * psi * trace[i][j];
                    }
                    filtered[i][columns] = KAPPA * filtered[i][columns] + 0.5 * psi;
                }
                for k in 0..o {
                    let drive = network.block(1, "b")[k] + (0..n).map(|i| v[(k, i)] * y[i]).sum::<f64>();
                    r[k] = KAPPA * r[k] + 0.5 * drive;
                }
                let Some(target) = batch.target(stream, step) else { continue };
                let mut error = vec![0.0; o];
                LOSS.evaluate(&r, target, &mut error);
                for i in 0..n {
                    let back = |k: usize| if is_random { weights.below(1)[(i, k)] } else { v[(k, i)] };
                    let signal: f64 = (0..o).map(|k| back(k) * error[k]).sum();
                    (0..m).for_each(|j| gradient.block_mut(0, "W")[(i, j)] += signal * filtered[i][j]);
                    (0..n).for_each(|j| gradient.block_mut(0, "H")[(i, j)] += signal * filtered[i][m + j]);
                    gradient.block_mut(0, "b")[i] += signal * filtered[i][m + n];
                    gradient.block_mut(0, "threshold")[i] += signal * filtered[i][columns];
                }
            }
        }
        for block in network.blocks().iter().filter(|block| block.layer == 0) {
            let (found, by_hand) = (&found[block.range()], &gradient.parameters()[block.range()]);
            let agreement = agreement(found, by_hand, 0.0);
            assert!(agreement.relative_error < 1e-10, "random {is_random}, {}: {agreement:?}", block.name);
        }
    }
}

/// What the window hears of H at its edge is worth having, and cut where nothing comes through H it changes nothing.
#[test]
fn a_heard_edge_is_closer_than_a_cut_one() {
    use ostl_core::Edge;
    let network = finish(builder().recurrent(Gated { recurrent: true }, 6).readout(4));
    let (heard, cut) = (with(Carry::Local, 1), with(Carry::Local, 1).with_edge(Edge::Cut));
    assert!(errors(&network, heard)[0] < errors(&network, cut)[0]);
    let closed = finish(builder().recurrent(Gated { recurrent: false }, 6).readout(4));
    assert!(errors(&closed, cut)[0] < 1e-10);
    assert!(with(Carry::Layer, 1).with_edge(Edge::Cut).validate().is_err());
}
