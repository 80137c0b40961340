//! The readers of every format: what they make of sound files, and what they say of others.

mod event_lists;
mod front_end;
mod jsb_format;
mod language_format;
mod mnist_format;
mod nmnist_format;
mod own_folder;
mod own_format;
mod own_numpy;
mod own_ts;
mod speech_format;
