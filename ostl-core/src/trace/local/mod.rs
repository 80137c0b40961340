//! The `local` carry: each unit keeps its own parameters' influence on its own state (OSTL "without H"; Bohnstingl et al. 2022).
//!
//! Per unit, ε ← C ε + Σ_t A_t z_tᵀ with C = ∂s_end/∂s_start an S × S block and A_t = ∂s_end/∂a_t, both without any path through
//! H or other layers. Here C, A and σ are found, lane by lane; the pass over the traces themselves is
//! [`kernel`](kernel), called part by part by [`accumulate`](crate::engine::accumulate). Exact where H is absent or diagonal and no
//! recurrent layer lies above; parameters of stateless layers *below* a recurrent layer have no trace here, and only their influence
//! inside the window counts.

pub(crate) mod kernel;

use crate::cell::dynamics::{Across, Paths};
use crate::cell::filter::{Filter, Source};
use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::network::Network;
use crate::network::layer::Layer;
use crate::sweep::immediate::{folded_signal, set_edge};
use crate::sweep::{LayerSweep, Sweep};
use crate::tape::{LayerTape, Tape};

/// What one lane's window leaves for the traces.
#[derive(Clone, Debug)]
pub(crate) struct LanePaths<T: Real> {
    layers: Vec<Option<LayerPaths<T>>>,
    /// 1 for every stream: z of the constants at the step before the window.
    ones: Vec<T>,
    /// Most steps of a window.
    capacity: usize,
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
    /// Room for adjoints on the way back over the windows of a block.
    adjoints: Vec<T>,
    /// σ, the adjoint of s at the start of the window: S planes of whole panels of units.
    signal: Vec<T>,
    /// C: S·S planes of whole panels.
    jacobian: Vec<T>,
    /// A: see [`Paths`].
    influence: Vec<T>,
}

/// σ, C and A of one layer, stream after stream.
#[derive(Clone, Copy)]
pub(crate) struct PathsView<'a, T> {
    pub(crate) signal: &'a [T],
    pub(crate) jacobian: &'a [T],
    pub(crate) influence: &'a [T],
}

/// C and A of one stream of a layer, which move its traces on over a window.
#[derive(Clone, Copy)]
pub(crate) struct StreamPaths<'a, T> {
    /// The gates whose influence lasts.
    pub(crate) traced: &'a [usize],
    jacobian: &'a [T],
    influence: &'a [T],
    variables: usize,
    /// Units, in whole panels.
    padded: usize,
    /// Entries of A that there is room for: one before the window and one for each step.
    steps: usize,
}

impl<T: Real> StreamPaths<'_, T> {
    /// ∂v_end/∂v_start of every unit, from one variable to another.
    pub(crate) fn jacobian(&self, end: usize, start: usize) -> &[T] {
        let place = (end * self.variables + start) * self.padded;
        &self.jacobian[place..place + self.padded]
    }

    /// ∂v_end/∂a of the unit's traced gate `k` at an entry: the step before the window, then its steps.
    pub(crate) fn influence(&self, end: usize, k: usize, unit: usize, entry: usize) -> T {
        let panel = (end * self.traced.len() + k) * (self.padded / TILE) + unit / TILE;
        self.influence[(panel * self.steps + entry) * TILE + unit % TILE]
    }
}

impl<T: Real> LanePaths<T> {
    /// `kinds` say what each recurrent layer's traces ask of a window.
    pub(crate) fn new(network: &Network<T>, streams: usize, kinds: &[Option<Kind>]) -> Self {
        let layer = |(index, layer): (usize, &Layer<T>)| {
            let (layer, kind) = (layer.recurrent()?, kinds[index].as_ref()?);
            let (n, g) = (layer.units.next_multiple_of(TILE), layer.gates());
            let mut paths = LayerPaths::default();
            if kind.has_edge() && layer.dynamics.gates().iter().any(|gate| gate.drives_output) {
                paths.edge = vec![T::zero(); g * layer.units * streams];
            }
            if let Kind::Traced { filters, reads_own_output } = kind {
                let v = layer.states() + filters.len();
                paths.is_traced = true;
                paths.traced = (0..g).filter(|&g| layer.is_traced(g, !filters.is_empty() || *reads_own_output)).collect();
                paths.adjoints = vec![T::zero(); (v + 1) * layer.units * streams];
                paths.signal = vec![T::zero(); v * n * streams];
                paths.jacobian = vec![T::zero(); v * v * n * streams];
                paths.filters = filters.clone();
                if *reads_own_output {
                    paths.own = vec![T::zero(); layer.y_gates.len() * layer.units];
                }
            }
            Some(paths)
        };
        let layers = network.layers.iter().enumerate().map(layer).collect();
        Self { layers, ones: vec![T::one(); streams], capacity: 0 }
    }

