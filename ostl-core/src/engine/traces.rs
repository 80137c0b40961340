//! A network's traces, of whatever carry: made for a method, and when a window closes read out (1) and advanced (2).

use crate::cell::filter::Filter;
use crate::engine::accumulate::{Plan, Traced};
use crate::linalg::bf16::Bf16;
use crate::linalg::real::Real;
use crate::method::{Carry, Method, TraceFormat, Window as WindowLength};
use crate::network::Network;
use crate::network::size::is_frozen;
use crate::sweep::Transposed;
use crate::tape::Moment;
use crate::tape::width::lanes;
use crate::trace::influence::{Influence, carries_output};
use crate::trace::local::Kind;
use crate::trace::presynaptic::Presynaptic;
use crate::trace::uoro::Uoro;
use crate::trace::{Lane, LanePaths, Window, filters, is_local, reads_own_output};

/// A network's eligibility traces.
#[derive(Clone, Debug)]
pub(crate) struct Trace<T: Real> {
    filters: Vec<Vec<Filter>>,
    /// The traces that every unit keeps for itself.
    pub(super) local: Local<T>,
    /// What is kept beyond those.
    pub(super) beyond: Beyond<T>,
    pub(super) plan: Plan,
    pub(super) fresh: Vec<bool>,
    /// Steps that traces move on over at a time, where these are fewer than the tape holds.
    steps_moved: Option<usize>,
}

/// What units keep for themselves: ε, and of each lane's window the C and A that move it on.
#[derive(Clone, Debug)]
pub(super) struct Local<T: Real> {
    /// ε, in the order of the plan.
    pub(super) values: LocalValues<T>,
    /// σ, C and A of each lane.
    pub(super) paths: Vec<LanePaths<T>>,
}

/// ε in the format of the method.
#[derive(Clone, Debug)]
pub(super) enum LocalValues<T: Real> {
    Full(Vec<T>),
    Bf16(Vec<Bf16>),
}

#[derive(Clone, Debug)]
pub(super) enum Beyond<T: Real> {
    Nothing,
    Influence(Influence<T>),
    Presynaptic(Presynaptic<T>),
    Uoro(Uoro<T>),
}

impl<T: Real> Trace<T> {
    /// The influence of spans, to be looked at.
    #[cfg(test)]
    pub(crate) fn influence(&mut self) -> &mut Influence<T> {
        match &mut self.beyond {
            Beyond::Influence(influence) => influence,
            _ => panic!("no influence of spans is kept"),
        }
    }

    pub(crate) fn new(network: &Network<T>, method: &Method, streams: usize) -> Self {
        let carry = method.carry_in_use();
        let (window, steps_moved) = match method.window {
            WindowLength::Steps(steps) => (steps, None),
            WindowLength::Rolling { every, .. } => (every, Some(every)),
            WindowLength::Sequence => (1, None),
        };
        let filters = filters(network, method);
        let traced = |index: usize| {
            let filters = filters[index].len();
            let reads_own_output = reads_own_output(network, method, index);
            let keeps = is_local(network, method, index) && !is_frozen(&network.layers[index]);
            keeps.then_some(Traced { filters, reads_own_output })
        };
        let plan = Plan::new(network, streams, traced);
        let kinds: Vec<_> = (0..network.depth()).map(|index| kind(network, method, index, &filters)).collect();
        let local = Local {
            values: match method.trace {
                TraceFormat::Full => LocalValues::Full(vec![T::zero(); plan.trace_values]),
                TraceFormat::Bf16 => LocalValues::Bf16(vec![Bf16::default(); plan.trace_values]),
            },
            paths: lanes(streams).map(|lane| LanePaths::new(network, lane.len(), &kinds)).collect(),
        };
        let beyond = match carry {
            Carry::Layer | Carry::Network | Carry::Snap(_) | Carry::KfRtrl => {
                Beyond::Influence(Influence::new(network, method, &filters, streams, window))
            }
            Carry::Presynaptic => Beyond::Presynaptic(Presynaptic::new(network, streams)),
            Carry::Uoro(vectors) | Carry::LocalUoro(vectors) => {
                let rest = matches!(carry, Carry::LocalUoro(_));
                Beyond::Uoro(Uoro::new(network, method.seed, [streams, vectors], window, rest))
            }
            _ => Beyond::Nothing,
        };
        Self { filters, local, beyond, plan, fresh: vec![true; streams], steps_moved }
    }

    /// Filters of each layer's outputs beyond the step.
    pub(crate) fn filters(&self) -> &[Vec<Filter>] {
        &self.filters
    }

    /// Makes room for `steps` steps on the tape.
    pub(crate) fn reserve(&mut self, steps: usize) {
        let steps = self.steps_moved.map_or(steps, |most| most.min(steps));
        self.local.paths.iter_mut().for_each(|paths| paths.reserve(steps));
    }

    /// Every stream starts anew.
    pub(crate) fn forget(&mut self) {
        self.fresh.fill(true);
    }

