//! Arrays of one call of `fit`, `evaluate` or `predict`, matched with the model.

use std::iter::once;
use std::ops::Range;

use refrain_graph::{DType, Literal, Shape, Spec};

use super::compiled::TargetUse;
use super::labels::outside;
use crate::data::{Arrays, DataArray, Rows, arrange, arrange_some, check_lengths};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::core::{is_optional, not_optional};
use crate::models::{Functional, Model};
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Indices;
use crate::warnings;

/// Flat arrays, matched with a model's inputs and outputs.
#[derive(Clone)]
pub(crate) struct Feed<'a> {
    functional: &'a Functional,
    /// One for each input; none for an optional input that is not given.
    x: Vec<Option<DataArray<'a>>>,
    /// One for each output.
    y: Vec<Option<DataArray<'a>>>,
    /// None, one for all outputs, or one for each output.
    w: Vec<Option<DataArray<'a>>>,
    /// What the targets are converted to.
    y_types: Vec<DType>,
    samples: usize,
}

/// The specs of a batch: what a program is made for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BatchSpecs {
    pub(crate) x: Vec<Option<Spec>>,
    pub(crate) y: Vec<Option<Spec>>,
    pub(crate) w: Vec<Option<Spec>>,
}

impl BatchSpecs {
    /// All specs in the order of a program's inputs.
    pub(crate) fn batch(&self) -> usize {
        let first = self.x.iter().flatten().next();
        let first = first.and_then(|s| s.shape.known());
        first.and_then(|d| d.first().copied()).unwrap_or(1)
    }
}

impl<'a> Feed<'a> {
    /// Inputs alone.
    pub(crate) fn inputs(model: &'a Model, x: Arrays<'a>) -> Result<Self> {
        let functional = model.functional();
        let names = &*functional.input_names;
        if let Ok(given) = &x.0 {
            warnings::other_structure(&functional.inputs, given);
        }
        let flat = arrange("the model's inputs", &functional.inputs, names, x)?;
        let samples = check_lengths(&[("x", &flat)])?;
        for ((array, name), tensor) in flat.iter().zip(names).zip(&functional.flat_inputs) {
            match array {
                Some(array) => check_input(name, tensor, array)?,
                None if is_optional(tensor) => {}
                None => return Err(not_optional(name)),
            }
        }
        Ok(Feed {
            functional,
            x: flat,
            y: Vec::new(),
            w: Vec::new(),
            y_types: Vec::new(),
            samples,
        })
    }

    /// Inputs, targets, and sample weights. `wanted` says what the targets of each output are for.
    pub(crate) fn new(
        model: &'a Model,
        x: &Arrays<'a>,
        y: &Arrays<'a>,
        w: Option<&Arrays<'a>>,
        wanted: &[TargetUse],
    ) -> Result<Self> {
        let mut feed = Feed::inputs(model, x.clone())?;
        feed.y = targets(model, y, wanted)?;
        feed.w = weights(model, w)?;
        check_lengths(&[("x", &feed.x), ("y", &feed.y), ("sample_weight", &feed.w)])?;
        let outputs = model.outputs();
        let each = feed.y.iter().zip(&outputs).zip(wanted);
        let types = each.map(|((y, output), wanted)| match y {
            Some(y) if y.dtype().is_integer() && wanted.classes => DType::I32,
            _ if output.dtype() == DType::F64 => DType::F64,
            _ => DType::F32,
        });
        feed.y_types = types.collect();
        Ok(feed)
    }

    /// The same data with these weights for all outputs.
    pub(crate) fn with_weights(mut self, weights: DataArray<'a>) -> Self {
        self.w = vec![Some(weights)];
        self
    }

    /// Some of the samples.
    pub(crate) fn slice(&self, samples: Range<usize>) -> Self {
        let each = |arrays: &[Option<DataArray<'a>>]| {
            let part = |a: &DataArray<'a>| a.slice_samples(samples.clone());
            arrays.iter().map(|a| a.as_ref().map(part)).collect()
        };
        Feed {
            functional: self.functional,
            x: each(&self.x),
            y: each(&self.y),
            w: each(&self.w),
            y_types: self.y_types.clone(),
            samples: samples.len(),
        }
    }

    /// For each input, whether there are data for it.
    pub(crate) fn given(&self) -> impl Iterator<Item = bool> {
        self.x.iter().map(Option::is_some)
    }

    pub(crate) fn samples(&self) -> usize {
        self.samples
    }

    pub(crate) fn targets(&self) -> &[Option<DataArray<'a>>] {
        &self.y
    }

