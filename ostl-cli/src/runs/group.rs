//! Runs of the same configuration but for the seed, and how far their figures lie apart.

use crate::arguments::ComparedSplit;

use super::run::Run;
use super::settings::Settings;

/// Runs with the same settings, in the order given.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    /// At least one.
    pub(crate) runs: Vec<&'a Run>,
}

/// A figure of several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    /// Standard deviation of the runs, n − 1 in the denominator; none of a single one.
    pub(crate) deviation: Option<f64>,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// Things by their settings; groups in the order of their first.
pub(crate) fn by_settings<T>(things: impl IntoIterator<Item = T>, settings: impl Fn(&T) -> &Settings) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    for thing in things {
        match groups.iter_mut().find(|group| settings(&group[0]) == settings(&thing)) {
            Some(group) => group.push(thing),
            None => groups.push(vec![thing]),
        }
    }
    groups
}

impl<'a> Group<'a> {
    /// Runs by their settings; groups in the order of their first runs.
    pub(crate) fn all(runs: &'a [Run]) -> Vec<Self> {
        by_settings(runs, |run| &run.settings).into_iter().map(|runs| Self { runs }).collect()
    }

    pub(crate) fn first(&self) -> &'a Run {
        self.runs[0]
    }

    /// The run with the best validation figure, as each run chose its best epoch; the first of equals.
    pub(crate) fn best(&self) -> &'a Run {
        let figure = |run: &Run| run.best_by.and_then(|by| run.figure(ComparedSplit::Valid, by));
        let better = |best: &'a Run, run: &'a Run| match (run.best_by, figure(run), figure(best)) {
            (Some(by), Some(value), Some(least)) if by.is_better(value, least) => run,
            (_, Some(_), None) => run,
            _ => best,
        };
        self.runs.iter().copied().fold(self.first(), better)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.runs.iter().map(|run| run.name()).collect()
    }

    pub(crate) fn read_the_same_data(&self) -> bool {
        self.runs.iter().all(|run| run.fingerprint == self.first().fingerprint)
    }

    /// The figure of each run that has it.
    pub(crate) fn values(&self, figure: impl Fn(&Run) -> Option<f64>) -> Vec<f64> {
        self.runs.iter().filter_map(|run| figure(run)).collect()
    }

    pub(crate) fn spread(&self, figure: impl Fn(&Run) -> Option<f64>) -> Option<Spread> {
        Spread::of(&self.values(figure))
    }
}

impl Spread {
    /// None where there are no values.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let (first, count) = (*values.first()?, values.len() as f64);
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            mean,
            deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
            least: values.iter().copied().fold(first, f64::min),
            most: values.iter().copied().fold(first, f64::max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_by_hand() {
        let spread = Spread::of(&[2.0, 4.0, 9.0]).unwrap();
        assert_eq!((spread.mean, spread.least, spread.most), (5.0, 2.0, 9.0));
        assert_eq!(spread.deviation, Some(13.0_f64.sqrt()));
        assert_eq!(Spread::of(&[7.0]), Some(Spread { mean: 7.0, deviation: None, least: 7.0, most: 7.0 }));
        assert_eq!(Spread::of(&[]), None);
    }
}
