//! The temporal part: eligibility traces, one file a carry.
//!
//! A trace holds ε = ds/dθ at the window's start, as far as its carry keeps it. When a window closes it is *read out* into the
//! gradient (σ·ε, the second term of equation 1) and *advanced* to the window's end (equation 2).

mod immediate;
mod influence;
mod local;

use serde::{Deserialize, Serialize};

use crate::accumulate::{Plan, Values, Window};
use crate::kernel::bf16::Bf16;
use crate::kernel::trace::{COLUMNS, Touched, ZERO};
use crate::lane::Lane;
use crate::layer::Recurrent;
use crate::method::{Carry, Method, TraceFormat, Update};
use crate::network::Network;
use crate::real::Real;

use influence::Influence;
pub(crate) use local::LanePaths;
use local::Patience;

/// A network's eligibility traces.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Trace<T: Real> {
    carry: Carry,
    kept: Kept<T>,
    plan: Plan,
    fresh: Vec<bool>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
enum Kept<T: Real> {
    Nothing,
    /// Every unit's own, in the order of the plan, and when each column was last touched.
    Local(Vec<T>, Vec<Touched>, Patience),
    /// The same in sixteen bits.
    LocalBf16(Vec<Bf16>, Vec<Touched>, Patience),
    Influence(Influence<T>),
}

impl<T: Real> Trace<T> {
    pub(crate) fn new(network: &Network<T>, method: &Method, streams: usize, capacity: usize) -> Self {
        let carry = method.carry_in_use();
        let patience = match method.update {
            Update::Window => Patience::None,
            Update::Sequence => Patience::ToTheEnd,
        };
        let plan = Plan::new(network, streams, (carry == Carry::Local).then_some(capacity));
        let kept = match carry {
            Carry::None => Kept::Nothing,
            Carry::Local => {
                let touched = vec![[ZERO; COLUMNS]; plan.trace_tiles];
                match method.trace {
                    TraceFormat::Full => Kept::Local(vec![T::zero(); plan.trace_values], touched, patience),
                    TraceFormat::Bf16 => Kept::LocalBf16(vec![Bf16::default(); plan.trace_values], touched, patience),
                }
            }
            Carry::Layer => Kept::Influence(Influence::per_layer(network, streams, capacity)),
            Carry::Network => Kept::Influence(Influence::of_network(network, streams, capacity)),
        };
        Self { carry, kept, plan, fresh: vec![true; streams] }
    }

    /// What a lane of streams has to find out about a window for this trace.
    pub(crate) fn paths(&self, network: &Network<T>, streams: usize, capacity: usize) -> LanePaths<T> {
        let has_edge = |layer: &Recurrent<T>| match self.carry {
            Carry::None => false,
            Carry::Local => true,
            Carry::Layer | Carry::Network => !influence::carries_output(layer),
        };
        let traced = match self.kept {
            Kept::Local(_, _, patience) | Kept::LocalBf16(_, _, patience) => Some(patience),
            _ => None,
        };
        LanePaths::new(network, streams, capacity, traced, has_edge)
    }

    /// Every stream starts anew.
    pub(crate) fn forget(&mut self) {
        self.fresh.fill(true);
    }

    /// Bytes that the traces themselves take.
    pub(crate) fn bytes(&self) -> usize {
        match &self.kept {
            Kept::Nothing => 0,
            Kept::Local(values, touched, _) => size_of_val(values.as_slice()) + size_of_val(touched.as_slice()),
            Kept::LocalBf16(values, touched, _) => size_of_val(values.as_slice()) + size_of_val(touched.as_slice()),
            Kept::Influence(influence) => influence.bytes(),
        }
    }

    /// Both parts of the gradient (equation 1), and the traces advanced over the window (equation 2).
    pub(crate) fn close(&mut self, network: &Network<T>, lanes: &[Lane<T>], continues: &[bool], gradient: &mut [T]) {
        let window = Window { network, lanes, continues, fresh: &self.fresh };
        match &mut self.kept {
            Kept::Nothing => self.plan.run::<T, T>(window, gradient, Values::none()),
            Kept::Local(values, touched, _) => self.plan.run(window, gradient, Values { values, touched }),
            Kept::LocalBf16(values, touched, _) => self.plan.run(window, gradient, Values { values, touched }),
            Kept::Influence(influence) => {
                self.plan.run::<T, T>(window, gradient, Values::none());
                influence.close(&window, gradient);
            }
        }
        for (fresh, goes_on) in self.fresh.iter_mut().zip(continues) {
            *fresh = !goes_on;
        }
    }

    /// Streams end although no window is open: what traces still have to add to the gradient is added. `ended` is `false` for all.
    pub(crate) fn settle(&mut self, network: &Network<T>, lanes: &mut [Lane<T>], ended: &[bool], gradient: &mut [T]) {
        lanes.iter_mut().for_each(|lane| lane.paths.stand_still());
        let window = Window { network, lanes, continues: ended, fresh: &self.fresh };
        match &mut self.kept {
            Kept::Local(values, touched, Patience::ToTheEnd) => {
                self.plan.settle(window, gradient, Values { values, touched });
            }
            Kept::LocalBf16(values, touched, Patience::ToTheEnd) => {
                self.plan.settle(window, gradient, Values { values, touched });
            }
            _ => {}
        }
        self.forget();
    }
}
