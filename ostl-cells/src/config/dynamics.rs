//! Every cell's kernels, compiled here once for each scalar: a crate that only describes cells compiles none of them again.

use std::any::Any;

use ostl_core::{Cell, Dynamics, Real, dynamics_of};

use super::{CellConfig, CellVisitor};
use crate::error::CellError;

impl CellConfig {
    /// The cell's dynamics over a layer of units.
    ///
    /// # Errors
    /// If an option is out of range.
    pub fn dynamics<T: Real>(&self) -> Result<Dynamics<T>, CellError> {
        let compiled = if T::NAME == f32::NAME { single(self)? } else { double(self)? };
        match compiled.downcast::<Dynamics<T>>() {
            Ok(dynamics) => Ok(*dynamics),
            Err(_) => unreachable!("a scalar is f32 or f64"),
        }
    }
}

#[inline(never)]
fn single(config: &CellConfig) -> Result<Box<dyn Any>, CellError> {
    Ok(Box::new(config.visit(Compile(f32::default()))?))
}

#[inline(never)]
fn double(config: &CellConfig) -> Result<Box<dyn Any>, CellError> {
    Ok(Box::new(config.visit(Compile(f64::default()))?))
}

/// For the scalar of this value.
struct Compile<T>(T);

impl<T: Real> CellVisitor for Compile<T> {
    type Output = Dynamics<T>;

    fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C) -> Self::Output {
        dynamics_of(cell)
    }
}
