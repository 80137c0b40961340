//! The window's edge: the part of y before the window that does not go through s is an immediate term of the step before.
//!
//! y_{t₀} = f(s_{t₀}, a_{t₀}), so the adjoint of y_{t₀} reaches s_{t₀} through ∂y/∂s (and the trace) and the
//! parameters through ∂y/∂a and z of that very step.

use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::network::layer::Recurrent;
use crate::sweep::LayerSweep;
use crate::tape::Boundary;

/// δ_{t₀} = (∂E/∂y_{t₀})·(∂y_{t₀}/∂a_{t₀}) of the gates that drive the output, `G·n × active`. A stream that was reset before the
/// window's first step has a zero adjoint of y_{t₀}, so nothing flows there.
pub(crate) fn set_edge<T: Real>(
    layer: &Recurrent<T>,
    boundary: &Boundary<T>,
    sweep: &LayerSweep<T>,
    active: usize,
    edge: &mut [T],
) {
    let (n, gates) = (layer.units, layer.gates());
    for (g, _) in layer.dynamics.gates().iter().enumerate().filter(|(_, gate)| gate.drives_output) {
        for b in 0..active {
            let place = (b * gates + g) * n..(b * gates + g + 1) * n;
            set_product(&mut edge[place.clone()], &sweep.to_output[b * n..(b + 1) * n], &boundary.dy_da[place]);
        }
    }
}

/// The adjoint of s_{t₀} when y_{t₀} is folded into it: ∂E/∂s at fixed y, plus ∂E/∂y·∂y/∂s unless y is carried itself. One
/// stream: S planes, as long as `to` has room for, of which the first n values count.
pub(crate) fn folded_signal<T: Real>(
    layer: &Recurrent<T>,
    boundary: &Boundary<T>,
    sweep: &LayerSweep<T>,
    b: usize,
    y_is_carried: bool,
    to: &mut [T],
) {
    let dy_ds = if y_is_carried { None } else { Some(boundary.dy_ds.as_slice()) };
    folded_signal_at(layer, dy_ds, sweep, [b, b], to);
}

/// The same at any window's start: `place` is the start's and the stream's column in the sweep, `at` that in ∂y/∂s of the step before.
pub(super) fn folded_signal_at<T: Real>(
    layer: &Recurrent<T>,
    dy_ds: Option<&[T]>,
    sweep: &LayerSweep<T>,
    [place, at]: [usize; 2],
    to: &mut [T],
) {
    let (n, s) = (layer.units, layer.states());
    let plane = to.len() / s;
    debug_assert!(plane == n || plane == n.next_multiple_of(TILE));
    for (v, to) in to.chunks_exact_mut(plane).enumerate() {
        let planes = |column: usize| (column * s + v) * n..(column * s + v + 1) * n;
        to[..n].copy_from_slice(&sweep.to_state[planes(place)]);
        let Some(dy_ds) = dy_ds else { continue };
        let products = sweep.to_output[place * n..(place + 1) * n].iter().zip(&dy_ds[planes(at)]);
        for (to, (&to_y, &dy_ds)) in to.iter_mut().zip(products) {
            *to += to_y * dy_ds;
        }
    }
}

/// x = y ⊙ z.
fn set_product<T: Real>(x: &mut [T], y: &[T], z: &[T]) {
    for ((x, &y), &z) in x.iter_mut().zip(y).zip(z) {
        *x = y * z;
    }
}
