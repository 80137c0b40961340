//! The carries between nothing and everything: SnAp-n against the layer's whole influence, UORO and KF-RTRL against the mean that they
//! promise, and all of them streaming, on threads and across a stop.

use crate::stacks::Random;
use ostl_cells::CellConfig;
use ostl_core::gradient_check::{Claim, agreement, claims};
use ostl_core::{
    Activation, Carry, Feedback, Learner, Loss, Method, Network, OptimizerSettings, Real, SequenceBatch, Target, TargetKind,
    Update, bptt,
};

const LOSS: Loss = Loss::SoftmaxCrossEntropy;
const INPUTS: usize = 3;
const OUTPUTS: usize = 3;

fn cell(name: &str) -> CellConfig {
    CellConfig::every().into_iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no cell {name}")).1
}

/// A layer of a network to be tested.
#[derive(Clone, Copy, Debug)]
enum Layer {
    Cell(&'static str, usize, f64),
    Dense(usize),
}

fn network<T: Real>(layers: &[Layer], seed: u64) -> Network<T> {
    let mut builder = Network::builder(INPUTS).seed(seed);
    for &layer in layers {
        builder = match layer {
            Layer::Cell(name, units, density) if density < 1.0 => {
                cell(name).add_to(builder, units).unwrap().density(density)
            }
            Layer::Cell(name, units, _) => cell(name).add_to(builder, units).unwrap(),
            Layer::Dense(units) => builder.dense(units, Activation::Tanh),
        };
    }
    let mut network = builder.readout(OUTPUTS).unwrap();
    let mut random = Random(seed ^ 0xABCD);
    for parameter in network.parameters_mut() {
        *parameter += T::from_f64(0.4 * (random.uniform() - 0.5));
    }
    network.prune();
    network
}

/// A target at every step but some, and resets before some steps.
fn batch<T: Real>(lengths: &[usize], resets: u32, seed: u64) -> SequenceBatch<T> {
    let mut random = Random(seed);
    let mut batch = SequenceBatch::new(INPUTS, OUTPUTS, TargetKind::Classes, lengths);
    for (stream, &length) in lengths.iter().enumerate() {
        for step in 0..length {
            batch.input_mut(stream, step).fill_with(|| T::from_f64(3.0 * random.uniform() - 1.5));
            if random.below(100) < 80 || step + 1 == length {
                batch.set_class(stream, step, random.below(OUTPUTS));
            }
            if (random.below(100) as u32) < resets {
                batch.reset_before(stream, step);
            }
        }
    }
    batch
}

fn method(carry: Carry, window: usize) -> Method {
    Method::bptt().with_carry(carry).with_window(window)
}

fn learner<T: Real>(network: &Network<T>, method: Method, streams: usize) -> Learner<T> {
    Learner::new(network.clone(), LOSS, method, OptimizerSettings::adam(0.01), streams).unwrap()
}

fn gradient(network: &Network<f64>, method: Method, batch: &SequenceBatch<f64>) -> Vec<f64> {
    learner(network, method, batch.streams()).gradient(batch).unwrap().1.to_vec()
}

/// The error of each layer's own parameters, relative to the truth's norm over them.
fn errors_by_layer(network: &Network<f64>, found: &[f64], truth: &[f64]) -> Vec<f64> {
    (0..network.depth())
        .map(|layer| {
            let of = |values: &[f64]| {
                let blocks = network.blocks().iter().filter(|block| block.layer == layer);
                blocks.flat_map(|block| values[block.range()].to_vec()).collect::<Vec<_>>()
            };
            agreement(&of(found), &of(truth), 1e-6).relative_error
        })
        .collect()
}

#[test]
fn snap_keeps_all_of_a_layer_once_its_pattern_is_saturated() {
    let (ragged, none) = (batch(&[19, 19, 12, 7, 1], 12, 5), batch(&[15; 3], 0, 6));
    for name in ["rnn", "lstm", "gru", "snu-tanh", "ssnu", "ssnu-learnable-decay"] {
        for (density, orders) in [(1.0, vec![2, 3]), (0.3, vec![30])] {
            let recurrent = |units| Layer::Cell(name, units, density);
            for layers in [vec![recurrent(7)], vec![recurrent(4), Layer::Dense(3), recurrent(6), Layer::Dense(2)]] {
                let network = network::<f64>(&layers, 3);
                for (order, window) in orders.iter().flat_map(|&order| [1, 2, 3, 7].map(|window| (order, window))) {
                    for batch in [&ragged, &none] {
                        let snap = method(Carry::Snap(order), window);
                        let (found, whole) =
                            (gradient(&network, snap, batch), gradient(&network, method(Carry::Layer, window), batch));
                        let errors = errors_by_layer(&network, &found, &whole);
                        for (layer, error) in errors.into_iter().enumerate() {
                            let is_cell = layers.get(layer).is_some_and(|layer| matches!(layer, Layer::Cell(..)));
                            let is_above = layer + 1 >= layers.len();
                            assert!(
                                error < 1e-10 || !(is_cell || is_above),
                                "{name} at {density}, snap-{order} K={window}, layer {layer}: {error}"
                            );
                        }
                        // What is claimed of the topmost recurrent layer.
                        let truth = bptt::gradient(&network, LOSS, batch).values;
                        let top = layers.iter().rposition(|layer| matches!(layer, Layer::Cell(..))).unwrap();
                        for (block, claim) in network.blocks().iter().zip(claims(&network, &snap)) {
                            assert_eq!(claim == Claim::Exact, block.layer >= top, "{name} {block:?}");
                            let error = agreement(&found[block.range()], &truth[block.range()], 1e-6).relative_error;
                            assert!(claim == Claim::Approximate || error < 1e-10, "{name} {block:?}: {error}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_longer_reach_is_closer_and_takes_more_memory() {
    let network = network::<f64>(&[Layer::Cell("rnn", 24, 0.12)], 2);
    let batch = batch(&[25; 4], 0, 3);
    let truth = bptt::gradient(&network, LOSS, &batch).values;
    let measure = |carry: Carry| {
        let mut learner = learner(&network, method(carry, 1), 4);
        let bytes = learner.trace_bytes();
        let error = errors_by_layer(&network, learner.gradient(&batch).unwrap().1, &truth)[0];
        (error, bytes, claims(&network, &method(carry, 1))[0] == Claim::Exact)
    };
    let (_, whole, _) = measure(Carry::Layer);
    let found: Vec<_> = (1..=10).map(|order| measure(Carry::Snap(order))).collect();
    println!("layer: {whole} bytes; snap-1, 2, …: {found:?}");
    let errors: Vec<f64> = found.iter().map(|found| found.0).collect();
    assert!(errors[0] > 2.0 * errors[2] && errors[2] > 2.0 * errors[4], "{errors:?}");
    assert!(errors.windows(2).all(|pair| pair[1] < 1.2 * pair[0] + 1e-13), "{errors:?}");
    assert!(found.windows(2).skip(1).all(|pair| pair[1].1 >= pair[0].1));
    assert!(4 * found[1].1 < whole && found[2].1 < whole / 2, "{found:?}");
    for (error, _, is_exact) in &found {
        assert_eq!(*is_exact, *error < 1e-10, "claimed exact exactly where it is: {found:?}");
    }
    assert!(found[9].2 && !found[2].2);
}

#[test]
fn connections_that_do_not_exist_stay_zero() {
    for carry in [Carry::None, Carry::Local, Carry::Layer, Carry::Network, Carry::Snap(2), Carry::Uoro(1), Carry::KfRtrl] {
        for name in ["lstm", "gru"] {
            let mut network = network::<f64>(&[Layer::Cell(name, 6, 0.3)], 4);
            let settings = OptimizerSettings::adam_w(0.05, 0.1);
            let method = method(carry, 2).with_update(Update::Window);
            let absent: Vec<usize> = {
                let connections = network.connections(0).unwrap();
                let block = network.blocks().iter().find(|block| block.name == "H").unwrap();
                let all =
                    (0..6 * block.rows).map(|place| (place / block.rows, place % block.rows % 6, block.offset + place));
                all.filter(|&(from, to, _)| !connections.exists(from, to)).map(|(_, _, place)| place).collect()
            };
            assert!(absent.len() > 10 * if name == "lstm" { 4 } else { 3 });
            // Written by hand, as if they were there.
            absent.iter().for_each(|&place| network.parameters_mut()[place] = 1.0);
            let mut learner = Learner::new(network, LOSS, method, settings, 3).unwrap();
            let batch = batch(&[9, 9, 5], 10, 1);
            for round in 0..3 {
                assert!(absent.iter().all(|&place| learner.network().parameters()[place] == 0.0), "{name} {carry:?}");
                if round == 1 {
                    absent.iter().for_each(|&place| learner.network_mut().parameters_mut()[place] = 1.0);
                }
                learner.learn_batch(&batch).unwrap();
            }
            let gradient = learner.gradient(&batch).unwrap().1;
            assert!(absent.iter().all(|&place| gradient[place] == 0.0), "{name} {carry:?}");
            let truth = bptt::gradient(learner.network(), LOSS, &batch).values;
            assert!(absent.iter().all(|&place| truth[place] == 0.0));
        }
    }
}

#[test]
fn densities_that_make_no_sense_are_refused() {
    let with = |density| cell("rnn").add_to(Network::<f64>::builder(2), 3).unwrap().density(density).readout(1);
    for wrong in [-0.1, 1.1, f64::NAN] {
        assert!(with(wrong).unwrap_err().to_string().contains("density"));
    }
    let (whole, half) = (with(1.0).unwrap(), with(0.5).unwrap());
    assert!(whole.connections(0).is_none() && half.connections(0).is_some() && half.connections(1).is_none());
    assert!(half.description().contains("recurrent 50 % ("), "{}", half.description());
    assert!(!whole.description().contains('%'));
    let stray = Network::<f64>::builder(2).dense(3, Activation::Tanh).density(0.5).readout(1);
    assert!(stray.unwrap_err().to_string().contains("no H"));
    let without_h = cell("rnn-without-h").add_to(Network::<f64>::builder(2), 3).unwrap().density(0.5).readout(1);
    assert!(without_h.unwrap_err().to_string().contains("no H"));
}

/// The mean of many estimates, and the standard error of each coordinate of it.
fn estimates(network: &Network<f64>, method: Method, batch: &SequenceBatch<f64>, count: usize) -> (Vec<f64>, Vec<f64>) {
    // Every gradient draws anew: no two windows see the same number of steps.
    let mut learner = learner(network, method, batch.streams());
    let parameters = network.parameters().len();
    let (mut sums, mut squares) = (vec![0.0; parameters], vec![0.0; parameters]);
    // Squares about a first estimate, so that a coordinate that never changes has exactly none.
    let origin = learner.gradient(batch).unwrap().1.to_vec();
    for _ in 0..count {
        let found = learner.gradient(batch).unwrap().1;
        for (((sum, square), g), origin) in sums.iter_mut().zip(&mut squares).zip(found).zip(&origin) {
            *sum += g - origin;
            *square += (g - origin) * (g - origin);
        }
    }
    let n = count as f64;
    let errors = sums.iter().zip(&squares).map(|(sum, square)| ((square / n - (sum / n) * (sum / n)).max(0.0) / n).sqrt());
    let errors = errors.collect();
    (sums.iter().zip(&origin).map(|(sum, origin)| origin + sum / n).collect(), errors)
}

/// The largest |z| and the mean of z² over the coordinates that are random at all, and how many those are; the others must be the truth itself.
fn statistic(found: &[f64], errors: &[f64], truth: &[f64], is_claimed: bool) -> (f64, f64, usize) {
    let (mut worst, mut squares, mut count) = (0.0_f64, 0.0, 0);
    for ((found, error), truth) in found.iter().zip(errors).zip(truth) {
        if *error > 1e-9 {
            let z = (found - truth) / error;
            worst = worst.max(z.abs());
            squares += z * z;
            count += 1;
        } else if is_claimed {
            assert!((found - truth).abs() < 1e-9, "{found} is not random and not {truth}");
        }
    }
    (worst, squares / f64::from(count.max(1)), count as usize)
}

fn is_right_on_average(
    carry: Carry,
    truth_of: impl Fn(&Network<f64>, usize, &SequenceBatch<f64>) -> Vec<f64>,
    count: usize,
) {
    let stacks: [&[Layer]; 4] = [
        &[Layer::Cell("rnn", 3, 1.0)],
        &[Layer::Dense(2), Layer::Cell("lstm", 2, 1.0)],
        &[Layer::Cell("ssnu", 3, 1.0), Layer::Cell("gru", 2, 1.0), Layer::Dense(2)],
        &[Layer::Cell("rnn", 5, 0.4), Layer::Dense(2), Layer::Cell("snu-tanh", 3, 1.0)],
    ];
    for (seed, layers) in stacks.into_iter().enumerate() {
        let network = network::<f64>(layers, seed as u64 + 1);
        for (window, lengths, resets) in [(1, [9, 9].as_slice(), 0), (3, &[11, 7, 4], 15)] {
            let batch = batch(lengths, resets, seed as u64);
            let truth = truth_of(&network, window, &batch);
            let (found, errors) = estimates(&network, method(carry, window).with_seed(seed as u64), &batch, count);
            let (worst, squares, random) = statistic(&found, &errors, &truth, true);
            // The same statistic of a gradient that drops what is carried.
            let none = gradient(&network, method(Carry::None, window), &batch);
            let biased = statistic(&none, &errors, &truth, false);
            println!(
                "{carry:?} {network:?} K={window}: {random} of {} random, |z| ≤ {worst:.2}, mean z² {squares:.2}; biased {:.1}, {:.1}",
                truth.len(),
                biased.0,
                biased.1
            );
            assert!(random > 10, "{network:?}");
            // Coordinates of one estimate go together, so the mean of z² spreads more than that of independent ones would.
            assert!(worst < 5.0 && squares < 4.0, "{carry:?} {network:?} K={window}: |z| = {worst}, mean z² = {squares}");
            assert!(biased.0 > 10.0 && biased.1 > 10.0, "{carry:?} {network:?} K={window}: {biased:?} shows nothing");
        }
    }
}

#[test]
fn uoro_is_right_on_average() {
    is_right_on_average(Carry::Uoro(1), |network, _, batch| bptt::gradient(network, LOSS, batch).values, 5_000);
}

#[test]
fn what_units_keep_and_an_estimate_of_the_rest_are_right_on_average() {
    for vectors in [1, 3] {
        let truth =
            |network: &Network<f64>, _: usize, batch: &SequenceBatch<f64>| bptt::gradient(network, LOSS, batch).values;
        is_right_on_average(Carry::LocalUoro(vectors), truth, 5_000);
    }
}

/// Where units keep all there is nothing is left to be estimated, whatever the signs; and the less they drop the less the estimate varies.
#[test]
fn only_what_units_drop_is_random() {
    let batch = batch(&[15, 9], 10, 1);
    for name in ["lru", "lif-without-h", "alif-without-h", "snu-tanh-without-h", "min-lstm"] {
        let network = network::<f64>(&[Layer::Cell(name, 5, 1.0)], 1);
        let truth = bptt::gradient(&network, LOSS, &batch).values;
        for window in [1, 3, 7] {
            let found = gradient(&network, method(Carry::LocalUoro(2), window), &batch);
            let error = agreement(&found, &truth, 1e-6).relative_error;
            assert!(error < 1e-10, "{name} K={window}: {error}");
        }
    }
    let variance = |layers: &[Layer], carry| {
        let (_, errors) = estimates(&network::<f64>(layers, 1), method(carry, 1), &batch, 500);
        errors.iter().map(|error| error * error).sum::<f64>()
    };
    for layers in [&[Layer::Cell("lru", 4, 1.0), Layer::Cell("lru", 4, 1.0)][..], &[Layer::Cell("gru", 5, 1.0)]] {
        let carries = [Carry::Uoro(1), Carry::Uoro(4), Carry::LocalUoro(1), Carry::LocalUoro(4)];
        let [all, all_of_four, rest, rest_of_four] = carries.map(|carry| variance(layers, carry));
        println!("{layers:?}: uoro {all:.2e}, of four {all_of_four:.2e}; the rest {rest:.2e}, of four {rest_of_four:.2e}");
        assert!(rest < all / 2.0 && rest_of_four < rest / 2.0 && all_of_four < all / 2.0);
    }
}

#[test]
fn kf_rtrl_is_right_on_average_where_layer_is_exact() {
    let layer =
        |network: &Network<f64>, window, batch: &SequenceBatch<f64>| gradient(network, method(Carry::Layer, window), batch);
    is_right_on_average(Carry::KfRtrl, layer, 5_000);
}

/// With blocks frozen the estimate of the others is as right, although it is another.
#[test]
fn random_carries_are_right_on_average_beside_frozen_blocks() {
    let build = |seed| {
        let builder = Network::<f64>::builder(INPUTS).seed(seed).dense(2, Activation::Tanh);
        let builder = cell("lstm").add_to(builder, 2).unwrap().frozen_block("W").frozen_block("b");
        cell("rnn").add_to(builder, 3).unwrap().frozen_block("H").readout(OUTPUTS).unwrap()
    };
    for (carry, window) in [(Carry::Uoro(1), 1), (Carry::Uoro(1), 3), (Carry::KfRtrl, 1), (Carry::KfRtrl, 3)] {
        let (network, batch) = (build(3), batch(&[9, 7], 15, 3));
        let mut truth = match carry {
            Carry::Uoro(1) => bptt::gradient(&network, LOSS, &batch).values,
            _ => gradient(&network, method(Carry::Layer, window), &batch),
        };
        let mut frozen = 0;
        for block in network.blocks().iter().filter(|block| network.learning_rate_scale(block.layer, block.name) == 0.0) {
            truth[block.range()].fill(0.0);
            frozen += 1;
        }
        let (found, errors) = estimates(&network, method(carry, window), &batch, 5_000);
        let (worst, squares, random) = statistic(&found, &errors, &truth, true);
        assert!(frozen == 3 && random > 10, "{random} of {frozen}");
        assert!(worst < 5.0 && squares < 4.0, "{carry:?} K={window}: |z| = {worst}, mean z² = {squares}");
    }
}

/// Below a recurrent layer, too, where its products are made of what fixed matrices bring down.
#[test]
fn kf_rtrl_follows_random_feedback_on_average() {
    let network = network::<f64>(&[Layer::Dense(2), Layer::Cell("lstm", 2, 1.0)], 5);
    let batch = batch(&[9, 9], 0, 5);
    for window in [1, 3] {
        let method = method(Carry::KfRtrl, window).with_feedback(Feedback::Random).with_seed(6);
        let truth = bptt::gradient_with_feedback(&network, LOSS, &batch, &method).values;
        let (found, errors) = estimates(&network, method, &batch, 5_000);
        let (worst, squares, random) = statistic(&found, &errors, &truth, true);
        assert!(random > 10 && worst < 5.0 && squares < 4.0, "K={window}: |z| = {worst}, mean z² = {squares} of {random}");
    }
}

#[test]
fn kf_rtrl_varies_less_than_uoro_and_the_seed_counts() {
    let network = network::<f64>(&[Layer::Cell("rnn", 5, 1.0)], 1);
    let batch = batch(&[15], 0, 1);
    let variance = |carry| {
        let (_, errors) = estimates(&network, method(carry, 1), &batch, 500);
        errors.iter().map(|error| error * error).sum::<f64>()
    };
    let (uoro, kf) = (variance(Carry::Uoro(1)), variance(Carry::KfRtrl));
    println!("variance of the mean of 500: uoro {uoro:.2e}, kf-rtrl {kf:.2e}");
    assert!(kf < uoro);
    for carry in [Carry::Uoro(1), Carry::KfRtrl] {
        let found = [1, 1, 2].map(|seed| gradient(&network, method(carry, 1).with_seed(seed), &batch));
        assert!(found[0] == found[1] && found[0] != found[2], "{carry:?}");
    }
}

#[test]
fn one_window_over_everything_is_bptt() {
    let network = network::<f64>(&[Layer::Cell("lstm", 4, 0.5), Layer::Dense(3), Layer::Cell("snu-tanh", 4, 1.0)], 3);
    let batch = batch(&[12, 12, 8], 10, 4);
    let truth = bptt::gradient(&network, LOSS, &batch).values;
    for carry in [Carry::Snap(2), Carry::Snap(9), Carry::Uoro(1), Carry::KfRtrl] {
        for window in [12, 40] {
            let error = agreement(&gradient(&network, method(carry, window), &batch), &truth, 0.0).relative_error;
            assert!(error < 1e-10, "{carry:?} K={window}: {error}");
        }
    }
}

const NEW: [Carry; 6] = [Carry::Snap(2), Carry::Snap(3), Carry::Uoro(1), Carry::Uoro(2), Carry::LocalUoro(2), Carry::KfRtrl];

/// Feeds a batch of equally long sequences step by step, from one step to another.
fn stream(learner: &mut Learner<f64>, batch: &SequenceBatch<f64>, steps: std::ops::Range<usize>) {
    for step in steps {
        let inputs: Vec<f64> = (0..batch.streams()).flat_map(|stream| batch.input(stream, step).to_vec()).collect();
        (0..batch.streams()).filter(|&stream| batch.is_reset(stream, step)).for_each(|stream| learner.reset(stream));
        learner.predict(&inputs).unwrap();
        let targets: Vec<Option<Target<'_, f64>>> = (0..batch.streams()).map(|stream| batch.target(stream, step)).collect();
        learner.learn(&targets).unwrap();
    }
}

#[test]
fn streaming_gives_the_bits_of_whole_batches() {
    let network = network::<f64>(&[Layer::Cell("lstm", 4, 0.6), Layer::Dense(3), Layer::Cell("ssnu", 5, 1.0)], 7);
    let batch = batch(&[13; 3], 15, 2);
    for carry in NEW {
        for (window, update) in [(1, Update::Window), (4, Update::Window), (3, Update::Sequence)] {
            let method = method(carry, window).with_update(update);
            let (mut whole, mut stepwise) = (learner(&network, method, 3), learner(&network, method, 3));
            for _ in 0..3 {
                whole.learn_batch(&batch).unwrap();
                stream(&mut stepwise, &batch, 0..13);
                stepwise.finish().unwrap();
            }
            assert_ne!(whole.network().parameters(), network.parameters());
            assert_eq!(whole.network().parameters(), stepwise.network().parameters(), "{carry:?} K={window} {update:?}");
        }
    }
}

#[test]
fn a_stop_in_mid_stream_or_between_sequences_changes_no_bit() {
    let network = network::<f64>(&[Layer::Cell("gru", 4, 0.6), Layer::Dense(3), Layer::Cell("rnn", 5, 1.0)], 8);
    let batch = batch(&[20; 2], 10, 3);
    let description = network.description();
    for (number, carry) in NEW.into_iter().enumerate() {
        let method = method(carry, 3).with_update(Update::Window).with_seed(4);
        let mut straight = learner(&network, method, 2);
        let stop = |learner_at: &Learner<f64>| {
            let path = std::env::temp_dir().join(format!("ostl-carries-{}-{number}", std::process::id()));
            ostl_core::checkpoint::write(&path, &learner_at.save()).unwrap();
            let mut resumed = learner(&network, method, 2);
            resumed.restore(ostl_core::checkpoint::read_of(&path, &description).unwrap()).unwrap();
            std::fs::remove_file(&path).unwrap();
            resumed
        };
        stream(&mut straight, &batch, 0..11);
        let mut resumed = stop(&straight);
        for learner in [&mut straight, &mut resumed] {
            stream(learner, &batch, 11..20);
            learner.finish().unwrap();
        }
        assert_eq!(straight.network().parameters(), resumed.network().parameters(), "{carry:?} in mid-stream");
        let mut resumed = stop(&straight);
        for learner in [&mut straight, &mut resumed] {
            learner.learn_batch(&batch).unwrap();
        }
        assert_eq!(straight.network().parameters(), resumed.network().parameters(), "{carry:?} between sequences");
    }
    // The same shape and density, but other connections.
    let other = self::network::<f64>(&[Layer::Cell("gru", 4, 0.6), Layer::Dense(3), Layer::Cell("rnn", 5, 1.0)], 9);
    let state = learner(&network, method(Carry::Uoro(1), 3), 2).save();
    assert!(learner(&other, method(Carry::Uoro(1), 3), 2).restore(state).unwrap_err().to_string().contains("network"));
}

#[test]
fn the_same_bits_whatever_the_number_of_threads() {
    let lengths: Vec<usize> = (0..5).map(|stream| 24 - 3 * stream).collect();
    let batch = batch::<f32>(&lengths, 5, 8);
    let network = network::<f32>(&[Layer::Cell("lstm", 40, 0.2), Layer::Dense(33), Layer::Cell("snu-tanh", 64, 1.0)], 3);
    for carry in NEW {
        for window in [1, 6] {
            let train = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let mut learner = learner(&network, method(carry, window).with_update(Update::Window), 5);
                    learner.learn_batch(&batch).unwrap();
                    learner.network().parameters().to_vec()
                })
            };
            let alone = train(1);
            assert!(alone == train(3), "{carry:?} K={window}: 3 threads change the bits");
        }
    }
}
