//! The benchmark's models. All give logits, a row for each label.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::{relu, relu6};
use burn::tensor::{Device, Tensor};

use crate::Batch;
use crate::layers::{Block, Lstm, Normed, Residual};

/// A model of the benchmark.
pub trait Net: Module {
    /// Logits of what a batch has.
    fn forward(&self, batch: &Batch) -> Tensor<2>;
}

fn linear(inputs: usize, outputs: usize, device: &Device) -> Linear {
    LinearConfig::new(inputs, outputs).init(device)
}

/// Means over the image.
fn global_average(x: Tensor<4>) -> Tensor<2> {
    let [batch, channels, height, width] = x.dims();
    x.reshape([batch, channels, height * width])
        .mean_dim(2)
        .reshape([batch, channels])
}

#[derive(Module, Debug)]
pub struct SharedDense {
    shared: Linear,
    output: Linear,
}

impl SharedDense {
    pub fn new(device: &Device) -> Self {
        SharedDense {
            shared: linear(10, 32, device),
            output: linear(64, 1, device),
        }
    }
}

impl Net for SharedDense {
    fn forward(&self, batch: &Batch) -> Tensor<2> {
        let sides = batch
            .inputs
            .iter()
            .map(|x| relu(self.shared.forward(x.clone())));
        self.output.forward(Tensor::cat(sides.collect(), 1))
    }
}

#[derive(Module, Debug)]
pub struct Siamese {
    first: Conv2d,
    second: Conv2d,
    output: Linear,
}

impl Siamese {
    pub fn new(device: &Device) -> Self {
        let conv = |channels| {
            let conv = Conv2dConfig::new(channels, [3, 3]);
            conv.with_padding(PaddingConfig2d::Same).init(device)
        };
        Siamese {
            first: conv([1, 32]),
            second: conv([32, 64]),
            output: linear(28 * 28 * 64, 1, device),
        }
    }
}

impl Net for Siamese {
    fn forward(&self, batch: &Batch) -> Tensor<2> {
        let tower = |x: &Tensor<2>| {
            let n = x.dims()[0];
            let x = relu(self.first.forward(x.clone().reshape([n, 1, 28, 28])));
            relu(self.second.forward(x)).reshape([n, 28 * 28 * 64])
        };
        let distance = (tower(&batch.inputs[0]) - tower(&batch.inputs[1])).abs();
        self.output.forward(distance)
    }
}

#[derive(Module, Debug)]
pub struct SharedLstm {
    lstm: Lstm,
    output: Linear,
}

impl SharedLstm {
    pub fn new(device: &Device) -> Self {
        SharedLstm {
            lstm: Lstm::new(20, 64, device),
            output: linear(64, 20, device),
        }
    }
}

impl Net for SharedLstm {
    fn forward(&self, batch: &Batch) -> Tensor<2> {
        let n = batch.inputs[0].dims()[0];
        let sequence = |i: usize, steps| batch.inputs[i].clone().reshape([n, steps, 20]);
        let (_, state) = self.lstm.forward(sequence(0, 10), None);
        let (decoded, _) = self.lstm.forward(sequence(1, 8), Some(state));
        self.output.forward(decoded.reshape([n * 8, 64]))
    }
}

#[derive(Module, Debug)]
pub struct Mlp {
    hidden: Vec<Linear>,
    output: Linear,
}

impl Mlp {
    pub fn new(device: &Device) -> Self {
        Mlp {
            hidden: vec![linear(784, 1024, device), linear(1024, 1024, device)],
            output: linear(1024, 10, device),
        }
    }
}

impl Net for Mlp {
    fn forward(&self, batch: &Batch) -> Tensor<2> {
        let x = batch.inputs[0].clone();
        let x = self
            .hidden
            .iter()
            .fold(x, |x, layer| relu(layer.forward(x)));
        self.output.forward(x)
    }
}

#[derive(Module, Debug)]
pub struct Resnet {
    first: Normed,
    blocks: Vec<Residual>,
    output: Linear,
}

impl Resnet {
    pub fn new(device: &Device) -> Self {
        let mut blocks = Vec::new();
        let mut channels = 16;
        for (stage, filters) in [16, 32, 64].into_iter().enumerate() {
            for block in 0..3 {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                blocks.push(Residual::new([channels, filters], stride, device));
                channels = filters;
            }
        }
        Resnet {
            first: Normed::new([3, 16], 3, 1, 1, device),
            blocks,
            output: linear(64, 10, device),
        }
    }
}

impl Net for Resnet {
    fn forward(&self, batch: &Batch) -> Tensor<2> {
        let x = batch.inputs[0].clone();
        let n = x.dims()[0];
        let x = relu(self.first.forward(x.reshape([n, 3, 32, 32])));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.output.forward(global_average(x))
    }
}

#[derive(Module, Debug)]
pub struct Transformer {
    words: Embedding,
    blocks: Vec<Block>,
    output: Linear,
}

impl Transformer {
    pub fn new(device: &Device) -> Self {
        const WIDTH: usize = 256;
        Transformer {
            words: EmbeddingConfig::new(bench_common::WORDS, WIDTH).init(device),
            blocks: (0..2).map(|_| Block::new(WIDTH, device)).collect(),
            output: linear(WIDTH, 10, device),
        }
    }
}

impl Net for Transformer {
    fn forward(&self, batch: &Batch) -> Tensor<2> {
        let x = self.words.forward(batch.words.clone());
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        let [n, _, width] = x.dims();
        self.output.forward(x.mean_dim(1).reshape([n, width]))
    }
}

#[derive(Module, Debug)]
pub struct DeepLstm {
    first: Lstm,
    second: Lstm,
    output: Linear,
}

impl DeepLstm {
    pub fn new(device: &Device) -> Self {
        DeepLstm {
            first: Lstm::new(64, 256, device),
            second: Lstm::new(256, 256, device),
            output: linear(256, 10, device),
        }
    }
}

impl Net for DeepLstm {
    fn forward(&self, batch: &Batch) -> Tensor<2> {
        let x = batch.inputs[0].clone();
        let n = x.dims()[0];
        let (x, _) = self.first.forward(x.reshape([n, 100, 64]), None);
        let (_, [last, _]) = self.second.forward(x, None);
        self.output.forward(last)
    }
}

#[derive(Module, Debug)]
pub struct Mobilenet {
    layers: Vec<Normed>,
    output: Linear,
}

impl Mobilenet {
    pub fn new(device: &Device) -> Self {
        let mut layers = vec![Normed::new([3, 32], 3, 2, 1, device)];
        let mut channels = 32;
        for (filters, stride) in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1)] {
            layers.push(Normed::new(
                [channels, channels],
                3,
                stride,
                channels,
                device,
            ));
            layers.push(Normed::new([channels, filters], 1, 1, 1, device));
            channels = filters;
        }
        Mobilenet {
            layers,
            output: linear(channels, 10, device),
        }
    }
}

impl Net for Mobilenet {
    fn forward(&self, batch: &Batch) -> Tensor<2> {
        let x = batch.inputs[0].clone();
        let n = x.dims()[0];
        let x = x.reshape([n, 3, 64, 64]);
        let x = self
            .layers
            .iter()
            .fold(x, |x, layer| relu6(layer.forward(x)));
        self.output.forward(global_average(x))
    }
}
