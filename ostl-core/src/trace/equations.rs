//! The place to read OSTL: equations (1) and (2) for the carry `local` in plain loops. The kernels compute the same, faster; their tests
//! compare with this file, and this file's own test compares with central differences.
//!
//! One stream and one layer of n units. Each unit has G gates and V carried variables v: its state variables s, and what else is
//! carried beside them. A step has a_t = Θ z_t, where z_t holds everything that the gates sum: inputs, the layer's earlier outputs, the
//! constant 1. A window holds steps t₀+1 … t₀+K, and the variables v stand at t₀.
//!
//! ```text
//! ∇E(window) = Σ_t δ_t z_tᵀ + σ·ε_{t₀}          (1)     δ_t = ∂E/∂a_t,            σ = ∂E/∂v_{t₀}
//! ε_{t₀+K}   = Σ_t A_t ⊗ z_t + C ε_{t₀}         (2)     A_t = ∂v_{t₀+K}/∂a_t,     C = ∂v_{t₀+K}/∂v_{t₀}
//! ```
//!
//! The trace ε = ∂v/∂Θ is kept unit by unit: how a unit's own parameters move its own variables. So A_t and C are taken inside each
//! unit, and C (J in the general equations) is one V × V matrix a unit. At the start of a sequence ε is zero; a reset inside the window makes σ, C
//! and the A_t before it zero. Where y_{t₀} acts on the window by a way that does not lead through v_{t₀}, step t₀ itself is one more step
//! of the sums (`sweep/immediate.rs`).

/// A value per unit: `[unit]`.
type Units = Vec<f64>;
/// A value per parameter: `[gate][unit][signal]`.
pub(crate) type Parameters = Vec<Vec<Vec<f64>>>;

/// One step of a window.
pub(crate) struct Step {
    /// z_t: `[signal]`.
    pub(crate) z: Vec<f64>,
    /// δ_t = ∂E/∂a_t, of the whole window's error, by all paths inside the window: `[gate]`.
    pub(crate) delta: Vec<Units>,
    /// A_t = ∂v_{t₀+K}/∂a_t, inside each unit: `[variable][gate]`.
    pub(crate) influence: Vec<Vec<Units>>,
}

/// A window as it stands when it closes.
pub(crate) struct Window {
    pub(crate) steps: Vec<Step>,
    /// σ = ∂E/∂v_{t₀}: `[variable]`.
    pub(crate) signal: Vec<Units>,
    /// C = ∂v_{t₀+K}/∂v_{t₀}, inside each unit: `[variable at the end][variable at the start]`.
    pub(crate) jacobian: Vec<Vec<Units>>,
}

/// ε = ∂v/∂Θ: `[variable]`.
pub(crate) struct Trace(pub(crate) Vec<Parameters>);

impl Trace {
    /// ε at the start of a sequence.
    pub(crate) fn zero(variables: usize, gates: usize, units: usize, signals: usize) -> Self {
        Self(vec![vec![vec![vec![0.0; signals]; units]; gates]; variables])
    }
}

/// (1): the gradient of a window, Σ_t δ_t z_tᵀ + σ·ε. The first term is backpropagation inside the window, the second all that came before.
pub(crate) fn gradient(window: &Window, trace: &Trace) -> Parameters {
    for_each_parameter(trace, |gate, unit, signal| {
        let mut sum = 0.0;
        for step in &window.steps {
            sum += step.delta[gate][unit] * step.z[signal];
        }
        for (v, of_parameters) in trace.0.iter().enumerate() {
            sum += window.signal[v][unit] * of_parameters[gate][unit][signal];
        }
        sum
    })
}

/// (2): the trace at the window's end, Σ_t A_t ⊗ z_t + C ε.
pub(crate) fn advance(window: &Window, trace: &Trace) -> Trace {
    let at_the_end = |v: usize| {
        for_each_parameter(trace, |gate, unit, signal| {
            let mut sum = 0.0;
            for step in &window.steps {
                sum += step.influence[v][gate][unit] * step.z[signal];
            }
            for (w, of_parameters) in trace.0.iter().enumerate() {
                sum += window.jacobian[v][w][unit] * of_parameters[gate][unit][signal];
            }
            sum
        })
    };
    Trace((0..trace.0.len()).map(at_the_end).collect())
}

/// A value for each gate, unit and signal.
fn for_each_parameter(trace: &Trace, value: impl Fn(usize, usize, usize) -> f64) -> Parameters {
    let mut parameters = trace.0[0].clone();
    for (gate, units) in parameters.iter_mut().enumerate() {
        for (unit, signals) in units.iter_mut().enumerate() {
            for (signal, parameter) in signals.iter_mut().enumerate() {
                *parameter = value(gate, unit, signal);
            }
        }
    }
    parameters
}

