//! A learner that gets refused calls in between, and goes over to another by its saved state, beside one that does not: the same bits.

use super::calls::{Call, INPUTS, Plan, any_call, any_plan};
use ostl_core::{Carry, Edge, Feedback, LearnError, Learner, Method, SequenceBatch, Target, TraceFormat, Update, Window};
use proptest::prelude::*;

fn any_method() -> impl Strategy<Value = Method> {
    let window = prop_oneof![
        3 => prop::sample::select(vec![1, 2, 3, 7]).prop_map(Window::Steps),
        1 => Just(Window::Sequence),
        1 => prop::sample::select(vec![1, 2, 4]).prop_map(Window::rolling),
    ];
    let carry = prop::sample::select(vec![
        Carry::None,
        Carry::Local,
        Carry::Layer,
        Carry::Network,
        Carry::Snap(1),
        Carry::Snap(2),
        Carry::Uoro(1),
        Carry::KfRtrl,
        Carry::Presynaptic,
        Carry::Postsynaptic,
    ]);
    let feedback = prop::sample::select(vec![Feedback::Symmetric, Feedback::Random, Feedback::Direct]);
    let formats = (any::<bool>(), any::<bool>(), any::<bool>());
    let block = prop::sample::select(vec![None, Some(1), Some(6), Some(8)]);
    (window, carry, feedback, formats, block).prop_map(|(window, carry, feedback, (by_window, cut, bf16), block)| {
        let whole = window == Window::Sequence;
        Method {
            window,
            carry: if whole || matches!(window, Window::Rolling { .. }) { Carry::None } else { carry },
            feedback,
            update: if by_window && !whole { Update::Window } else { Update::Sequence },
            edge: if cut { Edge::Cut } else { Edge::Heard },
            trace: if bf16 { TraceFormat::Bf16 } else { TraceFormat::Full },
            block,
            ..Method::ostl()
        }
    })
}

/// What one call says, in bits.
fn call(plan: &Plan, learner: &mut Learner<f64>, call: Call) -> Result<Vec<f64>, LearnError> {
    let streams = plan.streams;
    let some = |seed: u32| 1 + seed as usize % streams;
    let predict = |learner: &mut Learner<f64>, seed| {
        learner.predict(&plan.inputs(seed, streams)).map(|outputs| outputs.iter().copied().collect())
    };
    let learn = |learner: &mut Learner<f64>, seed| {
        let targets = plan.targets(seed, streams);
        learner.learn(&plan.as_targets(&targets)).map(|score| vec![score.loss])
    };
    let frozen = learner.is_frozen();
    match call {
        Call::Predict(seed) => predict(learner, seed),
        Call::Learn(seed) => learn(learner, seed),
        Call::Step(seed) => {
            predict(learner, seed)?;
            learn(learner, seed)
        }
        Call::Finish => learner.finish().map(|()| Vec::new()),
        Call::Freeze(frozen) => learner.set_frozen(frozen).map(|()| Vec::new()),
        Call::Reset(seed) => {
            learner.reset(seed as usize % streams);
            Ok(Vec::new())
        }
        Call::Next(seed) if !frozen => learner.learn_next(&plan.batch(seed, streams)).map(|score| vec![score.loss]),
        Call::Batch(seed) => learner.learn_batch(&plan.batch(seed, some(seed))).map(|score| vec![score.loss]),
        Call::Gradient(seed) => learner.gradient(&plan.batch(seed, some(seed))).map(|(_, gradient)| gradient.to_vec()),
        Call::Next(seed) | Call::Evaluate(seed) => {
            learner.evaluate_batch(&plan.batch(seed, streams)).map(|score| vec![score.loss])
        }
        Call::Change(seed) => {
            let place = seed as usize % learner.network().parameters().len();
            learner.network_mut().parameters_mut()[place] += 0.1;
            learner.network_mut().prune();
            Ok(Vec::new())
        }
        Call::Rate(seed) => {
            learner.set_learning_rate(f64::from(seed % 4) * 0.01).unwrap();
            Ok(Vec::new())
        }
        Call::Huge(seed) if plan.squared && seed.is_multiple_of(2) && !frozen => {
            learner.learn_next(&plan.huge_batch(seed, streams)).map(|score| vec![score.loss])
        }
        Call::Huge(seed) if plan.squared => {
            let huge = vec![1e200; plan.outputs()];
            learner.learn(&vec![Some(Target::Values(&huge)); streams]).map(|_| vec![f64::from(seed)])
        }
        Call::Restore | Call::Wrong(_) | Call::Huge(_) => Ok(Vec::new()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn refused_calls_and_saved_states_change_no_bit(
        plan in any_plan(),
        method in any_method(),
        calls in prop::collection::vec(any_call(), 1..40),
    ) {
        let network = plan.network().0;
        let Method { window, update, carry, block, .. } = method;
        let plain = Method { window, update, carry, block, ..Method::ostl() };
        let local = Method { carry: Carry::Local, ..plain };
        let method = [method, plain, local].into_iter().find(|method| method.validate_for(&network).is_ok()).unwrap();
        let (mut plagued, mut twin) = (plan.learner(method), plan.learner(method));
        for step in calls {
            match step {
                Call::Wrong(seed) => plan.misuse(&mut plagued, seed),
                Call::Restore => {
                    let mut other = plan.learner(method);
                    // It has been used before.
                    other.gradient(&SequenceBatch::new(INPUTS, plan.outputs(), plan.loss().target_kind(), &[2])).unwrap();
                    other.predict(&plan.inputs(3, plan.streams)).unwrap();
                    other.restore(plagued.save()).unwrap();
                    plagued = other;
                }
                _ => {}
            }
            let said = [&mut plagued, &mut twin].map(|learner| call(&plan, learner, step));
            prop_assert_eq!(&said[0], &said[1], "{:?}", step);
            prop_assert_eq!(plagued.network().parameters(), twin.network().parameters(), "{:?}", step);
        }
    }
}
