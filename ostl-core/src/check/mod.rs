//! What gradients are held to: plain backpropagation through time, finite differences, and both beside what a method claims.

pub mod bptt;
pub mod gradient_check;
