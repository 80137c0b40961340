//! The time of a step of learning from streams that go on: `predict`, `learn` with a class, and an update by Adam when a window of K steps
//! is full; and the bytes that such a step must touch.

use std::time::{Duration, Instant};

use ostl_core::{Carry, LearnError, Learner, Method, Network, OptimizerSettings, Update};
use serde::{Deserialize, Serialize};

use crate::cases::{Case, Units, drawn};
use crate::clock::median_seconds;
use crate::gradient::TimingError;
use crate::{LOSS, Step, pass, steps_of, windows};

/// Units up to which the influence matrices of `layer` are timed: they grow with the cube.
const LAYER_UP_TO: usize = 256;

/// Everything that is timed, as it stands in `online.json`, for the peers, too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Steps K of a window.
    pub windows: Vec<usize>,
    /// Streams B side by side.
    pub streams: Vec<usize>,
    /// Steps after which a stream is reset and begins from the beginning: where a network's influence on itself grows, it stays finite.
    pub steps: usize,
    /// The networks and their inputs.
    pub sizes: Vec<Size>,
}

/// A network with one recurrent layer, and what it reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// `small`, `medium`, `large` or `events`.
    pub name: String,
    /// Values in an input.
    pub inputs: usize,
    /// Units of the recurrent layer.
    pub units: usize,
    /// Classes that the readout tells apart.
    pub outputs: usize,
    /// Share of the inputs that are 1 (the others 0), which the network reads as lists of events; where it is 1, inputs are Gaussian instead.
    pub active: f64,
}

/// How long is measured, and what is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// How long one of the samples lasts at least.
    pub sample: Duration,
    /// Nothing is timed of which a single step takes longer.
    pub longest_step: Duration,
}

impl Effort {
    /// Everything, in samples of a fifth of a second.
    pub const FULL: Self = Self { sample: Duration::from_millis(200), longest_step: Duration::MAX };
    /// A tenth of that, without what takes a second a step.
    pub const QUICK: Self = Self { sample: Duration::from_millis(20), longest_step: Duration::from_secs(1) };
}

/// One timing to be made.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// Network and inputs.
    pub size: &'a Size,
    /// What the recurrent layer is made of.
    pub units: Units,
    /// Streams B side by side.
    pub streams: usize,
    /// Steps K of a window.
    pub window: usize,
    /// What is carried from window to window.
    pub carry: Carry,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Timed {
    /// The time.
    Took(Row),
    /// It was not timed, and why.
    LeftOut(String),
}

/// One timing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Whose row it is: `ostl` and its version.
    pub peer: &'static str,
    /// Name of the size.
    pub size: String,
    /// Name of the cell.
    pub cell: &'static str,
    /// Streams B side by side.
    pub streams: usize,
    /// Steps K of a window.
    pub window: usize,
    /// The carry's name.
    pub carry: String,
    /// Threads at work.
    pub threads: usize,
    /// Microseconds that a step of all streams takes, updates included.
    pub us: f64,
    /// Steps a second that each stream takes.
    pub steps_per_second: f64,
    /// With windows of one step: bytes of the weights, Adam's two moments and the traces, all of which every step must touch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// With windows of one step: the time of a plain pass over the same number of bytes, divided by that of the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_pass: Option<f64>,
}

impl Plan {
    /// What is timed.
    ///
    /// # Panics
    /// If `online.json`, which is compiled in, is broken.
    #[must_use]
    pub fn whole() -> Self {
        serde_json::from_str(include_str!("online.json")).expect("online.json is compiled in and tested")
    }

    /// The carries that a layer of these units is timed with.
    #[must_use]
    pub fn carries(size: &Size, units: Units) -> Vec<Carry> {
        // Without H, `layer` is `local`.
        let with_layer = units.is_recurrent() && size.units <= LAYER_UP_TO;
        [Carry::None, Carry::Local].into_iter().chain(with_layer.then_some(Carry::Layer)).collect()
    }

