//! SnAp-n in plain loops, forward in time: tangents of every state in every parameter, of which between windows only those are kept that a
//! parameter reaches within n steps (Menick et al. 2021, § 3). Inside a window nothing is left out. At one step a window and a cut edge, SnAp-1 is
//! the published one.
#![allow(clippy::needless_range_loop, reason = "indices as the equations have them")]

use crate::leaky::{Gated, LOSS, Leaky, batch, builder, finish};
use ostl_core::gradient_check::agreement;
use ostl_core::{Carry, Cell, Edge, Learner, Method, Network, OptimizerSettings, SequenceBatch, Unit, bptt};

/// What a parameter is multiplied with.
#[derive(Clone, Copy)]
enum With {
    Input(usize),
    Output(usize),
    One,
}

/// One parameter of the recurrent layer: its place, and the unit and gate that it feeds.
struct Parameter {
    place: usize,
    unit: usize,
    gate: usize,
    with: With,
}

/// ds and dy of every unit.
#[derive(Clone)]
struct Tangent {
    s: Vec<Vec<f64>>,
    y: Vec<f64>,
}

impl Tangent {
    fn zero(units: usize, states: usize) -> Self {
        Self { s: vec![vec![0.0; states]; units], y: vec![0.0; units] }
    }
}

fn parameters<C: Cell<S, G>, const S: usize, const G: usize>(cell: C, network: &Network<f64>, n: usize) -> Vec<Parameter> {
    let gates = cell.gates();
    let which = |sums: &dyn Fn(usize) -> bool| (0..G).filter(|&g| sums(g)).collect::<Vec<_>>();
    let mut all = Vec::new();
    for block in network.blocks().iter().filter(|block| block.layer == 0) {
        let of_block = match block.name {
            "W" => which(&|g| gates[g].sums_input),
            "H" => which(&|g| gates[g].sums_output),
            "b" => which(&|g| gates[g].sums_one && !gates[g].is_constant()),
            name => which(&|g| gates[g].name == name),
        };
        for column in 0..block.columns {
            for row in 0..block.rows {
                let with = match block.name {
                    "W" => With::Input(column),
                    "H" => With::Output(column),
                    _ => With::One,
                };
                let exists = |from| network.connections(0).is_none_or(|connections| connections.exists(from, row % n));
                if matches!(with, With::Output(from) if !exists(from)) {
                    continue;
                }
                let place = block.offset + column * block.rows + row;
                all.push(Parameter { place, unit: row % n, gate: of_block[row / n], with });
            }
        }
    }
    all
}

/// Units that each unit reaches within `order` steps, itself included.
fn reached(network: &Network<f64>, n: usize, order: usize) -> Vec<Vec<bool>> {
    let exists = |from, to| network.connections(0).is_none_or(|connections| connections.exists(from, to));
    let mut reached: Vec<Vec<bool>> = (0..n).map(|i| (0..n).map(|j| i == j).collect()).collect();
    for _ in 1..order {
        let further = |row: &Vec<bool>| (0..n).map(|to| row[to] || (0..n).any(|via| row[via] && exists(via, to))).collect();
        reached = reached.iter().map(further).collect();
    }
    reached
}

