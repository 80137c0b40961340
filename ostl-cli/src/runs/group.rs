//! Runs of the same configuration but for the seed, and how far their figures lie apart.

use super::run::Run;

/// Runs with the same settings, in the order given.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// At least one.
    pub(super) runs: Vec<&'a Run>,
}

/// A figure of several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) mean: f64,
    /// Standard deviation of the runs, n − 1 in the denominator; none of a single one.
    pub(super) deviation: Option<f64>,
    pub(super) least: f64,
    pub(super) most: f64,
}

/// Runs by their settings; groups in the order of their first runs.
pub(super) fn grouped(runs: &[Run]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for run in runs {
        match groups.iter_mut().find(|group| group.first().settings == run.settings) {
            Some(group) => group.runs.push(run),
            None => groups.push(Group { runs: vec![run] }),
        }
    }
    groups
}

impl<'a> Group<'a> {
    pub(super) fn first(&self) -> &'a Run {
        self.runs[0]
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.runs.iter().map(|run| run.name()).collect()
    }

    pub(super) fn read_the_same_data(&self) -> bool {
        self.runs.iter().all(|run| run.fingerprint == self.first().fingerprint)
    }

    /// The figure of each run that has it.
    pub(super) fn values(&self, figure: impl Fn(&Run) -> Option<f64>) -> Vec<f64> {
        self.runs.iter().filter_map(|run| figure(run)).collect()
    }

    pub(super) fn spread(&self, figure: impl Fn(&Run) -> Option<f64>) -> Option<Spread> {
        Spread::of(&self.values(figure))
    }
}

impl Spread {
    /// None where there are no values.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
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
