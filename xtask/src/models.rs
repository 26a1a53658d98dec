//! The benchmark's models; `bench_peers.py` has the same in Keras.

use std::error::Error;

use refrain::activations::Activation;
use refrain::initializers::set_random_seed;
use refrain::layers::{
    AnyLayer, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Embedding, Flatten,
    GlobalAveragePooling1D, GlobalAveragePooling2D, LayerNormalization, Lstm, MultiHeadAttention,
    Padding, Relu, add, concatenate, subtract,
};
use refrain::losses::Loss;
use refrain::optimizers::Adam;
use refrain::{DType, Input, Literal, Model, Tensor, input, ops};

type Result<T, E = refrain::Error> = std::result::Result<T, E>;

/// What of a model can be varied. A model that lacks one of them takes no notice of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Samples of a batch.
    pub batch: usize,
    /// Units of a hidden layer.
    pub width: usize,
    /// Hidden layers, or blocks.
    pub depth: usize,
    /// Steps of a sequence.
    pub length: usize,
}

/// A model with what is measured on it.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// Its sizes.
    pub size: Size,
    /// Train steps in a repeat.
    pub steps: usize,
    build: fn(Size) -> Result<Model>,
    data: fn(usize, Size) -> Samples,
}

impl Case {
    /// The compiled model.
    pub fn build(&self) -> Result<Model> {
        (self.build)(self.size)
    }

    /// Inputs and labels of a number of samples.
    pub fn samples(&self, n: usize) -> Samples {
        (self.data)(n, self.size)
    }
}

/// The model of this name, which may say what is different: `mlp@width=512`.
pub fn case(name: &str) -> Result<Case, Box<dyn Error>> {
    let (base, change) = name.split_once('@').unwrap_or((name, ""));
    let mut case = *CASES
        .iter()
        .find(|case| case.name == base)
        .ok_or_else(|| format!("no model {base}"))?;
    for change in change.split('+').filter(|change| !change.is_empty()) {
        let (key, value) = change.split_once('=').ok_or("no = in a change")?;
        let value = value.parse()?;
        match key {
            "batch" => case.size.batch = value,
            "width" => case.size.width = value,
            "depth" => case.size.depth = value,
            "length" => case.size.length = value,
            _ => return Err(format!("a model has no {key}").into()),
        }
    }
    Ok(case)
}

/// A size of which only the batch counts.
const fn batch(batch: usize) -> Size {
    Size {
        batch,
        width: 0,
        depth: 0,
        length: 0,
    }
}

/// Inputs and labels.
pub struct Samples {
    x: Vec<Literal>,
    y: Literal,
}

impl Samples {
    /// The inputs, a row for each sample.
    pub fn inputs(&self) -> Vec<&Literal> {
        self.x.iter().collect()
    }

    /// The labels, a row for each sample.
    pub fn labels(&self) -> &Literal {
        &self.y
    }

    /// The first `n` samples.
    pub fn first(&self, n: usize) -> Samples {
        Samples {
            x: self.x.iter().map(|x| head(x, n)).collect(),
            y: head(&self.y, n),
        }
    }
}

fn head(literal: &Literal, n: usize) -> Literal {
    let mut dims = literal.dims().to_vec();
    let row: usize = dims[1..].iter().product();
    dims[0] = n;
    let short = match literal.values::<f32>() {
        Some(values) => Literal::new(dims, values[..n * row].to_vec()),
        None => {
            let values = literal.values::<i32>().unwrap_or_default();
            Literal::new(dims, values[..n * row].to_vec())
        }
    };
    short.expect("as many values as the dimensions say")
}

/// Numbers from a fixed sequence, roughly normal.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self, dims: &[usize]) -> Literal {
        // The sum of twelve uniform numbers has variance 1.
        let mut draw = || (0..12).map(|_| self.next()).sum::<f64>() as f32 - 6.0;
        let n = dims.iter().product();
        Literal::new(dims, (0..n).map(|_| draw()).collect()).expect("as many values")
    }

    fn classes(&mut self, dims: &[usize], k: usize) -> Literal {
        let n = dims.iter().product();
        let draw = |_| (self.next() * k as f64) as i32;
        Literal::new(dims, (0..n).map(draw).collect::<Vec<i32>>()).expect("as many values")
    }
}

fn numbers() -> Numbers {
    Numbers(1)
}

fn one_hot(classes: &Literal, k: usize) -> Literal {
    let labels = classes.values::<i32>().unwrap_or_default();
    let mut values = vec![0f32; labels.len() * k];
    for (i, &label) in labels.iter().enumerate() {
        values[i * k + label as usize] = 1.0;
    }
    Literal::new([classes.dims(), &[k]].concat(), values).expect("as many values")
}

