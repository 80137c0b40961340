//! One row after another: predicted, then judged, then learned from.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::columns::{Columns, Values};
use super::encoder::Encoder;
use super::labels::{Answer, Labels, Truth};
use super::model::{Model, Step};
use super::predictions::Said;
use super::rows::Row;
use super::scores::{Scores, Verdict};
use super::settings::Settings;
use crate::arguments::TaskKind;
use crate::config::{Config, Source};
use crate::failure::UsageError;
use crate::output::tell;

/// Everything that is saved beside the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) settings: Settings,
    pub(super) columns: Columns,
    pub(super) config: Config,
    pub(super) encoder: Encoder,
    pub(super) labels: Labels,
    pub(super) scores: Scores,
    pub(super) counts: Counts,
    /// Rows whose targets are still to come.
    waiting: VecDeque<Waiting>,
    /// The value of the column whose changes begin new sequences.
    sequence: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Rows that were read, broken ones too.
    pub(super) read: u64,
    pub(super) broken: u64,
    pub(super) learned: u64,
    /// Rows without a target.
    pub(super) unlabelled: u64,
    pub(super) sequences: u64,
    /// Rows where a number broke.
    pub(super) refused: u64,
    refused_in_a_row: u32,
}

/// A row until its target comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Waiting {
    inputs: Vec<f32>,
    answer: Option<Answer>,
    /// Of a forecast, what the targets were then.
    held: Vec<Option<f64>>,
}

pub(super) struct Session {
    pub(super) memory: Memory,
    columns: Arc<Columns>,
    pub(super) model: Model,
    /// Whether it may learn.
    learns: bool,
    /// Whether anybody reads what is said of rows.
    pub(super) says: bool,
}

impl Session {
    pub(super) fn new(settings: Settings, columns: Columns, config: Config, source: &Source, learns: bool) -> Result<Self> {
        // What they refuse is a setting.
        let refused = |error: anyhow::Error| UsageError::Other(error.to_string());
        let encoder = Encoder::new(&columns, &settings).map_err(refused)?;
        let labels = Labels::new(&settings).map_err(refused)?;
        let memory = Memory {
            scores: Scores::new(&settings).map_err(refused)?,
            encoder,
            labels,
            settings,
            columns,
            config,
            counts: Counts::default(),
            waiting: VecDeque::new(),
            sequence: None,
        };
        Self::of(memory, source, learns)
    }

    /// With a network that has learned nothing yet.
    pub(super) fn of(memory: Memory, source: &Source, learns: bool) -> Result<Self> {
        let feedback = if memory.settings.feedback { memory.labels.width() } else { 0 };
        let (inputs, outputs) = (memory.encoder.width() + feedback, memory.labels.width());
        let model = Model::new(&memory.config, source, &memory.settings, [inputs, outputs])?;
        Ok(Self { columns: Arc::new(memory.columns.clone()), memory, model, learns, says: true })
    }

    /// Takes a row; what there is to say of it, or what is wrong with it.
    pub(super) fn take(&mut self, row: &Row) -> Result<Result<Said, String>> {
        let columns = self.columns.clone();
        let values = match columns.values(row) {
            Ok(values) => values,
            Err(problem) => return Ok(Err(problem)),
        };
        if let Some(now) = values.reset_on
            && self.memory.sequence.as_deref() != Some(now)
        {
            if self.memory.sequence.is_some() {
                self.restart()?;
            }
            self.memory.counts.sequences += 1;
            self.memory.sequence = Some(now.to_owned());
        }
        let mut inputs = Vec::new();
        self.memory.encoder.write(&values, self.learns, &mut inputs)?;
        if self.memory.settings.feedback {
            self.memory.labels.write_last(&mut inputs)?;
        }
        let said = if self.memory.settings.lag() == 0 { self.now(&values, &inputs)? } else { self.later(&values, inputs)? };
        Ok(Ok(said))
    }

    /// A row whose target is its own.
    fn now(&mut self, values: &Values<'_>, inputs: &[f32]) -> Result<Said> {
        let outputs = self.model.predict(inputs)?;
        let answer = match &outputs {
            Step::Done(outputs) => self.memory.labels.answer(outputs)?,
            Step::Broke => None,
        };
        let interval = self.intervals();
        let truth = self.memory.labels.truth(&values.target, self.learns);
        let verdict = self.judged(answer.as_ref(), truth.as_ref(), &[])?;
        self.learn(truth.as_ref(), matches!(outputs, Step::Done(_)))?;
        Ok(self.said(values, answer, interval, None, verdict))
    }

