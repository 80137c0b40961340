//! What one rank cannot do, none does; and ranks that are not alike do not begin.

use super::*;

#[test]
fn numbers_that_break_in_one_shard_stop_all_and_change_nothing() {
    // With the larger weights a shard's own pass breaks, with the smaller ones only what is learned from the sum.
    for (update, factor) in
        [(Update::Window, 100.0), (Update::Sequence, 100.0), (Update::Window, 1.0), (Update::Sequence, 1.0)]
    {
        let case = Case { name: "linear", method: Method { update, ..Method::ostl().with_window(3) }, words: false };
        let run = |ranks: Arc<dyn Ranks>| {
            let (rank, cut) = (ranks.rank(), Cut::new(3, ranks.count()).unwrap());
            let mut learner = ShardedLearner::new(case.learner::<f32>(2, adam()), 3, ranks).unwrap();
            learner.learner_mut().network_mut().parameters_mut().iter_mut().for_each(|weight| *weight *= factor);
            let sound = batch::<f32>(5, &[6; 6], false);
            let mut scores = vec![learner.learn_batch(&parts(&sound, cut, rank, false)).unwrap()];
            let before = learner.save();
            // The weights times this are more than f32 holds. It is in the first window, so that none before it was learned from.
            let mut large = sound.clone();
            large.input_mut(5, 2).fill(f32::MAX);
            if factor > 1.0 {
                large.set_class(5, 2, 0);
            }
            let error = learner.learn_batch(&parts(&large, cut, rank, false)).unwrap_err();
            assert!(learner.save().values::<f32>("layers.0.W") == before.values("layers.0.W") && learner.is_at_rest());
            scores.push(learner.learn_batch(&parts(&sound, cut, rank, false)).unwrap());
            learner.check_together().unwrap();
            (error, scores, learner.save())
        };
        let alone = on_ranks(1, run).remove(0);
        assert!(alone.0.is_non_finite(), "{}", alone.0);
        assert_eq!(alone.0.to_string().contains("the gradient is not finite"), factor == 1.0, "{}", alone.0);
        assert!(alone.1[1].loss < alone.1[0].loss);
        for count in [2, 3] {
            for found in on_ranks(count, run) {
                assert!(found == alone, "{count} ranks: {} and {}", found.0, alone.0);
            }
        }
    }
}

#[test]
fn a_batch_that_one_rank_refuses_is_refused_by_all() {
    let case = Case { name: "lstm", method: Method::ostl(), words: false };
    let run = |ranks: Arc<dyn Ranks>| {
        let (rank, cut) = (ranks.rank(), Cut::new(2, 2).unwrap());
        let mut learner = ShardedLearner::new(case.learner::<f32>(2, adam()), 2, ranks).unwrap();
        let before = learner.save();
        let mut whole = batch::<f32>(5, &[6; 4], false);
        whole.input_mut(3, 1)[0] = f32::NAN;
        let error = learner.learn_batch(&parts(&whole, cut, rank, false)).unwrap_err();
        assert!(learner.save() == before);
        whole.input_mut(3, 1)[0] = 0.0;
        learner.learn_batch(&parts(&whole, cut, rank, false)).unwrap();
        error
    };
    let errors = on_ranks(2, run);
    assert!(matches!(&errors[0], LearnError::OtherRank { rank: 1, problem } if problem.contains("NaN")), "{:?}", errors[0]);
    assert!(matches!(&errors[1], LearnError::Input { stream: 1, step: Some(1), .. }), "{:?}", errors[1]);
}

#[test]
fn ranks_that_are_not_alike_are_found() {
    let other_method = on_ranks(2, |ranks| {
        let method = if ranks.rank() == 1 { Method::ostl().with_window(5) } else { Method::ostl() };
        let learner = Case { name: "lstm", method, words: false }.learner::<f32>(2, adam());
        ShardedLearner::new(learner, 2, ranks).map(|_| ()).unwrap_err().to_string()
    });
    for message in other_method {
        assert!(message.starts_with("rank 1: it learns ") && message.contains(", rank 0 learns "), "{message}");
    }
    let other_weights = on_ranks(3, |ranks| {
        let rank = ranks.rank();
        let learner = Case { name: "lstm", method: Method::ostl(), words: false }.learner::<f32>(2, adam());
        let mut learner = ShardedLearner::new(learner, 3, ranks).unwrap();
        if rank == 2 {
            learner.learner_mut().network_mut().parameters_mut()[0] += 1.0;
        }
        learner.check_together().unwrap_err().to_string()
    });
    for message in other_weights {
        assert!(message.starts_with("rank 2: it has weights with the checksum "), "{message}");
    }
    let learner = Case { name: "lstm", method: Method::ostl(), words: false }.learner::<f32>(2, adam());
    let none = ShardedLearner::new(learner, 0, Arc::new(Alone)).map(|_| ()).unwrap_err();
    assert!(none.to_string().contains("at least 1"), "{none}");
}
