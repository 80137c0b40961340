//! Values kept in another form than they are reckoned with: as they are, or in sixteen bits (`bf16.rs`).

use crate::linalg::dispatch::Instructions;
use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::linalg::vector::Lanes;

/// How values are stored that are read and written in tiles.
pub(crate) trait Stored<T: Real>: Copy + Default + Send + Sync {
    /// Reads sixteen of them.
    fn load<I: Instructions>(token: I, from: &[Self; TILE]) -> T::Lanes<I>;
    /// Writes sixteen of them.
    fn store<I: Instructions>(values: T::Lanes<I>, to: &mut [Self; TILE]);
}

impl<T: Real> Stored<T> for T {
    #[inline(always)]
    fn load<I: Instructions>(token: I, from: &[Self; TILE]) -> T::Lanes<I> {
        Lanes::load(token, from)
    }
    #[inline(always)]
    fn store<I: Instructions>(values: T::Lanes<I>, to: &mut [Self; TILE]) {
        values.store(to);
    }
}
