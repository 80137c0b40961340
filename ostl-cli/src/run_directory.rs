//! The run directory: what a training run leaves behind, and what it goes on from.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ostl_core::checkpoint;
use ostl_tasks::{ByClass, Confusion, Metric};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::failure::UsageError;
use crate::figures::Figures;
use crate::summary::Summary;
use crate::trainer::{Best, State};

const CONFIG: &str = "config.toml";
const METRICS: &str = "metrics.csv";
const SUMMARY: &str = "summary.json";
const CONFUSION: &str = "confusion.csv";
const CLASSES: &str = "classes.csv";
const LAST: &str = "last.ckpt";
const BEST: &str = "best.ckpt";

const METRICS_HEADER: &str = "epoch,learning_rate,train_loss,valid_loss,valid_accuracy,seconds,steps_per_second,steps";

/// One line of `metrics.csv`.
#[derive(Clone, Debug)]
pub(crate) struct MetricsRow {
    /// Counted from 1.
    pub(crate) epoch: u64,
    pub(crate) learning_rate: f64,
    pub(crate) train_loss: f64,
    pub(crate) valid: Figures,
    pub(crate) seconds: f64,
    pub(crate) steps_per_second: f64,
    /// Steps learned from since training began, summed over streams.
    pub(crate) steps: u64,
}

/// What `last.ckpt` holds: everything needed to go on bit for bit, and nothing (such as times) that differs between two runs
/// that did the same.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Checkpoint<L> {
    pub(crate) state: State,
    pub(crate) learner: L,
}

/// What `best.ckpt` holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BestWeights {
    pub(crate) best: Best,
    pub(crate) parameters: Vec<f32>,
}

/// A run directory.
#[derive(Clone, Debug)]
pub(crate) struct RunDirectory {
    path: PathBuf,
}

