//! The update of the weights by what windows have gathered.

use super::Learner;
use crate::learner::error::LearnError;
use crate::learner::optimizer::{Ranges, Refusal};
use crate::linalg::real::Real;

impl<T: Real> Learner<T> {
    /// Every stream starts anew, and nothing gathered so far is learned from.
    pub(super) fn restart(&mut self) {
        self.engine.restart();
        self.targets = 0;
    }

    pub(super) fn clear_gradient(&mut self) {
        self.engine.clear_gradient();
        self.targets = 0;
    }

    /// Changes the weights by what was gathered since the last update, unless it is not finite.
    pub(super) fn update(&mut self) -> Result<(), LearnError> {
        if self.targets == 0 {
            return Ok(());
        }
        let (scale, optimizer) = (1.0 / self.targets as f64, &mut self.optimizer);
        let updated = self.engine.update_gathered(|gathered| {
            let ranges = Ranges { changed: gathered.changed, counted: gathered.counted };
            optimizer.update(gathered.parameters, gathered.gradient, scale, ranges)
        });
        match updated {
            Ok(()) => {
                self.targets = 0;
                Ok(())
            }
            Err(Refusal { what, parameter }) => {
                let error = self.engine.broken_at(what, parameter);
                Err(self.dropped(error))
            }
        }
    }
}
