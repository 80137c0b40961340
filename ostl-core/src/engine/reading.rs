//! What units keep for themselves, read out for one stream and with a signal of the reader's own.

use super::accumulate::Plan;
use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::trace::Lane;
use crate::trace::local::kernel::{COLUMNS, TracePlace};

impl Plan {
    /// sums += σ·ε of one stream, laid out as all parameters: `signals` has σ for each layer, `S` planes of whole panels of units,
    /// or nothing for one that is left out.
    pub(super) fn read_stream<T: Real>(
        &self,
        values: &[T],
        lanes: &[Lane<T>],
        stream: usize,
        signals: &[Vec<T>],
        sums: &mut [T],
    ) {
        let width = lanes[0].tape.streams();
        let (lane, b) = (&lanes[stream / width], stream % width);
        for part in &self.parts {
            let signal = signals.get(part.layer).filter(|signal| !signal.is_empty());
            let (Some(shape), Some(signal)) = (part.trace, signal) else { continue };
            let (size, panels) = (shape.tile_values(), shape.panels());
            let of_tile = part.values.len() / part.columns.len().div_ceil(COLUMNS);
            let columns = sums[part.parameters.clone()].chunks_exact_mut(shape.gradient_rows);
            for (column, sums) in columns.enumerate() {
                let tile = part.values.start + column / COLUMNS * of_tile + lane.first * size;
                for (gate, panel) in (0..shape.gates).flat_map(|gate| (0..panels).map(move |panel| (gate, panel))) {
                    let unit = panel * TILE;
                    let row = shape.first_row + gate * shape.units + unit;
                    let sums = &mut sums[row..row + TILE.min(shape.units - unit)];
                    for variable in 0..shape.states {
                        let at = TracePlace { stream: b, variable, gate, unit, column: column % COLUMNS };
                        let place = tile + shape.place(at, lane.tape.streams());
                        let signal = &signal[variable * panels * TILE + unit..][..TILE];
                        for ((sum, &trace), &sigma) in sums.iter_mut().zip(&values[place..place + TILE]).zip(signal) {
                            *sum += sigma * trace;
                        }
                    }
                }
            }
        }
    }
}
