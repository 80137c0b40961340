//! Recordings of events: which channel, and when. Event cameras, silicon cochleas, and any list of events.

mod binned;
pub mod binning;
pub mod lists;
mod manifest;
pub mod nmnist;
mod nmnist_files;
mod nmnist_places;
pub mod recordings;
mod remarks;
#[cfg(feature = "hdf5")]
pub mod shd;
mod shd_config;
#[cfg(feature = "hdf5")]
mod spike_file;
mod table;

pub use binning::{Bin, BinValue};
pub use lists::{EventLists, EventListsConfig};
pub use nmnist::{NMnist, NMnistConfig};
pub use recordings::{Recording, Recordings};
#[cfg(feature = "hdf5")]
pub use shd::{Shd, Ssc};
pub use shd_config::{ShdConfig, SscConfig};
