//! Gradients: of the loss, and of any number that a model's graph holds.

use ndarray::ArrayD;
use refrain_graph::grad::vjp;
use refrain_graph::{Literal, ParamKind, Value, grad};

use super::cache::{Mode, Step};
use super::compiled::{Compiled, compiled};
use super::engine::scalar;
use super::feed::{BatchSpecs, Feed};
use super::lower::{Batch, declare, finish, model_outputs, model_variables, total_loss};
use super::predict::Output;
use super::stateful::Batches;
use crate::data::{Arrays, Batch as Samples, IntoArrays, Rows};
use crate::error::{Error, ErrorKind, Result};
use crate::losses::sum_all;
use crate::models::{Functional, Model};
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::variable::Variable;

impl Model {
    /// The gradients of the loss of these samples, taken as one batch, with respect to the inputs and to the weights that
    /// train. Nothing of the model changes.
    ///
    /// The loss is what `fit` minimises: losses of all outputs with their weights, regularizers, losses of layers.
    ///
    /// ```
    /// use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
    /// let x = input([3]);
    /// let dense = Dense::new(1);
    /// let model = Model::new(&x, &dense.call(&x)?)?;
    /// model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    ///
    /// let (x, y) = (ndarray::Array2::<f32>::ones((4, 3)), ndarray::Array2::<f32>::zeros((4, 1)));
    /// let gradients = model.gradients(&x, &y).run()?;
    /// assert_eq!(gradients.get(0)?.shape(), [4, 3]);
    /// assert_eq!(gradients.weight(&dense.weights()[0])?.shape(), [3, 1]);
    /// assert!((gradients.value() - model.evaluate(&x, &y).run()?.loss()).abs() < 1e-6);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn gradients<'a>(
        &'a self,
        x: impl IntoArrays<'a>,
        y: impl IntoArrays<'a>,
    ) -> LossGradients<'a> {
        LossGradients {
            model: self,
            samples: Samples::new(x, y),
            training: false,
        }
    }
}

/// What [`Model::gradients`] is about to do. Ends in [`run`](LossGradients::run).
#[must_use = "nothing is computed until `.run()`"]
pub struct LossGradients<'a> {
    model: &'a Model,
    samples: Samples<'a>,
    training: bool,
}

impl<'a> LossGradients<'a> {
    /// How much each sample counts: one array for all outputs, or one for each.
    pub fn sample_weight(mut self, weights: impl IntoArrays<'a>) -> Self {
        self.samples = self.samples.sample_weight(weights);
        self
    }

    /// Whether layers behave as in `fit` (dropout drops, batch statistics are used); they do not by default.
    pub fn training(mut self, training: bool) -> Self {
        self.training = training;
        self
    }

    /// Computes.
    ///
    /// # Errors
    /// The model is not compiled, or the data do not fit it.
    pub fn run(self) -> Result<Gradients> {
        let (model, samples) = (self.model, self.samples);
        let compiled = compiled(model)?;
        let wanted = compiled.wanted(model.functional().output_names.len());
        let weights = samples.sample_weight.as_ref();
        let feed = Feed::new(model, &samples.x, &samples.y, weights, &wanted)?;
        let training = self.training;
        let specs = feed.specs(feed.samples());
        let step = model.loss_step(&compiled, Mode::Gradients { training }, specs)?;
        let inputs = &model.functional().flat_inputs;
        let given = inputs.iter().zip(feed.given());
        let differentiable = given.map(|(input, given)| given && input.dtype().is_float());
        let differentiable: Vec<bool> = differentiable.collect();
        let names = model.functional().input_names.to_vec();
        run(
            model,
            &step,
            &feed,
            names,
            &differentiable,
            model.trainable_weights(),
        )
    }
}

/// The gradients of a number with respect to tensors of a model's graph: saliency maps, Grad-CAM, sensitivities.
///
/// Made as a model is, from inputs to a tensor, whose elements are added up to the number that is differentiated. As samples
/// of a batch do not depend on each other, a tensor of one number for each sample gives each sample's own gradient.
///
/// ```
/// use refrain::layers::{Conv2D, Dense, GlobalAveragePooling2D};
/// use refrain::training::GradientFunction;
/// use refrain::{Model, Sequential};
/// let model = Sequential::new([8, 8, 1])
///     .add(Conv2D::new(4, 3).name("features"))
///     .add(GlobalAveragePooling2D::new())
///     .add(Dense::new(10))
///     .build()?;
/// let image = ndarray::Array4::<f32>::ones((1, 8, 8, 1));
/// let features = model.get_layer("features")?.output()?;
///
/// // Grad-CAM of class 3: channels weighted by the mean of their gradients.
/// let score = model.outputs()[0].slice((.., 3));
/// let function = GradientFunction::new(model.input(), &score, [&features])?;
/// let gradient = function.run(&image)?.get(0)?.clone();
/// let weights = gradient.mean_axis(ndarray::Axis(1)).and_then(|g| g.mean_axis(ndarray::Axis(1))).unwrap_or_default();
/// let maps = Model::new(model.input(), &features)?.predict(&image).run()?.into_array()?;
/// let cam = (maps * weights).sum_axis(ndarray::Axis(3)).mapv(|v| v.max(0.0));
/// assert_eq!(cam.shape(), [1, 6, 6]);
/// # Ok::<(), refrain::Error>(())
/// ```
pub struct GradientFunction {
    /// Its outputs: the tensor to differentiate, then those with respect to which.
    model: Model,
    names: Vec<String>,
}

