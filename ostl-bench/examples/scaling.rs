//! What many processes would gain, on paper: the efficiency of learning together at 10² to 10⁵ ranks, from three numbers that are measured.
//!
//!     cargo run --release -p ostl-bench --example scaling -- [GFLOPS] [LATENCY_US] [GBYTES_PER_S]
//!
//! GFLOPS: arithmetic of one rank, from the row `alone` of `ostl bench --ranks`; the other two: a message between two ranks.
//!
//! An update of LSTM units takes each rank t = 8 P K B / F seconds: P parameters, B streams of its own, K steps, two operations each for the forward pass, the
//! sweep, the gradient, and a pass over the trace that is counted as another. Summing takes 2 ⌈log₂ R⌉ messages of the whole gradient one after another, up the
//! tree and down: s = 2 ⌈log₂ R⌉ (α + 4 P / β). All ranks are equally fast, nothing else is on the network, a rank's links are its own, and nothing
//! of the sum goes on beside other work: efficiency = t / (t + s), with as many streams for each rank however many there are.

/// Ranks.
const RANKS: [u32; 4] = [100, 1_000, 10_000, 100_000];

/// Parameters of n LSTM units with m inputs and an n-wide readout.
fn parameters(m: f64, n: f64) -> f64 {
    4.0 * n * (m + n + 1.0) + n * (n + 1.0)
}

/// Share of a rank's time that is not spent on sums.
fn efficiency(p: f64, steps: f64, streams: f64, ranks: u32, machine: [f64; 3]) -> f64 {
    let [flops, latency, bandwidth] = machine;
    let compute = 8.0 * p * steps * streams / flops;
    let levels = f64::from(u32::BITS - (ranks - 1).leading_zeros());
    compute / (compute + 2.0 * levels * (latency + 4.0 * p / bandwidth))
}

fn main() {
    let given: Vec<f64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let at = |index: usize, default: f64| given.get(index).copied().unwrap_or(default);
    let machine = [at(0, 10.0) * 1e9, at(1, 2.0) * 1e-6, at(2, 10.0) * 1e9];
    println!("{} Gflop/s a rank, {} µs and {} GB/s a message", at(0, 10.0), at(1, 2.0), at(2, 10.0));
    println!("|  m = n | streams a rank |   K | parameters | {} |", RANKS.map(|ranks| format!("{ranks:>7}")).join(" | "));
    println!("| --- | --- | --- | --- | {} |", RANKS.map(|_| "---").join(" | "));
    for n in [128.0, 512.0, 2048.0] {
        for (streams, steps) in [(1.0, 1.0), (1.0, 20.0), (8.0, 20.0), (8.0, 100.0), (64.0, 20.0), (64.0, 100.0)] {
            let p = parameters(n, n);
            let shares = RANKS.map(|ranks| format!("{:>5.1} %", 100.0 * efficiency(p, steps, streams, ranks, machine)));
            println!("| {n:>6} | {streams:>14} | {steps:>3} | {p:>10} | {} |", shares.join(" | "));
        }
    }
}
