//! Cells of products with kernels: what LSTM, GRU and SimpleRNN do alike in each step.

use std::ops::Range;

use refrain_graph::{Op, Shape};

use super::recurrence::{Cell, Recurrent, columns, dropout_masks, time_first};
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::layers::{Build, Call, InputSpec, Recurrence, Weight};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes;

/// Initializer, penalty and rule of a weight.
type WeightRules<'a> = (
    &'a Initializer,
    &'a Option<Regularizer>,
    &'a Option<Constraint>,
);

/// The options that all cells have.
pub(crate) struct Common<'a> {
    pub(crate) rules: Recurrence,
    /// The size of the states, or their channels.
    pub(crate) units: usize,
    pub(crate) use_bias: bool,
    pub(crate) kernel: WeightRules<'a>,
    pub(crate) recurrent: WeightRules<'a>,
    pub(crate) bias: WeightRules<'a>,
    pub(crate) dropout: f64,
    pub(crate) recurrent_dropout: f64,
    pub(crate) seed: Option<u64>,
}

impl Common<'_> {
    pub(super) fn validate(&self, units: &str) -> Result<()> {
        if self.units == 0 {
            let expected = format!("a positive number of {units}");
            return Err(Error::mismatch(ErrorKind::Config, expected, "0"));
        }
        for rate in [self.dropout, self.recurrent_dropout] {
            if !(0.0..=1.0).contains(&rate) {
                let expected = "a dropout rate between 0 and 1";
                return Err(Error::mismatch(
                    ErrorKind::Config,
                    expected,
                    rate.to_string(),
                ));
            }
        }
        Ok(())
    }

    /// Declares both kernels, the bias, and random numbers where values are dropped.
    pub(super) fn add_weights(
        &self,
        cx: &mut Build,
        path: &str,
        [kernel, recurrent]: [Vec<usize>; 2],
        (bias, bias_initializer): (Vec<usize>, &Initializer),
    ) -> Result<()> {
        let mut add = |name: &str, shape, (initializer, regularizer, constraint): WeightRules| {
            cx.add_weight(
                Weight::new(&format!("{path}/{name}"), shape)
                    .initializer(initializer)
                    .regularizer(regularizer)
                    .constraint(constraint),
            )
        };
        add("kernel", kernel, self.kernel)?;
        add("recurrent_kernel", recurrent, self.recurrent)?;
        if self.use_bias {
            add("bias", bias, (bias_initializer, self.bias.1, self.bias.2))?;
        }
        if self.dropout > 0.0 || self.recurrent_dropout > 0.0 {
            cx.add_seed(self.seed);
        }
        Ok(())
    }
}

/// The function of one step, and the sizes that go with it.
pub(crate) trait DenseCell {
    /// Path of the cell's weights: `lstm_cell`, …
    const PATH: &'static str;
    /// Blocks of `units` columns in the kernels.
    const GATES: usize;
    /// Number of states; the first is the output.
    const STATES: usize;

    fn common(&self) -> Common<'_>;

    /// The bias: its shape and first value.
    fn bias(&self) -> (Vec<usize>, Initializer) {
        let common = self.common();
        (vec![Self::GATES * common.units], common.bias.0.clone())
    }

    /// The part of the bias that is added to the inputs' projection.
    fn input_bias(&self, bias: &Tensor) -> Result<Tensor> {
        Ok(bias.clone())
    }

    /// One step: the projected input (bias added) and the states give the next states.
    fn step(&self, weights: &Weights, projected: &Tensor, states: &[Tensor])
    -> Result<Vec<Tensor>>;
}

impl<C: DenseCell> Recurrent for C {
    fn rules(&self) -> Recurrence {
        self.common().rules
    }

    fn check(&self) -> Result<()> {
        self.common().validate("units")
    }

