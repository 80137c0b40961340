//! Learners of a configuration, at their start or with the best weights of a run.

use anyhow::Result;
use ostl_core::ranks::Cut;
use ostl_core::{Learner, Network, ShardedLearner};
use ostl_tasks::Task;

use super::Best;
use crate::config::{Config, OutOfRange, Source};
use crate::feed::{self, Feed};
use crate::ranks::Group;
use crate::run_directory::RunDirectory;
use crate::weights::Starting;

/// The network of a configuration and a learner around it, for `streams` streams; `source` is whom to blame if it cannot be built.
pub(crate) fn learner(config: &Config, source: &Source, task: &dyn Task, streams: usize) -> Result<Learner<f32>> {
    config.check_memory(task, streams).map_err(|error| source.out_of_range(error))?;
    let network: Network<f32> = config.network_for(task).map_err(|error| source.out_of_range(error))?;
    let method = config.method().for_sequences_of(feed::longest(task));
    let objective = config.objective(task).map_err(|error| source.out_of_range(error))?;
    let learner = Learner::new(network, objective, method, config.optimizer(), streams);
    learner.map_err(|error| source.out_of_range(config.not_possible(error)))
}

/// The same for all streams of a feed: as many shards as the configuration says, of which this process has its own.
pub(crate) fn sharded(
    config: &Config,
    source: &Source,
    task: &dyn Task,
    feed: Feed,
    starting: Option<&Starting>,
    group: &Group,
) -> Result<ShardedLearner<f32>> {
    let (shards, streams, ranks) = (config.training.shards, feed.streams(task), group.count());
    let refuse = |allowed: String| source.out_of_range(OutOfRange::new("training.shards", shards, allowed));
    let Some(cut) = Cut::new(shards, ranks) else {
        return Err(refuse(format!("at least {ranks}, one for each process: --set training.shards={ranks}")));
    };
    if shards > streams {
        return Err(refuse(format!("at most {streams}, the sequences side by side")));
    }
    // What each shard takes, all of this process's take as often.
    let own = cut.of_rank(group.rank()).len() * cut.most(streams);
    config.check_memory(task, own).map_err(|error| source.out_of_range(error))?;
    let mut learner = learner(config, source, task, cut.most(streams))?;
    if let Some(starting) = starting {
        starting.put_into(learner.network_mut())?;
    }
    let mut learner = ShardedLearner::new(learner, shards, group.ranks())?;
    learner.set_delayed(config.method.is_delayed());
    Ok(learner)
}

/// What a checkpoint is known by: the network, and the vocabulary where its inputs are words or characters, whose numbers would mean others
/// in another text.
pub(super) fn identity(learner: &Learner<f32>, task: &dyn Task) -> String {
    let description = learner.network().description();
    match task.vocabulary() {
        Some(vocabulary) => format!("{description}, vocabulary {:016x}", vocabulary.fingerprint()),
        None => description,
    }
}

/// The learner with the best weights of a run.
pub(crate) fn with_best(mut learner: Learner<f32>, task: &dyn Task, run: &RunDirectory) -> Result<(Learner<f32>, Best)> {
    let best = put_best(&mut learner, task, run, &Group::alone())?;
    Ok((learner, best))
}

/// Gives a learner the best weights of a run.
pub(crate) fn put_best(learner: &mut Learner<f32>, task: &dyn Task, run: &RunDirectory, group: &Group) -> Result<Best> {
    let bytes = group.of_first(|| run.read_best())?;
    let (best, weights) = run.decode_best(&bytes, &identity(learner, task))?;
    learner.network_mut().set_weights(&weights)?;
    Ok(best)
}
