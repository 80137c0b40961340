//! What is compiled in this crate, once for each scalar, so that crates above do not compile it again.
//!
//! The compiler takes a generic function from the crate below, instead of compiling it once more, if it is marked `#[inline(never)]` and if
//! that crate has it for the same types. So the doors of the engine carry that mark, and here they are named for `f32` and `f64`. A door that
//! is missing costs only time: the crate that calls it compiles what lies behind it.

use std::hint::black_box;

use crate::check::bptt;
use crate::data::batch::SequenceBatch;
use crate::data::heads::Heads;
use crate::data::loss::Loss;
use crate::data::objective::Objective;
use crate::data::target::{Target, Weighted};
use crate::engine::Engine;
use crate::engine::predictor::{Predictor, Publisher};
use crate::engine::streams::Streams;
use crate::engine::window_choice::{best_block, best_window};
use crate::learner::Learner;
use crate::learner::optimizer::{Optimizer, Rule, UpdateRule};
use crate::learner::shards::ShardedLearner;
use crate::method::Method;
use crate::method::feedback::FeedbackWeights;
use crate::network::{Network, NetworkBuilder};

/// The doors for one scalar.
macro_rules! doors {
    ($name:ident, $scalar:ty) => {
        fn $name() {
            black_box([
                NetworkBuilder::<$scalar>::readout as *const (),
                NetworkBuilder::<$scalar>::finish as *const (),
                NetworkBuilder::<$scalar>::check_weights as *const (),
                NetworkBuilder::<$scalar>::outline_of_all as *const (),
                Network::<$scalar>::memory_with as *const (),
                Network::<$scalar>::check_need as *const (),
                Network::<$scalar>::prune as *const (),
                Network::<$scalar>::description as *const (),
                Network::<$scalar>::weights as *const (),
                Network::<$scalar>::set_weights as *const (),
                Method::validate_for::<$scalar> as *const (),
                Heads::<$scalar>::checked as *const (),
                FeedbackWeights::<$scalar>::new as *const (),
                SequenceBatch::<$scalar>::new as *const (),
                SequenceBatch::<$scalar>::sparse as *const (),
                SequenceBatch::<$scalar>::for_heads as *const (),
                SequenceBatch::<$scalar>::sparse_for_heads as *const (),
                SequenceBatch::<$scalar>::push_event as *const (),
                SequenceBatch::<$scalar>::to_dense as *const (),
                Engine::<$scalar>::new as *const (),
                Engine::<$scalar>::predict as *const (),
                Engine::<$scalar>::learn as *const (),
                Engine::<$scalar>::close_window as *const (),
                Engine::<$scalar>::finish as *const (),
                Engine::<$scalar>::gradient as *const (),
                Engine::<$scalar>::clear_gradient as *const (),
                Engine::<$scalar>::gather_for_update as *const (),
                Engine::<$scalar>::close_past_windows as *const (),
                Engine::<$scalar>::traces as *const (),
                Learner::<$scalar>::from_record as *const (),
                Engine::<$scalar>::set_frozen as *const (),
                Engine::<$scalar>::fresh_streams as *const (),
                Engine::<$scalar>::exchange_streams as *const (),
                Engine::<$scalar>::forget_traces as *const (),
                Streams::<$scalar>::restart as *const (),
                Predictor::<$scalar>::new as *const (),
                Predictor::<$scalar>::predict as *const (),
                Predictor::<$scalar>::set_network as *const (),
                Publisher::<$scalar>::new as *const (),
                Publisher::<$scalar>::publish as *const (),
                best_block::<$scalar> as *const (),
                best_window::<$scalar> as *const (),
                Loss::evaluate::<$scalar> as *const (),
                Objective::evaluate::<$scalar> as *const (),
                Optimizer::<$scalar>::in_use as *const (),
                <Rule as UpdateRule<$scalar>>::update as *const (),
                <Rule as UpdateRule<$scalar>>::check as *const (),
                Learner::<$scalar>::of_heads as *const (),
                Learner::<$scalar>::predict as *const (),
                Learner::<$scalar>::learn as *const (),
                Learner::<$scalar>::learn_weighted as *const (),
                Learner::<$scalar>::learn_rows::<Target<$scalar>> as *const (),
                Learner::<$scalar>::learn_rows::<Weighted<$scalar>> as *const (),
                Learner::<$scalar>::finish as *const (),
                Learner::<$scalar>::learn_batch as *const (),
                Learner::<$scalar>::learn_next as *const (),
                Learner::<$scalar>::gradient as *const (),
                Learner::<$scalar>::evaluate_batch as *const (),
                Learner::<$scalar>::save as *const (),
                Learner::<$scalar>::restore as *const (),
                Learner::<$scalar>::set_frozen as *const (),
                Learner::<$scalar>::fresh_streams as *const (),
                Learner::<$scalar>::exchange_streams as *const (),
                Learner::<$scalar>::forget_traces as *const (),
                Learner::<$scalar>::save_streams as *const (),
                Learner::<$scalar>::restore_streams as *const (),
                ShardedLearner::<$scalar>::new as *const (),
                ShardedLearner::<$scalar>::learn_batch as *const (),
                ShardedLearner::<$scalar>::learn_next as *const (),
                ShardedLearner::<$scalar>::finish as *const (),
                ShardedLearner::<$scalar>::check_together as *const (),
                ShardedLearner::<$scalar>::save as *const (),
                ShardedLearner::<$scalar>::save_shards as *const (),
                ShardedLearner::<$scalar>::restore as *const (),
                ShardedLearner::<$scalar>::all_well as *const (),
                ShardedLearner::<$scalar>::units_seen as *const (),
                ShardedLearner::<$scalar>::is_at_rest as *const (),
                Learner::<$scalar>::watch_units as *const (),
                Learner::<$scalar>::units_seen as *const (),
                bptt::outputs::<$scalar> as *const (),
                bptt::layer_outputs::<$scalar> as *const (),
                bptt::summed_loss::<$scalar> as *const (),
                bptt::whole_gradient::<$scalar> as *const (),
                bptt::loss_of_heads::<$scalar> as *const (),
                bptt::gradient_of_heads::<$scalar> as *const (),
            ]);
        }
    };
}

doors!(single, f32);
doors!(double, f64);

#[used]
static DOORS: [fn(); 2] = [single, double];
