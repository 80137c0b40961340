//! Rows whose targets come later: a fixed number of rows, or by themselves with the id of their row. The network that learns walks the rows in
//! order, each with the state and the traces of its own step, and its twin answers for the newest.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;

use super::columns::Values;
use super::labels::Truth;
use super::model::Step;
use super::past::{Label, Past, Turns, Waiting};
use super::predictions::Said;
use super::rows::Row;
use super::scores::Verdict;
use super::session::Session;
use crate::arguments::TaskKind;

/// Which rows wait, and for which label.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// The place of the stream and the number of the row that each id is of.
    places: HashMap<String, (usize, u64)>,
    /// The places of the streams of all rows that wait, in their order.
    rows: BTreeMap<u64, usize>,
}

/// A label that came by itself.
pub(super) struct Found<'r> {
    values: Values<'r>,
    place: usize,
    row: u64,
}

impl Ids {
    /// Those of rows that wait already.
    pub(super) fn of(turns: &Turns) -> Self {
        let mut ids = Self::default();
        for (place, past) in turns.all() {
            past.waiting.iter().for_each(|waiting| ids.put(place, waiting));
        }
        ids
    }

    fn put(&mut self, place: usize, waiting: &Waiting) {
        self.rows.insert(waiting.row, place);
        if let (Some(id), Label::Awaited) = (&waiting.id, &waiting.label) {
            self.places.insert(id.clone(), (place, waiting.row));
        }
    }

    /// Whatever waits in a stream waits no longer.
    pub(super) fn forget(&mut self, past: &Past) {
        past.waiting.iter().for_each(|waiting| self.leave(waiting));
    }

    fn leave(&mut self, waiting: &Waiting) {
        self.rows.remove(&waiting.row);
        let is_own = |id: &&String| self.places.get(*id).is_some_and(|&(_, row)| row == waiting.row);
        if let Some(id) = waiting.id.as_ref().filter(is_own) {
            self.places.remove(id);
        }
    }
}

impl Session {
    /// A row whose target belongs to the one so many rows before: that is judged and learned, with the state of its time, and a new prediction made. Of a
    /// forecast the network learns how far the targets move from where they are.
    pub(super) fn later(&mut self, values: &Values<'_>, mut inputs: Vec<f32>) -> Result<Said> {
        let truth = self.memory.labels.truth(&values.target, self.learns);
        let (mut verdict, mut expected) = (Verdict::default(), None);
        let forecasts = self.memory.settings.task == TaskKind::Forecast;
        let lag = self.memory.settings.lag();
        let due = (self.past().waiting.len() >= lag).then(|| self.past().waiting.pop_front());
        if let Some(due) = due.flatten() {
            verdict = self.judged(due.answer.as_ref(), truth.as_ref(), &due.held)?;
            expected = due.answer;
            let outputs = self.model.predict(&due.inputs)?;
            let lesson = if forecasts { truth.as_ref().and_then(|truth| truth.since(&due.held)) } else { truth.clone() };
            self.learn(truth.as_ref(), lesson.as_ref(), matches!(outputs, Step::Done(_)))?;
        }
        self.feed_back(&mut inputs)?;
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
        let row = self.memory.counts.read;
        let (answered, label) = (answer.clone(), Label::Awaited);
        self.past().waiting.push_back(Waiting { row, inputs, answer: answered, held, begins: false, id: None, label });
        let interval = self.intervals();
        Ok(self.said(values, answer, interval, expected, verdict))
    }

