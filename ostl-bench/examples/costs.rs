//! What each named method costs, time and memory a step, as a layer grows, beside the exponents that its documentation gives.
//!
//! ```text
//! cargo run --release -p ostl-bench --example costs [-- [--quick] [METHOD…]]
//! ```
//!
//! One layer of n leaky units with n inputs, H, and a leaky readout of eight: every method can run on it. `snap-2` and `snap-3` have an H of
//! eight connections a unit (with all of them they are `ostl`), `rolling_tbptt` looks back over 20 steps. One stream, `f32`, one thread. The
//! time is that of a step, forward and everything, and what it is above truncated BPTT of one step, which carries nothing; an
//! exponent is log₂ of the ratio from one n to its double, at the two largest n, of the excess (of the whole where there is next to none).
//! V are the variables that a trace holds of a unit: its state and the filter that the readout reads, 2, but 1 for `osttp` and `rtrl`.

use std::time::Instant;

use ostl_bench::{LOSS, steps};
use ostl_cells::CellConfig;
use ostl_cells::config::{LiConfig, LifConfig, OutputKind};
use ostl_core::{Carry, Edge, LearnError, Learner, Method, Network, OptimizerSettings, Update, Window};

/// A method, what its documentation says of its time and memory in n where m = n, and whether H is sparse.
struct Rule {
    name: &'static str,
    method: Method,
    time: (u32, &'static str),
    memory: (u32, &'static str),
    is_sparse: bool,
}

fn rules() -> Vec<Rule> {
    let rule = |name, method: Method, time, memory| Rule {
        name,
        method: method.with_update(Update::Sequence),
        time,
        memory,
        is_sparse: false,
    };
    let sparse =
        |order, name| Rule { is_sparse: true, ..rule(name, Method::snap(order), (2, "(V·r)²·P"), (2, "V·r·P")) };
    let local = Method::ostl_without_h().with_edge(Edge::Heard);
    let over = |window| Method { window, ..local };
    vec![
        rule("tbptt(1)", Method::tbptt(1), (2, "P"), (0, "0")),
        rule("rolling_tbptt(20)", Method::rolling_tbptt(20), (2, "20·P"), (0, "0")),
        rule("ottt", Method::ottt(), (2, "P"), (1, "m + n + 1")),
        rule("ostl_without_h", Method::ostl_without_h(), (2, "(V² + 2·V)·P"), (2, "V·P")),
        rule("snap-1", Method::snap(1), (2, "(V² + 2·V)·P"), (2, "V·P")),
        rule("e_prop_random", Method::e_prop_random(), (2, "(V² + 2·V)·P"), (2, "V·P")),
        rule("otpe", Method::otpe(), (2, "(V² + 2·V)·P"), (2, "V·P")),
        sparse(2, "snap-2, 8 a unit"),
        sparse(3, "snap-3, 8 a unit"),
        rule("uoro", Method::uoro(), (2, "6·P"), (2, "P")),
        rule("local+uoro", local.with_carry(Carry::LocalUoro(1)), (2, "(V² + 2·V + 8)·P"), (2, "(V + 1)·P")),
        rule("local+uoro-4", local.with_carry(Carry::LocalUoro(4)), (2, "(V² + 2·V + 32)·P"), (2, "(V + 4)·P")),
        rule("local, rolling-20", over(Window::rolling(20)), (2, "(20 + V² + 3·V)·P"), (2, "V·P")),
        rule(
            "local, rolling-20-by-5",
            over(Window::Rolling { steps: 20, every: 5 }),
            (2, "(4 + (V² + 3·V)/5)·P"),
            (2, "V·P"),
        ),
        rule("kf_rtrl", Method::kf_rtrl(), (3, "V²·G·n³"), (2, "V·G·n² + m + n")),
        rule("ostl", Method::ostl(), (3, "V·n·P"), (3, "V·n·P")),
        rule("osttp", Method::osttp(), (3, "V·n·P"), (3, "V·n·P")),
        rule("ostl, K = 16", Method::ostl().with_window(16), (3, "V·n·P"), (3, "V·n·P")),
        rule("rtrl", Method::rtrl(), (3, "N·P"), (3, "N·P")),
    ]
}

fn network(n: usize, is_sparse: bool) -> Network<f32> {
    let cell = CellConfig::Lif(LifConfig { output: OutputKind::Sigmoid, detach_reset: true, ..LifConfig::default() });
    let mut builder = cell.add_to(Network::builder(n).seed(1), n).expect("a cell of the benches");
    if is_sparse {
        builder = builder.density(8.0 / n as f64);
    }
    let readout = CellConfig::Li(LiConfig::default());
    readout.add_to(builder, 8).expect("a cell of the benches").finish().expect("sizes of the benches")
}

/// Microseconds a step of a stream that has been going on for a while, and bytes of traces.
fn cost(rule: &Rule, n: usize, seconds: f64) -> Result<(f64, usize), Box<dyn std::error::Error>> {
    let window = rule.method.window.steps().unwrap_or(1);
    let network = network(n, rule.is_sparse);
    let mut learner = Learner::new(network, LOSS, rule.method, OptimizerSettings::sgd(0.1), 1)?;
    let stream = steps(n, 8, 64, 1);
    let mut stream = stream.iter().cycle();
    let mut windows = |count: usize| -> Result<f64, LearnError> {
        let start = Instant::now();
        for (inputs, targets) in stream.by_ref().take(count * window) {
            learner.predict(inputs)?;
            learner.learn(targets)?;
        }
        Ok(start.elapsed().as_secs_f64() / (count * window) as f64)
    };
    // The first windows have nothing to carry on; then as many as take long enough, and the fastest of a few runs.
    windows(2)?;
    let (mut count, mut best) = (1, windows(1)?);
    // Some carries do much at one step in a hundred: every run is to hold some of those.
    let is_short = |count: usize, a_step: f64| {
        let (steps, all) = (count * window, a_step * (count * window) as f64);
        all < seconds / 4.0 || steps < 512 && all < 2.0
    };
    while is_short(count, best) {
        count *= 2;
        best = windows(count)?;
    }
    for _ in 0..3 {
        best = best.min(windows(count)?);
    }
    Ok((best * 1e6, learner.trace_bytes()))
}

/// log₂ of the growth from one n to its double.
fn exponent(values: &[f64]) -> String {
    match values {
        [.., smaller, larger] if *smaller > 0.0 && *larger > 0.0 => format!("{:.1}", (larger / smaller).log2()),
        _ => "–".into(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let names: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    // Truncated BPTT is what the others are compared with.
    let is_asked_for =
        |rule: &Rule| names.is_empty() || rule.name == "tbptt(1)" || names.iter().any(|name| *name == rule.name);
    let sizes: &[usize] = if quick { &[16, 32] } else { &[64, 128, 256] };
    let seconds = if quick { 0.002 } else { 0.2 };
    let heads: Vec<String> = sizes.iter().map(|n| format!("n = {n}")).collect();
    let rules_of_lines = "--- | ".repeat(sizes.len());
    println!(
        "| method | µs a step: {} | exponent | formula | KiB of traces: {} | exponent | formula |",
        heads.join(" | "),
        heads.join(" | ")
    );
    println!("| --- | {rules_of_lines}--- | --- | {rules_of_lines}--- | --- |");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut floor = vec![0.0; sizes.len()];
    for rule in rules().into_iter().filter(is_asked_for) {
        let costs: Result<Vec<_>, String> =
            pool.install(|| sizes.iter().map(|&n| cost(&rule, n, seconds).map_err(|error| error.to_string())).collect());
        let costs = costs?;
        let times: Vec<f64> = costs.iter().map(|(time, _)| *time).collect();
        if rule.method.carry == Carry::None && rule.name.starts_with("tbptt") {
            floor.clone_from(&times);
        }
        let excess: Vec<f64> = times.iter().zip(&floor).map(|(time, floor)| time - floor).collect();
        // An excess that is next to nothing is noise.
        let has_excess = excess.iter().zip(&times).all(|(excess, time)| excess > &(0.2 * time));
        let bytes: Vec<f64> = costs.iter().map(|(_, bytes)| *bytes as f64).collect();
        let in_line = |values: &[f64], digits: usize| {
            values.iter().map(|value| format!("{value:.digits$}")).collect::<Vec<_>>().join(" | ")
        };
        let kib: Vec<f64> = bytes.iter().map(|bytes| bytes / 1024.0).collect();
        println!(
            "| {} | {} | {}{} (n^{}) | {} | {} | {} (n^{}) | {} |",
            rule.name,
            in_line(&times, 1),
            exponent(if has_excess { &excess } else { &times }),
            if has_excess { "" } else { "*" },
            rule.time.0,
            rule.time.1,
            in_line(&kib, 1),
            exponent(&bytes),
            rule.memory.0,
            rule.memory.1,
        );
    }
    println!("\n* of the whole step: the method adds less than a fifth to it");
    Ok(())
}
