//! The pass against the equations in plain loops, window after window.

use super::*;
use crate::tape::events::{Events, Listing};
use crate::trace::equations;

const UNITS: usize = 21;
const ROWS: usize = 11;
const STREAMS: usize = 3;
const CAPACITY: usize = 4;
/// Gates of the block, among the layer's three.
const GATES: usize = 2;
const FIRST_GATE: usize = 1;

/// Numbers between −1 and 1.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

/// What one window brings: σ, C, A by stream, state variable, gate and unit, and z.
struct Window {
    steps: usize,
    signal: Vec<f64>,
    jacobian: Vec<f64>,
    influence: Vec<f64>,
    z: Vec<f64>,
    before: Vec<f64>,
    fresh: [bool; STREAMS],
    continues: [bool; STREAMS],
}

fn shape(states: usize) -> Shape {
    Shape {
        units: UNITS,
        states,
        gates: GATES,
        first_gate: FIRST_GATE,
        traced: 3,
        gradient_rows: 3 * UNITS,
        first_row: UNITS,
    }
}

impl Window {
    fn draw(draws: &mut Draws, states: usize, index: usize, share: f64) -> Self {
        let steps = 1 + index % CAPACITY;
        let padded = UNITS.next_multiple_of(TILE);
        let mut values = |count: usize| (0..count).map(|_| draws.next()).collect::<Vec<_>>();
        // Padded units stay zero, as the sweeps leave them.
        let mut planes = |count: usize| {
            let mut planes = values(count * padded);
            planes.chunks_exact_mut(padded).for_each(|plane| plane[UNITS..].fill(0.0));
            planes
        };
        let signal = planes(STREAMS * states);
        let jacobian = planes(STREAMS * states * states);
        let mut influence = vec![0.0; STREAMS * states * 3 * padded * (CAPACITY + 1)];
        for (panel, steps) in influence.chunks_exact_mut((CAPACITY + 1) * TILE).enumerate() {
            let first = panel % (padded / TILE) * TILE;
            for a in steps.chunks_exact_mut(TILE) {
                a.iter_mut().take(UNITS - first).for_each(|a| *a = draws.next());
            }
        }
        let z = (0..steps * STREAMS * ROWS)
            .map(|_| if (draws.next() + 1.0) / 2.0 < share { draws.next() } else { 0.0 })
            .collect();
        let before = (0..STREAMS * ROWS).map(|_| draws.next()).collect();
        // Stream 1 ends after the third window and starts anew with the fifth.
        let fresh = [index == 0, index == 0 || index == 3 || index == 4, index == 0 || index == 8];
        Self {
            steps,
            signal,
            jacobian,
            influence,
            z,
            before,
            fresh,
            continues: [true, index != 2 && index != 3, index != 7],
        }
    }

    fn a(&self, states: usize, (stream, v, gate, step, unit): (usize, usize, usize, usize, usize)) -> f64 {
        let panels = UNITS.div_ceil(TILE);
        let panel = ((stream * states + v) * 3 + gate) * panels + unit / TILE;
        self.influence[panel * (CAPACITY + 1) * TILE + step * TILE + unit % TILE]
    }
}

/// One stream of a window as the equations have it. The kernel leaves the sum of (1) over steps to others: here δ is zero.
fn plain(window: &Window, states: usize, hears_before: bool, stream: usize) -> equations::Window {
    let padded = UNITS.next_multiple_of(TILE);
    let plane = |planes: &[f64], index: usize| planes[index * padded..][..UNITS].to_vec();
    let a = |v: usize, gate: usize, step: usize| {
        (0..UNITS).map(|unit| window.a(states, (stream, v, FIRST_GATE + gate, step, unit))).collect()
    };
    let step = |z: &[f64], step: usize| equations::Step {
        z: z[stream * ROWS..][..ROWS].to_vec(),
        delta: vec![vec![0.0; UNITS]; GATES],
        influence: (0..states).map(|v| (0..GATES).map(|gate| a(v, gate, step)).collect()).collect(),
    };
    // The step before the window is one more, where it is felt in s through y and the stream had one.
    let before = (hears_before && !window.fresh[stream]).then(|| step(&window.before, 0));
    let steps = window.z.chunks_exact(STREAMS * ROWS).enumerate().map(|(t, z)| step(z, t + 1));
    let start = |v: usize| (0..states).map(move |w| (stream * states + v) * states + w);
    equations::Window {
        steps: before.into_iter().chain(steps).collect(),
        signal: (0..states).map(|v| plane(&window.signal, stream * states + v)).collect(),
        jacobian: (0..states).map(|v| start(v).map(|index| plane(&window.jacobian, index)).collect()).collect(),
    }
}

