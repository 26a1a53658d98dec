//! The benchmark's models in candle, on its CPU backend.

mod models;

/// Nothing of it is named, but it is to be linked.
#[cfg(feature = "mkl")]
extern crate intel_mkl_src;

use std::collections::HashMap;

use bench_common::{Peer, Plan, Samples};
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::loss::cross_entropy;
use candle_nn::{AdamW, Optimizer, ParamsAdamW, VarBuilder, VarMap, ops};
use models::Net;

/// Inputs and labels.
pub struct Batch {
    /// A row for each sample.
    pub inputs: Vec<Tensor>,
    pub words: Tensor,
    labels: Tensor,
}

struct Trained {
    plan: Plan,
    net: Box<dyn Net>,
    /// The same without gradients, made when it is needed.
    frozen: Option<Box<dyn Net>>,
    vars: VarMap,
    optimizer: AdamW,
}

impl Trained {
    fn new(plan: Plan) -> Result<Self> {
        let vars = VarMap::new();
        let builder = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        let net = models::build(plan.name, &builder)?;
        let adam = ParamsAdamW {
            lr: 1e-3,
            eps: 1e-7,
            weight_decay: 0.0,
            ..ParamsAdamW::default()
        };
        Ok(Trained {
            plan,
            net,
            frozen: None,
            optimizer: AdamW::new(trainable(&vars), adam)?,
            vars,
        })
    }

    fn try_batch(&self, samples: &Samples) -> Result<Batch> {
        let n = samples.count;
        let tensor =
            |values: &Vec<f32>| Tensor::from_slice(values, (n, values.len() / n), &Device::Cpu);
        let labels = Tensor::from_slice(&samples.labels, n * self.plan.labels, &Device::Cpu)?;
        Ok(Batch {
            inputs: samples.inputs.iter().map(tensor).collect::<Result<_>>()?,
            words: Tensor::from_slice(&samples.words, (n, self.plan.words), &Device::Cpu)?,
            labels: match self.plan.classes {
                2 => labels.to_dtype(DType::F32)?.reshape(((), 1))?,
                _ => labels,
            },
        })
    }

    fn try_train(&mut self, batch: &Batch) -> Result<f32> {
        self.frozen = None;
        let logits = self.net.forward(batch, true)?;
        let loss = match self.plan.classes {
            2 => binary_cross_entropy(&logits, &batch.labels)?,
            _ => cross_entropy(&logits, &batch.labels)?,
        };
        self.optimizer.backward_step(&loss)?;
        loss.to_scalar()
    }

    /// The model on tensors that record nothing.
    fn frozen(&self) -> Result<Box<dyn Net>> {
        let vars = self.vars.data().lock().expect("no thread panicked");
        let plain = vars
            .iter()
            .map(|(name, var)| (name.clone(), var.as_detached_tensor()));
        let plain: HashMap<String, Tensor> = plain.collect();
        models::build(
            self.plan.name,
            &VarBuilder::from_tensors(plain, DType::F32, &Device::Cpu),
        )
    }

    fn try_predict(&mut self, batch: &Batch) -> Result<Vec<f32>> {
        let net = match self.frozen.take() {
            Some(net) => net,
            None => self.frozen()?,
        };
        let logits = net.forward(batch, false)?;
        self.frozen = Some(net);
        let probabilities = match self.plan.classes {
            2 => ops::sigmoid(&logits)?,
            _ => ops::softmax_last_dim(&logits)?,
        };
        probabilities.flatten_all()?.to_vec1()
    }
}

/// From logits. candle's own takes the logarithm of a sigmoid, which is not finite for large logits.
fn binary_cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let softplus = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    let rest = (logits.relu()? - (logits * labels)?)?;
    (rest + softplus)?.mean_all()
}

/// All but the running statistics.
fn trainable(vars: &VarMap) -> Vec<Var> {
    let vars = vars.data().lock().expect("no thread panicked");
    let trained = vars.iter().filter(|(name, _)| !name.contains("running_"));
    trained.map(|(_, var)| var.clone()).collect()
}

/// What candle refuses ends the program, and its message stands in the table's notes.
fn must<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| {
        eprintln!("candle: {error}");
        std::process::exit(1)
    })
}

impl Peer for Trained {
    type Batch = Batch;

    fn batch(&self, samples: &Samples) -> Batch {
        must(self.try_batch(samples))
    }

    fn train(&mut self, batch: &Batch) -> f32 {
        must(self.try_train(batch))
    }

    fn predict(&mut self, batch: &Batch) -> Vec<f32> {
        must(self.try_predict(batch))
    }

    fn params(&self) -> usize {
        trainable(&self.vars)
            .iter()
            .map(|var| var.elem_count())
            .sum()
    }
}

fn main() {
    let arguments = bench_common::arguments();
    bench_common::measure(arguments, "candle 0.11", || must(Trained::new(arguments.0)));
}
