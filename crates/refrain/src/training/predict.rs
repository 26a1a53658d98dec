//! `model.predict(…)`.

use std::iter::FusedIterator;
use std::mem;
use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use refrain_graph::{DType, Data, Element, Literal, with_data};

use super::Plan;
use super::evaluate::BATCH_SIZE;
use super::feed::Feed;
use super::stateful::Batches;
use crate::callbacks::{Callbacks, PassContext, each, takes_callbacks};
use crate::data::{Arrays, IntoArrays, Rows};
use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::structure::Structure;
use crate::utils::sizes;
use crate::warnings;

/// Builder of [`Model::predict`]: options, then [`run`](Predict::run).
#[must_use = "nothing is predicted until `.run()`"]
pub struct Predict<'a> {
    model: &'a Model,
    x: Arrays<'a>,
    /// `None`: all samples are one batch.
    batch_size: Option<usize>,
    steps: Option<usize>,
    callbacks: Callbacks<'a>,
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
            callbacks: Vec::new(),
        }
    }
}

/// Builder of [`Model::predict_batches`], and an iterator of each batch's predictions, which ends after an error;
/// [`run`](PredictBatches::run) gathers those of all.
#[must_use = "nothing is predicted until `.run()`, or the first `.next()`"]
pub struct PredictBatches<'a, I> {
    batches: I,
    callbacks: Callbacks<'a>,
    cx: PassContext<'a>,
    course: Course,
}

/// How far the batches have come.
enum Course {
    Before,
    /// So many are done.
    Within(usize),
    After,
}

impl Model {
    /// Computes the outputs for batches from an iterator: inputs alone, as [`predict`](Model::predict) takes
    /// them, or a `Result` of them, whose error ends the run and is returned as it is. Batches may differ in their number of
    /// samples and in all axes that the model leaves open; the program for a shape is made once.
    ///
    /// ```
    /// # use ndarray::Array2;
    /// # use refrain::{Model, input, layers::Dense};
    /// # let x = input([4]);
    /// # let model = Model::new(&x, &Dense::new(3).call(&x)?)?;
    /// let batches = || [8, 8, 5].into_iter().map(|samples| Array2::<f32>::ones((samples, 4)));
    /// let y = model.predict_batches(batches()).run()?.into_array()?;
    /// assert_eq!(y.shape(), [21, 3]);
    ///
    /// // One after the other, without keeping them: predictions may be more than memory holds.
    /// for predictions in model.predict_batches(batches()) {
    ///     assert_eq!(predictions?.get(0)?.shape()[1], 3);
    /// }
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn predict_batches<'a, I>(&'a self, batches: I) -> PredictBatches<'a, I::IntoIter>
    where
        I: IntoIterator<Item: IntoArrays<'a>>,
    {
        let batches = batches.into_iter();
        let (least, most) = batches.size_hint();
        PredictBatches {
            cx: PassContext::new(self, most.filter(|&most| most == least)),
            batches,
            callbacks: Vec::new(),
            course: Course::Before,
        }
    }
}

impl<'a, I: Iterator<Item: IntoArrays<'a>>> Iterator for PredictBatches<'a, I> {
    type Item = Result<Predictions>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.course {
            Course::After => (0, Some(0)),
            _ => self.batches.size_hint(),
        }
    }
}

impl<'a, I: Iterator<Item: IntoArrays<'a>>> FusedIterator for PredictBatches<'a, I> {}

