//! The hot loops, and the crate's only `unsafe`, each beside its plain twin, which is its test.

pub(crate) mod bf16;
pub(crate) mod dispatch;
pub(crate) mod dot;
pub(crate) mod gather;
pub(crate) mod processor;
pub(crate) mod product;
pub(crate) mod reverse;
pub(crate) mod share;
pub(crate) mod tile;
pub(crate) mod trace;
pub(crate) mod vector;
