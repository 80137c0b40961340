//! The temporal part: eligibility traces, one file a carry.
//!
//! A trace holds ε = ds/dθ at the window's start, as far as its carry keeps it. When a window closes it is *read out* into the
//! gradient (σ·ε, the second term of equation 1) and *advanced* to the window's end (equation 2).

mod filter;
mod influence;
pub(crate) mod local;
mod presynaptic;
mod reach;
mod signs;
mod uoro;

use serde::{Deserialize, Serialize};

use crate::accumulate::{Plan, Traced, Values, Window};
use crate::cell::filter::Filter;
use crate::lane::{Lane, Lanes};
use crate::linalg::bf16::Bf16;
use crate::linalg::real::Real;
use crate::method::{Carry, Feedback, Method, TraceFormat, Update};
use crate::network::Network;
use crate::network::layer::Layer;
use crate::trace::local::kernel::{COLUMNS, Touched, ZERO};

pub(crate) use filter::filters;
use influence::Influence;
pub(crate) use influence::{GROUPS, WIDTH, carries_output, spans};
pub(crate) use local::LanePaths;
use local::{Kind, Patience};
use presynaptic::Presynaptic;
pub(crate) use reach::{Reach, parameters_of_unit};
use uoro::Uoro;

/// A network's eligibility traces.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Trace<T: Real> {
    filters: Vec<Vec<Filter>>,
    /// The traces that every unit keeps for itself, in the order of the plan.
    local: Local<T>,
    /// When each of their columns was last touched.
    touched: Vec<Touched>,
    patience: Patience,
    /// What is kept beyond those.
    beyond: Beyond<T>,
    plan: Plan,
    fresh: Vec<bool>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
