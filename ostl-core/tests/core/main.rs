//! The tests of the engine, in one program: it is compiled once for them all.

mod activity;
mod any_order;
mod audit;
mod by_hand;
mod feedback;
mod filters;
mod heads;
mod instructions;
mod leaky;
mod masked;
mod refused;
mod rooms;
mod stretches;
mod text_layers;
mod two_states;
mod without_error;
