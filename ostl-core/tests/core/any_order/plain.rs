//! A learner as plain as can be: numbers that carry their derivatives by every parameter forward, step by step, and nothing else. It knows
//! no tape, no sweep and no trace, and shares nothing with the engine but where parameters lie.

use ostl_core::{Loss, Network, OptimizerSettings, Rule, SequenceBatch, Target};

/// A value and its derivatives by all parameters; none where it is a constant.
#[derive(Clone, Debug, Default)]
pub(super) struct Number {
    pub(super) value: f64,
    slope: Vec<f64>,
}

impl Number {
    fn constant(value: f64) -> Self {
        Self { value, slope: Vec::new() }
    }

    /// Adds another, `factor` times.
    fn add(&mut self, factor: f64, other: &Self) {
        self.value += factor * other.value;
        if !other.slope.is_empty() {
            self.slope.resize(other.slope.len(), 0.0);
            self.slope.iter_mut().zip(&other.slope).for_each(|(a, b)| *a += factor * b);
        }
    }

    /// Adds a parameter, `factor` times.
    fn add_parameter(&mut self, factor: f64, parameters: &[f64], index: usize) {
        self.value += factor * parameters[index];
        self.slope.resize(parameters.len(), 0.0);
        self.slope[index] += factor;
    }

    /// A function of one number.
    fn map(&self, value: f64, slope: f64) -> Self {
        Self { value, slope: self.slope.iter().map(|d| slope * d).collect() }
    }

    fn sigmoid(&self) -> Self {
        let y = 1.0 / (1.0 + (-self.value).exp());
        self.map(y, y * (1.0 - y))
    }

    fn tanh(&self) -> Self {
        let y = self.value.tanh();
        self.map(y, 1.0 - y * y)
    }

    fn times(&self, other: &Self) -> Self {
        let mut product = self.map(0.0, other.value);
        product.add(self.value, other);
        product
    }

    fn detached(&self) -> Self {
        Self::constant(self.value)
    }
}

/// What a layer is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// No constants.
    Embedding,
    /// tanh.
    Tanh,
    /// The readout.
    Linear,
    /// [`Leaky`](crate::leaky::Leaky) without a detached reset.
    Leaky { spikes: bool },
    /// [`Gated`](crate::leaky::Gated).
    Gated,
    /// [`Readout`](crate::leaky::Readout).
    Leak,
}

/// State and output of a layer's units.
#[derive(Clone, Debug)]
struct Units {
    s: Vec<Number>,
    y: Vec<Number>,
}

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
        if matches!(self.reach, Reach::Rolling(_)) {
            self.close();
        } else if self.window.is_some_and(|window| self.steps >= window) {
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
            self.streams[stream].layers = self.forward(before, x);
            return self.top_of(stream);
        };
        if self.frozen {
            self.streams[stream].layers = self.forward(before, x);
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
            units = Some(self.forward(before, x));
        }
        self.streams[stream].layers = units.unwrap();
        self.streams[stream].history = history;
        self.top_of(stream)
    }

    fn top_of(&self, stream: usize) -> Vec<Number> {
        self.streams[stream].layers.last().unwrap().y.clone()
    }

    fn forward(&self, before: Option<Vec<Units>>, x: &[f64]) -> Vec<Units> {
        let mut below: Vec<Number> = x.iter().map(|&x| Number::constant(x)).collect();
        let mut layers = Vec::new();
        for (index, &kind) in self.kinds.iter().enumerate() {
            let units = self.layer(index, kind, &below, before.as_ref().map(|before| &before[index]));
            let units = if self.frozen { without_slopes(units) } else { units };
            below = units.y.clone();
            layers.push(units);
        }
        layers
    }

    fn layer(&self, index: usize, kind: Kind, below: &[Number], before: Option<&Units>) -> Units {
        let parameters = self.network.parameters();
        let block = |name: &str| self.network.blocks().iter().find(|block| block.layer == index && block.name == name);
        // a: rows of W, H and b, gate after gate.
        let rows = block("W").unwrap().rows;
        let mut a = vec![Number::default(); rows];
        let heard = [("W", Some(below)), ("H", before.map(|before| before.y.as_slice()))];
        for (name, signal) in heard {
            let (Some(block), Some(signal)) = (block(name), signal) else { continue };
            for (column, z) in signal.iter().enumerate() {
                for (row, a) in a.iter_mut().enumerate() {
                    let place = block.offset + column * block.rows + row;
                    a.add(parameters[place], z);
                    if z.value != 0.0 {
                        a.slope.resize(parameters.len(), 0.0);
                        a.slope[place] += z.value;
                    }
                }
            }
        }
        if let Some(b) = block("b") {
            a.iter_mut().enumerate().for_each(|(row, a)| a.add_parameter(1.0, parameters, b.offset + row));
        }
        let nothing = Number::default();
        let old_s = |unit: usize| before.map_or(&nothing, |before| &before.s[unit]);
        let old_y = |unit: usize| before.map_or(&nothing, |before| &before.y[unit]);
        match kind {
            Kind::Embedding | Kind::Linear => Units { s: Vec::new(), y: a },
            Kind::Tanh => Units { s: Vec::new(), y: a.iter().map(Number::tanh).collect() },
            Kind::Leak => {
                let s = a.iter().enumerate().map(|(unit, a)| {
                    let mut s = a.map(0.5 * a.value, 0.5);
                    s.add(crate::leaky::KAPPA, old_s(unit));
                    s
                });
                let s: Vec<Number> = s.collect();
                Units { y: s.clone(), s }
            }
            Kind::Leaky { spikes } => {
                let (mut states, mut outputs) = (Vec::new(), Vec::new());
                for (unit, a) in a.iter().enumerate() {
                    let mut s = a.clone();
                    s.add(0.7, old_s(unit));
                    s.add(-1.0, old_y(unit));
                    let mut potential = s.clone();
                    potential.add_parameter(1.0, parameters, block("threshold").unwrap().offset + unit);
                    let soft = 1.0 / (1.0 + (-4.0 * potential.value).exp());
                    let value = if spikes { f64::from(u8::from(potential.value > 0.0)) } else { soft };
                    outputs.push(potential.map(value, 4.0 * soft * (1.0 - soft)));
                    states.push(s);
                }
                Units { s: states, y: outputs }
            }
            Kind::Gated => {
                let units = rows / 3;
                let (mut states, mut outputs) = (Vec::new(), Vec::new());
                for unit in 0..units {
                    let [f, u, o] = [0, 1, 2].map(|gate| &a[gate * units + unit]);
                    let mut s = f.sigmoid().times(old_s(unit));
                    s.add(1.0, &u.tanh());
                    outputs.push(o.sigmoid().times(&s.tanh()));
                    states.push(s);
                }
                Units { s: states, y: outputs }
            }
        }
    }
}

fn detach(layers: &mut [Units]) {
    for units in layers {
        units.s.iter_mut().chain(&mut units.y).for_each(|number| *number = number.detached());
    }
}

fn without_slopes(mut units: Units) -> Units {
    detach(std::slice::from_mut(&mut units));
    units
}
