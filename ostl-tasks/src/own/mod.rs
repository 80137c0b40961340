//! Data of one's own: arrays of NumPy, JSON Lines or `.ts` files, one documented format in three encodings. See "Your own data" in the book.

mod arrays;
mod class_names;
mod config;
mod folder;
mod guess;
mod held_out;
mod json_defects;
mod json_lines;
mod json_parts;
mod meant;
mod npz;
mod odd;
mod part;
mod task;
mod ts;
mod ts_header;
mod write;
mod write_json;
mod write_npz;

pub use class_names::Classes;
pub use config::OwnConfig;
pub use task::{Encoding, Own, Source};
pub use write::{Format, WriteError, write};

/// `1 value`, `2 values`.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
