//! Which events make up a step.

use std::ops::Range;

use ostl_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::recordings::Recording;

/// Microseconds of a millisecond.
const MICROSECONDS: f64 = 1000.0;

/// Which events of a recording make up a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bin {
    /// Those of a width in milliseconds: step k has the events of the times from k · width to just before (k + 1) · width, so that an event on an
    /// edge belongs to the later step. Steps without events come as they are; the last step is that of the last event. In a configuration
    /// `bin = { width_ms = 10 }`.
    WidthMs(f64),
    /// This many events, in the order of their times; the last step has what is left over. In a configuration `bin = { count = 50 }`.
    Count(usize),
}

/// What an input of a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BinValue {
    /// One if the channel has an event in the step, else zero.
    #[default]
    Binary,
    /// The number of the channel's events in the step; the sum of their values where events have values.
    Count,
}

/// Checked settings of binning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Binning {
    rule: Rule,
    most_steps: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Microseconds.
    Width(u32),
    Events(usize),
}

impl Binning {
    /// Longest sequence that is made, in steps, unless `max_steps` says so.
    pub(super) const MOST_STEPS: usize = 1_000_000;

    /// # Errors
    /// [`ConfigError`] if a width is not a whole number of microseconds from 1 to 4,000,000,000 or a count or `max_steps` is 0.
    pub(super) fn new(bin: Bin, max_steps: Option<usize>) -> Result<Self, ConfigError> {
        let wrong = |field: &str, value: String, allowed: &str| {
            Err(ConfigError::OutOfRange { field: field.to_owned(), value, allowed: allowed.to_owned() })
        };
        let rule = match bin {
            Bin::WidthMs(width) => {
                let microseconds = (width * MICROSECONDS).round();
                // Written as text, 0.3 ms are 299.99999999999994 µs.
                let whole = (width * MICROSECONDS - microseconds).abs() <= 1e-9 * microseconds;
                if !(whole && (1.0..=4e9).contains(&microseconds)) {
                    return wrong(
                        "bin.width_ms",
                        width.to_string(),
                        "from 0.001 to 4000000 milliseconds, a whole number of microseconds",
                    );
                }
                Rule::Width(microseconds as u32)
            }
            Bin::Count(0) => return wrong("bin.count", "0".to_owned(), "at least 1 event"),
            Bin::Count(events) => Rule::Events(events),
        };
        if !max_steps.is_none_or(|steps| (1..=Self::MOST_STEPS).contains(&steps)) {
            let value = max_steps.unwrap_or(0).to_string();
            return wrong("max_steps", value, "a whole number from 1 to 1000000, or left out");
        }
        Ok(Self { rule, most_steps: max_steps.unwrap_or(Self::MOST_STEPS) })
    }

    /// Steps of a recording, at least 1: without events there is one empty step.
    pub(super) fn steps(&self, recording: &Recording<'_>) -> usize {
        self.all_steps(recording).clamp(1, self.most_steps)
    }

    /// Whether events are left out because they come after the last step.
    pub(super) fn is_cut_off(&self, recording: &Recording<'_>) -> bool {
        self.all_steps(recording) > self.most_steps
    }

    fn all_steps(&self, recording: &Recording<'_>) -> usize {
        match self.rule {
            Rule::Width(width) => recording.times.last().map_or(0, |&last| (last / width) as usize + 1),
            Rule::Events(events) => recording.len().div_ceil(events),
        }
    }

