//! What units' own traces put off, by name: the windows since a column was last touched.

use super::LanePaths;
use crate::linalg::real::Real;
use crate::linalg::tile::TILE;
use crate::network::Network;
use crate::record::{Book, Streams, refused};
use crate::refusal::ConfigError;

impl<T: Real> LanePaths<T> {
    /// For every slot in use the adjoint of s from the windows since, and what they leave of it. Nothing where nothing is deferred.
    pub(crate) fn pass(&mut self, network: &Network<T>, lane: Streams, book: &mut Book<'_>) -> Result<(), ConfigError> {
        for (index, paths) in self.layers.iter_mut().enumerate() {
            let Some(paths) = paths.as_mut().filter(|paths| paths.most_slots > 1) else { continue };
            let name = |name: &str| format!("deferred.layers.{index}.{name}");
            let n = network.layers[index].units().next_multiple_of(TILE);
            let mut slots = vec![paths.slots as u32; lane.count];
            book.streams(&name("windows"), lane, &[], &mut slots)?;
            if slots.iter().any(|&of_stream| of_stream != slots[0] || of_stream as usize > paths.most_slots) {
                let allowed = format!("the same number for streams side by side, at most {}", paths.most_slots);
                return Err(refused(&name("windows"), &format!("{slots:?}"), &allowed));
            }
            paths.slots = slots.first().map_or(0, |&slots| slots as usize);
            book.streams(&name("signal"), lane, &[paths.most_slots, n], &mut paths.signal)?;
            book.streams(&name("kept"), lane, &[paths.most_slots, n], &mut paths.jacobian)?;
        }
        Ok(())
    }
}
