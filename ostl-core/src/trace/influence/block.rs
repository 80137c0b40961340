//! The last steps of a stream, whose influence has not been moved into ε yet.
//!
//! Between ε and the window at hand lie some windows of which J and A and z are still there. A window's σ is read out by a walk back over them and
//! then from ε, and ε is moved on once for all of them, when the block is full:
//!
//! ```text
//! r = σ;  for the block's windows w, last to first:  g_t = A_tᵀ r for the steps t of w,  r ← J_wᵀ r
//! gradient += Σ_t g_t z_tᵀ + r·ε                                                                     (1)
//! Q = 1;  for the block's windows w, last to first:  B_t = Q A_t for the steps t of w,   Q ← Q J_w
//! ε ← Q ε + Σ_t B_t z_tᵀ                                                                             (2)
//! ```
//!
//! So at K = 1 a step takes C·P to read ε and some C²·rows for its share of the chain of J, not C²·P: n³, not n⁴ (Schmidhuber 1992, without his
//! delay). Where the gradient is only asked for at a sequence's end, σ waits, too, and a block is walked back over once.

use super::span::{SpanLayer, StreamWindow, has_before};
use crate::linalg::product::{
    Assignment, columns, columns_mut, multiply_hollow, multiply_shared, multiply_transposed, transposed_operand,
};
use crate::linalg::real::Real;
use crate::linalg::tiny::flush_tiny;
use crate::network::Network;
use crate::record::{Book, refused};
use crate::refusal::ConfigError;
use crate::tape::events::Signal;

/// How many windows a block holds, and of how many steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockLength {
    pub(crate) windows: usize,
    /// Most steps of a window.
    capacity: usize,
}

impl BlockLength {
    /// For windows of up to `capacity` steps, of a span with C variables, P parameters and `rows` rows of a: as many steps as make reading and
    /// folding equally dear, and no more than take half the room of ε; or `steps`, if the method says how many.
    pub(crate) fn of([variables, parameters, rows]: [usize; 3], capacity: usize, steps: Option<usize>) -> Self {
        if let Some(steps) = steps {
            return Self { windows: (steps / capacity.max(1)).max(1), capacity };
        }
        let [c, p, g] = [variables, parameters, rows].map(|value| value as f64);
        let dear = (2.0 * c * c * p / (p + c * c + c * g)).sqrt();
        let roomy = p / (2.0 * (c + g));
        let windows = ((dear.min(roomy) as usize) / capacity.max(1)).max(1);
        Self { windows, capacity }
    }
}

/// One stream's.
#[derive(Clone, Debug)]
pub(super) struct StepBlock<T: Real> {
    size: BlockLength,
    pub(super) variables: usize,
    /// Steps of each window that it holds: fewer windows than make it full, between two calls.
    pub(super) windows: Vec<u32>,
    /// σ of each boundary, the first window's start first: C values each. Zero once it has been read out.
    pub(super) signals: Vec<T>,
    /// J of each window, C × C.
    pub(super) jacobians: Vec<T>,
    pub(super) layers: Vec<LayerBlock<T>>,
    /// Some σ has not been read out.
    pub(super) has_signal: bool,
    /// ε is zero: the stream started with the first of these windows.
    pub(super) starts_here: bool,
}

/// One layer's share: an entry a step, and for constants that drive y at once one more at the start of each window.
#[derive(Clone, Debug)]
pub(super) struct LayerBlock<T: Real> {
    variables: usize,
    rows: usize,
    inputs: usize,
    units: usize,
    has_before: bool,
    /// A, `variables × rows` an entry.
    pub(super) influence: Vec<T>,
    /// z of each entry: inputs, outputs of the step before, and 1.
    pub(super) x: Vec<T>,
    pub(super) y: Vec<T>,
    pub(super) one: Vec<T>,
}

