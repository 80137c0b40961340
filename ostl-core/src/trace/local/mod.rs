//! The `local` carry: each unit keeps its own parameters' influence on its own state (OSTL "without H"; Bohnstingl et al. 2022).
//!
//! Per unit, ε ← C ε + Σ_t A_t z_tᵀ with C = ∂s_end/∂s_start an S × S block and A_t = ∂s_end/∂a_t, both without any path through
//! H or other layers. Here C, A and σ are found, lane by lane; the pass over the traces themselves is
//! [`kernel`](kernel), called part by part by [`accumulate`](crate::engine::accumulate). Exact where H is absent or diagonal and no
//! recurrent layer lies above; parameters of stateless layers *below* a recurrent layer have no trace here, and only their influence
//! inside the window counts.

pub(crate) mod kernel;
mod named;

use self::kernel::SLOTS;
use crate::cell::dynamics::Paths;
use crate::cell::filter::{Filter, Source};
use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::network::Network;
use crate::network::layer::Layer;
use crate::sweep::Sweep;
use crate::sweep::immediate::{folded_signal, set_edge};
use crate::tape::{LayerTape, Tape};

/// What one lane's window leaves for the traces.
#[derive(Clone, Debug)]
pub(crate) struct LanePaths<T: Real> {
    layers: Vec<Option<LayerPaths<T>>>,
    /// 1 for every stream: z of the constants at the step before the window.
    ones: Vec<T>,
}

/// One recurrent layer of it, stream after stream.
#[derive(Clone, Debug, Default)]
struct LayerPaths<T: Real> {
    /// δ of the step before the window, through y alone: `G·n × streams`; empty where y is carried or nothing is.
    edge: Vec<T>,
    /// There is a trace for each unit.
    is_traced: bool,
    /// Leaky sums of the outputs, whose influence is traced beside that of s.
    filters: Vec<Filter>,
    /// For each gate that sums outputs, each unit's own connection in H: planes of n; empty where the trace leaves it out.
    own: Vec<T>,
    /// The gates whose influence on s lasts.
    traced: Vec<usize>,
    capacity: usize,
    /// Room for slots: how many windows a column of a trace can be left alone, and one more ([`kernel`](kernel)).
    most_slots: usize,
    /// Slots in use.
    slots: usize,
    /// R for each slot: σ, the adjoint of s at the start of the windows since: S planes of whole panels of units.
    signal: Vec<T>,
    /// S for each slot: C of the windows since, S·S planes of whole panels.
    jacobian: Vec<T>,
    /// A: see [`Paths`].
    influence: Vec<T>,
    /// A of the window's steps again, step by step, where events pick single steps of it.
    by_step: Vec<T>,
}

/// R, S and A of one layer, stream after stream.
#[derive(Clone, Copy)]
pub(crate) struct PathsView<'a, T> {
    pub(crate) slots: usize,
    pub(crate) most_slots: usize,
    pub(crate) signal: &'a [T],
    pub(crate) jacobian: &'a [T],
    pub(crate) influence: &'a [T],
    pub(crate) by_step: &'a [T],
}

impl<T: Real> LanePaths<T> {
    /// `kinds` say what each recurrent layer's traces ask of a window.
    pub(crate) fn new(network: &Network<T>, streams: usize, capacity: usize, kinds: &[Option<Kind>]) -> Self {
        let layer = |(index, layer): (usize, &Layer<T>)| {
            let (layer, kind) = (layer.recurrent()?, kinds[index].as_ref()?);
            let (n, g) = (layer.units.next_multiple_of(TILE), layer.gates());
            let mut paths = LayerPaths::default();
            if kind.has_edge() && layer.dynamics.gates().iter().any(|gate| gate.drives_output) {
                paths.edge = vec![T::zero(); g * layer.units * streams];
            }
            if let Kind::Traced { deferral, filters, reads_own_output } = kind {
                let v = layer.states() + filters.len();
                paths.is_traced = true;
                paths.most_slots = if *deferral == Deferral::ToTheEnd && v == 1 { SLOTS } else { 1 };
                paths.traced = (0..g).filter(|&g| layer.is_traced(g, !filters.is_empty() || *reads_own_output)).collect();
                paths.capacity = capacity;
                paths.signal = vec![T::zero(); v * n * paths.most_slots * streams];
                paths.jacobian = vec![T::zero(); v * v * n * paths.most_slots * streams];
                paths.influence = vec![T::zero(); v * paths.traced.len() * n * (capacity + 1) * streams];
                if v == 1 {
                    paths.by_step = vec![T::zero(); paths.traced.len() * n * capacity * streams];
                }
                paths.filters = filters.clone();
                if *reads_own_output {
                    paths.own = vec![T::zero(); layer.y_gates.len() * layer.units];
                }
            }
            Some(paths)
        };
        Self { layers: network.layers.iter().enumerate().map(layer).collect(), ones: vec![T::one(); streams] }
    }

