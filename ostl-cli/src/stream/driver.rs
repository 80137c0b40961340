//! What is done with what comes: the session that learns, the files that are written, and what is said.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use ostl_core::Record;

use super::columns::{self, Columns, kind_of};
use super::listen::Board;
use super::predictions::{Predictions, Said};
use super::report::Report;
use super::rows::{Broken, Event, Row};
use super::scores::Verdict;
use super::session::{Memory, Session};
use super::settings::{self, Settings};
use super::state;
use crate::arguments::{StreamArguments, TaskKind};
use crate::failure::UsageError;
use crate::output::tell;

/// So many broken rows are named.
const NAMED: u64 = 10;

/// Why there are no more rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Interrupted,
}

pub(super) struct Driver<'a> {
    arguments: &'a StreamArguments,
    config: Option<PathBuf>,
    source: String,
    /// What is gone on from, until there is a session.
    from: Option<(Memory, Record)>,
    names: Vec<String>,
    /// Places of target columns that the rows do not have, in order.
    missing: Vec<usize>,
    session: Option<Session>,
    /// Rows that are still to be passed over.
    to_skip: u64,
    taken: u64,
    /// Broken rows before there was a session, and those that were named.
    broken_before: u64,
    broken_named: u64,
    beyond_said: bool,
    predictions: Option<Predictions>,
    report: Report,
    /// What is served for others to read.
    board: Option<Board>,
    began: Instant,
}

impl<'a> Driver<'a> {
    pub(super) fn new(
        arguments: &'a StreamArguments,
        config: Option<PathBuf>,
        source: &str,
        board: Option<Board>,
    ) -> Result<Self> {
        let from = arguments.from.as_deref().map(state::read).transpose()?;
        let to_skip = from.as_ref().filter(|_| arguments.skip_seen).map_or(0, |(memory, _)| memory.counts.read);
        let live = source == "standard input";
        let format = arguments.output_format;
        let predictions =
            arguments.predictions.as_deref().map(|path| Predictions::create(path, format, live)).transpose()?;
        Ok(Self {
            arguments,
            config,
            source: source.to_owned(),
            from,
            names: Vec::new(),
            missing: Vec::new(),
            session: None,
            to_skip,
            taken: 0,
            broken_before: 0,
            broken_named: 0,
            beyond_said: false,
            predictions,
            report: Report::new(arguments)?,
            board,
            began: Instant::now(),
        })
    }

    /// Rows read so far, by this and by what it goes on from.
    pub(super) fn rows(&self) -> u64 {
        self.session.as_ref().map_or(0, |session| session.memory.counts.read)
    }

    /// Whether as many rows were read as were asked for.
    pub(super) fn has_enough(&self) -> bool {
        self.arguments.max_rows.is_some_and(|most| self.taken >= most)
    }

