//! Whether the learner is worse than guesses for so long that nothing will come of it.

use ostl_stream::{Figures, Prequential};
use serde::{Deserialize, Serialize};

/// How often in a row the last rows were worse than guesses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pulse {
    in_a_row: u32,
    /// Rows judged when that was looked at.
    looked_at: u64,
}

impl Pulse {
    /// Looks whenever the window of the figures is full of new rows. Whether it was worse `times` in a row.
    pub(super) fn is_dead(&mut self, figures: Option<&Prequential>, times: u32) -> bool {
        let Some(figures) = figures else { return false };
        if figures.rows() < self.looked_at.saturating_add(figures.config().window as u64) {
            return false;
        }
        self.looked_at = figures.rows();
        self.in_a_row = if is_worse(&figures.figures()) { self.in_a_row.saturating_add(1) } else { 0 };
        let dead = self.in_a_row >= times;
        if dead {
            self.in_a_row = 0;
        }
        dead
    }
}

/// Whether the most frequent class, or the mean, was the better answer of late. A number that broke is none.
fn is_worse(figures: &Figures) -> bool {
    match figures {
        Figures::Classification(views) => views.window.accuracy < views.window.majority_accuracy,
        Figures::Regression(views) => views.window.mae > views.window.mean_mae,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use ostl_stream::{Outcome, PrequentialConfig};

    use super::*;

    #[test]
    fn worse_so_many_times_in_a_row() {
        let mut figures = Prequential::classification(PrequentialConfig { window: 10, ..Default::default() }).unwrap();
        let (mut pulse, mut dead) = (Pulse::default(), Vec::new());
        for row in 0..100 {
            // The class is always 0; rows 20 to 39 and from 50 on are wrong.
            let answer = usize::from((20..40).contains(&row) || row >= 50);
            figures.record(Outcome::Class { target: 0, answer, probability: None }).unwrap();
            if pulse.is_dead(Some(&figures), 3) {
                dead.push(row);
            }
        }
        assert_eq!(dead, [79]);
    }
}