/// Room that all streams share.
#[derive(Clone, Debug)]
pub(super) struct Room<T: Real> {
    /// r, and the next.
    signal: [Vec<T>; 2],
    /// g of every entry of each layer.
    delta: Vec<Vec<T>>,
    /// Q, and the next.
    chain: [Vec<T>; 2],
    /// B of the entries of a window.
    influence: Vec<T>,
}

impl<T: Real> StepBlock<T> {
    pub(super) fn new(network: &Network<T>, layers: &[SpanLayer], variables: usize, size: BlockLength) -> Self {
        let of_layer = |layer: &SpanLayer| {
            let at = &network.layers[layer.index];
            let has_before = has_before(at);
            let entries = size.entries(has_before);
            let has = |signal: Signal| usize::from(layer.blocks.iter().any(|block| block.signal == signal));
            let room = |values: usize| Vec::with_capacity(values * entries);
            LayerBlock {
                variables: variables - layer.first,
                rows: at.activations(),
                inputs: at.inputs() * has(Signal::Input),
                units: at.units() * has(Signal::Output),
                has_before,
                influence: room((variables - layer.first) * at.activations()),
                x: room(at.inputs() * has(Signal::Input)),
                y: room(at.units() * has(Signal::Output)),
                one: room(1),
            }
        };
        Self {
            size,
            variables,
            windows: Vec::with_capacity(size.windows),
            signals: vec![T::zero(); (size.windows + 1) * variables],
            jacobians: Vec::with_capacity(size.windows * variables * variables),
            layers: layers.iter().map(of_layer).collect(),
            has_signal: false,
            starts_here: true,
        }
    }

    /// The stream starts anew with the window at hand.
    pub(super) fn restart(&mut self) {
        self.clear();
        self.starts_here = true;
    }

    /// No windows.
    fn clear(&mut self) {
        self.windows.clear();
        self.jacobians.clear();
        if self.has_signal {
            self.signals.fill(T::zero());
            self.has_signal = false;
        }
        for layer in &mut self.layers {
            [&mut layer.influence, &mut layer.x, &mut layer.y, &mut layer.one].into_iter().for_each(Vec::clear);
        }
    }

    /// σ of the window at hand, whose start is the block's end. A window that rolls may have left one there already.
    pub(super) fn add_signal(&mut self, signal: &[T]) {
        let place = self.windows.len() * self.variables;
        self.signals[place..].iter_mut().zip(signal).for_each(|(sum, &sigma)| *sum += sigma);
        self.has_signal = true;
    }

    /// Takes the window in.
    pub(super) fn push(&mut self, layers: &[SpanLayer], window: &StreamWindow<'_, T>) {
        let steps = window.stream.tape.steps;
        self.windows.push(steps as u32);
        self.jacobians.extend_from_slice(window.jacobian(0));
        for (place, (layer, kept)) in layers.iter().zip(&mut self.layers).enumerate() {
            let first = usize::from(!kept.has_before);
            let stride = window.influence_stride(place);
            kept.influence.extend_from_slice(&window.paths.layers[place].influence[first * stride..(steps + 1) * stride]);
            if kept.has_before {
                kept.x.extend(std::iter::repeat_n(T::zero(), kept.inputs));
                kept.y.extend(std::iter::repeat_n(T::zero(), kept.units));
                kept.one.push(T::one().if_or(!window.fresh, T::zero()));
            }
            for step in 0..steps {
                kept.one.push(T::one());
                for (to, signal) in [(&mut kept.x, Signal::Input), (&mut kept.y, Signal::Output)] {
                    if let Some(block) = layer.blocks.iter().find(|block| block.signal == signal) {
                        to.extend_from_slice(block.signal_at(window.stream, layer.index, step));
                    }
                }
            }
        }
    }

    /// There is no room for another window.
    pub(super) fn is_full(&self) -> bool {
        self.windows.len() >= self.size.windows
    }

