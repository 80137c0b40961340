//! What a sweep takes, before it is there: as `Sweep::new` and `Transposed::new` allocate it.

use crate::cell::filter::{Filter, Source};
use crate::linalg::real::Real;
use crate::method::{Feedback, Method};
use crate::network::Network;
use crate::network::layer::Layer;
use crate::refusal::{Count, count};
use crate::sweep::{Cuts, LayerAdjoints, Sweep, Transposed};

impl<T: Real> Sweep<T> {
    /// Bytes that the buffers of a sweep take.
    pub(crate) fn bytes(
        network: &Network<T>,
        filters: &[Vec<Filter>],
        method: &Method,
        streams: usize,
        (capacity, cuts): (usize, Cuts),
    ) -> Count {
        let layers = &network.layers;
        let starts = count(cuts.starts(capacity)) * streams;
        let mut values = Count(0);
        for (layer, filters) in layers.iter().zip(filters) {
            let n = count(layer.units());
            if let Layer::Recurrent(layer) = layer {
                values += n * (layer.states() + 1 + filters.len()) * starts;
                values += n * usize::from(layer.activity.rate.is_some()) * streams;
            }
            values += n * capacity * streams;
        }
        if method.feedback == Feedback::TargetProjection {
            values += count(network.outputs()) * capacity * streams;
        }
        let above = |(index, filters): (usize, &Vec<_>)| {
            let listens = filters.iter().any(|filter: &Filter| filter.source == Source::Above);
            layers.get(index + 1).filter(|_| listens)?.recurrent()
        };
        let folded = filters.iter().enumerate().filter_map(above);
        values += folded.map(|layer| starts * layer.states() * layer.units).max().unwrap_or_default();
        values * size_of::<T>()
    }
}

impl<T: Real> Transposed<T> {
    /// Bytes of the matrices: transposed weights, or fixed feedback in their place.
    pub(crate) fn bytes(network: &Network<T>, method: &Method, width: usize) -> Count {
        let in_place = Self::in_place(method, width);
        let layers = &network.layers;
        let x_rows = |layer: &Layer<T>| match layer {
            Layer::Recurrent(layer) => count(layer.units) * layer.x_gates.len(),
            Layer::Dense(layer) => count(layer.units),
        };
        let of = |(index, layer): (usize, &Layer<T>)| {
            let columns = match method.feedback {
                _ if index == 0 => Count(0),
                Feedback::Symmetric if in_place => Count(0),
                Feedback::Symmetric | Feedback::Random => x_rows(layer),
                Feedback::Direct => layers.last().map_or(Count(0), x_rows),
                Feedback::TargetProjection => count(network.outputs()),
            };
            let h = layer
                .recurrent()
                .filter(|_| !in_place)
                .map_or(Count(0), |layer| count(layer.units) * layer.units * layer.y_gates.len());
            columns * layer.inputs() + h
        };
        layers.iter().enumerate().map(of).sum::<Count>() * size_of::<T>()
    }
}

impl<T: Real> LayerAdjoints<T> {
    /// Values of `columns` adjoint columns of a layer.
    pub(crate) fn values(layer: &Layer<T>, columns: Count) -> Count {
        let of_unit = layer.recurrent().map_or(2, |layer| layer.states() + 2 + layer.gates());
        columns * layer.units() * of_unit
    }
}
