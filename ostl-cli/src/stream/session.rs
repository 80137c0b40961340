//! One row after another: predicted, then judged, then learned from.

use anyhow::Result;
use ostl_stream::Slot;
use serde::{Deserialize, Serialize};

use super::clock;
use super::columns::{Columns, Values};
use super::encoder::Encoder;
use super::guard::Guard;
use super::labels::{Answer, Labels, Truth};
use super::late::Ids;
use super::model::{Model, Step};
use super::past::{Past, Turns};
use super::predictions::Said;
use super::pulse::Pulse;
use super::rows::Row;
use super::scores::{Scores, Verdict};
use super::settings::Settings;
use crate::config::{Config, Source};
use crate::failure::UsageError;
use crate::output::tell;

/// A network that breaks in so many rows in a row is dead.
const BREAKS: u32 = 100;
/// So many exploded traces are told.
const EXPLOSIONS: u64 = 4;

/// Everything that is saved beside the network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) settings: Settings,
    pub(super) columns: Columns,
    pub(super) config: Config,
    pub(super) encoder: Encoder,
    pub(super) labels: Labels,
    pub(super) scores: Scores,
    pub(super) counts: Counts,
    pub(super) turns: Turns,
    guard: Guard,
    pulse: Pulse,
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
    /// Times that a stream's traces had exploded.
    pub(super) exploded: u64,
    /// Times that the network was begun anew.
    pub(super) restarts: u64,
    /// Labels that came by themselves, and those that nothing waited for.
    pub(super) labels: u64,
    pub(super) unknown: u64,
    /// Rows that were given up before their label came.
    pub(super) given_up: u64,
}

impl Counts {
    /// What was counted since then.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            read: self.read - before.read,
            broken: self.broken - before.broken,
            learned: self.learned - before.learned,
            unlabelled: self.unlabelled - before.unlabelled,
            sequences: self.sequences - before.sequences,
            refused: self.refused - before.refused,
            refused_in_a_row: self.refused_in_a_row,
            exploded: self.exploded - before.exploded,
            restarts: self.restarts - before.restarts,
            labels: self.labels - before.labels,
            unknown: self.unknown - before.unknown,
            given_up: self.given_up - before.given_up,
        }
    }
}

