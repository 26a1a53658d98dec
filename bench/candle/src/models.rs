//! The benchmark's models. All give logits, a row for each label.

use candle_core::{D, Result, Tensor};
use candle_nn::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Embedding, Linear, Module, ModuleT,
    VarBuilder, batch_norm, conv2d, conv2d_no_bias, embedding, linear, linear_no_bias, ops,
};

use crate::Batch;

/// Keras's.
const EPSILON: f64 = 1e-3;
/// What of the running statistics a batch replaces, as in Keras.
const BATCH_MOMENTUM: f64 = 0.01;

/// A model of the benchmark.
pub trait Net {
    /// Logits of what a batch has.
    fn forward(&self, batch: &Batch, train: bool) -> Result<Tensor>;
}

/// A model's name and what makes it.
pub fn build(name: &str, vars: &VarBuilder) -> Result<Box<dyn Net>> {
    Ok(match name {
        "shared_dense" => Box::new(SharedDense::new(vars)?),
        "siamese" => Box::new(Siamese::new(vars)?),
        "shared_lstm" => Box::new(SharedLstm::new(vars)?),
        "mlp" => Box::new(Mlp::new(vars)?),
        "resnet" => Box::new(Resnet::new(vars)?),
        "transformer" => Box::new(Transformer::new(vars)?),
        "lstm" => Box::new(DeepLstm::new(vars)?),
        _ => Box::new(Mobilenet::new(vars)?),
    })
}

/// Means over the image.
fn global_average(x: &Tensor) -> Result<Tensor> {
    x.flatten_from(2)?.mean(D::Minus1)
}

/// A convolution without bias, then a batch normalization.
struct Normed {
    conv: Conv2d,
    norm: BatchNorm,
    /// Whether to pad below and at the right only, as Keras does for strides of 2: candle's convolutions pad all sides alike.
    one_sided: bool,
}

impl Normed {
    fn new(
        [inputs, outputs]: [usize; 2],
        size: usize,
        stride: usize,
        groups: usize,
        vars: &VarBuilder,
    ) -> Result<Self> {
        let one_sided = stride == 2 && size == 3;
        let config = Conv2dConfig {
            padding: if one_sided { 0 } else { size / 2 },
            stride,
            groups,
            ..Conv2dConfig::default()
        };
        let norm = BatchNormConfig {
            eps: EPSILON,
            momentum: BATCH_MOMENTUM,
            ..BatchNormConfig::default()
        };
        Ok(Normed {
            conv: conv2d_no_bias(inputs, outputs, size, config, vars.pp("conv"))?,
            norm: batch_norm(outputs, norm, vars.pp("norm"))?,
            one_sided,
        })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let x = match self.one_sided {
            true => x.pad_with_zeros(2, 0, 1)?.pad_with_zeros(3, 0, 1)?,
            false => x.clone(),
        };
        self.norm.forward_t(&self.conv.forward(&x)?, train)
    }
}

/// An LSTM with one product for all gates, whose kernels are those of Keras; candle's own has a second bias.
struct Lstm {
    input: Linear,
    recurrent: Linear,
    units: usize,
}

impl Lstm {
    fn new(features: usize, units: usize, vars: VarBuilder) -> Result<Self> {
        Ok(Lstm {
            input: linear(features, 4 * units, vars.pp("input"))?,
            recurrent: linear_no_bias(units, 4 * units, vars.pp("recurrent"))?,
            units,
        })
    }

