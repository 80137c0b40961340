//! Which signals of a tape are listed.

use crate::linalg::real::Real;
use crate::network::Network;
use crate::network::layer::{Activation, Layer, Recurrent};
use crate::tape::events::Listing;

/// Which signals of a tape are lists of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lists {
    /// None.
    Nothing,
    /// Those that are sparse.
    Sparse,
    /// Those, and the network's inputs whatever they are, of which nothing else is kept.
    AllInputs,
    /// The network's inputs alone, whatever they are.
    InputsAlone,
}

impl Lists {
    /// What is listed where nothing is learned.
    pub(crate) fn forward_alone<T: Real>(network: &Network<T>) -> Self {
        if network.reads_events { Lists::AllInputs } else { Lists::Sparse }
    }

    fn of(self, can_be_silent: bool) -> Listing {
        match self {
            Lists::Sparse | Lists::AllInputs if can_be_silent => Listing::WhileSparse,
            _ => Listing::Never,
        }
    }
}

/// How what a layer reads from below is listed.
pub(crate) fn listing_below<T: Real>(network: &Network<T>, index: usize, lists: Lists) -> Listing {
    let below = index.checked_sub(1).map(|below| &network.layers[below]);
    lists.of(match below {
        None if matches!(lists, Lists::AllInputs | Lists::InputsAlone) => return Listing::All,
        None => true,
        Some(Layer::Recurrent(below)) => !below.dynamics.is_smooth(),
        Some(Layer::Dense(below)) => below.activation == Activation::Relu,
    })
}

/// How what a layer reads of its own outputs is listed.
pub(crate) fn listing_of_outputs<T: Real>(layer: &Recurrent<T>, lists: Lists) -> Listing {
    lists.of(!layer.y_gates.is_empty() && !layer.dynamics.is_smooth())
}