/// The models, in the order of the tables.
pub const CASES: &[Case] = &[
    Case {
        name: "shared_dense",
        build: shared_dense,
        size: batch(32),
        steps: 2000,
        data: |n, _| {
            let mut r = numbers();
            let x = vec![r.normal(&[n, 10]), r.normal(&[n, 10])];
            Samples {
                x,
                y: r.classes(&[n, 1], 2).convert(DType::F32),
            }
        },
    },
    Case {
        name: "siamese",
        build: siamese,
        size: batch(32),
        steps: 40,
        data: |n, _| {
            let mut r = numbers();
            let x = vec![r.normal(&[n, 28, 28, 1]), r.normal(&[n, 28, 28, 1])];
            Samples {
                x,
                y: r.classes(&[n, 1], 2).convert(DType::F32),
            }
        },
    },
    Case {
        name: "shared_lstm",
        build: shared_lstm,
        size: batch(32),
        steps: 300,
        data: |n, _| {
            let mut r = numbers();
            let x = vec![r.normal(&[n, 10, 20]), r.normal(&[n, 8, 20])];
            Samples {
                x,
                y: one_hot(&r.classes(&[n, 8], 20), 20),
            }
        },
    },
    Case {
        name: "mlp",
        build: mlp,
        size: Size {
            batch: 128,
            width: 1024,
            depth: 2,
            length: 0,
        },
        steps: 100,
        data: |n, _| {
            let mut r = numbers();
            Samples {
                x: vec![r.normal(&[n, 784])],
                y: r.classes(&[n], 10),
            }
        },
    },
    Case {
        name: "resnet",
        build: resnet,
        size: batch(64),
        steps: 15,
        data: |n, _| {
            let mut r = numbers();
            Samples {
                x: vec![r.normal(&[n, 32, 32, 3])],
                y: r.classes(&[n], 10),
            }
        },
    },
    Case {
        name: "transformer",
        build: transformer,
        size: Size {
            batch: 16,
            width: 256,
            depth: 2,
            length: 128,
        },
        steps: 12,
        data: |n, size| {
            let mut r = numbers();
            Samples {
                x: vec![r.classes(&[n, size.length], 1000)],
                y: r.classes(&[n], 10),
            }
        },
    },
    Case {
        name: "lstm",
        build: lstm,
        size: Size {
            batch: 32,
            width: 256,
            depth: 2,
            length: 100,
        },
        steps: 12,
        data: |n, size| {
            let mut r = numbers();
            Samples {
                x: vec![r.normal(&[n, size.length, 64])],
                y: r.classes(&[n], 10),
            }
        },
    },
    Case {
        name: "mobilenet",
        build: mobilenet,
        size: batch(32),
        steps: 25,
        data: |n, _| {
            let mut r = numbers();
            Samples {
                x: vec![r.normal(&[n, 64, 64, 3])],
                y: r.classes(&[n], 10),
            }
        },
    },
];

fn compiled(model: Model, loss: Loss) -> Result<Model> {
    set_random_seed(1);
    model.compile(Adam::new(1e-3), loss).run()?;
    Ok(model)
}

fn classifier(inputs: &Tensor, features: &Tensor) -> Result<Model> {
    let output = Dense::new(10)
        .activation(Activation::Softmax)
        .call(features)?;
    compiled(
        Model::new(inputs, &output)?,
        Loss::SparseCategoricalCrossentropy,
    )
}

fn shared_dense(_: Size) -> Result<Model> {
    let (left, right) = (input([10]), input([10]));
    let shared = Dense::new(32).activation(Activation::Relu);
    let merged = concatenate([shared.call(&left)?, shared.call(&right)?])?;
    let output = Dense::new(1)
        .activation(Activation::Sigmoid)
        .call(&merged)?;
    compiled(
        Model::new([&left, &right], &output)?,
        Loss::BinaryCrossentropy,
    )
}

fn siamese(_: Size) -> Result<Model> {
    let (left, right) = (input([28, 28, 1]), input([28, 28, 1]));
    let conv = |filters| {
        Conv2D::new(filters, 3)
            .padding(Padding::Same)
            .activation(Activation::Relu)
    };
    let (first, second) = (conv(32), conv(64));
    let tower = |x: &Tensor| Flatten::new().call(&second.call(&first.call(x)?)?);
    let distance = ops::abs(&subtract([tower(&left)?, tower(&right)?])?);
    let output = Dense::new(1)
        .activation(Activation::Sigmoid)
        .call(&distance)?;
    compiled(
        Model::new([&left, &right], &output)?,
        Loss::BinaryCrossentropy,
    )
}

