//! The benchmark's models; `bench_peers.py` has the same in Keras.

use refrain::activations::Activation;
use refrain::initializers::set_random_seed;
use refrain::layers::{
    AnyLayer, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Embedding, Flatten,
    GlobalAveragePooling1D, GlobalAveragePooling2D, LayerNormalization, Lstm, MultiHeadAttention,
    Padding, Relu, add, concatenate, subtract,
};
use refrain::losses::Loss;
use refrain::optimizers::Adam;
use refrain::{DType, Input, Literal, Model, Result, Tensor, input, ops};

/// A model with what is measured on it.
pub struct Case {
    pub name: &'static str,
    pub build: fn() -> Result<Model>,
    pub batch: usize,
    /// Train steps in a repeat.
    pub steps: usize,
    /// Inputs and labels of a number of samples.
    pub data: fn(usize) -> Samples,
}

/// Inputs and labels.
pub struct Samples {
    x: Vec<Literal>,
    y: Literal,
}

impl Samples {
    pub fn inputs(&self) -> Vec<&Literal> {
        self.x.iter().collect()
    }

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
        batch: 32,
        steps: 2000,
        data: |n| {
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
        batch: 32,
        steps: 40,
        data: |n| {
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
        batch: 32,
        steps: 300,
        data: |n| {
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
        batch: 128,
        steps: 100,
        data: |n| {
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
        batch: 64,
        steps: 15,
        data: |n| {
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
        batch: 16,
        steps: 12,
        data: |n| {
            let mut r = numbers();
            Samples {
                x: vec![r.classes(&[n, 128], 1000)],
                y: r.classes(&[n], 10),
            }
        },
    },
    Case {
        name: "lstm",
        build: lstm,
        batch: 32,
        steps: 12,
        data: |n| {
            let mut r = numbers();
            Samples {
                x: vec![r.normal(&[n, 100, 64])],
                y: r.classes(&[n], 10),
            }
        },
    },
    Case {
        name: "mobilenet",
        build: mobilenet,
        batch: 32,
        steps: 25,
        data: |n| {
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

fn shared_dense() -> Result<Model> {
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

fn siamese() -> Result<Model> {
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

fn shared_lstm() -> Result<Model> {
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

fn mlp() -> Result<Model> {
    let x = input([784]);
    let hidden = Dense::new(1024).activation(Activation::Relu).call(&x)?;
    let hidden = Dense::new(1024)
        .activation(Activation::Relu)
        .call(&hidden)?;
    classifier(&x, &hidden)
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

fn resnet() -> Result<Model> {
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

fn transformer() -> Result<Model> {
    let inputs = Input::new([128]).dtype(DType::I32).tensor();
    let mut x = Embedding::new(1000, 256).call(&inputs)?;
    for _ in 0..2 {
        let attended = MultiHeadAttention::new(4, 64).call(&x)?;
        x = LayerNormalization::new().call(&add([&x, &attended])?)?;
        let hidden = Dense::new(1024).activation(Activation::Gelu).call(&x)?;
        let hidden = Dense::new(256).call(&hidden)?;
        x = LayerNormalization::new().call(&add([&x, &hidden])?)?;
    }
    classifier(&inputs, &GlobalAveragePooling1D::new().call(&x)?)
}

fn lstm() -> Result<Model> {
    let x = input([100, 64]);
    let hidden = Lstm::new(256).return_sequences(true).call(&x)?;
    classifier(&x, &Lstm::new(256).call(&hidden)?.output)
}

fn mobilenet() -> Result<Model> {
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
