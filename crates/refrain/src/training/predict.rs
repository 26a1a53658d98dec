//! `model.predict(…)`.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use refrain_graph::{DType, Data, Element, Literal, with_data};

use super::Plan;
use super::evaluate::BATCH_SIZE;
use super::feed::Feed;
use super::stateful::Batches;
use crate::data::{Arrays, IntoArrays, Rows};
use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::structure::Structure;
use crate::warnings;

/// What [`Model::predict`] is about to do. Ends in [`run`](Predict::run).
#[must_use = "nothing is predicted until `.run()`"]
pub struct Predict<'a> {
    model: &'a Model,
    x: Arrays<'a>,
    /// `None`: all samples are one batch.
    batch_size: Option<usize>,
    steps: Option<usize>,
}

impl Model {
    /// Computes the outputs for data. The model need not be compiled, and may be used from many threads at once.
    ///
    /// ```
    /// # use refrain::{Model, input, layers::Dense};
    /// # let x = input([4]);
    /// # let model = Model::new(&x, &Dense::new(3).call(&x)?)?;
    /// let samples = ndarray::Array2::<f32>::ones((40, 4));
    /// let y = model.predict(&samples).run()?.into_array()?;
    /// assert_eq!(y.shape(), [40, 3]);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn predict<'a>(&'a self, x: impl IntoArrays<'a>) -> Predict<'a> {
        Predict {
            model: self,
            x: x.into_arrays(),
            batch_size: Some(BATCH_SIZE),
            steps: None,
        }
    }
}

impl Predict<'_> {
    /// Samples in a batch; 32 by default. It decides only how much memory is needed.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// How many batches; all by default.
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    pub(crate) fn whole(mut self) -> Self {
        self.batch_size = None;
        self
    }

    /// What the program of one batch will need.
    ///
    /// # Errors
    /// The data do not fit the model.
    pub fn plan(&self) -> Result<Plan> {
        let feed = Feed::inputs(self.model, &self.x)?;
        let batch_size = self.batch_size.unwrap_or(feed.samples());
        let batch_size = super::evaluate::batch_size(Some(batch_size), self.steps, feed.samples())?;
        let batch = batch_size.min(feed.samples());
        let step = self.model.predict_step(feed.specs(batch))?;
        Ok(Plan::of(&step))
    }

    /// Predicts.
    ///
    /// # Errors
    /// The data do not fit the model.
    pub fn run(self) -> Result<Predictions> {
        let feed = Feed::inputs(self.model, &self.x)?;
        let batch_size = self.batch_size.unwrap_or(feed.samples());
        let batch_size = super::evaluate::batch_size(Some(batch_size), self.steps, feed.samples())?;
        let all = feed.samples().div_ceil(batch_size);
        let batches = Batches {
            samples: feed.samples(),
            size: batch_size,
            steps: self.steps,
        };
        batches.check(self.model)?;
        warnings::out_of_data(self.steps, all, "steps");
        let steps = self.steps.map_or(all, |s| s.min(all));
        let samples = feed.samples().min(steps * batch_size);
        let mut outputs: Vec<Part> = Vec::new();
        let mut start = 0;
        while start < samples {
            let size = batch_size.min(samples - start);
            let step = self.model.predict_step(feed.specs(size))?;
            if start == 0 {
                feed.check_indices(&step.indices, 0..samples)?;
            }
            let mut buffers = step.program.buffers();
            // All batches of this size with the same memory.
            while start + size <= samples {
                feed.fill(Rows::Range(start, size), &mut buffers.inputs)?;
                step.program.run_shared(&mut buffers)?;
                if size == samples {
                    let predictions = Predictions::new(self.model, &buffers.outputs);
                    step.program.give_back(buffers);
                    return Ok(predictions);
                }
                if outputs.is_empty() {
                    let all = buffers.outputs.iter();
                    outputs = all.map(|o| Part::new(o, samples, size)).collect();
                }
                let parts = outputs.iter_mut().zip(&buffers.outputs);
                parts.for_each(|(part, output)| part.append(output));
                start += size;
            }
            step.program.give_back(buffers);
        }
        let literals = outputs.into_iter().map(Part::finish);
        let literals = literals.collect::<Result<Vec<_>>>()?;
        Ok(Predictions::new(self.model, &literals))
    }
}

/// An output, gathered batch by batch.
struct Part {
    /// The first grows with each batch, as in Keras, whatever it counts.
    dims: Vec<usize>,
    data: Data,
}

impl Part {
    fn new(first: &Literal, samples: usize, batch: usize) -> Self {
        let mut dims = first.dims().to_vec();
        if let Some(rows) = dims.first_mut() {
            *rows = 0;
        }
        let capacity = first.numel() / batch.max(1) * samples;
        fn empty<T: Element>(_: &[T], capacity: usize) -> Data {
            T::wrap(Vec::with_capacity(capacity))
        }
        Part {
            dims,
            data: with_data!(first.data(), v => empty(v, capacity)),
        }
    }

    fn append(&mut self, output: &Literal) {
        if let (Some(rows), Some(more)) = (self.dims.first_mut(), output.dims().first()) {
            *rows += more;
        }
        append_data(&mut self.data, output.data());
    }

