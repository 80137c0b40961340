//! Where rotating units start: eigenvalues spread over a ring of the complex plane.

use crate::error::CellError;

/// |λ| in `r_min … r_max` and the phase in 0 … `max_phase`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ring {
    pub(crate) r_min: f64,
    pub(crate) r_max: f64,
    pub(crate) max_phase: f64,
}

impl Ring {
    /// The whole disc.
    pub(crate) const DISC: Self = Self { r_min: 0.0, r_max: 1.0, max_phase: std::f64::consts::TAU };

    /// A ring within the unit disc.
    pub(crate) fn new(r_min: f64, r_max: f64, max_phase: f64) -> Result<Self, CellError> {
        let out_of_range = |key, value, allowed| Err(CellError::OutOfRange { key, value, allowed });
        if !(0.0..1.0).contains(&r_min) {
            return out_of_range("r_min", r_min, "at least 0 and less than 1");
        }
        if !(r_max > 0.0 && r_max >= r_min && r_max <= 1.0) {
            return out_of_range("r_max", r_max, "positive, at least r_min and at most 1");
        }
        if !(max_phase > 0.0 && max_phase <= std::f64::consts::TAU) {
            return out_of_range("max_phase", max_phase, "positive and at most 2π");
        }
        Ok(Self { r_min, r_max, max_phase })
    }

    /// |λ| of a unit. |λ|² is spread evenly, so that the units lie evenly over the ring's area; never 0 or 1 itself.
    pub(crate) fn radius(self, unit: usize, units: usize) -> f64 {
        let share = (unit as f64 + 0.5) / units as f64;
        let square = self.r_min.powi(2) + share * (self.r_max.powi(2) - self.r_min.powi(2));
        square.clamp(1e-12, 1.0 - 1e-12).sqrt()
    }

    /// The phase of a unit: multiples of the golden ratio, which no other sequence spreads more evenly beside the radii.
    pub(crate) fn phase(self, unit: usize) -> f64 {
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        self.max_phase * ((unit as f64 + 0.5) * GOLDEN).fract()
    }

    /// ν of a unit: |λ| = exp(−exp ν).
    pub(crate) fn nu(self, unit: usize, units: usize) -> f64 {
        (-self.radius(unit, units).ln()).ln()
    }

    /// θ of a unit: the phase is exp θ.
    pub(crate) fn theta(self, unit: usize) -> f64 {
        self.phase(unit).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_spread_over_the_ring() {
        let ring = Ring::new(0.6, 1.0, 3.0).unwrap();
        // |λ|² = 0.36 + 0.64·(¼, ¾).
        assert!((ring.radius(0, 2) - 0.52_f64.sqrt()).abs() < 1e-15 && (ring.radius(1, 2) - 0.84_f64.sqrt()).abs() < 1e-15);
        // In each quarter of the ring's area and angle there is about a sixteenth of the units.
        let mut counts = [[0; 4]; 4];
        for unit in 0..1600 {
            let area = (ring.radius(unit, 1600).powi(2) - 0.36) / 0.64;
            counts[(area * 4.0) as usize][(ring.phase(unit) / 3.0 * 4.0) as usize] += 1;
        }
        assert!(counts.as_flattened().iter().all(|count| (98..=102).contains(count)), "{counts:?}");
    }

    #[test]
    fn every_start_is_finite() {
        for ring in [Ring::DISC, Ring::new(0.0, 1e-9, 1e-3).unwrap(), Ring::new(0.999_999_999_999_9, 1.0, 1.0).unwrap()] {
            for unit in 0..1000 {
                assert!(ring.nu(unit, 1000).is_finite() && ring.theta(unit).is_finite());
                assert!(ring.radius(unit, 1000) < 1.0);
            }
        }
    }

    #[test]
    fn a_ring_lies_within_the_unit_disc() {
        for (r_min, r_max, max_phase) in [
            (1.0, 1.0, 1.0),
            (-0.1, 0.5, 1.0),
            (0.5, 0.4, 1.0),
            (0.0, 0.0, 1.0),
            (0.5, 1.1, 1.0),
            (0.0, 1.0, 7.0),
            (0.0, 1.0, 0.0),
        ] {
            assert!(Ring::new(r_min, r_max, max_phase).is_err());
        }
        let error = Ring::new(0.5, f64::NAN, 1.0).unwrap_err().to_string();
        assert_eq!(error, "r_max = NaN is out of range: it must be positive, at least r_min and at most 1");
    }
}
