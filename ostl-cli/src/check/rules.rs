//! Every kind of cell under every named method: how far each gradient is from BPTT's, and what deep stacks drop between layers.

use anyhow::{Context, Result};
use ostl_cells::CellConfig;
use ostl_core::gradient_check::{Agreement, Claim, agreement, claims};
use ostl_core::{Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, Update, Window, bptt};
use rayon::prelude::*;
use serde::Serialize;

use super::random;
use crate::failure::UsageError;
use crate::names::{or_known, same, spelled};

const INPUTS: usize = 4;
const OUTPUTS: usize = 3;
pub(super) const UNITS: usize = 6;
pub(super) const LENGTHS: [usize; 3] = [40, 39, 33];
/// Windows K that every rule is measured with.
pub(super) const WINDOWS: [usize; 3] = [1, 4, 16];
/// Draws that a random carry is averaged over.
pub(super) const DRAWS: u32 = 64;
/// Relative error up to which a gradient counts as equal.
const EQUAL: f64 = 1e-10;
const LOSS: Loss = Loss::SoftmaxCrossEntropy;

/// Kinds of cells whose residual R is measured, numbers of layers, windows, and networks that are pooled, on sequences of these lengths in steps.
const DEEP: [&str; 4] = ["lstm", "gru", "ssnu", "snu"];
pub(super) const DEEP_STACKS: u64 = 16;
pub(super) const DEEP_LENGTHS: [usize; 3] = [96, 90, 77];
const DEPTHS: std::ops::RangeInclusive<usize> = 1..=4;
pub(super) const DEEP_WINDOWS: [usize; 5] = [1, 2, 4, 8, 16];

/// A named method, and those that have the same gradient while the weights stay fixed.
pub(super) struct Rule {
    pub(super) names: Vec<&'static str>,
    method: Method,
}

/// The named methods that differ.
pub(super) fn every() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for (name, method) in Method::every() {
        let method = over(method.with_update(Update::Sequence), 1);
        match rules.iter_mut().find(|rule| rule.method == method) {
            Some(rule) => rule.names.push(name),
            None => rules.push(Rule { names: vec![name], method }),
        }
    }
    rules
}

/// A method with windows of `steps` steps, of its own kind.
fn over(method: Method, steps: usize) -> Method {
    match method.window {
        Window::Steps(_) => method.with_window(steps),
        Window::Rolling { .. } => Method { window: method.window.with_steps(steps), ..method },
        Window::Sequence => method,
    }
}

/// One cell of the table.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    table: &'static str,
    pub(super) cell: String,
    pub(super) rule: &'static str,
    pub(super) window: usize,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
}

/// What came of one method on one cell.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "claim", rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// Every parameter's gradient is claimed to be BPTT's.
    Exact { cosine: f64, relative_error: f64 },
    /// Some are not.
    Approximate { cosine: f64, relative_error: f64 },
    /// One draw, and the mean of `draws`.
    Random { cosine: f64, relative_error: f64, draws: u32, mean_cosine: f64, mean_relative_error: f64 },
    /// The method cannot be used on the cell.
    Refused { reason: String },
}

impl Entry {
    /// Claimed exact, and is not.
    pub(super) fn is_broken(&self) -> bool {
        // A comparison with something undefined is broken as well.
        matches!(self.outcome, Outcome::Exact { relative_error, .. } if !matches!(relative_error.partial_cmp(&EQUAL), Some(std::cmp::Ordering::Less)))
    }
}

/// R of a stack: what the carry `layer` drops of BPTT's gradient.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Residual {
    table: &'static str,
    pub(super) cell: String,
    pub(super) depth: usize,
    pub(super) window: usize,
    pub(super) residual: f64,
}

/// Everything that is measured.
pub(super) struct Measured {
    /// Kinds of cells, in order.
    pub(super) cells: Vec<String>,
    pub(super) entries: Vec<Entry>,
    /// Share of the units of each spiking cell that fire at a step.
    pub(super) rates: Vec<(String, f64)>,
    pub(super) residuals: Vec<Residual>,
}

