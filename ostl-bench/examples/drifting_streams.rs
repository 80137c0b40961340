//! Streams whose rule changes: a network that goes on learning beside one that was trained by BPTT on the first part and then frozen.
//!
//! `cargo run --release -p ostl-bench --example drifting_streams [-- SEEDS]`
//!
//! *Mackey–Glass*: x′ = 0.2 x(t − τ)/(1 + x(t − τ)¹⁰) − 0.1 x, a value every six time units, to be foretold six ahead; τ drifts from 17 to 30
//! between two stretches where it stays. The error is that of 1000 rows over the deviation of the values there.
//! *Store–recall*: a bit is shown, and three to ten rows later asked for; every 10,000 rows the answer turns from the bit itself to the other one or
//! back. Recovered: the row after each change at which 95 of the last 100 answers are right, which are those of 750 rows.
//!
//! All networks have 32 units and Adam. Online: an update every K rows. Frozen: 30 epochs over the first 10,000 rows in sequences of 100; it is right
//! again where the rule turns back.

use std::error::Error;

use ostl_bench::{cell, draws};
use ostl_core::{Carry, Learner, Loss, Method, Network, OptimizerSettings, SequenceBatch, Target, TargetKind, Update};

/// Rows that the frozen network is trained on.
const FIRST: usize = 10_000;
const SEQUENCE: usize = 100;
const EPOCHS: usize = 30;
/// Sequences of a batch.
const SIDE_BY_SIDE: usize = 10;
const UNITS: usize = 32;
/// Rows of one rule.
const RULE: usize = 10_000;

/// A row: what is shown, and what is to be said.
struct Row {
    input: Vec<f32>,
    target: Wanted,
}

#[derive(Clone, Copy)]
enum Wanted {
    Value(f32),
    Class(usize),
    Nothing,
}

/// What came of a row: the squared error, or whether the answer was right.
type Outcome = Option<f64>;
/// What came of every row, and whose it is.
type Named = (String, Vec<Outcome>);

fn main() -> Result<(), Box<dyn Error>> {
    let seeds = std::env::args().nth(1).map_or(Ok(3), |seeds| seeds.parse())?;
    println!("| stream | seed | network | {} |", ["first part", "after the change", "at the end", "recovered"].join(" | "));
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for seed in 1..=seeds {
        let rows = mackey_glass(4 * FIRST, seed);
        let deviation = |part: &[Row]| {
            let values = part
                .iter()
                .filter_map(|row| if let Wanted::Value(value) = row.target { Some(f64::from(value)) } else { None });
            let values: Vec<f64> = values.collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
        };
        for (name, outcomes) in all(&rows, Loss::MeanSquaredError, seed)? {
            let error = |from: usize| {
                let errors = outcomes[from..from + 1000].iter().flatten().sum::<f64>() / 1000.0;
                errors.sqrt() / deviation(&rows[from..from + 1000])
            };
            let [first, after, end] = [FIRST - 1000, 3 * FIRST, 4 * FIRST - 1000].map(error);
            println!("| Mackey–Glass | {seed} | {name} | {first:.3} | {after:.3} | {end:.3} | |");
        }
        let rows = store_recall(5 * RULE, seed);
        for (name, outcomes) in all(&rows, Loss::SoftmaxCrossEntropy, seed)? {
            let share = |from: usize, to: usize| {
                let answers: Vec<f64> = outcomes[from..to].iter().flatten().copied().collect();
                answers.iter().sum::<f64>() / answers.len() as f64
            };
            let recovered: Vec<String> = (1..rows.len() / RULE)
                .map(|change| {
                    recovery(&outcomes[change * RULE..(change + 1) * RULE]).map_or("never".into(), |row| row.to_string())
                })
                .collect();
            let [first, after, end] =
                [share(RULE - 1000, RULE), share(RULE, RULE + 1000), share(rows.len() - 1000, rows.len())];
            let recovered = recovered.join(", ");
            println!("| store–recall | {seed} | {name} | {first:.3} | {after:.3} | {end:.3} | {recovered} |");
        }
    }
    Ok(())
}

/// Networks that go on learning, and one that was frozen.
fn all(rows: &[Row], loss: Loss, seed: u64) -> Result<Vec<Named>, Box<dyn Error>> {
    let mut found = Vec::new();
    for (cell, carry, window, rate) in
        [("lstm", Carry::Layer, 1, 0.003), ("gru", Carry::Layer, 1, 0.005), ("lstm", Carry::Local, 10, 0.005)]
    {
        let method = Method { carry, ..Method::ostl() }.with_window(window).with_update(Update::Window);
        let outcomes = go_through(&mut learner(rows, (loss, cell), method, rate, seed, 1)?, rows)?;
        found.push((format!("{cell}, `{carry}`, K = {window}"), outcomes));
    }
    found.push(("lstm, BPTT, frozen".to_owned(), frozen(rows, loss, seed)?));
    Ok(found)
}

/// A network of its own for every seed, and what learns with it.
fn learner(
    rows: &[Row],
    (loss, cell_name): (Loss, &str),
    method: Method,
    rate: f64,
    seed: u64,
    streams: usize,
) -> Result<Learner<f32>, Box<dyn Error>> {
    let outputs = if loss == Loss::SoftmaxCrossEntropy { 2 } else { 1 };
    let start = Network::builder(rows[0].input.len()).seed(seed);
    let network = cell(cell_name).add_to(start, UNITS)?.readout(outputs)?;
    let mut optimizer = OptimizerSettings::adam(rate);
    optimizer.clip_norm = Some(1.0);
    Ok(Learner::new(network, loss, method, optimizer, streams)?)
}

