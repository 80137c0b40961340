//! How close the online gradient is to BPTT's: the audit of a network on a small batch, as a table, a line, or JSON.

mod before_and_after;
mod extent;
mod sequences;

use std::fmt;

use anyhow::{Context, Result};
use ostl_core::gradient_check::{self, Audit, BlockAudit, Claim};
use ostl_core::{Carry, Edge, Feedback, Method, Network, Objective, SequenceBatch, TraceFormat, Update, Window, best_block};
use ostl_tasks::Task;
use serde::Serialize;

use crate::config::{Config, Source};
use crate::table::aligned;

pub(crate) use before_and_after::of_learner;
pub(crate) use sequences::beginning;
use sequences::{STREAMS, Taken, audited_batch};

/// Where whole sequences take too long, steps of the longest of them, at least; and windows that it should span, since what a carry drops shows only
/// across their edges.
const STEPS: usize = 24;
const WINDOWS: usize = 4;
/// Steps at most: the oracle keeps them all.
const MOST_STEPS: usize = 256;

/// The audit of one network with one method.
pub(crate) struct Report {
    /// The network in a line, or its name in a fixed set.
    pub(crate) network: String,
    method: Method,
    /// Steps of a block, for as many streams.
    block: Option<usize>,
    audit: Audit,
    /// What the batch was.
    batch: String,
    /// What it left out of its sequences, if anything.
    unseen: Option<String>,
    /// No window ends inside a sequence, though the method has windows.
    crosses_no_edge: bool,
}

/// One parameter block, as `--json` prints it.
#[derive(Debug, Serialize)]
struct BlockLine<'a> {
    network: &'a str,
    layer: usize,
    block: &'a str,
    carry: String,
    feedback: &'static str,
    window: serde_json::Value,
    claim: &'static str,
    /// Of BPTT's gradient of the block.
    norm: f64,
    relative_error: f64,
    cosine: f64,
}

impl Report {
    /// Audits a network on a batch.
    pub(crate) fn new(
        name: String,
        network: &Network<f64>,
        objective: impl Into<Objective>,
        method: &Method,
        batch: &SequenceBatch<f64>,
        described: String,
    ) -> Result<Self> {
        let audit = gradient_check::audit(network, objective, &in_short_blocks(method, batch.steps()), batch)
            .with_context(|| format!("the gradient of {name}"))?;
        let block = best_block(network, method, batch.streams(), usize::MAX, usize::MAX).map(|choice| choice.block);
        let crosses_no_edge = matches!(method.window, Window::Steps(steps) if steps >= batch.steps());
        Ok(Self { network: name, method: *method, block, audit, batch: described, unseen: None, crosses_no_edge })
    }

    /// Number of blocks claimed exact that are not.
    pub(crate) fn broken_claims(&self) -> usize {
        self.audit.blocks.iter().filter(|block| !block.holds()).count()
    }

    /// One JSON object a block and line.
    pub(crate) fn json(&self) -> Result<String> {
        let mut text = String::new();
        for block in &self.audit.blocks {
            let window = match self.method.window {
                Window::Steps(steps) => steps.into(),
                window => window.to_string().into(),
            };
            let line = BlockLine {
                network: &self.network,
                layer: block.layer,
                block: &block.block,
                carry: self.method.carry.name(),
                feedback: self.method.feedback.name(),
                window,
                claim: claim_name(block.claim),
                norm: block.norm,
                relative_error: block.relative_error,
                cosine: block.cosine,
            };
            text += &serde_json::to_string(&line)?;
            text.push('\n');
        }
        Ok(text)
    }

    /// The whole network as one row: worst error where exact is claimed, lowest cosine where it is not, and R.
    pub(crate) fn row(&self) -> Vec<String> {
        let blocks = |claim| self.audit.blocks.iter().filter(move |block| block.claim == claim);
        let worst = blocks(Claim::Exact).map(|block| block.relative_error).reduce(f64::max);
        let directed = blocks(Claim::Approximate).filter(|block| !is_nothing(block.norm, block.cosine));
        let lowest = directed.map(|block| block.cosine).reduce(f64::min);
        vec![
            self.network.clone(),
            self.method.carry.name(),
            self.method.window.to_string(),
            blocks(Claim::Exact).count().to_string(),
            worst.map_or_else(|| "-".into(), |error| format!("{error:.1e}")),
            blocks(Claim::Approximate).count().to_string(),
            lowest.map_or_else(|| "-".into(), |cosine| format!("{cosine:.4}")),
            residual(self.audit.residual),
            if self.broken_claims() == 0 { String::new() } else { "NOT EXACT".into() },
        ]
    }

