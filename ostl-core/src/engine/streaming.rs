//! What the engine has in hand between one step and the next.

use super::ranges::Touched;
use crate::engine::lanes::Lanes;
use crate::engine::traces::Trace;
use crate::linalg::real::Real;
use crate::method::Method;
use crate::network::Network;
use crate::record::Book;
use crate::refusal::ConfigError;
use crate::tape::Moment;
use crate::trace::OnTape;

/// Everything that the next step depends on besides the weights.
#[derive(Clone, Debug)]
pub(crate) struct Streaming<T: Real> {
    pub(crate) lanes: Lanes<T>,
    pub(crate) trace: Trace<T>,
    /// How many steps the tapes hold before they are closed.
    pub(crate) on_tape: OnTape,
    /// The readout of the last step, `outputs × streams`.
    pub(crate) outputs: Vec<T>,
    /// Σ over targets since it was last cleared.
    pub(crate) gradient: Vec<T>,
    /// Vectors of the embedding touched since then.
    pub(crate) touched: Touched,
    /// Streams that start anew at the next step.
    pub(crate) restarts: Vec<bool>,
    /// The last prediction has not been learned from.
    pub(crate) awaits_target: bool,
    /// Steps taken since the beginning.
    pub(crate) steps_seen: u64,
    /// Number that the first stream has among all that learn together: what is drawn at random is each stream's own.
    pub(crate) first_stream: usize,
}

impl<T: Real> Streaming<T> {
    pub(crate) fn new(network: &Network<T>, method: &Method, streams: usize) -> Self {
        let trace = Trace::new(network, method, streams);
        let on_tape = OnTape::of(network, method, trace.filters(), streams);
        // A tape of several windows, or of a sequence, grows as steps come.
        let capacity = on_tape.cuts.every.or(on_tape.steps).unwrap_or(1);
        let mut streaming = Self {
            lanes: Lanes::new(network, &trace, method, streams, on_tape.cuts),
            trace,
            on_tape,
            outputs: vec![T::zero(); network.outputs() * streams],
            gradient: vec![T::zero(); network.parameters().len()],
            touched: Touched::new(network),
            restarts: vec![true; streams],
            awaits_target: false,
            steps_seen: 0,
            first_stream: 0,
        };
        streaming.reserve(network, capacity);
        streaming
    }

    /// Makes room for `steps` steps on the tape.
    pub(crate) fn reserve(&mut self, network: &Network<T>, steps: usize) {
        self.lanes.reserve(network, steps);
        self.trace.reserve(steps);
    }

    /// Steps that a tape without room should get it for: twice what there is, but no more than it ever holds.
    pub(crate) fn next_capacity(&self) -> usize {
        let twice = self.lanes.steps().saturating_add(1).saturating_mul(2);
        self.on_tape.steps.map_or(twice, |most| most.min(twice))
    }

    /// The traces where the last window ended, by name. What is in hand stays as it is.
    pub(crate) fn pass_traces(&self, network: &Network<T>, book: &mut Book<'_>) -> Result<(), ConfigError> {
        let whole = self.steps_past();
        if whole == 0 {
            return self.trace.caught_up().pass(network, &self.lanes.places(), book);
        }
        // A copy closes the windows that a block holds.
        let Self { mut lanes, mut trace, .. } = self.clone();
        lanes.lanes.iter_mut().for_each(|lane| lane.tape.steps = whole);
        let (continues, mut gradient) = (vec![true; lanes.streams()], vec![T::zero(); network.parameters().len()]);
        lanes.sweep(network, &mut trace.local.paths, &continues);
        trace.close(network, (&lanes.lanes, lanes.transposed()), &continues, (self.moment(), false), &mut gradient);
        trace.pass(network, &lanes.places(), book)
    }

    /// Steps on the tape whose windows are over, where it holds several: a step that was predicted and may still be learned from is in none of them.
    pub(crate) fn steps_past(&self) -> usize {
        let over = self.lanes.steps().saturating_sub(usize::from(self.awaits_target));
        self.on_tape.cuts.every.map_or(0, |every| over / every * every)
    }

    /// When and where these streams are.
    pub(crate) fn moment(&self) -> Moment {
        Moment { step: self.steps_seen, stream: self.first_stream }
    }

    /// Every stream starts anew; an unfinished window is dropped.
    pub(crate) fn restart(&mut self) {
        self.restarts.fill(true);
        self.trace.forget();
        self.awaits_target = false;
        self.lanes.open();
    }

    /// Gives the memory of lanes and traces back, before others take their place: both need not be there at once.
    pub(crate) fn release(&mut self) {
        self.lanes.lanes = Vec::new();
        self.trace.release();
    }
}
