//! What brings signals down and back: the transposes of W and H, or fixed feedback in W's place.

use serde::{Deserialize, Serialize};

use crate::linalg::real::Real;
use crate::method::feedback::FeedbackWeights;
use crate::method::{Carry, Edge, Feedback, Method};
use crate::network::Network;
use crate::network::layer::Layer;

/// The matrices that bring signals down: transposed weights, made once for as long as the weights stay the same, or fixed feedback.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Transposed<T: Real> {
    /// For each layer what brings signals to the layer below, Wᵀ (`m × (x gates)·n`) or its stand-in, empty in the first layer, whose
    /// inputs nobody asks about; and Hᵀ, `n × (y gates)·n`.
    pub(super) layers: Vec<(Vec<T>, Vec<T>)>,
    pub(super) feedback: Feedback,
    /// What the first step of a window wants of the step before, through H.
    pub(super) reach: Reach,
    is_current: bool,
}

/// How far the first step of a window reaches through H.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reach {
    /// To all units.
    All,
    /// Each unit to itself.
    Itself,
    /// To none.
    None,
}

impl<T: Real> Transposed<T> {
    pub(crate) fn new(network: &Network<T>, method: &Method) -> Self {
        let fixed = FeedbackWeights::new(network, method);
        let layers = network.layers.iter().enumerate().map(|(index, layer)| {
            let down = match method.feedback {
                _ if index == 0 => Vec::new(),
                Feedback::Symmetric => vec![T::zero(); layer.w_range().len()],
                _ => fixed.below(index).iter().copied().collect(),
            };
            let h = layer.recurrent().map_or(0, |layer| layer.h_range().len());
            (down, vec![T::zero(); h])
        });
        let reach = match (method.edge, method.carry_in_use()) {
            (Edge::Heard, _) => Reach::All,
            (Edge::Cut, Carry::Snap(_)) => Reach::Itself,
            (Edge::Cut, _) => Reach::None,
        };
        Self { layers: layers.collect(), feedback: method.feedback, reach, is_current: false }
    }

    /// A placeholder.
    pub(crate) fn nothing() -> Self {
        Self { layers: Vec::new(), feedback: Feedback::Symmetric, reach: Reach::All, is_current: false }
    }

    /// The fixed matrix that brings a layer's δ to the layer below in place of Wᵀ, if the method's feedback has one.
    pub(crate) fn fixed(&self, layer: usize) -> Option<&[T]> {
        (self.feedback == Feedback::Random).then(|| self.layers[layer].0.as_slice())
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

/// Writes the transpose of a matrix of `rows` rows. Nothing is written where nobody will read (`to` is empty).
fn transpose<T: Real>(from: &[T], rows: usize, to: &mut [T]) {
    if to.is_empty() {
        return;
    }
    let columns = from.len() / rows;
    // Blocks of 16 × 16, so that neither side strides through the cache.
    for j in (0..columns).step_by(16) {
        for i in (0..rows).step_by(16) {
            for (column, source) in from.chunks_exact(rows).enumerate().skip(j).take(16) {
                for row in i..rows.min(i + 16) {
                    to[row * columns + column] = source[row];
                }
            }
        }
    }
}