/// Reads every stream's trace out into the gradient, which lies as the kernel's does, and moves it on, by the equations.
fn advance_plain(window: &Window, states: usize, hears_before: bool, traces: &mut [equations::Trace], gradient: &mut [f64]) {
    for (stream, trace) in traces.iter_mut().enumerate() {
        if window.fresh[stream] {
            *trace = equations::Trace::zero(states, GATES, UNITS, ROWS);
        }
        let window = plain(window, states, hears_before, stream);
        for (gate, units) in equations::gradient(&window, trace).iter().enumerate() {
            for (unit, columns) in units.iter().enumerate() {
                for (column, value) in columns.iter().enumerate() {
                    gradient[column * 3 * UNITS + (FIRST_GATE + gate) * UNITS + unit] += value;
                }
            }
        }
        *trace = equations::advance(&window, trace);
    }
}

fn agrees(states: usize, share: f64, hears_before: bool) {
    let (shape, mut draws) = (shape(states), Draws(0x9E37_79B9_7F4A_7C15));
    let tiles = ROWS.div_ceil(COLUMNS);
    let mut values = vec![f64::NAN; tiles * STREAMS * shape.tile_values()];
    let (mut found, mut truth) = (vec![0.0; ROWS * 3 * UNITS], vec![0.0; ROWS * 3 * UNITS]);
    let mut traces: Vec<_> = (0..STREAMS).map(|_| equations::Trace::zero(states, GATES, UNITS, ROWS)).collect();
    for index in 0..9 {
        let window = Window::draw(&mut draws, states, index, share);
        let mut events = Events::new(ROWS, if share < 1.0 { Listing::WhileSparse } else { Listing::Never });
        events.reserve(window.steps * STREAMS);
        events.open();
        events.append(0, &window.z);
        events.sort(STREAMS, window.steps);
        advance_plain(&window, states, hears_before, &mut traces, &mut truth);
        let parts = values.chunks_exact_mut(STREAMS * shape.tile_values()).zip(found.chunks_mut(COLUMNS * 3 * UNITS));
        for (tile, (values, gradient)) in parts.enumerate() {
            advance(LaneTile {
                shape,
                values,
                streams: STREAMS,
                columns: gradient.len() / (3 * UNITS),
                gradient,
                first: tile * COLUMNS,
                window: LaneWindow {
                    signal: &window.signal,
                    jacobian: &window.jacobian,
                    influence: &window.influence,
                    capacity: CAPACITY,
                    presynaptic: if events.is_sparse() {
                        Presynaptic::Sparse(&events)
                    } else {
                        Presynaptic::Dense { now: &window.z, rows: ROWS }
                    },
                    before: if hears_before { &window.before } else { &[] },
                    steps: window.steps,
                    active: STREAMS,
                    fresh: &window.fresh,
                    continues: &window.continues,
                },
            });
        }
        for (found, truth) in found.iter().zip(&truth) {
            assert!(
                (found - truth).abs() < 1e-9 * (1.0 + truth.abs()),
                "S = {states}, {share}, window {index}: {found} {truth}"
            );
        }
    }
    assert!(truth.iter().any(|g| g.abs() > 0.1), "something was read out");
}

#[test]
fn the_pass_equals_the_equations() {
    for states in [1, 2, 3, 4] {
        for share in [1.0, 0.1] {
            for hears_before in [false, true] {
                agrees(states, share, hears_before);
            }
        }
    }
}
