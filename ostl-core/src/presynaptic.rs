//! What a layer's weights are multiplied with: a signal that is dense, or a list of events where it is mostly zeros.
//!
//! Spikes and sparse inputs are listed once, as they come: column by column for the forward pass, and, when the window closes, row
//! by row for gradients and traces. A signal counts as sparse for as long as at most a [`SPARSE`] share of the window so far is
//! other than zero; one that is not pays for looking at a part of one column a window.

use serde::{Deserialize, Serialize};

use crate::real::Real;

/// Which signal a block of parameters is multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Signal {
    /// The layer's inputs (W).
    Input,
    /// The layer's previous outputs (H).
    Output,
    /// The constant 1.
    One,
}

/// Up to one value in so many may be other than zero: beyond, the dense product is as fast.
pub(crate) const SPARSE: usize = 4;
/// One pair of a row and a stream in so many may have an event in a window for its trace to be touched alone: single cache lines
/// come several times slower from memory than a walk through all of them.
const SCARCE: usize = 12;
/// Values looked at at a time.
const CHUNK: usize = 16;

/// The values of a signal that are not zero, over a window.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Events<T: Real> {
    rows: usize,
    /// Worth looking at: the signal comes from outside or from units that can be silent.
    may_be_sparse: bool,
    /// Sparse so far in this window, so that the lists below are whole.
    sparse: bool,
    /// Where each column's events start.
    starts: Vec<u32>,
    row: Vec<u32>,
    value: Vec<T>,
    count: usize,
    /// Pairs of a row and a stream that have an event at all.
    pairs: usize,
    by_row: ByRow<T>,
}

/// The same events row by row; within a row stream after stream, within a stream in time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct ByRow<T: Real> {
    starts: Vec<u32>,
    /// For each row the last stream that had an event.
    seen: Vec<u32>,
    column: Vec<u32>,
    stream: Vec<u32>,
    step: Vec<u32>,
    value: Vec<T>,
}

/// The events of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowEvents<'a, T> {
    /// Columns of the window.
    pub(crate) column: &'a [u32],
    pub(crate) stream: &'a [u32],
    pub(crate) step: &'a [u32],
    pub(crate) value: &'a [T],
}

impl<T: Real> Events<T> {
    /// Of a signal of so many rows.
    pub(crate) fn new(rows: usize, may_be_sparse: bool) -> Self {
        Self {
            rows,
            may_be_sparse,
            sparse: may_be_sparse,
            starts: vec![0],
            row: Vec::new(),
            value: Vec::new(),
            count: 0,
            pairs: 0,
            by_row: ByRow {
                seen: Vec::new(),
                starts: Vec::new(),
                column: Vec::new(),
                stream: Vec::new(),
                step: Vec::new(),
                value: Vec::new(),
            },
        }
    }

    /// Makes room for windows of so many columns.
    pub(crate) fn reserve(&mut self, columns: usize) {
        if !self.may_be_sparse {
            return;
        }
        let most = Self::limit(self.rows, columns) + CHUNK;
        self.starts.resize(columns + 1, 0);
        self.row.resize(most, 0);
        self.value.resize(most, T::zero());
        self.by_row.starts.resize(self.rows + 2, 0);
        self.by_row.seen.resize(self.rows, 0);
        self.by_row.column.resize(most, 0);
        self.by_row.stream.resize(most, 0);
        self.by_row.step.resize(most, 0);
        self.by_row.value.resize(most, T::zero());
    }

    /// So many events may there be in so many columns.
    fn limit(rows: usize, columns: usize) -> usize {
        rows * columns / SPARSE
    }

    /// A new window.
    pub(crate) fn open(&mut self) {
        self.sparse = self.may_be_sparse;
        self.count = 0;
    }

    /// Whether the lists hold everything that was in this window.
    pub(crate) fn is_sparse(&self) -> bool {
        self.sparse
    }

    /// Lists the events of further columns, of which the first is column `from` of the window, for as long as all is sparse.
    /// Returns how many of them are listed; the decision falls column by column, however many come at once.
    pub(crate) fn append(&mut self, from: usize, columns: &[T]) -> usize {
        if !self.sparse {
            return 0;
        }
        for (place, column) in columns.chunks_exact(self.rows).enumerate() {
            let limit = Self::limit(self.rows, from + place + 1);
            for (chunk, values) in column.chunks(CHUNK).enumerate() {
                if !values.iter().fold(false, |any, v| any | (*v != T::zero())) {
                    continue;
                }
                for (i, &v) in values.iter().enumerate() {
                    self.row[self.count] = (chunk * CHUNK + i) as u32;
                    self.value[self.count] = v;
                    self.count += usize::from(v != T::zero());
                }
                if self.count > limit {
                    self.sparse = false;
                    return place;
                }
            }
            self.starts[from + place + 1] = self.count as u32;
        }
        columns.len() / self.rows
    }