    pub(super) fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Columns(names) => {
                self.names = names;
                self.check_columns()?;
                self.session = self.resumed()?;
                Ok(())
            }
            Event::Row(_) | Event::Broken(_) if self.to_skip > 0 => {
                self.to_skip -= 1;
                Ok(())
            }
            Event::Row(mut row) => {
                self.missing.iter().for_each(|&at| row.fields.insert(at.min(row.fields.len()), String::new()));
                self.row(&row)
            }
            Event::Broken(broken) => self.broken(&broken),
            Event::Remark(line, words) => {
                tell(&format!("{}: line {line}: {words}", self.source));
                Ok(())
            }
            Event::Failed(error) => Err(error.context(self.source.clone())),
        }
    }

    /// The rows have come to their end.
    pub(super) fn end(&mut self) -> Result<()> {
        if self.to_skip > 0 {
            tell(&format!("{}: ends {} rows before what was read already: nothing was learned", self.source, self.to_skip));
        } else if self.names.is_empty() {
            return Err(UsageError::Other(format!("{}: is empty: there is no row to learn from", self.source)).into());
        } else if self.session.is_none() {
            bail!("{}: there is no whole row to learn from", self.source);
        }
        Ok(())
    }

    fn check_columns(&mut self) -> Result<()> {
        let Some((memory, _)) = &self.from else {
            // A misspelt name is told before any row comes.
            let given = self.arguments.target.iter().map(|name| ("target", name));
            let given = given.chain(self.arguments.ignore.iter().map(|name| ("ignore", name)));
            let more = [
                ("time", &self.arguments.time),
                ("reset-on", &self.arguments.reset_on),
                ("stream-by", &self.arguments.stream_by),
                ("id", &self.arguments.id),
            ];
            let mut given = given.chain(more.into_iter().filter_map(|(option, name)| Some((option, name.as_ref()?))));
            return given.try_for_each(|(option, name)| Ok(columns::place(option, name, &self.names).map(|_| ())?));
        };
        let Columns { names: learned, .. } = &memory.columns;
        if *learned == self.names {
            return Ok(());
        }
        let absent = memory.columns.without_targets(&self.names);
        if let Some(absent) = absent.clone().filter(|_| self.arguments.test) {
            self.missing = absent;
            return Ok(());
        }
        let cure = if absent.is_some() {
            ": the targets' columns are to be there, empty where nothing is known (with -t they may be missing)"
        } else {
            ""
        };
        let (source, names, learned) = (&self.source, self.names.join(", "), learned.join(", "));
        bail!("{source}: the columns are {names}, and what was saved learned from {learned}{cure}");
    }

    fn row(&mut self, row: &Row) -> Result<()> {
        if self.session.is_none() {
            self.session = Some(self.begin(row)?);
        }
        let Some(session) = &mut self.session else { return Ok(()) };
        self.taken += 1;
        session.memory.counts.read += 1;
        let said = match session.take(row)? {
            Ok(said) => said,
            Err(problem) => {
                // It is counted there.
                self.taken -= 1;
                session.memory.counts.read -= 1;
                return self.broken(&Broken { line: row.line, problem });
            }
        };
        let beyond = session.memory.labels.beyond();
        if beyond > 0 && !self.beyond_said {
            self.beyond_said = true;
            let most = session.memory.settings.max_classes;
            tell(&format!(
                "line {}: a class beyond the first {most} is not learned, nor are others; --max-classes N allows more",
                row.line
            ));
        }
        let verdict = said.verdict;
        if let Some(predictions) = &mut self.predictions {
            predictions.write(said, &session.memory.settings)?;
        }
        self.report.take(&verdict, &session.memory)?;
        self.show();
        self.save_in_passing()
    }

    /// Shows how it is going, if it is time.
    pub(super) fn show(&mut self) {
        if let (Some(board), Some(session)) = (&mut self.board, &self.session) {
            board.show(&session.memory);
        }
    }

    fn broken(&mut self, Broken { line, problem }: &Broken) -> Result<()> {
        let words = format!("{}: line {line}: {problem}", self.source);
        if self.arguments.strict {
            bail!("{words} (--strict)");
        }
        self.taken += 1;
        self.broken_named += 1;
        if self.broken_named <= NAMED {
            let last = if self.broken_named == NAMED { "; further broken rows are only counted" } else { "" };
            tell(&format!("{words}; the row is passed over{last}"));
        }
        let Some(session) = &mut self.session else {
            self.broken_before += 1;
            return Ok(());
        };
        session.memory.counts.read += 1;
        session.memory.counts.broken += 1;
        if let Some(predictions) = &mut self.predictions {
            let row = session.memory.counts.read;
            predictions.write(Said::broken(row, &session.memory.settings), &session.memory.settings)?;
        }
        self.report.take(&Verdict::default(), &session.memory)?;
        self.show();
        self.save_in_passing()
    }

    /// The session that was saved, if one was named.
    fn resumed(&mut self) -> Result<Option<Session>> {
        let Some((memory, record)) = self.from.take() else { return Ok(None) };
        let arguments = self.arguments;
        // For what it refuses.
        Settings::new(arguments, Some(&memory.settings), || Ok(TaskKind::Regress))?;
        let (_, source) = settings::network(memory.settings.task, arguments, self.config.as_deref(), Some(&memory.config))?;
        let mut session = Session::of(memory, &source, !arguments.test)?;
        let place = session.memory.turns.place();
        session.model.restore(record, place).context("what was saved does not fit its settings")?;
        if let Some(rate) = arguments.learning_rate {
            session.model.set_learning_rate(rate).context("--learning-rate")?;
        }
        session.model.set_frozen(arguments.test)?;
        if arguments.test {
            // What is told of them is how well the new rows are predicted.
            let Memory { scores, settings, .. } = &mut session.memory;
            scores.begin_anew(settings)?;
            self.report.tell_of_new_rows(&session.memory);
        }
        self.introduce(&mut session);
        Ok(Some(session))
    }

    /// A session that begins with its first row.
    fn begin(&mut self, row: &Row) -> Result<Session> {
        let arguments = self.arguments;
        let task = || {
            let [name] = &arguments.target[..] else { return Ok(TaskKind::Regress) };
            let at = columns::place("target", name, &self.names)?;
            kind_of(&row.fields[at]).ok_or_else(|| {
                let line = row.line;
                UsageError::Other(format!("line {line}: `{name}` is missing, so say what it is: --task classify or regress"))
            })
        };
        let settings = Settings::new(arguments, None, task)?;
        let (config, source) = settings::network(settings.task, arguments, self.config.as_deref(), None)?;
        let (columns, words) = Columns::new(self.names.clone(), &settings, row)?;
        if !words.is_empty() && !arguments.quiet {
            let names = words.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            tell(&format!("{names}: text in the first row, so an input for each value (--ignore leaves a column out)"));
        }
        let mut session = Session::new(settings, columns, config, &source, !arguments.test)?;
        session.model.set_frozen(arguments.test)?;
        let counts = &mut session.memory.counts;
        (counts.read, counts.broken) = (self.broken_before, self.broken_before);
        if let Some(predictions) = &mut self.predictions {
            let settings = &session.memory.settings;
            (1..=self.broken_before).try_for_each(|row| predictions.write(Said::broken(row, settings), settings))?;
        }
        self.introduce(&mut session);
        Ok(session)
    }

    /// Says what is learned from what.
    fn introduce(&self, session: &mut Session) {
        session.says = self.predictions.is_some();
        if !self.arguments.quiet {
            tell(&self.described(session));
        }
    }

    /// What is learned from what, in a line.
    fn described(&self, session: &Session) -> String {
        let Memory { settings, columns, .. } = &session.memory;
        let targets = settings.target.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let task = match settings.task {
            TaskKind::Classify if settings.id.is_some() => format!("classify {targets}, labels by themselves,"),
            TaskKind::Regress if settings.id.is_some() => format!("regress {targets}, labels by themselves,"),
            TaskKind::Classify if settings.delay > 0 => format!("classify {targets}, {} rows late,", settings.delay),
            TaskKind::Regress if settings.delay > 0 => format!("regress {targets}, {} rows late,", settings.delay),
            TaskKind::Classify => format!("classify {targets}"),
            TaskKind::Regress => format!("regress {targets}"),
            TaskKind::Forecast => format!("forecast {targets}, {} rows ahead,", settings.horizon),
        };
        let inputs = [(columns.numbers.len(), "number"), (columns.words.len(), "column of words")];
        let inputs = inputs.iter().filter(|(count, _)| *count > 0).map(|(count, what)| match (*count, *what) {
            (1, what) => format!("1 {what}"),
            (count, "number") => format!("{count} numbers"),
            (count, _) => format!("{count} columns of words"),
        });
        let mut inputs: Vec<String> = inputs.collect();
        inputs.extend(settings.dt.then(|| "the time since the row before".to_owned()));
        inputs.extend(settings.feedback.then(|| "the last target".to_owned()));
        let (network, parameters) = (session.model.description(), session.model.parameters());
        format!("{}: {task} from {}; {network} ({parameters} parameters)", self.source, inputs.join(" and "))
    }

    fn save_in_passing(&mut self) -> Result<()> {
        if self.rows().is_multiple_of(self.arguments.save_every) { self.save() } else { Ok(()) }
    }

    fn save(&mut self) -> Result<()> {
        if let Some(predictions) = &mut self.predictions {
            predictions.flush()?;
        }
        match (&self.arguments.save, &self.session) {
            (Some(path), Some(session)) => state::write(path, session),
            _ => Ok(()),
        }
    }

    /// Saves, and says what came of it all.
    pub(super) fn conclude(&mut self) -> Result<()> {
        let flushed = self.predictions.as_mut().map_or(Ok(()), Predictions::flush);
        self.predictions = None;
        let saved = self.save();
        if let Some(session) = &self.session {
            self.report.conclude(&session.memory, &[format!("{:.2} s", self.began.elapsed().as_secs_f64())]);
        }
        saved.and(flushed)
    }
}
