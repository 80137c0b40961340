//! The run directory: what a training run leaves behind, and what it goes on from.

mod checkpoints;
mod history;
mod lock;
mod metrics;
mod parts;
mod vocabulary;
mod whole_files;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ostl_tasks::{ByClass, Confusion, Metric, Vocabulary};

use crate::config::Config;
use crate::failure::UsageError;
use crate::summary::Summary;

pub(crate) use checkpoints::{Checkpoint, IDENTITY, OUTSET};
pub(crate) use history::{Clock, History, Session};
use lock::Lock;
pub(crate) use metrics::{Metrics, Pace, Row};
pub(crate) use parts::Parts;

const CONFIG: &str = "config.toml";
const METRICS: &str = "metrics.csv";
const SUMMARY: &str = "summary.json";
const HISTORY: &str = "history.json";
const CONFUSION: &str = "confusion.csv";
const CLASSES: &str = "classes.csv";
const VOCABULARY: &str = "vocabulary.json";
pub(crate) const LAST: &str = "last.ckpt";
const BEST: &str = "best.ckpt";

/// All that a run writes. What it goes on from stands first: it is the first to go.
const FILES: [&str; 9] = [LAST, BEST, CONFIG, METRICS, SUMMARY, HISTORY, CONFUSION, CLASSES, VOCABULARY];

/// Where a new run is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// There and nowhere else.
    Given(PathBuf),
    /// At NAME, or at the first of NAME-2, NAME-3, … that nothing has yet.
    Numbered(String),
}

/// A run directory.
#[derive(Debug)]
pub(crate) struct RunDirectory {
    path: PathBuf,
    /// Held while it is written to.
    _lock: Option<Lock>,
    /// Another process writes; what this one would write as well goes nowhere.
    is_elsewhere: bool,
}

impl RunDirectory {
    /// Makes a new run directory, or empties an existing one of a run's files if `force` says so. No other process writes to it from here on.
    pub(crate) fn create(place: &Place, force: bool) -> Result<Self> {
        match place {
            Place::Given(path) => Self::claim(path, force)?.ok_or_else(|| exists(path).into()),
            Place::Numbered(name) => {
                let mut paths = std::iter::once(PathBuf::from(name))
                    .chain((2_u64..).map(|number| PathBuf::from(format!("{name}-{number}"))));
                // Whoever makes a folder first has it; the others take the next number.
                paths.find_map(|path| Self::claim(&path, force).transpose()).context("there are no numbers left")?
            }
        }
    }

