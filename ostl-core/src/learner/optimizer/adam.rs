//! Adam's update (Kingma and Ba 2015, algorithm 1; with decay of the weights Loshchilov and Hutter 2019, algorithm 2), sixteen parameters at a time.

use super::rule::ParameterRun;
use crate::linalg::dispatch::Instructions;
use crate::linalg::real::Real;
use crate::linalg::vector::{LANES, Lanes};

/// Adam at one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adam<T> {
    pub(super) beta1: T,
    pub(super) beta2: T,
    pub(super) epsilon: T,
    /// The learning rate over the first moment's bias.
    pub(super) step: T,
    /// One over the root of the second moment's bias.
    pub(super) root_scale: T,
    /// What is left of a weight after its decay.
    pub(super) keep: T,
}

impl<T: Real> Adam<T> {
    #[inline(always)]
    pub(super) fn update<I: Instructions>(self, token: I, run: ParameterRun<'_, T>) {
        let (parameters, gradient, [first, second], scale) = run.split_raw();
        let constants = self.in_vectors(token, scale);
        let (p, p_rest) = parameters.as_chunks_mut::<LANES>();
        let (g, g_rest) = gradient.as_chunks::<LANES>();
        let (m, m_rest) = first.as_chunks_mut::<LANES>();
        let (v, v_rest) = second.as_chunks_mut::<LANES>();
        for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
            constants.update(token, p, g, m, v);
        }
        // What is left goes the same way, so that a parameter's bits do not depend on where its run was cut.
        let rest = p_rest.len();
        if rest > 0 {
            let [mut p, mut g, mut m, mut v] = [[T::zero(); LANES]; 4];
            p[..rest].copy_from_slice(p_rest);
            g[..rest].copy_from_slice(g_rest);
            m[..rest].copy_from_slice(m_rest);
            v[..rest].copy_from_slice(v_rest);
            constants.update(token, &mut p, &g, &mut m, &mut v);
            p_rest.copy_from_slice(&p[..rest]);
            m_rest.copy_from_slice(&m[..rest]);
            v_rest.copy_from_slice(&v[..rest]);
        }
    }

    #[inline(always)]
    fn in_vectors<I: Instructions>(self, token: I, scale: T) -> InVectors<T::Lanes<I>> {
        let all = |value: T| T::Lanes::<I>::splat(token, value);
        InVectors {
            beta1: all(self.beta1),
            beta2: all(self.beta2),
            share1: all((T::one() - self.beta1) * scale),
            share2: all(T::one() - self.beta2),
            scale: all(scale),
            epsilon: all(self.epsilon),
            back: all(-self.step),
            root_scale: all(self.root_scale),
            keep: all(self.keep),
        }
    }
}

/// The same in every lane of vectors.
#[derive(Clone, Copy)]
struct InVectors<V> {
    beta1: V,
    beta2: V,
    /// (1 − β₁) times what the gradient is multiplied with.
    share1: V,
    share2: V,
    scale: V,
    epsilon: V,
    back: V,
    root_scale: V,
    keep: V,
}

impl<V: Copy> InVectors<V> {
    /// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², p ← keep · p − step · m / (√v · scale + ε).
    #[inline(always)]
    fn update<T: Real, I: Instructions>(
        &self,
        token: I,
        p: &mut [T; LANES],
        g: &[T; LANES],
        m: &mut [T; LANES],
        v: &mut [T; LANES],
    ) where
        V: Lanes<T, I>,
    {
        let gradient = V::load(token, g);
        let scaled = gradient.multiply(self.scale);
        let first = V::load(token, m).multiply_add(self.beta1, gradient.multiply(self.share1));
        let second = V::load(token, v).multiply_add(self.beta2, scaled.multiply(scaled).multiply(self.share2));
        let divisor = second.root().multiply_add(self.root_scale, self.epsilon);
        let change = first.multiply(self.back).over(divisor);
        first.store(m);
        second.store(v);
        V::load(token, p).multiply_add(self.keep, change).store(p);
    }
}
