//! Values that belong to parameters, by the names of their blocks.

use super::{Block, Network};
use crate::cell::Gate;
use crate::linalg::real::Real;
use crate::record::{Book, Record, refused};
use crate::refusal::ConfigError;

impl Block {
    /// `layers.0.W`.
    pub(crate) fn path(&self) -> String {
        format!("layers.{}.{}", self.layer, self.name)
    }
}

impl<T: Real> Network<T> {
    /// The weights by name, `layers.0.W` as `[row][column]`, to be written as a [checkpoint](crate::checkpoint) or looked at.
    #[inline(never)]
    pub fn weights(&self) -> Record {
        let mut record = Record::new();
        let passed = self.pass_by_block("", &mut Book::saving(&mut record), &mut self.parameters.clone());
        debug_assert!(passed.is_ok(), "nothing is refused on the way in");
        record
    }

    /// Takes the weights over that a record has by name, of a network or of a whole learner; what else it holds is left alone.
    ///
    /// # Errors
    /// If a block is missing, has another shape or other scalars, or holds a number that is not finite; the network is then as it was.
    #[inline(never)]
    pub fn set_weights(&mut self, record: &Record) -> Result<(), ConfigError> {
        let mut weights = Record::new();
        for block in &self.blocks {
            let name = block.path();
            if let Some(entry) = record.entries.get(&name) {
                weights.entries.insert(name, entry.clone());
            }
        }
        if let Some(found) = weights.first_not_finite() {
            return Err(refused(&found.place, &found.value, "a finite number"));
        }
        let mut parameters = self.parameters.clone();
        self.pass_by_block("", &mut Book::restoring(&mut weights), &mut parameters)?;
        self.parameters = parameters;
        self.prune();
        Ok(())
    }

    /// The gates of a block's rows: with n units rows 0 … n − 1 are of the first, the next n of the second, and so on. Empty for a layer without
    /// gates, and where there is no such block.
    pub fn block_gates(&self, layer: usize, name: &str) -> Vec<&'static str> {
        let Some(of_layer) = self.layers.get(layer).and_then(|layer| layer.recurrent()) else { return Vec::new() };
        let gates = of_layer.dynamics.gates();
        let is_there = self.blocks.iter().any(|block| block.layer == layer && block.name == name);
        let of_block = |(g, gate): &(usize, &Gate)| match name {
            "W" => of_layer.x_gates.contains(g),
            "H" => of_layer.y_gates.contains(g),
            "b" => gate.sums_one && !gate.is_constant(),
            _ => gate.name == name,
        };
        gates.iter().enumerate().filter(of_block).filter(|_| is_there).map(|(_, gate)| gate.name).collect()
    }

    /// What the traces of the parameters from this one on are called: those of constants gate by gate, `layers.0.b.forget`.
    pub(crate) fn traced_as(&self, parameter: usize) -> String {
        let Some(block) = self.blocks.iter().find(|block| block.range().contains(&parameter)) else { return String::new() };
        match self.layers[block.layer].recurrent() {
            Some(layer) if block.name == "b" => {
                let gates = self.block_gates(block.layer, block.name);
                format!("{}.{}", block.path(), gates[(parameter - block.offset) / layer.units])
            }
            _ => block.path(),
        }
    }

    /// One value a parameter, block by block: `[row][column]` each.
    pub(crate) fn pass_by_block(&self, prefix: &str, book: &mut Book<'_>, values: &mut [T]) -> Result<(), ConfigError> {
        for block in &self.blocks {
            let own = &mut values[block.range()];
            let (rows, columns) = (block.rows, block.columns);
            let place = |index: usize| index % columns * rows + index / columns;
            book.placed(&format!("{prefix}{}", block.path()), &[rows, columns], own, &place)?;
        }
        Ok(())
    }
}