    /// Finds σ, C and A after the window's own sweep.
    pub(crate) fn follow(&mut self, network: &Network<T>, tape: &Tape<T>, sweep: &Sweep<T>, continues: &[bool]) {
        for (index, paths) in self.layers.iter_mut().enumerate() {
            let (Some(paths), Layer::Recurrent(layer), LayerTape::Recurrent(layer_tape)) =
                (paths, &network.layers[index], &tape.layers[index])
            else {
                continue;
            };
            let sweep = &sweep.layers[index];
            if !paths.edge.is_empty() {
                set_edge(layer, &layer_tape.boundary, sweep, tape.active, &mut paths.edge);
            }
            if !paths.is_traced {
                continue;
            }
            let (n, states) = (layer.units.next_multiple_of(TILE), layer.states());
            let s = states + paths.filters.len();
            let (influences, most) = (s * paths.traced.len() * n * (paths.capacity + 1), paths.most_slots);
            for (g, own) in paths.own.chunks_exact_mut(layer.units).enumerate() {
                let rows = layer.y_rows().len();
                for (i, own) in own.iter_mut().enumerate() {
                    *own = network.parameters[layer.h + i * rows + g * layer.units + i];
                }
            }
            paths.open_slot();
            let newest = paths.slots - 1;
            let has_events = tape.events_below(index).is_some() || layer_tape.sparse_previous().is_some();
            for (b, &continues) in continues.iter().enumerate() {
                let signals = &mut paths.signal[b * most * s * n..(b + 1) * most * s * n];
                let jacobians = &mut paths.jacobian[b * most * s * s * n..(b + 1) * most * s * s * n];
                let (of_states, of_filters) = signals[newest * s * n..(newest + 1) * s * n].split_at_mut(states * n);
                let y_is_carried = paths.filters.iter().any(|filter| filter.source == Source::Itself);
                folded_signal(layer, &layer_tape.boundary, sweep, b, y_is_carried, of_states);
                for (place, (filter, adjoint)) in of_filters.chunks_exact_mut(n).zip(&sweep.filters) {
                    let adjoint = if filter.source == Source::Itself { &sweep.to_output } else { adjoint };
                    place[..layer.units].copy_from_slice(&adjoint[b * layer.units..(b + 1) * layer.units]);
                }
                if continues {
                    layer.dynamics.paths(
                        layer_tape.partials_of(layer, b, tape.active, tape.steps, &tape.not_reset),
                        Paths {
                            traced: &paths.traced,
                            filters: &paths.filters,
                            own: &paths.own,
                            capacity: paths.capacity,
                            jacobian: &mut jacobians[newest * s * s * n..(newest + 1) * s * s * n],
                            influence: &mut paths.influence[b * influences..(b + 1) * influences],
                        },
                    );
                }
                age_slots(signals, jacobians, newest, n, continues);
                if continues && s == 1 && has_events {
                    let influence = &paths.influence[b * influences..(b + 1) * influences];
                    let size = paths.by_step.len() / self.ones.len();
                    step_by_step(influence, paths.capacity, tape.steps, n, &mut paths.by_step[b * size..(b + 1) * size]);
                }
            }
        }
    }

    /// As a window of no steps: adjoints are zero and nothing moves on, but columns last touched in the last window get a slot.
    pub(crate) fn pass_empty_window(&mut self) {
        for paths in self.layers.iter_mut().flatten().filter(|paths| paths.is_traced) {
            paths.open_slot();
            let (most, newest) = (paths.most_slots, paths.slots - 1);
            let plane = paths.signal.len() / self.ones.len() / most;
            for signals in paths.signal.chunks_exact_mut(most * plane) {
                signals[newest * plane..(newest + 1) * plane].fill(T::zero());
            }
        }
    }

