//! Which parameters an update concerns: all but the vectors of an embedding that no event has touched.

use std::ops::Range;

use crate::engine::lanes::Lanes;
use crate::linalg::real::Real;
use crate::network::Network;
use crate::record::{Book, refused};
use crate::refusal::ConfigError;

/// The vectors of an embedding that have been touched since the last update, and the ranges of parameters that follow from them.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    /// Numbers of inputs, until they are sorted some perhaps more than once.
    rows: Vec<u32>,
    changed: Vec<Range<usize>>,
    counted: Vec<Range<usize>>,
}

impl Touched {
    /// Nothing yet, and room for the ranges of a network without an embedding: a step allocates nothing.
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new(), changed: Vec::with_capacity(2), counted: Vec::with_capacity(2) }
    }

    /// The list by name, where there is one.
    pub(crate) fn pass<T: Real>(&mut self, network: &Network<T>, book: &mut Book<'_>) -> Result<(), ConfigError> {
        let Some(embedding) = network.layers[0].embedding() else { return Ok(()) };
        book.list("gradient.touched", &mut self.rows)?;
        let in_order = self.rows.windows(2).all(|pair| pair[0] < pair[1]);
        match self.rows.last() {
            Some(&last) if last as usize >= embedding.inputs || !in_order => {
                let allowed = format!("vectors of the {} that there are, in order", embedding.inputs);
                Err(refused("gradient.touched", &format!("a list that ends with {last}"), &allowed))
            }
            _ => Ok(()),
        }
    }

    /// Notes what a window has touched, where there is an embedding that gets a gradient at some vectors alone.
    pub(crate) fn note<T: Real>(&mut self, network: &Network<T>, lanes: &Lanes<T>) {
        if network.layers[0].embedding().is_some() && network.tied.is_none() {
            let seen = lanes.lanes.iter().filter_map(|lane| lane.tape.inputs_seen());
            seen.for_each(|rows| self.rows.extend_from_slice(rows));
            self.rows.sort_unstable();
            self.rows.dedup();
        }
    }

    /// What an update changes, and what counts towards the gradient's norm.
    pub(crate) fn ranges<T: Real>(&mut self, network: &Network<T>, gradient: &[T]) -> (&[Range<usize>], &[Range<usize>]) {
        let all = network.parameters.len();
        self.changed.clear();
        self.counted.clear();
        match (network.layers[0].embedding(), &network.tied) {
            (Some(_), Some(tie)) => {
                self.changed.push(0..all);
                self.counted.extend([0..tie.readout.start, tie.readout.end..all]);
            }
            (Some(embedding), None) => {
                let (w, n) = (embedding.w_range(), embedding.units);
                if self.rows.is_empty() {
                    // Nobody has kept a list: look for vectors with a gradient.
                    let has_gradient = |(_, vector): &(usize, &[T])| vector.iter().any(|g| *g != T::zero());
                    let vectors = gradient[w.clone()].chunks_exact(n).enumerate().filter(has_gradient);
                    self.rows.extend(vectors.map(|(row, _)| row as u32));
                }
                for &row in &self.rows {
                    let start = w.start + row as usize * n;
                    match self.changed.last_mut() {
                        Some(last) if last.end == start => last.end = start + n,
                        _ => self.changed.push(start..start + n),
                    }
                }
                self.changed.push(w.end..all);
                self.counted.extend_from_slice(&self.changed);
            }
            (None, _) => {
                self.changed.push(0..all);
                self.counted.push(0..all);
            }
        }
        (&self.changed, &self.counted)
    }

    /// After an update: nothing is touched.
    pub(crate) fn forget(&mut self) {
        self.rows.clear();
    }
}
