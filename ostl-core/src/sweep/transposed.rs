//! What brings signals down and back: the transposes of W and H, or fixed feedback in W's place.

use crate::linalg::real::Real;
use crate::method::feedback::FeedbackWeights;
use crate::method::{Carry, Edge, Feedback, Method, Update, Window};
use crate::network::Network;
use crate::network::layer::Layer;
use crate::sweep::turned::Turned;

/// Columns that a transpose is made for: with fewer before the weights change, products take the matrix where it lies.
const FEW: usize = 16;

/// The matrices that bring signals down: transposed weights, made once for as long as the weights stay the same, or fixed feedback.
#[derive(Clone, Debug)]
pub(crate) struct Transposed<T: Real> {
    /// For each layer what brings signals to the layer below, Wᵀ (`m × (x gates)·n`) or its stand-in, empty in the first layer, for
    /// whose inputs no adjoint is needed; and Hᵀ, `n × (y gates)·n`. Empty where weights are used in place.
    layers: Vec<(Vec<T>, Vec<T>)>,
    /// Weights are used where they lie.
    in_place: bool,
    pub(super) feedback: Feedback,
    /// How the adjoint of a window's first step reaches the step before, through H.
    pub(super) at_edge: ThroughH,
    is_current: bool,
}

/// What of Hᵀδ reaches the step before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThroughH {
    /// All of it.
    All,
    /// All of it, where the δ of an adjoint column is zero but for one unit: that of the column's number, counted modulo n.
    OwnUnit,
    /// What leads from each unit to itself.
    Itself,
    /// Nothing.
    None,
}

impl<T: Real> Transposed<T> {
    /// For lanes of up to `width` streams.
    pub(crate) fn new(network: &Network<T>, method: &Method, width: usize) -> Self {
        let fixed = FeedbackWeights::new(network, method);
        let in_place = Self::in_place(method, width);
        let layers = network.layers.iter().enumerate().map(|(index, layer)| {
            let down = match method.feedback {
                _ if index == 0 => Vec::new(),
                Feedback::Symmetric if in_place => Vec::new(),
                Feedback::Symmetric => vec![T::zero(); layer.w_range().len()],
                _ => fixed.below(index).iter().copied().collect(),
            };
            let h = layer.recurrent().filter(|_| !in_place).map_or(0, |layer| layer.h_range().len());
            (down, vec![T::zero(); h])
        });
        let at_edge = match (method.edge, method.carry_in_use()) {
            // Behind the window's edge there is nothing that it would matter to.
            (_, Carry::None) => ThroughH::None,
            (Edge::Heard, _) => ThroughH::All,
            (Edge::Cut, Carry::Snap(_)) => ThroughH::Itself,
            (Edge::Cut, _) => ThroughH::None,
        };
        Self { layers: layers.collect(), in_place, feedback: method.feedback, at_edge, is_current: false }
    }

    /// The same without any matrix.
    pub(crate) fn without_weights(&self) -> Self {
        let Self { in_place, feedback, at_edge, .. } = *self;
        Self { layers: Vec::new(), in_place, feedback, at_edge, is_current: false }
    }

    /// Whether the weights change before a transpose of them would be used for more than a few columns, and nothing walks back with more.
    pub(super) fn in_place(method: &Method, width: usize) -> bool {
        let has_one_column_a_stream = match method.carry_in_use() {
            Carry::None | Carry::Local | Carry::Postsynaptic | Carry::Presynaptic | Carry::Uoro(_) | Carry::LocalUoro(_) => {
                true
            }
            Carry::Snap(1) => method.window == Window::Steps(1),
            _ => false,
        };
        let is_short = matches!(method.window, Window::Steps(steps) if steps.saturating_mul(width) <= FEW);
        has_one_column_a_stream && is_short && method.update == Update::Window
    }

    /// What brings signals to the layer below: Wᵀ or its stand-in.
    pub(super) fn down<'a>(&'a self, network: &'a Network<T>, index: usize) -> Turned<'a, T> {
        match self.feedback {
            Feedback::Symmetric if self.in_place && index > 0 => {
                Turned::InPlace(&network.parameters[network.layers[index].w_range()])
            }
            _ => Turned::Made(&self.layers[index].0),
        }
    }

    /// Hᵀ of a recurrent layer.
    pub(super) fn h<'a>(&'a self, network: &'a Network<T>, index: usize) -> Turned<'a, T> {
        match network.layers[index].recurrent() {
            Some(layer) if self.in_place => Turned::InPlace(&network.parameters[layer.h_range()]),
            _ => Turned::Made(&self.layers[index].1),
        }
    }

    /// Puts other fixed matrices in the place of those that were drawn.
    pub(crate) fn set_fixed(&mut self, fixed: &FeedbackWeights<T>) {
        for (index, (down, _)) in self.layers.iter_mut().enumerate().skip(1) {
            down.iter_mut().zip(fixed.below(index).iter()).for_each(|(to, &from)| *to = from);
        }
    }

    /// The weights have changed.
    pub(crate) fn forget(&mut self) {
        self.is_current = false;
    }

    /// Follows the weights.
    pub(crate) fn update(&mut self, network: &Network<T>) {
        if std::mem::replace(&mut self.is_current, true) {
            return;
        }
        for (layer, (w, h)) in network.layers.iter().zip(&mut self.layers) {
            if self.feedback == Feedback::Symmetric {
                transpose(&network.parameters[layer.w_range()], layer.x_rows().len(), w);
            }
            if let Layer::Recurrent(layer) = layer {
                transpose(&network.parameters[layer.h_range()], layer.y_rows().len(), h);
            }
        }
    }
}

/// Writes the transpose of a matrix of `rows` rows. Nothing is written where it will not be read (`to` is empty).
fn transpose<T: Real>(from: &[T], rows: usize, to: &mut [T]) {
    if !to.is_empty() {
        transpose_into(from, rows, to, from.len() / rows);
    }
}

/// The same into columns that are `apart` from each other.
pub(crate) fn transpose_into<T: Real>(from: &[T], rows: usize, to: &mut [T], apart: usize) {
    let columns = from.len() / rows;
    // Blocks of 16 × 16, so that neither side strides through the cache.
    for j in (0..columns).step_by(16) {
        for i in (0..rows).step_by(16) {
            for (column, source) in from.chunks_exact(rows).enumerate().skip(j).take(16) {
                for row in i..rows.min(i + 16) {
                    to[row * apart + column] = source[row];
                }
            }
        }
    }
}
