//! Which parameters an update concerns: all but frozen blocks and the vectors of an embedding that no event has touched.

use std::ops::Range;

use crate::engine::lanes::Lanes;
use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::rates::RatedRange;
use crate::record::{Book, refused};
use crate::refusal::ConfigError;

/// The vectors of an embedding that have been touched since the last update, and the ranges of parameters that follow from them.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    /// Numbers of inputs, until they are sorted some perhaps more than once.
    rows: Vec<u32>,
    /// Ranges that follow from them, at whatever rate they learn.
    concerned: Vec<Range<usize>>,
    changed: Vec<RatedRange>,
    counted: Vec<RatedRange>,
}

impl Touched {
    /// Nothing yet, and room for the ranges of a network without an embedding: a step allocates nothing.
    pub(crate) fn new<T: Real>(network: &Network<T>) -> Self {
        let room = 2 + network.learned.len();
        Self {
            rows: Vec::new(),
            concerned: Vec::with_capacity(2),
            changed: Vec::with_capacity(room),
            counted: Vec::with_capacity(room),
        }
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

    /// The vectors that were touched, ascending, of those of `length` values that have this gradient.
    pub(crate) fn rows_of<T: Real>(&mut self, gradient: &[T], length: usize) -> &[u32] {
        if self.rows.is_empty() {
            // No list was kept: look for vectors with a gradient.
            let has_gradient = |(_, vector): &(usize, &[T])| vector.iter().any(|g| *g != T::zero());
            let vectors = gradient.chunks_exact(length).enumerate().filter(has_gradient);
            self.rows.extend(vectors.map(|(row, _)| row as u32));
        }
        &self.rows
    }

    /// These were touched as well.
    pub(crate) fn add_rows(&mut self, rows: &[u32]) {
        self.rows.extend_from_slice(rows);
        self.rows.sort_unstable();
        self.rows.dedup();
    }

    /// What an update changes, and what counts towards the gradient's norm.
    pub(crate) fn ranges<T: Real>(&mut self, network: &Network<T>, gradient: &[T]) -> (&[RatedRange], &[RatedRange]) {
        let all = network.parameters.len();
        self.concerned.clear();
        match (network.layers[0].embedding(), &network.tied) {
            (Some(embedding), None) if embedding.rates.learns("W") => {
                let (w, n) = (embedding.w_range(), embedding.units);
                self.rows_of(&gradient[w.clone()], n);
                for &row in &self.rows {
                    let start = w.start + row as usize * n;
                    match self.concerned.last_mut() {
                        Some(last) if last.end == start => last.end = start + n,
                        _ => self.concerned.push(start..start + n),
                    }
                }
                self.concerned.push(w.end..all);
            }
            _ => self.concerned.push(0..all),
        }
        cut(&self.concerned, &network.learned, &mut self.changed);
        if let Some(tie) = &network.tied {
            cut(&[0..tie.readout.start, tie.readout.end..all], &network.learned, &mut self.counted);
        } else {
            self.counted.clone_from(&self.changed);
        }
        (&self.changed, &self.counted)
    }

    /// After an update: nothing is touched.
    pub(crate) fn forget(&mut self) {
        self.rows.clear();
    }
}

/// What ascending ranges and rated ones have in common.
fn cut(ranges: &[Range<usize>], rated: &[RatedRange], to: &mut Vec<RatedRange>) {
    to.clear();
    let mut rest = rated;
    for range in ranges {
        while let Some(RatedRange { range: of_rated, scale }) = rest.first() {
            let both = range.start.max(of_rated.start)..range.end.min(of_rated.end);
            if !both.is_empty() {
                to.push(RatedRange { range: both, scale: *scale });
            }
            if of_rated.end > range.end {
                break;
            }
            rest = &rest[1..];
        }
    }
}
