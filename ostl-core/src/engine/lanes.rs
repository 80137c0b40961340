//! Lanes: fixed blocks of streams that are swept through a window together, one thread a lane.
//!
//! Streams meet only where gradients are summed. So forward pass, losses and reverse sweep run lane by lane, each in buffers of
//! its own, and nothing waits for anything within a window; then [`accumulate`](crate::engine::accumulate) takes all lanes' columns
//! together. Which streams share a lane follows from their number alone: results do not depend on the threads.

use crate::data::score::LaneScores;
use crate::engine::traces::Trace;
use crate::linalg::real::Real;
use crate::linalg::share::is_worth_sharing;
use crate::method::feedback::FeedbackWeights;
use crate::method::{Carry, Method, Window};
use crate::network::Network;
use crate::sweep::{Cuts, Sweep, Transposed};
use crate::tape::width::{lanes, width};
use crate::tape::{Lists, Tape};
use crate::trace::{Lane, LanePaths};
use rayon::prelude::*;

/// All streams.
#[derive(Clone, Debug)]
pub(crate) struct Lanes<T: Real> {
    pub(crate) lanes: Vec<Lane<T>>,
    streams: usize,
    /// How the window rolls, if it does.
    pub(crate) rolls: Option<Rolls>,
    /// Follows from the weights, or from the seed.
    transposed: Transposed<T>,
}

/// How a window rolls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rolls {
    /// Steps that a sweep goes back at most.
    pub(crate) steps: usize,
    /// Steps from one sweep to the next.
    pub(crate) every: usize,
}

impl<T: Real> Lanes<T> {
    /// For `streams` streams, without room for a step yet.
    pub(crate) fn new(network: &Network<T>, trace: &Trace<T>, method: &Method, streams: usize, cuts: Cuts) -> Self {
        let (lists, filters) = (Self::lists(network, method), trace.filters());
        let lanes = lanes(streams).map(|lane| Lane {
            first: lane.start,
            tape: Tape::new(network, lane.len(), 0, lists),
            sweep: Sweep::new(network, filters, method, lane.len(), (0, cuts)),
            has_error: false,
            newest_swept: 0..0,
        });
        let rolls = match method.window {
            Window::Rolling { steps, every } => Some(Rolls { steps, every }),
            _ => None,
        };
        Self { lanes: lanes.collect(), streams, rolls, transposed: Transposed::new(network, method, width(streams)) }
    }

    /// Which signals are listed while learning.
    pub(crate) fn lists(network: &Network<T>, method: &Method) -> Lists {
        // What looks at inputs column by column needs them as they are.
        let reads_lists = matches!(method.carry_in_use(), Carry::None | Carry::Local);
        match method.window {
            // What is sparse so far is not what will have been once steps have left a tape that rolls.
            Window::Rolling { .. } if network.reads_events && reads_lists => Lists::InputsAlone,
            Window::Rolling { .. } => Lists::Nothing,
            _ if network.reads_events && reads_lists => Lists::AllInputs,
            _ => Lists::Sparse,
        }
    }

    pub(crate) fn streams(&self) -> usize {
        self.streams
    }

    /// What brought the last window's signals down.
    pub(crate) fn transposed(&self) -> &Transposed<T> {
        &self.transposed
    }