impl Measured {
    /// Measures all, or only those kinds of cells that are named.
    pub(super) fn new(only: &[String]) -> Result<Self> {
        let kinds = kinds(only)?;
        let entries = kinds.par_iter().map(|(kind, cell)| entries(kind, *cell)).collect::<Result<Vec<_>>>()?.concat();
        let deep: Vec<_> = kinds.iter().filter(|(kind, _)| DEEP.contains(&kind.as_str())).collect();
        let stacks: Vec<_> = deep.iter().flat_map(|kind| DEPTHS.map(move |depth| (kind, depth))).collect();
        let residuals = stacks.par_iter().map(|((kind, cell), depth)| residuals(kind, *cell, *depth));
        let residuals = residuals.collect::<Result<Vec<_>>>()?.concat();
        let spiking = kinds.iter().filter(|(_, cell)| cell.is_spiking());
        let rates = spiking.map(|(kind, cell)| Ok((kind.clone(), firing_rate(*cell)?))).collect::<Result<Vec<_>>>()?;
        Ok(Self { cells: kinds.into_iter().map(|(kind, _)| kind).collect(), entries, rates, residuals })
    }

    /// Number of entries claimed exact that are not.
    pub(super) fn broken(&self) -> usize {
        self.entries.iter().filter(|entry| entry.is_broken()).count()
    }

    pub(super) fn entry(&self, cell: &str, rule: &str, window: usize) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.cell == cell && entry.rule == rule && entry.window == window)
    }
}

/// One cell of each kind, with H if it can have one.
fn kinds(only: &[String]) -> Result<Vec<(String, CellConfig)>> {
    let mut kinds: Vec<(String, CellConfig)> = Vec::new();
    for (_, cell) in CellConfig::every() {
        match kinds.iter_mut().find(|(kind, _)| kind == cell.name()) {
            Some((_, found)) if !found.is_recurrent() && cell.is_recurrent() => *found = cell,
            Some(_) => {}
            None => kinds.push((cell.name().to_owned(), cell)),
        }
    }
    let known: Vec<&str> = kinds.iter().map(|(kind, _)| kind.as_str()).collect();
    if let Some(unknown) = only.iter().find(|name| spelled(name, known.iter().copied()).is_none()) {
        return Err(UsageError::Other(format!("--cells {unknown}: unknown name{}", or_known(unknown, &known))).into());
    }
    kinds.retain(|(kind, _)| only.is_empty() || only.iter().any(|name| same(name, kind)));
    Ok(kinds)
}

/// A network, sequences for it, and BPTT's gradient.
type Stack = (Network<f64>, SequenceBatch<f64>, Vec<f64>);

pub(super) fn stack(cell: CellConfig, depth: usize, lengths: &[usize], seed: u64) -> Result<Stack> {
    let mut builder = Network::builder(INPUTS).seed(seed);
    for _ in 0..depth {
        builder = cell.add_to(builder, UNITS)?;
    }
    let network = builder.readout(OUTPUTS)?;
    let batch = random::batch(INPUTS, OUTPUTS, LOSS, lengths, seed);
    let truth = bptt::gradient(&network, LOSS, &batch).values;
    Ok((network, batch, truth))
}

fn firing_rate(cell: CellConfig) -> Result<f64> {
    let (network, batch, _) = stack(cell, 1, &LENGTHS, 1)?;
    let steps = (0..batch.streams()).flat_map(|stream| bptt::layer_outputs(&network, &batch, stream));
    let (spikes, units) =
        steps.fold((0.0, 0), |(spikes, units), step| (spikes + step[0].iter().sum::<f64>(), units + step[0].len()));
    Ok(spikes / units as f64)
}

pub(super) fn gradient(network: &Network<f64>, method: Method, batch: &SequenceBatch<f64>) -> Result<Vec<f64>> {
    let method = method.for_sequences_of(batch.steps());
    let mut learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), batch.streams())?;
    Ok(learner.gradient(batch)?.1.to_vec())
}

