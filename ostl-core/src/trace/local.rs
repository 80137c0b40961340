//! The `local` carry: each unit keeps its own parameters' influence on its own state (OSTL "without H"; Bohnstingl et al. 2022).
//!
//! Per unit, ε ← C ε + Σ_t A_t z_tᵀ with C = ∂s_end/∂s_start an S × S block and A_t = ∂s_end/∂a_t, both without any path through
//! H or other layers. Here C, A and σ are found, lane by lane; the pass over the traces themselves is
//! [`kernel::trace`](crate::kernel::trace), called part by part by [`accumulate`](crate::accumulate). Exact where H is absent or diagonal and no
//! recurrent layer lies above; parameters of stateless layers *below* a recurrent layer have no trace here, and only their influence
//! inside the window counts.

use serde::{Deserialize, Serialize};

use super::immediate::{folded_signal, set_edge};
use crate::dynamics::Paths;
use crate::kernel::tile::TILE;
use crate::layer::{Layer, Recurrent};
use crate::network::Network;
use crate::real::Real;
use crate::sweep::Sweep;
use crate::window::{LayerTape, Tape};

/// What one lane's window leaves for the traces.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct LanePaths<T: Real> {
    layers: Vec<Option<LayerPaths<T>>>,
    /// 1 for every stream: z of the constants at the step before the window.
    ones: Vec<T>,
}

/// One recurrent layer of it, stream after stream.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(bound = "")]
struct LayerPaths<T: Real> {
    /// δ of the step before the window, through y alone: `G·n × streams`; empty where y is carried or nothing is.
    edge: Vec<T>,
    /// There is a trace for each unit.
    is_traced: bool,
    /// The gates whose influence on s lasts.
    traced: Vec<usize>,
    capacity: usize,
    /// σ: what the window wants of s at its start: S planes of whole panels of units.
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

impl<T: Real> LanePaths<T> {
    /// For layers of which `has_edge` says whether they have an edge; with everything for local traces if `traced`.
    pub(super) fn new(
        network: &Network<T>,
        streams: usize,
        capacity: usize,
        traced: bool,
        has_edge: impl Fn(&Recurrent<T>) -> bool,
    ) -> Self {
        let layer = |layer: &Layer<T>| {
            let layer = layer.recurrent()?;
            let (n, s, g) = (layer.units.next_multiple_of(TILE), layer.states(), layer.gates());
            let mut paths = LayerPaths::default();
            if has_edge(layer) && layer.dynamics.gates().iter().any(|gate| gate.drives_output) {
                paths.edge = vec![T::zero(); g * layer.units * streams];
            }
            if traced {
                paths.is_traced = true;
                paths.traced = (0..g).filter(|&g| layer.is_traced(g)).collect();
                paths.capacity = capacity;
                paths.signal = vec![T::zero(); s * n * streams];
                paths.jacobian = vec![T::zero(); s * s * n * streams];
                paths.influence = vec![T::zero(); s * paths.traced.len() * n * (capacity + 1) * streams];
            }
            Some(paths)
        };
        Self { layers: network.layers.iter().map(layer).collect(), ones: vec![T::one(); streams] }
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
                set_edge(layer, &layer_tape.boundary, sweep, tape.live, &mut paths.edge);
            }
            if !paths.is_traced {
                continue;
            }
            let (n, s) = (layer.units.next_multiple_of(TILE), layer.states());
            let influences = s * paths.traced.len() * n * (paths.capacity + 1);
            for (b, &continues) in continues.iter().enumerate() {
                let signal = &mut paths.signal[b * s * n..(b + 1) * s * n];
                folded_signal(layer, &layer_tape.boundary, sweep, b, signal);
                if continues {
                    layer.dynamics.paths(
                        layer_tape.partials_of(layer, b, tape.live, tape.steps, &tape.goes_on),
                        Paths {
                            traced: &paths.traced,
                            capacity: paths.capacity,
                            jacobian: &mut paths.jacobian[b * s * s * n..(b + 1) * s * s * n],
                            influence: &mut paths.influence[b * influences..(b + 1) * influences],
                        },
                    );
                }
            }
        }
    }

    /// δ of the step before the window, where the layer has an edge.
    pub(crate) fn edge(&self, layer: usize) -> Option<&[T]> {
        self.layers[layer].as_ref().map(|paths| paths.edge.as_slice()).filter(|edge| !edge.is_empty())
    }

    /// σ, C and A of a layer.
    pub(crate) fn of(&self, layer: usize) -> PathsView<'_, T> {
        match &self.layers[layer] {
            Some(paths) => PathsView { signal: &paths.signal, jacobian: &paths.jacobian, influence: &paths.influence },
            None => PathsView { signal: &[], jacobian: &[], influence: &[] },
        }
    }

    /// 1 for each of so many streams.
    pub(crate) fn ones(&self, streams: usize) -> &[T] {
        &self.ones[..streams]
    }
}
