use ostl_tasks::{Lorenz, LorenzConfig, Split, Task};

use crate::support::{all, check_chance, check_reproducible, nrmse, refuses, values};

fn task(config: LorenzConfig) -> Lorenz {
    Lorenz::new(config).unwrap()
}

/// The sequences of a seed are part of what a published run depends on: this test may never be adjusted to new code.
#[test]
fn the_sequences_of_a_seed_are_fixed() {
    let task = task(LorenzConfig { length: 3, washout: 1, observed: 3, horizon: 1, seed: 42, ..Default::default() });
    let batch = task.batch(Split::Train, &[0]);
    let states: Vec<f32> = (0..3).flat_map(|step| batch.input(0, step).to_vec()).collect();
    assert_eq!(
        states,
        [-0.034380574, 0.28196922, 0.023828965, 0.029098382, 0.27349183, -0.12885427, 0.07970614, 0.26878235, -0.27108985]
    );
    assert_eq!(values(&batch, 0, 0), None);
    assert_eq!(values(&batch, 0, 1), Some(batch.input(0, 2)));
}

/// All states that a task shows, in the system's own units: mean and deviation are put back by the symmetry and the equations.
fn states(task: &Lorenz, split: Split, index: usize, scale: &[(f64, f64); 3]) -> Vec<[f64; 3]> {
    let batch = task.batch(split, &[index]);
    (0..batch.steps())
        .map(|step| std::array::from_fn(|i| scale[i].0 + scale[i].1 * f64::from(batch.input(0, step)[i])))
        .collect()
}

/// Shift and scale of x, y and z, from the equations: dx/dt = 10 (y − x) is linear in what is shown, dz/dt + 8/3 z = x y too.
/// Found by the least squares of the five-point rule, with an unknown each for the products.
fn scales(task: &Lorenz, dt: f64) -> [(f64, f64); 3] {
    let plain = [(0.0, 1.0); 3];
    let shown: Vec<_> = (0..4).map(|index| states(task, Split::Train, index, &plain)).collect();
    let slope = |run: &[[f64; 3]], t: usize, i: usize| {
        (run[t - 2][i] - 8.0 * run[t - 1][i] + 8.0 * run[t + 1][i] - run[t + 2][i]) / (12.0 * dt)
    };
    let rows = |i: usize, of: &dyn Fn([f64; 3]) -> Vec<f64>| -> Vec<f64> {
        let mut system: Vec<(Vec<f64>, f64)> = Vec::new();
        for run in &shown {
            (2..run.len() - 2).for_each(|t| system.push((of(run[t]), slope(run, t, i))));
        }
        least_squares(&system)
    };
    // d(ξ)/dt = a η + b ξ + c with x = mx + sx ξ, y = my + sy η: a = 10 sy / sx, b = −10, c = 10 (my − mx) / sx.
    let x = rows(0, &|[x, y, _]| vec![y, x, 1.0]);
    assert!((x[1] + 10.0).abs() < 0.1, "{x:?}");
    // d(ζ)/dt = p ξ η + q ξ + r η + s ζ + u: p = sx sy / sz, q = sx my / sz, r = sy mx / sz, s = −8/3, u = (mx my − 8/3 mz) / sz.
    let z = rows(2, &|[x, y, z]| vec![x * y, x, y, z, 1.0]);
    assert!((z[3] + 8.0 / 3.0).abs() < 0.05, "{z:?}");
    // d(η)/dt = e ξ ζ + f ξ + g ζ + h η + k: e = −sx sz / sy, f = sx (28 − mz) / sy, g = −sz mx / sy, h = −1.
    let y = rows(1, &|[x, y, z]| vec![x * z, x, z, y, 1.0]);
    assert!((y[3] + 1.0).abs() < 0.1, "{y:?}");
    let (sy_by_sx, p, e) = (x[0] / 10.0, z[0], -y[0]);
    // p e = sx², so sx, then sy and sz.
    let sx = (p * e).sqrt();
    let (sy, sz) = (sy_by_sx * sx, sx * sy_by_sx * sx / p);
    [(z[2] * sz / sy, sx), (z[1] * sz / sx, sy), (28.0 - y[1] * sy / sx, sz)]
}