    /// A row whose target belongs to an earlier one: what was predicted so many rows ago is judged and learned, with the state of that row, and a new
    /// prediction made. Of a forecast the network learns how far the targets move from where they are.
    fn later(&mut self, values: &Values<'_>, inputs: Vec<f32>) -> Result<Said> {
        let truth = self.memory.labels.truth(&values.target, self.learns);
        let (mut verdict, mut expected) = (Verdict::default(), None);
        let forecasts = self.memory.settings.task == TaskKind::Forecast;
        let due = (self.memory.waiting.len() >= self.memory.settings.lag()).then(|| self.memory.waiting.pop_front());
        if let Some(due) = due.flatten() {
            verdict = self.judged(due.answer.as_ref(), truth.as_ref(), &due.held)?;
            expected = due.answer;
            let outputs = self.model.predict(&due.inputs)?;
            let lesson = if forecasts { truth.as_ref().and_then(|truth| truth.since(&due.held)) } else { truth.clone() };
            self.learn(lesson.as_ref(), matches!(outputs, Step::Done(_)))?;
        }
        let held = match &truth {
            _ if !forecasts => Vec::new(),
            Some(Truth::Numbers(values)) => values.iter().copied().map(Some).collect(),
            _ => vec![None; self.memory.settings.target.len()],
        };
        let answer = match self.model.predict_ahead(&inputs)? {
            Step::Done(outputs) if forecasts => {
                self.memory.labels.answer(&outputs)?.and_then(|moves| moves.starting_at(&held))
            }
            Step::Done(outputs) => self.memory.labels.answer(&outputs)?,
            Step::Broke => None,
        };
        self.memory.waiting.push_back(Waiting { inputs, answer: answer.clone(), held });
        let interval = self.intervals();
        Ok(self.said(values, answer, interval, expected, verdict))
    }

    fn judged(&mut self, answer: Option<&Answer>, truth: Option<&Truth>, held: &[Option<f64>]) -> Result<Verdict> {
        truth.map_or(Ok(Verdict::default()), |truth| self.memory.scores.judge(answer, truth, held))
    }

    /// Learns from the row just predicted, if that went well.
    fn learn(&mut self, truth: Option<&Truth>, went_well: bool) -> Result<()> {
        let taught = truth.map(|truth| self.memory.labels.teach(truth, self.learns)).transpose()?.flatten();
        let step = if went_well { self.model.learn(taught.as_ref())? } else { Step::Broke };
        let counts = &mut self.memory.counts;
        match step {
            Step::Done(()) => {
                counts.refused_in_a_row = 0;
                counts.learned += u64::from(taught.is_some() && self.learns);
                counts.unlabelled += u64::from(taught.is_none());
            }
            Step::Broke => self.broke()?,
        }
        Ok(())
    }

    fn broke(&mut self) -> Result<()> {
        let counts = &mut self.memory.counts;
        counts.refused += 1;
        counts.refused_in_a_row += 1;
        let row = counts.read;
        if let Some(rate) = self.model.after_failures(counts.refused_in_a_row)? {
            tell(&format!(
                "row {row}: {} updates in a row were not finite; the learning rate is {rate} from here on",
                counts.refused_in_a_row
            ));
        }
        Ok(())
    }

    /// A new sequence begins: nothing of the former one is known any more, but what was learned.
    fn restart(&mut self) -> Result<()> {
        self.memory.waiting.clear();
        self.memory.labels.restart();
        if let Step::Broke = self.model.restart()? {
            self.broke()?;
        }
        Ok(())
    }

    fn intervals(&self) -> Vec<Option<f64>> {
        (0..self.memory.settings.target.len()).map(|target| self.memory.scores.interval(target)).collect()
    }

    fn said(
        &self,
        values: &Values<'_>,
        answer: Option<Answer>,
        interval: Vec<Option<f64>>,
        expected: Option<Answer>,
        verdict: Verdict,
    ) -> Said {
        if !self.says {
            return Said::nothing(verdict);
        }
        Said::new(self.memory.counts.read, values, &self.memory.labels, answer, &interval, expected, verdict)
    }
}
