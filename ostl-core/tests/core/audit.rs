//! What an audit says of a gradient: claims that hold for weights in two places, figures that can be checked by hand, and an oracle that knows
//! what does not exist.

use crate::leaky::{Gated, LOSS, batch, builder, finish, random};
use ostl_core::gradient_check::{Audit, Claim, agreement, audit, claims};
use ostl_core::{Carry, Feedback, Learner, Method, Network, OptimizerSettings, SequenceBatch, TargetKind, bptt};

const WORDS: usize = 6;
const LENGTHS: [usize; 3] = [11, 9, 4];

fn words() -> SequenceBatch<f64> {
    let mut batch = SequenceBatch::sparse(WORDS, WORDS, TargetKind::Classes, &LENGTHS);
    let mut next = random(11);
    let mut word = || ((next() * 0.5 + 0.5) * WORDS as f64) as usize;
    for (stream, &length) in LENGTHS.iter().enumerate() {
        for step in 0..length {
            batch.push_event(stream, step, word(), 1.0);
            batch.set_class(stream, step, word());
        }
    }
    batch
}

fn tied() -> Network<f64> {
    let embedded = Network::builder(WORDS).seed(2).embedding(3);
    finish(embedded.recurrent(Gated { recurrent: true }, 3).tied().readout(WORDS))
}

fn gradient(network: &Network<f64>, method: Method, batch: &SequenceBatch<f64>) -> Vec<f64> {
    let learner = Learner::new(network.clone(), LOSS, method, OptimizerSettings::sgd(1.0), batch.streams());
    learner.unwrap().gradient(batch).unwrap().1.to_vec()
}

/// A tied readout's W has the embedding's gradient in it: where that leaves something out, so does the readout's copy.
#[test]
fn a_weight_in_two_places_is_exact_only_if_both_copies_are() {
    let network = tied();
    let claim = |method: Method, layer: usize, name: &str| {
        let place = network.blocks().iter().position(|block| block.layer == layer && block.name == name).unwrap();
        claims(&network, &method)[place]
    };
    for carry in [Carry::None, Carry::Local, Carry::Layer, Carry::Network, Carry::Snap(1), Carry::Snap(2), Carry::Uoro(1)] {
        for window in [1, 2, 3] {
            let method = Method::bptt().with_carry(carry).with_window(window);
            let audit = audit(&network, LOSS, &method, &words()).unwrap();
            assert!(audit.holds(), "{carry} K={window}: {:?}", audit.blocks);
            let (embedding, readout) = (&audit.blocks[0], &audit.blocks[audit.blocks.len() - 2]);
            assert_eq!((readout.layer, readout.block.as_str()), (2, "W"));
            let is_exact = matches!(carry, Carry::Layer | Carry::Network);
            assert_eq!(
                [embedding.claim == Claim::Exact, readout.claim == Claim::Exact],
                [is_exact; 2],
                "{carry} K={window}"
            );
            assert_eq!(readout.relative_error > 1e-3, !is_exact, "{carry} K={window}: {readout:?}");
            // Its constants are in one place.
            assert_eq!(claim(method, 2, "b"), Claim::Exact);
        }
    }
    for method in [Method::rolling_tbptt(3), Method::bptt().with_feedback(Feedback::Random)] {
        assert_eq!([claim(method, 0, "W"), claim(method, 2, "W")], [Claim::Approximate; 2], "{method:?}");
        assert_eq!(claim(method, 2, "b"), Claim::Exact);
    }
    assert_eq!([claim(Method::bptt(), 0, "W"), claim(Method::bptt(), 2, "W")], [Claim::Exact; 2]);
}