pub(super) struct Session {
    pub(super) memory: Memory,
    pub(super) model: Model,
    /// Which rows wait for which label.
    pub(super) ids: Ids,
    /// Whether it may learn.
    pub(super) learns: bool,
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
            turns: Turns::new(&settings).map_err(refused)?,
            encoder,
            labels,
            settings,
            columns,
            config,
            counts: Counts::default(),
            guard: Guard::default(),
            pulse: Pulse::default(),
        };
        let starting = memory.config.starting()?;
        let mut session = Self::of(memory, source, learns)?;
        if let Some(starting) = starting {
            session.model.start_from(&starting)?;
        }
        Ok(session)
    }

    /// With a network that has learned nothing yet.
    pub(super) fn of(memory: Memory, source: &Source, learns: bool) -> Result<Self> {
        memory.turns.check()?;
        let feedback = if memory.settings.feedback { memory.labels.width() } else { 0 };
        let (inputs, outputs) = (memory.encoder.width() + feedback, memory.labels.width());
        let model = Model::new(&memory.config, source, &memory.settings, [inputs, outputs])?;
        Ok(Self { ids: Ids::of(&memory.turns), memory, model, learns, says: true })
    }

    /// Takes a row; what there is to say of it, or what is wrong with it.
    pub(super) fn take(&mut self, row: &Row) -> Result<Result<Said, String>> {
        let label = match self.label_of(row) {
            Ok(label) => label,
            Err(problem) => return Ok(Err(problem)),
        };
        if let Some(label) = label {
            return self.labelled(label).map(Ok);
        }
        let mut values = match self.memory.columns.values(row) {
            Ok(values) => values,
            Err(problem) => return Ok(Err(problem)),
        };
        if self.memory.settings.id.is_some() && values.target.is_given() && values.are_missing() {
            // A label, for there is nothing to predict from, whose row is not there.
            self.memory.counts.unknown += 1;
            return Ok(Ok(self.said(&values, None, Vec::new(), None, Verdict::default())));
        }
        if let Some(problem) = self.memory.columns.of_no_stream(&values) {
            return Ok(Err(problem));
        }
        if let Some(stream) = values.stream {
            self.find(stream)?;
        }
        let begins = self.begins(values.reset_on);
        if begins {
            self.restart()?;
        }
        let Memory { settings, turns, encoder, .. } = &mut self.memory;
        let past = turns.now();
        if settings.dt {
            let now = values.time.and_then(clock::time);
            values.numbers.push(past.time.zip(now).map(|(before, now)| clock::scaled(now - before)));
            past.time = now.or(past.time);
        }
        let mut inputs = Vec::new();
        encoder.write(&values, &mut past.inputs, self.learns, &mut inputs)?;
        let said = if settings.id.is_some() {
            self.asked(&values, inputs, begins)?
        } else if settings.lag() > 0 {
            self.later(&values, inputs)?
        } else {
            self.now(&values, inputs)?
        };
        self.look_after()?;
        Ok(Ok(said))
    }

    /// A row whose target is its own.
    fn now(&mut self, values: &Values<'_>, mut inputs: Vec<f32>) -> Result<Said> {
        self.feed_back(&mut inputs)?;
        let outputs = self.model.predict(&inputs)?;
        let answer = match &outputs {
            Step::Done(outputs) => self.memory.labels.answer(outputs)?,
            Step::Broke => None,
        };
        let interval = self.intervals();
        let truth = self.memory.labels.truth(&values.target, self.learns);
        let verdict = self.judged(answer.as_ref(), truth.as_ref(), &[])?;
        self.learn(truth.as_ref(), truth.as_ref(), matches!(outputs, Step::Done(_)))?;
        Ok(self.said(values, answer, interval, None, verdict))
    }

    /// The stream of a name has its turn.
    fn find(&mut self, stream: &str) -> Result<()> {
        let Some(slots) = &mut self.memory.turns.slots else { return Ok(()) };
        let slot = slots.slot(stream);
        let place = slot.number();
        if let Slot::Lost { key, .. } = slot {
            if slots.given_up() == 1 {
                let (row, most) = (self.memory.counts.read, slots.capacity());
                tell(&format!(
                    "row {row}: more than {most} streams: `{key}`, whose last row is longest ago, is given up, and further ones so; --max-streams N keeps more"
                ));
            }
            let past = std::mem::take(self.memory.turns.of(place));
            self.ids.forget(&past);
            if place == self.memory.turns.place() {
                self.memory.scores.exchange_past(&mut Vec::new());
            }
            if let Step::Broke = self.model.give_up(place)? {
                self.broke()?;
            }
        }
        self.turn_to(place)
    }

    /// The stream of a place has its turn.
    pub(super) fn turn_to(&mut self, place: usize) -> Result<()> {
        let Memory { turns, scores, .. } = &mut self.memory;
        if place == turns.place() {
            return Ok(());
        }
        scores.exchange_past(&mut turns.now().guesses);
        turns.turn_to(place);
        scores.exchange_past(&mut turns.now().guesses);
        if let Step::Broke = self.model.turn_to(place)? {
            self.broke()?;
        }
        Ok(())
    }

    /// Whether a new sequence begins, which is not the first.
    fn begins(&mut self, value: Option<&str>) -> bool {
        let Some(value) = value else { return false };
        let past = self.memory.turns.now();
        if past.sequence.as_deref() == Some(value) {
            return false;
        }
        self.memory.counts.sequences += 1;
        past.sequence.replace(value.to_owned()).is_some()
    }

    /// A new sequence begins: nothing of the former one is known any more, but what was learned.
    fn restart(&mut self) -> Result<()> {
        let past = self.memory.turns.now();
        (past.target, past.time) = (None, None);
        self.model.restart_ahead();
        if self.memory.settings.id.is_some() {
            // Labels of the former one are still to come.
            return Ok(());
        }
        past.waiting.clear();
        self.restart_learner()
    }

    /// The same for the network that learns.
    pub(super) fn restart_learner(&mut self) -> Result<()> {
        if let Step::Broke = self.model.restart()? {
            self.broke()?;
        }
        Ok(())
    }

    /// The last target as inputs, if it is one.
    pub(super) fn feed_back(&mut self, inputs: &mut Vec<f32>) -> Result<()> {
        let Memory { settings, labels, turns, .. } = &mut self.memory;
        if settings.feedback { labels.write_last(turns.now().target.as_ref(), inputs) } else { Ok(()) }
    }

    pub(super) fn judged(
        &mut self,
        answer: Option<&Answer>,
        truth: Option<&Truth>,
        held: &[Option<f64>],
    ) -> Result<Verdict> {
        truth.map_or(Ok(Verdict::default()), |truth| self.memory.scores.judge(answer, truth, held))
    }

    /// Learns a lesson from the row just predicted, if that went well. `target` is what is known from now on.
    pub(super) fn learn(&mut self, target: Option<&Truth>, lesson: Option<&Truth>, went_well: bool) -> Result<()> {
        if let Some(target) = target {
            self.memory.turns.now().target = Some(target.clone());
        }
        let taught = lesson.map(|lesson| self.memory.labels.teach(lesson, self.learns)).transpose()?.flatten();
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
        match self.model.new_norm().and_then(|norm| self.memory.guard.exploded(norm)) {
            Some(ratio) => self.forget_traces(ratio),
            None => Ok(()),
        }
    }

    pub(super) fn broke(&mut self) -> Result<()> {
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

    /// The gradient is so many usual ones: the traces of the stream are forgotten.
    fn forget_traces(&mut self, ratio: f64) -> Result<()> {
        let counts = &mut self.memory.counts;
        counts.exploded += 1;
        if counts.exploded <= EXPLOSIONS {
            let last = if counts.exploded == EXPLOSIONS { "; more of these are only counted" } else { "" };
            let row = counts.read;
            tell(&format!(
                "row {row}: the gradient is {ratio:.0e} times the usual: the traces of its stream are forgotten{last}"
            ));
        }
        match self.model.forget_traces()? {
            Step::Done(()) => Ok(()),
            Step::Broke => self.broke(),
        }
    }

    /// Begins anew if that was asked for and nothing comes of it all.
    fn look_after(&mut self) -> Result<()> {
        let Memory { settings, scores, pulse, counts, config, .. } = &mut self.memory;
        let Some(times) = settings.restart_dead.filter(|_| self.learns) else { return Ok(()) };
        // Where every number breaks there is nothing to be judged.
        let breaks = counts.refused_in_a_row >= BREAKS;
        if !pulse.is_dead(scores.figures().first(), times) && !breaks {
            return Ok(());
        }
        counts.restarts += 1;
        counts.refused_in_a_row = 0;
        let (row, seed) = (counts.read, config.seed.wrapping_add(counts.restarts));
        let worse = || format!("worse than guesses {times} times in a row");
        let why = if breaks { "no number was finite for long".to_owned() } else { worse() };
        tell(&format!("row {row}: {why}: the network begins anew, with the seed {seed}"));
        self.model.renew(config, settings, seed)?;
        self.memory.guard = Guard::default();
        Ok(())
    }

    /// For each target how far it may lie from the answer, where somebody reads it.
    pub(super) fn intervals(&self) -> Vec<Option<f64>> {
        let targets = if self.says { self.memory.settings.target.len() } else { 0 };
        (0..targets).map(|target| self.memory.scores.interval(target)).collect()
    }

    pub(super) fn said(
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

    /// The stream that has its turn.
    pub(super) fn past(&mut self) -> &mut Past {
        self.memory.turns.now()
    }
}