    fn finish(self) -> Result<Literal> {
        Literal::from_data(self.dims, self.data).ok_or_else(|| {
            Error::mismatch(
                ErrorKind::Shape,
                "outputs whose first axis counts the samples",
                "an output of another length",
            )
            .hint("Predict with `predict_on_batch`")
        })
    }
}

fn append_data(to: &mut Data, from: &Data) {
    match (to, from) {
        (Data::F32(a), Data::F32(b)) => a.extend_from_slice(b),
        (Data::F64(a), Data::F64(b)) => a.extend_from_slice(b),
        (Data::F16(a), Data::F16(b)) => a.extend_from_slice(b),
        (Data::BF16(a), Data::BF16(b)) => a.extend_from_slice(b),
        (Data::I32(a), Data::I32(b)) => a.extend_from_slice(b),
        (Data::I64(a), Data::I64(b)) => a.extend_from_slice(b),
        (Data::U8(a), Data::U8(b)) => a.extend_from_slice(b),
        (Data::U32(a), Data::U32(b)) => a.extend_from_slice(b),
        (Data::Bool(a), Data::Bool(b)) => a.extend_from_slice(b),
        _ => {}
    }
}

/// The outputs of [`Model::predict`]: arrays of `f32` by position or by the name of the output's layer, and the values in
/// their own type as literals.
#[derive(Clone, Debug)]
pub struct Predictions {
    names: Arc<[String]>,
    structure: Structure<usize>,
    outputs: Vec<Output>,
}

#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) array: ArrayD<f32>,
    /// As it is, if it is of another type than `F32`.
    original: Option<Literal>,
}

impl Output {
    pub(super) fn new(literal: &Literal) -> Self {
        match literal.dtype() {
            DType::F32 => Output {
                array: to_array(literal),
                original: None,
            },
            _ => Output {
                array: to_array(&literal.convert(DType::F32)),
                original: Some(literal.clone()),
            },
        }
    }

    /// The values in their own type.
    pub(super) fn literal(&self) -> Result<Literal> {
        if let Some(original) = &self.original {
            return Ok(original.clone());
        }
        let values = self.array.iter().copied().collect();
        Literal::new(self.array.shape().to_vec(), values)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "an array without its values"))
    }
}

impl Predictions {
    fn new(model: &Model, literals: &[Literal]) -> Self {
        let declared = &model.functional().outputs;
        let structure = declared.with_leaves(0..literals.len());
        Predictions {
            names: model.functional().output_names.clone(),
            structure: structure.unwrap_or(Structure::List(Vec::new())),
            outputs: literals.iter().map(Output::new).collect(),
        }
    }

    /// Number of outputs.
    pub fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Whether there is no output.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Names of the outputs, in flat order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The output at this flat position.
    ///
    /// # Errors
    /// There are fewer outputs.
    pub fn get(&self, position: usize) -> Result<&ArrayD<f32>> {
        Ok(&self.at(position)?.array)
    }

    /// The output of this name: that of its layer, or its key if the outputs are a dict.
    ///
    /// # Errors
    /// There is none; the error lists the names there are.
    pub fn by_name(&self, name: &str) -> Result<&ArrayD<f32>> {
        if let Structure::Dict(dict) = &self.structure
            && let Some(&position) = dict.get(name).and_then(Structure::single)
        {
            return self.get(position);
        }
        match self.names.iter().position(|n| n == name) {
            Some(position) => self.get(position),
            None => Err(self.no_output(&format!("no output `{name}`"))),
        }
    }

    fn at(&self, position: usize) -> Result<&Output> {
        let found = self.outputs.get(position);
        found.ok_or_else(|| self.no_output(&format!("no output {position}")))
    }

    fn no_output(&self, what: &str) -> Error {
        let message = format!("{what}; the model's outputs are {:?}", self.names);
        Error::new(ErrorKind::NotFound, message)
    }

    /// The output at this flat position in its own element type.
    ///
    /// # Errors
    /// There are fewer outputs.
    pub fn literal(&self, position: usize) -> Result<Literal> {
        self.at(position)?.literal()
    }

    /// The outputs in the model's structure.
    pub fn structure(&self) -> Structure<&ArrayD<f32>> {
        self.structure.map(|&i| &self.outputs[i].array)
    }

    /// The array of a model with one output.
    ///
    /// # Errors
    /// There are several outputs.
    pub fn into_array(mut self) -> Result<ArrayD<f32>> {
        match self.outputs.len() {
            1 => Ok(self.outputs.swap_remove(0).array),
            n => Err(Error::mismatch(
                ErrorKind::Structure,
                "one output",
                format!("{n} outputs {:?}", self.names),
            )
            .hint("Ask for one with `get(position)` or `by_name(name)`")),
        }
    }

    /// All arrays in flat order.
    pub fn into_arrays(self) -> Vec<ArrayD<f32>> {
        self.outputs.into_iter().map(|o| o.array).collect()
    }
}

fn to_array(literal: &Literal) -> ArrayD<f32> {
    let dims = IxDyn(literal.dims());
    let values = literal.values::<f32>().unwrap_or_default().to_vec();
    // The number of values is the product of the dimensions.
    ArrayD::from_shape_vec(dims, values).unwrap_or_default()
}
