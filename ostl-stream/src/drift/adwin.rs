//! A window that is as long as its mean has not changed.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::drift::Direction;
use crate::error::StreamError;
use crate::number::{Settings, checked, count, usable};

/// Settings of [`Adwin`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdwinConfig {
    /// δ, above 0 and below 1: smaller means fewer false alarms, and later ones. Default: 0.002.
    pub confidence: f64,
    /// Width of the range that losses come from, in their unit, above 0 and at most 1e100: 1 for hits and misses. Losses outside are taken
    /// all the same; with a range that is too small there are more false alarms. Default: 1.
    pub range: f64,
    /// After how many rows the window is looked at again, at least 1. Default: 32.
    pub every: u64,
    /// How many rows each of the two parts has at least, at least 1. Default: 5.
    pub shortest: u64,
    /// Which changes raise an alarm. Others shorten the window in silence. Default: a rise of the loss.
    pub direction: Direction,
}

impl Default for AdwinConfig {
    fn default() -> Self {
        Self { confidence: 0.002, range: 1.0, every: 32, shortest: 5, direction: Direction::Rise }
    }
}

impl Settings for AdwinConfig {
    fn check(&self) -> Result<(), StreamError> {
        let (confidence, range) = (self.confidence, self.range);
        StreamError::unless(confidence > 0.0 && confidence < 1.0, "confidence", confidence, "above 0 and below 1")?;
        StreamError::unless(range > 0.0 && usable(range), "range", range, "above 0 and at most 1e100")?;
        StreamError::unless(self.every > 0, "every", self.every as f64, "at least 1")?;
        StreamError::unless(self.shortest > 0, "shortest", self.shortest as f64, "at least 1")
    }
}

/// Whether the mean of a loss has changed, by a window that grows while it has not (Bifet and Gavaldà, "Learning from time-changing data
/// with adaptive windowing", SIAM International Conference on Data Mining 2007; the variant with an exponential histogram and the variance).
///
/// The window is cut in two, n₀ older and n₁ newer losses, at every place where its buckets allow it. Where the two means differ by more than
///
/// ε = √(2/m · σ² · ln(2/δ')) + range · 2/(3 m) · ln(2/δ'),  with 1/m = 1/n₀ + 1/n₁ and δ' = δ / ln(n₀ + n₁)
///
/// the oldest bucket is dropped, until there is no such place. σ² is the variance of the whole window. The paper has losses within
/// 0 … 1; the second term is Bernstein's for a range of 1, and grows with it.
///
/// The window is an exponential histogram: buckets of 1, 2, 4, … losses, at most five of each size, with mean and sum of squared
/// deviations. It never holds more than 64 · 5 buckets, and at most 100 after a million rows. Nothing is subtracted, so that no error
/// accumulates. Losses that are not numbers within ±[`LARGEST`](crate::LARGEST) are ignored and counted.
///
/// Implementations on crates.io, where there are some, are parts of whole libraries for learning (`rill-ml`, `irithyll-core`,
/// `aprender-core`, seen in 2026); this one needs nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adwin {
    #[serde(deserialize_with = "checked")]
    config: AdwinConfig,
    /// Buckets of 2^level losses, the oldest of a level first; those of higher levels are older.
    levels: Vec<VecDeque<Bucket>>,
    /// Rows until the window is looked at.
    wait: u64,
    raised: u64,
    ignored: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Bucket {
    mean: f64,
    /// Σ (loss − mean)².
    spread: f64,
}

/// Most buckets of one size: M of the paper. One more, and the two oldest become one.
const MOST: usize = 5;

/// What a look at the window says.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    Nowhere,
    Rise,
    Fall,
}