    /// Steps that there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.lanes[0].tape.capacity()
    }

    /// Steps taken so far in this window.
    pub(crate) fn steps(&self) -> usize {
        self.lanes[0].tape.steps
    }

    /// Columns of the window at hand.
    pub(crate) fn columns(&self) -> usize {
        self.lanes.iter().map(|lane| lane.tape.columns()).sum()
    }

    /// The lane of a stream, and the stream's place in it.
    pub(crate) fn find(&self, stream: usize) -> (usize, usize) {
        let width = self.lanes[0].tape.streams();
        (stream / width, stream % width)
    }

    /// Makes room for windows of `steps` steps.
    pub(crate) fn reserve(&mut self, network: &Network<T>, steps: usize) {
        for lane in &mut self.lanes {
            lane.tape.reserve(network, steps);
            lane.sweep.reserve(network, steps);
        }
    }

    /// Steps that no sweep has started from yet: of a window that does not roll, all of them.
    pub(crate) fn new_steps(&self) -> usize {
        self.steps() - self.lanes[0].tape.swept
    }

    /// Forgets the first `steps` steps of all lanes.
    pub(crate) fn drop_front(&mut self, network: &Network<T>, steps: usize) {
        self.lanes.iter_mut().for_each(|lane| lane.tape.drop_front(network, steps));
    }

    /// Starts a new window with all streams; the states stay.
    pub(crate) fn open(&mut self) {
        for lane in &mut self.lanes {
            let streams = lane.tape.streams();
            lane.tape.open(streams);
        }
    }

    /// Custom fixed feedback.
    pub(crate) fn set_feedback(&mut self, weights: &FeedbackWeights<T>) {
        self.transposed.set_fixed(weights);
    }

    /// Gives up what brings signals down: of lanes that are put aside and take no step.
    pub(crate) fn leave_weights(&mut self) {
        self.transposed = self.transposed.without_weights();
    }

    /// The weights have changed since the last window.
    pub(crate) fn weights_changed(&mut self) {
        self.transposed.forget();
    }

    /// Does the same to every lane that has streams at work, on as many threads as pay for `work` multiply–adds in all.
    pub(crate) fn each(&mut self, work: usize, act: impl Fn(&mut Lane<T>) + Send + Sync) {
        if self.lanes.len() > 1 && is_worth_sharing(work) {
            self.lanes.par_iter_mut().for_each(act);
        } else {
            self.lanes.iter_mut().for_each(act);
        }
    }

    /// The reverse sweep of the window, and what the traces need of it.
    pub(crate) fn sweep(&mut self, network: &Network<T>, paths: &mut [LanePaths<T>], continues: &[bool]) {
        let work = network.parameters.len() * self.columns();
        self.transposed.update(network);
        let transposed = &self.transposed;
        each_with_paths(&mut self.lanes, paths, work, |lane, paths| lane.sweep(network, transposed, paths, continues));
    }

    /// What the traces need of the first `steps` steps alone, whatever their errors, to move on over them: the tapes are left as they are then, and
    /// [`hold`](Lanes::hold) takes the other steps back.
    pub(crate) fn follow(&mut self, network: &Network<T>, steps: usize, paths: &mut [LanePaths<T>], continues: &[bool]) {
        self.hold(steps);
        self.transposed.update(network);
        let work = network.parameters.len() * self.columns();
        each_with_paths(&mut self.lanes, paths, work, |lane, paths| lane.follow(network, paths, continues));
    }

    /// The tapes are taken to hold so many steps: fewer than they do, or all again.
    pub(crate) fn hold(&mut self, steps: usize) {
        self.lanes.iter_mut().for_each(|lane| lane.tape.steps = steps);
    }

    /// A whole window: `forward` takes a lane through its steps and leaves the losses' signals, the reverse sweep follows.
    pub(crate) fn window(
        &mut self,
        network: &Network<T>,
        work: usize,
        beside: BesideLanes<'_, T>,
        forward: impl Fn(&mut Lane<T>, &mut LaneScores) + Send + Sync,
        continues: &[bool],
    ) {
        self.transposed.update(network);
        let transposed = &self.transposed;
        let BesideLanes { paths, scores } = beside;
        let act = |((lane, paths), scores): ((&mut Lane<T>, &mut LanePaths<T>), &mut LaneScores)| {
            forward(lane, scores);
            lane.sweep(network, transposed, paths, continues);
        };
        if self.lanes.len() > 1 && is_worth_sharing(work) {
            self.lanes.par_iter_mut().zip(paths).zip(scores).for_each(act);
        } else {
            self.lanes.iter_mut().zip(paths).zip(scores).for_each(act);
        }
    }
}

/// Does the same to every lane and the paths through its units, on as many threads as pay for `work` multiply–adds in all.
fn each_with_paths<T: Real>(
    lanes: &mut [Lane<T>],
    paths: &mut [LanePaths<T>],
    work: usize,
    act: impl Fn(&mut Lane<T>, &mut LanePaths<T>) + Send + Sync,
) {
    let act = |(lane, paths): (&mut Lane<T>, &mut LanePaths<T>)| act(lane, paths);
    if lanes.len() > 1 && is_worth_sharing(work) {
        lanes.par_iter_mut().zip(paths).for_each(act);
    } else {
        lanes.iter_mut().zip(paths).for_each(act);
    }
}

/// What each lane writes to besides itself.
pub(crate) struct BesideLanes<'a, T: Real> {
    /// The paths through its units that traces are moved on along.
    pub(crate) paths: &'a mut [LanePaths<T>],
    pub(crate) scores: &'a mut [LaneScores],
}

impl<T: Real> Lane<T> {
    /// The next reverse sweep starts from the errors of those steps alone that none has started from.
    pub(crate) fn look_back(&mut self, outputs: usize) {
        let earlier = self.tape.swept * self.tape.active;
        self.sweep.clear(outputs, 0..earlier);
        self.tape.look_back(self.has_error);
    }

    /// The steps at hand have no error: the paths through the lane's units alone.
    fn follow(&mut self, network: &Network<T>, paths: &mut LanePaths<T>, continues: &[bool]) {
        if self.tape.columns() == 0 {
            return;
        }
        self.tape.sort_events(network);
        self.tape.ignore_error();
        self.sweep.zero_adjoints();
        let active = self.first..self.first + self.tape.active;
        paths.follow(network, &mut self.tape, &mut self.sweep, &continues[active]);
    }

    /// The reverse sweep of the window, and the paths through the lane's units.
    fn sweep(&mut self, network: &Network<T>, transposed: &Transposed<T>, paths: &mut LanePaths<T>, continues: &[bool]) {
        if self.tape.columns() == 0 {
            return;
        }
        self.tape.sort_events(network);
        if self.tape.is_without_error() {
            self.sweep.zero_adjoints();
            self.newest_swept = 0..0;
        } else {
            self.sweep.run(network, transposed, &mut self.tape);
            let end = self.tape.columns();
            self.newest_swept = end - self.tape.active..end;
        }
        let active = self.first..self.first + self.tape.active;
        paths.follow(network, &mut self.tape, &mut self.sweep, &continues[active]);
    }
}
