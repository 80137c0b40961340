//! One run of a sweep, made by a process of its own.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::arguments::ConfigArguments;

/// A run to be made, or gone on with.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) asked: ConfigArguments,
    pub(super) seed: u64,
    /// Where the configuration leaves it open.
    pub(super) threads: Option<usize>,
    /// The folder is there.
    pub(super) begun: bool,
    pub(super) is_finished: bool,
}

/// What became of a run.
pub(super) enum Came {
    /// So many seconds later.
    Done(f64),
    Failed(String),
}

impl Job {
    pub(super) fn run(&self) -> Came {
        let start = Instant::now();
        match self.process() {
            Ok(None) => Came::Done(start.elapsed().as_secs_f64()),
            Ok(Some(words)) => Came::Failed(words),
            Err(error) => Came::Failed(format!("{error:#}")),
        }
    }

    /// What went wrong, if anything did.
    fn process(&self) -> Result<Option<String>> {
        let log = self.folder.with_file_name(format!("{}.log", self.name));
        let shown = log.display();
        let file = File::create(&log).with_context(|| format!("{shown}: cannot be written"))?;
        let mut command = Command::new(std::env::current_exe().context("this program cannot find itself")?);
        command.args(["train", "--quiet"]);
        if self.begun {
            command.arg("--resume").arg(&self.folder);
        } else {
            command.args(&self.asked.config).arg("--out").arg(&self.folder);
            command.args(["--seed", &self.seed.to_string()]);
            let threads = self.threads.map(|threads| format!("threads={threads}"));
            for set in self.asked.set.iter().chain(&threads) {
                command.args(["--set", set]);
            }
            for key in &self.asked.unset {
                command.args(["--unset", key]);
            }
        }
        if let Some(data) = &self.asked.data {
            command.arg("--data").arg(data);
        }
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let status = command.status().context("the program cannot be started")?;
        if status.success() {
            return Ok(None);
        }
        let text = fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        Ok(Some(format!("{last} ({status}; all it said is in {shown})")))
    }
}
