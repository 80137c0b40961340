//! A learner as plain as can be: numbers that carry their derivatives by every parameter forward, step by step, and nothing else. It knows
//! no tape, no sweep and no trace, and shares nothing with the engine but where parameters lie.

use super::layers::{Kind, Units, detach, forward};
use super::number::Number;
use ostl_core::{Loss, Network, OptimizerSettings, Rule, SequenceBatch, Target};

/// A stream: its layers' units, and where a window rolls the steps before, from which each state can be found again.
#[derive(Clone, Debug)]
struct Stream {
    layers: Vec<Units>,
    restarts: bool,
    /// Units before each of the last steps, and its input; a step that starts anew has none.
    history: Vec<(Option<Vec<Units>>, Vec<f64>)>,
}

/// How far gradients reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reach {
    /// Over everything.
    All,
    /// To the window's start.
    Window,
    /// So many steps back from each.
    Rolling(usize),
}

/// A sum of losses, and how many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sum {
    pub(super) loss: f64,
    pub(super) targets: u64,
}

/// A loss was not finite, and everything starts anew.
#[derive(Debug)]
pub(super) struct Broken;

pub(super) struct Plain {
    pub(super) network: Network<f64>,
    pub(super) kinds: Vec<Kind>,
    pub(super) loss: Loss,
    pub(super) settings: OptimizerSettings,
    pub(super) reach: Reach,
    /// Steps of a window; `None` where it is the whole sequence.
    pub(super) window: Option<usize>,
    pub(super) update_every_window: bool,
    pub(super) frozen: bool,
    streams: Vec<Stream>,
    /// Readouts that were not learned from.
    awaits: Option<Vec<Vec<Number>>>,
    /// Steps of the open window, and its gradient.
    steps: usize,
    pending: Vec<f64>,
    gathered: Vec<f64>,
    targets: u64,
    updates: i32,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Plain {
    pub(super) fn new(
        network: Network<f64>,
        kinds: Vec<Kind>,
        loss: Loss,
        settings: OptimizerSettings,
        (reach, window, update_every_window): (Reach, Option<usize>, bool),
        streams: usize,
    ) -> Self {
        let zeros = vec![0.0; network.parameters().len()];
        let stream = Stream { layers: Vec::new(), restarts: true, history: Vec::new() };
        Self {
            network,
            kinds,
            loss,
            settings,
            reach,
            window,
            update_every_window,
            frozen: false,
            streams: vec![stream; streams],
            awaits: None,
            steps: 0,
            pending: zeros.clone(),
            gathered: zeros.clone(),
            targets: 0,
            updates: 0,
            first: zeros.clone(),
            second: zeros,
        }
    }

    pub(super) fn awaits_target(&self) -> bool {
        self.awaits.is_some()
    }

    /// No step is in any window that is still to be learned from.
    pub(super) fn is_between_windows(&self) -> bool {
        self.steps == 0 && self.streams.iter().all(|stream| stream.history.is_empty())
    }

    pub(super) fn reset(&mut self, stream: usize) {
        self.streams[stream].restarts = true;
    }

    pub(super) fn predict(&mut self, inputs: &[f64]) -> Vec<f64> {
        if !self.frozen && self.window.is_some_and(|window| self.steps >= window) {
            self.close();
        }
        let m = self.network.inputs();
        let tops: Vec<_> = (0..self.streams.len()).map(|b| self.step(b, &inputs[b * m..(b + 1) * m], false)).collect();
        self.steps += usize::from(!self.frozen);
        let values = tops.iter().flatten().map(|y| y.value).collect();
        self.awaits = Some(tops);
        values
    }

    pub(super) fn learn(&mut self, targets: &[Option<Target<'_, f64>>]) -> Result<Sum, Broken> {
        let tops = self.awaits.take().unwrap();
        let mut sum = Sum::default();
        for (top, target) in tops.iter().zip(targets) {
            if let Some(target) = target {
                self.add_loss(top, *target, &mut sum);
            }
        }
        if !sum.loss.is_finite() {
            self.start_over();
            return Err(Broken);
        }
        if self.frozen {
            return Ok(sum);
        }
        self.targets += sum.targets;
        if matches!(self.reach, Reach::Rolling(_)) || self.window.is_some_and(|window| self.steps >= window) {
            self.close();
        }
        Ok(sum)
    }

    pub(super) fn finish(&mut self) {
        if !self.frozen {
            if self.steps > 0 {
                self.close();
            }
            if !self.update_every_window {
                self.update();
            }
            self.forget_gradient();
        }
        self.restart_streams();
    }

    pub(super) fn set_frozen(&mut self, frozen: bool) {
        if frozen == self.frozen {
            return;
        }
        if frozen && self.steps > 0 {
            self.close();
        }
        self.awaits = None;
        for stream in &mut self.streams {
            stream.history.clear();
            detach(&mut stream.layers);
        }
        self.frozen = frozen;
    }

    pub(super) fn learn_batch(&mut self, batch: &SequenceBatch<f64>) -> Result<Sum, Broken> {
        self.restart();
        let sum = self.run(batch, self.update_every_window)?;
        if !self.update_every_window {
            self.update();
        }
        self.restart();
        Ok(sum)
    }

    pub(super) fn learn_next(&mut self, batch: &SequenceBatch<f64>) -> Result<Sum, Broken> {
        if batch.steps() == 0 {
            return Ok(Sum::default());
        }
        self.awaits = None;
        if self.steps > 0 {
            self.close();
        }
        let sum = self.run(batch, self.update_every_window)?;
        if !self.update_every_window {
            self.update();
        }
        for (stream, &length) in self.streams.iter_mut().zip(batch.lengths()) {
            stream.restarts |= length < batch.steps();
        }
        Ok(sum)
    }

    pub(super) fn gradient(&mut self, batch: &SequenceBatch<f64>) -> Result<(Sum, Vec<f64>), Broken> {
        self.restart();
        let frozen = std::mem::replace(&mut self.frozen, false);
        let sum = self.run(batch, false);
        self.frozen = frozen;
        let sum = sum?;
        self.tie();
        let gradient = self.gathered.clone();
        self.restart();
        Ok((sum, gradient))
    }

    /// The loss of whole sequences; nothing that is learned from is touched.
    pub(super) fn evaluate(&self, batch: &SequenceBatch<f64>) -> Result<Sum, Broken> {
        let mut copy = Self::new(
            self.network.clone(),
            self.kinds.clone(),
            self.loss,
            self.settings,
            (Reach::Window, Some(1), false),
            batch.streams(),
        );
        copy.frozen = true;
        copy.run(batch, false)
    }

    /// Every stream starts anew, and what was gathered is dropped.
    pub(super) fn restart(&mut self) {
        self.forget_gradient();
        self.restart_streams();
    }

    fn start_over(&mut self) {
        self.restart();
    }

    fn restart_streams(&mut self) {
        for stream in &mut self.streams {
            stream.restarts = true;
            stream.history.clear();
        }
        self.pending.fill(0.0);
        self.steps = 0;
        self.awaits = None;
    }

    fn forget_gradient(&mut self) {
        self.pending.fill(0.0);
        self.gathered.fill(0.0);
        self.targets = 0;
    }

    fn run(&mut self, batch: &SequenceBatch<f64>, update: bool) -> Result<Sum, Broken> {
        let window = match self.reach {
            Reach::Rolling(_) => 1,
            _ => self.window.unwrap_or(batch.steps().max(1)),
        };
        let mut all = Sum::default();
        for start in (0..batch.steps()).step_by(window) {
            let mut sum = Sum::default();
            for step in start..batch.steps().min(start + window) {
                for b in 0..batch.streams() {
                    if step < batch.lengths()[b] {
                        let top = self.step(b, &batch.input_values(b, step), batch.is_reset(b, step));
                        if let Some(target) = batch.target(b, step) {
                            self.add_loss(&top, target, &mut sum);
                        }
                    } else {
                        // Padding takes the place of the steps before.
                        self.streams[b].history.clear();
                    }
                }
            }
            if !sum.loss.is_finite() {
                self.start_over();
                return Err(Broken);
            }
            self.targets += sum.targets;
            all = Sum { loss: all.loss + sum.loss, targets: all.targets + sum.targets };
            self.close_with(update);
        }
        Ok(all)
    }

    fn close(&mut self) {
        self.close_with(self.update_every_window);
    }

    fn close_with(&mut self, update: bool) {
        self.gathered.iter_mut().zip(&mut self.pending).for_each(|(sum, g)| *sum += std::mem::take(g));
        self.steps = 0;
        if self.reach == Reach::Window {
            self.streams.iter_mut().for_each(|stream| detach(&mut stream.layers));
        }
        if update {
            self.update();
        }
    }

    fn tie(&mut self) {
        if !self.network.description().contains("tied") {
            return;
        }
        let last = self.network.depth() - 1;
        let block = |layer| self.network.blocks().iter().find(|b| b.layer == layer && b.name == "W").unwrap().clone();
        let (embedding, readout) = (block(0), block(last));
        for word in 0..embedding.columns {
            for unit in 0..embedding.rows {
                let a = embedding.offset + word * embedding.rows + unit;
                let b = readout.offset + unit * readout.rows + word;
                let sum = self.gathered[a] + self.gathered[b];
                (self.gathered[a], self.gathered[b]) = (sum, sum);
            }
        }
    }

    fn update(&mut self) {
        if self.targets == 0 {
            return;
        }
        self.tie();
        let scale = 1.0 / self.targets as f64;
        let gradient: Vec<f64> = self.gathered.iter().map(|g| g * scale).collect();
        self.forget_gradient();
        let rate = self.settings.learning_rate;
        self.updates += 1;
        for (i, (p, &g)) in self.network.parameters_mut().iter_mut().zip(&gradient).enumerate() {
            match self.settings.rule {
                Rule::Adam { beta1, beta2, epsilon } => {
                    self.first[i] = beta1 * self.first[i] + (1.0 - beta1) * g;
                    self.second[i] = beta2 * self.second[i] + (1.0 - beta2) * g * g;
                    let m = self.first[i] / (1.0 - beta1.powi(self.updates));
                    let v = self.second[i] / (1.0 - beta2.powi(self.updates));
                    *p -= rate * m / (v.sqrt() + epsilon);
                }
                Rule::Momentum { momentum } => {
                    self.first[i] = momentum * self.first[i] + g;
                    *p -= rate * self.first[i];
                }
                _ => *p -= rate * g,
            }
        }
    }

    fn add_loss(&mut self, top: &[Number], target: Target<'_, f64>, sum: &mut Sum) {
        let values: Vec<f64> = top.iter().map(|y| y.value).collect();
        let signal: Vec<f64> = match (self.loss, target) {
            (Loss::SoftmaxCrossEntropy, Target::Class(class)) => {
                let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = values.iter().map(|y| (y - highest).exp()).sum();
                sum.loss += highest + total.ln() - values[class];
                let p = values.iter().map(|y| (y - highest).exp() / total).enumerate();
                p.map(|(i, p)| p - f64::from(u8::from(i == class))).collect()
            }
            (Loss::MeanSquaredError, Target::Values(targets)) => {
                let mean = 1.0 / values.len() as f64;
                let differences: Vec<f64> = values.iter().zip(targets).map(|(y, t)| y - t).collect();
                sum.loss += mean * differences.iter().map(|d| d * d).sum::<f64>();
                differences.iter().map(|d| 2.0 * mean * d).collect()
            }
            other => panic!("{other:?}"),
        };
        sum.targets += 1;
        if self.frozen {
            return;
        }
        for (y, signal) in top.iter().zip(signal) {
            self.pending.iter_mut().zip(&y.slope).for_each(|(g, d)| *g += signal * d);
        }
    }

    /// One step of a stream; what its readout says.
    fn step(&mut self, stream: usize, x: &[f64], reset: bool) -> Vec<Number> {
        let starts = self.streams[stream].restarts || reset || self.streams[stream].layers.is_empty();
        self.streams[stream].restarts = false;
        let before = (!starts).then(|| std::mem::take(&mut self.streams[stream].layers));
        let Reach::Rolling(reach) = self.reach else {
            let mut units = forward(&self.network, &self.kinds, before, x);
            if self.frozen {
                detach(&mut units);
            }
            self.streams[stream].layers = units;
            return self.top_of(stream);
        };
        if self.frozen {
            let mut units = forward(&self.network, &self.kinds, before, x);
            detach(&mut units);
            self.streams[stream].layers = units;
            return self.top_of(stream);
        }
        let mut history = std::mem::take(&mut self.streams[stream].history);
        let constants = before.map(|mut units| {
            detach(&mut units);
            units
        });
        history.push((constants, x.to_vec()));
        if history.len() > reach {
            history.remove(0);
        }
        // Once more from the state that the oldest of them started from, which is a constant.
        let mut units: Option<Vec<Units>> = None;
        for (index, (from, x)) in history.iter().enumerate() {
            let before = if index == 0 || from.is_none() { from.clone() } else { units.take() };
            units = Some(forward(&self.network, &self.kinds, before, x));
        }
        self.streams[stream].layers = units.unwrap();
        self.streams[stream].history = history;
        self.top_of(stream)
    }

    fn top_of(&self, stream: usize) -> Vec<Number> {
        self.streams[stream].layers.last().unwrap().y.clone()
    }
}
