//! Every method against BPTT by an independent sweep, and that against central differences.

use crate::persistence::config;
use crate::stacks::{LayerPlan, Plan, any_plan, block_of};
use ostl_cells::CellConfig;
use ostl_core::gradient_check::{Claim, agreement, audit, central_differences};
use ostl_core::{Activity, Carry, Edge, Method, Network, RateTerm, Window, bptt};
use proptest::prelude::*;

const CARRIES: [Carry; 13] = [
    Carry::None,
    Carry::Local,
    Carry::Layer,
    Carry::Network,
    Carry::Snap(1),
    Carry::Snap(2),
    Carry::Snap(3),
    Carry::Uoro(1),
    Carry::LocalUoro(1),
    Carry::LocalUoro(3),
    Carry::KfRtrl,
    Carry::Presynaptic,
    Carry::Postsynaptic,
];

fn every_cell() -> Vec<CellConfig> {
    CellConfig::every().into_iter().map(|(_, cell)| cell).collect()
}

/// Cells without kinks: differences mean something anywhere.
fn smooth_cells() -> Vec<CellConfig> {
    every_cell().into_iter().filter(|cell| !cell.is_spiking() && !cell.has_kinks()).collect()
}

fn spiking_cells() -> Vec<CellConfig> {
    every_cell().into_iter().filter(CellConfig::is_spiking).collect()
}

/// Every carry at one window length: what is claimed exact is, and a cosine is measured everywhere.
fn methods_keep_their_claims(plan: &Plan, window: usize) -> Result<(), TestCaseError> {
    claims_hold(&plan.network(), plan, Window::Steps(window), Edge::Heard)
}

