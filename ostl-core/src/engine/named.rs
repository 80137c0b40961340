//! What the engine has in hand between one step and the next, by name.

use super::streaming::Streaming;
use super::traces::{Beyond, LocalValues, Trace};
use crate::engine::accumulate::Part;
use crate::engine::lanes::{Lanes, Rolls};
use crate::linalg::real::Real;
use crate::network::Network;
use crate::record::{Book, Streams, refused};
use crate::refusal::ConfigError;
use crate::trace::local::kernel::{COLUMNS, Shape, TracePlace};

/// No window has more steps, and no learner has seen more.
pub(crate) const MOST_STEPS: u64 = 1 << 53;

impl<T: Real> Streaming<T> {
    /// States, traces, the gradient gathered so far and the steps of the unfinished window.
    pub(crate) fn pass(&mut self, network: &Network<T>, book: &mut Book<'_>) -> Result<(), ConfigError> {
        network.pass_by_block("gradient.", book, &mut self.gradient)?;
        self.touched.pass(network, book)?;
        self.in_hand().pass(network, book)
    }

    /// What there is of each stream.
    pub(crate) fn in_hand(&mut self) -> InHand<'_, T> {
        let Self { lanes, trace, outputs, restarts, awaits_target, .. } = self;
        InHand { lanes, trace, outputs, restarts, awaits_target }
    }
}

/// What there is of each stream.
pub(crate) struct InHand<'s, T: Real> {
    pub(super) lanes: &'s mut Lanes<T>,
    pub(super) trace: &'s mut Trace<T>,
    pub(super) outputs: &'s mut [T],
    pub(super) restarts: &'s mut [bool],
    pub(super) awaits_target: &'s mut bool,
}

impl<T: Real> InHand<'_, T> {
    /// States, traces and the steps of the unfinished window.
    pub(crate) fn pass(self, network: &Network<T>, book: &mut Book<'_>) -> Result<(), ConfigError> {
        let Self { lanes, trace, outputs, restarts, awaits_target } = self;
        let streams = lanes.streams();
        let mut steps = lanes.steps() as u64;
        book.number("window.steps", &mut steps, MOST_STEPS)?;
        let steps = steps as usize;
        if book.restores() {
            // Room for a window that has been begun, if what is to be read holds it.
            let held = book.steps_held("window.mask");
            if steps > 0 && held != Some(steps) {
                let allowed = format!("the steps of the window that is there: {}", held.unwrap_or(0));
                return Err(refused("window.steps", &steps.to_string(), &allowed));
            }
            lanes.reserve(network, steps);
            trace.reserve(steps);
        }
        book.array("streams.restart", &[streams], restarts)?;
        book.array("streams.awaits_target", &[], std::slice::from_mut(awaits_target))?;
        if *awaits_target && steps == 0 {
            return Err(refused("streams.awaits_target", "true", "false: no step has been taken in this window"));
        }
        book.array("streams.outputs", &[streams, network.outputs()], outputs)?;
        for lane in &mut lanes.lanes {
            let at = Streams { first: lane.first, count: lane.tape.streams(), all: streams };
            lane.tape.pass_states(network, at, book)?;
            if steps > 0 {
                lane.tape.pass_window(network, (at, steps), book)?;
                lane.sweep.pass(network.outputs(), (at, steps), book)?;
            }
        }
        if steps > 0 && lanes.lanes[0].tape.listed(0).is_some() {
            lanes.pass_lists(network.inputs(), steps, book)?;
        }
        if let Some(rolls) = lanes.rolls {
            lanes.pass_swept(network, rolls, usize::from(*awaits_target), book)?;
        }
        trace.pass(network, &lanes.places(), book)
    }
}

impl<T: Real> Lanes<T> {
    /// The streams of each lane.
    pub(super) fn places(&self) -> Vec<Streams> {
        let place =
            |lane: &crate::trace::Lane<T>| Streams { first: lane.first, count: lane.tape.streams(), all: self.streams() };
        self.lanes.iter().map(place).collect()
    }

    /// How many of the steps of a window that rolls have been swept from. Files without the number are of windows that were swept from at every step, and
    /// may hold more steps than are needed.
    fn pass_swept(
        &mut self,
        network: &Network<T>,
        rolls: Rolls,
        awaiting: usize,
        book: &mut Book<'_>,
    ) -> Result<(), ConfigError> {
        let steps = self.steps();
        // After a sweep so many stay.
        let most = rolls.steps - rolls.every;
        let mut swept = (steps - self.new_steps()) as u64;
        if !book.restores() || book.has("window.swept") {
            book.number("window.swept", &mut swept, steps.min(most) as u64)?;
        } else {
            swept = (steps - awaiting) as u64;
        }
        let swept = swept as usize;
        if book.restores() {
            if steps - swept > rolls.every {
                let allowed = format!("at least {}: a sweep starts from {} at most", steps - rolls.every, rolls.every);
                return Err(refused("window.swept", &swept.to_string(), &allowed));
            }
            for lane in &mut self.lanes {
                lane.tape.swept = swept;
                lane.has_error = steps - swept > awaiting;
            }
            self.drop_front(network, swept.saturating_sub(most));
        }
        Ok(())
    }

