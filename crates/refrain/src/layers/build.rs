//! What a layer sees while it declares its weights.

use std::cell::Cell;

use refrain_graph::philox::seeded;
use refrain_graph::{DType, Literal, Spec};

use super::handle::AnyLayer;
use super::layer::InputSpec;
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::{self, Initializer};
use crate::inputs::Inputs;
use crate::regularizers::Regularizer;
use crate::tensor::resolve_axis;
use crate::utils::sizes;
use crate::variable::Variable;

/// The declaration of a weight.
#[derive(Clone, Debug)]
pub struct Weight {
    name: String,
    shape: Vec<usize>,
    dtype: Option<DType>,
    initializer: Initializer,
    regularizer: Option<Regularizer>,
    constraint: Option<Constraint>,
    trainable: bool,
    /// The numbers of inputs and outputs, where the rule for kernels (the last axes but one and all before) does not fit.
    fans: Option<[usize; 2]>,
}

/// What a layer's options say of one of its weights.
#[derive(Clone, Copy)]
pub(crate) struct WeightRules<'a> {
    pub(crate) initializer: &'a Initializer,
    pub(crate) regularizer: &'a Option<Regularizer>,
    pub(crate) constraint: &'a Option<Constraint>,
}

impl Weight {
    /// A trainable weight of this name and shape, Glorot-uniform.
    ///
    /// A name of several parts (`lstm_cell/kernel`) puts the weight into an inner path, as Keras does for layers made
    /// of others.
    pub fn new(name: &str, shape: impl Into<Vec<usize>>) -> Self {
        Weight {
            name: name.to_owned(),
            shape: shape.into(),
            dtype: None,
            initializer: Initializer::GlorotUniform,
            regularizer: None,
            constraint: None,
            trainable: true,
            fans: None,
        }
    }

    /// Its initializer.
    pub fn initializer(mut self, initializer: &Initializer) -> Self {
        self.initializer = initializer.clone();
        self
    }

    /// Starts at zero.
    pub fn zeros(self) -> Self {
        self.initializer(&Initializer::Zeros)
    }

    /// Starts at one.
    pub fn ones(self) -> Self {
        self.initializer(&Initializer::Ones)
    }

    /// The penalty on its values.
    pub fn regularizer(mut self, regularizer: &Option<Regularizer>) -> Self {
        self.regularizer = regularizer.clone();
        self
    }

    /// The rule that its values are brought back to after each update.
    pub fn constraint(mut self, constraint: &Option<Constraint>) -> Self {
        self.constraint = constraint.clone();
        self
    }

    /// What the layer's options say of it.
    pub(crate) fn rules(self, rules: WeightRules) -> Self {
        self.initializer(rules.initializer)
            .regularizer(rules.regularizer)
            .constraint(rules.constraint)
    }

    /// Whether training changes it (moving statistics are not trained).
    pub fn trainable(mut self, trainable: bool) -> Self {
        self.trainable = trainable;
        self
    }

    /// How many leading axes count as inputs for initializers that scale by the numbers of inputs and outputs; the
    /// other axes are the outputs.
    pub fn input_axes(self, axes: usize) -> Self {
        let (inputs, outputs) = self.shape.split_at(axes.min(self.shape.len()));
        let sized = |axes: &[usize]| axes.iter().fold(1usize, |n, &d| n.saturating_mul(d));
        let fans = [sized(inputs), sized(outputs)];
        self.fans(fans)
    }

    /// The numbers of inputs and outputs, their product the number of elements, for initializers that scale by them.
    pub(crate) fn fans(mut self, fans: [usize; 2]) -> Self {
        self.fans = Some(fans);
        self
    }

    fn sample(&self, dtype: DType) -> Result<Literal> {
        if Making::take(&self.shape)?.without_values {
            sizes::check_memory("a weight", &self.shape, dtype.size())?;
            return Ok(Literal::zeros(self.shape.clone(), dtype));
        }
        let scaled = self.initializer.scales_by_fans();
        let Some(matrix) = self.fans.filter(|_| scaled) else {
            return self.initializer.sample(&self.shape, dtype);
        };
        let value = self.initializer.sample(&matrix, dtype)?;
        value
            .reshaped(self.shape.clone())
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a weight of another size"))
    }

    /// An element type other than the layer's.
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = Some(dtype);
        self
    }
}

/// How weights are made on this thread.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Making {
    /// Whether they start at zero instead of being drawn, since their values are about to be read from a file.
    pub(crate) without_values: bool,
    /// How many elements all weights together may still have.
    pub(crate) most_elements: Option<usize>,
}

thread_local! {
    static MAKING: Cell<Making> = const { Cell::new(Making { without_values: false, most_elements: None }) };
}

impl Making {
    /// Runs what builds layers.
    pub(crate) fn run<T>(self, build: impl FnOnce() -> T) -> T {
        struct Restore(Making);
        impl Drop for Restore {
            fn drop(&mut self) {
                MAKING.set(self.0);
            }
        }
        let _restore = Restore(MAKING.replace(self));
        build()
    }

