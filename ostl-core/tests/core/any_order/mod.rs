//! Every public call of a learner in any order: against a plain model where a method is exact, and against a twin that never gets a call
//! that is refused, where it is anything.

mod calls;
mod layers;
mod number;
mod plain;
mod twin;

use crate::leaky::random;
use calls::{Call, Plan, any_call, any_plan};
use layers::Kind;
use ostl_core::gradient_check::{Claim, claims};
use ostl_core::{Carry, LearnError, Learner, Method, Network, Score, SequenceBatch, Update, Window, bptt};
use plain::{Plain, Reach, Sum};
use proptest::prelude::*;

/// The window and how far gradients reach, of a method that is exact there.
fn any_window() -> impl Strategy<Value = (usize, usize, bool)> {
    (0..7_usize, 0..6_usize, any::<bool>())
}

fn method_of(network: &Network<f64>, kinds: &[Kind], (window, carry, by_window): (usize, usize, bool)) -> Method {
    let update = if by_window { Update::Window } else { Update::Sequence };
    // Blocks of one window or of a few, and those that the sizes suggest.
    let block = [None, Some(1), Some(6), Some(8)][(window + 2 * carry) % 4];
    let of = |window, carry, update| Method { window, carry, update, block, ..Method::ostl() };
    let steps = match window {
        0 | 1 => 1,
        2 => 2,
        3 => 3,
        4 => 7,
        5 => return of(Window::Sequence, Carry::None, Update::Sequence),
        _ => return of(Window::rolling(3), Carry::None, Update::Sequence),
    };
    let carry = [Carry::None, Carry::Network, Carry::Local, Carry::Layer, Carry::Snap(1), Carry::Snap(9)][carry];
    let method = of(Window::Steps(steps), carry, update);
    // What a leaky readout's trace holds is the units' sums, times W as it is now: the model's state was summed with W as it was.
    let sums_units = matches!(kinds.last(), Some(Kind::Leak)) && carry != Carry::Network;
    let is_exact = claims(network, &method).iter().all(|claim| *claim == Claim::Exact) && !sums_units;
    let is_exact = is_exact || carry == Carry::None;
    if is_exact { method } else { of(Window::Steps(steps), Carry::Network, update) }
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-10 * (1.0 + expected.abs())
}

fn all_near(found: &[f64], expected: &[f64]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(&a, &b)| near(a, b))
}

/// The learner and the model side by side.
struct Pair<'a> {
    plan: &'a Plan,
    method: Method,
    learner: Learner<f64>,
    plain: Plain,
}