    /// Inputs that are only listed: for each step and stream how many events, then all of them.
    fn pass_lists(&mut self, inputs: usize, steps: usize, book: &mut Book<'_>) -> Result<(), ConfigError> {
        let streams = self.streams();
        let (mut counts, mut rows, mut values) = (vec![0_u32; steps * streams], Vec::new(), Vec::new());
        if !book.restores() {
            for (place, count) in counts.iter_mut().enumerate() {
                let (lane, b) = self.find(place % streams);
                let tape = &self.lanes[lane].tape;
                let (of_column, with) = tape.listed(place / streams * tape.streams() + b).unwrap_or_default();
                *count = of_column.len() as u32;
                rows.extend_from_slice(of_column);
                values.extend_from_slice(with);
            }
        }
        book.array("window.x.count", &[steps, streams], &mut counts)?;
        book.list("window.x.row", &mut rows)?;
        book.list("window.x.value", &mut values)?;
        if book.restores() {
            let all: u64 = counts.iter().map(|&count| u64::from(count)).sum();
            if all != rows.len() as u64 || rows.len() != values.len() || rows.iter().any(|&row| row as usize >= inputs) {
                let found = format!("{} rows and {} values of {all} events", rows.len(), values.len());
                return Err(refused("window.x.row", &found, &format!("one row and value an event, rows below {inputs}")));
            }
            let mut at = 0;
            for (place, &count) in counts.iter().enumerate() {
                let (lane, b) = self.find(place % streams);
                let tape = &mut self.lanes[lane].tape;
                let (column, end) = (place / streams * tape.streams() + b, at + count as usize);
                tape.list(column, &rows[at..end], &values[at..end]);
                at = end;
            }
        }
        Ok(())
    }
}

impl<T: Real> Trace<T> {
    /// The traces of whatever carry.
    pub(super) fn pass(&mut self, network: &Network<T>, lanes: &[Streams], book: &mut Book<'_>) -> Result<(), ConfigError> {
        book.array("traces.fresh", &[self.fresh.len()], &mut self.fresh)?;
        for parts in
            self.plan.parts.chunk_by(|part, next| part.parameters.end == next.parameters.start && next.columns.start > 0)
        {
            let Some(shape) = parts[0].trace else { continue };
            let of_block = BlockTraces { parts, shape, lanes };
            let columns = parts.iter().map(|part| part.columns.len()).sum();
            let name = network.traced_as(parts[0].parameters.start);
            let all = [self.fresh.len(), shape.states, shape.gates, shape.units, columns];
            let place = |index| of_block.place(index, columns);
            let name = format!("traces.{name}");
            match &mut self.local.values {
                LocalValues::Full(values) => book.placed(&name, &all, values, &place)?,
                LocalValues::Bf16(values) => book.placed(&name, &all, values, &place)?,
            }
        }
        match &mut self.beyond {
            Beyond::Nothing => Ok(()),
            Beyond::Influence(influence) => influence.pass(&|parameter| network.traced_as(parameter), book),
            Beyond::Presynaptic(traces) => traces.pass(book),
            Beyond::Uoro(uoro) => uoro.pass(book),
        }
    }
}

/// The traces of one block of parameters, cut into parts.
struct BlockTraces<'a> {
    parts: &'a [Part],
    shape: Shape,
    lanes: &'a [Streams],
}

impl BlockTraces<'_> {
    /// The part that a column belongs to, and the number of its tile in the part.
    fn find(&self, column: usize) -> (&Part, usize) {
        let part = &self.parts[column / self.parts[0].columns.len()];
        (part, (column - part.columns.start) / COLUMNS)
    }

    /// Where the value at `[stream][variable][gate][unit][column]` lies.
    fn place(&self, index: usize, columns: usize) -> usize {
        let Shape { states, gates, units, .. } = self.shape;
        let (index, column) = (index / columns, index % columns);
        let (index, unit) = (index / units, index % units);
        let (index, gate) = (index / gates, index % gates);
        let (stream, variable) = (index / states, index % states);
        let lane = self.lanes[stream / self.lanes[0].count];
        let (part, tile) = self.find(column);
        let of_lane = part.values.start + (tile * lane.all + lane.first) * self.shape.tile_values();
        let column = (column - part.columns.start) % COLUMNS;
        of_lane + self.shape.place(TracePlace { stream: stream - lane.first, variable, gate, unit, column }, lane.count)
    }
}
