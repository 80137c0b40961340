//! Texts learned in stretches: as a whole, and stopped anywhere.

mod on_ranks;

use std::fs;
use std::path::{Path, PathBuf};

use ostl_tasks::Goal;

use super::*;
use crate::arguments::ConfigArguments;
use crate::config;
use crate::letters::Letters;
use crate::run_directory::Place;

/// The default's network, smaller, with these settings.
fn configured(set: &[&str]) -> (Config, Source) {
    let small = ["layers.0.units=5", "training.epochs=3", "method.window=3", "method.update=window"];
    let set = small.iter().chain(set).map(|&text| text.to_owned()).collect();
    config::load(&ConfigArguments { config: None, data: None, set, unset: Vec::new() }, None).unwrap()
}

/// Trains in a folder, from scratch or from what is there, and says how it ended.
fn trained(task: &Letters, set: &[&str], folder: &Path, resume: bool, stop: &Stop) -> (Ending, State) {
    trained_on(&Group::alone(), task, set, folder, resume, stop)
}

/// The same as one of several ranks.
fn trained_on(group: &Group, task: &Letters, set: &[&str], folder: &Path, resume: bool, stop: &Stop) -> (Ending, State) {
    let (config, source) = configured(set);
    let feed = Feed::new(&config, &source, task).unwrap();
    let learner = sharded(&config, &source, task, feed, None, group).unwrap();
    let mut trainer = Trainer::new(&config, task, feed, learner, group);
    let run = match (group.is_first(), resume) {
        (false, _) => RunDirectory::of_another_rank(folder),
        (true, true) => RunDirectory::open(folder).unwrap(),
        (true, false) => RunDirectory::create(&Place::Given(folder.to_owned()), false).unwrap(),
    };
    group.ranks().barrier().unwrap();
    if resume {
        trainer = trainer.resume(&run, &source, false).unwrap().0;
    } else {
        run.write_config(&config).unwrap();
        trainer.save(&run).unwrap();
    }
    let (mut metrics, lost) = run.metrics(trainer.figures(), &trainer.rows()).unwrap();
    assert!(!lost);
    let (steps, done) = trainer.steps();
    let progress = Progress::new(true, config.training.epochs, steps, done);
    let ending = trainer.train(&run, &mut metrics, &progress, stop).unwrap();
    (ending, trainer.state().clone())
}

/// Asks to stop when so many streams' stretches have been written.
fn stop_after(task: &Letters, count: usize, stop: &Stop) {
    let stop = stop.clone();
    task.after(count, move || stop.request());
}

fn same(a: &Path, b: &Path) {
    for name in ["last.ckpt", "best.ckpt"] {
        assert!(fs::read(a.join(name)).unwrap() == fs::read(b.join(name)).unwrap(), "{name} of {}", b.display());
    }
    let untimed = |folder: &Path| -> Vec<Vec<String>> {
        let text = fs::read_to_string(folder.join("metrics.csv")).unwrap();
        text.lines().map(|row| row.split(',').take(5).map(str::to_owned).collect()).collect()
    };
    assert_eq!(untimed(a), untimed(b));
}

/// Windows of a text are the same windows, however many of them make a stretch; and the same as if the streams were sequences.
#[test]
fn stretches_change_nothing() {
    let set = ["training.batch=3", "training.epochs=1", "optimizer.rule=sgd"];
    let parameters = |stretch: usize| {
        let (task, (config, source)) = (Letters::new(stretch), configured(&set));
        let feed = Feed::new(&config, &source, &task).unwrap();
        let mut learner = sharded(&config, &source, &task, feed, None, &Group::alone()).unwrap();
        // The order of sequences is drawn; of texts it is not.
        let epoch = if stretch == 0 {
            Epoch::Batches(ostl_tasks::Batches::in_order(&task, Split::Train, 3))
        } else {
            feed.epoch(&task, 0, 0)
        };
        let mut score = Score::default();
        for index in 0..epoch.len() {
            score += epoch.learn(&mut learner, index).unwrap();
        }
        epoch.finish(&mut learner).unwrap();
        let valid = feed.evaluate(&mut learner, &task, Split::Valid, &Stop::default()).unwrap().unwrap();
        (
            learner.learner().network().parameters().to_vec(),
            score.steps,
            score.targets,
            valid.targets(),
            valid.value(Metric::Loss),
        )
    };
    let whole = parameters(0);
    assert_eq!((whole.1, whole.2, whole.3), (57, 57, 25));
    for stretch in [3, 6, 9, 60] {
        assert_eq!(parameters(stretch), whole, "{stretch}");
    }
    assert_eq!(parameters(4), parameters(6), "rounded up to a multiple of the window");
}

