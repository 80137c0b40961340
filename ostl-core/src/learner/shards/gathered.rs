//! What a shard has gathered for an update, as it travels and is summed.

use super::super::Learner;
use crate::data::score::Score;
use crate::learner::error::{Aftermath, LearnError};
use crate::linalg::real::Real;
use crate::network::Network;
use crate::ranks::{Message, RanksError, Reader, Term};

/// What a shard has gathered: a score, the targets it is to be divided by, the gradient, and what broke.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered<T> {
    pub(super) score: Score,
    targets: u64,
    pub(super) broken: Option<Broken>,
    /// Nothing where all of it is zero.
    gradient: Option<Values<T>>,
}

/// ∂E/∂Θ: the vectors of an embedding that were touched, and all other parameters.
#[derive(Clone, Debug)]
struct Values<T> {
    /// Numbers of the vectors, ascending; none without an embedding that learns vector by vector.
    rows: Vec<u32>,
    vectors: Vec<T>,
    rest: Vec<T>,
}

/// A number that broke on the way, in the first shard in which one did.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Broken {
    what: &'static str,
    layer: usize,
    name: String,
    /// While evaluating, so that what is learned with is untouched.
    evaluating: bool,
}

/// What can break.
const WHATS: [&str; 6] = ["the output", "the state", "the loss", "the gradient", "the update", "a parameter"];

impl Broken {
    /// What broke. All else was looked at before.
    pub(super) fn of(error: LearnError) -> Self {
        match error {
            LearnError::NonFinite { what, layer, name, aftermath, .. } => {
                Self { what, layer, name, evaluating: aftermath == Aftermath::EvaluationStartsAnew }
            }
            other => Self { what: "the state", layer: 0, name: other.to_string(), evaluating: false },
        }
    }

    pub(super) fn write(broken: Option<&Self>, message: &mut Message) {
        let Some(Self { what, layer, name, evaluating }) = broken else {
            message.number(0);
            return;
        };
        let what = WHATS.iter().position(|known| known == what).unwrap_or(0);
        message.number(1 + what as u64).number(*layer as u64).text(name).number(u64::from(*evaluating));
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, RanksError> {
        let what = match reader.number()? {
            0 => return Ok(None),
            what => WHATS.get(usize::try_from(what - 1).unwrap_or(usize::MAX)).copied().ok_or_else(|| reader.refuse())?,
        };
        let layer = usize::try_from(reader.number()?).map_err(|_| reader.refuse())?;
        Ok(Some(Self { what, layer, name: reader.text()?, evaluating: reader.number()? == 1 }))
    }

    /// The error that every rank returns.
    pub(super) fn in_learner<T: Real>(self, learner: &Learner<T>) -> LearnError {
        let aftermath = if self.evaluating { Aftermath::EvaluationStartsAnew } else { Aftermath::StreamsStartAnew };
        learner.not_finite(self.what, (self.layer, self.name), aftermath)
    }
}

/// Where an embedding's vectors lie, and how long they are, if its gradient is gathered vector by vector.
fn vectors<T: Real>(network: &Network<T>) -> Option<(std::ops::Range<usize>, usize)> {
    let embedding = network.layers[0].embedding().filter(|_| network.tied.is_none())?;
    embedding.rates.learns("W").then(|| (embedding.w_range(), embedding.units))
}

impl<T: Real> Learner<T> {
    /// Takes what was gathered; nothing is left.
    pub(super) fn take_gathered(&mut self, score: Score, broken: Option<Broken>) -> Gathered<T> {
        let (network, state) = (&self.engine.network, &mut self.engine.streaming);
        let gradient = &mut state.gradient;
        let is_zero = broken.is_some() || gradient.iter().all(|g| *g == T::zero());
        let values = (!is_zero).then(|| match vectors(network) {
            Some((range, length)) => {
                let rows = state.touched.rows_of(&gradient[range.clone()], length).to_vec();
                let vector = |&row: &u32| &gradient[range.start + row as usize * length..][..length];
                Values {
                    vectors: rows.iter().flat_map(vector).copied().collect(),
                    rest: gradient[range.end..].to_vec(),
                    rows,
                }
            }
            None => Values { rows: Vec::new(), vectors: Vec::new(), rest: gradient.clone() },
        });
        let targets = std::mem::take(&mut self.targets);
        self.engine.clear_gradient();
        Gathered { score, targets, broken, gradient: values }
    }