    /// Takes a weight's elements from those that are left.
    fn take(shape: &[usize]) -> Result<Self> {
        let mut making = MAKING.get();
        let Some(left) = making.most_elements else {
            return Ok(making);
        };
        let wanted = shape.iter().fold(1usize, |n, &d| n.saturating_mul(d));
        let rest = left.checked_sub(wanted).ok_or_else(|| {
            let expected = format!("weights of at most {left} elements more, as the file allows");
            Error::mismatch(
                ErrorKind::Io,
                expected,
                format!("a weight of shape {shape:?}"),
            )
        })?;
        making.most_elements = Some(rest);
        MAKING.set(making);
        Ok(making)
    }
}

/// What a layer sees while it declares its weights: its inputs' shapes, and where the weights go.
pub struct Build {
    pub(crate) inputs: Inputs,
    pub(crate) path: String,
    pub(crate) dtype: DType,
    pub(crate) trainable: bool,
    /// The weights under the names that `call` reads them by.
    pub(crate) weights: Vec<(String, Variable)>,
    /// States that are kept between batches but are no weights, likewise.
    pub(crate) states: Vec<(String, Variable)>,
    pub(crate) seed: Option<Variable>,
    pub(crate) input_spec: InputSpec,
}

impl Build {
    /// The arguments of the first call.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The spec of the first input.
    pub fn spec(&self) -> Result<Spec> {
        let first = self.inputs.first()?.flatten();
        match first.first() {
            Some(t) => Ok(t.spec()),
            None => Err(Error::mismatch(
                ErrorKind::Structure,
                "an input tensor",
                "none",
            )),
        }
    }

    /// The size of the first input along an axis, which must be known.
    pub fn dim(&self, axis: i64) -> Result<usize> {
        let shape = self.spec()?.shape;
        let resolved = resolve_axis(axis, shape.rank())?;
        shape.dim(resolved).ok_or_else(|| {
            let expected = match axis {
                -1 => "the last axis to have a known size".to_owned(),
                axis => format!("axis {axis} to have a known size"),
            };
            Error::mismatch(ErrorKind::Shape, expected, format!("shape {shape}"))
                .hint("Weights depend on it: give the Input this size")
        })
    }

    /// The size of the first input along its last axis, which must be known.
    pub fn last_dim(&self) -> Result<usize> {
        self.dim(-1)
    }

    /// The layer's element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Declares a weight; `call` reads it by its name.
    pub fn add_weight(&mut self, weight: Weight) -> Result<()> {
        let dtype = weight.dtype.unwrap_or(self.dtype);
        let value = weight.sample(dtype)?;
        let name = weight.name.rsplit('/').next().unwrap_or_default();
        let variable = Variable::with_rules(
            name,
            format!("{}/{}", self.path, weight.name),
            value,
            weight.trainable,
            weight.regularizer,
            weight.constraint,
        );
        if !self.trainable {
            variable.set_trainable(false);
        }
        self.weights.push((weight.name, variable));
        Ok(())
    }

    /// Takes a weight of a layer inside as one of this layer too, as Keras does with a weight that is an attribute.
    pub(crate) fn share_weight(&mut self, name: &str, weight: Variable) {
        self.weights.push((name.to_owned(), weight));
    }

    /// Declares a value that is kept between batches but is no weight: it is not counted, saved or trained. It starts at
    /// zero; `call` reads it by its name and changes it with [`assign`](super::Call::assign).
    ///
    /// # Errors
    /// It does not fit in memory.
    pub fn add_state(&mut self, name: &str, shape: impl Into<Vec<usize>>) -> Result<()> {
        let (path, shape) = (format!("{}/{name}", self.path), shape.into());
        sizes::check_memory("a state", &shape, self.dtype.size())?;
        let value = Literal::zeros(shape, self.dtype);
        let variable = Variable::new(name, path, value, false);
        self.states.push((name.to_owned(), variable));
        Ok(())
    }

    /// Asks for random numbers in `call`. With a seed of its own the layer draws the same numbers in each new process.
    pub fn add_seed(&mut self, seed: Option<u64>) {
        let key = seed.unwrap_or_else(initializers::next_seed);
        let value = Literal::new([4], seeded(key).to_vec()).expect("four words");
        let path = format!("{}/seed_generator_state", self.path);
        self.seed = Some(Variable::new("seed_generator_state", path, value, false));
    }

    /// What later calls must satisfy.
    pub fn set_input_spec(&mut self, spec: InputSpec) {
        self.input_spec = spec;
    }

    /// Builds a layer inside this one for given inputs, before its first call.
    pub fn build_sublayer(&mut self, layer: &AnyLayer, inputs: impl Into<Inputs>) -> Result<()> {
        layer.build_for(&inputs.into(), &self.path)
    }
}
