//! Tables of models, in Keras's layout and as JSON.

mod rows;
mod table;

use std::fmt;

use serde_json::{Value as Json, json};

use self::rows::{CallRow, LayerRow, Shown};
use self::table::{Align, Column, Table};
use super::model::Model;
use crate::variable::Variable;

/// Keras's width of a table with and without the column of sources, in characters.
const WIDE: usize = 108;
const NARROW: usize = 88;
/// What a column for `trainable` adds, in characters.
const TRAINABLE_WIDTH: usize = 12;
/// Keras leaves this many columns of the terminal free.
const TERMINAL_MARGIN: usize = 4;
/// Width where there is no terminal, in characters.
const DEFAULT_TERMINAL: usize = 80;

/// A table of a model's layers and their calls.
///
/// In Keras's layout, but a layer that is called several times has a line for each call, with that call's own output
/// shape and sources; its weights are counted once. So are those of layers that a nested model shares with others: where it
/// stands again, its calls go on in number and its weights are `shared`.
///
/// ```
/// use refrain::{Model, input, layers::Dense};
/// let (a, b) = (input([10]), input([10]));
/// let shared = Dense::new(32);
/// let model = Model::new([&a, &b], [shared.call(&a)?, shared.call(&b)?])?;
/// let text = model.summary().line_length(108).to_string();
/// assert!(text.contains("Total params: 352"));
/// assert_eq!(model.summary().to_json()["total_params"], 352);
/// # Ok::<(), refrain::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Summary {
    name: String,
    rows: Vec<LayerRow>,
    chain: bool,
    line_length: Option<usize>,
    expand_nested: bool,
    show_trainable: bool,
    trainable: Totals,
    frozen: Totals,
    optimizer: Option<Totals>,
}

/// Numbers of weights and bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    params: usize,
    bytes: usize,
}

impl Totals {
    fn of(variables: &[Variable]) -> Self {
        let params = |v: &Variable| v.numel();
        Totals {
            params: variables.iter().map(params).sum(),
            bytes: variables.iter().map(|v| v.numel() * v.dtype().size()).sum(),
        }
    }

    fn and(self, other: Totals) -> Self {
        Totals {
            params: self.params + other.params,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// `417 (1.63 KB)`.
impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["B", "KB", "MB", "GB", "TB", "PB"];
        let mut size = self.bytes as f64;
        let mut unit = 0;
        while size >= 1024.0 && unit + 1 < UNITS.len() {
            size /= 1024.0;
            unit += 1;
        }
        write!(f, "{} ({size:.2} {})", thousands(self.params), UNITS[unit])
    }
}

/// `12,345`.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

impl Summary {
    pub(crate) fn new(model: &Model) -> Self {
        let functional = model.functional();
        Summary {
            name: model.get_name().to_owned(),
            rows: rows::rows(functional, 0),
            chain: rows::is_chain(functional),
            line_length: None,
            expand_nested: false,
            show_trainable: false,
            trainable: Totals::of(&model.trainable_weights()),
            frozen: Totals::of(&model.non_trainable_weights()),
            optimizer: model.built_optimizer_variables().map(|v| Totals::of(&v)),
        }
    }

    /// Width in characters; by default what fits the terminal, at most 108.
    pub fn line_length(mut self, characters: usize) -> Self {
        self.line_length = Some(characters);
        self
    }

    /// Whether the layers of nested models are shown below them.
    pub fn expand_nested(mut self, expand: bool) -> Self {
        self.expand_nested = expand;
        self
    }

    /// Whether to show which layers are trained.
    pub fn show_trainable(mut self, show: bool) -> Self {
        self.show_trainable = show;
        self
    }

    fn visible(&self) -> Vec<Shown<'_>> {
        rows::shown(&self.rows, self.expand_nested)
    }