#[test]
fn a_text_stopped_anywhere_is_gone_on_with_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (kind, set) in [
        ("layer", "method.carry=layer"),
        ("rolling", "method={name='rolling_tbptt', window=4}"),
        ("snap", "method={name='snap'}"),
        ("sequence", "method={name='bptt'}"),
        (
            "schedule",
            "optimizer={rule='adam', learning_rate=0.02, schedule_every='batch', schedule={kind='cosine', total=3}}",
        ),
    ] {
        let whole = at(&format!("{kind}-whole"));
        let (ending, state) = trained(&Letters::new(6), &[set], &whole, false, &Stop::default());
        assert_eq!((ending, state.epochs, state.steps), (Ending::Finished, 3, 3 * 57));
        // Three streams are written a stretch, four stretches an epoch (the last one to two streams that still go on).
        for count in [1, 2, 4, 10, 12, 13, 25] {
            let (task, stop, parts) = (Letters::new(6), Stop::default(), at(&format!("{kind}-{count}")));
            stop_after(&task, count, &stop);
            assert_eq!(trained(&task, &[set], &parts, false, &stop).0, Ending::Stopped, "{kind} {count}");
            let before = fs::read(parts.join("last.ckpt")).unwrap();
            assert_eq!(trained(&task, &[set], &parts, true, &stop).0, Ending::Stopped, "nothing is done over");
            assert!(before == fs::read(parts.join("last.ckpt")).unwrap());
            assert_eq!(trained(&task, &[set], &parts, true, &Stop::default()).0, Ending::Finished);
            same(&whole, &parts);
        }
    }
}

/// Three parts of an epoch under a schedule that ends with it: at 1, ¾ and ¼ of the rate, where it follows within epochs, or all at 1.
#[test]
fn a_schedule_is_followed_by_the_epoch_or_within_it() {
    let schedule = "optimizer={rule='sgd', learning_rate=0.4, schedule={kind='cosine', total=1}}";
    let rates = |every: &[&str]| {
        let (task, (config, source)) = (Letters::new(6), configured(&[&[schedule], every].concat()));
        let feed = Feed::new(&config, &source, &task).unwrap();
        let group = Group::alone();
        let learner = sharded(&config, &source, &task, feed, None, &group).unwrap();
        let trainer = Trainer::new(&config, &task, feed, learner, &group);
        [0, 1, 2].map(|part| trainer.learning_rate(part, 3))
    };
    assert_eq!(rates(&[]), [0.4; 3]);
    let within = rates(&["optimizer.schedule_every=batch"]);
    assert!(within.iter().zip([0.4, 0.3, 0.1]).all(|(rate, expected)| (rate - expected).abs() < 1e-12), "{within:?}");
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, every: &[&str]| {
        let set = [&[schedule, "training.epochs=1"], every].concat();
        trained(&Letters::new(6), &set, &folder.path().join(name), false, &Stop::default());
        fs::read(folder.path().join(name).join("best.ckpt")).unwrap()
    };
    assert!(run("epoch", &[]) != run("batch", &["optimizer.schedule_every=batch"]), "the weights went another way");
}

/// What is written by the clock within an epoch is enough for a run that was killed.
#[test]
fn a_killed_run_loses_little_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let (task, set) = (Letters::new(6), ["training.checkpoint_minutes=1e-9"]);
    fs::create_dir(&killed).unwrap();
    let (from, to): (PathBuf, PathBuf) = (whole.clone(), killed.clone());
    // In the third stretch of the second epoch.
    let per_epoch = 3 + 3 + 3 + 2;
    task.after(per_epoch + 7, move || {
        for name in ["config.toml", "last.ckpt", "best.ckpt", "metrics.csv", "history.json"] {
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
    });
    trained(&task, &set, &whole, false, &Stop::default());
    let run = RunDirectory::open(&killed).unwrap();
    let (config, source) = configured(&set);
    let feed = Feed::new(&config, &source, &task).unwrap();
    let group = Group::alone();
    let learner = sharded(&config, &source, &task, feed, None, &group).unwrap();
    let fresh = Trainer::new(&config, &task, feed, learner, &group);
    let state = fresh.resume(&run, &source, false).unwrap().0.state;
    assert_eq!((state.epochs, state.batch), (1, 2));
    trained(&task, &set, &killed, true, &Stop::default());
    same(&whole, &killed);
}

#[test]
fn steps_to_the_goal_are_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = Letters::new(6);
    let mut with = |reach: f64| {
        task.goal = Some(Goal { metric: Metric::BitsPerCharacter, reach, best: None });
        let name = reach.to_string();
        trained(&task, &[], &folder.path().join(name), false, &Stop::default()).1.steps_to_goal
    };
    assert_eq!(with(1000.0), Some(57));
    assert_eq!(with(0.0001), None);
}

#[test]
fn what_cannot_be_trained_on_is_refused() {
    let refused = |task: &Letters, set: &[&str]| {
        let (config, source) = configured(set);
        Feed::new(&config, &source, task).unwrap_err().to_string()
    };
    let mut task = Letters::new(6);
    let error = refused(&task, &["training.best=r2"]);
    assert!(error.contains("--set: training.best = r2") && error.contains("loss, accuracy, bits-per-character"), "{error}");
    task.lengths[1].clear();
    let error = refused(&task, &[]);
    assert!(error.contains("`letters`") && error.contains("valid split is empty"), "{error}");
    let (mut config, source) = configured(&[]);
    config.training.batch = None;
    let error = Feed::new(&config, &source, &Letters::new(0)).unwrap_err().to_string();
    assert!(error.contains("training.batch: missing"), "{error}");
    let task = Letters::new(4);
    let feed = Feed::new(&config, &source, &task).unwrap();
    assert_eq!((feed, feed.streams(&task)), (Feed::Stretches(6), 3));
    let notes = feed.notes(&config, &task);
    assert!(notes.len() == 1 && notes[0].contains("6 steps instead of 4"), "{notes:?}");
    config.training.batch = Some(16);
    let notes = feed.notes(&config, &task);
    assert!(notes[1].contains("training.batch = 16 is not used") && notes[1].contains("all 3 streams"), "{notes:?}");
}
