//! The pass against its plain twin: the two formulas, window after window, with an index for everything and nothing left to wait.
#![allow(clippy::needless_range_loop, reason = "the twin has the formulas' indices")]

use super::*;
use crate::tape::events::{Events, Listing};

const UNITS: usize = 21;
const ROWS: usize = 11;
const STREAMS: usize = 3;
const CAPACITY: usize = 4;

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
        gates: 2,
        first_gate: 1,
        traced: 3,
        capacity: CAPACITY,
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

/// gradient += σ·ε; ε ← C ε + Σ A z, for every stream, column, gate and unit.
fn plain(window: &Window, states: usize, hears_before: bool, traces: &mut [Vec<f64>], gradient: &mut [f64]) {
    let padded = UNITS.next_multiple_of(TILE);
    for stream in 0..STREAMS {
        for column in 0..ROWS {
            for gate in 0..2 {
                for unit in 0..UNITS {
                    let place = |v: usize| ((column * 2 + gate) * states + v) * UNITS + unit;
                    let old: Vec<f64> =
                        (0..states).map(|v| if window.fresh[stream] { 0.0 } else { traces[stream][place(v)] }).collect();
                    for v in 0..states {
                        gradient[column * 3 * UNITS + (1 + gate) * UNITS + unit] +=
                            window.signal[(stream * states + v) * padded + unit] * old[v];
                        let mut new = 0.0;
                        for (w, old) in old.iter().enumerate() {
                            new += window.jacobian[(stream * states * states + v * states + w) * padded + unit] * old;
                        }
                        for step in 0..window.steps {
                            let z = window.z[(step * STREAMS + stream) * ROWS + column];
                            new += window.a(states, (stream, v, 1 + gate, step + 1, unit)) * z;
                        }
                        if hears_before && !window.fresh[stream] {
                            new += window.a(states, (stream, v, 1 + gate, 0, unit)) * window.before[stream * ROWS + column];
                        }
                        traces[stream][place(v)] = new;
                    }
                }
            }
        }
    }
}

fn agrees(states: usize, share: f64, hears_before: bool) {
    let (shape, mut draws) = (shape(states), Draws(0x9E37_79B9_7F4A_7C15));
    let tiles = ROWS.div_ceil(COLUMNS);
    let mut values = vec![f64::NAN; tiles * STREAMS * shape.tile_values()];
    let mut touched = vec![[ZERO; COLUMNS]; tiles * STREAMS];
    let (mut found, mut truth) = (vec![0.0; ROWS * 3 * UNITS], vec![0.0; ROWS * 3 * UNITS]);
    let mut traces = vec![vec![0.0; ROWS * 2 * states * UNITS]; STREAMS];
    for index in 0..9 {
        let window = Window::draw(&mut draws, states, index, share);
        let mut events = Events::new(ROWS, if share < 1.0 { Listing::WhileSparse } else { Listing::Never });
        events.reserve(window.steps * STREAMS);
        events.open();
        events.append(0, &window.z);
        events.sort(STREAMS, window.steps);
        plain(&window, states, hears_before, &mut traces, &mut truth);
        let parts = values.chunks_exact_mut(STREAMS * shape.tile_values()).zip(found.chunks_mut(COLUMNS * 3 * UNITS));
        for (tile, ((values, gradient), touched)) in parts.zip(touched.chunks_mut(STREAMS)).enumerate() {
            advance(LaneTile {
                shape,
                values,
                touched,
                slots: 1,
                most_slots: 1,
                lazy: false,
                by_step: &[],
                streams: STREAMS,
                columns: gradient.len() / (3 * UNITS),
                gradient,
                first: tile * COLUMNS,
                signal: &window.signal,
                jacobian: &window.jacobian,
                influence: &window.influence,
                presynaptic: if events.is_sparse() {
                    Presynaptic::Sparse(&events)
                } else {
                    Presynaptic::Dense { now: &window.z, rows: ROWS }
                },
                before: if hears_before { &window.before } else { &[] },
                steps: window.steps,
                live: STREAMS,
                fresh: &window.fresh,
                continues: &window.continues,
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
fn the_pass_equals_its_plain_twin() {
    for states in [1, 2] {
        for share in [1.0, 0.1] {
            for hears_before in [false, true] {
                agrees(states, share, hears_before);
            }
        }
    }
}
