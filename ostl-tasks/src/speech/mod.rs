//! Speech: recordings, what is made of them for a network, and data sets of spoken words and phones.
//!
//! A [`Recording`] is read from RIFF WAVE ([`wav`]) or NIST SPHERE ([`sphere`]). A [front end](front_end) makes it a
//! list of frames, each with the same number of values: log-energies of mel bands, MFCC, or spikes where a band's energy crosses a level.
//! [`Fsdd`] and [`Timit`] are the tasks.

mod companding;
pub mod front_end;
pub mod fsdd;
mod guess;
mod inputs;
pub mod recording;
mod riff;
pub mod sphere;
pub mod timit;
pub mod wav;
mod wav_format;

pub use front_end::{FrontEnd, FrontEndConfig};
pub use fsdd::{Fsdd, FsddConfig};
pub use recording::Recording;
pub use timit::{Timit, TimitConfig};