impl GradientFunction {
    /// Of the sum of `output`'s elements, with respect to each of the tensors `wrt`: inputs, or tensors on the way from
    /// `inputs` to `output`.
    ///
    /// # Errors
    /// These are no parts of one graph, or are not tensors of floats.
    pub fn new(
        inputs: impl Into<Structure<Tensor>>,
        output: &Tensor,
        wrt: impl Into<Structure<Tensor>>,
    ) -> Result<Self> {
        let wrt = wrt.into().into_leaves();
        let all: Vec<Tensor> = std::iter::once(output.clone()).chain(wrt).collect();
        for tensor in &all {
            tensor.check()?;
            if !tensor.dtype().is_float() {
                let received = tensor.dtype().keras_name().to_owned();
                let expected = format!(
                    "a tensor of floats for gradients in place of `{}`",
                    tensor.name()
                );
                return Err(Error::mismatch(ErrorKind::DType, expected, received));
            }
        }
        let names = all[1..].iter().map(|t| t.name().to_owned()).collect();
        let functional = Functional::new(inputs.into(), Structure::list(all))?;
        let model = Model::from_functional(functional, "gradients");
        Ok(GradientFunction { model, names })
    }

    /// The gradients for these samples, computed as one batch. A program is made once for a shape of data.
    ///
    /// # Errors
    /// The data do not fit the inputs, or the output does not depend on one of the tensors.
    pub fn run<'a>(&'a self, x: impl IntoArrays<'a>) -> Result<Gradients> {
        let x: Arrays<'a> = x.into_arrays();
        let feed = Feed::inputs(&self.model, &x)?;
        let mode = Mode::Gradients { training: false };
        let step = self.model.step_of(feed.specs(feed.samples()), mode)?;
        let all = vec![true; self.names.len()];
        run(
            &self.model,
            &step,
            &feed,
            self.names.clone(),
            &all,
            Vec::new(),
        )
    }
}

/// The gradients of a number with respect to tensors and weights.
#[derive(Clone, Debug)]
pub struct Gradients {
    value: f64,
    names: Vec<String>,
    /// `None` for inputs of integers.
    tensors: Vec<Option<Output>>,
    weights: Vec<(Variable, ArrayD<f32>)>,
}

impl Gradients {
    /// The number that was differentiated: the loss, or the sum of the output's elements.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The gradient with respect to the input at this flat position, or to the tensor at this position among those given.
    ///
    /// # Errors
    /// There are fewer, or it is an input of integers, or one that was not given.
    pub fn get(&self, position: usize) -> Result<&ArrayD<f32>> {
        Ok(&self.at(position)?.array)
    }

    /// The gradient with respect to the input or tensor of this name.
    ///
    /// # Errors
    /// There is none; the error lists the names there are.
    pub fn by_name(&self, name: &str) -> Result<&ArrayD<f32>> {
        match self.names.iter().position(|n| n == name) {
            Some(position) => self.get(position),
            None => Err(self.missing(&format!("no gradient of `{name}`"))),
        }
    }

    /// The gradient at this position in the tensor's own element type.
    ///
    /// # Errors
    /// As [`get`](Gradients::get).
    pub fn literal(&self, position: usize) -> Result<Literal> {
        self.at(position)?.literal()
    }

    /// The gradient with respect to a weight that trains.
    ///
    /// # Errors
    /// It is no such weight of the model.
    pub fn weight(&self, weight: &Variable) -> Result<&ArrayD<f32>> {
        let found = self.weights.iter().find(|(w, _)| w == weight);
        found.map(|(_, gradient)| gradient).ok_or_else(|| {
            let message = format!("no gradient of weight `{}`", weight.path());
            Error::new(ErrorKind::NotFound, message)
                .hint("Gradients of the loss are there for the model's trainable weights")
        })
    }

    /// The weights that train, with their gradients, in the order of
    /// [`trainable_weights`](Model::trainable_weights).
    pub fn weights(&self) -> impl Iterator<Item = (&Variable, &ArrayD<f32>)> {
        self.weights.iter().map(|(w, gradient)| (w, gradient))
    }

