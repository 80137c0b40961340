//! A cell from its equations alone: the five partials come from dual numbers.
//!
//! Write the two halves of a step, s_t from what came before and y_t from s_t, once, over a [`Number`]; [`AutoCell`] runs them over
//! plain scalars for [`step`](Cell::step), and over [`Dual`] numbers, which carry their derivatives along, for
//! [`linearise`](Cell::linearise). It is right the first time, and slower than partials by hand.
//!
//! The dual numbers are ours: num-dual's vectors are of one length, which would be S + 1 + G, a sum that const generics cannot
//! form yet, and its `f32` functions are the library's, which do not vectorise.
//!
//! ```
//! use ostl_core::gradient_check::check_cell;
//! use ostl_core::{AutoCell, Equations, Gate, Number, Unit};
//!
//! /// s = 0.9 s⁻ + a, y = tanh s.
//! #[derive(Clone, Copy)]
//! struct Leaky;
//!
//! impl Equations<1, 1> for Leaky {
//!     fn name(&self) -> &'static str {
//!         "leaky"
//!     }
//!     fn gates(&self) -> [Gate; 1] {
//!         [Gate::new("current", true)]
//!     }
//!     fn state<N: Number>(&self, previous: Unit<N, 1>, [a]: [N; 1]) -> [N; 1] {
//!         [N::constant(0.9) * previous.s[0] + a]
//!     }
//!     fn output<N: Number>(&self, [s]: [N; 1], _: [N; 1]) -> N {
//!         s.tanh()
//!     }
//! }
//!
//! let check = check_cell(AutoCell(Leaky), 200, 1);
//! assert!(check.worst() < 1e-8, "{check}");
//! ```

mod dual;

use std::ops::{Add, Div, Mul, Neg, Sub};

pub use dual::Dual;

use crate::cell::{Cell, Gate, Leak, Partials, Unit};
use crate::linalg::real::Real;