/// Every gradient of the oracle is that of the learner with the same window, at connections that a sparse H lacks as well: zero.
#[test]
fn the_oracle_has_no_gradient_where_there_is_no_connection() {
    let gated = Gated { recurrent: true };
    let mut network = finish(builder().recurrent(gated, 6).density(0.3).recurrent(gated, 5).density(0.5).readout(4));
    let mut absent = Vec::new();
    for block in network.blocks().iter().filter(|block| block.name == "H") {
        let connections = network.connections(block.layer).unwrap();
        let places = (0..block.columns).flat_map(|from| (0..block.rows).map(move |row| (from, row)));
        let missing = places.filter(|&(from, row)| !connections.exists(from, row % block.columns));
        absent.extend(missing.map(|(from, row)| block.offset + from * block.rows + row));
    }
    assert!(absent.len() > 60);
    let batch = batch(3, 4);
    // Whatever is written there.
    for junk in [0.0, 0.7] {
        absent.iter().for_each(|&place| network.parameters_mut()[place] = junk);
        let rolling = Method::rolling_tbptt(3);
        let random = Method::bptt().with_feedback(Feedback::Random).with_seed(3);
        for (name, truth, method) in [
            ("whole", bptt::gradient(&network, LOSS, &batch), Method::bptt()),
            ("random", bptt::gradient_with_feedback(&network, LOSS, &batch, &random), random),
            ("rolling", bptt::rolling_gradient(&network, LOSS, &batch, 3, &rolling), rolling),
            ("chunks", bptt::chunked_gradient(&network, LOSS, &batch, 3), Method::tbptt(3)),
        ] {
            assert!(absent.iter().all(|&place| truth.values[place] == 0.0), "{name}");
            let found = agreement(&gradient(&network, method, &batch), &truth.values, 0.0);
            assert!(found.relative_error < 1e-10, "{name} with {junk} written: {found:?}");
        }
        let mut learner =
            Learner::new(network.clone(), LOSS, Method::bptt(), OptimizerSettings::sgd(1.0), batch.streams()).unwrap();
        let (score, loss) = (learner.evaluate_batch(&batch).unwrap(), bptt::loss(&network, LOSS, &batch));
        assert!((score.loss - loss).abs() < 1e-12 * loss, "{} {loss}", score.loss);
    }
}

/// A copy of tied weights that nobody keeps equal counts for nothing.
#[test]
fn the_oracle_reads_tied_weights_where_the_embedding_has_them() {
    let network = tied();
    assert_ne!(network.block(0, "W").transpose(), network.block(2, "W"), "the test wrote to both");
    for (truth, method) in [
        (bptt::gradient(&network, LOSS, &words()), Method::bptt()),
        (bptt::rolling_gradient(&network, LOSS, &words(), 2, &Method::rolling_tbptt(2)), Method::rolling_tbptt(2)),
        (bptt::chunked_gradient(&network, LOSS, &words(), 4), Method::tbptt(4)),
    ] {
        let found = agreement(&gradient(&network, method, &words()), &truth.values, 0.0);
        assert!(found.relative_error < 1e-10, "{method:?} {found:?}");
    }
}

/// Norms, differences and relative errors of an audit, worked out here; and the floor that a vanishing block is measured by.
#[test]
fn the_figures_of_an_audit_by_hand() {
    let network = finish(builder().recurrent(Gated { recurrent: true }, 5).readout(4));
    let mut faint = batch(3, 4);
    for stream in 0..faint.streams() {
        for step in 0..faint.lengths()[stream] {
            faint.input_mut(stream, step).iter_mut().for_each(|x| *x *= 1e-9);
        }
    }
    let method = Method::bptt().with_carry(Carry::Local).with_window(2);
    for (batch, is_faint) in [(&batch(3, 4), false), (&faint, true)] {
        let audit = audit(&network, LOSS, &method, batch).unwrap();
        let (found, truth) = (gradient(&network, method, batch), bptt::gradient(&network, LOSS, batch));
        let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs();
        assert!(close(audit.norm, norm(&truth.values)) && close(audit.loss, bptt::loss(&network, LOSS, batch)));
        assert_eq!(audit.whole, agreement(&found, &truth.values, 0.0));
        for (block, figures) in network.blocks().iter().zip(&audit.blocks) {
            let (found, truth) = (&found[block.range()], &truth.values[block.range()]);
            let difference: Vec<f64> = found.iter().zip(truth).map(|(f, t)| f - t).collect();
            assert!(close(figures.norm, norm(truth)) && close(figures.difference, norm(&difference)));
            let measured_by = figures.norm.max(Audit::FLOOR * audit.norm);
            assert!(close(figures.relative_error, figures.difference / measured_by), "{figures:?}");
            // Inputs of a billionth: what W is told is nothing beside the rest, and its error is measured by the rest.
            let vanishes = is_faint && figures.layer == 0 && figures.block == "W";
            assert_eq!(figures.norm < Audit::FLOOR * audit.norm, vanishes, "{figures:?}");
            if vanishes {
                assert!(
                    figures.difference > 1e-3 * figures.norm
                        && figures.relative_error < 0.1 * figures.difference / figures.norm
                );
            }
        }
    }
    // A gradient of nothing is told as such, without a NaN.
    let mut silent = SequenceBatch::new(3, 4, TargetKind::Classes, &[5]);
    silent.input_mut(0, 1)[0] = 1.0;
    let audit = audit(&network, LOSS, &Method::ostl().with_window(2), &silent).unwrap();
    assert_eq!((audit.norm, audit.loss, audit.whole.relative_error, audit.whole.cosine), (0.0, 0.0, 0.0, 1.0));
    assert!(audit.blocks.iter().all(|block| block.relative_error == 0.0 && block.norm == 0.0 && block.difference == 0.0));
}