impl RunDirectory {
    /// Makes a new run directory, or empties an existing one of a run's files if `force` says so.
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self> {
        let run = Self { path: path.to_owned() };
        if path.exists() {
            run.refuse_unless(force)?;
            // Only what a run writes: the directory may hold other things.
            for name in [LAST, BEST, SUMMARY, CONFUSION, CLASSES, METRICS, CONFIG] {
                match fs::remove_file(path.join(name)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(error).with_context(|| format!("{}: cannot be replaced", path.join(name).display()));
                    }
                    _ => {}
                }
            }
        }
        fs::create_dir_all(path).with_context(|| format!("{}: cannot be made", path.display()))?;
        Ok(run)
    }

    /// Whether a run may be put there, before any work is done for it.
    pub(crate) fn check_free(path: &Path, force: bool) -> Result<()> {
        if path.exists() { Self { path: path.to_owned() }.refuse_unless(force) } else { Ok(()) }
    }

    fn refuse_unless(&self, force: bool) -> Result<()> {
        let path = self.path.display();
        if !self.path.is_dir() {
            return Err(UsageError::Other(format!("{path}: is not a directory; give --out another name")).into());
        }
        if !force {
            let problem = format!(
                "{path}: exists already and was left as it is; give --out another name, go on with it (ostl train --resume \
                 {path}), or replace it (--force)"
            );
            return Err(UsageError::Other(problem).into());
        }
        Ok(())
    }

    /// An existing run directory.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let run = Self { path: path.to_owned() };
        if !path.is_dir() {
            return Err(UsageError::Other(format!("{}: there is no such run directory", path.display())).into());
        }
        if !run.config_path().is_file() {
            let problem = format!("{}: is no run directory: it has no {CONFIG}", path.display());
            return Err(UsageError::Other(problem).into());
        }
        Ok(run)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// Writes the resolved configuration.
    pub(crate) fn write_config(&self, config: &Config) -> Result<()> {
        let text = toml::to_string(config).context("the configuration cannot be written as TOML")?;
        let version = env!("CARGO_PKG_VERSION");
        self.replace(
            CONFIG,
            &format!("# Resolved configuration of this run, by ostl {version}; ostl train takes it back.\n\n{text}"),
        )
    }

    /// Writes the summary.
    pub(crate) fn write_summary(&self, summary: &Summary) -> Result<()> {
        let text = serde_json::to_string_pretty(summary).context("the summary cannot be written as JSON")?;
        self.replace(SUMMARY, &format!("{text}\n"))
    }

    /// Writes a whole file or nothing: into a temporary file beside it, then under its name.
    fn replace(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path.join(name);
        let write = || {
            let mut file = tempfile::Builder::new().prefix(name).suffix(".tmp").tempfile_in(&self.path)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            // A temporary file is private by default; a run's files are as readable as any other.
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
            }
            file.persist(&path).map(drop).map_err(|error| error.error)
        };
        write().with_context(|| format!("{}: cannot be written", path.display()))
    }

    /// Writes how often each class was taken for which: a row for each right class, a column for each answer.
    pub(crate) fn write_confusion(&self, confusion: &Confusion, name: impl Fn(usize) -> String) -> Result<()> {
        let names: Vec<String> = (0..confusion.classes()).map(name).collect();
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(std::iter::once("class").chain(names.iter().map(String::as_str)))?;
        for (class, name) in names.iter().enumerate() {
            let counts = confusion.row(class).iter().map(u64::to_string);
            table.write_record(std::iter::once(name.clone()).chain(counts))?;
        }
        let text = table.into_inner().map_err(|error| error.into_error()).context(CONFUSION)?;
        self.replace(CONFUSION, &String::from_utf8(text).context(CONFUSION)?)
    }

    /// Writes how well each class is told from the others, a row each; a figure that is not defined is left out.
    pub(crate) fn write_classes(&self, classes: &ByClass, name: impl Fn(usize) -> String) -> Result<()> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["class", "targets", "answers", "hits", "recall", "precision", "f1"])?;
        for class in 0..classes.classes() {
            let counts = [classes.targets(), classes.answers(), classes.hits()].map(|counts| counts[class].to_string());
            let figures = [classes.recall(class), classes.precision(class), classes.f1(class)];
            let figures = figures.map(|figure| figure.map_or_else(String::new, |figure| figure.to_string()));
            table.write_record([name(class)].into_iter().chain(counts).chain(figures))?;
        }
        let text = table.into_inner().map_err(|error| error.into_error()).context(CLASSES)?;
        self.replace(CLASSES, &String::from_utf8(text).context(CLASSES)?)
    }

    /// Opens the table of epochs for more rows, keeping those of the first `epochs` epochs; with a column for each of these figures.
    pub(crate) fn metrics(&self, epochs: u64, figures: &[Metric]) -> Result<Metrics> {
        let path = self.path.join(METRICS);
        // The loss and the accuracy have columns of their own.
        let figures: Vec<Metric> =
            figures.iter().copied().filter(|figure| !matches!(figure, Metric::Loss | Metric::Accuracy)).collect();
        let mut kept = METRICS_HEADER.to_owned();
        kept.extend(figures.iter().map(|figure| format!(",valid_{}", figure.name().replace('-', "_"))));
        kept.push('\n');
        if epochs > 0 {
            let text = fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
            let belongs =
                |row: &&str| row.split(',').next().and_then(|epoch| epoch.parse().ok()).is_some_and(|e: u64| e <= epochs);
            kept.extend(text.lines().filter(belongs).flat_map(|row| [row, "\n"]));
        }
        self.replace(METRICS, &kept)?;
        let file =
            OpenOptions::new().append(true).open(&path).with_context(|| format!("{}: cannot be opened", path.display()))?;
        Ok(Metrics { path, file, figures })
    }

    /// Whether there is something to go on from.
    pub(crate) fn has_checkpoint(&self) -> bool {
        self.path.join(LAST).is_file()
    }

    /// Writes the checkpoint to go on from. The former one stays whole until the new one is.
    pub(crate) fn write_last(&self, network: &str, payload: &Checkpoint<impl Serialize>) -> Result<()> {
        Ok(checkpoint::write(&self.path.join(LAST), network, payload)?)
    }

    /// Reads the checkpoint to go on from.
    pub(crate) fn read_last<L: Serialize + serde::de::DeserializeOwned>(&self, network: &str) -> Result<Checkpoint<L>> {
        if !self.has_checkpoint() {
            bail!(
                "{}: has no checkpoint ({LAST}), so there is nothing to go on from; start anew with --force",
                self.path.display()
            );
        }
        Ok(checkpoint::read(&self.path.join(LAST), network)?)
    }

    /// Writes the best weights so far.
    pub(crate) fn write_best(&self, network: &str, weights: &BestWeights) -> Result<()> {
        Ok(checkpoint::write(&self.path.join(BEST), network, weights)?)
    }

    /// Reads the best weights.
    pub(crate) fn read_best(&self, network: &str) -> Result<BestWeights> {
        let path = self.path.join(BEST);
        if !path.is_file() {
            bail!("{}: has no {BEST}: no epoch of the run was finished", self.path.display());
        }
        Ok(checkpoint::read(&path, network)?)
    }
}

/// The table of epochs, open for more rows.
#[derive(Debug)]
pub(crate) struct Metrics {
    path: PathBuf,
    file: File,
    /// Those with columns at the end.
    figures: Vec<Metric>,
}