impl Pair<'_> {
    fn agree<E: std::fmt::Debug>(&self, found: &Result<Score, LearnError>, expected: &Result<Sum, E>) {
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                assert!(near(found.loss, expected.loss), "loss {} for {}", found.loss, expected.loss);
                assert_eq!(found.targets, expected.targets);
            }
            (Err(error), Err(_)) => assert!(error.is_non_finite(), "{error}"),
            _ => panic!("{found:?} where {expected:?} was due"),
        }
    }

    fn predict(&mut self, seed: u32) {
        let inputs = self.plan.inputs(seed, self.plan.streams);
        let found: Vec<f64> = self.learner.predict(&inputs).unwrap().iter().copied().collect();
        let expected = self.plain.predict(&inputs);
        assert!(all_near(&found, &expected), "{found:?} {expected:?}");
    }

    fn learn(&mut self, targets: &[Option<(usize, Vec<f64>)>]) {
        let targets = self.plan.as_targets(targets);
        if !self.plain.awaits_target() {
            assert_eq!(self.learner.learn(&targets), Err(LearnError::NothingPredicted));
            return;
        }
        let (found, expected) = (self.learner.learn(&targets), self.plain.learn(&targets));
        self.agree(&found, &expected);
    }

    fn batch(&mut self, call: Call, batch: &SequenceBatch<f64>) {
        let is_rolling = matches!(self.method.window, Window::Rolling { .. });
        match call {
            Call::Next(_) if self.learner.is_frozen() => {
                assert_eq!(self.learner.learn_next(batch), Err(LearnError::Frozen));
            }
            // Weights change between stretches, and a rolling window looks back over both: the model has no such thing.
            Call::Next(_) if is_rolling => {}
            Call::Next(_) => {
                let (found, expected) = (self.learner.learn_next(batch), self.plain.learn_next(batch));
                self.agree(&found, &expected);
            }
            Call::Batch(_) => {
                let found = self.learner.learn_batch(batch);
                let expected = if self.plain.frozen { self.plain.evaluate(batch) } else { self.plain.learn_batch(batch) };
                self.agree(&found, &expected);
            }
            Call::Gradient(_) => {
                let found = self.learner.gradient(batch).map(|(score, gradient)| (score, gradient.to_vec()));
                let expected = self.plain.gradient(batch);
                if let (Ok((_, found)), Ok((_, expected))) = (&found, &expected) {
                    assert!(all_near(found, expected), "{found:?} {expected:?}");
                    if self.plain.reach == Reach::All || self.method.window == Window::Sequence {
                        let truth = bptt::gradient(self.learner.network(), self.plan.loss(), batch).values;
                        assert!(all_near(found, &truth), "{found:?} {truth:?}");
                    }
                }
                self.agree(&found.map(|found| found.0), &expected.map(|expected| expected.0));
            }
            _ => {
                let (found, expected) = (self.learner.evaluate_batch(batch), self.plain.evaluate(batch));
                self.agree(&found, &expected);
            }
        }
    }

    fn call(&mut self, call: Call) {
        let streams = self.plan.streams;
        let some = |seed: u32| 1 + seed as usize % streams;
        match call {
            Call::Predict(seed) => self.predict(seed),
            Call::Learn(seed) => self.learn(&self.plan.targets(seed, streams)),
            Call::Step(seed) => {
                self.predict(seed);
                self.learn(&self.plan.targets(seed, streams));
            }
            Call::Finish => {
                self.learner.finish().unwrap();
                self.plain.finish();
            }
            Call::Freeze(frozen) => {
                self.learner.set_frozen(frozen).unwrap();
                self.plain.set_frozen(frozen);
                assert_eq!(self.learner.is_frozen(), frozen);
            }
            Call::Reset(seed) => {
                self.learner.reset(seed as usize % streams);
                self.plain.reset(seed as usize % streams);
            }
            Call::Next(seed) => self.batch(call, &self.plan.batch(seed, streams)),
            Call::Batch(seed) | Call::Gradient(seed) | Call::Evaluate(seed) => {
                self.batch(call, &self.plan.batch(seed, some(seed)));
            }
            Call::Restore => {
                let mut other = self.plan.learner(self.method);
                other.predict(&self.plan.inputs(1, streams)).unwrap();
                other.restore(self.learner.save()).unwrap();
                self.learner = other;
            }
            // Amid a window its steps belong to the old weights.
            Call::Change(seed) if self.plain.is_between_windows() => {
                let mut next = random(seed.into());
                self.learner.network_mut().parameters_mut().iter_mut().for_each(|p| *p += 0.05 * next());
                self.learner.network_mut().prune();
                let changed = self.learner.network().parameters();
                self.plain.network.parameters_mut().copy_from_slice(changed);
            }
            Call::Rate(seed) => {
                let rate = self.plan.settings().learning_rate * (0.5 + f64::from(seed % 4) / 4.0);
                self.learner.set_learning_rate(rate).unwrap();
                self.plain.settings.learning_rate = rate;
            }
            Call::Wrong(seed) => self.plan.misuse(&mut self.learner, seed),
            Call::Huge(seed) if self.plan.squared => match seed % 4 {
                0 if self.plain.awaits_target() => {
                    let mut targets = self.plan.targets(seed, streams);
                    targets[streams - 1] = Some((0, vec![1e200; self.plan.outputs()]));
                    self.learn(&targets);
                }
                0 => {}
                1 => self.batch(Call::Next(seed), &self.plan.huge_batch(seed, streams)),
                2 => self.batch(Call::Gradient(seed), &self.plan.huge_batch(seed, some(seed))),
                _ => self.batch(Call::Batch(seed), &self.plan.huge_batch(seed, some(seed))),
            },
            Call::Change(_) | Call::Huge(_) => {}
        }
        let (found, expected) = (self.learner.network().parameters(), self.plain.network.parameters());
        assert!(all_near(found, expected), "weights after {call:?}: {found:?} {expected:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    /// Outputs, losses, gradients and weights are those of the plain model, whatever is called after what.
    #[test]
    fn any_order_of_calls_does_what_the_plain_model_does(
        plan in any_plan(),
        window in any_window(),
        calls in prop::collection::vec(any_call(), 1..40),
    ) {
        let (network, kinds) = plan.network();
        let method = method_of(&network, &kinds, window);
        let (reach, steps) = match (method.window, method.carry) {
            (Window::Steps(steps), Carry::None) => (Reach::Window, Some(steps)),
            (Window::Steps(steps), _) => (Reach::All, Some(steps)),
            (Window::Rolling { steps, .. }, _) => (Reach::Rolling(steps), None),
            // A window does not reach from one stretch into the next.
            (Window::Sequence, _) => (Reach::Window, None),
        };
        let form = (reach, steps, method.update == Update::Window);
        let plain = Plain::new(network, kinds, plan.loss(), plan.settings(), form, plan.streams);
        let mut pair = Pair { plan: &plan, method, learner: plan.learner(method), plain };
        for call in calls {
            pair.call(call);
        }
    }
}
