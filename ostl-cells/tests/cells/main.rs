//! The tests of cells and methods, in one program: what the engine makes of every cell is compiled once for them all.

mod auto_cell;
mod blocks;
mod carries;
mod cuts;
mod element_wise;
mod engine;
mod equivalences;
mod every_cell;
mod exactness;
mod from_outside;
mod frozen;
mod golden;
mod inside;
mod learner;
mod mutants;
mod objectives;
mod persistence;
mod predictor;
mod rolling;
mod rolling_trace;
mod saved;
mod shards;
mod stacks;
mod streams_in_turn;
mod wide;
mod wide_claims;