impl Metrics {
    /// Adds a row, and sees it written before training goes on.
    pub(crate) fn add(&mut self, row: &MetricsRow) -> Result<()> {
        let figure = |metric| row.valid.get(metric).map_or_else(String::new, |value| value.to_string());
        let mut line = format!(
            "{},{},{},{},{},{:.3},{:.0},{}",
            row.epoch,
            row.learning_rate,
            row.train_loss,
            row.valid.loss(),
            figure(Metric::Accuracy),
            row.seconds,
            row.steps_per_second,
            row.steps
        );
        line.extend(self.figures.iter().map(|&metric| format!(",{}", figure(metric))));
        line.push('\n');
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.flush());
        written.with_context(|| format!("{}: cannot be written", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first epoch has an accuracy of 3/4.
    fn figures(epoch: u64) -> Figures {
        let loss = if epoch == 1 { ostl_core::Loss::SoftmaxCrossEntropy } else { ostl_core::Loss::MeanSquaredError };
        let mut measures = ostl_tasks::Measures::of(loss, 2, &[]);
        for answer in [0, 1, 1, 1] {
            let target = match epoch {
                1 => ostl_core::Target::Class(answer),
                _ => ostl_core::Target::Values(&[0.0, 0.0]),
            };
            measures.observe(&ostl_core::Observation { stream: 0, step: 0, outputs: &[0.0, 1.0], target, loss: 1.5 });
        }
        Figures::new(&measures, &[Metric::Loss, Metric::Accuracy, Metric::Perplexity])
    }

    fn row(epoch: u64) -> MetricsRow {
        MetricsRow {
            epoch,
            learning_rate: 0.1,
            train_loss: 2.0,
            valid: figures(epoch),
            seconds: 0.25,
            steps_per_second: 1234.5,
            steps: 60 * epoch,
        }
    }

    const COLUMNS: [Metric; 3] = [Metric::Loss, Metric::Accuracy, Metric::BitsPerCharacter];

    #[test]
    fn metrics_past_the_checkpoint_are_cut() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDirectory { path: folder.path().to_owned() };
        let mut metrics = run.metrics(0, &COLUMNS).unwrap();
        (1..=3).for_each(|epoch| metrics.add(&row(epoch)).unwrap());
        // A row torn in the middle, as a kill may leave it.
        metrics.file.write_all(b"4,0.").unwrap();
        run.metrics(2, &COLUMNS).unwrap().add(&row(3)).unwrap();
        let text = fs::read_to_string(folder.path().join(METRICS)).unwrap();
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 4, "{text}");
        assert!(rows[0].ends_with(",steps_per_second,steps,valid_bits_per_character"), "{text}");
        assert_eq!(rows[1], "1,0.1,2,1.5,0.75,0.250,1234,60,");
        assert_eq!(rows[3], "3,0.1,2,1.5,,0.250,1234,180,");
    }

    #[test]
    fn names_of_classes_may_hold_anything() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDirectory { path: folder.path().to_owned() };
        let mut measures = ostl_tasks::Measures::of(ostl_core::Loss::SoftmaxCrossEntropy, 3, &[]);
        for class in [0, 1, 2, 2] {
            let target = ostl_core::Target::Class(class);
            measures.observe(&ostl_core::Observation { stream: 0, step: 0, outputs: &[0.0, 1.0, 0.0], target, loss: 0.0 });
        }
        let names = [",", "\n", "a \"b\""];
        run.write_confusion(measures.confusion().unwrap(), |class| names[class].to_owned()).unwrap();
        let text = fs::read_to_string(folder.path().join(CONFUSION)).unwrap();
        assert_eq!(text, "class,\",\",\"\n\",\"a \"\"b\"\"\"\n\",\",0,1,0\n\"\n\",0,1,0\n\"a \"\"b\"\"\",0,2,0\n");
        run.write_classes(measures.by_class().unwrap(), |class| class.to_string()).unwrap();
        let text = fs::read_to_string(folder.path().join(CLASSES)).unwrap();
        assert_eq!(text, "class,targets,answers,hits,recall,precision,f1\n0,1,0,0,0,,0\n1,1,4,1,1,0.25,0.4\n2,2,0,0,0,,0\n");
    }

    #[test]
    fn force_replaces_a_run_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        RunDirectory::create(&path, false).unwrap();
        for name in [CONFIG, LAST, "notes.txt"] {
            fs::write(path.join(name), "text").unwrap();
        }
        let error = RunDirectory::create(&path, false).unwrap_err().to_string();
        assert!(error.contains("--force") && error.contains("--resume"), "{error}");
        assert!(path.join(LAST).exists());
        RunDirectory::create(&path, true).unwrap();
        assert!(!path.join(LAST).exists() && path.join("notes.txt").exists());
        assert!(RunDirectory::create(&path.join("notes.txt"), true).unwrap_err().to_string().contains("not a directory"));
    }
}
