//! What one layer did over a window.

use crate::cell::dynamics::{PartialsColumn, PartialsColumns, PartialsWindow};
use crate::linalg::real::Real;
use crate::network::layer::{Dense, Layer, Recurrent};
use crate::tape::events::Events;

/// The five partials of a recurrent layer over a window, as planes, column by column.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartialPlanes<T: Real> {
    pub(crate) ds_ds: Vec<T>,
    pub(crate) ds_dy: Vec<T>,
    pub(crate) ds_da: Vec<T>,
    pub(crate) dy_ds: Vec<T>,
    pub(crate) dy_da: Vec<T>,
}

impl<T: Real> PartialPlanes<T> {
    /// All columns.
    pub(crate) fn all(&self) -> PartialsColumn<'_, T> {
        PartialsColumn { ds_ds: &self.ds_ds, ds_dy: &self.ds_dy, ds_da: &self.ds_da, dy_ds: &self.dy_ds, dy_da: &self.dy_da }
    }

    /// One column of a layer of `n` units with `s` state variables and `g` gates.
    pub(crate) fn column(&self, column: usize, [n, s, g]: [usize; 3]) -> PartialsColumn<'_, T> {
        let planes = |count: usize| column * count * n..(column + 1) * count * n;
        PartialsColumn {
            ds_ds: &self.ds_ds[planes(s * s)],
            ds_dy: &self.ds_dy[planes(s)],
            ds_da: &self.ds_da[planes(s * g)],
            dy_ds: &self.dy_ds[planes(s)],
            dy_da: &self.dy_da[planes(g)],
        }
    }
}

/// The step before the window's first, as far as the window's gradient can still reach into it: y there is a function of s and
/// of that step's pre-activations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Boundary<T: Real> {
    /// x of that step: `m × streams`.
    pub(crate) inputs: Vec<T>,
    /// y before that step: `n × streams`.
    pub(crate) previous_output: Vec<T>,
    /// ∂y/∂s of that step: `S·n × streams`.
    pub(crate) dy_ds: Vec<T>,
    /// ∂y/∂a of that step: `G·n × streams`.
    pub(crate) dy_da: Vec<T>,
}

/// A recurrent layer over a window.
#[derive(Clone, Debug)]
pub(crate) struct RecurrentTape<T: Real> {
    /// s after the last step: `S·n × streams`.
    pub(crate) state: Vec<T>,
    /// y after the last step: `n × streams`.
    pub(crate) last_output: Vec<T>,
    /// s before the step at hand, zero where the stream was reset.
    pub(crate) previous_state: Vec<T>,
    /// y before each step, zero where the stream was reset: `n × columns`.
    pub(crate) previous_output: Vec<T>,
    /// Pre-activations a on the way forward; δ = ∂E/∂a after the sweep: `G·n × columns`.
    pub(crate) activation: Vec<T>,
    /// y: `n × columns`.
    pub(crate) output: Vec<T>,
    pub(crate) partials: PartialPlanes<T>,
    pub(crate) boundary: Boundary<T>,
    /// The events of y before each step: what H is multiplied with.
    pub(crate) previous_events: Events<T>,
    pub(crate) activity: ActivityTape<T>,
}

/// What activity terms need of a layer; empty without them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActivityTape<T: Real> {
    /// The firing rates after the last step: `n × streams`.
    pub(crate) rate: Vec<T>,
    /// The firing rates after each step: `n × columns`.
    pub(crate) rates: Vec<T>,
    /// The membrane potentials after each step: `n × columns`.
    pub(crate) potentials: Vec<T>,
}

impl<T: Real> RecurrentTape<T> {
    /// The events of y before each step, where the whole window was sparse.
    pub(crate) fn sparse_previous(&self) -> Option<&Events<T>> {
        Some(&self.previous_events).filter(|events| events.is_sparse())
    }

    /// The partials of all columns, and δ of them.
    pub(crate) fn partials_and_delta<'a>(
        &'a mut self,
        layer: &Recurrent<T>,
        [active, steps]: [usize; 2],
        not_reset: &'a [bool],
    ) -> (PartialsColumns<'a, T>, &'a mut [T]) {
        let partials = self.partials.all();
        (PartialsColumns { partials, not_reset, units: layer.units, steps, active }, &mut self.activation)
    }

    /// The partials of one stream.
    pub(crate) fn partials_of<'a>(
        &'a self,
        layer: &Recurrent<T>,
        stream: usize,
        active: usize,
        steps: usize,
        not_reset: &'a [bool],
    ) -> PartialsWindow<'a, T> {
        let (n, s, g) = (layer.units, layer.states(), layer.gates());
        let before = PartialsColumn {
            ds_ds: &[],
            ds_dy: &[],
            ds_da: &[],
            dy_ds: &self.boundary.dy_ds[stream * s * n..(stream + 1) * s * n],
            dy_da: &self.boundary.dy_da[stream * g * n..(stream + 1) * g * n],
        };
        PartialsWindow {
            all: PartialsColumns { partials: self.partials.all(), not_reset, units: n, steps, active },
            stream,
            before,
        }
    }
}

/// A stateless layer over a window.
#[derive(Clone, Debug, Default)]
pub(crate) struct DenseTape<T: Real> {
    /// y: `n × columns`.
    pub(crate) output: Vec<T>,
}

/// One layer over a window.
#[derive(Clone, Debug)]
pub(crate) enum LayerTape<T: Real> {
    Recurrent(Box<RecurrentTape<T>>),
    Dense(DenseTape<T>),
}

impl<T: Real> LayerTape<T> {
    pub(crate) fn output(&self) -> &[T] {
        match self {
            LayerTape::Recurrent(tape) => &tape.output,
            LayerTape::Dense(tape) => &tape.output,
        }
    }
}

/// A layer and what it did over a window.
pub(crate) enum LayerOnTape<'a, T: Real> {
    Recurrent(&'a Recurrent<T>, &'a RecurrentTape<T>),
    Dense(&'a Dense, &'a DenseTape<T>),
}

/// The same, with the tape to be written.
pub(crate) enum LayerOnTapeMut<'a, T: Real> {
    Recurrent(&'a Recurrent<T>, &'a mut RecurrentTape<T>),
    Dense(&'a Dense, &'a mut DenseTape<T>),
}

impl<'a, T: Real> LayerOnTape<'a, T> {
    /// # Panics
    /// If the tape was made for another kind of layer.
    #[track_caller]
    pub(crate) fn new(layer: &'a Layer<T>, tape: &'a LayerTape<T>) -> Self {
        match (layer, tape) {
            (Layer::Recurrent(layer), LayerTape::Recurrent(tape)) => Self::Recurrent(layer, tape),
            (Layer::Dense(layer), LayerTape::Dense(tape)) => Self::Dense(layer, tape),
            _ => panic!("a tape of another network"),
        }
    }
}

impl<'a, T: Real> LayerOnTapeMut<'a, T> {
    /// # Panics
    /// If the tape was made for another kind of layer.
    #[track_caller]
    pub(crate) fn new(layer: &'a Layer<T>, tape: &'a mut LayerTape<T>) -> Self {
        match (layer, tape) {
            (Layer::Recurrent(layer), LayerTape::Recurrent(tape)) => Self::Recurrent(layer, tape),
            (Layer::Dense(layer), LayerTape::Dense(tape)) => Self::Dense(layer, tape),
            _ => panic!("a tape of another network"),
        }
    }
}