impl Adwin {
    /// One that was shown nothing.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn new(config: AdwinConfig) -> Result<Self, StreamError> {
        config.check()?;
        Ok(Self { wait: config.every, config, levels: Vec::new(), raised: 0, ignored: 0 })
    }

    /// Takes a loss. Whether it raises an alarm: whether the window was cut, and the newer part's mean had changed in the direction that
    /// counts.
    pub fn observe(&mut self, loss: f64) -> bool {
        if !usable(loss) {
            count(&mut self.ignored);
            return false;
        }
        self.insert(loss);
        self.wait = self.wait.saturating_sub(1);
        if self.wait > 0 {
            return false;
        }
        self.wait = self.config.every;
        let mut alarm = false;
        loop {
            alarm |= match self.cut() {
                Cut::Nowhere => break,
                Cut::Rise => true,
                Cut::Fall => self.config.direction == Direction::Both,
            };
            self.drop_oldest();
        }
        if alarm {
            count(&mut self.raised);
        }
        alarm
    }

    /// The settings.
    pub fn config(&self) -> &AdwinConfig {
        &self.config
    }

    /// How many losses the window holds.
    pub fn rows(&self) -> u64 {
        self.whole().0 as u64
    }

    /// Mean of the losses in the window.
    pub fn mean(&self) -> Option<f64> {
        let (rows, mean, _) = self.whole();
        (rows > 0.0).then_some(mean)
    }

    /// How many buckets the window takes at the moment.
    pub fn buckets(&self) -> usize {
        self.levels.iter().map(VecDeque::len).sum()
    }

    /// How many alarms were raised.
    pub fn raised(&self) -> u64 {
        self.raised
    }

    /// How many losses were ignored.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    fn insert(&mut self, loss: f64) {
        let mut bucket = Bucket { mean: loss, spread: 0.0 };
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(VecDeque::new());
            }
            let buckets = &mut self.levels[level];
            buckets.push_back(bucket);
            if buckets.len() <= MOST {
                return;
            }
            let (Some(a), Some(b)) = (buckets.pop_front(), buckets.pop_front()) else { return };
            let off = b.mean - a.mean;
            let spread = a.spread + b.spread + off * off * 0.5 * size(level);
            bucket = Bucket { mean: a.mean + 0.5 * off, spread };
        }
    }

    fn drop_oldest(&mut self) {
        while let Some(oldest) = self.levels.last_mut() {
            let dropped = oldest.pop_front().is_some();
            if oldest.is_empty() {
                self.levels.pop();
            }
            if dropped {
                return;
            }
        }
    }

    /// Buckets with their number of losses, the oldest first.
    fn oldest_first(&self) -> impl Iterator<Item = (f64, Bucket)> {
        let levels = self.levels.iter().enumerate().rev();
        levels.flat_map(|(level, buckets)| buckets.iter().map(move |&bucket| (size(level), bucket)))
    }

    /// Number, mean and Σ (loss − mean)² of the losses in the window.
    fn whole(&self) -> (f64, f64, f64) {
        self.oldest_first().fold((0.0, 0.0, 0.0), |(rows, mean, spread), (more, bucket)| {
            let (all, off) = (rows + more, bucket.mean - mean);
            (all, mean + off * (more / all), spread + bucket.spread + off * off * (rows * more / all))
        })
    }

    /// Whether there is a place where the means before and after it differ too much, and how.
    fn cut(&self) -> Cut {
        let (rows, mean, spread) = self.whole();
        let shortest = self.config.shortest as f64;
        if rows < 2.0 * shortest || rows < 3.0 {
            return Cut::Nowhere;
        }
        let doubt = (2.0 * rows.ln() / self.config.confidence).ln();
        let (mut older, mut sum) = (0.0, 0.0);
        for (more, bucket) in self.oldest_first() {
            older += more;
            // Σ (loss − mean of the window) over the older part; over the newer one it is the same with the other sign.
            sum += more * (bucket.mean - mean);
            let newer = rows - older;
            if newer < shortest {
                break;
            }
            if older < shortest {
                continue;
            }
            let per = 1.0 / older + 1.0 / newer;
            let most = (2.0 * per * (spread / rows) * doubt).sqrt() + self.config.range * 2.0 / 3.0 * per * doubt;
            if (sum * per).abs() > most {
                return if sum < 0.0 { Cut::Rise } else { Cut::Fall };
            }
        }
        Cut::Nowhere
    }
}

/// Losses in a bucket of a level.
fn size(level: usize) -> f64 {
    (level as f64).exp2()
}
