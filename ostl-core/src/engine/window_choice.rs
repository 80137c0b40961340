//! How long a window should be, where the user does not say.
//!
//! A step costs its products whatever the window. A window adds some fixed work; every pass over the traces adds their bytes, once in a block of
//! windows, or in each where the weights change. And a block keeps its steps' partials, signals and A, which are cheap for as long as they fit
//! into the second-level cache. The choice is the K with the smallest sum, among those whose memory is within the budget.

use crate::linalg::real::Real;
use crate::method::{Carry, Method, Update, Window};
use crate::network::Network;
use crate::network::layer::Layer;
use crate::tape::width::width;
use crate::trace::{Reach, Sizing, filters, is_local};

/// Bytes that a core reads and writes in a second, about, beyond its own caches.
const BYTES_A_SECOND: f64 = 20e9;
/// Multiply–adds that a core does in a second, about.
const PRODUCTS_A_SECOND: f64 = 40e9;
/// Fixed cost of a window, seconds.
const OVERHEAD: f64 = 10e-6;
/// Second-level cache of a core where the system does not report it.
const CACHE: usize = 1 << 20;

/// A window and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowChoice {
    /// Steps K.
    pub steps: usize,
    /// Steps from one pass over the traces to the next.
    pub block: usize,
    /// Bytes of the traces: those that [`Learner::trace_bytes`](crate::Learner::trace_bytes) returns.
    pub trace_bytes: usize,
    /// Bytes of what a window keeps, and of where traces are moved on.
    pub window_bytes: usize,
}

/// The window that should be fastest for `streams` streams of at most `longest` steps, taking at most `budget` bytes for traces and
/// windows together. Even where the budget is too small for a window of one step, one step it is.
#[inline(never)]
pub fn best_window<T: Real>(
    network: &Network<T>,
    method: &Method,
    streams: usize,
    longest: usize,
    budget: usize,
) -> WindowChoice {
    // SnAp-1 keeps more in windows of several steps; nothing else depends on K.
    let sizes = [1, 2].map(|steps| Sizes::new(network, &method.with_window(steps), streams));
    let sizes = |steps: usize| &sizes[usize::from(steps > 1)];
    let candidates = [1, 2, 4, 6, 8, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256];
    let mut best = sizes(1).choice(1, (longest, budget));
    let mut least = sizes(1).seconds(&best);
    for steps in candidates.into_iter().map(|steps: usize| steps.min(longest.max(1))) {
        let choice = sizes(steps).choice(steps, (longest, budget));
        let seconds = sizes(steps).seconds(&choice);
        if choice.bytes() <= budget && seconds < least {
            least = seconds;
            best = choice;
        }
    }
    best
}

/// The same for a method whose window is given: how long a block may be that takes no more than `budget` bytes, traces and windows together, if
/// the method does not say. A block holds one window at least.
#[inline(never)]
pub fn best_block<T: Real>(
    network: &Network<T>,
    method: &Method,
    streams: usize,
    longest: usize,
    budget: usize,
) -> Option<WindowChoice> {
    let Window::Steps(steps) = method.window else { return None };
    Some(Sizes::new(network, method, streams).choice(steps, (longest, budget)))
}

impl WindowChoice {
    /// Bytes of traces and windows.
    fn bytes(&self) -> usize {
        self.trace_bytes.saturating_add(self.window_bytes)
    }

    /// The window.
    pub fn window(&self) -> Window {
        Window::Steps(self.steps)
    }
}

/// What a window costs in time. What it takes in memory is [`Sizing`]'s.
struct Sizes<'a, T: Real> {
    network: &'a Network<T>,
    method: Method,
    streams: usize,
    /// Bytes that each step of a window keeps, all streams together, and those of one lane.
    step_bytes: usize,
    lane_bytes: usize,
    /// Multiply–adds of a window that do not grow with it: an influence matrix moved on.
    moved_on: f64,
    cache: usize,
}