    /// What the columns of [`row`](Self::row) are.
    pub(crate) fn header() -> Vec<String> {
        ["network", "carry", "window", "exact", "worst error", "approx.", "lowest cosine", "R", ""]
            .map(str::to_owned)
            .to_vec()
    }
}

/// A block would hold the whole of an audited sequence, and its trace would neither be read nor moved on. Two windows are as good a block as any.
fn in_short_blocks(method: &Method, longest: usize) -> Method {
    match method.window {
        Window::Steps(steps) if method.block.is_none() => method.with_block(2 * steps.min(longest)),
        _ => *method,
    }
}

impl fmt::Display for Report {
    /// A row a block.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The gradient beside BPTT's: {}", method_in_words(&self.method))?;
        writeln!(f, "(weights held fixed, double precision, {})", self.batch)?;
        if let (Some(block), Window::Steps(steps)) = (self.block, self.method.window)
            && block > steps
        {
            writeln!(
                f,
                "(traces are read out and moved on every {block} steps, as method.block says; here every other window)"
            )?;
        }
        let header = ["layer", "block", "claim", "relative error", "cosine", "norm"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        rows.extend(self.audit.blocks.iter().map(|block| {
            vec![
                format!("{} {}", block.layer, block.layer_name),
                block.block.clone(),
                claim_name(block.claim).to_owned(),
                figure(block, format!("{:.1e}", block.relative_error)),
                figure(block, cosine(block.norm, block.cosine, 6)),
                figure(block, format!("{:.1e}", block.norm)),
            ]
        }));
        write!(f, "{}", aligned(&rows, &[0, 1, 2]))?;
        writeln!(
            f,
            "all of it: cosine {}, norm {:.1e} (of BPTT's gradient, summed over the batch)",
            cosine(self.audit.norm, self.audit.whole.cosine, 6),
            self.audit.norm
        )?;
        self.notes(f)
    }
}

impl Report {
    /// What the figures above do not say by themselves.
    fn notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rate) = self.audit.firing_rate {
            writeln!(f, "{:.1} % of the spiking units fire at a step", 100.0 * rate)?;
        }
        self.caveats().try_for_each(|caveat| writeln!(f, "{caveat}"))?;
        writeln!(f, "{}", self.dropped())
    }

    /// Whatever the weights are.
    fn caveats(&self) -> impl Iterator<Item = &str> {
        let short = "The sequences end within the first window: this says nothing about what the carry drops";
        let random = "This carry is random and this is one draw of it: right on average, and far off one by one";
        let is_random = carried(&self.method).is_some_and(Carry::is_random);
        let of_figures = self.crosses_no_edge.then_some(short).into_iter().chain(is_random.then_some(random));
        self.unseen.as_deref().into_iter().chain(of_figures)
    }

    /// R in words.
    fn dropped(&self) -> String {
        let residual = match self.audit.residual {
            None => {
                return "R, the influence between layers across windows, was not measured: this network is too large".into();
            }
            Some(residual) if residual < 1e-12 => {
                return "R = 0: no influence between layers crosses a window's edge here".into();
            }
            Some(residual) => residual,
        };
        let kept = match carried(&self.method) {
            None | Some(Carry::Network) => "kept by this method",
            Some(Carry::Uoro(_) | Carry::LocalUoro(_)) => "kept on average by this method",
            Some(Carry::Layer) if self.method.feedback == Feedback::Symmetric => {
                "dropped by this method, and nothing else is"
            }
            Some(_) => "dropped by this method, and perhaps more: see the errors above",
        };
        format!("R = {residual:.1e} of the whole gradient is influence between layers across windows: {kept}")
    }
}

/// What is carried; `None` where there is a single window.
fn carried(method: &Method) -> Option<Carry> {
    (method.window != Window::Sequence).then_some(method.carry)
}

/// Steps to audit a method over, where whole sequences take too long.
pub(crate) fn audited_steps(method: &Method) -> usize {
    match method.window {
        Window::Steps(steps) => steps.saturating_mul(WINDOWS).clamp(STEPS, MOST_STEPS),
        Window::Sequence => STEPS,
        Window::Rolling { steps, .. } => steps.saturating_mul(2).clamp(STEPS, MOST_STEPS),
    }
}

/// Sequences and steps of an audit, where whole sequences take too long.
pub(crate) fn audited_shape(method: &Method) -> [usize; 2] {
    [STREAMS, audited_steps(method)]
}

