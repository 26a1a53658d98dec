//! The benchmark's models in Burn, on its CPU backend flex.

mod layers;
mod models;

use bench_common::{Peer, Plan, Samples};
use burn::module::{ModuleVisitor, Param};
use burn::nn::loss::{BinaryCrossEntropyLossConfig, CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};
use models::Net;

const LEARNING_RATE: f64 = 1e-3;
/// Keras's.
const EPSILON: f32 = 1e-7;

/// Inputs and labels.
#[derive(Clone)]
pub struct Batch {
    /// A row for each sample.
    pub inputs: Vec<Tensor<2>>,
    pub words: Tensor<2, Int>,
    labels: Tensor<1, Int>,
}

struct Trained<N> {
    plan: Plan,
    net: N,
    /// The same without autodiff, made when it is needed.
    frozen: Option<N>,
    optimizer: ModuleOptimizer,
    device: Device,
}

impl<N: Net> Trained<N> {
    fn new(plan: Plan, build: impl FnOnce(&Device) -> N) -> Self {
        let device = Device::flex().autodiff();
        device.seed(1);
        Trained {
            plan,
            net: build(&device),
            frozen: None,
            optimizer: AdamConfig::new().with_epsilon(EPSILON).init(),
            device,
        }
    }

    fn loss(&self, logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
        match self.plan.classes {
            2 => {
                let loss = BinaryCrossEntropyLossConfig::new()
                    .with_logits(true)
                    .init(&self.device);
                let labels = labels.reshape(logits.dims());
                loss.forward(logits, labels)
            }
            _ => CrossEntropyLossConfig::new()
                .init(&self.device)
                .forward(logits, labels),
        }
    }
}

impl<N: Net> Peer for Trained<N> {
    type Batch = Batch;

    fn batch(&self, samples: &Samples) -> Batch {
        let n = samples.count;
        let input = |values: &Vec<f32>| {
            let data = TensorData::new(values.clone(), [n, values.len() / n]);
            Tensor::from_data(data, &self.device)
        };
        let integers = |values: &[u32]| values.iter().map(|&v| i64::from(v)).collect::<Vec<_>>();
        let words = TensorData::new(integers(&samples.words), [n, self.plan.words]);
        let labels = TensorData::new(integers(&samples.labels), [n * self.plan.labels]);
        Batch {
            inputs: samples.inputs.iter().map(input).collect(),
            words: Tensor::from_data(words, &self.device),
            labels: Tensor::from_data(labels, &self.device),
        }
    }

    fn train(&mut self, batch: &Batch) -> f32 {
        self.frozen = None;
        let loss = self.loss(self.net.forward(batch), batch.labels.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &self.net);
        self.net = self
            .optimizer
            .step(LEARNING_RATE, self.net.clone(), gradients);
        loss.into_scalar()
    }

    fn predict(&mut self, batch: &Batch) -> Vec<f32> {
        let net = self.frozen.get_or_insert_with(|| self.net.valid());
        let plain = Batch {
            inputs: batch
                .inputs
                .iter()
                .map(|x| x.clone().without_autodiff())
                .collect(),
            words: batch.words.clone().without_autodiff(),
            labels: batch.labels.clone().without_autodiff(),
        };
        let logits = net.forward(&plain);
        let probabilities = match self.plan.classes {
            2 => sigmoid(logits),
            _ => softmax(logits, 1),
        };
        probabilities
            .into_data()
            .try_to_vec()
            .expect("single-precision numbers")
    }

    fn params(&self) -> usize {
        let mut counted = Counted(0);
        self.net.visit(&mut counted);
        counted.0
    }
}

/// Numbers that training changes: what Burn's own count also has are the running statistics.
struct Counted(usize);

impl ModuleVisitor for Counted {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            self.0 += param.val().shape().num_elements();
        }
    }
}

fn main() {
    let arguments = bench_common::arguments();
    let version = "Burn 0.22 on flex";
    macro_rules! measure {
        ($net:ty) => {
            bench_common::measure(arguments, version, || {
                Trained::new(arguments.0, <$net>::new)
            })
        };
    }
    match arguments.0.name {
        "shared_dense" => measure!(models::SharedDense),
        "siamese" => measure!(models::Siamese),
        "shared_lstm" => measure!(models::SharedLstm),
        "mlp" => measure!(models::Mlp),
        "resnet" => measure!(models::Resnet),
        "transformer" => measure!(models::Transformer),
        "lstm" => measure!(models::DeepLstm),
        _ => measure!(models::Mobilenet),
    }
}
