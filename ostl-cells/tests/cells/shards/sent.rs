//! What travels between ranks.

use std::sync::atomic::{AtomicUsize, Ordering};

use ostl_core::ranks::{RanksError, ThreadRank};

use super::*;

/// A rank that counts what it sends.
#[derive(Debug)]
struct Counting(ThreadRank, AtomicUsize);

impl Ranks for Counting {
    fn rank(&self) -> usize {
        self.0.rank()
    }
    fn count(&self) -> usize {
        self.0.count()
    }
    fn send(&self, to: usize, message: &[u8]) -> Result<(), RanksError> {
        self.1.fetch_add(message.len(), Ordering::SeqCst);
        self.0.send(to, message)
    }
    fn receive(&self, from: usize, message: &mut Vec<u8>) -> Result<(), RanksError> {
        self.0.receive(from, message)
    }
}

/// Of a table of 4000 words, 16,000 values, a batch of some tens of words sends these alone.
#[test]
fn only_the_vectors_that_were_touched_are_sent() {
    let run = |rank: ThreadRank| {
        let network = Network::<f32>::builder(4000).seed(3).embedding(4).recurrent(Gru::new(), 5).readout(CLASSES).unwrap();
        let others: usize = network.blocks().iter().filter(|block| block.layer > 0).map(|block| block.range().len()).sum();
        let learner = Learner::new(network, Loss::SoftmaxCrossEntropy, Method::ostl(), adam(), 2).unwrap();
        let ranks = Arc::new(Counting(rank, AtomicUsize::new(0)));
        let mut learner = ShardedLearner::new(learner, 2, ranks.clone()).unwrap();
        let mut batch = SequenceBatch::sparse(4000, CLASSES, TargetKind::Classes, &[6, 6]);
        for (stream, step) in (0..12).map(|i| (i % 2, i / 2)) {
            batch.push_event(stream, step, 300 * (step + 1) + stream + 7 * ranks.rank(), 1.0);
            batch.set_class(stream, step, 0);
        }
        let before = ranks.1.load(Ordering::SeqCst);
        learner.learn_batch(&[batch]).unwrap();
        (ranks.1.load(Ordering::SeqCst) - before, others, learner.learner().optimizer().updates())
    };
    let run = &run;
    let sent: Vec<_> = std::thread::scope(|scope| {
        let tasks: Vec<_> = threads(2).into_iter().map(|rank| scope.spawn(move || run(rank))).collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    });
    for (bytes, others, updates) in sent {
        // An update sends twelve words' vectors up, or those of both ranks down, the other layers, and some numbers.
        let of_update = bytes / updates as usize;
        assert!(of_update >= 4 * others && of_update < 4 * (others + 24 * 5) + 300, "{of_update} bytes, {others} others");
    }
}
