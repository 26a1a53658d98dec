//! Boxes around text, with the widths and line breaks that Keras's tables have.

use std::fmt;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
    Center,
}

/// A column's title and alignment.
#[derive(Clone, Debug)]
pub(super) struct Column {
    title: &'static str,
    align: Align,
}

impl Column {
    pub(super) fn new(title: &'static str, align: Align) -> Self {
        Column { title, align }
    }
}

/// A table with a heavy head and a rule between all rows.
pub(super) struct Table {
    columns: Vec<Column>,
    /// Width of each cell's text, without the space on both sides.
    widths: Vec<usize>,
    rows: Vec<Vec<String>>,
}

/// Space on both sides of a cell's text, in characters.
const PADDING: usize = 2;

impl Table {
    /// A table of `width` characters whose columns end at these shares of it.
    pub(super) fn new(columns: Vec<Column>, width: usize, ends: &[f64]) -> Self {
        let widths = cell_widths(width, ends)
            .into_iter()
            .map(|w| w.saturating_sub(PADDING).max(1))
            .collect();
        Table {
            columns,
            widths,
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn rule(
        &self,
        f: &mut fmt::Formatter<'_>,
        [left, line, cross, right]: [char; 4],
    ) -> fmt::Result {
        let bars: Vec<String> = self
            .widths
            .iter()
            .map(|w| line.to_string().repeat(w + PADDING))
            .collect();
        writeln!(f, "{left}{}{right}", bars.join(&cross.to_string()))
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, cells: &[String], bar: char) -> fmt::Result {
        let wrapped: Vec<Vec<String>> = cells
            .iter()
            .zip(&self.widths)
            .map(|(text, &width)| wrap(text, width))
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for i in 0..height {
            for ((lines, &width), column) in wrapped.iter().zip(&self.widths).zip(&self.columns) {
                let text = lines.get(i).map_or("", String::as_str);
                match column.align {
                    Align::Left => write!(f, "{bar} {text:<width$} ")?,
                    Align::Right => write!(f, "{bar} {text:>width$} ")?,
                    Align::Center => write!(f, "{bar} {text:^width$} ")?,
                }
            }
            writeln!(f, "{bar}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles: Vec<String> = self.columns.iter().map(|c| c.title.to_owned()).collect();
        self.rule(f, ['┏', '━', '┳', '┓'])?;
        self.line(f, &titles, '┃')?;
        self.rule(f, ['┡', '━', '╇', '┩'])?;
        for (i, row) in self.rows.iter().enumerate() {
            if i > 0 {
                self.rule(f, ['├', '─', '┼', '┤'])?;
            }
            self.line(f, row, '│')?;
        }
        self.rule(f, ['└', '─', '┴', '┘'])
    }
}

/// Widths of the cells, their padding included: Keras's shares plus padding, then what is too much taken off evenly,
/// rounded to even as Python rounds.
fn cell_widths(width: usize, ends: &[f64]) -> Vec<usize> {
    let mut start = 0;
    let mut widths: Vec<usize> = ends
        .iter()
        .map(|p| {
            let end = (p * width as f64) as usize;
            let cell = end.saturating_sub(start) + PADDING;
            start = end;
            cell
        })
        .collect();
    let borders = widths.len() + 1;
    let total: usize = widths.iter().sum();
    let mut excess = total.saturating_sub(width.saturating_sub(borders));
    let columns = widths.len();
    for (i, cell) in widths.iter_mut().enumerate() {
        let take = (excess as f64 / (columns - i) as f64).round_ties_even() as usize;
        let take = take.min(cell.saturating_sub(PADDING + 1));
        *cell -= take;
        excess -= take;
    }
    widths
}

/// Lines of at most `width` characters, broken at spaces; a longer word is cut with `…`.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let indent: String = text.chars().take_while(|c| *c == ' ').collect();
    let mut lines: Vec<String> = Vec::new();
    let mut line = indent;
    let mut empty = true;
    for word in text.split_whitespace() {
        let needed = line.chars().count() + word.chars().count() + usize::from(!empty);
        if !empty && needed > width {
            lines.push(std::mem::take(&mut line));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines.into_iter().map(|l| cut(l, width)).collect()
}

fn cut(line: String, width: usize) -> String {
    if line.chars().count() <= width {
        return line;
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_keras() {
        let wide = [0.3, 0.56, 0.74, 1.0];
        assert_eq!(cell_widths(108, &wide), [31, 27, 17, 28]);
        assert_eq!(cell_widths(76, &wide), [21, 19, 12, 19]);
        assert_eq!(cell_widths(76, &[0.45, 0.80, 1.0]), [33, 24, 15]);
    }

    #[test]
    fn text_breaks_at_spaces_and_long_words_are_cut() {
        assert_eq!(
            wrap("input_a (InputLayer)", 19),
            ["input_a", "(InputLayer)"]
        );
        assert_eq!(wrap("Trainable", 5), ["Trai…"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
