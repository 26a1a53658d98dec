//! Cells in a row as one cell.

use serde_json::Value as Json;

use super::options::steps_from_states;
use super::output::RnnOutput;
use super::recurrence::zero_states;
use super::rnn::{shapes_of, step};
use crate::config::{Config, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::restoring::Restoring;
use crate::layers::states::state_specs;
use crate::layers::{AnyLayer, Build, Call, Handle, Layer, Properties, serialized};
use crate::names::Members;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The options of [`StackedRnnCells`].
#[doc(hidden)]
#[derive(Clone)]
pub struct StackedRnnCellsOptions {
    cells: Vec<AnyLayer>,
}

/// Cells in a row as one cell: each gets the output of the one before, and its own states.
///
/// Input `(batch, …)` and the states of all cells, those of the first cell first; the output is the last cell's.
///
/// ```
/// use refrain::input;
/// use refrain::layers::{GruCell, LstmCell, Rnn, StackedRnnCells};
/// let cells = StackedRnnCells::new([LstmCell::new(8).any(), GruCell::new(4).any()]);
/// let y = Rnn::new(cells).return_state(true).call(&input([5, 3]))?;
/// let shapes = y.state.iter().map(|state| state.shape().to_string());
/// assert_eq!(shapes.collect::<Vec<_>>(), ["(None, 8)", "(None, 8)", "(None, 4)"]);
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/layers/rnn/stacked_rnn_cells.py`.
pub type StackedRnnCells = Handle<StackedRnnCellsOptions>;

impl StackedRnnCells {
    /// These cells; what is no cell, and no cells, are an error of the first call.
    pub fn new<C: Into<AnyLayer>>(cells: impl IntoIterator<Item = C>) -> Self {
        let cells = cells.into_iter().map(Into::into).collect();
        StackedRnnCellsOptions { cells }.into_layer()
    }
}

steps_from_states!(StackedRnnCells);

impl StackedRnnCellsOptions {
    pub(crate) fn from_config(config: &Config, context: &Restoring) -> Result<Self> {
        let json = config.get("cells").unwrap_or(&Json::Null);
        let cells = json
            .as_array()
            .ok_or_else(|| unexpected("a list of cells", json))?;
        let cells = cells
            .iter()
            .map(|cell| serialized::from_json(cell, context));
        Ok(StackedRnnCellsOptions {
            cells: cells.collect::<Result<_>>()?,
        })
    }

    /// Goes through the cells with the states of each: `f` gives what follows on them and the input of the next.
    fn each<T>(
        &self,
        mut states: &[T],
        mut f: impl FnMut(&AnyLayer, &Structure<Vec<usize>>, &[T]) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        for cell in &self.cells {
            let shapes = shapes_of(cell)?;
            let (own, rest) = states
                .split_at_checked(shapes.flatten().len())
                .ok_or_else(|| Error::new(ErrorKind::Internal, "fewer states than shapes"))?;
            all.extend(f(cell, &shapes, own)?);
            states = rest;
        }
        Ok(all)
    }
}

impl Layer for StackedRnnCellsOptions {
    type Output = RnnOutput;

    fn class_name(&self) -> &str {
        "StackedRNNCells"
    }

    fn config(&self) -> Config {
        let cells: Json = self.cells.iter().map(serialized::to_json).collect();
        Config::from_iter([("cells".to_owned(), cells)])
    }

    fn properties(&self) -> Properties {
        let states = self.cells.iter().map(|cell| cell.properties().states);
        Properties {
            states: states.collect::<Option<_>>().map(Structure::List),
            ..Properties::cell([[]; 0])
        }
    }

    fn validate(&self) -> Result<()> {
        if self.cells.is_empty() {
            let error = Error::mismatch(ErrorKind::Config, "one cell or more", "none");
            return Err(error.hint("Give the cells in a list, the first one first"));
        }
        self.cells
            .iter()
            .try_for_each(|cell| shapes_of(cell).map(drop))
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let mut x = cx.inputs().one()?.clone();
        for cell in &self.cells {
            cx.build_sublayer(cell, &x)?;
            let shapes = shapes_of(cell)?;
            let flat: Vec<Vec<usize>> = shapes.flatten().into_iter().cloned().collect();
            let specs = state_specs(&flat, x.shape().dim(0), cell.dtype());
            x = step(cell, &shapes, &x, &zero_states(&x, &specs)?)?.output;
        }
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
        let mut output = inputs.one()?.clone();
        let state = self.each(&cx.states(inputs)?, |cell, shapes, states| {
            let next = step(cell, shapes, &output, states)?;
            output = next.output;
            Ok(next.state)
        })?;
        Ok(RnnOutput { output, state })
    }

    fn initial_state(&self, cx: &Call, zeros: Vec<Tensor>) -> Result<Vec<Tensor>> {
        self.each(&zeros, |cell, _, zeros| {
            cell.initial_state(&cx.trace, zeros.to_vec())
        })
    }

    fn sublayers(&self) -> Vec<(String, AnyLayer)> {
        let mut members = Members::default();
        let cells = self.cells.iter();
        cells
            .map(|cell| {
                (
                    format!("cells/{}", members.next(cell.class_name(), 1)),
                    cell.clone(),
                )
            })
            .collect()
    }

    fn duplicate(&self) -> Option<Self> {
        let cells = self.cells.iter().map(|cell| cell.fresh_copy().ok());
        Some(StackedRnnCellsOptions {
            cells: cells.collect::<Option<_>>()?,
        })
    }
}
