//! The audit that training ends with: at the weights it started from, and at those it came to.
//!
//! Near a minimum the gradient is what is left of contributions that cancel each other, and what a method leaves out does not cancel with
//! them. So a method that led there well looks bad there; how good it is shows where the gradient is large.

use std::fmt;

use anyhow::Result;
use ostl_core::gradient_check::Claim;
use ostl_core::{Network, Real};
use ostl_tasks::Task;

use super::{Report, STREAMS, claim_name, cosine, figure, method_in_words, of_task};
use crate::config::{Config, Source};
use crate::table::aligned;

/// Memory that an audit at the end of training may take.
const MOST_BYTES: usize = 1 << 30;

/// A gradient that has shrunk to this of what it was is mostly what others leave over.
const LEFT_OVER: f64 = 0.1;

/// The audits of one network before and after training.
pub(crate) struct BeforeAndAfter {
    start: Report,
    trained: Report,
}

/// The audit of a trained network, or why there is none.
pub(crate) fn of_learner(
    config: &Config,
    source: &Source,
    task: &dyn Task,
    trained: &Network<f32>,
) -> Result<Result<BeforeAndAfter, String>> {
    if influence_bytes(trained) > MOST_BYTES {
        return Ok(Err("it takes long for so large a network: see ostl check --help".into()));
    }
    let mut network: Network<f64> = config.network_for(task).map_err(|error| source.out_of_range(error))?;
    if let Err(error) = config.start(&mut network) {
        return Ok(Err(format!("the weights that the run started from cannot be read: {error}")));
    }
    let start = of_task(&network, config, source, task)?;
    network.copy_parameters(trained.parameters())?;
    Ok(Ok(BeforeAndAfter { start, trained: of_task(&network, config, source, task)? }))
}

/// An audit as rows of cells, with what is to be said before and after.
pub(crate) struct AuditTable {
    /// The method, and what it was measured on.
    pub(crate) method: String,
    pub(crate) conditions: String,
    pub(crate) head: Vec<String>,
    /// A row a block, and one for all of them.
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) notes: Vec<String>,
}

impl BeforeAndAfter {
    pub(crate) fn table(&self) -> AuditTable {
        let (start, trained) = (&self.start.audit, &self.trained.audit);
        let head = ["layer", "block", "claim", "error at start", "cosine", "norm", "error trained", "cosine", "norm"];
        let mut rows = Vec::new();
        for (before, after) in start.blocks.iter().zip(&trained.blocks) {
            let names =
                [format!("{} {}", before.layer, before.layer_name), before.block.clone(), claim_name(before.claim).into()];
            let figures = [before, after].map(|block| [block.relative_error, block.cosine, block.norm]);
            let figures = figures.into_iter().flat_map(written).map(|written| figure(before, written));
            rows.push(names.into_iter().chain(figures).collect());
        }
        let whole = [start, trained].map(|audit| [audit.whole.relative_error, audit.whole.cosine, audit.norm]);
        rows.push(["all", "", ""].map(str::to_owned).into_iter().chain(whole.into_iter().flat_map(written)).collect());
        let mut notes = Vec::new();
        let leaves_out = trained.blocks.iter().any(|block| block.claim == Claim::Approximate);
        if leaves_out && trained.norm < LEFT_OVER * start.norm {
            notes.push(format!(
                "The trained network's gradient is {:.0} times smaller: there contributions cancel, and what a method leaves out does not. \
                 How good the method is, the start says.",
                (start.norm / trained.norm).min(1e99)
            ));
        }
        if let (Some(before), Some(after)) = (start.firing_rate, trained.firing_rate) {
            let (before, after) = (100.0 * before, 100.0 * after);
            notes.push(format!("{before:.1} % of the spiking units fire at a step at the start, {after:.1} % trained"));
        }
        notes.extend(self.start.caveats().map(str::to_owned));
        notes.push(self.start.dropped());
        AuditTable {
            method: method_in_words(&self.start.method),
            conditions: format!("weights held fixed, double precision, {}", self.start.batch),
            head: head.map(str::to_owned).to_vec(),
            rows,
            notes,
        }
    }
}

impl fmt::Display for BeforeAndAfter {
    /// A row a block, with the figures of both.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AuditTable { method, conditions, head, rows, notes } = self.table();
        let all: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
        writeln!(f, "The gradient beside BPTT's: {method}\n({conditions})")?;
        write!(f, "{}", aligned(&all, &[0, 1, 2]))?;
        notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

/// Relative error, cosine and norm.
fn written([error, direction, norm]: [f64; 3]) -> [String; 3] {
    [format!("{error:.1e}"), cosine(norm, direction, 4), format!("{norm:.1e}")]
}

/// About the memory of an audit: R needs each layer's whole influence matrix, whatever the method carries.
fn influence_bytes<T: Real>(network: &Network<T>) -> usize {
    let parameters =
        |layer: usize| network.blocks().iter().filter(|block| block.layer == layer).map(|block| block.range().len()).sum();
    // A layer's units are the columns of the next one's W, and every layer but the readout may be recurrent.
    let next_inputs = |layer: usize| {
        network.blocks().iter().find(|block| block.layer == layer + 1 && block.name == "W").map(|w| w.columns)
    };
    let entries = |layer: usize| {
        let parameters: usize = parameters(layer);
        next_inputs(layer).unwrap_or(0).saturating_mul(parameters)
    };
    let entries = (0..network.depth()).map(entries).fold(0, usize::saturating_add);
    entries.saturating_mul(STREAMS * size_of::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_an_audit_by_hand() {
        let network = Network::<f32>::builder(2).dense(5, ostl_core::Activation::Tanh).readout(3).unwrap();
        assert_eq!(influence_bytes(&network), 5 * (5 * 2 + 5) * STREAMS * 8);
    }

    /// The same weights are audited alike, and a gradient that is next to nothing beside the start's is reported as such.
    #[test]
    fn a_gradient_that_has_shrunk_is_told_from_a_bad_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let text = include_str!("../default.toml").replace("window = 5 ", "window = 2 ").replace("\"layer\" ", "\"local\" ");
        std::fs::write(&path, text).unwrap();
        let (config, source) = crate::config::load_file(&path).unwrap();
        let task = config.open_task(None, &source).unwrap();
        let network: Network<f32> = config.network_for(task.as_ref()).unwrap();
        let mut both = of_learner(&config, &source, task.as_ref(), &network).unwrap().unwrap();
        let text = both.to_string();
        assert!(!text.contains("times smaller"), "{text}");
        let all = text.lines().find(|line| line.starts_with("all")).unwrap();
        let figures: Vec<&str> = all.split_whitespace().skip(1).collect();
        assert!(figures.len() == 6 && figures[..3] == figures[3..], "{text}");
        assert_eq!(figures[1], format!("{:.4}", both.start.audit.whole.cosine));
        both.trained.audit.norm *= 1e-3;
        let text = both.to_string();
        assert!(text.contains("is 1000 times smaller") && text.contains("the start says"), "{text}");
        // Where nothing is left out there is nothing to beware of.
        both.trained.audit.blocks.iter_mut().for_each(|block| block.claim = Claim::Exact);
        assert!(!both.to_string().contains("times smaller"), "{both}");
    }
}