/// R, or 0 where it is only rounding, or a dash where it was not measured.
fn residual(residual: Option<f64>) -> String {
    match residual {
        None => "-".into(),
        Some(residual) if residual < 1e-12 => "0".into(),
        Some(residual) => format!("{residual:.1e}"),
    }
}

/// A figure of a block, which a frozen one does not have.
fn figure(block: &BlockAudit, figure: String) -> String {
    if block.claim == Claim::Frozen { "-".into() } else { figure }
}

/// Neither gradient has a direction: both are zero, and their cosine says nothing.
fn is_nothing(norm: f64, cosine: f64) -> bool {
    norm == 0.0 && cosine == 1.0
}

/// A cosine beside BPTT's gradient of this norm.
fn cosine(norm: f64, cosine: f64, digits: usize) -> String {
    if is_nothing(norm, cosine) { "-".into() } else { format!("{cosine:.digits$}") }
}

fn claim_name(claim: Claim) -> &'static str {
    match claim {
        Claim::Exact => "exact",
        Claim::Approximate => "approximate",
        Claim::Frozen => "frozen",
    }
}

/// `windows of 5 steps, carry layer, random feedback, updates at the sequence's end`.
pub(crate) fn method_in_words(method: &Method) -> String {
    let update = match (method.update, method.window) {
        (Update::Sequence, _) => "updates at the sequence's end",
        (Update::Window, Window::Rolling { every: 1, .. }) => "updates at every step",
        (Update::Window, Window::Rolling { .. }) => "updates after each",
        (Update::Window, _) => "updates every window",
    };
    let mut carry = match (method.carry, method.window) {
        (Carry::None, Window::Rolling { .. }) => "nothing carried (rolling TBPTT)".to_owned(),
        (Carry::None, _) => "nothing carried (TBPTT)".to_owned(),
        (carry, _) => format!("carry {carry}"),
    };
    if method.trace != TraceFormat::Full {
        carry += " in 16 bits";
    }
    let mut words = match method.window {
        Window::Steps(1) => format!("windows of 1 step, {carry}"),
        Window::Steps(steps) => format!("windows of {steps} steps, {carry}"),
        Window::Sequence => "one window a sequence (BPTT)".to_owned(),
        Window::Rolling { steps: 1, .. } => format!("the newest step alone at every step, {carry}"),
        Window::Rolling { steps, every: 1 } => format!("the last {steps} steps at every step, {carry}"),
        Window::Rolling { steps, every } => format!("the last {steps} steps at every {every} steps, {carry}"),
    };
    if method.edge == Edge::Cut {
        words += ", edge cut";
    }
    if method.feedback != Feedback::Symmetric {
        words += &format!(", {} feedback", method.feedback.name());
    }
    format!("{words}, {update}")
}

/// The audit of a network on the first few sequences of its task's validation split: whole ones, or what is not too much of them.
pub(crate) fn of_task(network: &Network<f64>, config: &Config, source: &Source, task: &dyn Task) -> Result<Report> {
    let objective = config.objective(task).map_err(|error| source.out_of_range(error))?;
    let method = config.method();
    let lengths = sequences::lengths(task);
    let longest = lengths.first().copied().unwrap_or(0);
    let has_room =
        || config.check_audit::<f64>([task.inputs(), task.outputs()], task.is_sparse(), [STREAMS, longest]).is_ok();
    let is_whole = extent::takes_whole(network, &method, &lengths) && has_room();
    let (batch, taken) = audited_batch(task, if is_whole { usize::MAX } else { audited_steps(&method) });
    let Taken { described, unseen } = taken;
    let report = Report::new(network.description(), network, objective, &method, &batch, described)?;
    Ok(Report { unseen, ..report })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_in_words() {
        for (method, words) in [
            (Method::ostl(), "windows of 1 step, carry layer, updates every window"),
            (
                Method::osttp().with_window(5),
                "windows of 5 steps, carry layer, target-projection feedback, updates every window",
            ),
            (Method::snap(2), "windows of 1 step, carry snap-2, updates every window"),
            (Method::tbptt(5), "windows of 5 steps, nothing carried (TBPTT), updates every window"),
            (Method::bptt(), "one window a sequence (BPTT), updates at the sequence's end"),
            (
                Method::rolling_tbptt(5),
                "the last 5 steps at every step, nothing carried (rolling TBPTT), updates at every step",
            ),
            (
                Method::e_prop_random().with_trace(TraceFormat::Bf16).with_update(Update::Sequence),
                "windows of 1 step, carry local in 16 bits, edge cut, direct feedback, updates at the sequence's end",
            ),
        ] {
            assert_eq!(method_in_words(&method), words);
        }
    }
}
