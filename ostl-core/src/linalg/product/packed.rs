//! The product of a tall A and a wide B, such as the readout of a vocabulary.
//!
//! Blocks of B are packed, each tile's columns side by side, so that the micro-kernel reads on and on wherever B's columns lie, and a
//! transposed B does not cost a cache line a value. A's next panel and a tile of C are prefetched while there is still work: where A and
//! C are tall, each of their columns lies in a page of its own, and no processor guesses which comes next.
#![allow(unsafe_code, reason = "raw loads and stores; each states what it stands on")]

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::linalg::dispatch::Instructions;
use crate::linalg::product::tiles::{Aligned, Left, Operand, Target, pack_rows, row_of_tiles, tile};
use crate::linalg::product::{Assignment, Columns, ColumnsMut, KC, Strided};
use crate::linalg::real::Real;
use crate::linalg::vector::{LANES, prefetch_place};

/// Bytes of a block of B: it stays in the second-level cache while A's panels pass by.
pub(super) const BLOCK_BYTES: usize = 192 * 1024;
/// A cache line.
const LINE_BYTES: usize = 64;

/// Whether packing pays: every value of B is packed for `rows` rows, every value of A for `width` columns.
pub(super) fn is_worth_it(rows: usize, width: usize) -> bool {
    rows >= 128 && width > 16
}

/// The product with blocks of B packed; `BLOCK` is a block's values.
#[inline(always)]
pub(super) fn packed<
    T: Real,
    I: Instructions,
    const VECTORS: usize,
    const NR: usize,
    const PANEL: usize,
    const BLOCK: usize,
>(
    token: I,
    assign: Assignment,
    a: Columns<'_, T>,
    b: Strided<'_, T>,
    mut c: ColumnsMut<'_, T>,
) {
    const { assert!(PANEL == VECTORS * LANES * KC && BLOCK >= NR * KC) };
    let height = VECTORS * LANES;
    let ((rows, depth), width) = (a.shape(), b.ncols());
    let (a_stride, c_stride) = (a.strides().1, c.strides().1);
    let mut panel = Aligned([const { MaybeUninit::<T>::uninit() }; PANEL]);
    let mut block = Aligned([const { MaybeUninit::uninit() }; BLOCK]);
    for k in (0..depth).step_by(KC) {
        let assign = if k == 0 { assign } else { Assignment::Add };
        let steps = k..depth.min(k + KC);
        let most = BLOCK / KC / NR * NR;
        for first in (0..width).step_by(most) {
            let columns = first..width.min(first + most);
            pack_block::<T, NR>(b, steps.clone(), columns.clone(), &mut block.0);
            // Lines of A's next panel that are prefetched with each of this panel's tiles.
            let ahead = steps.len().div_ceil(columns.len().div_ceil(NR));
            for i in (0..rows).step_by(height) {
                let valid = height.min(rows - i);
                pack_rows::<T, VECTORS>(a, i, steps.clone(), &mut panel.0);
                let mut asked = steps.clone();
                for (tile_index, j) in columns.clone().step_by(NR).enumerate() {
                    for column in asked.by_ref().take(ahead) {
                        ask_for::<T, VECTORS>(a.as_ptr().wrapping_add(column * a_stride + i + height));
                    }
                    let held = NR.min(columns.end - j);
                    for column in j..j + held {
                        ask_for::<T, VECTORS>(c.as_ptr().wrapping_add(column * c_stride + i));
                    }
                    // SAFETY: the block holds `held` columns of B in its tile, NR values apart; (i, j) lies inside C.
                    unsafe {
                        let data = block.0.as_ptr().add(tile_index * NR * steps.len()).cast::<T>();
                        let right = Operand { data, row_stride: NR, column_stride: 1 };
                        let left = Left { data: panel.0.as_ptr().cast(), stride: height };
                        let to = Target { data: c.as_mut_ptr().add(j * c_stride + i), stride: c_stride, rows: valid };
                        if held == NR {
                            tile::<T, I, VECTORS, NR>(token, assign, steps.len(), left, right, to);
                        } else {
                            row_of_tiles::<T, I, VECTORS, NR>(token, assign, steps.len(), left, right, to, held);
                        }
                    }
                }
            }
        }
    }
}

/// Prefetches the lines that a tile's rows end in; that in which they start is the one before, or came with the rows above.
#[inline(always)]
fn ask_for<T, const VECTORS: usize>(values: *const T) {
    let line = LINE_BYTES / size_of::<T>();
    for end in (line..=VECTORS * LANES).step_by(line) {
        prefetch_place(values.wrapping_add(end - 1));
    }
}

/// Packs some columns of B, over some of its rows: tile after tile, in each a row's `NR` values side by side. What a last tile lacks is left as it was.
#[inline(always)]
fn pack_block<T: Real, const NR: usize>(
    b: Strided<'_, T>,
    steps: Range<usize>,
    columns: Range<usize>,
    block: &mut [MaybeUninit<T>],
) {
    let (row_stride, column_stride) = b.strides();
    for (tile, j) in block.chunks_exact_mut(NR * steps.len()).zip(columns.clone().step_by(NR)) {
        let held = NR.min(columns.end - j);
        // SAFETY: (steps.start, j) lies inside B.
        let source = unsafe { b.as_ptr().add(steps.start * row_stride + j * column_stride) };
        if held == NR && column_stride == 1 {
            for (step, row) in tile.chunks_exact_mut(NR).enumerate() {
                // SAFETY: NR columns of row `steps.start + step` lie inside B, side by side.
                let values = unsafe { source.add(step * row_stride).cast::<[T; NR]>().read_unaligned() };
                for (to, value) in row.iter_mut().zip(values) {
                    to.write(value);
                }
            }
        } else {
            for column in 0..held {
                for (step, row) in tile.chunks_exact_mut(NR).enumerate() {
                    // SAFETY: column < held and step < steps.len(), so the place lies inside B.
                    row[column].write(unsafe { *source.add(step * row_stride + column * column_stride) });
                }
            }
        }
    }
}