    /// A row whose label comes by itself, or with it. It is predicted now, and learned from when all before it were.
    pub(super) fn asked(&mut self, values: &Values<'_>, mut inputs: Vec<f32>, begins: bool) -> Result<Said> {
        self.feed_back(&mut inputs)?;
        let answer = match self.model.predict_ahead(&inputs)? {
            Step::Done(outputs) => self.memory.labels.answer(&outputs)?,
            Step::Broke => None,
        };
        let interval = self.intervals();
        let truth = self.memory.labels.truth(&values.target, self.learns);
        let verdict = self.judged(answer.as_ref(), truth.as_ref(), &[])?;
        let label = match truth {
            Some(truth) => Label::Known(truth),
            None if values.target.is_given() || values.id.is_none() => Label::None,
            None => Label::Awaited,
        };
        if let Some(&(place, row)) = values.id.and_then(|id| self.ids.places.get(id)) {
            // Whoever asks twice gets an answer to the second question.
            self.give_up(place, row)?;
        }
        let (row, place, id) = (self.memory.counts.read, self.memory.turns.place(), values.id.map(str::to_owned));
        let waiting = Waiting { row, inputs, answer: answer.clone(), held: Vec::new(), begins, id, label };
        self.ids.put(place, &waiting);
        self.past().waiting.push_back(waiting);
        self.walk()?;
        while self.ids.rows.len() > self.memory.settings.max_waiting {
            let Some((&row, &place)) = self.ids.rows.first_key_value() else { break };
            self.give_up(place, row)?;
        }
        self.turn_to(place)?;
        Ok(self.said(values, answer, interval, None, verdict))
    }

    /// The label that a row is, if it is one of a row that waits.
    pub(super) fn label_of<'r>(&self, row: &'r Row) -> Result<Option<Found<'r>>, String> {
        let Some(id) = self.memory.columns.id(row)? else { return Ok(None) };
        let Some(&(place, number)) = self.ids.places.get(id) else { return Ok(None) };
        let target = self.memory.columns.target(row)?;
        if !target.is_given() {
            return Ok(None);
        }
        let values = self.memory.columns.of_label(row, target, id);
        Ok(Some(Found { values, place, row: number }))
    }

    /// A label: the answer of its row is judged, and what can be learned now is learned.
    pub(super) fn labelled(&mut self, Found { values, place, row }: Found<'_>) -> Result<Said> {
        self.memory.counts.labels += 1;
        let turns = &mut self.memory.turns;
        if let Some(slots) = &mut turns.slots
            && let Some(key) = slots.key(place).map(str::to_owned)
        {
            slots.slot(&key);
        }
        self.turn_to(place)?;
        let truth = self.memory.labels.truth(&values.target, self.learns);
        let Some(waiting) = self.waiting(row) else {
            return Ok(self.said(&values, None, Vec::new(), None, Verdict::default()));
        };
        let answer = waiting.answer.clone();
        waiting.label = truth.clone().map_or(Label::None, Label::Known);
        if let Some(id) = values.id {
            self.ids.places.remove(id);
        }
        let verdict = self.judged(answer.as_ref(), truth.as_ref(), &[])?;
        self.walk()?;
        Ok(self.said(&values, None, Vec::new(), answer, verdict))
    }

    /// A row gets no label any more.
    fn give_up(&mut self, place: usize, row: u64) -> Result<()> {
        self.turn_to(place)?;
        if let Some(waiting) = self.waiting(row) {
            waiting.label = Label::None;
            let id = waiting.id.take();
            if let Some(id) = id.filter(|id| self.ids.places.get(id) == Some(&(place, row))) {
                self.ids.places.remove(&id);
            }
            self.memory.counts.given_up += 1;
        }
        self.walk()
    }

    /// A row of the stream that has its turn.
    fn waiting(&mut self, row: u64) -> Option<&mut Waiting> {
        let waiting = &mut self.past().waiting;
        let place = waiting.binary_search_by_key(&row, |waiting| waiting.row).ok()?;
        waiting.get_mut(place)
    }

    /// Takes the network that learns as far as labels are known.
    fn walk(&mut self) -> Result<()> {
        loop {
            let past = self.past();
            if past.waiting.front().is_none_or(|first| first.label == Label::Awaited) {
                return Ok(());
            }
            let Some(due) = past.waiting.pop_front() else { return Ok(()) };
            self.ids.leave(&due);
            // What was the target in a former sequence is not the last one of this.
            let is_over = self.memory.settings.reset_on.is_some() && self.past().waiting.iter().any(|later| later.begins);
            if due.begins {
                self.restart_learner()?;
            }
            let outputs = self.model.predict(&due.inputs)?;
            let truth = if let Label::Known(truth) = due.label { Some(truth) } else { None };
            let last = truth.as_ref().filter(|_| !is_over);
            self.learn(last, truth.as_ref(), matches!(outputs, Step::Done(_)))?;
        }
    }
}