    /// The events of one column: rows and values.
    pub(crate) fn of_column(&self, column: usize) -> (&[u32], &[T]) {
        let range = self.starts[column] as usize..self.starts[column + 1] as usize;
        (&self.row[range.clone()], &self.value[range])
    }

    /// Sorts the events of the window by row.
    pub(crate) fn sort(&mut self, live: usize, steps: usize) {
        if !self.sparse {
            return;
        }
        let starts = &mut self.by_row.starts;
        starts.fill(0);
        for &row in &self.row[..self.count] {
            starts[row as usize + 2] += 1;
        }
        for row in 2..starts.len() {
            starts[row] += starts[row - 1];
        }
        self.pairs = 0;
        self.by_row.seen.fill(u32::MAX);
        // starts[row + 1] is now where the row's next event goes; in the end it is where the row after it starts.
        for stream in 0..live {
            for step in 0..steps {
                let column = step * live + stream;
                for event in self.starts[column] as usize..self.starts[column + 1] as usize {
                    let row = self.row[event] as usize;
                    let next = &mut starts[row + 1];
                    let place = *next as usize;
                    self.pairs += usize::from(self.by_row.seen[row] != stream as u32);
                    self.by_row.seen[row] = stream as u32;
                    *next += 1;
                    self.by_row.column[place] = column as u32;
                    self.by_row.stream[place] = stream as u32;
                    self.by_row.step[place] = step as u32;
                    self.by_row.value[place] = self.value[event];
                }
            }
        }
    }

    /// Whether few pairs of a row and a stream had an event in this window, once they are sorted.
    pub(crate) fn touches_few(&self, live: usize) -> bool {
        self.sparse && SCARCE * self.pairs <= self.rows * live
    }

    /// The events of one row, once they are sorted.
    pub(crate) fn of_row(&self, row: usize) -> RowEvents<'_, T> {
        let range = self.by_row.starts[row] as usize..self.by_row.starts[row + 1] as usize;
        RowEvents {
            column: &self.by_row.column[range.clone()],
            stream: &self.by_row.stream[range.clone()],
            step: &self.by_row.step[range.clone()],
            value: &self.by_row.value[range],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3 streams, 4 steps, 20 rows.
    fn signal(every: usize) -> Vec<f32> {
        (0..3 * 4 * 20).map(|i| if (i * 7) % every == 0 { i as f32 + 1.0 } else { 0.0 }).collect()
    }

    #[test]
    fn both_lists_hold_the_same_events() {
        let signal = signal(9);
        let mut events = Events::new(20, true);
        events.reserve(12);
        for _ in 0..2 {
            events.open();
            assert_eq!([events.append(0, &signal[..5 * 20]), events.append(5, &signal[5 * 20..])], [5, 7]);
            assert!(events.is_sparse());
        }
        events.sort(3, 4);
        let mut from_columns = vec![0.0; signal.len()];
        let mut from_rows = from_columns.clone();
        for column in 0..12 {
            let (rows, values) = events.of_column(column);
            rows.iter().zip(values).for_each(|(&row, &value)| from_columns[column * 20 + row as usize] = value);
        }
        for row in 0..20 {
            let found = events.of_row(row);
            let order: Vec<_> = found.stream.iter().zip(found.step).collect();
            assert!(order.is_sorted(), "stream by stream, in time");
            for (event, &column) in found.column.iter().enumerate() {
                assert_eq!(column, found.step[event] * 3 + found.stream[event]);
                from_rows[column as usize * 20 + row] = found.value[event];
            }
        }
        assert_eq!(from_columns, signal);
        assert_eq!(from_rows, signal);
    }

    #[test]
    fn what_is_dense_is_told_early() {
        let mut events = Events::new(20, true);
        events.reserve(12);
        events.open();
        assert_eq!(events.append(0, &signal(2)), 0);
        assert!(!events.is_sparse() && events.append(1, &[0.0; 20]) == 0);
        events.open();
        assert_eq!(events.append(0, &signal(9)), 12, "a new window starts afresh");
        assert_eq!(Events::<f32>::new(20, false).append(0, &[0.0; 20]), 0, "never asked");
        // Three silent columns, then one in which every second value speaks: listed alone, too much beside it.
        let mut late = vec![0.0; 60];
        late.extend([0.0, 1.0].repeat(10));
        late.extend([1.0; 20]);
        events.open();
        assert_eq!(events.append(0, &late), 4);
        assert!(!events.is_sparse());
    }
}
