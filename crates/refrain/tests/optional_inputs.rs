//! Inputs that may be left out.

use ndarray::{Array2, Array3};
use refrain::layers::{Add, Call, Dense, Layer, SimpleRnn};
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::{ErrorKind, Input, Inputs, Model, Result, Tensor, input};

/// The sum with a second tensor, if there is one.
struct PerhapsAdd;

impl Layer for PerhapsAdd {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "PerhapsAdd"
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        Ok(match inputs.tensor(1, "other") {
            Some(other) => x + other,
            None => x.clone(),
        })
    }
}

fn optional(shape: usize) -> Tensor {
    Input::new([shape]).name("b").optional(true).tensor()
}

fn perhaps_add() -> Result<Model> {
    let (a, b) = (input([2]), optional(2));
    let y = PerhapsAdd.into_layer().call(Inputs::new(&a).arg(&b))?;
    Model::new([&a, &b], &y)
}

#[test]
fn a_layer_sees_none_where_an_input_is_left_out() -> Result<()> {
    let model = perhaps_add()?;
    let ones = Array2::<f32>::ones((3, 2));
    let with = model.predict([Some(&ones), Some(&ones)]).run()?;
    let without = model.predict([Some(&ones), None]).run()?;
    assert_eq!(*with.get(0)?, ones.mapv(|v| 2.0 * v).into_dyn());
    assert_eq!(*without.get(0)?, ones.into_dyn());
    Ok(())
}

#[test]
fn nested_models_pass_it_on() -> Result<()> {
    let inner = perhaps_add()?;
    let (a, b) = (input([2]), optional(2));
    let y = Dense::new(1).call(&inner.call([&a, &b])?)?;
    let model = Model::new([&a, &b], &y)?;
    let ones = Array2::<f32>::ones((3, 2));
    assert_eq!(
        model.predict([Some(&ones), None]).run()?.get(0)?.shape(),
        [3, 1]
    );
    Ok(())
}

#[test]
fn training_works_without_it() -> Result<()> {
    let (x, state) = (input([4, 2]), optional(3));
    let rnn = SimpleRnn::new(3).call(Inputs::new(&x).kwarg("initial_state", &state))?;
    let model = Model::new([&x, &state], &rnn)?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    let (x, y) = (Array3::<f32>::ones((8, 4, 2)), Array2::<f32>::zeros((8, 3)));
    let history = model.fit([Some(x.view()), None], &y).epochs(3).run()?;
    let losses = history.get("loss").expect("a loss");
    assert!(losses[2] < losses[0], "{losses:?}");

    let zeros = Array2::<f32>::zeros((8, 3)).into_dyn();
    let given = model.predict([x.view().into_dyn(), zeros.view()]).run()?;
    let absent = model.predict([Some(x.view()), None]).run()?;
    assert_eq!(given.get(0)?, absent.get(0)?);
    Ok(())
}

#[test]
fn a_layer_that_needs_it_says_so() -> Result<()> {
    let ones = Array2::<f32>::ones((3, 2));
    let (a, b) = (input([2]), optional(2));
    let both = Model::new([&a, &b], &Add::new().name("sum").call([&a, &b])?)?;
    let only = Model::new([&a, &b], &Dense::new(1).name("sum").call(&b)?)?;
    for model in [both, only] {
        let error = model
            .predict([Some(&ones), None])
            .run()
            .expect_err("no data");
        assert_eq!(error.kind(), ErrorKind::Structure);
        assert_eq!(error.layer(), Some("sum"), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("input `b` is optional and was not given"),
            "{text}"
        );
    }
    Ok(())
}

#[test]
fn other_inputs_are_not_optional() -> Result<()> {
    let model = perhaps_add()?;
    let ones = Array2::<f32>::ones((3, 2));
    let error = model
        .predict([None, Some(&ones)])
        .run()
        .expect_err("no data");
    assert!(error.to_string().contains("not optional"), "{error}");
    Ok(())
}
