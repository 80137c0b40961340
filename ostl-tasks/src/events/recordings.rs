//! Events in little memory: eight bytes each, all recordings of a split one after the other.

use ostl_core::SequenceBatch;

/// The recordings of a split. An event has a time in microseconds and a channel, 4 bytes each, and maybe a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recordings {
    /// Where the events of each recording end.
    ends: Vec<usize>,
    times: Vec<u32>,
    channels: Vec<u32>,
    /// Empty as long as every event has the value 1.
    values: Vec<f32>,
    classes: Vec<u32>,
}

/// One recording: its events in the order of their times, and what it is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recording<'a> {
    /// Time of each event in microseconds from the start of the recording, ascending.
    pub times: &'a [u32],
    /// Channel of each event, counted from 0.
    pub channels: &'a [u32],
    /// Value of each event; empty where all are 1.
    pub values: &'a [f32],
    /// What the recording is of.
    pub class: usize,
}

impl Recordings {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event to the recording that [`finish`](Recordings::finish) will end.
    pub fn push(&mut self, time: u32, channel: u32, value: f32) {
        if value != 1.0 && self.values.is_empty() {
            self.values.resize(self.times.len(), 1.0);
        }
        if value != 1.0 || !self.values.is_empty() {
            self.values.push(value);
        }
        self.times.push(time);
        self.channels.push(channel);
    }

    /// Ends a recording, which holds the events pushed since the last one ended. They are put in the order of their times; events of the
    /// same time keep their order.
    pub fn finish(&mut self, class: u32) {
        let start = self.ends.last().copied().unwrap_or(0);
        if !self.times[start..].is_sorted() {
            let mut order: Vec<usize> = (start..self.times.len()).collect();
            order.sort_by_key(|&event| self.times[event]);
            reorder(&mut self.times, start, &order);
            reorder(&mut self.channels, start, &order);
            if !self.values.is_empty() {
                reorder(&mut self.values, start, &order);
            }
        }
        self.ends.push(self.times.len());
        self.classes.push(class);
    }

    /// Gives back memory that was kept for more events.
    pub fn shrink_to_fit(&mut self) {
        self.ends.shrink_to_fit();
        self.times.shrink_to_fit();
        self.channels.shrink_to_fit();
        self.values.shrink_to_fit();
        self.classes.shrink_to_fit();
    }

    /// How many recordings there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many events there are in all recordings.
    pub fn events(&self) -> usize {
        self.times.len()
    }

    /// One recording.
    ///
    /// # Panics
    /// If there is none of this number.
    #[track_caller]
    pub fn get(&self, index: usize) -> Recording<'_> {
        assert!(index < self.len(), "recording {index} of {}", self.len());
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        let events = start..self.ends[index];
        Recording {
            times: &self.times[events.clone()],
            channels: &self.channels[events.clone()],
            values: self.values.get(events).unwrap_or(&[]),
            class: self.classes[index] as usize,
        }
    }
}

/// Puts the elements from `start` on into the order of the places given.
fn reorder<T: Copy>(list: &mut [T], start: usize, order: &[usize]) {
    let ordered: Vec<T> = order.iter().map(|&place| list[place]).collect();
    list[start..].copy_from_slice(&ordered);
}

impl Recording<'_> {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Pushes the events of a range into a step of a stream, one for each channel that has any, channels ascending.
    /// `pairs` is room to work in.
    pub(super) fn push_bin(
        &self,
        events: std::ops::Range<usize>,
        binary: bool,
        batch: &mut SequenceBatch<f32>,
        (stream, step): (usize, usize),
        pairs: &mut Vec<(u32, f32)>,
    ) {
        pairs.clear();
        let value = |event: usize| self.values.get(event).copied().unwrap_or(1.0);
        pairs.extend(events.map(|event| (self.channels[event], value(event))));
        pairs.sort_by_key(|&(channel, _)| channel);
        for same in pairs.chunk_by(|a, b| a.0 == b.0) {
            let value = if binary { 1.0 } else { same.iter().map(|&(_, value)| value).sum() };
            batch.push_event(stream, step, same[0].0 as usize, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Recordings {
        let mut recordings = Recordings::new();
        for (time, channel) in [(30, 1), (10, 2), (30, 0), (20, 3)] {
            recordings.push(time, channel, 1.0);
        }
        recordings.finish(7);
        recordings.finish(8);
        recordings.push(5, 9, 1.0);
        recordings.push(4, 6, 0.5);
        recordings.finish(9);
        recordings
    }

    #[test]
    fn events_are_sorted_by_time_and_equals_keep_their_order() {
        let recordings = three();
        let first = recordings.get(0);
        assert_eq!((first.times, first.channels), (&[10, 20, 30, 30][..], &[2, 3, 1, 0][..]));
        assert_eq!((first.values, first.class, first.len()), (&[1.0; 4][..], 7, 4));
        assert!(recordings.get(1).is_empty());
        let last = recordings.get(2);
        assert_eq!((last.times, last.channels, last.values), (&[4, 5][..], &[6, 9][..], &[0.5, 1.0][..]));
        assert_eq!((recordings.len(), recordings.events()), (3, 6));
    }

    #[test]
    fn values_are_kept_only_where_they_tell_something() {
        let mut recordings = Recordings::new();
        recordings.push(1, 1, 1.0);
        recordings.finish(0);
        assert!(recordings.get(0).values.is_empty());
    }
}
