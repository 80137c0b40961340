//! The temporal part: eligibility traces, one file a carry.
//!
//! A trace holds ε = ds/dθ at the window's start, as far as its carry keeps it. When a window closes it is *read out* into the
//! gradient (σ·ε, the second term of equation 1) and *advanced* to the window's end (equation 2).

mod immediate;
mod influence;
mod local;

use serde::{Deserialize, Serialize};

use crate::accumulate::{Plan, Window};
use crate::layer::Recurrent;
use crate::method::Carry;
use crate::network::Network;
use crate::real::Real;

use influence::Influence;
pub(crate) use local::LanePaths;

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
    /// Every unit's own, in the order of the plan.
    Local(Vec<T>),
    Influence(Influence<T>),
}

impl<T: Real> Trace<T> {
    pub(crate) fn new(network: &Network<T>, carry: Carry, streams: usize, capacity: usize) -> Self {
        let plan = Plan::new(network, streams, (carry == Carry::Local).then_some(capacity));
        let kept = match carry {
            Carry::None => Kept::Nothing,
            Carry::Local => Kept::Local(vec![T::zero(); plan.trace_values]),
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
        LanePaths::new(network, streams, capacity, self.carry == Carry::Local, has_edge)
    }

    /// Every stream starts anew.
    pub(crate) fn forget(&mut self) {
        self.fresh.fill(true);
    }

    /// Bytes that the traces themselves take.
    pub(crate) fn bytes(&self) -> usize {
        match &self.kept {
            Kept::Nothing => 0,
            Kept::Local(values) => size_of_val(values.as_slice()),
            Kept::Influence(influence) => influence.bytes(),
        }
    }

    /// Both parts of the gradient (equation 1), and the traces advanced over the window (equation 2).
    pub(crate) fn close(
        &mut self,
        network: &Network<T>,
        lanes: &[crate::lane::Lane<T>],
        continues: &[bool],
        gradient: &mut [T],
    ) {
        let window = Window { network, lanes, continues, fresh: &self.fresh };
        match &mut self.kept {
            Kept::Nothing => self.plan.run::<T, T>(window, gradient, &mut []),
            Kept::Local(values) => self.plan.run(window, gradient, values.as_mut_slice()),
            Kept::Influence(influence) => {
                self.plan.run::<T, T>(window, gradient, &mut []);
                influence.close(&window, gradient);
            }
        }
        for (fresh, goes_on) in self.fresh.iter_mut().zip(continues) {
            *fresh = !goes_on;
        }
    }
}
