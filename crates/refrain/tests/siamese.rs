//! The absolute value in a model: as a function of `ops` and as a `Lambda` layer.

use ndarray::Array4;
use refrain::activations::Activation;
use refrain::layers::{Conv2D, Dense, Flatten, Lambda, Padding, subtract};
use refrain::{Model, Result, Tensor, input, ops};

fn siamese(absolute: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Model> {
    let (a, b) = (input([28, 28, 1]), input([28, 28, 1]));
    let convolution = |filters| {
        Conv2D::new(filters, 3)
            .activation(Activation::Relu)
            .padding(Padding::Same)
    };
    let (first, second) = (convolution(32), convolution(64));
    let features = |x: &Tensor| Flatten::new().call(&second.call(&first.call(x)?)?);
    let distance = absolute(&subtract([&features(&a)?, &features(&b)?])?)?;
    let decide = Dense::new(1).activation(Activation::Sigmoid);
    Model::new([&a, &b], &decide.call(&distance)?)
}

#[test]
fn a_lambda_and_a_function_of_ops_give_the_same_model() -> Result<()> {
    let by_ops = siamese(|x| Ok(ops::abs(x)))?;
    let by_lambda = siamese(|x| Lambda::new(ops::abs).call(x))?;
    assert_eq!(by_ops.count_params(), 68_993);
    assert_eq!(by_lambda.count_params(), 68_993);

    let image = |seed: usize| {
        let value = |(n, i, j, _)| ((n * 31 + i * 7 + j * 13 + seed) as f32 * 0.618_034).fract();
        Array4::from_shape_fn((3, 28, 28, 1), value)
    };
    let (left, right) = (image(1), image(2));
    let predict = |model: &Model| model.predict([&left, &right]).run()?.into_array();
    let expected = predict(&by_ops)?;
    assert_ne!(predict(&by_lambda)?, expected, "weights of their own");
    for (to, from) in by_lambda.weights().iter().zip(by_ops.weights()) {
        to.assign(from.value()?)?;
    }
    assert_eq!(predict(&by_lambda)?, expected);
    Ok(())
}