    /// Times a step, on the threads of the pool it is called in.
    ///
    /// # Errors
    /// If the method cannot be run or a number breaks.
    pub fn time(&self, work: Work<'_>, effort: Effort) -> Result<Timed, TimingError> {
        // So slow a rate that the network stays what it is, however often the steps are repeated.
        let optimizer = OptimizerSettings::adam(1e-8);
        let network = work.network();
        if let Err(error) = network.check_memory(&work.method(), &optimizer, [work.streams, work.window], 0, None) {
            return Ok(Timed::LeftOut(error.to_string()));
        }
        let learner = Learner::new(network, LOSS, work.method(), optimizer, work.streams)?;
        let mut learning = Learning { learner, steps: steps_of(&work.case(self.steps).sequences()), next: 0 };
        // The first window after a reset has little to carry on: the second shows what a step takes.
        for _ in 0..2 * work.window {
            let start = Instant::now();
            learning.step()?;
            if start.elapsed() > effort.longest_step {
                return Ok(Timed::LeftOut(format!("a step takes more than {:?}", effort.longest_step)));
            }
        }
        let seconds = median_seconds(effort.sample, || (0..work.window).try_for_each(|_| learning.step()))?;
        let seconds = seconds / work.window as f64;
        let bytes = (work.window == 1).then(|| learning.bytes());
        // The pass has the memory to itself.
        drop(learning);
        Ok(Timed::Took(Row {
            peer: concat!("ostl ", env!("CARGO_PKG_VERSION")),
            size: work.size.name.clone(),
            cell: work.units.cell_name(),
            streams: work.streams,
            window: work.window,
            carry: work.carry.name(),
            threads: rayon::current_num_threads(),
            us: (seconds * 1e9).round() / 1e3,
            steps_per_second: (1e3 / seconds).round() / 1e3,
            bytes,
            of_pass: bytes.map(|bytes| pass::seconds(bytes, effort.sample) / seconds),
        }))
    }
}

impl Work<'_> {
    /// Sequences of this many steps, one per stream.
    fn case(&self, steps: usize) -> Case {
        let &Size { ref name, inputs, units, outputs, active } = self.size;
        Case { name: name.clone(), inputs, units, outputs, steps, batch: self.streams, active }
    }

    fn method(&self) -> Method {
        windows(self.window, self.carry).with_update(Update::Window)
    }

    fn network(&self) -> Network<f32> {
        let builder = Network::builder(self.size.inputs).seed(1);
        let builder = if self.size.active < 1.0 { builder.events() } else { builder };
        let builder = self.units.cell().add_to(builder, self.size.units).expect("a cell of the benches");
        drawn(builder.readout(self.size.outputs).expect("sizes of the benches"))
    }
}

/// A learner, and the steps that it learns from again and again.
struct Learning {
    learner: Learner<f32>,
    steps: Vec<Step>,
    next: usize,
}

impl Learning {
    /// One step of all streams.
    fn step(&mut self) -> Result<(), LearnError> {
        if self.next == 0 {
            (0..self.learner.streams()).for_each(|stream| self.learner.reset(stream));
        }
        let (inputs, targets) = &self.steps[self.next];
        self.next = (self.next + 1) % self.steps.len();
        self.learner.predict(inputs)?;
        self.learner.learn(targets).map(drop)
    }

    /// What every step with an update must touch: weights, Adam's two moments, and traces.
    fn bytes(&self) -> usize {
        3 * size_of_val(self.learner.network().parameters()) + self.learner.trace_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_those_of_the_peers() {
        let plan = Plan::whole();
        let sizes: Vec<_> = plan.sizes.iter().map(|size| (size.inputs, size.units, size.outputs)).collect();
        assert_eq!(sizes, [(16, 64, 5), (64, 128, 10), (256, 256, 32), (700, 450, 20)]);
        // A stream begins anew where a window does.
        assert!(plan.windows.iter().all(|window| plan.steps.is_multiple_of(*window)));
        assert_eq!((plan.windows, plan.streams), (vec![1, 20], vec![1, 16]));
    }

    #[test]
    fn layer_is_timed_where_there_is_an_h_and_it_is_small_enough() {
        let plan = Plan::whole();
        let carries = |size: usize, units| Plan::carries(&plan.sizes[size], units).len();
        assert_eq!([carries(2, Units::Gru), carries(2, Units::Lru), carries(3, Units::Gru)], [3, 2, 2]);
    }

    #[test]
    fn bytes_are_those_of_weights_moments_and_traces() {
        let plan = Plan::whole();
        let time = |window, carry, effort| {
            plan.time(Work { size: &plan.sizes[0], units: Units::Lru, streams: 2, window, carry }, effort).unwrap()
        };
        let instant = Effort { sample: Duration::ZERO, ..Effort::FULL };
        // Two gates of 64 × 16, three constants a unit, and a readout of 5 × 64 with as many constants.
        let parameters = 64 * (2 * 16 + 3) + 5 * 65;
        let Timed::Took(row) = time(1, Carry::None, instant) else { panic!("it was left out") };
        assert_eq!((row.bytes, row.us > 0.0, row.of_pass.unwrap() > 0.0), (Some(12 * parameters), true, true));
        let Timed::Took(row) = time(1, Carry::Local, instant) else { panic!("it was left out") };
        assert!(row.bytes.unwrap() > 12 * parameters);
        let Timed::Took(row) = time(20, Carry::Local, instant) else { panic!("it was left out") };
        assert_eq!((row.bytes, row.of_pass), (None, None));
        let hasty = Effort { longest_step: Duration::ZERO, ..instant };
        assert!(matches!(time(1, Carry::None, hasty), Timed::LeftOut(why) if why.contains("more than 0ns")));
    }
}