    /// Adds a sum to what waits for a target, as a rule nothing.
    pub(super) fn put_gathered(&mut self, sum: Gathered<T>, from: usize) -> Result<(), LearnError> {
        self.targets += sum.targets;
        let Some(Values { rows, vectors: values, rest }) = sum.gradient else { return Ok(()) };
        let (network, state) = (&self.engine.network, &mut self.engine.streaming);
        let gradient = &mut state.gradient;
        let (range, length) = vectors(network).unwrap_or((0..0, 1));
        let fits = rest.len() == gradient.len() - range.end
            && values.len() == rows.len() * length
            && rows.iter().all(|&row| (row as usize) < range.len() / length);
        if !fits {
            return Err(RanksError::new(from, "its gradient is that of another network").into());
        }
        add(&mut gradient[range.end..], &rest);
        for (&row, vector) in rows.iter().zip(values.chunks_exact(length)) {
            add(&mut gradient[range.start + row as usize * length..][..length], vector);
        }
        state.touched.add_rows(&rows);
        Ok(())
    }
}

fn add<T: Real>(to: &mut [T], from: &[T]) {
    to.iter_mut().zip(from).for_each(|(sum, &value)| *sum += value);
}

impl<T: Real> Values<T> {
    fn plus(mut self, other: Self) -> Self {
        add(&mut self.rest, &other.rest);
        if self.rows == other.rows {
            add(&mut self.vectors, &other.vectors);
            return self;
        }
        let length = (self.vectors.len() / self.rows.len().max(1)).max(other.vectors.len() / other.rows.len().max(1)).max(1);
        let (mut rows, mut vectors) = (Vec::new(), Vec::new());
        let mut left = self.rows.iter().zip(self.vectors.chunks_exact(length)).peekable();
        let mut right = other.rows.iter().zip(other.vectors.chunks_exact(length)).peekable();
        loop {
            let (first, second) = (left.peek().map(|(row, _)| **row), right.peek().map(|(row, _)| **row));
            let Some(row) = first.into_iter().chain(second).min() else { break };
            let start = vectors.len();
            rows.push(row);
            let own = if first == Some(row) { left.next() } else { None };
            let others = if second == Some(row) { right.next() } else { None };
            match (own, others) {
                (Some((_, own)), Some((_, others))) => {
                    vectors.extend_from_slice(own);
                    add(&mut vectors[start..], others);
                }
                (Some((_, vector)), None) | (None, Some((_, vector))) => vectors.extend_from_slice(vector),
                (None, None) => {}
            }
        }
        Self { rows, vectors, rest: self.rest }
    }
}

impl<T: Real> Term for Gathered<T> {
    fn plus(mut self, other: Self) -> Self {
        self.score += other.score;
        self.targets += other.targets;
        self.broken = self.broken.or(other.broken);
        self.gradient = match (self.gradient, other.gradient) {
            (Some(own), Some(others)) => Some(own.plus(others)),
            (own, others) => own.or(others),
        };
        self
    }

    fn write(&self, message: Vec<u8>) -> Vec<u8> {
        let mut message = Message::begin(message);
        let Score { loss, activity, weight, targets, correct, steps } = self.score;
        message.real(loss).real(activity).real(weight).number(targets).number(correct).number(steps).number(self.targets);
        Broken::write(self.broken.as_ref(), &mut message);
        match &self.gradient {
            None => message.number(0),
            Some(Values { rows, vectors, rest }) => message.number(1).indices(rows).values(vectors).values(rest),
        };
        message.0
    }

    fn read(message: &[u8], from: usize) -> Result<Self, RanksError> {
        let mut reader = Reader::new(message, from);
        let (loss, activity, weight) = (reader.real()?, reader.real()?, reader.real()?);
        let (targets, correct, steps) = (reader.number()?, reader.number()?, reader.number()?);
        let score = Score { loss, activity, weight, targets, correct, steps };
        let targets = reader.number()?;
        let broken = Broken::read(&mut reader)?;
        let gradient = match reader.number()? {
            0 => None,
            _ => {
                let rows = reader.indices()?;
                Some(Values { rows, vectors: reader.values()?, rest: reader.values()? })
            }
        };
        reader.end()?;
        Ok(Self { score, targets, broken, gradient })
    }
}
