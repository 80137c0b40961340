//! The temporal part: eligibility traces, one file a carry.
//!
//! A trace holds ε = ds/dθ at the window's start, as far as its carry keeps it. When a window closes it is *read out* into the
//! gradient (σ·ε, the second term of equation 1) and *advanced* to the window's end (equation 2).

mod immediate;
mod influence;
mod local;

use serde::{Deserialize, Serialize};

use crate::method::Carry;
use crate::network::Network;
use crate::real::Real;
use crate::sweep::Sweep;
use crate::window::Tape;

use influence::Influence;
use local::Local;

/// Which signal a block of parameters is multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Signal {
    /// The layer's inputs (W).
    Input,
    /// The layer's previous outputs (H).
    Output,
    /// The constant 1.
    One,
}

/// What a closing window shows a trace.
pub(crate) struct Closing<'a, T: Real> {
    pub(crate) network: &'a Network<T>,
    pub(crate) tape: &'a Tape<T>,
    pub(crate) sweep: &'a Sweep<T>,
    /// For each live stream, whether it goes on after this window; an ended stream needs no trace any more.
    pub(crate) continues: &'a [bool],
    /// For each live stream, whether its trace is zero: it started with this window.
    pub(crate) fresh: &'a [bool],
}

/// A network's eligibility traces.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Trace<T: Real> {
    kept: Kept<T>,
    fresh: Vec<bool>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
enum Kept<T: Real> {
    Nothing,
    Local(Local<T>),
    Influence(Influence<T>),
}

impl<T: Real> Trace<T> {
    pub(crate) fn new(network: &Network<T>, carry: Carry, streams: usize, capacity: usize) -> Self {
        let kept = match carry {
            Carry::None => Kept::Nothing,
            Carry::Local => Kept::Local(Local::new(network, streams, capacity)),
            Carry::Layer => Kept::Influence(Influence::per_layer(network, streams, capacity)),
            Carry::Network => Kept::Influence(Influence::of_network(network, streams, capacity)),
        };
        Self { kept, fresh: vec![true; streams] }
    }

    /// Every stream starts anew.
    pub(crate) fn forget(&mut self) {
        self.fresh.fill(true);
    }

    /// Bytes that the traces themselves take.
    pub(crate) fn bytes(&self) -> usize {
        match &self.kept {
            Kept::Nothing => 0,
            Kept::Local(local) => local.bytes(),
            Kept::Influence(influence) => influence.bytes(),
        }
    }

    /// Reads the traces out into the gradient and advances them over the window.
    pub(crate) fn close(
        &mut self,
        network: &Network<T>,
        tape: &Tape<T>,
        sweep: &Sweep<T>,
        continues: &[bool],
        gradient: &mut [T],
    ) {
        let closing = Closing { network, tape, sweep, continues, fresh: &self.fresh };
        match &mut self.kept {
            Kept::Nothing => {}
            Kept::Local(local) => local.close(&closing, gradient),
            Kept::Influence(influence) => influence.close(&closing, gradient),
        }
        for (fresh, goes_on) in self.fresh.iter_mut().zip(continues) {
            *fresh = !goes_on;
        }
    }
}