    fn at(&self, position: usize) -> Result<&Output> {
        let found = self.tensors.get(position);
        let found = found.ok_or_else(|| self.missing(&format!("no gradient {position}")))?;
        found.as_ref().ok_or_else(|| {
            let name = self.names.get(position).map_or("", String::as_str);
            let message =
                format!("`{name}` holds no floats, or was not given, and has no gradient");
            Error::new(ErrorKind::DType, message)
        })
    }

    fn missing(&self, what: &str) -> Error {
        let message = format!("{what}; there are {:?}", self.names);
        Error::new(ErrorKind::NotFound, message)
    }
}

/// Runs a program whose results are the value, the gradients of the `differentiable` tensors, those of the weights.
fn run(
    model: &Model,
    step: &Step,
    feed: &Feed<'_>,
    names: Vec<String>,
    differentiable: &[bool],
    weights: Vec<Variable>,
) -> Result<Gradients> {
    Batches::whole(feed.samples()).check(model)?;
    step.check(feed)?;
    let mut buffers = step.program.buffers();
    feed.fill(Rows::Range(0, feed.samples()), &mut buffers.inputs)?;
    step.program.run_shared(&mut buffers)?;
    let value = buffers.outputs.first().map_or(f64::NAN, scalar);
    let mut gradients = buffers.outputs.iter().skip(1).map(Output::new);
    let mut each = |&wanted: &bool| if wanted { gradients.next() } else { None };
    let tensors = differentiable.iter().map(&mut each).collect();
    let weights = weights.into_iter().zip(gradients);
    let weights = weights.map(|(w, gradient)| (w, gradient.array)).collect();
    step.program.give_back(buffers);
    Ok(Gradients {
        value,
        names,
        tensors,
        weights,
    })
}

/// The program of the loss and its gradients with respect to inputs of floats and to weights.
pub(crate) fn loss_gradients(
    model: &Model,
    compiled: &Compiled,
    training: bool,
    specs: &BatchSpecs,
) -> Result<Step> {
    let trace = Trace::new(training);
    let weights = model.trainable_weights();
    declare(&trace, model_variables(model));
    let outputs = model_outputs(model, &trace, &specs.x)?;
    let inputs: Vec<Value> = trace.with_graph(|g| {
        let all: Vec<Value> = g.params_of(ParamKind::Input).collect();
        let floats = all.into_iter().filter(|&v| g.spec(v).dtype.is_float());
        floats.collect()
    });
    let batch = Batch::new(&trace, specs, model, outputs);
    let (total, _) = total_loss(&trace, compiled, &batch, &weights)?;
    let loss = total.expect_traced()?.value;
    let wrt = weights.iter().map(|w| trace.variable_param(w));
    let wrt: Vec<Value> = inputs.into_iter().chain(wrt).collect();
    trace.with_graph(|g| {
        let gradients = grad::gradients(g, loss, &wrt)?;
        g.result(loss);
        gradients.into_iter().for_each(|v| g.result(v));
        Ok::<(), Error>(())
    })?;
    trace.keep_variables();
    finish(&trace, super::lower::labels(compiled, &batch))
}

/// The program of a model's first output, added up, and its gradients with respect to the others.
pub(crate) fn output_gradients(model: &Model, specs: &BatchSpecs) -> Result<Step> {
    let trace = Trace::new(false);
    declare(&trace, model_variables(model));
    let outputs = model_outputs(model, &trace, &specs.x)?;
    let Some((output, wrt)) = outputs.split_first() else {
        return Err(Error::new(ErrorKind::Internal, "nothing to differentiate"));
    };
    let total = sum_all(output);
    let value = total.expect_traced()?.value;
    let one = trace.constant(Literal::full([], total.dtype(), 1.0));
    let one = one.expect_traced()?.value;
    let values = wrt.iter().map(|t| Ok(t.expect_traced()?.value));
    let values = values.collect::<Result<Vec<Value>>>()?;
    let gradients = trace.with_graph(|g| vjp(g, &[(value, one)], &values))?;
    let names = model.functional().outputs.flatten().into_iter().skip(1);
    let gradients = gradients.into_iter().zip(names).map(|(gradient, tensor)| {
        gradient.ok_or_else(|| {
            let message = format!("the output does not depend on tensor `{}`", tensor.name());
            Error::new(ErrorKind::Graph, message)
                .hint("Give tensors that lie between the inputs and the output")
        })
    });
    let gradients = gradients.collect::<Result<Vec<Value>>>()?;
    trace.with_graph(|g| {
        g.result(value);
        gradients.into_iter().for_each(|v| g.result(v));
    });
    trace.keep_variables();
    finish(&trace, Vec::new())
}
