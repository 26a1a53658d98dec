//! The convolutional LSTM of any number of spatial dimensions.

use refrain_graph::{Dim, Shape, Spec};

use super::dense_cell::{Common, by_gates};
use super::lstm::next_states;
use super::recurrence::{Cell, dropout_masks, time_first};
use crate::activations::Activation;
use crate::error::Result;
use crate::initializers::{ForgetBias, Initializer};
use crate::layers::convolutional::{Geometry, no_causal};
use crate::layers::{Build, Call, DataFormat, InputSpec, Padding};
use crate::ops::{self, ConvOptions, prim};
use crate::tensor::Tensor;
use crate::utils::sizes;

/// Blocks of filters in the kernels.
const GATES: usize = 4;

/// Path of the weights.
pub(super) const PATH: &str = "conv_lstm_cell";

/// The options of a convolutional LSTM.
pub(super) struct ConvLstm<'a> {
    pub(super) common: Common<'a>,
    pub(super) geometry: Geometry<'a>,
    pub(super) activations: [&'a Activation; 2],
    pub(super) unit_forget_bias: bool,
}

/// A tensor with one of its axes moved to another place.
fn moved(x: &Tensor, from: usize, to: usize) -> Result<Tensor> {
    if from == to {
        return Ok(x.clone());
    }
    let mut axes: Vec<usize> = (0..x.rank()).collect();
    let axis = axes.remove(from);
    axes.insert(to, axis);
    prim::transpose(x, &axes)
}

impl<'a> ConvLstm<'a> {
    pub(super) fn validate(&self) -> Result<()> {
        self.common.validate("filters")?;
        no_causal(self.geometry.padding)?;
        self.geometry.validate()
    }

    fn spatial(&self) -> usize {
        self.geometry.kernel_size.len()
    }

    /// Where the channels of a state are.
    fn channels(&self) -> usize {
        match self.geometry.data_format {
            DataFormat::ChannelsFirst => 1,
            DataFormat::ChannelsLast => self.spatial() + 1,
        }
    }

    pub(super) fn build(&self, cx: &mut Build) -> Result<Vec<Vec<usize>>> {
        let (common, geometry, rank) = (&self.common, &self.geometry, self.spatial() + 3);
        InputSpec::new().ndim(rank).check("layer", &cx.spec()?)?;
        let axis = self.channels() as i64 + 1;
        let channels = cx.dim(axis)?;
        let width = sizes::times(GATES, common.units)?;
        let kernels = [channels, common.units].map(|n| geometry.kernel_shape([n, width]));
        let initializer = match self.unit_forget_bias {
            true => Initializer::new(ForgetBias(common.bias.initializer.clone())),
            false => common.bias.initializer.clone(),
        };
        common.add_weights(cx, PATH, kernels, (vec![width], &initializer))?;
        cx.set_input_spec(InputSpec::new().ndim(rank).axis(axis, channels));
        let first = geometry.data_format.first_spatial_axis() + 1;
        let sizes =
            (0..self.spatial()).map(|i| Ok(geometry.output_size(i, cx.dim((first + i) as i64)?)));
        let mut state = sizes.collect::<Result<Vec<_>>>()?;
        state.insert(self.channels() - 1, common.units);
        Ok(vec![state; 2])
    }

    /// One convolution for the inputs of all steps: `(time, batch, spatial…, gates · filters)`, the bias added.
    fn project(&self, cx: &Call, x: &Tensor) -> Result<Tensor> {
        let x = moved(x, self.channels() + 1, x.rank() - 1)?;
        let steps = time_first(&x)?;
        let kernel = cx.weight(&format!("{PATH}/kernel"))?;
        let shape = steps.shape();
        let (outer, inner) = shape.dims().split_at(2);
        let options = self.geometry.options();
        let convolve = |x: &Tensor, kernel: &Tensor| {
            let rows = outer[0].zip(outer[1]).map(|(t, b)| sizes::times(t, b));
            let folded = prim::reshape(x, [&[rows.transpose()?], inner].concat())?;
            let y = ops::convolve(&folded, kernel, &options)?;
            prim::reshape(&y, [outer, &y.shape().dims()[1..]].concat())
        };
        let sample: Vec<Dim> = shape.dims()[1..].to_vec();
        let masks = dropout_masks(cx, rate(self.common.dropout), &sample, GATES)?;
        let units = self.common.units;
        let projected = by_gates(&steps, &kernel, &masks, 0..GATES, units, convolve)?;
        cx.add_bias(projected, &format!("{PATH}/bias"))
    }

