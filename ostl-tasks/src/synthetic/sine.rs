//! A sine that is the same on every machine.

use std::f64::consts::TAU;

/// sin(2π · `turns`), to 4 · 10⁻¹⁶.
///
/// Only additions and multiplications, so that every machine gives the same bits; that of the standard library may differ in the last one.
pub(super) fn sine(turns: f64) -> f64 {
    // All of these are exact: a quarter turn is 1/4, and what is subtracted is close to what it is subtracted from.
    let turns = turns - turns.floor();
    let quarter = (4.0 * turns).round();
    let angle = TAU * (turns - 0.25 * quarter);
    match quarter as u8 % 4 {
        0 => sine_near_0(angle),
        1 => cosine_near_0(angle),
        2 => -sine_near_0(angle),
        _ => -cosine_near_0(angle),
    }
}

/// Taylor's polynomial up to x¹⁷ for |x| ≤ π/4: what is left out is below 10⁻¹⁹.
fn sine_near_0(x: f64) -> f64 {
    x * nested(x * x, &[1.0, 2.0 * 3.0, 4.0 * 5.0, 6.0 * 7.0, 8.0 * 9.0, 10.0 * 11.0, 12.0 * 13.0, 14.0 * 15.0, 16.0 * 17.0])
}

/// Taylor's polynomial up to x¹⁸ for |x| ≤ π/4.
fn cosine_near_0(x: f64) -> f64 {
    nested(
        x * x,
        &[1.0, 2.0, 3.0 * 4.0, 5.0 * 6.0, 7.0 * 8.0, 9.0 * 10.0, 11.0 * 12.0, 13.0 * 14.0, 15.0 * 16.0, 17.0 * 18.0],
    )
}

/// (1 − s/d₁ (1 − s/d₂ (1 − …))), with d₀ = 1.
fn nested(square: f64, divisors: &[f64]) -> f64 {
    divisors[1..].iter().rev().fold(1.0, |inner, divisor| 1.0 - square / divisor * inner)
}

#[cfg(test)]
mod tests {
    use super::sine;

    #[test]
    fn it_is_the_sine() {
        for i in -3_000..3_000 {
            let turns = f64::from(i) / 997.0;
            // An argument of 3 turns is 19 and is itself off by up to 2 · 10⁻¹⁵.
            assert!((sine(turns) - (std::f64::consts::TAU * turns).sin()).abs() < 4e-15, "{turns}");
        }
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0, -0.25].map(sine), [0.0, 1.0, -0.0, -1.0, 0.0, -1.0]);
    }
}