    /// The weights that count for an output: one array counts for all.
    pub(crate) fn weight(&self, output: usize) -> Option<&DataArray<'a>> {
        let index = if self.w.len() == 1 { 0 } else { output };
        self.w.get(index)?.as_ref()
    }

    pub(crate) fn has_weights(&self) -> bool {
        !self.w.is_empty()
    }

    /// The arrays of inputs, with the types of the program's inputs.
    fn typed_inputs(&self) -> impl ExactSizeIterator<Item = (Option<&DataArray<'a>>, DType)> {
        let types = self.functional.flat_inputs.iter().map(Tensor::dtype);
        self.x.iter().map(Option::as_ref).zip(types)
    }

    /// The specs of a batch of this many samples.
    pub(crate) fn specs(&self, batch: usize) -> BatchSpecs {
        let spec = |(array, dtype): (Option<&DataArray<'_>>, DType)| {
            let dims = batch_dims(array?, batch).map(Some);
            Some(Spec::new(dims.collect::<Shape>(), dtype))
        };
        let y_types = self.y_types.iter().copied();
        let (y, w) = (self.y.iter().map(Option::as_ref), self.w.iter());
        BatchSpecs {
            x: self.typed_inputs().map(spec).collect(),
            y: y.zip(y_types).map(spec).collect(),
            w: w.map(|w| spec((w.as_ref(), DType::F32))).collect(),
        }
    }

    /// Whether these are the specs of a batch of this many samples of the inputs alone.
    pub(crate) fn inputs_have(&self, specs: &BatchSpecs, batch: usize) -> bool {
        let same = |(spec, (array, dtype)): (&Option<Spec>, (Option<&DataArray<'_>>, DType))| match (
            spec, array,
        ) {
            (Some(spec), Some(array)) => {
                let dims = spec.shape.dims().iter().copied();
                spec.dtype == dtype && dims.eq(batch_dims(array, batch).map(Some))
            }
            (spec, array) => spec.is_none() && array.is_none(),
        };
        let x = self.typed_inputs();
        let alone = specs.y.is_empty() && specs.w.is_empty();
        alone && specs.x.len() == x.len() && specs.x.iter().zip(x).all(same)
    }

    /// Copies samples into a program's inputs.
    pub(crate) fn fill(&self, rows: Rows<'_>, inputs: &mut [Literal]) -> Result<()> {
        let all = self.x.iter().chain(&self.y).chain(&self.w).flatten();
        for (array, literal) in all.zip(inputs) {
            array.copy_rows(rows, literal)?;
        }
        Ok(())
    }

    /// Refuses inputs that an embedding has no row for.
    pub(crate) fn check_indices(
        &self,
        wanted: &[(usize, Indices)],
        rows: Range<usize>,
    ) -> Result<()> {
        for (input, indices) in wanted {
            let Some(Some(x)) = self.x.get(*input) else {
                continue;
            };
            let Some((sample, index)) = outside(x, indices.size, None, rows.clone()) else {
                continue;
            };
            let name = self.functional.input_names.get(*input);
            let name = name.map_or("", String::as_str);
            let error = Error::mismatch(
                ErrorKind::Data,
                format!(
                    "indices from 0 to {} in input `{name}`",
                    indices.size.saturating_sub(1)
                ),
                format!("index {index} at sample {sample}"),
            )
            .in_layer(&indices.layer, &indices.class)
            .hint("Make its `input_dim` larger than the largest index, or number from 0");
            return Err(match indices.call {
                Some(call) => error.at_call(call),
                None => error,
            });
        }
        Ok(())
    }
}

/// The dimensions of a batch of an array.
fn batch_dims(array: &DataArray<'_>, batch: usize) -> impl Iterator<Item = usize> {
    let rest = array.dims().iter().skip(1).copied();
    once(batch).chain(rest)
}

fn check_input(name: &str, declared: &Tensor, array: &DataArray<'_>) -> Result<()> {
    let (dims, expected) = (array.dims(), declared.dims());
    let rank = expected.len();
    let squeezed = dims.len() == rank + 1 && dims.last() == Some(&1);
    let expanded = dims.len() + 1 == rank && expected.last() == Some(&Some(1));
    if squeezed || expanded {
        return Ok(());
    }
    let fits = dims.len() == rank
        && dims
            .iter()
            .zip(expected)
            .skip(1)
            .all(|(&d, e)| e.is_none_or(|e| e == d));
    if fits {
        return Ok(());
    }
    Err(Error::mismatch(
        ErrorKind::Shape,
        format!("data of shape {} for input `{name}`", declared.shape()),
        format!("shape {}", Shape::from(dims)),
    )
    .hint("Reshape the data, or give the Input their shape"))
}

/// One array for each output. Arrays may be given for the outputs that have a loss only.
fn targets<'a>(
    model: &Model,
    y: &Arrays<'a>,
    wanted: &[TargetUse],
) -> Result<Vec<Option<DataArray<'a>>>> {
    let names = &*model.functional().output_names;
    let declared = &model.functional().outputs;
    let given = y.0.clone()?;
    let count = wanted.iter().filter(|w| w.targets).count();
    if let Structure::Dict(_) = given {
        let optional: Vec<bool> = wanted.iter().map(|w| !w.targets).collect();
        return arrange_some("the model's outputs", declared, names, &optional, y.clone());
    }
    let leaves = given.into_leaves();
    if leaves.len() == count && count < names.len() {
        let mut leaves = leaves.into_iter();
        let spread = wanted.iter().map(|w| match w.targets {
            true => leaves.next().flatten(),
            false => None,
        });
        return Ok(spread.collect());
    }
    arrange("the model's outputs", declared, names, y.clone())
}

/// Weights may be given for some outputs by name; the samples of the others count alike.
fn weights<'a>(model: &Model, w: Option<&Arrays<'a>>) -> Result<Vec<Option<DataArray<'a>>>> {
    let Some(w) = w else { return Ok(Vec::new()) };
    if let Structure::Leaf(one) = w.0.clone()? {
        return Ok(vec![one]);
    }
    let names = &*model.functional().output_names;
    let declared = &model.functional().outputs;
    let optional = vec![true; names.len()];
    let flat = arrange_some("the sample weights", declared, names, &optional, w.clone())?;
    Ok(match flat.iter().any(Option::is_some) {
        true => flat,
        false => Vec::new(),
    })
}