    /// What is done in each step.
    pub(super) fn cell(self, cx: &Call, x: &Tensor) -> Result<Cell<'a>> {
        let inputs = self.project(cx, x)?;
        let (units, channels) = (self.common.units, self.channels());
        let mut inner = inputs.shape().dims()[1..].to_vec();
        inner.pop();
        inner.push(Some(units));
        let recurrent_dropout = rate(self.common.recurrent_dropout);
        let masks = dropout_masks(cx, recurrent_dropout, &inner, GATES)?;
        inner.pop();
        inner.insert(channels, Some(units));
        let kernel = cx.weight(&format!("{PATH}/recurrent_kernel"))?;
        let same = ConvOptions::default().padding(Padding::Same);
        let last = self.spatial() + 1;
        let step = move |projected: &Tensor, states: &[Tensor]| {
            let hidden = moved(&states[0], channels, last)?;
            let carry = moved(&states[1], channels, last)?;
            let recurrent = by_gates(&hidden, &kernel, &masks, 0..GATES, units, |x, kernel| {
                ops::convolve(x, kernel, &same)
            })?;
            let next = next_states(&(projected + recurrent), &carry, units, self.activations)?;
            next.iter()
                .map(|state| moved(state, last, channels))
                .collect()
        };
        let states = vec![Spec::new(Shape::from(inner), x.dtype()); 2];
        Ok(Cell::of_states(inputs, states, step))
    }
}

/// As in Keras a rate of 1 drops nothing.
fn rate(rate: f64) -> f64 {
    if rate < 1.0 { rate } else { 0.0 }
}

/// Declares a convolutional LSTM of a number of spatial dimensions.
macro_rules! conv_lstm_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $class:literal, $rank:literal) => {
        use super::conv_lstm::{ConvLstm, PATH};
        use super::options::{recurrent_options, rnn_layer_methods};
        use super::output::RnnOutput;
        use super::recurrence::{Cell, Recurrent};
        use crate::activations::Activation;
        use crate::config::Sizes;
        use crate::constraints::Constraint;
        use crate::error::Result;
        use crate::initializers::Initializer;
        use crate::layers::convolutional::Geometry;
        use crate::layers::{Build, Call, DataFormat, Layer, Padding, Recurrence};
        use crate::regularizers::Regularizer;
        use crate::tensor::Tensor;

        recurrent_options! {
            $(#[$meta])*
            $alias, $options, filters,
            size {
                /// Number of filters: the channels of state and output.
                filters: usize = 0,
                /// Size of the windows.
                kernel_size: Sizes<$rank> = Sizes::from(1),
                /// Step of the window over the inputs.
                strides: Sizes<$rank> = Sizes::from(1),
                /// What happens at the edges of the inputs.
                padding: Padding = Padding::Valid,
                /// Where the channels are.
                data_format: DataFormat = DataFormat::ChannelsLast,
                /// Distance between the window's elements over the inputs.
                dilation_rate: Sizes<$rank> = Sizes::from(1),
            },
            own {
                /// Applied to the gates.
                recurrent_activation: Activation = Activation::Sigmoid,
                /// Whether the forget gate's bias starts at one.
                unit_forget_bias: bool = true,
            }
        }

        impl $alias {
            /// A layer of this many filters of this size.
            pub fn new(filters: usize, kernel_size: impl Into<Sizes<$rank>>) -> Self {
                let kernel_size = kernel_size.into();
                $options { filters, kernel_size, ..$options::default() }.into_layer()
            }
        }

        impl $options {
            fn conv_lstm(&self) -> ConvLstm<'_> {
                ConvLstm {
                    common: self.common(),
                    geometry: Geometry {
                        kernel_size: &self.kernel_size.0,
                        strides: &self.strides.0,
                        padding: self.padding,
                        data_format: self.data_format,
                        dilation_rate: &self.dilation_rate.0,
                    },
                    activations: [&self.activation, &self.recurrent_activation],
                    unit_forget_bias: self.unit_forget_bias,
                }
            }
        }

        impl Layer for $options {
            type Output = RnnOutput;

            rnn_layer_methods!($class, PATH);
        }

        impl Recurrent for $options {
            fn rules(&self) -> Recurrence {
                self.loop_rules()
            }

            fn check(&self) -> Result<()> {
                self.conv_lstm().validate()
            }

            fn build_cell(&self, cx: &mut Build) -> Result<Vec<Vec<usize>>> {
                self.conv_lstm().build(cx)
            }

            fn cell<'s>(&'s self, cx: &Call, x: &Tensor) -> Result<Cell<'s>> {
                self.conv_lstm().cell(cx, x)
            }
        }
    };
}

pub(super) use conv_lstm_layer;