fn claims_hold(network: &Network<f64>, plan: &Plan, window: Window, edge: Edge) -> Result<(), TestCaseError> {
    let batch = plan.batch();
    for carry in CARRIES {
        let steps = window.steps().unwrap();
        let block = block_of(plan.seed, if let Window::Rolling { every, .. } = window { every } else { steps });
        let method = Method { carry, block, window, ..Method::bptt() }.with_edge(edge);
        if method.validate_for(network).is_err() {
            prop_assert!(
                edge == Edge::Cut || matches!(carry, Carry::Presynaptic | Carry::Postsynaptic) || carry.is_random()
            );
            continue;
        }
        let audit = audit(network, plan.loss, &method, &batch).map_err(|error| TestCaseError::fail(error.to_string()))?;
        for block in &audit.blocks {
            prop_assert!(block.holds(), "{carry:?} {window}: {block:?}");
            // Where the gradient is nothing at all, a random estimate of it is infinitely far off.
            let is_random = carry.is_random();
            prop_assert!(block.cosine.is_finite() && !block.relative_error.is_nan(), "{carry:?} {window}: {block:?}");
            prop_assert!(is_random || block.relative_error.is_finite(), "{carry:?} {window}: {block:?}");
            if carry == Carry::Network {
                prop_assert_eq!(block.claim, Claim::Exact);
            }
            // One window over everything is BPTT whatever the carry and the claim.
            let whole = if let Window::Rolling { every, .. } = window { steps + 1 - every } else { steps };
            if plan.lengths.iter().all(|&length| length <= whole) {
                prop_assert!(block.relative_error < 1e-10, "{carry:?} {window} is one window: {block:?}");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(400, file!()))]

    #[test]
    fn every_carry_and_window_against_bptt(plan in any_plan(every_cell(), false, 20), window in prop::sample::select(vec![1_usize, 2, 3, 7, 0])) {
        let longest = *plan.lengths.iter().max().unwrap();
        methods_keep_their_claims(&plan, if window == 0 { longest } else { window })?;
    }

    /// The last steps and, before them, what is carried.
    #[test]
    fn any_rolling_window_against_bptt(
        plan in any_plan(every_cell(), false, 20),
        steps in prop::sample::select(vec![1_usize, 2, 3, 7, 12]),
        every in 1..=7_usize,
    ) {
        let window = Window::Rolling { steps, every: every.min(steps) };
        claims_hold(&plan.network(), &plan, window, Edge::Heard)?;
    }

    #[test]
    fn any_window_against_bptt(plan in any_plan(every_cell(), false, 20), window in 1..=20_usize) {
        methods_keep_their_claims(&plan, window)?;
    }
}

proptest! {
    #![proptest_config(config(200, file!()))]

    /// Readouts that leak, fixed or learnt, or that are cells of any kind; activity terms; edges cut.
    #[test]
    fn readouts_with_a_memory_and_activity_terms(
        plan in any_plan(every_cell(), false, 16),
        window in prop::sample::select(vec![1_usize, 2, 3, 7, 16]),
        readout in prop::sample::select(vec![None, Some("li"), Some("li"), Some("li-learnable-decay"), Some("lru"), Some("lstm"), Some("snu-tanh")]),
        is_active in any::<bool>(),
        is_cut in any::<bool>(),
    ) {
        let rate = RateTerm { target: 0.2, weight: 0.7, decay: 0.8 };
        let activity = Activity { rate: Some(rate), voltage: None }.with_voltage(0.3, 0.4);
        let activity = if is_active { activity } else { Activity::default() };
        let readout = readout.map(|name| CellConfig::every().into_iter().find(|(known, _)| known == name).unwrap().1);
        let edge = if is_cut { Edge::Cut } else { Edge::Heard };
        claims_hold(&plan.network_with(readout, activity), &plan, Window::Steps(window), edge)?;
        let rolling = Window::Rolling { steps: window, every: window.div_ceil(2) };
        claims_hold(&plan.network_with(readout, activity), &plan, rolling, edge)?;
    }
}

proptest! {
    #![proptest_config(config(150, file!()))]

    #[test]
    fn bptt_against_central_differences(plan in any_plan(smooth_cells(), true, 12)) {
        let (network, batch) = (plan.network::<f64>(), plan.batch());
        prop_assert!(network.is_smooth());
        let truth = central_differences(&network, plan.loss, &batch, 1e-5);
        let found = bptt::gradient(&network, plan.loss, &batch);
        let agreement = agreement(&found.values, &truth, 1e-4);
        prop_assert!(agreement.relative_error < 1e-6, "{agreement:?}");
        let loss = bptt::loss(&network, plan.loss, &batch);
        prop_assert!((found.loss - loss).abs() < 1e-12 * (1.0 + loss.abs()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 30, ..config(150, file!()) })]

    #[test]
    fn spiking_stacks_spike_and_match_bptt(plan in any_plan(spiking_cells(), false, 20), window in prop::sample::select(vec![1_usize, 2, 3, 7])) {
        // Long enough, wide enough and driven hard enough that every layer has something to say.
        let mut plan = plan;
        for length in &mut plan.lengths {
            *length = 12 + *length % 9;
        }
        for layer in &mut plan.layers {
            if let LayerPlan::Cell(_, units) = layer {
                *units += 3;
            }
        }
        let mut network = plan.network::<f64>();
        for block in network.blocks().to_vec() {
            if block.name == "threshold" {
                network.parameters_mut()[block.range()].fill(-0.2);
            }
            if block.name == "W" && block.layer + 1 < network.depth() {
                network.parameters_mut()[block.range()].iter_mut().for_each(|w| *w = w.abs() * 1.5);
            }
        }
        let batch = plan.batch();
        let outputs: Vec<_> = (0..batch.streams()).flat_map(|stream| bptt::layer_outputs(&network, &batch, stream)).collect();
        for layer in (0..plan.layers.len()).filter(|&layer| matches!(plan.layers[layer], LayerPlan::Cell(..))) {
            let spikes: Vec<f64> = outputs.iter().flat_map(|step| step[layer].iter().copied()).collect();
            prop_assert!(spikes.iter().all(|&y| y == 0.0 || y == 1.0));
            // A layer whose units never or always fire proves nothing; few stacks may have one (`max_global_rejects`).
            let rate = spikes.iter().sum::<f64>() / spikes.len() as f64;
            prop_assume!(rate > 0.01 && rate < 0.99, "firing rate {}", rate);
        }
        for carry in CARRIES {
            let method = Method { carry, block: block_of(plan.seed, window), ..Method::bptt() }.with_window(window);
            if method.validate_for(&network).is_err() {
                continue;
            }
            let audit = audit(&network, plan.loss, &method, &batch).unwrap();
            prop_assert!(audit.holds(), "{carry:?} {window}: {:?}", audit.blocks);
        }
    }
}

/// Inputs that are mostly zeros take the way of events, whatever a block holds.
#[test]
fn sparse_inputs_match_bptt_whatever_the_window() {
    use ostl_core::Loss;
    for (seed, (name, cell)) in CellConfig::every().into_iter().enumerate() {
        for (layers, lengths) in [
            (vec![LayerPlan::Cell(cell, 19)], vec![37, 37, 30, 22, 11]),
            (vec![LayerPlan::Cell(cell, 5), LayerPlan::Cell(cell.with_recurrent(false), 6)], vec![24; 9]),
        ] {
            let plan = Plan {
                inputs: 43,
                layers,
                outputs: 3,
                loss: Loss::SoftmaxCrossEntropy,
                lengths,
                targets: 70,
                resets: 3,
                active: 4,
                seed: seed as u64,
            };
            for window in [1, 2, 3, 7, 40] {
                for (carry, block) in
                    [Carry::Local, Carry::Layer].into_iter().flat_map(|carry| (0..4).map(move |b| (carry, b)))
                {
                    let method = Method { carry, block: block_of(block, window), ..Method::bptt() }.with_window(window);
                    let audit = audit(&plan.network::<f64>(), plan.loss, &method, &plan.batch()).unwrap();
                    assert!(audit.holds(), "{name} {method:?}: {:?}", audit.blocks);
                }
            }
        }
    }
}

/// Traces in sixteen bits are close, and nobody claims more.
#[test]
fn traces_in_sixteen_bits_cost_a_little() {
    use ostl_core::{Loss, TraceFormat};
    for name in ["ssnu-without-h", "snu-tanh-without-h", "ssnu-learnable-decay-without-h"] {
        let cell = CellConfig::every().into_iter().find(|(listed, _)| listed == name).unwrap().1;
        let plan = Plan {
            inputs: 5,
            layers: vec![LayerPlan::Cell(cell, 9)],
            outputs: 3,
            loss: Loss::SoftmaxCrossEntropy,
            lengths: vec![30, 25],
            targets: 100,
            resets: 0,
            active: 100,
            seed: 3,
        };
        for window in [1, 5] {
            // Traces round where they are moved on.
            let method = Method::ostl_without_h().with_window(window).with_update(ostl_core::Update::Sequence).with_block(1);
            let error = |method: Method| {
                let audit = audit(&plan.network::<f64>(), plan.loss, &method, &plan.batch()).unwrap();
                let weights = audit.blocks.into_iter().find(|block| block.block == "W").unwrap();
                (weights.claim, weights.relative_error)
            };
            let (claim, exact) = error(method);
            assert!(claim == Claim::Exact && exact < 1e-12);
            let (claim, rounded) = error(method.with_trace(TraceFormat::Bf16));
            assert_eq!(claim, Claim::Approximate);
            assert!(rounded > 1e-7 && rounded < 1e-2, "{name} K={window}: {rounded}");
        }
    }
    let sparse = Method { carry: Carry::Snap(2), ..Method::ostl_without_h() };
    assert!(sparse.with_trace(TraceFormat::Bf16).validate().is_err());
}

/// The same of the whole influence matrix, through H and from layer to layer.
#[test]
fn an_influence_matrix_in_sixteen_bits_costs_a_little() {
    use ostl_core::{Loss, TraceFormat};
    for (cell, carry) in [("rnn", Carry::Layer), ("lstm", Carry::Layer), ("gru", Carry::Network), ("lif", Carry::Layer)] {
        let cell = CellConfig::every().into_iter().find(|(listed, _)| listed == cell).unwrap().1;
        let layers = if carry == Carry::Network { 2 } else { 1 };
        let plan = Plan {
            inputs: 5,
            layers: vec![LayerPlan::Cell(cell, 9); layers],
            outputs: 3,
            loss: Loss::SoftmaxCrossEntropy,
            lengths: vec![30, 25],
            targets: 100,
            resets: 1,
            active: 100,
            seed: 3,
        };
        for (window, update) in
            [(1, ostl_core::Update::Sequence), (5, ostl_core::Update::Sequence), (3, ostl_core::Update::Window)]
        {
            // ε is rounded when it is moved on: once a window here.
            let method = Method { carry, ..Method::ostl() }.with_window(window).with_update(update).with_block(1);
            let blocks = |method: Method| audit(&plan.network::<f64>(), plan.loss, &method, &plan.batch()).unwrap().blocks;
            let (exact, rounded) = (blocks(method), blocks(method.with_trace(TraceFormat::Bf16)));
            for (exact, rounded) in exact.iter().zip(&rounded).filter(|(exact, _)| exact.layer == 0) {
                let block = &exact.block;
                assert!(exact.claim == Claim::Exact && exact.relative_error < 1e-10, "{cell:?} {block} K={window}");
                assert_eq!(rounded.claim, Claim::Approximate, "{cell:?} {block}");
                let error = rounded.relative_error;
                assert!(error > 1e-7 && error < 2e-2, "{cell:?} {carry} {block} K={window}: {error}");
            }
        }
    }
}

/// ReLU layers and ReLU states have kinks; at fixed seeds, away from them, differences still apply.
#[test]
fn bptt_against_central_differences_away_from_kinks() {
    use ostl_core::{Activation, Loss};
    let cells = CellConfig::every().into_iter().filter(|(_, cell)| !cell.is_spiking());
    for (seed, (name, cell)) in cells.enumerate() {
        let plan = Plan {
            inputs: 3,
            layers: vec![LayerPlan::Dense(Activation::Relu, 4), LayerPlan::Cell(cell, 3)],
            outputs: 2,
            loss: Loss::SoftmaxCrossEntropy,
            lengths: vec![9, 5],
            targets: 60,
            resets: 10,
            active: 100,
            seed: seed as u64,
        };
        let (network, batch) = (plan.network::<f64>(), plan.batch());
        let truth = central_differences(&network, plan.loss, &batch, 1e-6);
        let found = bptt::gradient(&network, plan.loss, &batch).values;
        let agreement = agreement(&found, &truth, 0.0);
        assert!(agreement.relative_error < 1e-6, "{name}: {agreement:?}");
    }
}

/// What is claimed approximate really is: otherwise the claims would be idle, and a broken carry could hide behind them.
#[test]
fn what_is_claimed_approximate_is_not_exact() {
    use ostl_core::Loss;
    let plan = |layers: Vec<LayerPlan>| Plan {
        inputs: 3,
        layers,
        outputs: 3,
        loss: Loss::SoftmaxCrossEntropy,
        lengths: vec![20, 17],
        targets: 100,
        resets: 0,
        active: 100,
        seed: 5,
    };
    for (name, cell) in CellConfig::every() {
        let deep = plan(vec![LayerPlan::Cell(cell.with_recurrent(true), 4), LayerPlan::Cell(cell.with_recurrent(true), 4)]);
        let (network, batch) = (deep.network::<f64>(), deep.batch());
        for carry in [Carry::None, Carry::Local, Carry::Layer] {
            let audit = audit(&network, deep.loss, &Method { carry, ..Method::bptt() }.with_window(2), &batch).unwrap();
            assert!(audit.residual.unwrap() > 1e-6, "{name}: the residual is {:?}", audit.residual);
            let lowest = audit.blocks.iter().find(|block| block.block == "W").unwrap();
            assert_eq!(lowest.claim, Claim::Approximate, "{name} {carry:?}");
            assert!(lowest.relative_error > 1e-6, "{name} {carry:?}: {lowest:?}");
        }
    }
}

#[test]
fn the_better_carry_is_closer_and_longer_windows_are_too() {
    use ostl_core::Loss;
    let cell = CellConfig::every().into_iter().find(|(name, _)| name.starts_with("lstm")).unwrap().1;
    let plan = Plan {
        inputs: 4,
        layers: vec![LayerPlan::Cell(cell, 5), LayerPlan::Cell(cell, 5)],
        outputs: 3,
        loss: Loss::SoftmaxCrossEntropy,
        lengths: vec![20; 4],
        targets: 100,
        resets: 0,
        active: 100,
        seed: 9,
    };
    let (network, batch) = (plan.network::<f64>(), plan.batch());
    let error = |carry: Carry, window: usize| {
        let method = Method { carry, ..Method::bptt() }.with_window(window);
        let audit = audit(&network, plan.loss, &method, &batch).unwrap();
        audit.blocks.iter().map(|block| block.relative_error).fold(0.0, f64::max)
    };
    assert!(error(Carry::Network, 2) < 1e-12);
    assert!(error(Carry::Layer, 2) < error(Carry::None, 2));
    assert!(error(Carry::Layer, 10) < error(Carry::Layer, 1));
}
