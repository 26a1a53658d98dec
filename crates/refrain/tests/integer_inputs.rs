//! Integers and truth values as inputs of layers that compute with floats: they give what the same numbers as floats give.

use ndarray::Array3;
use refrain::initializers::set_random_seed;
use refrain::layers::*;
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::training::Verbose;
use refrain::{DType, Input, Inputs, Literal, Model, Result, Tensor, ops};

const TYPES: [DType; 4] = [DType::I32, DType::I64, DType::U8, DType::Bool];

fn numbers(dtype: DType) -> Array3<i32> {
    let most = if dtype == DType::Bool { 2 } else { 7 };
    Array3::from_shape_fn((3, 4, 6), |(i, j, k)| {
        let last = j == 3; // what Masking hides
        if last {
            0
        } else {
            i32::try_from((i * 31 + j * 7 + k * k) % most).expect("a small number")
        }
    })
}

fn data(dtype: DType) -> Literal {
    let values: Vec<f64> = numbers(dtype).iter().map(|&v| f64::from(v)).collect();
    let literal = Literal::new([3, 4, 6], values).expect("as many values as the shape has");
    literal.convert(dtype)
}

/// Calls a layer on an input of each type and compares what comes out with what the same numbers give as floats.
fn same(name: &str, call: impl Fn(&Tensor) -> Result<Tensor>) -> Result<()> {
    let of = |dtype: DType, values: &Literal| -> Result<Literal> {
        let x = Input::new([4, 6]).dtype(dtype).tensor();
        let y = call(&x)?;
        assert_eq!(y.dtype(), DType::F32, "{name} of {dtype:?}");
        Model::new(&x, &y)?.predict(values).run()?.literal(0)
    };
    for dtype in TYPES {
        let values = data(dtype);
        let expected = of(DType::F32, &values.clone().convert(DType::F32))?;
        assert_eq!(of(dtype, &values)?, expected, "{name} of {dtype:?}");
    }
    Ok(())
}

#[test]
fn recurrent_layers() -> Result<()> {
    set_random_seed(1);
    let (lstm, gru, rnn) = (Lstm::new(3), Gru::new(3), SimpleRnn::new(3));
    same("LSTM", |x| Ok(lstm.call(x)?.output))?;
    same("GRU", |x| Ok(gru.call(x)?.output))?;
    same("SimpleRNN", |x| Ok(rnn.call(x)?.output))?;
    let before = Gru::new(3).reset_after(false);
    same("GRU, reset before", |x| Ok(before.call(x)?.output))?;
    let unrolled = Lstm::new(3).unroll(true).return_sequences(true);
    same("LSTM, unrolled", |x| Ok(unrolled.call(x)?.output))?;
    let both = Bidirectional::new(Lstm::new(3));
    same("Bidirectional", |x| Ok(both.call(x)?.output))
}

#[test]
fn integers_as_initial_state() -> Result<()> {
    set_random_seed(1);
    let layer = SimpleRnn::new(3);
    let x = refrain::input([4, 6]);
    let predicted = |dtype: DType| -> Result<Literal> {
        let state = Input::new([3]).dtype(dtype).tensor();
        let y = layer
            .call(Inputs::new(&x).kwarg("initial_state", [&state]))?
            .output;
        let values = Literal::new([2, 3], vec![1.0, 2.0, 3.0, 0.0, 1.0, 0.0]).expect("six values");
        let first = Literal::zeros([2, 4, 6], DType::F32);
        let model = Model::new([&x, &state], &y)?;
        model
            .predict([&first, &values.convert(dtype)])
            .run()?
            .literal(0)
    };
    assert_eq!(predicted(DType::I32)?, predicted(DType::F32)?);
    Ok(())
}

#[test]
fn attention() -> Result<()> {
    set_random_seed(1);
    let heads = MultiHeadAttention::new(2, 3);
    same("MultiHeadAttention", |x| heads.call(Inputs::new(x).arg(x)))?;
    let (plain, additive) = (Attention::new(), AdditiveAttention::new());
    same("Attention", |x| plain.call([x, x]))?;
    same("AdditiveAttention", |x| additive.call([x, x]))?;
    let scaled = Attention::new().use_scale(true);
    same("Attention, scaled", |x| scaled.call([x, x, x]))
}