impl<'a, I: Iterator<Item: IntoArrays<'a>>> PredictBatches<'a, I> {
    takes_callbacks!(callbacks);

    /// The predictions for the next batch.
    fn advance(&mut self) -> Result<Option<Predictions>> {
        let (cx, callbacks) = (&mut self.cx, &mut self.callbacks);
        // An error ends the run.
        let done = match mem::replace(&mut self.course, Course::After) {
            Course::Before => {
                each(callbacks, |c| c.on_predict_begin(cx))?;
                0
            }
            Course::Within(done) => done,
            Course::After => return Ok(None),
        };
        let next = match cx.stopped() {
            true => None,
            false => self.batches.next(),
        };
        let Some(batch) = next else {
            each(callbacks, |c| c.on_predict_end(cx))?;
            return Ok(None);
        };
        each(callbacks, |c| c.on_predict_batch_begin(cx, done))?;
        let outputs = cx.model().predict_on_batch(batch)?;
        each(callbacks, |c| c.on_predict_batch_end(cx, done, &outputs))?;
        self.course = Course::Within(done + 1);
        Ok(Some(outputs))
    }

    /// Predicts for all batches.
    ///
    /// # Errors
    /// Data do not fit the model, an item is an error, there are no batches or no end of them, or outputs differ in more than
    /// their first axis.
    pub fn run(self) -> Result<Predictions> {
        if self.size_hint() == (usize::MAX, None) {
            let error =
                Error::mismatch(ErrorKind::Config, "batches that end", "an endless iterator");
            return Err(error.hint("Give some of them: `batches.take(100)`"));
        }
        let (model, mut gathered) = (self.cx.model(), None);
        for predictions in self {
            let predictions = predictions?;
            let literals = predictions.outputs.iter().map(Output::literal);
            let literals = literals.collect::<Result<Vec<_>>>()?;
            gather(&mut gathered, &literals, |first| {
                GatheredOutput::new(first, first.numel())
            })?;
        }
        let Some(parts) = gathered else {
            return Err(Error::mismatch(ErrorKind::Data, "batches of data", "none"));
        };
        Predictions::of_parts(model, parts)
    }
}

/// Appends a batch's outputs to those of the batches before.
fn gather(
    parts: &mut Option<Vec<GatheredOutput>>,
    outputs: &[Literal],
    new: impl Fn(&Literal) -> Result<GatheredOutput>,
) -> Result<()> {
    let parts = match parts {
        Some(parts) => parts,
        none => none.insert(outputs.iter().map(new).collect::<Result<_>>()?),
    };
    let mut pairs = parts.iter_mut().zip(outputs);
    pairs.try_for_each(|(part, output)| part.append(output))
}

impl<'a> Predict<'a> {
    takes_callbacks!(callbacks);

    /// Number of samples in a batch; 32 by default. It decides only how much memory is needed.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// Number of batches; all by default.
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    pub(crate) fn whole(mut self) -> Self {
        self.batch_size = None;
        self
    }

    /// The memory and the operations that one batch takes.
    ///
    /// # Errors
    /// The data do not fit the model.
    pub fn plan(&self) -> Result<Plan> {
        let feed = Feed::inputs(self.model, self.x.clone())?;
        let batch_size = self.batch_size.unwrap_or(feed.samples());
        let batch_size = super::evaluate::batch_size(Some(batch_size), self.steps, feed.samples())?;
        let batch = batch_size.min(feed.samples());
        let step = self.model.predict_step(&feed, batch)?;
        Ok(Plan::of(&step))
    }

    /// Predicts.
    ///
    /// # Errors
    /// The data do not fit the model, or a callback failed.
    pub fn run(self) -> Result<Predictions> {
        let feed = Feed::inputs(self.model, self.x)?;
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
        let (mut gathered, mut start) = (None, 0);
        let mut callbacks = self.callbacks;
        let mut cx = PassContext::new(self.model, Some(steps));
        each(&mut callbacks, |c| c.on_predict_begin(&mut cx))?;
        while start < samples && !cx.stopped() {
            let size = batch_size.min(samples - start);
            let step = self.model.predict_step(&feed, size)?;
            if start == 0 {
                feed.check_indices(&step.indices, 0..samples)?;
            }
            let mut buffers = step.program.buffers()?;
            // All batches of this size with the same memory.
            while start + size <= samples && !cx.stopped() {
                let batch = start / batch_size;
                each(&mut callbacks, |c| c.on_predict_batch_begin(&mut cx, batch))?;
                feed.fill(Rows::Range(start, size), &mut buffers.inputs)?;
                step.program.run_shared(&mut buffers)?;
                if !callbacks.is_empty() {
                    let outputs = Predictions::new(self.model, buffers.outputs()?)?;
                    each(&mut callbacks, |c| {
                        c.on_predict_batch_end(&mut cx, batch, &outputs)
                    })?;
                }
                if size == samples {
                    let predictions = Predictions::new(self.model, buffers.outputs()?)?;
                    step.program.give_back(buffers);
                    each(&mut callbacks, |c| c.on_predict_end(&mut cx))?;
                    return Ok(predictions);
                }
                gather(&mut gathered, buffers.outputs()?, |first| {
                    GatheredOutput::new(first, first.numel() / size.max(1) * samples)
                })?;
                start += size;
            }
            step.program.give_back(buffers);
        }
        each(&mut callbacks, |c| c.on_predict_end(&mut cx))?;
        Predictions::of_parts(self.model, gathered.unwrap_or_default())
    }
}