/// What equations are written over: a scalar, or a scalar with its derivatives.
///
/// Comparisons look at the value alone; choose with [`if_or`](Self::if_or) instead of branching, so that loops over units vectorise.
pub trait Number:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// A constant.
    fn constant(value: f64) -> Self;
    /// eˣ.
    fn exp(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Logistic function.
    fn sigmoid(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Sine.
    fn sin(self) -> Self;
    /// Cosine.
    fn cos(self) -> Self;
    /// The same value, as if it were a constant: no derivative passes.
    fn detached(self) -> Self;
    /// `value`, whose derivative by `self` is said to be `slope`.
    fn stand_in(self, value: Self, slope: Self) -> Self;

    /// `self` where `condition` holds, else `other`; compiles to a select, not to a branch.
    #[inline(always)]
    fn if_or(self, condition: bool, other: Self) -> Self {
        if condition { self } else { other }
    }

    /// The larger of two values; NaN in `self` stays.
    #[inline(always)]
    fn at_least(self, bound: Self) -> Self {
        if self < bound { bound } else { self }
    }

    /// The smaller of two values; NaN in `self` stays.
    #[inline(always)]
    fn at_most(self, bound: Self) -> Self {
        if self > bound { bound } else { self }
    }

    /// Absolute value.
    #[inline(always)]
    fn abs(self) -> Self {
        (-self).if_or(self < Self::constant(0.0), self)
    }

    /// A spike: 1 where `self` > 0, else 0, with the pseudo-derivative `slope`. NaN stays.
    #[inline(always)]
    fn spike(self, slope: Self) -> Self {
        let zero = Self::constant(0.0);
        let step = Self::constant(1.0).if_or(self > zero, zero.if_or(self <= zero, self));
        self.stand_in(step, slope)
    }
}

impl<T: Real> Number for T {
    #[inline(always)]
    fn constant(value: f64) -> Self {
        T::from_f64(value)
    }
    #[inline(always)]
    fn exp(self) -> Self {
        Real::exp(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        Real::tanh(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Real::sigmoid(self)
    }
    #[inline(always)]
    fn ln(self) -> Self {
        Real::ln(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Real::sqrt(self)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Real::abs(self)
    }
    #[inline(always)]
    fn sin(self) -> Self {
        Real::sin(self)
    }
    #[inline(always)]
    fn cos(self) -> Self {
        Real::cos(self)
    }
    #[inline(always)]
    fn detached(self) -> Self {
        self
    }
    #[inline(always)]
    fn stand_in(self, value: Self, _slope: Self) -> Self {
        value
    }
}

/// The equations of one unit with `S` state variables and `G` gates; what the methods that are not explained here mean is documented at
/// [`Cell`].
pub trait Equations<const S: usize, const G: usize>: Copy + Send + Sync + 'static {
    /// See [`Cell::name`].
    fn name(&self) -> &'static str;

    /// See [`Cell::gates`].
    fn gates(&self) -> [Gate; G];

    /// The state s_t from s_{t-1}, y_{t-1} and a_t. A reset that no derivative should pass uses `previous.y.detached()`.
    fn state<N: Number>(&self, previous: Unit<N, S>, a: [N; G]) -> [N; S];

    /// The output y_t from s_t and a_t. A spike is [`Number::spike`].
    fn output<N: Number>(&self, s: [N; S], a: [N; G]) -> N;

    /// See [`Cell::resets`].
    fn resets(&self) -> bool {
        false
    }

    /// See [`Cell::is_smooth`].
    fn is_smooth(&self) -> bool {
        true
    }

    /// See [`Cell::detaches_reset`].
    fn detaches_reset(&self) -> bool {
        false
    }

    /// See [`Cell::leak`].
    fn leak(&self) -> Option<Leak> {
        None
    }

    /// See [`Cell::initial_constant_of`].
    fn initial_constant_of(&self, gate: usize, unit: usize, units: usize) -> f64 {
        let _ = (gate, unit, units);
        0.0
    }
}

/// The [`Cell`] of some [`Equations`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AutoCell<E>(pub E);

impl<E: Equations<S, G>, const S: usize, const G: usize> Cell<S, G> for AutoCell<E> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn gates(&self) -> [Gate; G] {
        self.0.gates()
    }

    fn resets(&self) -> bool {
        self.0.resets()
    }

    fn is_smooth(&self) -> bool {
        self.0.is_smooth()
    }

    fn detaches_reset(&self) -> bool {
        self.0.detaches_reset()
    }

    fn leak(&self) -> Option<Leak> {
        self.0.leak()
    }

    fn initial_constant(&self, gate: usize) -> f64 {
        self.0.initial_constant_of(gate, 0, 1)
    }

    fn initial_constant_of(&self, gate: usize, unit: usize, units: usize) -> f64 {
        self.0.initial_constant_of(gate, unit, units)
    }

    #[inline(always)]
    fn step<T: Real>(&self, previous: Unit<T, S>, a: [T; G]) -> Unit<T, S> {
        let s = self.0.state(previous, a);
        Unit { s, y: self.0.output(s, a) }
    }

    #[inline(always)]
    fn linearise<T: Real>(&self, previous: Unit<T, S>, a: [T; G]) -> (Unit<T, S>, Partials<T, S, G>) {
        let mut gates = [Dual::new(T::zero()); G];
        let mut states = [Dual::new(T::zero()); S];
        for (g, gate) in gates.iter_mut().enumerate() {
            *gate = Dual::gate(a[g], g);
        }
        for (v, state) in states.iter_mut().enumerate() {
            *state = Dual::state(previous.s[v], v);
        }
        let next: [Dual<T, S, G>; S] = self.0.state(Unit { s: states, y: Dual::output(previous.y) }, gates);

        let mut partials = Partials::zero();
        let mut s = [T::zero(); S];
        for (v, next) in next.into_iter().enumerate() {
            s[v] = next.value;
            partials.ds_ds[v] = next.by_state;
            partials.ds_dy[v] = next.by_output;
            partials.ds_da[v] = next.by_gate;
            // From here on the state is what the output starts from.
            states[v] = Dual::state(next.value, v);
        }
        let y = self.0.output(states, gates);
        partials.dy_ds = y.by_state;
        partials.dy_da = y.by_gate;
        (Unit { s, y: y.value }, partials)
    }
}
