//! Cells whose recurrence is element-wise: each unit's own trace is the whole influence, so the local carry has the gradient of BPTT,
//! recurrence included, at the price of no recurrence.

use crate::stacks::{LayerPlan, Plan};
use ostl_cells::CellConfig;
use ostl_core::gradient_check::{Claim, audit};
use ostl_core::{Activation, Carry, Loss, Method};

fn element_wise_cells() -> Vec<(String, CellConfig)> {
    let every = CellConfig::every().into_iter();
    every.filter(|(name, cell)| !cell.with_recurrent(true).is_recurrent() && !name.ends_with("without-h")).collect()
}

#[test]
fn the_local_carry_is_exact_with_the_recurrence() {
    let cells = element_wise_cells();
    let kinds: std::collections::BTreeSet<_> = cells.iter().map(|(_, cell)| cell.name()).collect();
    assert_eq!(kinds, ["e-lstm", "ind-rnn", "li", "lru", "min-gru", "min-lstm", "rtu"].into());
    for (seed, (name, cell)) in cells.into_iter().enumerate() {
        let plan = Plan {
            inputs: 3,
            layers: vec![LayerPlan::Cell(cell, 6), LayerPlan::Dense(Activation::Tanh, 4)],
            outputs: 2,
            loss: Loss::MeanSquaredError,
            lengths: vec![40, 33, 25],
            targets: 50,
            resets: 4,
            active: 100,
            seed: seed as u64,
        };
        let (network, batch) = (plan.network::<f64>(), plan.batch());
        for window in [1, 2, 3, 7] {
            let run =
                |carry| audit(&network, plan.loss, &Method { carry, ..Method::bptt() }.with_window(window), &batch).unwrap();
            for block in run(Carry::Local).blocks {
                assert_eq!(block.claim, Claim::Exact, "{name}: {block:?}");
                assert!(block.relative_error < 1e-10, "{name} K={window}: {block:?}");
            }
            // Without a trace every block of the cell's layer is wrong: the past does act across windows.
            for block in run(Carry::None).blocks.iter().filter(|block| block.layer == 0) {
                let acts_at_once = name == "e-lstm" && block.block == "output_weight";
                assert!(acts_at_once || block.relative_error > 1e-4, "{name} K={window}: {block:?}");
            }
        }
    }
}

/// ν, θ and γ of a layer start unit by unit, inside the ring that was asked for.
#[test]
fn units_of_a_layer_start_unlike() {
    let lru: CellConfig = serde_json::from_value(serde_json::json!({"cell": "lru", "r_min": 0.5, "r_max": 0.9})).unwrap();
    let network = lru.add_to(ostl_core::Network::<f64>::builder(2), 32).unwrap().readout(1).unwrap();
    let mut radii: Vec<f64> = network.block(0, "nu").iter().map(|nu| (-nu.exp()).exp()).collect();
    radii.sort_by(f64::total_cmp);
    assert!(radii.windows(2).all(|pair| pair[0] < pair[1]) && radii[0] > 0.5 && radii[31] < 0.9, "{radii:?}");
    let phases: Vec<f64> = network.block(0, "theta").iter().map(|theta| theta.exp()).collect();
    assert!(phases.iter().all(|phase| (0.0..std::f64::consts::TAU).contains(phase)));
}