    fn build_cell(&self, cx: &mut Build) -> Result<Vec<Vec<usize>>> {
        let common = self.common();
        InputSpec::new().ndim(3).check("layer", &cx.spec()?)?;
        let features = cx.last_dim()?;
        let width = sizes::times(C::GATES, common.units)?;
        let kernels = [vec![features, width], vec![common.units, width]];
        let (bias, initializer) = self.bias();
        common.add_weights(cx, C::PATH, kernels, (bias, &initializer))?;
        cx.set_input_spec(InputSpec::new().ndim(3).axis(-1, features));
        Ok(vec![vec![common.units]; C::STATES])
    }

    fn cell<'s>(&'s self, cx: &Call, x: &Tensor) -> Result<Cell<'s>> {
        let state = Shape::from([x.shape().dim(0), Some(self.common().units)]);
        let (weights, inputs) = project(self, cx, x)?;
        Ok(Cell {
            inputs,
            states: vec![state; C::STATES],
            step: Box::new(move |projected, states| self.step(&weights, projected, states)),
        })
    }
}

/// What a step needs besides its input and states.
pub(crate) struct Weights {
    recurrent_kernel: Tensor,
    pub(crate) bias: Option<Tensor>,
    /// Dropout of the state: empty, or one factor per gate.
    recurrent_masks: Vec<Tensor>,
    pub(crate) units: usize,
}

impl Weights {
    /// The state times the recurrent kernel's columns of these gates.
    pub(crate) fn recur(&self, state: &Tensor, gates: Range<usize>) -> Result<Tensor> {
        let masks = self.recurrent_masks.get(gates.clone()).unwrap_or_default();
        by_gates(
            state,
            &self.recurrent_kernel,
            masks,
            gates,
            self.units,
            matmul,
        )
    }
}

fn matmul(x: &Tensor, kernel: &Tensor) -> Result<Tensor> {
    ops::matmul(x, kernel).checked()
}

/// A product of `x` and the kernel's columns of these gates; with dropout each gate sees its own part of `x`.
pub(super) fn by_gates(
    x: &Tensor,
    kernel: &Tensor,
    masks: &[Tensor],
    gates: Range<usize>,
    units: usize,
    product: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if masks.is_empty() {
        return product(x, &columns(kernel, gates.start * units, gates.end * units)?);
    }
    let parts = gates.zip(masks).map(|(gate, mask)| {
        let columns = columns(kernel, gate * units, (gate + 1) * units)?;
        product(&(x * mask), &columns)
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    Trace::apply(
        Op::Concatenate(x.rank() - 1),
        &parts.iter().collect::<Vec<_>>(),
    )
}

/// One product for the inputs of all steps: `(time, batch, gates · units)`, the bias added.
fn project<C: DenseCell>(cell: &C, cx: &Call, x: &Tensor) -> Result<(Weights, Tensor)> {
    let common = cell.common();
    let weight = |name: &str| cx.weight(&format!("{}/{name}", C::PATH));
    let kernel = weight("kernel")?;
    let bias = match common.use_bias {
        true => Some(weight("bias")?),
        false => None,
    };
    // As Keras: each gate has a dropout of its own only where the state is dropped too.
    let gates = if common.recurrent_dropout > 0.0 {
        C::GATES
    } else {
        1
    };
    let batch = x.shape().dim(0);
    let features = Some(kernel.dim(0).unwrap_or(0));
    let input_masks = dropout_masks(cx, common.dropout, &[batch, features], gates)?;
    let (steps, units) = (time_first(x)?, common.units);
    let mut projected = match input_masks.as_slice() {
        [one] => ops::matmul(&(&steps * one), &kernel),
        masks => by_gates(&steps, &kernel, masks, 0..C::GATES, units, matmul)?,
    };
    if let Some(bias) = &bias {
        projected = projected + cell.input_bias(bias)?;
    }
    let state = [batch, Some(units)];
    let weights = Weights {
        recurrent_kernel: weight("recurrent_kernel")?,
        bias,
        recurrent_masks: dropout_masks(cx, common.recurrent_dropout, &state, C::GATES)?,
        units,
    };
    Ok((weights, projected.checked()?))
}