/// BPTT over the first part, then nothing more.
fn frozen(rows: &[Row], loss: Loss, seed: u64) -> Result<Vec<Outcome>, Box<dyn Error>> {
    let mut trained = learner(rows, (loss, "lstm"), Method::bptt(), 0.003, seed, SIDE_BY_SIDE)?;
    let kind = if loss == Loss::SoftmaxCrossEntropy { TargetKind::Classes } else { TargetKind::Values };
    for _ in 0..EPOCHS {
        for part in rows[..FIRST].chunks(SEQUENCE * SIDE_BY_SIDE) {
            let lengths = vec![SEQUENCE; part.len() / SEQUENCE];
            let mut batch = SequenceBatch::new(part[0].input.len(), trained.network().outputs(), kind, &lengths);
            for (place, row) in part.iter().enumerate() {
                let (sequence, step) = (place / SEQUENCE, place % SEQUENCE);
                batch.input_mut(sequence, step).copy_from_slice(&row.input);
                match row.target {
                    Wanted::Value(value) => batch.values_mut(sequence, step)[0] = value,
                    Wanted::Class(class) => batch.set_class(sequence, step, class),
                    Wanted::Nothing => {}
                }
            }
            trained.learn_batch(&batch)?;
        }
    }
    let mut alone = learner(rows, (loss, "lstm"), Method::bptt(), 0.003, seed, 1)?;
    alone.network_mut().copy_parameters(trained.network().parameters())?;
    alone.set_frozen(true)?;
    go_through(&mut alone, rows)
}

/// Every row is foretold, then learned from.
fn go_through(learner: &mut Learner<f32>, rows: &[Row]) -> Result<Vec<Outcome>, Box<dyn Error>> {
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        let outputs = learner.predict(&row.input)?;
        let outputs: Vec<f32> = outputs.iter().copied().collect();
        let (outcome, target) = match &row.target {
            Wanted::Value(value) => {
                (Some(f64::from(outputs[0] - value).powi(2)), Some(Target::Values(std::slice::from_ref(value))))
            }
            Wanted::Class(class) => {
                let said = usize::from(outputs[1] > outputs[0]);
                (Some(f64::from(u8::from(said == *class))), Some(Target::Class(*class)))
            }
            Wanted::Nothing => (None, None),
        };
        learner.learn(&[target])?;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// The first row from which 95 of the last 100 answers are right.
fn recovery(outcomes: &[Outcome]) -> Option<usize> {
    let answers: Vec<(usize, f64)> =
        outcomes.iter().enumerate().filter_map(|(row, outcome)| outcome.map(|right| (row, right))).collect();
    answers.windows(100).find(|last| last.iter().map(|(_, right)| right).sum::<f64>() >= 95.0).map(|last| last[99].0)
}

/// The series, with τ from 17 to 30 between a quarter and three quarters of it.
fn mackey_glass(count: usize, seed: u64) -> Vec<Row> {
    const STEPS: usize = 60;
    const AHEAD: usize = 1;
    let step = 6.0 / STEPS as f64;
    let mut next = draws(seed);
    // Values of the past, a step apart.
    let mut past: Vec<f64> = (0..30 * STEPS).map(|_| 0.9 + (next() % 1000) as f64 / 5000.0).collect();
    let total = count + AHEAD + 500;
    let mut series = Vec::with_capacity(total);
    for row in 0..total {
        let drift = (row as f64 / total as f64 - 0.25).clamp(0.0, 0.5) * 2.0;
        let delay = ((17.0 + 13.0 * drift) / step) as usize;
        for _ in 0..STEPS {
            let (now, then) = (past[past.len() - 1], past[past.len() - delay]);
            past.push(now + step * (0.2 * then / (1.0 + then.powi(10)) - 0.1 * now));
        }
        series.push(past[past.len() - 1] as f32 - 0.9);
    }
    series[500..].windows(AHEAD + 1).map(|seen| Row { input: vec![seen[0]], target: Wanted::Value(seen[AHEAD]) }).collect()
}

/// Bits, each asked for once; every [`RULE`] rows the answer is turned round.
fn store_recall(count: usize, seed: u64) -> Vec<Row> {
    let mut next = draws(seed);
    let mut rows: Vec<Row> = Vec::with_capacity(count + 11);
    while rows.len() < count {
        let (bit, wait) = ((next() % 2) as usize, 3 + (next() % 8) as usize);
        // The bit, what else is seen, "keep this", "say it".
        rows.push(Row { input: vec![bit as f32 * 2.0 - 1.0, 1.0, 0.0], target: Wanted::Nothing });
        for _ in 1..wait {
            rows.push(Row { input: vec![(next() % 2) as f32 * 2.0 - 1.0, 0.0, 0.0], target: Wanted::Nothing });
        }
        let turned = (rows.len() / RULE) % 2;
        rows.push(Row { input: vec![0.0, 0.0, 1.0], target: Wanted::Class(bit ^ turned) });
    }
    rows.truncate(count);
    rows
}