enum Local<T: Real> {
    Full(Vec<T>),
    Bf16(Vec<Bf16>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
enum Beyond<T: Real> {
    Nothing,
    Influence(Influence<T>),
    Presynaptic(Presynaptic<T>),
    Uoro(Uoro<T>),
}

/// Which recurrent layers keep a trace for each unit under a method. A layer without H needs no more where nothing stateless below it
/// shares its influence: there `layer` is `local`, and SnAp, which leaves those below out anyway, is so whatever is there. With H, SnAp-1 is so
/// in windows of one step, within which nothing leaves a unit and comes back to it.
pub(crate) fn is_local<T: Real>(network: &Network<T>, method: &Method, index: usize) -> bool {
    let Some(layer) = network.layers[index].recurrent() else { return false };
    let is_closed = layer.y_gates.is_empty();
    match method.carry_in_use() {
        Carry::Local | Carry::Postsynaptic => true,
        Carry::Snap(1) if method.window == crate::method::Window::Steps(1) => true,
        Carry::Snap(_) => is_closed,
        Carry::Layer | Carry::KfRtrl => is_closed && !carries_those_below(network, method, index),
        _ => false,
    }
}

/// Whether the influence of stateless layers just below a recurrent one is carried with its own. It is where they are told what that layer
/// wants of them, step by step. Feedback that tells every layer of the readout's error or of the target alone has no way through a layer: what a
/// stateless one is told of a step is all there is.
pub(crate) fn carries_those_below<T: Real>(network: &Network<T>, method: &Method, index: usize) -> bool {
    let has_stateless_below = index > 0 && matches!(network.layers[index - 1], Layer::Dense(_));
    let passes_through = matches!(method.feedback, Feedback::Symmetric | Feedback::Random);
    has_stateless_below && passes_through && !matches!(method.carry_in_use(), Carry::Snap(_))
}

/// Whether a unit's own connection in H counts as its own in a trace that it keeps for itself.
pub(crate) fn hears_itself<T: Real>(network: &Network<T>, method: &Method, index: usize) -> bool {
    let has_h = network.layers[index].recurrent().is_some_and(|layer| !layer.y_gates.is_empty());
    method.carry_in_use() == Carry::Snap(1) && has_h && is_local(network, method, index)
}

impl<T: Real> Trace<T> {
    pub(crate) fn new(network: &Network<T>, method: &Method, streams: usize, capacity: usize) -> Self {
        let carry = method.carry_in_use();
        let patience = match method.update {
            Update::Window => Patience::None,
            Update::Sequence => Patience::ToTheEnd,
        };
        let filters = filters(network, method);
        let traced = |index: usize| {
            let filters = filters[index].len();
            let hears_itself = hears_itself(network, method, index);
            is_local(network, method, index).then_some(Traced { capacity, filters, hears_itself })
        };
        let plan = Plan::new(network, streams, traced);
        let local = match method.trace {
            TraceFormat::Full => Local::Full(vec![T::zero(); plan.trace_values]),
            TraceFormat::Bf16 => Local::Bf16(vec![Bf16::default(); plan.trace_values]),
        };
        let beyond = match carry {
            Carry::Layer | Carry::Network | Carry::Snap(_) | Carry::KfRtrl => {
                Beyond::Influence(Influence::new(network, method, &filters, streams, capacity))
            }
            Carry::Presynaptic => Beyond::Presynaptic(Presynaptic::new(network, streams)),
            Carry::Uoro => Beyond::Uoro(Uoro::new(network, method.seed, streams, capacity)),
            _ => Beyond::Nothing,
        };
        let touched = vec![[ZERO; COLUMNS]; plan.trace_tiles];
        Self { filters, local, touched, patience, beyond, plan, fresh: vec![true; streams] }
    }

    /// What listens to each layer's outputs beyond the step.
    pub(crate) fn filters(&self) -> &[Vec<Filter>] {
        &self.filters
    }

    /// What a lane of streams has to find out about a window for this trace.
    pub(crate) fn paths(&self, network: &Network<T>, method: &Method, streams: usize, capacity: usize) -> LanePaths<T> {
        let kind = |index: usize| {
            let layer = network.layers[index].recurrent()?;
            Some(match method.carry_in_use() {
                _ if is_local(network, method, index) => Kind::Traced {
                    patience: self.patience,
                    filters: self.filters[index].clone(),
                    hears_itself: hears_itself(network, method, index),
                },
                Carry::None | Carry::Uoro => Kind::Nothing,
                Carry::Layer | Carry::Network | Carry::Snap(_) | Carry::KfRtrl if influence::carries_output(layer) => {
                    Kind::Nothing
                }
                _ => Kind::Edge,
            })
        };
        LanePaths::new(network, streams, capacity, kind)
    }

    /// Whether every column was last touched in a slot that there is.
    pub(crate) fn check(&self, lanes: &[Lane<T>]) -> Result<(), String> {
        let slots = |layer: usize| lanes.first().map_or(0, |lane| lane.paths.of(layer).most_slots);
        self.plan.check_touched(&self.touched, slots)
    }

    /// Every stream starts anew.
    pub(crate) fn forget(&mut self) {
        self.fresh.fill(true);
    }

    /// Gives the memory back; nothing can be done with these traces any more.
    pub(crate) fn release(&mut self) {
        (self.local, self.beyond, self.touched) = (Local::Full(Vec::new()), Beyond::Nothing, Vec::new());
    }

    /// Whether every stream starts anew, and nothing is remembered.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.fresh.iter().all(|&fresh| fresh)
    }

    /// Bytes that the traces themselves take.
    pub(crate) fn bytes(&self) -> usize {
        let local = match &self.local {
            Local::Full(values) => size_of_val(values.as_slice()),
            Local::Bf16(values) => size_of_val(values.as_slice()),
        };
        let beyond = match &self.beyond {
            Beyond::Nothing => 0,
            Beyond::Influence(influence) => influence.bytes(),
            Beyond::Presynaptic(traces) => traces.bytes(),
            Beyond::Uoro(uoro) => uoro.bytes(),
        };
        local + size_of_val(self.touched.as_slice()) + beyond
    }

    /// Both parts of the gradient (equation 1), and the traces advanced over the window (equation 2).
    /// `seen` is the number of steps that the learner has seen: random carries draw from the seed and it; `may_wait` says that the gradient is
    /// not asked for before a later window closes.
    pub(crate) fn close(
        &mut self,
        network: &Network<T>,
        lanes: &Lanes<T>,
        continues: &[bool],
        (seen, may_wait): (u64, bool),
        gradient: &mut [T],
    ) {
        let (lanes, transposed) = (lanes.lanes.as_slice(), lanes.transposed());
        let window = Window { network, lanes, continues, fresh: &self.fresh, seen, may_wait };
        let touched = &mut self.touched;
        match &mut self.local {
            Local::Full(values) => self.plan.run(window, gradient, Values { values, touched }),
            Local::Bf16(values) => self.plan.run(window, gradient, Values { values, touched }),
        }
        match &mut self.beyond {
            Beyond::Nothing => {}
            Beyond::Influence(influence) => influence.close(&window, transposed, gradient),
            Beyond::Presynaptic(traces) => traces.close(&window, gradient),
            Beyond::Uoro(uoro) => uoro.close(&window, gradient),
        }
        for (fresh, goes_on) in self.fresh.iter_mut().zip(continues) {
            *fresh = !goes_on;
        }
    }

    /// Streams end although no window is open: what traces still have to add to the gradient is added. `ended` is `false` for all.
    pub(crate) fn settle(&mut self, network: &Network<T>, lanes: &mut [Lane<T>], ended: &[bool], gradient: &mut [T]) {
        lanes.iter_mut().for_each(|lane| lane.paths.stand_still());
        let window = Window { network, lanes, continues: ended, fresh: &self.fresh, seen: 0, may_wait: false };
        if self.patience == Patience::ToTheEnd && !self.touched.is_empty() {
            let touched = &mut self.touched;
            match &mut self.local {
                Local::Full(values) => self.plan.settle(window, gradient, Values { values, touched }),
                Local::Bf16(values) => self.plan.settle(window, gradient, Values { values, touched }),
            }
        }
        self.forget();
    }
}