fn entries(kind: &str, cell: CellConfig) -> Result<Vec<Entry>> {
    let (network, batch, truth) = stack(cell, 1, &LENGTHS, 1)?;
    let mut entries = Vec::new();
    for rule in every() {
        for window in WINDOWS {
            let method = over(rule.method, window);
            let outcome = outcome(&network, method, &batch, &truth);
            let outcome = outcome.with_context(|| format!("{} on {kind}", rule.names[0]))?;
            entries.push(Entry { table: "rules", cell: kind.to_owned(), rule: rule.names[0], window, outcome });
        }
    }
    Ok(entries)
}

fn outcome(network: &Network<f64>, method: Method, batch: &SequenceBatch<f64>, truth: &[f64]) -> Result<Outcome> {
    if let Err(error) = method.validate_for(network) {
        return Ok(Outcome::Refused { reason: error.to_string() });
    }
    let found = gradient(network, method, batch)?;
    let Agreement { cosine, relative_error, .. } = agreement(&found, truth, 0.0);
    let is_exact = claims(network, &method).iter().all(|claim| *claim != Claim::Approximate);
    let is_random = method.carry.is_random();
    Ok(match (is_exact, is_random) {
        (true, _) => Outcome::Exact { cosine, relative_error },
        (false, false) => Outcome::Approximate { cosine, relative_error },
        (false, true) => {
            let mut mean = found;
            for seed in 1..DRAWS {
                let drawn = gradient(network, method.with_seed(u64::from(seed)), batch)?;
                mean.iter_mut().zip(drawn).for_each(|(sum, value)| *sum += value);
            }
            mean.iter_mut().for_each(|sum| *sum /= f64::from(DRAWS));
            let mean = agreement(&mean, truth, 0.0);
            let (mean_cosine, mean_relative_error) = (mean.cosine, mean.relative_error);
            Outcome::Random { cosine, relative_error, draws: DRAWS, mean_cosine, mean_relative_error }
        }
    })
}

fn residuals(kind: &str, cell: CellConfig, depth: usize) -> Result<Vec<Residual>> {
    let stacks = (1..=DEEP_STACKS).map(|seed| stack(cell, depth, &DEEP_LENGTHS, seed)).collect::<Result<Vec<_>>>()?;
    let at = |window: usize| {
        // The middle one: of a few stacks the gradient explodes, and they would be all that a mean shows.
        let mut residuals = Vec::new();
        for (network, batch, truth) in &stacks {
            let found = gradient(network, Method::ostl().with_window(window), batch)?;
            residuals.push(agreement(&found, truth, 0.0).relative_error);
        }
        residuals.sort_by(f64::total_cmp);
        let middle = residuals.len() / 2;
        let residual = (residuals[middle - 1] + residuals[middle]) / 2.0;
        Ok(Residual { table: "residual", cell: kind.to_owned(), depth, window, residual })
    };
    DEEP_WINDOWS.into_iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_method_is_in_one_rule() {
        let rules = every();
        let mut names: Vec<_> = rules.iter().flat_map(|rule| rule.names.clone()).collect();
        let mut expected: Vec<_> = Method::every().into_iter().map(|(name, _)| name).collect();
        assert!(rules.len() < names.len(), "some are the same");
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected);
    }

    #[test]
    fn kinds_are_all_there_once_and_have_an_h() {
        let kinds = kinds(&[]).unwrap();
        assert!(
            CellConfig::every().iter().all(|(_, cell)| kinds.iter().filter(|(kind, _)| kind == cell.name()).count() == 1)
        );
        assert!(kinds.iter().any(|(_, cell)| cell.is_recurrent()));
        for name in ["lstm", "LSTM", "Min_GRU"] {
            assert_eq!(super::kinds(&[name.into()]).unwrap().len(), 1);
        }
        assert!(super::kinds(&["lsmt".into()]).unwrap_err().to_string().contains("lstm"));
    }
}
