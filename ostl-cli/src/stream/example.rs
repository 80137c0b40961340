//! A stream to try things with: is the product of what two sensors show now and showed before above its usual size? Half-way the sensors change
//! their parts.

use crate::arguments::StreamArguments;

const ROWS: usize = 20_000;

/// Rows of CSV. The sensors are logistic maps, whose values look random and never are.
pub(super) fn text() -> Vec<u8> {
    let mut text = String::from("left,right,class\n");
    let (mut left, mut right, mut before) = (0.31_f64, 0.77_f64, 0.5_f64);
    for row in 0..ROWS {
        (left, right) = (3.99 * left * (1.0 - left), 3.97 * right * (1.0 - right));
        let above = if row < ROWS / 2 { left + before > 1.0 } else { left < before };
        text += &format!("{left:.4},{right:.4},{}\n", if above { "above" } else { "below" });
        before = right;
    }
    text.into_bytes()
}

/// What is said of it on the command line.
pub(super) fn arguments(arguments: &mut StreamArguments) {
    arguments.target = vec!["class".to_owned()];
}