fn shared_lstm(_: Size) -> Result<Model> {
    let (source, target) = (input([10, 20]), input([8, 20]));
    let lstm = Lstm::new(64).return_sequences(true).return_state(true);
    let encoded = lstm.call(&source)?;
    let decoded = lstm.call_from(&target, &encoded.state)?;
    let output = Dense::new(20)
        .activation(Activation::Softmax)
        .call(&decoded)?;
    compiled(
        Model::new([&source, &target], &output)?,
        Loss::CategoricalCrossentropy,
    )
}

fn mlp(size: Size) -> Result<Model> {
    let inputs = input([784]);
    let mut x = inputs.clone();
    for _ in 0..size.depth {
        x = Dense::new(size.width)
            .activation(Activation::Relu)
            .call(&x)?;
    }
    classifier(&inputs, &x)
}

fn normed(x: &Tensor, layer: impl Into<AnyLayer>) -> Result<Tensor> {
    let y = layer.into().call_structure(&x.into())?;
    BatchNormalization::new().call(y)
}

fn conv(filters: usize, size: usize, strides: usize) -> Conv2D {
    let padding = if size == 3 {
        Padding::Same
    } else {
        Padding::Valid
    };
    Conv2D::new(filters, size)
        .strides(strides)
        .padding(padding)
        .use_bias(false)
}

fn resnet(_: Size) -> Result<Model> {
    let inputs = input([32, 32, 3]);
    let relu = |x: Tensor| Relu::new().call(&x);
    let mut x = relu(normed(&inputs, conv(16, 3, 1))?)?;
    for (stage, filters) in [16, 32, 64].into_iter().enumerate() {
        for block in 0..3 {
            let strides = if stage > 0 && block == 0 { 2 } else { 1 };
            let y = relu(normed(&x, conv(filters, 3, strides))?)?;
            let y = normed(&y, conv(filters, 3, 1))?;
            if strides == 2 {
                x = normed(&x, conv(filters, 1, 2))?;
            }
            x = relu(add([&x, &y])?)?;
        }
    }
    classifier(&inputs, &GlobalAveragePooling2D::new().call(&x)?)
}

fn transformer(size: Size) -> Result<Model> {
    /// Units of a head.
    const HEAD: usize = 64;
    /// How much wider the hidden layer is.
    const HIDDEN: usize = 4;
    let inputs = Input::new([size.length]).dtype(DType::I32).tensor();
    let width = size.width;
    let mut x = Embedding::new(1000, width).call(&inputs)?;
    for _ in 0..size.depth {
        let attended = MultiHeadAttention::new(width / HEAD, HEAD).call(&x)?;
        x = LayerNormalization::new().call(&add([&x, &attended])?)?;
        let hidden = Dense::new(HIDDEN * width)
            .activation(Activation::Gelu)
            .call(&x)?;
        let hidden = Dense::new(width).call(&hidden)?;
        x = LayerNormalization::new().call(&add([&x, &hidden])?)?;
    }
    classifier(&inputs, &GlobalAveragePooling1D::new().call(&x)?)
}

fn lstm(size: Size) -> Result<Model> {
    let inputs = input([size.length, 64]);
    let mut x = inputs.clone();
    for _ in 1..size.depth {
        x = Lstm::new(size.width)
            .return_sequences(true)
            .call(&x)?
            .output;
    }
    classifier(&inputs, &Lstm::new(size.width).call(&x)?.output)
}

fn mobilenet(_: Size) -> Result<Model> {
    let inputs = input([64, 64, 3]);
    let relu6 = |x: Tensor| Relu::new().max_value(6.0).call(&x);
    let mut x = relu6(normed(&inputs, conv(32, 3, 2))?)?;
    for (filters, strides) in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1)] {
        let depthwise = DepthwiseConv2D::new(3)
            .strides(strides)
            .padding(Padding::Same)
            .use_bias(false);
        x = relu6(normed(&x, depthwise)?)?;
        x = relu6(normed(&x, conv(filters, 1, 1))?)?;
    }
    classifier(&inputs, &GlobalAveragePooling2D::new().call(&x)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_different() {
        let case = case("mlp@width=512+batch=8").unwrap();
        let changed = Size {
            width: 512,
            batch: 8,
            ..super::case("mlp").unwrap().size
        };
        assert_eq!(case.size, changed);
        for wrong in ["mpl", "mlp@width", "mlp@height=3", "mlp@width=wide"] {
            assert!(super::case(wrong).is_err(), "{wrong}");
        }
    }
}
