//! A run of several shards leaves the same files on any number of ranks, and goes on with them on any other.

use std::sync::Arc;

use ostl_core::ranks::threads;

use super::*;
use crate::ranks::on_ranks;

/// Three streams, a shard for each.
const SHARDS: &str = "training.shards=3";

/// Trains on so many ranks, each a thread with a task of its own; `prepare` sees each before it begins. Says how it ended and how far it came.
fn trained_by(
    ranks: usize,
    set: &[&str],
    folder: &Path,
    resume: bool,
    prepare: impl Fn(&Group, &Letters, &Stop) + Sync,
) -> (Ending, State) {
    let act = |group: &Group| {
        let (task, stop) = (Letters::new(6), Stop::default());
        prepare(group, &task, &stop);
        trained_on(group, &task, set, folder, resume, &stop)
    };
    let mut ended = if ranks == 1 { vec![act(&Group::alone())] } else { on_ranks(ranks, |group| act(&group)) };
    let first = ended.remove(0);
    assert!(ended.iter().all(|(ending, state)| (*ending, state) == (first.0, &first.1)));
    first
}

fn parts(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("shard-")).count()
}

#[test]
fn any_number_of_ranks_leaves_the_same_files_and_goes_on_from_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (kind, set) in [
        ("layer", "method.carry=layer"),
        ("sequence", "method={name='bptt'}"),
        ("uoro", "method={name='uoro'}"),
        ("text", "layers=[{dense='identity', units=4}, {cell='lstm', units=5}]"),
    ] {
        let set = [SHARDS, set];
        let one = at(&format!("{kind}-1"));
        let (ending, state) = trained_by(1, &set, &one, false, |_, _, _| ());
        assert_eq!((ending, state.epochs, state.steps), (Ending::Finished, 3, 3 * 57));
        for ranks in [2, 3] {
            let several = at(&format!("{kind}-{ranks}"));
            assert_eq!(trained_by(ranks, &set, &several, false, |_, _, _| ()), (Ending::Finished, state.clone()));
            same(&one, &several);
        }
        for (before, after) in [(1, 3), (3, 1), (2, 3)] {
            let broken = at(&format!("{kind}-{before}-{after}"));
            // One rank alone is asked to stop, in the second epoch, and all do.
            let stopped = trained_by(before, &set, &broken, false, |group, task, stop| {
                // Each rank writes the stretches of its own streams.
                let stretches = [15, 10, 5][before - 1];
                if group.rank() + 1 == before {
                    stop_after(task, stretches, stop);
                }
            });
            assert_eq!(stopped.0, Ending::Stopped);
            assert!(stopped.1.is_within() && parts(&broken) == 3, "{kind} {before}: {:?}", stopped.1);
            assert_eq!(trained_by(after, &set, &broken, true, |_, _, _| ()).0, Ending::Finished);
            same(&one, &broken);
            assert_eq!(parts(&broken), 0, "between epochs there is nothing to go on from but the weights");
        }
    }
}

#[test]
fn a_part_that_is_lost_is_named_by_all() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let stopped = trained_by(1, &[SHARDS], &run, false, |_, task, stop| stop_after(task, 5, stop));
    assert_eq!(stopped.0, Ending::Stopped);
    let name = fs::read_dir(&run)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("shard-2"));
    fs::remove_file(name.unwrap()).unwrap();
    let act = |group: &Group| {
        let (task, (config, source)) = (Letters::new(6), configured(&[SHARDS]));
        let feed = Feed::new(&config, &source, &task).unwrap();
        let learner = sharded(&config, &source, &task, feed, None, group).unwrap();
        let trainer = Trainer::new(&config, &task, feed, learner, group);
        let error = trainer.resume(&RunDirectory::of_another_rank(&run), &source, false).map(|_| ()).unwrap_err();
        format!("{error:#}")
    };
    let errors = on_ranks(2, |group| act(&group));
    assert!(errors.iter().all(|error| error.contains("shard-2-of-3")), "{errors:?}");
    assert!(errors[0].starts_with("rank 1: ") && !errors[1].starts_with("rank"), "{errors:?}");
}

#[test]
fn shards_are_for_as_many_processes_and_sequences_as_there_are() {
    let (task, (config, source)) = (Letters::new(6), configured(&["training.shards=4"]));
    let feed = Feed::new(&config, &source, &task).unwrap();
    let refused = |config: &Config, ranks: usize| {
        let rank = threads(ranks).remove(0);
        sharded(config, &source, &task, feed, None, &Group::of(Arc::new(rank))).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refused(&config, 1).contains("training.shards = 4") && refused(&config, 1).contains("at most 3"));
    let one = configured(&[]).0;
    assert!(refused(&one, 2).contains("--set training.shards=2"), "{}", refused(&one, 2));
}