    /// The steps that have events, ascending, and which ones; events past the last step are left out.
    pub(super) fn bins<'r>(&self, recording: &Recording<'r>) -> impl Iterator<Item = (usize, Range<usize>)> + use<'r> {
        let (rule, most_steps, times) = (self.rule, self.most_steps, recording.times);
        let mut start = 0;
        std::iter::from_fn(move || {
            let &first = times.get(start)?;
            let (step, end) = match rule {
                Rule::Width(width) => {
                    let step = first / width;
                    let later = times[start..].iter().position(|&time| time / width != step);
                    (step as usize, later.map_or(times.len(), |later| start + later))
                }
                Rule::Events(events) => (start / events, times.len().min(start + events)),
            };
            let events = start..end;
            start = end;
            (step < most_steps).then_some((step, events))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: &[u32]) -> Recording<'_> {
        Recording { times, channels: &[], values: &[], class: 0 }
    }

    /// Steps, and the times in each bin.
    fn bins(bin: Bin, max_steps: Option<usize>, times: &[u32]) -> (usize, Vec<(usize, Vec<u32>)>) {
        let binning = Binning::new(bin, max_steps).unwrap();
        let recording = of(times);
        (binning.steps(&recording), binning.bins(&recording).map(|(step, events)| (step, times[events].to_vec())).collect())
    }

    #[test]
    fn an_event_on_an_edge_belongs_to_the_later_bin() {
        let times = [0, 999, 1000, 1001, 1999, 2000];
        let expected = vec![(0, vec![0, 999]), (1, vec![1000, 1001, 1999]), (2, vec![2000])];
        assert_eq!(bins(Bin::WidthMs(1.0), None, &times), (3, expected));
        assert_eq!(bins(Bin::WidthMs(2.001), None, &times), (1, vec![(0, times.to_vec())]));
        assert_eq!(bins(Bin::WidthMs(2.0), None, &times).1[1], (1, vec![2000]));
    }

    #[test]
    fn empty_bins_are_steps() {
        assert_eq!(bins(Bin::WidthMs(0.3), None, &[700, 701, 2399]), (8, vec![(2, vec![700, 701]), (7, vec![2399])]));
        assert_eq!(bins(Bin::WidthMs(1.0), None, &[]), (1, vec![]));
        assert_eq!(bins(Bin::Count(3), None, &[]), (1, vec![]));
    }

    #[test]
    fn the_last_bin_has_what_is_left_over() {
        let expected = vec![(0, vec![5, 5, 6]), (1, vec![9, 9, 9]), (2, vec![12])];
        assert_eq!(bins(Bin::Count(3), None, &[5, 5, 6, 9, 9, 9, 12]), (3, expected));
        assert_eq!(bins(Bin::Count(2), None, &[1, 2, 3, 4]), (2, vec![(0, vec![1, 2]), (1, vec![3, 4])]));
        assert_eq!(bins(Bin::Count(9), None, &[1, 2]), (1, vec![(0, vec![1, 2])]));
    }

    #[test]
    fn what_is_too_late_is_cut_off() {
        assert_eq!(bins(Bin::WidthMs(1.0), Some(2), &[0, 1999, 2000]), (2, vec![(0, vec![0]), (1, vec![1999])]));
        assert_eq!(bins(Bin::WidthMs(1.0), Some(2), &[5000]), (2, vec![]));
        assert_eq!(bins(Bin::Count(1), Some(2), &[1, 2, 3]), (2, vec![(0, vec![1]), (1, vec![2])]));
        // The longest time there is, in the shortest bins.
        assert_eq!(bins(Bin::WidthMs(0.001), None, &[u32::MAX]).0, 1_000_000);
    }

    #[test]
    fn settings_out_of_range() {
        for (bin, words) in [
            (Bin::WidthMs(0.0), "bin.width_ms = 0"),
            (Bin::WidthMs(-1.0), "bin.width_ms = -1"),
            (Bin::WidthMs(f64::NAN), "bin.width_ms = NaN"),
            (Bin::WidthMs(0.0005), "whole number of microseconds"),
            (Bin::WidthMs(1.0005), "whole number of microseconds"),
            (Bin::WidthMs(5e6), "4000000"),
            (Bin::Count(0), "bin.count = 0"),
        ] {
            let message = Binning::new(bin, None).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
        assert!(Binning::new(Bin::WidthMs(0.3), Some(0)).unwrap_err().to_string().contains("max_steps = 0"));
    }

    #[test]
    fn in_a_configuration() {
        let parse = |json| serde_json::from_str::<Bin>(json).map_err(|error| error.to_string());
        assert_eq!(parse(r#"{"width_ms": 10}"#), Ok(Bin::WidthMs(10.0)));
        assert_eq!(parse(r#"{"count": 50}"#), Ok(Bin::Count(50)));
        let error = parse(r#"{"width": 10}"#).unwrap_err();
        assert!(error.contains("`width`") && error.contains("`width_ms`") && error.contains("`count`"), "{error}");
        assert_eq!(serde_json::to_string(&Bin::Count(5)).unwrap(), r#"{"count":5}"#);
    }

    proptest::proptest! {
        /// Against one event at a time.
        #[test]
        fn bins_are_those_of_a_division(
            mut times in proptest::collection::vec(0_u32..50_000, 0..60), width in 1_u32..9_000, most in 1_usize..20,
        ) {
            times.sort_unstable();
            let (steps, found) = bins(Bin::WidthMs(f64::from(width) / 1000.0), Some(most), &times);
            let mut expected = vec![Vec::new(); most];
            for &time in &times {
                if let Some(bin) = expected.get_mut((time / width) as usize) {
                    bin.push(time);
                }
            }
            let mut given = vec![Vec::new(); most];
            for (step, bin) in found {
                assert!(step < steps && !bin.is_empty());
                given[step] = bin;
            }
            proptest::prop_assert_eq!(given, expected);
            let longest = times.last().map_or(1, |&last| (last / width) as usize + 1);
            proptest::prop_assert_eq!(steps, longest.min(most));
        }
    }
}