    /// The same contents as JSON: `name`, `layers` (each with `name`, `class`, `params`, `shared` if layers before it count
    /// these params, `trainable`, `level` and its `calls` with `output_shapes` and `connected_to`), and the totals.
    pub fn to_json(&self) -> Json {
        let total = self.trainable.and(self.frozen);
        json!({
            "name": self.name,
            "layers": self.visible().iter().map(Shown::to_json).collect::<Vec<_>>(),
            "total_params": total.params,
            "trainable_params": self.trainable.params,
            "non_trainable_params": self.frozen.params,
            "optimizer_params": self.optimizer.map(|o| o.params),
        })
    }

    /// Total, less margins, and the relative ends of the columns, as Keras lays them out.
    fn layout(&self) -> (usize, Vec<f64>) {
        let (default, mut ends) = match self.chain {
            true => (NARROW, vec![0.45, 0.80, 1.0]),
            false => (WIDE, vec![0.3, 0.56, 0.74, 1.0]),
        };
        let mut width = self.line_length.unwrap_or(default);
        if self.show_trainable {
            if self.line_length.is_none() {
                width += TRAINABLE_WIDTH;
            }
            ends.iter_mut().for_each(|p| *p *= 0.9);
            ends.push(1.0);
        }
        if self.line_length.is_none() {
            width = width.min(terminal_width().saturating_sub(TERMINAL_MARGIN));
        }
        (width, ends)
    }

    fn columns(&self) -> Vec<Column> {
        let mut columns = vec![
            Column::new("Layer (type)", Align::Left),
            Column::new("Output Shape", Align::Left),
            Column::new("Param #", Align::Right),
        ];
        if !self.chain {
            columns.push(Column::new("Connected to", Align::Left));
        }
        if self.show_trainable {
            columns.push(Column::new("Trainable", Align::Center));
        }
        columns
    }

    fn cells(&self, shown: &Shown, index: usize, call: Option<&CallRow>) -> Vec<String> {
        let row = shown.row;
        let indent = match row.level {
            0 => String::new(),
            level => format!("{}└ ", "   ".repeat(level)),
        };
        let title = match shown.calls_before + index {
            0 => format!("{indent}{} ({})", row.name, row.class),
            n => format!("{indent}{} (call {})", row.name, n + 1),
        };
        let params = match (index, row.built) {
            _ if shown.counted => "shared".to_owned(),
            (0, true) => thousands(row.params),
            (0, false) => "0 (unbuilt)".to_owned(),
            _ => "shared".to_owned(),
        };
        let mut cells = vec![title, call.map_or("?".to_owned(), CallRow::shape), params];
        if !self.chain {
            cells.push(match row.level {
                0 => call.map_or("-".to_owned(), CallRow::sources),
                _ => "-".to_owned(),
            });
        }
        if self.show_trainable {
            let mark = match (row.params, row.trainable) {
                (0, _) => "-",
                (_, true) => "Y",
                (_, false) => "N",
            };
            cells.push(mark.to_owned());
        }
        cells
    }
}

/// Columns of the terminal; `COLUMNS`, or 80, where there is none.
fn terminal_width() -> usize {
    let terminal = console::Term::stdout();
    if terminal.is_term() {
        return usize::from(terminal.size().1);
    }
    let set = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    set.unwrap_or(DEFAULT_TERMINAL)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, ends) = self.layout();
        let mut table = Table::new(self.columns(), width, &ends);
        for shown in &self.visible() {
            match shown.row.calls.is_empty() {
                true => table.row(self.cells(shown, 0, None)),
                false => {
                    for (i, call) in shown.row.calls.iter().enumerate() {
                        table.row(self.cells(shown, i, Some(call)));
                    }
                }
            }
        }
        writeln!(f, "Model: \"{}\"", self.name)?;
        write!(f, "{table}")?;
        let optimizer = self.optimizer.unwrap_or_default();
        let total = self.trainable.and(self.frozen).and(optimizer);
        writeln!(f, " Total params: {total}")?;
        writeln!(f, " Trainable params: {}", self.trainable)?;
        write!(f, " Non-trainable params: {}", self.frozen)?;
        match self.optimizer {
            Some(optimizer) => write!(f, "\n Optimizer params: {optimizer}"),
            None => Ok(()),
        }
    }
}