    /// Reads all σ out as far as the block reaches, and returns what is left of them at its start: r of equation (1).
    pub(super) fn read_out<'r>(&mut self, layers: &[SpanLayer], room: &'r mut Room<T>, gradient: &mut [T]) -> &'r [T] {
        let c = self.variables;
        let Room { signal: [r, next], delta, .. } = room;
        r.fill(T::zero());
        let last = (0..=self.windows.len()).rfind(|&at| self.signals[at * c..(at + 1) * c].iter().any(|s| *s != T::zero()));
        let last = last.unwrap_or(0);
        for at in (0..=last).rev() {
            for (r, sigma) in r.iter_mut().zip(&mut self.signals[at * c..(at + 1) * c]) {
                *r += std::mem::replace(sigma, T::zero());
            }
            let Some(window) = at.checked_sub(1) else { break };
            for ((layer, kept), delta) in layers.iter().zip(&self.layers).zip(&mut *delta) {
                let (entries, c) = (kept.entries(&self.windows, window), kept.variables);
                let (first, count) = (entries.start * kept.rows, entries.len() * kept.rows);
                multiply_transposed(
                    Assignment::Replace,
                    columns(&kept.influence[first * c..], c, count, c),
                    columns(&r[layer.first..], c, 1, c),
                    columns_mut(&mut delta[first..], count, 1, count),
                );
                flush_tiny(&mut delta[first..first + count]);
            }
            let jacobian = columns(&self.jacobians[window * c * c..], c, c, c);
            multiply_transposed(Assignment::Replace, jacobian, columns(r, c, 1, c), columns_mut(next, c, 1, c));
            flush_tiny(next);
            std::mem::swap(r, next);
        }
        for ((layer, kept), delta) in layers.iter().zip(&self.layers).zip(&*delta) {
            let entries = last.checked_sub(1).map_or(0, |window| kept.entries(&self.windows, window).end);
            for block in layer.blocks.iter().filter(|_| entries > 0) {
                let rows = block.rows.len();
                multiply_shared(
                    Assignment::Add,
                    columns(&delta[block.rows.start..], rows, entries, kept.rows),
                    transposed_operand(kept.z(block.signal), entries, block.columns, block.columns),
                    columns_mut(&mut gradient[block.gradient.clone()], rows, block.columns, rows),
                );
            }
        }
        self.has_signal = false;
        r
    }

    /// Brings A of every step to the block's end, and returns the chain of J over all of it: Q of equation (2).
    pub(super) fn chain<'r>(&mut self, layers: &[SpanLayer], room: &'r mut Room<T>) -> &'r [T] {
        let c = self.variables;
        let Room { chain: [q, next], influence, .. } = room;
        for window in (0..self.windows.len()).rev() {
            let jacobian = &self.jacobians[window * c * c..(window + 1) * c * c];
            if window + 1 == self.windows.len() {
                q.copy_from_slice(jacobian);
                continue;
            }
            for (layer, kept) in layers.iter().zip(&mut self.layers) {
                let (entries, height) = (kept.entries(&self.windows, window), kept.variables);
                let count = entries.len() * kept.rows;
                let place = entries.start * kept.rows * height..entries.end * kept.rows * height;
                let to = &mut influence[..count * height];
                let q = columns(&q[layer.first * c + layer.first..], height, height, c);
                multiply_hollow(q, &kept.influence[place.clone()], to);
                flush_tiny(to);
                kept.influence[place].copy_from_slice(to);
            }
            multiply_hollow(columns(q, c, c, c), jacobian, next);
            flush_tiny(next);
            std::mem::swap(q, next);
        }
        q
    }

    /// All of it has been moved into ε.
    pub(super) fn fold(&mut self) {
        self.clear();
        self.starts_here = false;
    }
}

impl BlockLength {
    /// Entries of a layer.
    pub(crate) fn entries(self, has_before: bool) -> usize {
        self.windows.saturating_mul(self.capacity.saturating_add(usize::from(has_before)))
    }
}

impl<T: Real> LayerBlock<T> {
    /// The entries of one of the windows.
    fn entries(&self, windows: &[u32], window: usize) -> std::ops::Range<usize> {
        let start = self.count(&windows[..window]);
        start..start + self.count(&windows[window..=window])
    }

