//! One spiking neural unit under a constant current: its potential climbs, crosses the threshold, and starts afresh.

use ostl_cells::{CellError, Snu, TanhDerivative};
use ostl_core::{Cell, Unit};

fn main() -> Result<(), CellError> {
    let (current, bias) = (0.15, -0.5);
    let snu = Snu::spiking(TanhDerivative).decay(0.8)?.recurrent(false);
    let mut unit = Unit { s: [0.0], y: 0.0 };

    println!("current {current}, decay 0.8, threshold {}", -bias);
    println!("step       s  y");
    for step in 1..=20 {
        unit = snu.step(unit, [current, bias]);
        let bar = "#".repeat((unit.s[0] * 40.0) as usize);
        println!("{step:>4}  {:>6.4}  {}  {bar}", unit.s[0], unit.y);
    }
    Ok(())
}