/// Solves an overdetermined linear system by its normal equations and Gauss's elimination.
fn least_squares(system: &[(Vec<f64>, f64)]) -> Vec<f64> {
    let n = system[0].0.len();
    let mut normal = vec![vec![0.0; n + 1]; n];
    for (row, right) in system {
        for i in 0..n {
            (0..n).for_each(|j| normal[i][j] += row[i] * row[j]);
            normal[i][n] += row[i] * right;
        }
    }
    for pivot in 0..n {
        let best = (pivot..n).max_by(|&a, &b| normal[a][pivot].abs().total_cmp(&normal[b][pivot].abs())).unwrap();
        normal.swap(pivot, best);
        for other in (0..n).filter(|&other| other != pivot) {
            let factor = normal[other][pivot] / normal[pivot][pivot];
            let row = normal[pivot].clone();
            normal[other].iter_mut().zip(row).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    (0..n).map(|i| normal[i][n] / normal[i][i]).collect()
}

#[test]
fn the_equations_are_lorenzs_and_the_future_follows_from_them() {
    // Steps of 0.002, so that slopes can be read off.
    let task =
        task(LorenzConfig { dt: 0.002, length: 3_000, washout: 0, observed: 3, horizon: 1, train: 8, ..Default::default() });
    let scale = scales(&task, 0.002);
    // Means and deviations known of the attractor: x and y about 0, of 7.9 and 9.0; z 23.6, of 8.6; over 8 × 6 units of time they vary.
    assert!(scale[0].0.abs() < 4.0 && (6.5..9.0).contains(&scale[0].1), "{scale:?}");
    assert!((21.0..26.0).contains(&scale[2].0) && (7.0..10.0).contains(&scale[2].1), "{scale:?}");
    // Euler's rule in steps of 0.00002 goes along with it for a unit of time.
    for index in 0..3 {
        let run = states(&task, Split::Train, index, &scale);
        let mut state = run[100];
        for (t, shown) in run.iter().enumerate().take(350).skip(100) {
            let distance = (0..3).map(|i| (state[i] - shown[i]).powi(2)).sum::<f64>().sqrt();
            assert!(distance < 0.5, "{index} {t} {distance}");
            for _ in 0..100 {
                let [x, y, z] = state;
                let h = 0.002 / 100.0;
                state = [x + h * 10.0 * (y - x), y + h * (x * (28.0 - z) - y), z + h * (x * y - 8.0 / 3.0 * z)];
            }
        }
    }
}

#[test]
fn steps_of_any_length_are_points_of_the_same_trajectories() {
    let run = |dt: f64, length: usize| {
        let task = task(LorenzConfig { dt, length, washout: 0, observed: 3, train: 1, ..Default::default() });
        let batch = task.batch(Split::Train, &[0]);
        (0..length).map(|step| batch.input(0, step).to_vec()).collect::<Vec<_>>()
    };
    // The same steps of integration, 0.005: only the scale differs, by what lies between the samples.
    let (coarse, fine) = (run(0.02, 101), run(0.005, 401));
    for (step, state) in coarse.iter().enumerate().take(100) {
        assert!(
            state.iter().zip(&fine[4 * step]).all(|(a, b)| (a - b).abs() < 0.1),
            "{step} {state:?} {:?}",
            fine[4 * step]
        );
    }
}

#[test]
fn targets_are_the_state_later_on() {
    for (observed, horizon) in [(1, 1), (2, 5), (3, 20)] {
        let config = LorenzConfig { observed, horizon, length: 100, washout: 30, ..Default::default() };
        let task = task(config);
        let batch = all(&task, Split::Test);
        assert_eq!((batch.inputs(), batch.outputs(), batch.target_count()), (observed, 3, 16 * 70));
        for step in 30..100 - horizon {
            assert_eq!(&values(&batch, 2, step).unwrap()[..observed], batch.input(2, step + horizon));
        }
        assert!((0..30).all(|step| values(&batch, 2, step).is_none()));
    }
}

#[test]
fn the_goal_takes_more_than_staying_put() {
    let task = task(LorenzConfig { observed: 3, ..Default::default() });
    let batch = all(&task, Split::Test);
    let (still, square) =
        nrmse(&batch, |stream, step| batch.input(stream, step).iter().map(|&value| value.into()).collect());
    assert!(still > 2.0 * task.goal().unwrap().reach, "{still}");
    assert!((square - task.chance().unwrap()).abs() < 1e-9, "16 test sequences are all looked at");
}

#[test]
fn chance_is_the_mean_square() {
    let task = task(LorenzConfig { test: 70, ..Default::default() });
    let batch = task.batch(Split::Test, &(0..64).collect::<Vec<_>>());
    check_chance(&task, &batch, &[0.0; 3], 1e-9);
    let chance = task.chance().unwrap();
    assert!((0.8..1.2).contains(&chance), "{chance}");
}

#[test]
fn sequences_are_reproducible_and_settings_checked() {
    let seed = |seed| task(LorenzConfig { length: 60, seed, ..Default::default() });
    check_reproducible(&seed(1), &seed(2));
    refuses!(Lorenz, LorenzConfig, counts);
    refuses!(Lorenz, LorenzConfig,
        dt = 0.0 => dt "0", dt = 0.11 => dt "0.11", dt = f64::NAN => dt "NaN", dt = f64::INFINITY => dt "inf",
        horizon = 0 => horizon "0", horizon = 10_001 => horizon "10001", observed = 0 => observed "0", observed = 4 => observed "4",
        length = 0 => length "0", length = 100_001 => length "100001", washout = 250 => washout "250", length = 50 => washout "50");
}
