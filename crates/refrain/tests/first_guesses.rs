//! What people who know Keras write first works, or says what is wrong in their own words.

use refrain::initializers::{HeNormal, Initializer};
use refrain::layers::{AnyLayer, Call, Dense, Layer, MultiHeadAttention};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::ndarray::Array2;
use refrain::optimizers::Sgd;
use refrain::{DType, Error, Inputs, Model, Result, Tensor, input, ops};

/// A layer that cannot be copied.
struct Twice;

impl Layer for Twice {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Twice"
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        Ok(inputs.one()? * 2.0)
    }
}

/// A layer whose product does not fit its input.
struct Wrong;

impl Layer for Wrong {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Wrong"
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        Ok(ops::matmul(x, x))
    }
}

fn refused(result: Result<impl Sized>) -> Error {
    result.err().expect("refused")
}

#[test]
fn an_own_layer_takes_a_name_and_a_type() -> Result<()> {
    let twice = Twice.into_layer().name("double").dtype(DType::F64);
    assert_eq!(twice.call(&input([3]))?.dtype(), DType::F64);
    assert_eq!(twice.get_name(), "double");
    Ok(())
}

#[test]
fn a_change_after_the_first_call_needs_a_copy() -> Result<()> {
    let twice = Twice.into_layer().name("double");
    twice.call(&input([3]))?;
    let other = twice.clone().name("other");
    let error = refused(other.call(&input([3])));
    assert_eq!(error.layer(), Some("double"));
    assert!(error.to_string().contains("`duplicate`"), "{error}");
    Ok(())
}

#[test]
fn functions_take_tensors_by_value() {
    let x = || input([4, 6]);
    let shapes = [
        ops::sum(ops::square(&x()), -1, false),
        ops::mean(x() - 1.0, -1, false),
        ops::softmax(x() * 2.0, 2),
        ops::reshape(x() + x(), [-1, 24]),
        ops::clip(&&x(), 0.0, 1.0),
        ops::where_(ops::greater(&x(), 0.0), x(), 0.0),
    ];
    let shapes = shapes.map(|t| t.checked().expect("fits").shape().to_string());
    let (rows, all) = ("(None, 4)", "(None, 4, 6)");
    assert_eq!(shapes, [rows, rows, all, "(None, 24)", all, all]);
}

#[test]
fn initializers_have_the_names_of_keras() -> Result<()> {
    let named = [
        (Initializer::GlorotUniform, "GlorotUniform"),
        (Initializer::GlorotNormal, "GlorotNormal"),
        (Initializer::HeUniform, "HeUniform"),
        (Initializer::HeNormal, "HeNormal"),
        (Initializer::LecunUniform, "LecunUniform"),
        (Initializer::LecunNormal, "LecunNormal"),
    ];
    for (constant, class) in named {
        let layer = Dense::new(2).kernel_initializer(constant.clone()).any();
        let json = &layer.config()["kernel_initializer"];
        assert_eq!(json["class_name"], class);
        assert_eq!(Initializer::from_config(json)?, constant);
    }
    let seeded = |seed: u64| Initializer::from(HeNormal::new().seed(seed));
    let values = |seed| seeded(seed).sample(&[50, 40], DType::F32);
    assert_eq!(values(3)?, values(3)?);
    assert_ne!(values(3)?, values(4)?);
    Ok(())
}

#[test]
fn attention_takes_its_arguments_by_position() -> Result<()> {
    let (query, value, key) = (input([5, 16]), input([7, 12]), input([7, 8]));
    let calls: [fn(&[Tensor; 3]) -> Inputs; 4] = [
        |[q, v, _]| (q, v).into(),
        |[q, v, _]| [q, v].into(),
        |[q, v, k]| (q, v, k).into(),
        |[q, v, k]| [q, v, k].into(),
    ];
    let tensors = [query, value, key];
    for call in calls {
        let layer: AnyLayer = MultiHeadAttention::new(2, 4).any();
        let output = layer.call_structure(&call(&tensors))?;
        assert_eq!(output.flatten()[0].shape().to_string(), "(None, 5, 16)");
    }
    Ok(())
}

#[test]
fn errors_of_own_losses_and_metrics_name_them() -> Result<()> {
    let x = input([3]);
    let model = Model::new(&x, &Dense::new(2).call(&x)?)?;
    let (xs, ys) = (Array2::<f32>::zeros((4, 3)), Array2::<f32>::zeros((4, 2)));
    let product = |y: &Tensor, p: &Tensor| ops::matmul(y, p);

    model
        .compile(Sgd::new(0.1), Loss::custom("products", product))
        .run()?;
    let error = refused(model.fit(&xs, &ys).run()).to_string();
    assert!(
        error.contains("loss `products`: `ops::matmul`: "),
        "{error}"
    );
    assert!(!error.contains("dot_general"), "{error}");

    let metric = Metric::custom("agreement", product);
    model
        .compile(Sgd::new(0.1), Loss::MeanSquaredError)
        .metrics([metric])
        .run()?;
    let error = refused(model.evaluate(&xs, &ys).run()).to_string();
    assert!(
        error.contains("metric `agreement`: `ops::matmul`: "),
        "{error}"
    );
    Ok(())
}

#[test]
fn errors_inside_own_layers_name_the_function_of_ops() {
    let error = refused(Wrong.into_layer().call(&input([3, 5]))).to_string();
    assert!(
        error.starts_with("layer `wrong` (Wrong), call 1: `ops::matmul`: "),
        "{error}"
    );
}
