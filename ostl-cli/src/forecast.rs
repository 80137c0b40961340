//! How long training will take, said after its first batch, and what would be cheaper where it is long.

use std::time::{Duration, Instant};

use ostl_core::gradient_check::{Claim, claims};
use ostl_core::{Carry, Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, Window};

use crate::gradient_report::beginning;

/// An epoch that takes longer is foretold, so that the wait is no surprise.
const LONG: Duration = Duration::from_secs(5);
/// Steps of a longer window that may be cheaper.
const STEPS: usize = 16;
/// Windows that another method is timed over, at least: after the first one there is nothing yet to carry on.
const WINDOWS: usize = 4;
/// The first gradient of another method is timed alone where it takes as long as this.
const ENOUGH: Duration = Duration::from_millis(200);
/// How much cheaper a method must be to be worth a word.
const WORTH: f64 = 2.0;

/// What the first batch, or stretch, has taken.
pub(crate) struct Measured {
    pub(crate) time: Duration,
    /// Steps of it, and of an epoch, summed over streams.
    pub(crate) steps: u64,
    pub(crate) epoch_steps: u64,
    /// Epochs that are still to be learned.
    pub(crate) epochs: u64,
    pub(crate) trace_bytes: usize,
    /// The most memory that the program has held so far, where the system reports it.
    pub(crate) peak_bytes: Option<u64>,
}

/// A cheaper method, as the command line sets it.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    set: String,
    method: Method,
    what: &'static str,
}

impl Measured {
    fn seconds_a_step(&self) -> f64 {
        self.time.as_secs_f64() / self.steps.max(1) as f64
    }

    fn epoch_seconds(&self) -> f64 {
        self.seconds_a_step() * self.epoch_steps as f64
    }

    /// Whether an epoch takes so long that it is worth saying.
    pub(crate) fn is_long(&self) -> bool {
        self.epoch_seconds() > LONG.as_secs_f64()
    }

    /// The time and memory of an epoch, in a line.
    pub(crate) fn in_words(&self) -> String {
        let epoch = self.epoch_seconds();
        let all = if self.epochs > 1 {
            format!(", all {} about {}", self.epochs, span(epoch * self.epochs as f64))
        } else {
            String::new()
        };
        let memory = self.peak_bytes.map_or_else(String::new, |bytes| format!("memory {}, of it ", size(bytes)));
        format!(
            "an epoch will take about {}{all} (measured over the first {} of {} steps); {memory}traces {}",
            span(epoch),
            self.steps,
            self.epoch_steps,
            size(self.trace_bytes as u64)
        )
    }

    /// What is cheaper than this method, timed on the beginning of a batch; nothing where nothing is.
    pub(crate) fn cheaper(
        &self,
        network: &Network<f32>,
        loss: Loss,
        method: &Method,
        batch: &SequenceBatch<f32>,
    ) -> Option<String> {
        let now = self.seconds_a_step();
        let timed = choices(network, method).into_iter().filter_map(|choice| {
            let steps = STEPS.max(WINDOWS.saturating_mul(choice.method.window.steps().unwrap_or(STEPS)));
            let factor = now / seconds_a_step(network, loss, choice.method, &beginning(batch, steps))?;
            (factor >= WORTH).then(|| format!("--set {} is about {factor:.0} times as fast ({})", choice.set, choice.what))
        });
        let timed: Vec<String> = timed.collect();
        (!timed.is_empty()).then(|| format!("cheaper: {}; `ostl check` measures what a method drops", timed.join("; ")))
    }
}

/// Methods that may be cheaper than one, and can be run on the network.
fn choices(network: &Network<f32>, method: &Method) -> Vec<Choice> {
    let choice = |set: String, method: Method, what| Choice { set, method, what };
    let mut choices = Vec::new();
    let Some(steps) = method.window.steps() else { return choices };
    let keeps_much = matches!(method.carry, Carry::Layer | Carry::Network | Carry::Snap(_)) || method.carry.is_random();
    if keeps_much {
        let local = method.with_carry(Carry::Local);
        let exact = |method: &Method| claims(network, method).iter().filter(|claim| **claim == Claim::Exact).count();
        let what = if exact(&local) >= exact(method) {
            "no less of the gradient is exact here"
        } else {
            "less of the gradient is exact"
        };
        choices.push(choice("method.carry=local".into(), local, what));
    }
    match method.window {
        Window::Rolling { .. } => {
            choices.push(choice(
                format!("method.window={steps}"),
                method.with_window(steps),
                "whole chunks instead of every step",
            ));
        }
        _ if steps < STEPS && method.carry != Carry::None => {
            let what = "exact inside a window; the weights change as `update` says, once a window or sequence";
            choices.push(choice(format!("method.window={STEPS}"), method.with_window(STEPS), what));
        }
        _ => {}
    }
    if keeps_much {
        let whole = Method { window: Window::Sequence, ..*method };
        choices.push(choice("method.window=sequence".into(), whole, "BPTT: exact, but it keeps whole sequences"));
    }
    choices.retain(|choice| choice.method.validate_for(network).is_ok());
    choices
}

