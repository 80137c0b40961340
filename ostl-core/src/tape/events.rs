//! What a layer's weights are multiplied with: a signal that is dense, or a list of events where it is mostly zeros.
//!
//! Spikes and sparse inputs are listed once, as they come: column by column for the forward pass, and, when the window closes, row
//! by row for gradients and traces. A signal counts as sparse for as long as at most a [`SPARSE`] share of the window so far is
//! other than zero; one that is not pays for looking at a part of one column a window.

use crate::linalg::real::Real;
use crate::refusal::{Count, count};

/// Which signal a block of parameters is multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The layer's inputs (W).
    Input,
    /// The layer's previous outputs (H).
    Output,
    /// The constant 1.
    One,
}

/// Up to one value in this many may be other than zero: beyond, the dense product is as fast.
pub(crate) const SPARSE: usize = 4;
/// Values looked at at a time.
const CHUNK: usize = 16;

/// Whether a signal is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// Not worth looking at: the signal comes from units that are never silent.
    Never,
    /// For as long as it is sparse.
    WhileSparse,
    /// Always, and there is no dense form beside the list.
    All,
}

/// The values of a signal that are not zero, over a window.
#[derive(Clone, Debug)]
pub(crate) struct Events<T: Real> {
    rows: usize,
    listing: Listing,
    /// Sparse so far in this window, so that the lists below are whole.
    sparse: bool,
    /// Where each column's events start.
    starts: Vec<u32>,
    row: Vec<u32>,
    value: Vec<T>,
    count: usize,
    by_row: ByRow<T>,
}

/// The same events row by row; within a row stream after stream, within a stream in time.
#[derive(Clone, Debug)]
pub(crate) struct ByRow<T: Real> {
    starts: Vec<u32>,
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
    /// Of a signal of `rows` rows.
    pub(crate) fn new(rows: usize, listing: Listing) -> Self {
        Self {
            rows,
            listing,
            sparse: listing != Listing::Never,
            starts: vec![0],
            row: Vec::new(),
            value: Vec::new(),
            count: 0,
            by_row: ByRow {
                starts: Vec::new(),
                column: Vec::new(),
                stream: Vec::new(),
                step: Vec::new(),
                value: Vec::new(),
            },
        }
    }

    /// Makes room for windows of `columns` columns.
    pub(crate) fn reserve(&mut self, columns: usize) {
        if self.listing == Listing::Never {
            return;
        }
        // Where everything is listed, room is made as events come, and kept.
        let most = if self.listing == Listing::All { 0 } else { Self::limit(self.rows, columns) + CHUNK };
        // In mid-window what is listed stays.
        let most = most.max(self.count);
        self.starts.resize(self.starts.len().max(columns + 1), 0);
        self.row.resize(most, 0);
        self.value.resize(most, T::zero());
        // What was sorted lies in lists that may be shorter now; the next window sorts anew.
        self.by_row.starts.clear();
        self.by_row.starts.resize(self.rows + 2, 0);
        self.by_row.column.resize(most, 0);
        self.by_row.stream.resize(most, 0);
        self.by_row.step.resize(most, 0);
        self.by_row.value.resize(most, T::zero());
    }

    /// Bytes that a list for windows of `columns` columns takes. One that holds all grows with what there is to list, and is counted as if there
    /// was an event in each column.
    pub(crate) fn bytes(rows: usize, listing: Listing, columns: Count) -> Count {
        let index = size_of::<u32>();
        let most = match listing {
            Listing::Never => return count(index),
            Listing::All => columns,
            Listing::WhileSparse => Count((columns * rows).0 / SPARSE as u64) + CHUNK,
        };
        // Events are counted in 32 bits; more than that take a hundred gigabytes.
        if most > Count(u32::MAX.into()) {
            return Count(u64::MAX);
        }
        most * (4 * index + 2 * size_of::<T>()) + (columns + 1 + 2 + count(rows)) * index
    }

    /// How many events there may be at most in `columns` columns.
    fn limit(rows: usize, columns: usize) -> usize {
        rows * columns / SPARSE
    }

    /// A new window.
    pub(crate) fn open(&mut self) {
        self.sparse = self.listing != Listing::Never;
        self.count = 0;
    }

    /// Forgets the events of the first columns; those after them move to the front.
    pub(crate) fn drop_front(&mut self, columns: usize) {
        if !self.sparse {
            return;
        }
        let dropped = self.starts[columns];
        self.row.copy_within(dropped as usize..self.count, 0);
        self.value.copy_within(dropped as usize..self.count, 0);
        self.starts.copy_within(columns.., 0);
        // Of columns that are not there yet nothing is kept.
        self.starts.iter_mut().for_each(|start| *start = start.saturating_sub(dropped));
        self.count -= dropped as usize;
    }

