//! Sequences of chords, stored as the lists of their notes.

/// Many sequences of chords, end to end.
///
/// A chord costs its notes, a byte each, and four bytes to say where they end: for four voices a fortieth of a dense roll of
/// 88 `f32`, and a fraction of a `Vec` per chord.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChordSequences {
    notes: Vec<u8>,
    /// For each chord the end of its notes in `notes`.
    chord_ends: Vec<u32>,
    /// For each sequence the end of its chords in `chord_ends`.
    sequence_ends: Vec<u32>,
}

/// The end of a list as it is stored. Files are far below 4 GiB, and every entry of a list takes at least two bytes of its
/// file.
fn end(length: usize) -> u32 {
    u32::try_from(length).expect("a list longer than its file")
}

/// Where entry `index` begins and ends.
fn range(ends: &[u32], index: usize) -> std::ops::Range<usize> {
    let start = if index == 0 { 0 } else { ends[index - 1] as usize };
    start..ends[index] as usize
}

impl ChordSequences {
    /// Adds a note to the chord that is being written.
    pub(crate) fn push_note(&mut self, note: u8) {
        self.notes.push(note);
    }

    /// Ends the chord that is being written; its notes are sorted.
    pub(crate) fn end_chord(&mut self) {
        let start = self.chord_ends.last().map_or(0, |&end| end as usize);
        self.notes[start..].sort_unstable();
        self.chord_ends.push(end(self.notes.len()));
    }

    /// Ends the sequence that is being written.
    pub(crate) fn end_sequence(&mut self) {
        self.sequence_ends.push(end(self.chord_ends.len()));
    }

    /// Gives back what the lists have reserved and not used.
    pub(crate) fn shrink(&mut self) {
        self.notes.shrink_to_fit();
        self.chord_ends.shrink_to_fit();
        self.sequence_ends.shrink_to_fit();
    }

    /// Number of sequences.
    pub(crate) fn sequences(&self) -> usize {
        self.sequence_ends.len()
    }

    /// Number of chords in a sequence.
    pub(crate) fn chords(&self, sequence: usize) -> usize {
        range(&self.sequence_ends, sequence).len()
    }

    /// The notes of one chord, ascending.
    ///
    /// # Panics
    /// If the sequence has no such chord.
    #[track_caller]
    pub(crate) fn chord(&self, sequence: usize, step: usize) -> &[u8] {
        let chords = range(&self.sequence_ends, sequence);
        assert!(step < chords.len(), "chord {step} of {}", chords.len());
        &self.notes[range(&self.chord_ends, chords.start + step)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let sequences: [&[&[u8]]; 3] = [&[&[60, 64], &[]], &[&[], &[], &[21]], &[&[108, 22, 23]]];
        let mut stored = ChordSequences::default();
        for sequence in sequences {
            for chord in sequence {
                chord.iter().for_each(|&note| stored.push_note(note));
                stored.end_chord();
            }
            stored.end_sequence();
        }
        stored.shrink();
        assert_eq!(stored.sequences(), 3);
        assert_eq!([0, 1, 2].map(|i| stored.chords(i)), [2, 3, 1]);
        assert_eq!(stored.chord(0, 0), [60, 64]);
        assert!(stored.chord(0, 1).is_empty());
        assert_eq!(stored.chord(1, 2), [21]);
        assert_eq!(stored.chord(2, 0), [22, 23, 108]);
    }
}