/// The gradient of a recurrent layer of this cell below a dense readout.
fn snap_by_hand<C: Cell<S, G>, const S: usize, const G: usize>(
    cell: C,
    network: &Network<f64>,
    batch: &SequenceBatch<f64>,
    (order, window, edge): (usize, usize, Edge),
) -> Vec<f64> {
    let (w, h) = (network.block(0, "W").into_owned(), network.block(0, "H").into_owned());
    let (readout, constants) = (network.block(1, "W").into_owned(), network.block(1, "b").into_owned());
    let (n, gates) = (h.ncols(), cell.gates());
    let parameters = parameters(cell, network, n);
    let reached = reached(network, n, order);
    // Rows of W and H of each gate, and the constants.
    let place = |sums: &dyn Fn(usize) -> bool, g: usize| sums(g).then(|| (0..g).filter(|&g| sums(g)).count());
    let row_of_w: Vec<_> = (0..G).map(|g| place(&|g| gates[g].sums_input, g)).collect();
    let row_of_h: Vec<_> = (0..G).map(|g| place(&|g| gates[g].sums_output, g)).collect();
    let mut bias = vec![[0.0; G]; n];
    for p in parameters.iter().filter(|p| matches!(p.with, With::One)) {
        bias[p.unit][p.gate] = network.parameters()[p.place];
    }
    let mut gradient = vec![0.0; network.parameters().len()];
    for stream in 0..batch.streams() {
        let mut units = vec![Unit { s: [0.0; S], y: 0.0 }; n];
        let zeros = vec![Tangent::zero(n, S); parameters.len()];
        // Of what the window itself brought, and of what was kept before it: as its errors read it, and as it moves on.
        let (mut own, mut read, mut kept) = (zeros.clone(), zeros.clone(), zeros.clone());
        for step in 0..batch.lengths()[stream] {
            if batch.is_reset(stream, step) {
                units = vec![Unit { s: [0.0; S], y: 0.0 }; n];
                (own, read, kept) = (zeros.clone(), zeros.clone(), zeros.clone());
            }
            let (x, before) = (batch.input(stream, step), units.clone());
            let mut partials = Vec::new();
            for i in 0..n {
                let mut a = bias[i];
                for g in 0..G {
                    if let Some(row) = row_of_w[g] {
                        a[g] += (0..x.len()).map(|j| w[(row * n + i, j)] * x[j]).sum::<f64>();
                    }
                    if let Some(row) = row_of_h[g] {
                        a[g] += (0..n).map(|j| h[(row * n + i, j)] * before[j].y).sum::<f64>();
                    }
                }
                let (unit, found) = cell.linearise(before[i], a);
                units[i] = unit;
                partials.push(found);
            }
            let is_first = step % window == 0;
            let move_on = |tangent: &Tangent, parameter: Option<&Parameter>, is_cut: bool| {
                let mut next = Tangent::zero(n, S);
                for i in 0..n {
                    let mut da = [0.0; G];
                    for g in 0..G {
                        if let Some(row) = row_of_h[g] {
                            let heard = (0..n).filter(|&j| !is_cut || j == i);
                            da[g] += heard.map(|j| h[(row * n + i, j)] * tangent.y[j]).sum::<f64>();
                        }
                    }
                    if let Some(p) = parameter.filter(|p| p.unit == i) {
                        da[p.gate] += match p.with {
                            With::Input(j) => x[j],
                            With::Output(j) => before[j].y,
                            With::One => 1.0,
                        };
                    }
                    let p = &partials[i];
                    for v in 0..S {
                        let from_s: f64 = (0..S).map(|u| p.ds_ds[v][u] * tangent.s[i][u]).sum();
                        let from_a: f64 = (0..G).map(|g| p.ds_da[v][g] * da[g]).sum();
                        next.s[i][v] = from_s + p.ds_dy[v] * tangent.y[i] + from_a;
                    }
                    let from_s: f64 = (0..S).map(|v| p.dy_ds[v] * next.s[i][v]).sum();
                    next.y[i] = from_s + (0..G).map(|g| p.dy_da[g] * da[g]).sum::<f64>();
                }
                next
            };
            for (k, p) in parameters.iter().enumerate() {
                own[k] = move_on(&own[k], Some(p), false);
                read[k] = move_on(&read[k], None, is_first && edge == Edge::Cut);
                kept[k] = move_on(&kept[k], None, false);
            }
            if let Some(target) = batch.target(stream, step) {
                let o = readout.nrows();
                let logits: Vec<f64> =
                    (0..o).map(|k| constants[k] + (0..n).map(|i| readout[(k, i)] * units[i].y).sum::<f64>()).collect();
                let mut error = vec![0.0; o];
                LOSS.evaluate(&logits, target, &mut error);
                for (k, p) in parameters.iter().enumerate() {
                    for i in 0..n {
                        let wanted: f64 = (0..o).map(|k| readout[(k, i)] * error[k]).sum();
                        gradient[p.place] += wanted * (own[k].y[i] + read[k].y[i]);
                    }
                }
            }
            if (step + 1) % window == 0 {
                for (k, p) in parameters.iter().enumerate() {
                    for i in 0..n {
                        let is_kept = if reached[p.unit][i] { 1.0 } else { 0.0 };
                        for v in 0..S {
                            kept[k].s[i][v] = is_kept * (kept[k].s[i][v] + own[k].s[i][v]);
                        }
                        kept[k].y[i] = is_kept * (kept[k].y[i] + own[k].y[i]);
                    }
                }
                (own, read) = (zeros.clone(), kept.clone());
            }
        }
    }
    network.blocks().iter().filter(|block| block.layer == 0).flat_map(|block| gradient[block.range()].to_vec()).collect()
}

fn of_layer(network: &Network<f64>, values: &[f64]) -> Vec<f64> {
    network.blocks().iter().filter(|block| block.layer == 0).flat_map(|block| values[block.range()].to_vec()).collect()
}

fn compare<C: Cell<S, G>, const S: usize, const G: usize>(cell: C, density: f64) {
    let mut network = finish(builder().recurrent(cell, 5).density(density).readout(4));
    network.prune();
    let batch = batch(3, 4);
    let whole = of_layer(&network, &bptt::gradient(&network, LOSS, &batch).values);
    for window in [1, 2, 3, 7] {
        let mut last = f64::INFINITY;
        for (order, edge) in [(1, Edge::Cut), (1, Edge::Heard), (2, Edge::Heard), (3, Edge::Heard), (5, Edge::Heard)] {
            let method = Method::bptt().with_carry(Carry::Snap(order)).with_edge(edge).with_window(window);
            let mut learner =
                Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), batch.streams()).unwrap();
            let found = of_layer(&network, learner.gradient(&batch).unwrap().1);
            let by_hand = snap_by_hand(cell, &network, &batch, (order, window, edge));
            let what = format!("{network:?} snap-{order} {edge:?} K={window}");
            assert!(agreement(&found, &by_hand, 0.0).relative_error < 1e-10, "{what}");
            let error = agreement(&found, &whole, 0.0).relative_error;
            let is_saturated = reached(&network, 5, order) == reached(&network, 5, 6);
            assert_eq!(error < 1e-10, is_saturated, "{what}: {error}");
            assert!(error < 1.5 * last + 1e-12, "{what}: {error} after {last}");
            last = error;
        }
    }
}

#[test]
fn snap_masks_between_windows_and_nowhere_else() {
    for density in [1.0, 0.4] {
        compare(Gated { recurrent: true }, density);
        compare(Leaky { recurrent: true, detached: false, spikes: false }, density);
        compare(Leaky { recurrent: true, detached: true, spikes: true }, density);
    }
}