    /// The outputs of all steps, and the last state.
    fn forward(&self, x: &Tensor, state: Option<[Tensor; 2]>) -> Result<(Tensor, [Tensor; 2])> {
        let (batch, steps, _) = x.dims3()?;
        let projected = self.input.forward(x)?;
        let [mut h, mut c] = match state {
            Some(state) => state,
            None => {
                let zeros = Tensor::zeros((batch, self.units), x.dtype(), x.device())?;
                [zeros.clone(), zeros]
            }
        };
        let mut outputs = Vec::with_capacity(steps);
        for step in 0..steps {
            let now = projected.narrow(1, step, 1)?.squeeze(1)?;
            let gates = (now + self.recurrent.forward(&h)?)?;
            let open = ops::sigmoid(&gates.narrow(1, 0, 3 * self.units)?.contiguous()?)?;
            let candidate = gates.narrow(1, 3 * self.units, self.units)?.tanh()?;
            let gate = |i: usize| open.narrow(1, i * self.units, self.units);
            c = ((gate(0)? * &c)? + (gate(1)? * candidate)?)?;
            h = (gate(2)? * c.tanh()?)?;
            outputs.push(h.clone());
        }
        Ok((Tensor::stack(&outputs, 1)?, [h, c]))
    }
}

struct SharedDense {
    shared: Linear,
    output: Linear,
}

impl SharedDense {
    fn new(vars: &VarBuilder) -> Result<Self> {
        Ok(SharedDense {
            shared: linear(10, 32, vars.pp("shared"))?,
            output: linear(64, 1, vars.pp("output"))?,
        })
    }
}

impl Net for SharedDense {
    fn forward(&self, batch: &Batch, _: bool) -> Result<Tensor> {
        let sides = batch.inputs.iter().map(|x| self.shared.forward(x)?.relu());
        let sides: Vec<Tensor> = sides.collect::<Result<_>>()?;
        self.output.forward(&Tensor::cat(&sides, 1)?)
    }
}

struct Siamese {
    first: Conv2d,
    second: Conv2d,
    output: Linear,
}

impl Siamese {
    fn new(vars: &VarBuilder) -> Result<Self> {
        let config = Conv2dConfig {
            padding: 1,
            ..Conv2dConfig::default()
        };
        Ok(Siamese {
            first: conv2d(1, 32, 3, config, vars.pp("first"))?,
            second: conv2d(32, 64, 3, config, vars.pp("second"))?,
            output: linear(28 * 28 * 64, 1, vars.pp("output"))?,
        })
    }
}

impl Net for Siamese {
    fn forward(&self, batch: &Batch, _: bool) -> Result<Tensor> {
        let tower = |x: &Tensor| {
            let x = self.first.forward(&x.reshape(((), 1, 28, 28))?)?.relu()?;
            self.second.forward(&x)?.relu()?.flatten_from(1)
        };
        let distance = (tower(&batch.inputs[0])? - tower(&batch.inputs[1])?)?.abs()?;
        self.output.forward(&distance)
    }
}

struct SharedLstm {
    lstm: Lstm,
    output: Linear,
}

impl SharedLstm {
    fn new(vars: &VarBuilder) -> Result<Self> {
        Ok(SharedLstm {
            lstm: Lstm::new(20, 64, vars.pp("lstm"))?,
            output: linear(64, 20, vars.pp("output"))?,
        })
    }
}

impl Net for SharedLstm {
    fn forward(&self, batch: &Batch, _: bool) -> Result<Tensor> {
        let (_, state) = self
            .lstm
            .forward(&batch.inputs[0].reshape(((), 10, 20))?, None)?;
        let (decoded, _) = self
            .lstm
            .forward(&batch.inputs[1].reshape(((), 8, 20))?, Some(state))?;
        self.output.forward(&decoded.reshape(((), 64))?)
    }
}

struct Mlp {
    hidden: Vec<Linear>,
    output: Linear,
}

impl Mlp {
    fn new(vars: &VarBuilder) -> Result<Self> {
        Ok(Mlp {
            hidden: vec![
                linear(784, 1024, vars.pp("first"))?,
                linear(1024, 1024, vars.pp("second"))?,
            ],
            output: linear(1024, 10, vars.pp("output"))?,
        })
    }
}

impl Net for Mlp {
    fn forward(&self, batch: &Batch, _: bool) -> Result<Tensor> {
        let mut x = batch.inputs[0].clone();
        for layer in &self.hidden {
            x = layer.forward(&x)?.relu()?;
        }
        self.output.forward(&x)
    }
}

