//! Keys by the names that people give them: what other programs call a setting, and in which section it is here.

use crate::names::{same, spelled};

/// Every key that has a place of its own, as it is set on the command line. Options of cells and tasks are known to these.
pub(crate) const KEYS: &[&str] = &[
    "seed",
    "threads",
    "data",
    "init",
    "task.name",
    "task.class_weights",
    "task.label_smoothing",
    "layers.0.units",
    "layers.0.cell",
    "layers.0.dense",
    "layers.0.embedding",
    "layers.0.dropout",
    "layers.0.density",
    "layers.0.learning_rate_scale",
    "layers.0.frozen",
    "layers.0.activity",
    "layers.0.recurrent",
    "readout.cell",
    "readout.dropout",
    "readout.tied",
    "readout.learning_rate_scale",
    "readout.frozen",
    "method.name",
    "method.window",
    "method.memory",
    "method.block",
    "method.trace",
    "method.carry",
    "method.order",
    "method.feedback",
    "method.edge",
    "method.update",
    "method.update_delay",
    "method.seed",
    "optimizer.rule",
    "optimizer.learning_rate",
    "optimizer.clip_norm",
    "optimizer.momentum",
    "optimizer.beta1",
    "optimizer.beta2",
    "optimizer.alpha",
    "optimizer.epsilon",
    "optimizer.centred",
    "optimizer.weight_decay",
    "optimizer.schedule",
    "optimizer.schedule_every",
    "initialization.input",
    "initialization.recurrent",
    "training.epochs",
    "training.batch",
    "training.shards",
    "training.best",
    "training.patience",
    "training.checkpoint_minutes",
    "training.on_non_finite",
];

/// What other programs call it.
const HABITS: &[(&[&str], &str)] = &[
    (&["class-weight", "weights", "loss-weights", "pos-weight"], "task.class_weights"),
    (&["smoothing", "label-smooth"], "task.label_smoothing"),
    (&["lr", "learning-rate", "eta", "step-size", "base-lr"], "optimizer.learning_rate"),
    (&["epoch", "num-epochs", "n-epochs", "max-epochs", "nb-epochs"], "training.epochs"),
    (&["batch-size", "bs", "train-batch-size", "minibatch"], "training.batch"),
    (
        &[
            "hidden",
            "hidden-size",
            "hidden-units",
            "hidden-dim",
            "num-units",
            "n-hidden",
            "nhid",
            "width",
            "size",
            "neurons",
        ],
        "layers.0.units",
    ),
    (&["rnn", "model", "arch", "architecture", "neuron", "cell-type", "layer-type"], "layers.0.cell"),
    (&["activation"], "layers.0.dense"),
    (&["optim", "optimiser", "optimizer", "opt", "solver"], "optimizer.rule"),
    (
        &["clip", "grad-clip", "gradient-clip", "clip-grad", "max-norm", "clip-grad-norm", "max-grad-norm"],
        "optimizer.clip_norm",
    ),
    (&["wd", "l2"], "optimizer.weight_decay"),
    (&["lr-scale", "lr-mult", "lr-multiplier", "lr-factor"], "layers.0.learning_rate_scale"),
    (&["freeze", "trainable", "requires-grad", "fixed"], "layers.0.frozen"),
    (&["eps"], "optimizer.epsilon"),
    (&["scheduler", "lr-schedule", "lr-scheduler"], "optimizer.schedule"),
    (&["bptt", "tbptt", "truncation", "seq-len", "unroll", "k"], "method.window"),
    (&["algorithm", "algo", "learner"], "method.name"),
    (&["early-stopping", "early-stop"], "training.patience"),
    (&["workers", "num-workers", "jobs", "j", "cores", "num-threads", "n-threads", "cpus"], "threads"),
    (&["dataset", "problem"], "task.name"),
    (&["random-seed", "random-state"], "seed"),
    (&["initializer"], "initialization.input"),
    (&["weights-file", "pretrained", "init-from", "checkpoint", "warm-start"], "init"),
    (&["metric", "monitor"], "training.best"),
];

/// The key that a name from another section, or from another program, stands for.
pub(crate) fn elsewhere(name: &str) -> Option<&'static str> {
    if let Some(known) = spelled(name, KEYS.iter().copied()) {
        return Some(known);
    }
    let leaf = |key: &'static str| key.rsplit('.').next().unwrap_or(key);
    // Names that several sections have stand for none of them.
    let of_name: Vec<_> = KEYS.iter().copied().filter(|key| same(leaf(key), name)).collect();
    let of_habit = || HABITS.iter().find(|(names, _)| names.iter().any(|habit| same(habit, name))).map(|(_, key)| *key);
    match of_name[..] {
        [only] => Some(only),
        [first, ..] if !["name", "seed"].contains(&leaf(first)) => Some(first),
        _ => of_habit(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_point_to_keys() {
        for (name, key) in [
            ("lr", Some("optimizer.learning_rate")),
            ("learning-rate", Some("optimizer.learning_rate")),
            ("LearningRate", Some("optimizer.learning_rate")),
            ("batch_size", Some("training.batch")),
            ("epochs", Some("training.epochs")),
            ("hidden", Some("layers.0.units")),
            ("optimizer.learning-rate", Some("optimizer.learning_rate")),
            ("dropout", Some("layers.0.dropout")),
            ("seed", Some("seed")),
            ("name", None),
            ("zzz", None),
        ] {
            assert_eq!(elsewhere(name), key, "{name}");
        }
        assert!(HABITS.iter().all(|(_, key)| KEYS.contains(key)));
    }

    /// A name that stands for one key must not be called another's.
    #[test]
    fn no_habit_has_two_meanings() {
        let names: Vec<&str> = HABITS.iter().flat_map(|(names, _)| names.iter().copied()).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(names[index + 1..].iter().all(|other| !same(other, name)), "{name}");
        }
    }
}