impl<'a, T: Real> Sizes<'a, T> {
    fn new(network: &'a Network<T>, method: &Method, streams: usize) -> Self {
        let (carry, filters) = (method.carry, filters(network, method));
        let scalar = size_of::<T>();
        let (mut step, mut variables, mut parameters) = (0, 0, 0);
        let mut moved_on = 0.0;
        // Rows and columns of the matrices since the last recurrent layer, and of a layer's constants.
        let mut blocks: Vec<[usize; 2]> = Vec::new();
        for (index, layer) in network.layers.iter().enumerate() {
            let inputs = layer.inputs();
            match layer {
                Layer::Dense(layer) => {
                    step += 2 * layer.units + inputs;
                    parameters += layer.w_range().len() + layer.units;
                    blocks.extend([[layer.units, inputs], [layer.units, 1]]);
                }
                Layer::Recurrent(layer) => {
                    let (n, s, g) = (layer.units, layer.states(), layer.gates());
                    let constants = layer.constants.iter().flatten().count() * n;
                    let own = layer.w_range().len() + layer.h_range().len() + constants;
                    parameters += own;
                    blocks.extend([[layer.x_rows().len(), inputs], [layer.y_rows().len(), n], [constants, 1]]);
                    let filtered = filters[index].len();
                    variables += n * (s + usize::from(layer.output_has_memory()) + filtered);
                    step += n * (s * s + 2 * s + s * g + 2 * g + 4) + inputs;
                    match carry {
                        _ if is_local(network, method, index) => {
                            step += 2 * (s + filtered) * g * n;
                            (variables, parameters) = (0, 0);
                        }
                        // Those that are not local keep nothing here.
                        Carry::None | Carry::Presynaptic | Carry::Local | Carry::Postsynaptic => {}
                        // Where units keep their own this arm is not reached, and the estimate of the rest costs little beside it.
                        Carry::Uoro(vectors) | Carry::LocalUoro(vectors) => {
                            step += vectors * g * n;
                            moved_on = 3.0 * (vectors * parameters) as f64;
                        }
                        Carry::Snap(order) => {
                            let v = variables / n;
                            step += variables * g * n;
                            let reach = Reach::new(layer, order);
                            moved_on += reach.products(layer, v);
                            variables = 0;
                        }
                        Carry::KfRtrl => {
                            let c = variables;
                            step += c * g * n;
                            moved_on += blocks.iter().map(|[rows, _]| (c * c * rows) as f64).sum::<f64>();
                            (variables, parameters) = (0, 0);
                        }
                        Carry::Layer | Carry::Network => {
                            let c = variables;
                            step += c * g * n;
                            moved_on += (c * c) as f64 * parameters as f64;
                            if carry != Carry::Network {
                                (variables, parameters) = (0, 0);
                            }
                        }
                    }
                    blocks.clear();
                }
            }
        }
        Self {
            network,
            method: *method,
            streams,
            step_bytes: step * streams * scalar,
            lane_bytes: step * width(streams) * scalar,
            moved_on: moved_on * streams as f64,
            cache: second_level_cache(),
        }
    }

    /// Windows of `steps` steps, in blocks as long as the budget has room for.
    fn choice(&self, steps: usize, (longest, budget): (usize, usize)) -> WindowChoice {
        let sized = |block: Option<usize>| {
            let method = Method { block: block.or(self.method.block), ..self.method.with_window(steps) };
            let sizing = Sizing::new(self.network, &method, self.streams, longest);
            let [trace_bytes, window_bytes] = sizing.traces_and_windows();
            WindowChoice { steps, block: sizing.block_steps().unwrap_or(steps), trace_bytes, window_bytes }
        };
        let mut choice = sized(None);
        while choice.bytes() > budget && self.method.block.is_none() && choice.block > steps {
            // As long as the longest sequence is as good as any longer.
            choice = sized(Some(choice.block.min(longest.next_multiple_of(steps)) / 2));
        }
        choice
    }

    /// Seconds a step, without what does not depend on K.
    fn seconds(&self, choice: &WindowChoice) -> f64 {
        let WindowChoice { steps, block, trace_bytes, .. } = *choice;
        let traces = trace_bytes as f64 / BYTES_A_SECOND;
        let is_read = self.method.update == Update::Window && block > steps;
        let a_window = OVERHEAD + if is_read { traces } else { 0.0 };
        let a_block = 2.0 * traces + self.moved_on / PRODUCTS_A_SECOND;
        let kept = (self.lane_bytes * block).max(1);
        let beyond_cache = kept.saturating_sub(self.cache) as f64 / kept as f64;
        a_window / steps as f64 + a_block / block as f64 + beyond_cache * 4.0 * self.step_bytes as f64 / BYTES_A_SECOND
    }
}

/// Bytes of a core's second-level cache, as Linux reports them.
fn second_level_cache() -> usize {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index2/size").ok();
    let kib = text.and_then(|size| size.trim().strip_suffix('K')?.parse::<usize>().ok());
    kib.map_or(CACHE, |kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::layer::Activation;

    fn network() -> Network<f32> {
        Network::builder(64).dense(64, Activation::Tanh).readout(8).unwrap()
    }

    #[test]
    fn a_smaller_budget_never_gives_a_longer_window() {
        let network = network();
        let method = Method::ostl_without_h();
        let mut last = 0;
        for budget in [0, 1 << 10, 1 << 14, 1 << 16, 1 << 20, 1 << 30] {
            let choice = best_window(&network, &method, 8, 1000, budget);
            assert!(choice.steps >= last && choice.steps >= 1);
            assert!(choice.steps == 1 || choice.trace_bytes + choice.window_bytes <= budget);
            last = choice.steps;
        }
        assert!(last > 1);
    }

    #[test]
    fn no_window_is_longer_than_the_sequences() {
        assert_eq!(best_window(&network(), &Method::ostl_without_h(), 8, 5, 1 << 30).steps, 5);
    }
}