/// Two convolutions beside a shortcut.
struct Residual {
    first: Normed,
    second: Normed,
    shortcut: Option<Normed>,
}

impl Residual {
    fn new(channels: [usize; 2], stride: usize, vars: VarBuilder) -> Result<Self> {
        let out = channels[1];
        let shortcut = || Normed::new(channels, 1, 2, 1, &vars.pp("shortcut"));
        Ok(Residual {
            first: Normed::new(channels, 3, stride, 1, &vars.pp("first"))?,
            second: Normed::new([out, out], 3, 1, 1, &vars.pp("second"))?,
            shortcut: (stride == 2).then(shortcut).transpose()?,
        })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let y = self.first.forward(x, train)?.relu()?;
        let y = self.second.forward(&y, train)?;
        let x = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x, train)?,
            None => x.clone(),
        };
        (x + y)?.relu()
    }
}

struct Resnet {
    first: Normed,
    blocks: Vec<Residual>,
    output: Linear,
}

impl Resnet {
    fn new(vars: &VarBuilder) -> Result<Self> {
        let mut blocks = Vec::new();
        let mut channels = 16;
        for (stage, filters) in [16, 32, 64].into_iter().enumerate() {
            for block in 0..3 {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = format!("block{stage}{block}");
                blocks.push(Residual::new([channels, filters], stride, vars.pp(name))?);
                channels = filters;
            }
        }
        Ok(Resnet {
            first: Normed::new([3, 16], 3, 1, 1, &vars.pp("first"))?,
            blocks,
            output: linear(64, 10, vars.pp("output"))?,
        })
    }
}

impl Net for Resnet {
    fn forward(&self, batch: &Batch, train: bool) -> Result<Tensor> {
        let x = batch.inputs[0].reshape(((), 3, 32, 32))?;
        let mut x = self.first.forward(&x, train)?.relu()?;
        for block in &self.blocks {
            x = block.forward(&x, train)?;
        }
        self.output.forward(&global_average(&x)?)
    }
}

/// Over the last dimension. candle's own is faster for prediction, which takes it, and has no gradient.
struct Norm {
    gamma: Tensor,
    beta: Tensor,
}

impl Norm {
    fn new(width: usize, vars: VarBuilder) -> Result<Self> {
        Ok(Norm {
            gamma: vars.get_with_hints(width, "gamma", candle_nn::init::ONE)?,
            beta: vars.get_with_hints(width, "beta", candle_nn::init::ZERO)?,
        })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        if !train {
            return ops::layer_norm(&x.contiguous()?, &self.gamma, &self.beta, EPSILON as f32);
        }
        let x = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = x.sqr()?.mean_keepdim(D::Minus1)?;
        let x = x.broadcast_div(&(variance + EPSILON)?.sqrt()?)?;
        x.broadcast_mul(&self.gamma)?.broadcast_add(&self.beta)
    }
}

/// Units of a head of attention.
const HEAD: usize = 64;
/// Units of the transformer.
const WIDTH: usize = 256;

/// Attention and a feed-forward network, each added to what it gets and normalized.
struct Block {
    query: Linear,
    key: Linear,
    value: Linear,
    merge: Linear,
    first_norm: Norm,
    hidden: Linear,
    output: Linear,
    second_norm: Norm,
}

impl Block {
    fn new(vars: VarBuilder) -> Result<Self> {
        let square = |name| linear(WIDTH, WIDTH, vars.pp(name));
        Ok(Block {
            query: square("query")?,
            key: square("key")?,
            value: square("value")?,
            merge: square("merge")?,
            first_norm: Norm::new(WIDTH, vars.pp("first_norm"))?,
            hidden: linear(WIDTH, 4 * WIDTH, vars.pp("hidden"))?,
            output: linear(4 * WIDTH, WIDTH, vars.pp("output"))?,
            second_norm: Norm::new(WIDTH, vars.pp("second_norm"))?,
        })
    }