/// Time that a gradient takes a step and stream; nothing where it cannot be worked out.
fn seconds_a_step(network: &Network<f32>, loss: Loss, method: Method, batch: &SequenceBatch<f32>) -> Option<f64> {
    let settings = OptimizerSettings::sgd(1.0);
    let method = method.for_sequences_of(batch.steps());
    let mut learner = Learner::new(network.clone(), loss, method, settings, batch.streams().max(1)).ok()?;
    let mut time = Duration::ZERO;
    // The first time, memory is touched that later stays where it is.
    for _ in 0..2 {
        if time < ENOUGH {
            let start = Instant::now();
            learner.gradient(batch).ok()?;
            time = start.elapsed();
        }
    }
    let steps: usize = batch.lengths().iter().sum();
    Some(time.as_secs_f64().max(1e-9) / steps.max(1) as f64)
}

/// A time in words.
pub(crate) fn span(seconds: f64) -> String {
    match seconds {
        _ if !seconds.is_finite() => "for ever".into(),
        ..90.0 => format!("{seconds:.0} s"),
        ..5400.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.0} days", seconds / 86400.0),
    }
}

/// Memory in words.
fn size(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib >= 1024.0 { format!("{:.1} GiB", mib / 1024.0) } else { format!("{mib:.1} MiB") }
}

#[cfg(test)]
mod tests {
    use ostl_cells::CellConfig;
    use ostl_cells::config::LstmConfig;

    use super::*;

    fn measured(seconds: u64) -> Measured {
        Measured {
            time: Duration::from_secs(seconds),
            steps: 100,
            epoch_steps: 3200,
            epochs: 20,
            trace_bytes: 3 << 20,
            peak_bytes: Some(5 << 30),
        }
    }

    #[test]
    fn time_and_memory_are_those_of_the_first_batch_over_an_epoch() {
        assert_eq!(
            measured(6).in_words(),
            "an epoch will take about 3 min, all 20 about 64 min (measured over the first 100 of 3200 steps); memory 5.0 GiB, of it traces 3.0 MiB"
        );
        assert!(measured(6).is_long());
        let short = Measured { time: Duration::from_millis(100), epochs: 1, peak_bytes: None, ..measured(0) };
        assert!(!short.is_long());
        assert!(short.in_words().starts_with("an epoch will take about 3 s (measured"), "{}", short.in_words());
        assert_eq!([0.4, 89.0, 90.0, 86_400.0, 1e9].map(span), ["0 s", "89 s", "2 min", "24.0 h", "11574 days"]);
    }

    fn network(recurrent: bool) -> Network<f32> {
        let cell = CellConfig::Lstm(LstmConfig { recurrent, ..LstmConfig::default() });
        cell.add_to(Network::builder(3), 5).unwrap().readout(2).unwrap()
    }

    #[test]
    fn what_is_cheaper_by_the_method() {
        let sets = |method: Method| {
            let choices = choices(&network(true), &method);
            choices.into_iter().map(|choice| choice.set).collect::<Vec<_>>()
        };
        assert_eq!(sets(Method::ostl()), ["method.carry=local", "method.window=16", "method.window=sequence"]);
        assert_eq!(sets(Method::rtrl().with_window(20)), ["method.carry=local", "method.window=sequence"]);
        assert_eq!(sets(Method::rolling_tbptt(7)), ["method.window=7"]);
        assert_eq!(sets(Method::bptt()), Vec::<String>::new());
        assert_eq!(sets(Method::tbptt(5)), Vec::<String>::new());
        let what = |recurrent| choices(&network(recurrent), &Method::ostl())[0].what;
        assert_eq!([what(true), what(false)], ["less of the gradient is exact", "no less of the gradient is exact here"]);
    }

    /// Nothing is cheaper than what takes no time, and everything than what takes for ever.
    #[test]
    fn only_what_is_cheaper_is_named() {
        let mut batch = SequenceBatch::<f32>::new(3, 2, ostl_core::TargetKind::Classes, &[20, 17]);
        (0..2).for_each(|stream| batch.set_class(stream, 16, 1));
        let cheaper = |time| {
            let measured = Measured { time, ..measured(0) };
            measured.cheaper(&network(true), Loss::SoftmaxCrossEntropy, &Method::ostl(), &batch)
        };
        assert_eq!(cheaper(Duration::from_nanos(1)), None);
        let text = cheaper(Duration::from_secs(1_000_000)).unwrap();
        assert!(
            text.starts_with("cheaper: --set method.carry=local is about ") && text.contains("method.window=sequence"),
            "{text}"
        );
    }
}
