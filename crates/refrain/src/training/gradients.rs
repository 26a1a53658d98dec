//! Gradients: of the loss, and of any number that a model's graph holds.

use std::collections::HashSet;
use std::sync::Arc;

use ndarray::ArrayD;
use refrain_graph::{Literal, ParamKind, Value, grad};

use super::cache::{Cache, Mode, StepProgram};
use super::compiled::{Compiled, compiled};
use super::engine::scalar;
use super::feed::{BatchSpecs, Feed};
use super::lower::{Batch, declare, finish, model_outputs, model_variables, total_loss};
use super::predict::Output;
use super::stateful::Batches;
use crate::data::{Batch as Samples, IntoArrays, Rows};
use crate::error::{Error, ErrorKind, Result};
use crate::models::{Functional, Model, not_symbolic};
use crate::ops::gradient::{self, check_float, no_influence};
use crate::ops::prim;
use crate::structure::Structure;
use crate::tensor::{Tensor, TensorKey};
use crate::trace::Trace;
use crate::variable::{Variable, VariableId};

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

/// Builder of [`Model::gradients`]: options, then [`run`](LossGradients::run).
#[must_use = "nothing is computed until `.run()`"]
pub struct LossGradients<'a> {
    model: &'a Model,
    samples: Samples<'a>,
    training: bool,
}

impl<'a> LossGradients<'a> {
    /// The weight of each sample, 1 by default: an array `(samples,)` for all outputs, or one for each.
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
    /// Its outputs: the tensor to differentiate, then those of its own graph with respect to which.
    model: Model,
    wrt: Vec<Wrt>,
    weights: Vec<Variable>,
}

/// A tensor with respect to which there is a gradient.
struct Wrt {
    name: String,
    key: TensorKey,
    /// Its position among the outputs; `None` within a nested model.
    position: Option<usize>,
}

impl GradientFunction {
    /// The gradients of the sum of `output`'s elements, with respect to each of the tensors `wrt`: inputs, or tensors on the way from
    /// `inputs` to `output`, also those of a model that is called once on the way
    /// (`model.get_layer("encoder")?.as_model()?.get_layer("features")?.output()?`).
    ///
    /// # Errors
    /// These are no parts of one graph, or are not tensors of floats.
    pub fn new(
        inputs: impl Into<Structure<Tensor>>,
        output: &Tensor,
        wrt: impl Into<Structure<Tensor>>,
    ) -> Result<Self> {
        check_float(output)?;
        let inputs = inputs.into();
        let whole = Functional::new(inputs.clone(), Structure::list([output.clone()]))?;
        let nested = |t: &Tensor| {
            let key = t.key().filter(|&key| whole.holds(key))?;
            (!whole.nodes.iter().any(|n| Arc::as_ptr(n) as usize == key.0)).then_some(key)
        };
        let (mut outputs, mut places) = (vec![output.clone()], Vec::new());
        for tensor in wrt.into().into_leaves() {
            check_float(&tensor)?;
            let (name, key) = (tensor.name().to_owned(), nested(&tensor));
            let position = key.is_none().then_some(outputs.len());
            if position.is_some() {
                outputs.push(tensor);
            }
            places.push((name, key, position));
        }
        let functional = Functional::new(inputs, Structure::list(outputs))?;
        // The graph has tensors of its own where inputs are not those of an `InputLayer`.
        let outputs = functional.outputs.flatten();
        let wrt = places.into_iter().map(|(name, nested, position)| {
            let key = nested.or_else(|| outputs[position?].key());
            let key = key.ok_or_else(|| not_symbolic("a tensor of a layer's `call`"))?;
            Ok(Wrt {
                name,
                key,
                position,
            })
        });
        let wrt = wrt.collect::<Result<_>>()?;
        Ok(GradientFunction {
            model: Model::from_functional(functional, "gradients"),
            wrt,
            weights: Vec::new(),
        })
    }