    /// The directory, if nothing was there or it may be replaced.
    fn claim(path: &Path, force: bool) -> Result<Option<Self>> {
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).with_context(|| format!("{}: cannot be made", above.display()))?;
        }
        match fs::create_dir(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !force {
                    return Ok(None);
                }
                if !path.is_dir() {
                    return Err(no_directory(path).into());
                }
            }
            Err(error) => return Err(error).with_context(|| format!("{}: cannot be made", path.display())),
        }
        let run = Self { path: path.to_owned(), _lock: Some(Lock::take(path)?), is_elsewhere: false };
        whole_files::sweep(path, &FILES)?;
        run.remove_parts_but(None)?;
        // Only what a run writes: the directory may hold other things.
        for name in FILES {
            match fs::remove_file(path.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("{}: cannot be replaced", path.join(name).display()));
                }
                _ => {}
            }
        }
        Ok(Some(run))
    }

    /// Whether a run may be put there, before any work is done for it.
    pub(crate) fn check_free(place: &Place, force: bool) -> Result<()> {
        match place {
            Place::Given(path) if path.exists() && !path.is_dir() => Err(no_directory(path).into()),
            Place::Given(path) if path.exists() && !force => Err(exists(path).into()),
            _ => Ok(()),
        }
    }

    /// An existing run directory, to look at.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        if path.is_file() {
            let run = path.parent().filter(|run| !run.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let problem = if run.join(CONFIG).is_file() {
                format!("{shown}: is a file of a run; give the run itself: {}", run.display())
            } else {
                format!("{shown}: is a file, and a run is a directory")
            };
            return Err(UsageError::Other(problem).into());
        }
        if !path.is_dir() {
            return Err(UsageError::Other(format!("{shown}: there is no such run directory")).into());
        }
        if !path.join(CONFIG).is_file() {
            return Err(UsageError::Other(format!("{shown}: is no run directory: it has no {CONFIG}")).into());
        }
        Ok(Self { path: path.to_owned(), _lock: None, is_elsewhere: false })
    }

    /// An existing run directory, to go on with. No other process writes to it from here on, and what killed processes left in mid-write is gone.
    pub(crate) fn open_to_go_on(path: &Path) -> Result<Self> {
        let run = Self::open(path)?;
        let lock = Lock::take(path)?;
        whole_files::sweep(path, &FILES)?;
        Ok(Self { _lock: Some(lock), ..run })
    }

    /// A run directory that another rank writes to.
    pub(crate) fn of_another_rank(path: &Path) -> Self {
        Self { path: path.to_owned(), _lock: None, is_elsewhere: true }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    pub(crate) fn metrics_path(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    pub(crate) fn summary_path(&self) -> PathBuf {
        self.path.join(SUMMARY)
    }

    /// The table of which class was taken for which, where there is one.
    pub(crate) fn confusion_path(&self) -> PathBuf {
        self.path.join(CONFUSION)
    }

    /// The checkpoint to go on from.
    pub(crate) fn last_path(&self) -> PathBuf {
        self.path.join(LAST)
    }

    /// The best weights.
    pub(crate) fn best_path(&self) -> PathBuf {
        self.path.join(BEST)
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

    /// Writes when and for how long the run was worked on.
    pub(crate) fn write_history(&self, history: &History) -> Result<()> {
        let text = serde_json::to_string_pretty(history).context("the history cannot be written as JSON")?;
        self.replace(HISTORY, &format!("{text}\n"))
    }

    /// Reads it back; nothing if it is lost.
    pub(crate) fn read_history(&self) -> Option<History> {
        serde_json::from_slice(&fs::read(self.path.join(HISTORY)).ok()?).ok()
    }

    /// Writes the words or characters of the run.
    pub(crate) fn write_vocabulary(&self, vocabulary: &Vocabulary) -> Result<()> {
        self.replace(VOCABULARY, &vocabulary::written(vocabulary)?)
    }

    /// Reads them back; nothing if the run has none.
    pub(crate) fn read_vocabulary(&self) -> Result<Option<Vocabulary>> {
        vocabulary::read(&self.path.join(VOCABULARY))
    }

    fn replace(&self, name: &str, text: &str) -> Result<()> {
        if self.is_elsewhere { Ok(()) } else { whole_files::replace(&self.path, name, text.as_bytes()) }
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

    /// Writes how well each class is distinguished from the others, one row per class; a figure that is not defined is left out.
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

    /// Opens the table of epochs for more rows, with a column for each of these figures. Says whether the table that was there had lost rows
    /// of the epochs so far, which are written anew.
    pub(crate) fn metrics(&self, figures: &[Metric], rows: &[(Row, Option<Pace>)]) -> Result<(Metrics, bool)> {
        if self.is_elsewhere { Ok((Metrics::elsewhere(), false)) } else { Metrics::open(&self.path, figures, rows) }
    }
}

fn exists(path: &Path) -> UsageError {
    let path = path.display();
    UsageError::Other(format!(
        "{path}: exists already and was left as it is; give --out another name, go on with it (ostl train --resume {path}), or \
         replace it (--force)"
    ))
}

fn no_directory(path: &Path) -> UsageError {
    UsageError::Other(format!("{}: is not a directory; give --out another name", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_classes_may_hold_anything() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDirectory { path: folder.path().to_owned(), _lock: None, is_elsewhere: false };
        let mut measures = ostl_tasks::Measures::of(ostl_core::Loss::SoftmaxCrossEntropy, 3, &[]);
        for class in [0, 1, 2, 2] {
            let target = ostl_core::Target::Class(class);
            measures.observe(&ostl_core::Observation {
                stream: 0,
                step: 0,
                head: "",
                outputs: &[0.0, 1.0, 0.0],
                target,
                loss: 0.0,
            });
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
        let create = |path: &Path, force| RunDirectory::create(&Place::Given(path.to_owned()), force);
        drop(create(&path, false).unwrap());
        for name in [CONFIG, LAST, "notes.txt"] {
            fs::write(path.join(name), "text").unwrap();
        }
        let error = create(&path, false).unwrap_err().to_string();
        assert!(error.contains("--force") && error.contains("--resume"), "{error}");
        assert!(path.join(LAST).exists());
        drop(create(&path, true).unwrap());
        assert!(!path.join(LAST).exists() && path.join("notes.txt").exists());
        assert!(create(&path.join("notes.txt"), true).unwrap_err().to_string().contains("not a directory"));
    }

    #[test]
    fn whoever_comes_later_gets_the_next_number() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Numbered(folder.path().join("above/run").display().to_string());
        let runs = [0; 3].map(|_| RunDirectory::create(&place, false).unwrap());
        let names = runs.each_ref().map(|run| run.path().file_name().unwrap().to_owned());
        assert_eq!(names, ["run", "run-2", "run-3"]);
        // By force the name itself is taken, and refused while another process is at work there.
        let error = RunDirectory::create(&place, true).unwrap_err().to_string();
        assert!(error.contains("another process"), "{error}");
        drop(runs);
        assert_eq!(RunDirectory::create(&place, true).unwrap().path().file_name().unwrap(), "run");
    }
}