    /// Whether the list is all there is of the signal.
    pub(crate) fn holds_all(&self) -> bool {
        self.listing == Listing::All
    }

    /// Lists the next column of a signal that is given by its events.
    pub(crate) fn push(&mut self, column: usize, rows: &[u32], values: &[T]) {
        self.row.truncate(self.count);
        self.value.truncate(self.count);
        self.row.extend_from_slice(rows);
        self.value.extend_from_slice(values);
        self.count = self.row.len();
        self.starts[column + 1] = self.count as u32;
    }

    /// Lists the next column of a signal, whatever its share of zeros.
    pub(crate) fn push_dense(&mut self, column: usize, values: &[T]) {
        self.row.truncate(self.count);
        self.value.truncate(self.count);
        for (row, &value) in values.iter().enumerate().filter(|(_, value)| **value != T::zero()) {
            self.row.push(row as u32);
            self.value.push(value);
        }
        self.count = self.row.len();
        self.starts[column + 1] = self.count as u32;
    }

    /// The rows of all events of the window.
    pub(crate) fn rows_seen(&self) -> &[u32] {
        &self.row[..self.count]
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
    pub(crate) fn sort(&mut self, active: usize, steps: usize) {
        if !self.sparse {
            return;
        }
        if self.by_row.column.len() < self.count {
            self.by_row.column.resize(self.count, 0);
            self.by_row.stream.resize(self.count, 0);
            self.by_row.step.resize(self.count, 0);
            self.by_row.value.resize(self.count, T::zero());
        }
        let starts = &mut self.by_row.starts;
        starts.fill(0);
        // A block may be closed at a window's end before its last steps.
        for &row in &self.row[..self.starts[active * steps] as usize] {
            starts[row as usize + 2] += 1;
        }
        for row in 2..starts.len() {
            starts[row] += starts[row - 1];
        }
        // starts[row + 1] is now where the row's next event goes; in the end it is where the row after it starts.
        for stream in 0..active {
            for step in 0..steps {
                let column = step * active + stream;
                for event in self.starts[column] as usize..self.starts[column + 1] as usize {
                    let row = self.row[event] as usize;
                    let next = &mut starts[row + 1];
                    let place = *next as usize;
                    *next += 1;
                    self.by_row.column[place] = column as u32;
                    self.by_row.stream[place] = stream as u32;
                    self.by_row.step[place] = step as u32;
                    self.by_row.value[place] = self.value[event];
                }
            }
        }
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
        let mut events = Events::new(20, Listing::WhileSparse);
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
    fn a_list_that_is_all_there_is() {
        let signal = signal(2);
        let (mut scanned, mut given) = (Events::new(20, Listing::All), Events::new(20, Listing::All));
        for _ in 0..2 {
            for events in [&mut scanned, &mut given] {
                events.reserve(12);
                events.open();
            }
            for (column, values) in signal.chunks_exact(20).enumerate() {
                scanned.push_dense(column, values);
                let there: Vec<u32> = (0..20).filter(|&row| values[row as usize] != 0.0).collect();
                let values: Vec<f32> = there.iter().map(|&row| values[row as usize]).collect();
                given.push(column, &there, &values);
            }
            for events in [&mut scanned, &mut given] {
                assert!(events.is_sparse() && events.holds_all());
                events.sort(3, 4);
            }
            for row in 0..20 {
                let (a, b) = (scanned.of_row(row), given.of_row(row));
                assert_eq!((a.column, a.value), (b.column, b.value));
                let total: f32 = signal.iter().skip(row).step_by(20).sum();
                assert_eq!(a.value.iter().sum::<f32>(), total);
            }
            assert_eq!(scanned.rows_seen().len(), signal.iter().filter(|v| **v != 0.0).count());
        }
    }

    #[test]
    fn what_is_dense_is_told_early() {
        let mut events = Events::new(20, Listing::WhileSparse);
        events.reserve(12);
        events.open();
        assert_eq!(events.append(0, &signal(2)), 0);
        assert!(!events.is_sparse() && events.append(1, &[0.0; 20]) == 0);
        events.open();
        assert_eq!(events.append(0, &signal(9)), 12, "a new window starts afresh");
        assert_eq!(Events::<f32>::new(20, Listing::Never).append(0, &[0.0; 20]), 0, "never asked");
        // Three silent columns, then one in which every second value speaks: listed alone, too much beside it.
        let mut late = vec![0.0; 60];
        late.extend([0.0, 1.0].repeat(10));
        late.extend([1.0; 20]);
        events.open();
        assert_eq!(events.append(0, &late), 4);
        assert!(!events.is_sparse());
    }
}
