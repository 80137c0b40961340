//! Fixed random feedback: what brings learning signals down where the transposed weights do not.

use nalgebra::{DMatrixView, DMatrixViewMut};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::linalg::real::Real;
use crate::method::{Feedback, Method};
use crate::network::Network;
use crate::network::initialize::Initialization;
use crate::record::Book;
use crate::refusal::ConfigError;

/// Apart from the streams that starting weights are drawn from.
const STREAM: u64 = 1 << 32;

/// The fixed matrices B of a method on a network, drawn from its seed as weights are (Glorot & Bengio 2010).
///
/// For each layer above the first there is the matrix that brings its signal to the layer below, N units × what it is multiplied with: that
/// layer's δ ([`Feedback::Random`]), the readout's δ ([`Feedback::Direct`]) or the target ([`Feedback::TargetProjection`]).
#[derive(Clone, Debug, PartialEq)]
pub struct FeedbackWeights<T> {
    /// Units of the layer below, columns, and the values column by column.
    layers: Vec<(usize, usize, Vec<T>)>,
}

impl<T: Real> FeedbackWeights<T> {
    /// Those of a method on a network. With [`Feedback::Symmetric`] there are none, and every matrix is empty.
    #[inline(never)]
    pub fn new(network: &Network<T>, method: &Method) -> Self {
        let layers = network.layers.iter().enumerate().map(|(index, layer)| {
            let columns = match method.feedback {
                Feedback::Random => layer.x_rows().len(),
                Feedback::Direct => network.layers.last().map_or(0, |readout| readout.x_rows().len()),
                Feedback::TargetProjection => network.outputs(),
                Feedback::Symmetric => 0,
            };
            let units = if index == 0 { 0 } else { layer.inputs() };
            if units * columns == 0 {
                return (units, 0, Vec::new());
            }
            let mut random = ChaCha8Rng::seed_from_u64(method.seed);
            random.set_stream(STREAM + index as u64);
            let mut values = Vec::with_capacity(units * columns);
            Initialization::Glorot.draw(units, columns, &mut random, |_, _, value| values.push(T::from_f64(value)));
            (units, columns, values)
        });
        Self { layers: layers.collect() }
    }

    /// Rows and columns of the matrix below a layer; nothing where there is no such layer.
    pub(crate) fn shape(&self, layer: usize) -> [usize; 2] {
        self.layers.get(layer).map_or([0, 0], |(rows, columns, _)| [*rows, *columns])
    }

    /// The first value that is infinite or NaN.
    pub(crate) fn first_not_finite(&self) -> Option<T> {
        self.layers.iter().flat_map(|(_, _, values)| values).copied().find(|value| !value.is_finite())
    }

    /// The values by name, those of a layer as `[unit below][column]`.
    pub(crate) fn pass(&mut self, book: &mut Book<'_>) -> Result<(), ConfigError> {
        for (layer, (rows, columns, values)) in self.layers.iter_mut().enumerate().filter(|(_, (_, _, v))| !v.is_empty()) {
            let (rows, columns) = (*rows, *columns);
            let place = |index: usize| index % columns * rows + index / columns;
            book.placed(&format!("feedback.layers.{layer}"), &[rows, columns], values, &place)?;
        }
        Ok(())
    }

    /// The same matrix, to be changed before it is [handed over](crate::Engine::set_feedback).
    ///
    /// # Panics
    /// If there is no such layer.
    #[track_caller]
    pub fn below_mut(&mut self, layer: usize) -> DMatrixViewMut<'_, T> {
        let (rows, columns, values) = &mut self.layers[layer];
        DMatrixViewMut::from_slice(values, *rows, *columns)
    }

    /// The matrix that brings a layer's signal to the layer below it.
    ///
    /// # Panics
    /// If there is no such layer.
    #[track_caller]
    pub fn below(&self, layer: usize) -> DMatrixView<'_, T> {
        let (rows, columns, values) = &self.layers[layer];
        DMatrixView::from_slice(values, *rows, *columns)
    }
}