#[test]
fn normalization() -> Result<()> {
    let (layer, group) = (LayerNormalization::new(), GroupNormalization::new(2));
    same("LayerNormalization", |x| layer.call(x))?;
    same("GroupNormalization", |x| group.call(x))?;
    let (rms, unit) = (RmsNormalization::new(), UnitNormalization::new());
    same("RMSNormalization", |x| rms.call(x))?;
    same("UnitNormalization", |x| unit.call(x))?;
    let batch = BatchNormalization::new();
    same("BatchNormalization", |x| batch.call(x))
}

#[test]
fn products_and_convolutions() -> Result<()> {
    set_random_seed(1);
    let (dense, conv) = (Dense::new(3), Conv1D::new(3, 2));
    same("Dense", |x| dense.call(x))?;
    same("Conv1D", |x| conv.call(x))?;
    let (depthwise, separable) = (DepthwiseConv1D::new(2), SeparableConv1D::new(3, 2));
    same("DepthwiseConv1D", |x| depthwise.call(x))?;
    same("SeparableConv1D", |x| separable.call(x))?;
    let dot = Dot::new(-1).normalize(true);
    same("Dot, normalized", |x| dot.call([x, x]))?;
    let prelu = PRelu::new();
    same("PReLU", |x| prelu.call(x))?;
    same("Softmax", |x| Softmax::new().call(x))?;
    same("Softmax, masked", |x| {
        let positive = refrain::ops::greater(x, 0.0);
        Softmax::new().call(Inputs::new(x).kwarg("mask", &positive))
    })
}

/// Masks are truth values and stay that.
#[test]
fn masks_of_integers_count() -> Result<()> {
    set_random_seed(1);
    let lstm = Lstm::new(3);
    same("masked LSTM", |x| {
        Ok(lstm.call(&Masking::new().call(x)?)?.output)
    })?;
    let heads = MultiHeadAttention::new(2, 3);
    let mask = Input::new([4, 4]).dtype(DType::Bool).tensor();
    let predicted = |dtype: DType| -> Result<Literal> {
        let x = Input::new([4, 6]).dtype(dtype).tensor();
        let y = heads.call(Inputs::new(&x).arg(&x).kwarg("attention_mask", &mask))?;
        let values = data(DType::I32).convert(dtype);
        let half: Vec<bool> = (0..48).map(|i| i % 3 == 0).collect();
        let half = Literal::new([3, 4, 4], half).expect("48 values");
        Model::new([&x, &mask], &y)?
            .predict([&values, &half])
            .run()?
            .literal(0)
    };
    assert_eq!(predicted(DType::I32)?, predicted(DType::F32)?);
    Ok(())
}

#[test]
fn training_on_integers() -> Result<()> {
    let losses = |dtype: DType| -> Result<Vec<f64>> {
        set_random_seed(1);
        let x = Input::new([4, 6]).dtype(dtype).tensor();
        let hidden = Lstm::new(5).return_sequences(true).call(&x)?.output;
        let hidden = LayerNormalization::new().call(&hidden)?;
        let y = Dense::new(1).call(&Flatten::new().call(&hidden)?)?;
        let model = Model::new(&x, &y)?;
        model
            .compile(Sgd::new(0.05), Loss::MeanSquaredError)
            .run()?;
        let targets = Literal::new([3, 1], vec![1.0f32, 2.0, 3.0]).expect("three values");
        let values = data(DType::I32).convert(dtype);
        let fit = model
            .fit(&values, &targets)
            .epochs(5)
            .verbose(Verbose::Silent);
        Ok(fit.run()?.get("loss")?.to_vec())
    };
    let got = losses(DType::I32)?;
    assert_eq!(got, losses(DType::F32)?);
    assert!(got[4] < got[0]);
    Ok(())
}

#[test]
fn hard_tanh_of_truth_values_is_0_or_1() -> Result<()> {
    let x = Input::new([4, 6]).dtype(DType::Bool).tensor();
    let model = Model::new(&x, &ops::hard_tanh(&x))?;
    let y = model.predict(&data(DType::Bool)).run()?.literal(0)?;
    assert_eq!(y.to_f64(), data(DType::Bool).to_f64());
    Ok(())
}