/// An output, gathered batch by batch.
struct GatheredOutput {
    /// The first axis grows with each batch, as in Keras, even if it is not that of samples.
    dims: Vec<usize>,
    data: Data,
}

impl GatheredOutput {
    /// Without rows yet, and with a capacity in elements.
    fn new(first: &Literal, capacity: usize) -> Result<Self> {
        check_memory(capacity, first.dtype().size())?;
        let mut dims = first.dims().to_vec();
        if let Some(rows) = dims.first_mut() {
            *rows = 0;
        }
        fn empty<T: Element>(_: &[T], capacity: usize) -> Data {
            T::wrap(Vec::with_capacity(capacity))
        }
        Ok(GatheredOutput {
            dims,
            data: with_data!(first.data(), v => empty(v, capacity)),
        })
    }

    fn append(&mut self, output: &Literal) -> Result<()> {
        let (Some((rows, rest)), Some((more, other))) =
            (self.dims.split_first_mut(), output.dims().split_first())
        else {
            return Err(no_rows("an output without axes"));
        };
        if rest != other {
            let dims = output.dims();
            return Err(no_rows(format!(
                "an output of the shape {dims:?} behind one of {rest:?}"
            )));
        }
        *rows += more;
        let (len, capacity) = with_data!(&self.data, v => (v.len(), v.capacity()));
        let len = len + output.numel();
        if len > capacity {
            // A vector grows to at least twice its size, in new memory.
            check_memory(len.saturating_mul(2), output.dtype().size())?;
        }
        append_data(&mut self.data, output.data());
        Ok(())
    }

    fn finish(self) -> Result<Literal> {
        Literal::from_data(self.dims, self.data)
            .ok_or_else(|| no_rows("an output of another length"))
    }
}

fn no_rows(got: impl Into<String>) -> Error {
    let wanted = "outputs that differ in their first axis alone, which counts the samples";
    Error::mismatch(ErrorKind::Shape, wanted, got)
        .hint("Predict with `predict_on_batch`, or go through the batches of `predict_batches`")
}

/// Refuses more predictions than there is memory for.
fn check_memory(count: usize, element: usize) -> Result<()> {
    let hint = "`predict_batches` gives them batch by batch";
    sizes::check_memory("predictions", &[count], element).map_err(|e| e.hint(hint))
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
    pub(super) fn new(literal: &Literal) -> Result<Self> {
        let (dtype, single) = (literal.dtype(), size_of::<f32>());
        Ok(match dtype {
            DType::F32 => {
                check_memory(literal.numel(), single)?;
                Output {
                    array: to_array(literal),
                    original: None,
                }
            }
            _ => {
                check_memory(literal.numel(), 2 * single + dtype.size())?;
                Output {
                    array: to_array(&literal.convert(DType::F32)),
                    original: Some(literal.clone()),
                }
            }
        })
    }

    /// The values in their own type.
    pub(super) fn literal(&self) -> Result<Literal> {
        if let Some(original) = &self.original {
            return Ok(original.clone());
        }
        check_memory(self.array.len(), size_of::<f32>())?;
        let values = self.array.iter().copied().collect();
        Literal::new(self.array.shape().to_vec(), values)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "an array without its values"))
    }
}

impl Predictions {
    fn of_parts(model: &Model, parts: Vec<GatheredOutput>) -> Result<Self> {
        let literals = parts.into_iter().map(GatheredOutput::finish);
        let literals = literals.collect::<Result<Vec<_>>>()?;
        Predictions::new(model, &literals)
    }

    fn new(model: &Model, literals: &[Literal]) -> Result<Self> {
        let declared = &model.functional().outputs;
        let structure = declared.with_leaves(0..literals.len());
        Ok(Predictions {
            names: model.functional().output_names.clone(),
            structure: structure.unwrap_or(Structure::List(Vec::new())),
            outputs: literals.iter().map(Output::new).collect::<Result<_>>()?,
        })
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
