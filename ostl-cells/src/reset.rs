//! What a spike leaves of the membrane potential: shared by the leaky integrate-and-fire cells.

use ostl_core::Real;
use serde::{Deserialize, Serialize};

/// What a spike y_{t-1} does to the decayed potential d·v of the next step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reset {
    /// `"subtract"`, the soft reset: d·v − ϑ·y⁻ with ϑ the threshold that the unit starts with.
    #[default]
    Subtract,
    /// `"zero"`, the hard reset: d·v·(1 − y⁻).
    Zero,
    /// `"none"`: d·v.
    None,
}

/// A reset with its amount, and whether derivatives pass it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Resetting {
    pub(crate) kind: Reset,
    pub(crate) detached: bool,
    pub(crate) threshold: f64,
}

impl Resetting {
    /// The potential after a reset by `y` of what decay left of it.
    #[inline(always)]
    pub(crate) fn at<T: Real>(self, decayed: T, y: T) -> T {
        let subtracted = decayed - T::from_f64(self.threshold) * y;
        let zeroed = decayed * (T::one() - y);
        decayed.if_or(self.kind == Reset::None, subtracted.if_or(self.kind == Reset::Subtract, zeroed))
    }

    /// Its derivative by the decayed potential.
    #[inline(always)]
    pub(crate) fn by_decayed<T: Real>(self, y: T) -> T {
        (T::one() - y).if_or(self.kind == Reset::Zero, T::one())
    }

    /// Its derivative by y, 0 where that is left out.
    #[inline(always)]
    pub(crate) fn by_output<T: Real>(self, decayed: T) -> T {
        let by_output = (-decayed).if_or(self.kind == Reset::Zero, T::from_f64(-self.threshold));
        by_output.if_or(self.resets(), T::zero())
    }

    /// ∂s/∂y⁻ may be other than zero.
    pub(crate) fn resets(self) -> bool {
        self.kind != Reset::None && !self.detached
    }

    /// There is a reset, and its derivative is left out.
    pub(crate) fn detaches(self) -> bool {
        self.kind != Reset::None && self.detached
    }

    /// Nothing but the decay stands in the potential's derivatives.
    pub(crate) fn leaves_the_leak_alone(self) -> bool {
        self.kind == Reset::None || (self.kind == Reset::Subtract && self.detached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let of = |kind, detached| Resetting { kind, detached, threshold: 0.5 };
        // 0.8 before, and half a spike.
        assert_eq!(
            [Reset::Subtract, Reset::Zero, Reset::None].map(|kind| of(kind, false).at(0.75, 0.5)),
            [0.5, 0.375, 0.75]
        );
        assert_eq!(
            [Reset::Subtract, Reset::Zero, Reset::None].map(|kind| of(kind, false).by_decayed(0.25)),
            [1.0, 0.75, 1.0]
        );
        assert_eq!(
            [Reset::Subtract, Reset::Zero, Reset::None].map(|kind| of(kind, false).by_output(0.75)),
            [-0.5, -0.75, 0.0]
        );
        assert_eq!([Reset::Subtract, Reset::Zero, Reset::None].map(|kind| of(kind, true).by_output(0.75)), [0.0; 3]);
        assert!(of(Reset::Subtract, true).leaves_the_leak_alone() && !of(Reset::Zero, true).leaves_the_leak_alone());
        assert!(!of(Reset::None, true).detaches() && of(Reset::Zero, true).detaches());
    }
}
