//! Tables in Markdown, as they are read in a terminal too.

/// Rows of cells below a head.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// One with these columns.
    pub fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        let mut table = Table { rows: Vec::new() };
        table.row(head);
        table
    }

    /// One more row; cells that lack are empty.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The table, its columns aligned: the first to the left, numbers to the right.
    pub fn markdown(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |row: &[String], i: usize| row.get(i).cloned().unwrap_or_default();
        let width = |i| {
            let lengths = self.rows.iter().map(|row| cell(row, i).chars().count());
            lengths.max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for (n, row) in self.rows.iter().enumerate() {
            for (i, &width) in widths.iter().enumerate() {
                let cell = cell(row, i);
                text += &match i {
                    0 => format!("| {cell:width$} |"),
                    _ => format!(" {cell:>width$} |"),
                };
            }
            text.push('\n');
            if n == 0 {
                for (i, &width) in widths.iter().enumerate() {
                    text += &match i {
                        0 => format!("|{}|", "-".repeat(width + 2)),
                        _ => format!("{}:|", "-".repeat(width + 1)),
                    };
                }
                text.push('\n');
            }
        }
        text
    }
}

/// A number with three digits that count, and no more zeros than they need.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    match value.abs() {
        v if v >= 100.0 || v == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        v if v >= 0.1 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

/// A number, or a dash.
pub fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["model", "ms"]);
        table.row(["mlp", "10.5"]);
        table.row(["a longer name"]);
        let expected = "\
| model         |   ms |
|---------------|-----:|
| mlp           | 10.5 |
| a longer name |      |
";
        assert_eq!(table.markdown(), expected);
    }

    #[test]
    fn numbers_have_three_digits() {
        let shown = [1234.4, 56.78, 2.345, 0.4567, 0.01234, 0.0].map(number);
        assert_eq!(shown, ["1234", "56.8", "2.35", "0.457", "0.0123", "0"]);
        assert_eq!(number(f64::NAN), "–");
        assert_eq!(optional(None), "–");
    }
}