    fn attend(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let heads = |layer: &Linear| {
            let (batch, length, _) = x.dims3()?;
            let y = layer
                .forward(x)?
                .reshape((batch, length, WIDTH / HEAD, HEAD))?;
            y.transpose(1, 2)?.contiguous()
        };
        let (query, key, value) = (heads(&self.query)?, heads(&self.key)?, heads(&self.value)?);
        let scores = (query.matmul(&key.t()?)? / (HEAD as f64).sqrt())?;
        // candle's faster softmax has no gradient.
        let weights = match train {
            true => ops::softmax(&scores, D::Minus1)?,
            false => ops::softmax_last_dim(&scores)?,
        };
        let context = weights.matmul(&value)?.transpose(1, 2)?;
        self.merge.forward(&context.flatten_from(2)?)
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let x = self
            .first_norm
            .forward(&(x + self.attend(x, train)?)?, train)?;
        let hidden = self.hidden.forward(&x)?.gelu_erf()?;
        self.second_norm
            .forward(&(&x + self.output.forward(&hidden)?)?, train)
    }
}

struct Transformer {
    words: Embedding,
    blocks: Vec<Block>,
    output: Linear,
}

impl Transformer {
    fn new(vars: &VarBuilder) -> Result<Self> {
        Ok(Transformer {
            words: embedding(bench_common::WORDS, WIDTH, vars.pp("words"))?,
            blocks: vec![
                Block::new(vars.pp("first"))?,
                Block::new(vars.pp("second"))?,
            ],
            output: linear(WIDTH, 10, vars.pp("output"))?,
        })
    }
}

impl Net for Transformer {
    fn forward(&self, batch: &Batch, train: bool) -> Result<Tensor> {
        let mut x = self.words.forward(&batch.words)?;
        for block in &self.blocks {
            x = block.forward(&x, train)?;
        }
        self.output.forward(&x.mean(1)?)
    }
}

struct DeepLstm {
    first: Lstm,
    second: Lstm,
    output: Linear,
}

impl DeepLstm {
    fn new(vars: &VarBuilder) -> Result<Self> {
        Ok(DeepLstm {
            first: Lstm::new(64, 256, vars.pp("first"))?,
            second: Lstm::new(256, 256, vars.pp("second"))?,
            output: linear(256, 10, vars.pp("output"))?,
        })
    }
}

impl Net for DeepLstm {
    fn forward(&self, batch: &Batch, _: bool) -> Result<Tensor> {
        let (x, _) = self
            .first
            .forward(&batch.inputs[0].reshape(((), 100, 64))?, None)?;
        let (_, [last, _]) = self.second.forward(&x, None)?;
        self.output.forward(&last)
    }
}

struct Mobilenet {
    layers: Vec<Normed>,
    output: Linear,
}

impl Mobilenet {
    fn new(vars: &VarBuilder) -> Result<Self> {
        let mut layers = vec![Normed::new([3, 32], 3, 2, 1, &vars.pp("first"))?];
        let mut channels = 32;
        for (i, (filters, stride)) in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1)]
            .into_iter()
            .enumerate()
        {
            let (depthwise, pointwise) = (
                vars.pp(format!("depthwise{i}")),
                vars.pp(format!("pointwise{i}")),
            );
            layers.push(Normed::new(
                [channels, channels],
                3,
                stride,
                channels,
                &depthwise,
            )?);
            layers.push(Normed::new([channels, filters], 1, 1, 1, &pointwise)?);
            channels = filters;
        }
        Ok(Mobilenet {
            layers,
            output: linear(channels, 10, vars.pp("output"))?,
        })
    }
}

impl Net for Mobilenet {
    fn forward(&self, batch: &Batch, train: bool) -> Result<Tensor> {
        let mut x = batch.inputs[0].reshape(((), 3, 64, 64))?;
        for layer in &self.layers {
            x = layer.forward(&x, train)?.clamp(0f32, 6f32)?;
        }
        self.output.forward(&global_average(&x)?)
    }
}
