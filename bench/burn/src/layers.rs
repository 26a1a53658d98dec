//! Layers and blocks of the models.

use burn::module::Module;
use burn::nn::attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig, PaddingConfig2d,
};
use burn::tensor::activation::{gelu, relu, sigmoid, tanh};
use burn::tensor::{Device, Tensor};

/// Keras's.
const EPSILON: f64 = 1e-3;
/// What of the running statistics a batch replaces, as in Keras.
const BATCH_MOMENTUM: f64 = 0.01;

/// A convolution without bias, then a batch normalization.
#[derive(Module, Debug)]
pub struct Normed {
    conv: Conv2d,
    norm: BatchNorm,
}

impl Normed {
    /// With a square kernel; padded so that strides alone make the image smaller.
    pub fn new(
        channels: [usize; 2],
        size: usize,
        stride: usize,
        groups: usize,
        device: &Device,
    ) -> Self {
        let conv = Conv2dConfig::new(channels, [size, size])
            .with_stride([stride, stride])
            .with_groups(groups)
            .with_padding(if size == 1 {
                PaddingConfig2d::Valid
            } else {
                PaddingConfig2d::Same
            })
            .with_bias(false);
        let norm = BatchNormConfig::new(channels[1])
            .with_epsilon(EPSILON)
            .with_momentum(BATCH_MOMENTUM);
        Normed {
            conv: conv.init(device),
            norm: norm.init(device),
        }
    }

    /// Without an activation.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }
}

/// Two convolutions beside a shortcut.
#[derive(Module, Debug)]
pub struct Residual {
    first: Normed,
    second: Normed,
    shortcut: Option<Normed>,
}

impl Residual {
    /// With a convolution in the shortcut if the image becomes smaller.
    pub fn new(channels: [usize; 2], stride: usize, device: &Device) -> Self {
        let out = channels[1];
        Residual {
            first: Normed::new(channels, 3, stride, 1, device),
            second: Normed::new([out, out], 3, 1, 1, device),
            shortcut: (stride == 2).then(|| Normed::new(channels, 1, 2, 1, device)),
        }
    }

    /// Adds both ways.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.second.forward(relu(self.first.forward(x.clone())));
        let x = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x),
            None => x,
        };
        relu(x + y)
    }
}

/// An LSTM with one product for all gates, whose kernels are those of Keras; Burn's own has a bias and a product more for each gate.
#[derive(Module, Debug)]
pub struct Lstm {
    input: Linear,
    recurrent: Linear,
    units: usize,
}

/// Hidden state and cell state.
pub type State = [Tensor<2>; 2];

impl Lstm {
    /// With that many units.
    pub fn new(features: usize, units: usize, device: &Device) -> Self {
        Lstm {
            input: LinearConfig::new(features, 4 * units).init(device),
            recurrent: LinearConfig::new(units, 4 * units)
                .with_bias(false)
                .init(device),
            units,
        }
    }

    /// The outputs of all steps, and the last state.
    pub fn forward(&self, x: Tensor<3>, state: Option<State>) -> (Tensor<3>, State) {
        let [batch, steps, _] = x.dims();
        let zeros = || Tensor::zeros([batch, self.units], &x.device());
        let [mut h, mut c] = state.unwrap_or_else(|| [zeros(), zeros()]);
        let projected = self.input.forward(x);
        let mut outputs = Vec::with_capacity(steps);
        for step in 0..steps {
            let now = projected
                .clone()
                .narrow(1, step, 1)
                .reshape([batch, 4 * self.units]);
            let gates = now + self.recurrent.forward(h);
            let open = sigmoid(gates.clone().narrow(1, 0, 3 * self.units));
            let candidate = tanh(gates.narrow(1, 3 * self.units, self.units));
            let gate = |i: usize| open.clone().narrow(1, i * self.units, self.units);
            c = gate(0) * c + gate(1) * candidate;
            h = gate(2) * tanh(c.clone());
            outputs.push(h.clone());
        }
        (Tensor::stack(outputs, 1), [h, c])
    }
}

/// Attention and a feed-forward network, each added to what it gets and normalized.
#[derive(Module, Debug)]
pub struct Block {
    attention: MultiHeadAttention,
    first_norm: LayerNorm,
    hidden: Linear,
    output: Linear,
    second_norm: LayerNorm,
}

impl Block {
    /// With heads of 64 units.
    pub fn new(width: usize, device: &Device) -> Self {
        let norm = || {
            LayerNormConfig::new(width)
                .with_epsilon(EPSILON)
                .init(device)
        };
        let attention = MultiHeadAttentionConfig::new(width, width / 64).with_dropout(0.0);
        Block {
            attention: attention.init(device),
            first_norm: norm(),
            hidden: LinearConfig::new(width, 4 * width).init(device),
            output: LinearConfig::new(4 * width, width).init(device),
            second_norm: norm(),
        }
    }

    /// Keeps the shape.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let attended = self
            .attention
            .forward(MhaInput::self_attn(x.clone()))
            .context;
        let x = self.first_norm.forward(x + attended);
        let hidden = self.output.forward(gelu(self.hidden.forward(x.clone())));
        self.second_norm.forward(x + hidden)
    }
}
