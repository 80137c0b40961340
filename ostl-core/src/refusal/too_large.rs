//! More memory than there is: what is needed, what the limit is, and what would fit, in words.

use std::fmt;

/// Bytes that learning takes, by what they are for. A number that cannot be counted is [`u64::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryNeed {
    /// The weights, the connections of a sparse H, and while weights are drawn the matrices they are drawn in.
    pub weights: u64,
    /// The gradient, the optimiser's moments, and the matrices that bring signals down.
    pub updates: u64,
    /// The traces: what [`Learner::trace_bytes`](crate::Learner::trace_bytes) says.
    pub traces: u64,
    /// What a window keeps of its steps, and where traces are moved on.
    pub windows: u64,
    /// Evaluation, which has a tape of its own; it is not part of the [`total`](Self::total).
    pub evaluation: u64,
}

impl MemoryNeed {
    /// All that a learner takes: weights, updates, traces and windows.
    pub fn total(&self) -> u64 {
        [self.updates, self.traces, self.windows].into_iter().fold(self.weights, u64::saturating_add)
    }
}

/// A part of the request that can be made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The units of a layer, from 0; the readout is the last.
    Units {
        /// The layer.
        layer: usize,
    },
    /// What is carried from window to window.
    Carry,
    /// The steps of a window.
    Window,
    /// Streams side by side.
    Streams,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Units { layer } => write!(f, "units of layer {layer}"),
            Part::Carry => f.write_str("carry"),
            Part::Window => f.write_str("window"),
            Part::Streams => f.write_str("streams"),
        }
    }
}

/// What would fit where the rest stays as it is: one of these is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fits {
    /// A smaller part, its largest value that fits, and the bytes that all takes then.
    pub parts: Vec<(Part, String, u64)>,
}

/// What is counted against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counted {
    /// Everything, against what the machine has left.
    All,
    /// Traces and windows, against a limit that was set for them.
    TracesAndWindows,
    /// Longer windows than there is room for so far, against what the machine has left.
    Windows,
    /// An evaluation, against what the machine has left.
    Evaluation,
}

/// More memory than there is would be needed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooLarge {
    /// The part that takes most of it.
    pub part: Part,
    /// What it is.
    pub value: String,
    /// What is needed, of the weights on.
    pub need: MemoryNeed,
    /// Bytes needed beside that.
    pub beside: u64,
    /// Bytes that can be had.
    pub limit: u64,
    /// What the limit is for.
    pub counted: Counted,
    /// What would fit.
    pub fits: Fits,
}

impl TooLarge {
    /// Why it is refused and what would fit, with parts called by these names.
    pub fn reason(&self, name: impl Fn(&Part) -> String) -> String {
        let MemoryNeed { weights, updates, traces, windows, evaluation } = self.need;
        let mut parts = match self.counted {
            Counted::All => vec![
                (weights, "weights"),
                (updates, "gradient and moments"),
                (traces, "traces"),
                (windows, "windows"),
                (self.beside, "data and evaluation"),
            ],
            Counted::TracesAndWindows => vec![(traces, "traces"), (windows, "windows")],
            Counted::Windows => vec![(windows, "windows")],
            Counted::Evaluation => vec![(evaluation, "evaluation")],
        };
        let asked = parts.iter().map(|&(bytes, _)| bytes).fold(0, u64::saturating_add);
        parts.sort_by_key(|&(bytes, _)| std::cmp::Reverse(bytes));
        let parts = parts.iter().filter(|&&(bytes, _)| bytes > asked / 20);
        let parts: Vec<String> = parts.map(|&(bytes, name)| format!("{name} {}", in_words(bytes))).collect();
        let limit = in_words(self.limit);
        let limit = match self.counted {
            Counted::TracesAndWindows => format!("traces and windows may take {limit}"),
            _ => format!("{limit} can be had"),
        };
        let fits = self.fits.parts.iter();
        let fits: Vec<String> =
            fits.map(|(part, value, bytes)| format!("{} = {value} ({})", name(part), in_words(*bytes))).collect();
        let fits = if fits.is_empty() {
            "nothing near it would fit".into()
        } else {
            format!("what would fit: {}", fits.join(", or "))
        };
        format!("{} would be needed ({}) where {limit}; {fits}", in_words(asked), parts.join(", "))
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: {}", self.part, self.value, self.reason(Part::to_string))
    }
}

impl std::error::Error for TooLarge {}

/// Bytes in GiB or MiB.
fn in_words(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes / f64::from(1 << 30) {
        _ if bytes >= u64::MAX as f64 => "more than can be counted".into(),
        gib if gib >= 0.1 => format!("{gib:.1} GiB"),
        gib => format!("{:.1} MiB", gib * 1024.0),
    }
}
