//! Tables of text.

/// Columns lined up, two spaces apart; the first column to the left, numbers to the right.
pub(crate) fn aligned(rows: &[Vec<String>], left: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![0; columns];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = widths[column];
            if left.contains(&column) { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// A loss with four digits after the point, or in the short scientific form where they would all be zeros, or too many before it.
pub(crate) fn loss(value: f64) -> String {
    if value != 0.0 && !(0.001..1e6).contains(&value.abs()) { format!("{value:.1e}") } else { format!("{value:.4}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["", "loss"], ["valid", "12.5"], ["é", "3"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows, &[0]), "       loss\nvalid  12.5\né         3\n");
    }

    #[test]
    fn small_losses_keep_a_digit_and_large_ones_fit_a_line() {
        assert_eq!([123456.789, 1.0e30, -2.5e7].map(loss), ["123456.7890", "1.0e30", "-2.5e7"]);
        assert_eq!([8.43456, 0.0012, 0.00001234, 0.0].map(loss), ["8.4346", "0.0012", "1.2e-5", "0.0000"]);
    }
}