    /// Makes room for windows of `steps` steps.
    pub(crate) fn reserve(&mut self, steps: usize) {
        if steps > self.capacity {
            self.capacity = steps;
            for paths in self.layers.iter_mut().flatten().filter(|paths| paths.is_traced) {
                // V planes of whole panels of units, for every stream.
                let of_a_step = paths.signal.len() * paths.traced.len();
                paths.influence.resize(of_a_step * (steps + 1), T::zero());
            }
        }
    }

    /// Most steps of a window.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Finds σ, C and A after the window's own sweep. Where the tape holds several windows, what each asks of the steps before it is added to their
    /// δ first, and σ is that of all of them.
    pub(crate) fn follow(&mut self, network: &Network<T>, tape: &mut Tape<T>, sweep: &mut Sweep<T>, continues: &[bool]) {
        let (active, steps, capacity) = (tape.active, tape.steps, self.capacity);
        let cut = sweep.cut_of(steps).filter(|_| !tape.is_without_error());
        for (index, paths) in self.layers.iter_mut().enumerate() {
            let (Some(paths), Layer::Recurrent(layer), LayerTape::Recurrent(layer_tape)) =
                (paths, &network.layers[index], &mut tape.layers[index])
            else {
                continue;
            };
            for (g, own) in paths.own.chunks_exact_mut(layer.units).enumerate() {
                let rows = layer.y_rows().len();
                for (i, own) in own.iter_mut().enumerate() {
                    *own = network.parameters[layer.h + i * rows + g * layer.units + i];
                }
            }
            let sweep = &mut sweep.layers[index];
            if let Some(cut) = cut.filter(|_| paths.is_traced) {
                let (window, delta) = layer_tape.partials_and_delta(layer, [active, steps], &tape.not_reset);
                let LayerSweep { to_state, to_output, filters, .. } = &mut *sweep;
                let (own, adjoints) = (&paths.own, &mut paths.adjoints);
                layer.dynamics.across(window, Across { filters, own, cut, to_state, to_output, adjoints, delta });
            }
            if !paths.edge.is_empty() {
                set_edge(layer, &layer_tape.boundary, sweep, active, &mut paths.edge);
            }
            if !paths.is_traced {
                continue;
            }
            let (n, states) = (layer.units.next_multiple_of(TILE), layer.states());
            let v = states + paths.filters.len();
            let influences = v * paths.traced.len() * n * (capacity + 1);
            let y_is_carried = paths.filters.iter().any(|filter| filter.source == Source::Itself);
            for (b, &continues) in continues.iter().enumerate() {
                let (of_states, of_filters) = paths.signal[b * v * n..(b + 1) * v * n].split_at_mut(states * n);
                folded_signal(layer, &layer_tape.boundary, sweep, b, y_is_carried, of_states);
                for (place, (filter, adjoint)) in of_filters.chunks_exact_mut(n).zip(&sweep.filters) {
                    let adjoint = if filter.source == Source::Itself { &sweep.to_output } else { adjoint };
                    place[..layer.units].copy_from_slice(&adjoint[b * layer.units..(b + 1) * layer.units]);
                }
                if continues {
                    layer.dynamics.paths(
                        layer_tape.partials_of(layer, b, active, steps, &tape.not_reset),
                        Paths {
                            traced: &paths.traced,
                            filters: &paths.filters,
                            own: &paths.own,
                            capacity,
                            jacobian: &mut paths.jacobian[b * v * v * n..(b + 1) * v * v * n],
                            influence: &mut paths.influence[b * influences..(b + 1) * influences],
                        },
                    );
                }
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
            Some(LayerPaths { signal, jacobian, influence, .. }) => PathsView { signal, jacobian, influence },
            None => PathsView { signal: &[], jacobian: &[], influence: &[] },
        }
    }

    /// C and A of one stream of a layer whose units keep traces of their own.
    pub(crate) fn of_stream(&self, layer: usize, b: usize) -> StreamPaths<'_, T> {
        let Some(paths) = self.layers[layer].as_ref().filter(|paths| paths.is_traced) else {
            return StreamPaths { traced: &[], jacobian: &[], influence: &[], variables: 0, padded: 0, steps: 0 };
        };
        let variables = paths.jacobian.len() / paths.signal.len();
        let streams = self.ones.len();
        let of = |values: &'_ [T]| values.len() / streams;
        let (jacobian, influence) = (of(&paths.jacobian), of(&paths.influence));
        StreamPaths {
            traced: &paths.traced,
            jacobian: &paths.jacobian[b * jacobian..(b + 1) * jacobian],
            influence: &paths.influence[b * influence..(b + 1) * influence],
            variables,
            padded: paths.signal.len() / (variables * streams),
            steps: self.capacity + 1,
        }
    }

    /// 1 for each of `streams` streams.
    pub(crate) fn ones(&self, streams: usize) -> &[T] {
        &self.ones[..streams]
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