    /// Units receive their own y through H, so that what moved y at the step before the window is felt in it.
    pub(crate) fn reads_own_output(&self, layer: usize) -> bool {
        self.layers[layer].as_ref().is_some_and(|paths| !paths.own.is_empty())
    }

    /// δ of the step before the window, where the layer has an edge.
    pub(crate) fn edge(&self, layer: usize) -> Option<&[T]> {
        self.layers[layer].as_ref().map(|paths| paths.edge.as_slice()).filter(|edge| !edge.is_empty())
    }

    /// σ, C and A of a layer.
    pub(crate) fn of(&self, layer: usize) -> PathsView<'_, T> {
        match &self.layers[layer] {
            Some(paths) => PathsView {
                slots: paths.slots,
                most_slots: paths.most_slots,
                signal: &paths.signal,
                jacobian: &paths.jacobian,
                influence: &paths.influence,
                by_step: &paths.by_step,
            },
            None => PathsView { slots: 0, most_slots: 0, signal: &[], jacobian: &[], influence: &[], by_step: &[] },
        }
    }

    /// 1 for each of `streams` streams.
    pub(crate) fn ones(&self, streams: usize) -> &[T] {
        &self.ones[..streams]
    }
}

impl<T: Real> LayerPaths<T> {
    /// A slot for what was touched in the last window; when all are used up everything has just been touched, and they start over.
    fn open_slot(&mut self) {
        self.slots = if self.slots == self.most_slots { 1 } else { self.slots + 1 };
    }
}

/// What the newest window, whose adjoint is σ and which moves on by C, means for columns that were last touched before:
/// R ← R + σ S, S ← C S. One stream of a layer whose units have one state variable, planes of `n`.
fn age_slots<T: Real>(signals: &mut [T], jacobians: &mut [T], newest: usize, n: usize, continues: bool) {
    if newest == 0 {
        return;
    }
    let (older_signals, signal) = signals.split_at_mut(newest * n);
    let (older_jacobians, jacobian) = jacobians.split_at_mut(newest * n);
    for (r, s) in older_signals.chunks_exact_mut(n).zip(older_jacobians.chunks_exact_mut(n)) {
        for (((r, s), &sigma), &c) in r.iter_mut().zip(s).zip(signal.iter()).zip(jacobian.iter()) {
            *r += sigma * *s;
            if continues {
                *s *= c;
            }
        }
    }
}

/// Brings A from panels of 16 units to steps of `n` units, gate by gate; the step before the window stays behind.
fn step_by_step<T: Real>(influence: &[T], capacity: usize, steps: usize, n: usize, to: &mut [T]) {
    for (gate, to) in to.chunks_exact_mut(capacity * n).enumerate() {
        for (panel, from) in
            influence[gate * n * (capacity + 1)..].chunks_exact((capacity + 1) * TILE).take(n / TILE).enumerate()
        {
            for (step, a) in from.chunks_exact(TILE).skip(1).take(steps).enumerate() {
                to[step * n + panel * TILE..][..TILE].copy_from_slice(a);
            }
        }
    }
}

/// What a recurrent layer's traces ask of a window.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Nothing.
    Nothing,
    /// δ of the step before the window, through y alone.
    Edge,
    /// That, and σ, C and A for a trace that each unit keeps for itself.
    Traced {
        deferral: Deferral,
        filters: Vec<Filter>,
        /// The unit's own connection in H counts as its own: SnAp-1 in windows of one step.
        reads_own_output: bool,
    },
}

impl Kind {
    fn has_edge(&self) -> bool {
        match self {
            Kind::Nothing => false,
            Kind::Edge => true,
            // Where y is carried beside s nothing of it is left for the edge.
            Kind::Traced { filters, .. } => filters.iter().all(|filter| filter.source != Source::Itself),
        }
    }
}

/// How long a gradient can wait for what a trace adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deferral {
    /// Not beyond the window.
    None,
    /// Until the sequence ends.
    ToTheEnd,
}
