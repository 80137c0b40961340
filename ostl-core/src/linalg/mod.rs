//! Numbers and what is done with many of them at once: the scalar, vectors of it, products, and most of the crate's `unsafe`, each beside its
//! plain twin, which is its test.

pub(crate) mod bf16;
pub mod checked;
pub(crate) mod dispatch;
pub(crate) mod dot;
pub(crate) mod gather;
pub(crate) mod pair;
pub(crate) mod processor;
pub(crate) mod product;
pub mod real;
pub(crate) mod share;
pub(crate) mod stored;
pub(crate) mod tile;
pub(crate) mod tiny;
pub(crate) mod vector;