    /// Gives the gradients with respect to these weights too; 0 where a weight has no influence.
    ///
    /// ```
    /// use refrain::{Sequential, layers::Dense, training::GradientFunction};
    /// let model = Sequential::new([3]).add(Dense::new(2)).build()?;
    /// let weights = model.trainable_weights();
    /// let function = GradientFunction::new(model.input(), &model.outputs()[0], model.input())?.weights(&weights)?;
    /// let gradients = function.run(&ndarray::Array2::<f32>::ones((4, 3)))?;
    /// assert_eq!(gradients.weight(&weights[1])?.as_slice(), Some(&[4.0, 4.0][..]));
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// One is not a weight of the layers between the inputs and the output, or holds no floats.
    pub fn weights<'w>(mut self, weights: impl IntoIterator<Item = &'w Variable>) -> Result<Self> {
        let known: HashSet<VariableId> = self.model.weights().iter().map(Variable::id).collect();
        for weight in weights {
            if !known.contains(&weight.id()) {
                let message = format!(
                    "`{}` is no weight between the inputs and the output",
                    weight.path()
                );
                return Err(Error::new(ErrorKind::NotFound, message));
            }
            if !weight.spec().dtype.is_float() {
                let expected = format!("a weight of floats in place of `{}`", weight.path());
                let received = weight.spec().dtype.keras_name().to_owned();
                return Err(Error::mismatch(ErrorKind::DType, expected, received));
            }
            self.weights.push(weight.clone());
        }
        self.model
            .with_training(|state| state.programs = Cache::default());
        Ok(self)
    }

    /// The gradients for these samples, computed as one batch. A program is made once for a shape of data.
    ///
    /// # Errors
    /// The data do not fit the inputs, or the output does not depend on one of the tensors, or one is computed several times.
    pub fn run<'a>(&'a self, x: impl IntoArrays<'a>) -> Result<Gradients> {
        let feed = Feed::inputs(&self.model, x.into_arrays())?;
        let mode = Mode::Gradients { training: false };
        let specs = feed.specs(feed.samples());
        let step = self.model.step_of(specs, mode, |specs| self.step(specs))?;
        let names: Vec<String> = self.wrt.iter().map(|wrt| wrt.name.clone()).collect();
        let all = vec![true; names.len()];
        run(&self.model, &step, &feed, names, &all, self.weights.clone())
    }

    /// The program of the output, added up, and its gradients.
    fn step(&self, specs: &BatchSpecs) -> Result<StepProgram> {
        let trace = Trace::new(false);
        declare(&trace, model_variables(&self.model));
        self.wrt.iter().for_each(|wrt| trace.watch(wrt.key));
        let outputs = model_outputs(&self.model, &trace, &specs.x)?;
        let tensors = self.wrt.iter().map(|wrt| match wrt.position {
            Some(position) => Ok(outputs[position].clone()),
            None => wrt.within(&trace),
        });
        let mut tensors = tensors.collect::<Result<Vec<Tensor>>>()?;
        let weights = self.weights.iter().map(|w| trace.variable_param(w));
        tensors.extend(weights.map(|value| trace.wrap(value)));
        let (total, found) = gradient::of_sum(&outputs[0], &tensors)?;
        let mut results = vec![total];
        for (position, (tensor, found)) in tensors.iter().zip(found).enumerate() {
            results.push(match (found, self.wrt.get(position)) {
                (Some(found), _) => found,
                (None, Some(wrt)) => return Err(no_influence(&wrt.name)),
                (None, None) => prim::full(tensor, &tensor.shape(), tensor.dtype(), 0.0)?,
            });
        }
        for result in results {
            let value = result.expect_traced()?.value;
            trace.with_graph(|g| g.result(value));
        }
        trace.keep_variables();
        finish(&trace, Vec::new())
    }
}

impl Wrt {
    /// The value of a tensor within a nested model.
    fn within(&self, trace: &Trace) -> Result<Tensor> {
        match trace.noted(self.key)[..] {
            [Some(value)] => Ok(trace.wrap(value)),
            [] => Err(no_influence(&self.name)),
            _ => {
                let message = format!(
                    "tensor `{}` is computed several times, as its model is called several times",
                    self.name
                );
                Err(Error::new(ErrorKind::Graph, message)
                    .hint("Take the tensors that the calls give, or a model of one of the calls"))
            }
        }
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

    /// The gradient with respect to a weight that trains, or to one of [`GradientFunction::weights`].
    ///
    /// # Errors
    /// It is no such weight.
    pub fn weight(&self, weight: &Variable) -> Result<&ArrayD<f32>> {
        let found = self.weights.iter().find(|(w, _)| w == weight);
        found.map(|(_, gradient)| gradient).ok_or_else(|| {
            let message = format!("no gradient of weight `{}`", weight.path());
            Error::new(ErrorKind::NotFound, message)
                .hint("There are those of the loss for weights that train, and those of a GradientFunction for its `weights`")
        })
    }

    /// The weights with their gradients, in the order of [`trainable_weights`](Model::trainable_weights), or of
    /// [`GradientFunction::weights`].
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
    step: &StepProgram,
    feed: &Feed<'_>,
    names: Vec<String>,
    differentiable: &[bool],
    weights: Vec<Variable>,
) -> Result<Gradients> {
    Batches::whole(feed.samples()).check(model)?;
    step.check(feed)?;
    let mut buffers = step.program.buffers()?;
    feed.fill(Rows::Range(0, feed.samples()), &mut buffers.inputs)?;
    step.program.run_shared(&mut buffers)?;
    let outputs = buffers.outputs()?;
    let value = outputs.first().map_or(f64::NAN, scalar);
    let gradients = outputs.iter().skip(1).map(Output::new);
    let mut gradients = gradients.collect::<Result<Vec<_>>>()?.into_iter();
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
) -> Result<StepProgram> {
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