    /// The number of entries of some windows.
    fn count(&self, windows: &[u32]) -> usize {
        windows.iter().map(|&steps| steps as usize + usize::from(self.has_before)).sum()
    }

    /// Values of A from one entry to the next.
    pub(super) fn entry(&self) -> usize {
        self.variables * self.rows
    }

    /// All entries.
    pub(super) fn all(&self) -> usize {
        self.one.len()
    }

    /// z of every entry.
    pub(super) fn z(&self, signal: Signal) -> &[T] {
        match signal {
            Signal::Input => &self.x,
            Signal::Output => &self.y,
            Signal::One => &self.one,
        }
    }
}

impl<T: Real> Room<T> {
    pub(super) fn new(network: &Network<T>, layers: &[SpanLayer], variables: usize, size: BlockLength) -> Self {
        let zeros = |count: usize| vec![T::zero(); count];
        let rows = |layer: &SpanLayer| network.layers[layer.index].activations();
        let delta =
            layers.iter().map(|layer| zeros(rows(layer) * size.entries(has_before(&network.layers[layer.index])))).collect();
        let most = layers.iter().map(|layer| rows(layer) * (variables - layer.first)).max().unwrap_or(0);
        let square = if size.windows > 1 { variables * variables } else { 0 };
        Self {
            signal: [zeros(variables), zeros(variables)],
            delta,
            chain: [zeros(variables * variables), zeros(square)],
            influence: zeros(if size.windows > 1 { most * (size.capacity + 1) } else { 0 }),
        }
    }
}

impl<T: Real> StepBlock<T> {
    /// What the block holds, by name; nothing where it holds nothing.
    pub(super) fn pass(&mut self, name: &str, layers: &[SpanLayer], book: &mut Book<'_>) -> Result<(), ConfigError> {
        let name = |what: &str| format!("{name}.{what}");
        let first = layers.first().map_or(0, |layer| layer.index);
        let of = |what: &str| name(&format!("layers.{first}.{what}"));
        if book.restores() {
            self.restart();
            if !book.has(&of("windows")) {
                self.starts_here = false;
                return Ok(());
            }
        } else if self.windows.is_empty() && !self.starts_here {
            return Ok(());
        }
        book.list(&of("windows"), &mut self.windows)?;
        let count = self.windows.len();
        let BlockLength { windows, capacity } = self.size;
        // A full block is moved into ε at once.
        if count >= windows || self.windows.iter().any(|&steps| !(1..=capacity).contains(&(steps as usize))) {
            let allowed = format!("fewer than {windows} windows of 1 to {capacity} steps");
            return Err(refused(&of("windows"), &format!("{:?}", self.windows), &allowed));
        }
        self.windows.reserve_exact(windows - count);
        book.array(&of("starts_here"), &[], std::slice::from_mut(&mut self.starts_here))?;
        let c = self.variables;
        book.array(&of("signal"), &[count + 1, c], &mut self.signals[..(count + 1) * c])?;
        self.has_signal = self.signals.iter().any(|signal| *signal != T::zero());
        self.jacobians.resize(count * c * c, T::zero());
        book.array(&of("jacobian"), &[count, c, c], &mut self.jacobians)?;
        for (layer, kept) in layers.iter().zip(&mut self.layers) {
            let of = |what: &str| name(&format!("layers.{}.{what}", layer.index));
            let entries = kept.count(&self.windows);
            let LayerBlock { variables, rows, inputs, units, .. } = *kept;
            kept.influence.resize(entries * rows * variables, T::zero());
            kept.x.resize(entries * inputs, T::zero());
            kept.y.resize(entries * units, T::zero());
            kept.one.resize(entries, T::zero());
            book.array(&of("influence"), &[entries, rows, variables], &mut kept.influence)?;
            book.array(&of("x"), &[entries, inputs], &mut kept.x)?;
            book.array(&of("y"), &[entries, units], &mut kept.y)?;
            book.array(&of("one"), &[entries], &mut kept.one)?;
        }
        Ok(())
    }
}