    /// Gives the memory back; nothing can be done with these traces any more.
    pub(crate) fn release(&mut self) {
        (self.local, self.beyond) = (Local::nothing(), Beyond::Nothing);
    }

    /// Whether every stream starts anew, and nothing is remembered.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.fresh.iter().all(|&fresh| fresh)
    }

    /// Bytes that the traces themselves take.
    pub(crate) fn bytes(&self) -> usize {
        let local = match &self.local.values {
            LocalValues::Full(values) => size_of_val(values.as_slice()),
            LocalValues::Bf16(values) => size_of_val(values.as_slice()),
        };
        let beyond = match &self.beyond {
            Beyond::Nothing => 0,
            Beyond::Influence(influence) => influence.bytes(),
            Beyond::Presynaptic(traces) => traces.bytes(),
            Beyond::Uoro(uoro) => uoro.bytes(),
        };
        local + beyond
    }

    /// Both parts of the gradient (equation 1), and the traces advanced over the window (equation 2).
    /// `moment` says how many steps the learner has seen, and which streams these are: random carries draw from the seed and it; `may_defer` says that the gradient is
    /// not read before a later window closes.
    pub(crate) fn close(
        &mut self,
        network: &Network<T>,
        (lanes, transposed): (&[Lane<T>], &Transposed<T>),
        continues: &[bool],
        (moment, may_defer): (Moment, bool),
        gradient: &mut [T],
    ) {
        self.pass_over(network, (lanes, transposed), (continues, false), (moment, may_defer), gradient);
        for (fresh, not_reset) in self.fresh.iter_mut().zip(continues) {
            *fresh = !not_reset;
        }
    }

    /// Both parts of the gradient, and traces as they are: `nowhere` says of every stream that they do not move on in it.
    pub(crate) fn read_out(
        &mut self,
        network: &Network<T>,
        (lanes, transposed): (&[Lane<T>], &Transposed<T>),
        nowhere: &[bool],
        (moment, may_defer): (Moment, bool),
        gradient: &mut [T],
    ) {
        self.pass_over(network, (lanes, transposed), (nowhere, true), (moment, may_defer), gradient);
    }

    fn pass_over(
        &mut self,
        network: &Network<T>,
        (lanes, transposed): (&[Lane<T>], &Transposed<T>),
        (continues, stays): (&[bool], bool),
        (moment, may_defer): (Moment, bool),
        gradient: &mut [T],
    ) {
        let Local { values, paths } = &mut self.local;
        let window = Window { network, lanes, paths, continues, fresh: &self.fresh, moment, may_defer, stays };
        if let Beyond::Uoro(uoro) = &mut self.beyond {
            // What units keep for themselves is read as it was before the window.
            let LocalValues::Full(own) = values else { return };
            let (plan, own) = (&self.plan, own.as_slice());
            let read =
                |stream: usize, signals: &[Vec<T>], sums: &mut [T]| plan.read_stream(own, lanes, stream, signals, sums);
            uoro.close(&window, transposed, gradient, &read);
        }
        match values {
            LocalValues::Full(values) => self.plan.run(window, gradient, values),
            LocalValues::Bf16(values) => self.plan.run(window, gradient, values),
        }
        match &mut self.beyond {
            Beyond::Nothing | Beyond::Uoro(_) => {}
            Beyond::Influence(influence) => influence.close(&window, transposed, gradient),
            Beyond::Presynaptic(traces) => traces.close(&window, gradient),
        }
    }

    /// Streams end although no window is open: what traces still have to add to the gradient is added.
    pub(crate) fn flush(&mut self, gradient: &mut [T]) {
        if let Beyond::Influence(influence) = &mut self.beyond {
            influence.flush(&self.fresh, gradient);
        }
        self.forget();
    }

    /// The same traces where the last window ended, whatever has been put off.
    pub(super) fn caught_up(&self) -> Self {
        let mut trace = self.clone();
        if let Beyond::Influence(influence) = &mut trace.beyond {
            influence.catch_up();
        }
        trace
    }
}

impl<T: Real> Local<T> {
    /// A placeholder.
    fn nothing() -> Self {
        Self { values: LocalValues::Full(Vec::new()), paths: Vec::new() }
    }
}

/// What a layer's traces ask of a window; nothing of a stateless layer.
fn kind<T: Real>(network: &Network<T>, method: &Method, index: usize, filters: &[Vec<Filter>]) -> Option<Kind> {
    let layer = network.layers[index].recurrent()?;
    Some(match method.carry_in_use() {
        _ if is_frozen(&network.layers[index]) => Kind::Nothing,
        _ if is_local(network, method, index) => {
            Kind::Traced { filters: filters[index].clone(), reads_own_output: reads_own_output(network, method, index) }
        }
        Carry::None | Carry::Uoro(_) => Kind::Nothing,
        Carry::Layer | Carry::Network | Carry::Snap(_) | Carry::KfRtrl if carries_output(layer) => Kind::Nothing,
        _ => Kind::Edge,
    })
}