/// A layer of two units with two gates and two state variables each, whose gradient is known: s_t = tanh(D s_{t-1} + a_t) in each unit, and
/// E = Σ_t ½ |s_t|².
#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    const UNITS: usize = 2;
    const SIGNALS: usize = 3;
    const STEPS: usize = 7;
    /// D of either unit.
    const D: [[[f64; 2]; 2]; UNITS] = [[[0.7, 0.2], [-0.4, 0.9]], [[0.5, -0.3], [0.6, 0.8]]];

    fn z(step: usize) -> Vec<f64> {
        (0..SIGNALS).map(|signal| ((3 * step + 2 * signal) as f64).sin()).collect()
    }

    /// s after each step of one unit.
    fn states(theta: &Parameters, unit: usize) -> Vec<[f64; 2]> {
        let mut s = [0.0; 2];
        let step = |step: usize| {
            let a = [0, 1].map(|gate| (0..SIGNALS).map(|j| theta[gate][unit][j] * z(step)[j]).sum::<f64>());
            s = [0, 1].map(|v| (D[unit][v][0] * s[0] + D[unit][v][1] * s[1] + a[v]).tanh());
            s
        };
        (0..STEPS).map(step).collect()
    }

    fn error(theta: &Parameters) -> f64 {
        (0..UNITS).flat_map(|unit| states(theta, unit)).flatten().map(|s| s * s / 2.0).sum()
    }

    /// Some steps of the sequence as a window: reverse sweeps from its error, and from either variable at its end.
    fn window(theta: &Parameters, steps: Range<usize>) -> Window {
        let zeros = vec![0.0; UNITS];
        let step = |t: usize| Step { z: z(t), delta: vec![zeros.clone(); 2], influence: vec![vec![zeros.clone(); 2]; 2] };
        let mut window = Window {
            steps: steps.clone().map(step).collect(),
            signal: vec![zeros.clone(); 2],
            jacobian: vec![vec![zeros.clone(); 2]; 2],
        };
        for (unit, d) in D.iter().enumerate() {
            let states = states(theta, unit);
            // ∂E/∂s_t as later steps send it, and ∂s_end/∂s_t.
            let (mut of_error, mut of_end) = ([0.0; 2], [[1.0, 0.0], [0.0, 1.0]]);
            for (t, step) in steps.clone().zip(&mut window.steps).rev() {
                let slope = states[t].map(|s| 1.0 - s * s);
                let through_a = |adjoint: [f64; 2]| [0, 1].map(|v| adjoint[v] * slope[v]);
                let earlier = |delta: [f64; 2]| [0, 1].map(|w| d[0][w] * delta[0] + d[1][w] * delta[1]);
                let delta = through_a([0, 1].map(|v| of_error[v] + states[t][v]));
                let influence = of_end.map(through_a);
                for gate in 0..2 {
                    step.delta[gate][unit] = delta[gate];
                    (0..2).for_each(|v| step.influence[v][gate][unit] = influence[v][gate]);
                }
                (of_error, of_end) = (earlier(delta), influence.map(earlier));
            }
            for v in 0..2 {
                window.signal[v][unit] = of_error[v];
                (0..2).for_each(|w| window.jacobian[v][w][unit] = of_end[v][w]);
            }
        }
        window
    }

    #[test]
    fn windows_of_any_length_sum_to_the_sequences_gradient() {
        let start = |gate: usize, unit: usize, j: usize| 0.3 * ((gate + 4 * unit + 5 * j) as f64).cos();
        let theta = for_each_parameter(&Trace::zero(1, 2, UNITS, SIGNALS), start);
        for length in [1, 2, 3, STEPS] {
            let mut trace = Trace::zero(2, 2, UNITS, SIGNALS);
            let mut found = Trace::zero(1, 2, UNITS, SIGNALS).0.remove(0);
            for first in (0..STEPS).step_by(length) {
                let window = window(&theta, first..STEPS.min(first + length));
                let of_window = gradient(&window, &trace);
                let sums = found.iter_mut().flatten().flatten().zip(of_window.iter().flatten().flatten());
                sums.for_each(|(sum, of_window)| *sum += of_window);
                trace = advance(&window, &trace);
            }
            for (gate, unit, j) in (0..2 * UNITS * SIGNALS).map(|p| (p / UNITS / SIGNALS, p / SIGNALS % UNITS, p % SIGNALS))
            {
                let moved = |by: f64| {
                    let mut theta = theta.clone();
                    theta[gate][unit][j] += by;
                    error(&theta)
                };
                let truth = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                let found = found[gate][unit][j];
                assert!(
                    (found - truth).abs() < 1e-8,
                    "windows of {length}, gate {gate}, unit {unit}, z {j}: {found} {truth}"
                );
            }
        }
    }
}
