//! The forward pass of one layer over some steps: W x of all of them at once, by a product or by events, then what waits for the
//! recurrence.

use crate::cell::dynamics::{PartialsColumnsMut, UnitColumns, UnitColumnsMut};
use crate::linalg::gather::gather;
use crate::linalg::product::{Assignment, columns, columns_mut, multiply_shared, plain_operand};
use crate::linalg::real::Real;
use crate::network::layer::{Dense, Recurrent};
use crate::tape::events::Events;
use crate::tape::{Keep, RecurrentTape};

/// The steps of a forward pass: `count` of them from `from`, `active` columns each.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: usize,
    pub(crate) count: usize,
    pub(crate) active: usize,
}

/// The columns that a layer reads, of which the first is column `first` of the window.
pub(crate) struct Below<'a, T: Real> {
    pub(crate) values: &'a [T],
    pub(crate) rows: usize,
    pub(crate) first: usize,
    pub(crate) events: &'a mut Events<T>,
}

impl<T: Real> Below<'_, T> {
    /// target += weights · columns, a column of the target every `stride` values: a column of weights an event, or a product.
    fn multiply(self, weights: &[T], rows: usize, target: &mut [T], stride: usize) {
        let listed = match self.events.holds_all() {
            true => target.len().div_ceil(stride),
            false => self.events.append(self.first, self.values),
        };
        for (column, target) in target.chunks_mut(stride).enumerate().take(listed) {
            let (indices, values) = self.events.of_column(self.first + column);
            gather(&mut target[..rows], weights, rows, indices, values);
        }
        let left = (self.values.len() / self.rows).saturating_sub(listed);
        if left == 0 {
            return;
        }
        multiply_shared(
            Assignment::Add,
            columns(weights, rows, self.rows, rows),
            plain_operand(&self.values[listed * self.rows..], self.rows, left, self.rows),
            columns_mut(&mut target[listed * stride..], rows, left, stride),
        );
    }
}

/// A stateless layer, all steps at once.
pub(crate) fn dense_forward<T: Real>(layer: &Dense, parameters: &[T], below: Below<'_, T>, output: &mut [T], span: Span) {
    let n = layer.units;
    let (start, width) = (span.from * span.active, span.count * span.active);
    let output = &mut output[start * n..(start + width) * n];
    match layer.b {
        Some(b) => output.chunks_exact_mut(n).for_each(|column| column.copy_from_slice(&parameters[b..b + n])),
        None => output.fill(T::zero()),
    }
    below.multiply(&parameters[layer.w_range()], n, output, n);
    layer.activation.apply(output);
}

/// A recurrent layer: what it reads for all steps at once, then step by step.
pub(crate) fn recurrent_forward<T: Real>(
    layer: &Recurrent<T>,
    parameters: &[T],
    below: Below<'_, T>,
    tape: &mut RecurrentTape<T>,
    not_reset: &[bool],
    span: Span,
    keep: Keep,
) {
    let (n, s, g) = (layer.units, layer.states(), layer.gates());
    let (start, width) = (span.from * span.active, span.count * span.active);
    // Constants and W x for all steps at once: the inputs do not wait for the recurrence.
    for column in tape.activation[start * g * n..(start + width) * g * n].chunks_exact_mut(g * n) {
        for (plane, constants) in column.chunks_exact_mut(n).zip(&layer.constants) {
            match constants {
                Some(offset) => plane.copy_from_slice(&parameters[*offset..*offset + n]),
                None => plane.fill(T::zero()),
            }
        }
    }
    if !layer.x_gates.is_empty() {
        let rows = layer.x_rows();
        let target = &mut tape.activation[start * g * n + rows.start..(start + width) * g * n];
        below.multiply(&parameters[layer.w_range()], rows.len(), target, g * n);
    }
    for step in span.from..span.from + span.count {
        let first = step * span.active;
        for b in 0..span.active {
            let column = first + b;
            let (s_range, y_range) = (b * s * n..(b + 1) * s * n, b * n..(b + 1) * n);
            let previous_output = &mut tape.previous_output[column * n..(column + 1) * n];
            if not_reset[column] {
                tape.previous_state[s_range.clone()].copy_from_slice(&tape.state[s_range]);
                previous_output.copy_from_slice(&tape.last_output[y_range]);
            } else {
                tape.previous_state[s_range].fill(T::zero());
                previous_output.fill(T::zero());
            }
        }
        if !layer.y_gates.is_empty() {
            let rows = layer.y_rows();
            let previous = Below {
                values: &tape.previous_output[first * n..(first + span.active) * n],
                rows: n,
                first,
                events: &mut tape.previous_events,
            };
            let target = &mut tape.activation[first * g * n + rows.start..(first + span.active) * g * n];
            previous.multiply(&parameters[layer.h_range()], rows.len(), target, g * n);
        }
        let active = span.active;
        let at = |rows: usize| first * rows..(first + active) * rows;
        let previous = UnitColumns {
            state: &tape.previous_state[..active * s * n],
            output: &tape.previous_output[at(n)],
            activation: &tape.activation[at(g * n)],
        };
        let next = UnitColumnsMut { state: &mut tape.state[..active * s * n], output: &mut tape.last_output[..active * n] };
        match keep {
            Keep::Nothing => layer.dynamics.step(n, previous, next),
            Keep::Partials => layer.dynamics.linearise(
                n,
                previous,
                next,
                PartialsColumnsMut {
                    ds_ds: &mut tape.partials.ds_ds[at(s * s * n)],
                    ds_dy: &mut tape.partials.ds_dy[at(s * n)],
                    ds_da: &mut tape.partials.ds_da[at(s * g * n)],
                    dy_ds: &mut tape.partials.dy_ds[at(s * n)],
                    dy_da: &mut tape.partials.dy_da[at(g * n)],
                },
            ),
        }
        tape.output[at(n)].copy_from_slice(&tape.last_output[..active * n]);
        for b in 0..active {
            let column = first + b;
            note_activity(layer, tape, not_reset[column], b, column, keep);
        }
    }
}

/// Follows the firing rates, and keeps of one column what the layer's activity terms count.
fn note_activity<T: Real>(
    layer: &Recurrent<T>,
    tape: &mut RecurrentTape<T>,
    not_reset: bool,
    b: usize,
    column: usize,
    keep: Keep,
) {
    let (n, s) = (layer.units, layer.states());
    let activity = &mut tape.activity;
    if let Some(term) = layer.activity.rate {
        let rates = &mut activity.rate[b * n..(b + 1) * n];
        for (rate, &y) in rates.iter_mut().zip(&tape.output[column * n..(column + 1) * n]) {
            *rate = term.follow(Some(*rate).filter(|_| not_reset), y);
        }
        if keep == Keep::Partials {
            activity.rates[column * n..(column + 1) * n].copy_from_slice(rates);
        }
    }
    if layer.activity.voltage.is_some() && keep == Keep::Partials {
        let first = (b * s + layer.dynamics.potential()) * n;
        activity.potentials[column * n..(column + 1) * n].copy_from_slice(&tape.state[first..first + n]);
    }
}
