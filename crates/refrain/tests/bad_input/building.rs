//! Bad input while a model is declared.

use refrain::layers::*;
use refrain::{
    DType, ErrorKind, Input, Inputs, Model, Result, Sequential, Tensor, clear_session, input, ops,
};

use crate::refused;

#[test]
fn a_shared_layer_refuses_another_width() -> Result<()> {
    clear_session();
    let shared = Dense::new(32);
    shared.call(input([10]))?;
    let error = shared.call(input([15])).expect_err("another width");
    assert_eq!(
        error.to_string(),
        "layer `dense` (Dense), call 2: expected the last axis to have size 10, got shape (None, 15). Its weights were \
         built for 10 at call 1. Give each input its own Dense to bring both to one width, or use two layers."
    );
    assert_eq!(
        (error.kind(), error.layer(), error.call()),
        (ErrorKind::Shape, Some("dense"), Some(2))
    );
    assert_eq!(error.expected(), Some("the last axis to have size 10"));
    assert_eq!(error.received(), Some("shape (None, 15)"));
    // The failed call leaves no trace.
    assert_eq!(shared.any().calls(), 1);
    shared.call(input([10]))?;
    Ok(())
}

const RANK: &str =
    "Change the Input's shape, or bring the tensor to this rank first, with Reshape or Flatten.";

#[test]
fn inputs_of_another_rank() -> Result<()> {
    clear_session();
    let (x, sequence) = (input([4]), input([5, 3]));
    let text = |layer: &str, call: usize, rank: &str, shape: &str| {
        format!(
            "layer {layer}, call {call}: expected an input of rank {rank}, the batch included, got shape {shape}. {RANK}"
        )
    };
    let shape = ErrorKind::Shape;
    let conv = text("`conv2d` (Conv2D)", 1, "4", "(None, 4)");
    refused(Conv2D::new(3, 3).call(&x), shape, &conv);
    let lstm = text("`lstm` (LSTM)", 1, "3", "(None, 4)");
    refused(Lstm::new(3).call(&x), shape, &lstm);
    let dense = text("`dense` (Dense)", 1, "2 or more", "(None,)");
    refused(Dense::new(3).call(input([0; 0])), shape, &dense);
    let norm = BatchNormalization::new();
    norm.call(&x)?;
    let again = text(
        "`batch_normalization` (BatchNormalization)",
        2,
        "2",
        "(None, 5, 3)",
    );
    refused(norm.call(&sequence), shape, &again);
    let stack = Sequential::new([4])
        .add(Dense::new(3))
        .add(Conv2D::new(2, 2));
    let conv = text("`conv2d_1` (Conv2D)", 1, "4", "(None, 3)");
    refused(stack.build(), shape, &conv);
    Ok(())
}

#[test]
fn inputs_of_another_size() -> Result<()> {
    clear_session();
    let (x, sequence) = (input([4]), input([5, 3]));
    let width = |layer: &str| {
        format!(
            "layer {layer}, call 2: expected the last axis to have size 3, got shape (None, 5, 4). Its weights were built for \
             3 at call 1. Give each input its own Dense to bring both to one width, or use two layers."
        )
    };
    let (lstm, conv) = (Lstm::new(3), Conv1D::new(3, 2));
    lstm.call(&sequence)?;
    conv.call(&sequence)?;
    let shape = ErrorKind::Shape;
    refused(lstm.call(input([5, 4])), shape, &width("`lstm` (LSTM)"));
    refused(conv.call(input([5, 4])), shape, &width("`conv1d` (Conv1D)"));
    refused(
        Dense::new(3).call(input([None])),
        shape,
        "layer `dense` (Dense), call 1: expected the last axis to have a known size, got shape (None, None). Weights depend \
         on it: give the Input this size.",
    );
    refused(
        Conv2D::new(3, 5).call(input([3, 3, 1])),
        shape,
        "layer `conv2d` (Conv2D), call 1: expected an input at least as large as the window, got shape (None, 3, 3, 1). Use \
         a smaller window, a smaller dilation, or padding Same.",
    );
    refused(
        Lstm::new(3).call(Inputs::new(&sequence).kwarg("initial_state", [&x, &x])),
        shape,
        "layer `lstm_1` (LSTM), call 1: expected initial states of shape (None, 3), got shape (None, 4). A state has as many \
         features as the layer has units.",
    );
    let mask = Input::new([6]).dtype(DType::Bool).tensor();
    refused(
        Lstm::new(3).call(Inputs::new(&sequence).kwarg("mask", &mask)),
        shape,
        "layer `lstm_2` (LSTM), call 1: expected a mask of shape (None, 5), one value for each step, got shape (None, 6). \
         Make the mask from the same sequence.",
    );
    refused(
        Concatenate::new().call([&input([5, 3]), &input([6, 3])]),
        shape,
        "layer `concatenate` (Concatenate), call 1: expected inputs whose shapes agree in all axes but axis 2, got shapes \
         (None, 5, 3) and (None, 6, 3). Bring them to agreeing shapes first, or concatenate along another axis.",
    );
    refused(
        Dot::new(1).call([&input([5]), &input([6])]),
        shape,
        "layer `dot` (Dot), call 1: expected axes of one size, got axes 1 and 1 of shapes (None, 5) and (None, 6). Choose \
         other `axes`, or bring the inputs to fitting sizes first.",
    );
    Ok(())
}

#[test]
fn too_many_or_too_few_inputs() -> Result<()> {
    clear_session();
    let (x, sequence) = (input([4]), input([5, 3]));
    let structure = ErrorKind::Structure;
    refused(
        Dense::new(3).call([&x, &x]),
        structure,
        "layer `dense` (Dense), call 1: expected one input tensor, got 2 input tensors. Call the layer on each by itself, or \
         merge them first.",
    );
    refused(
        Subtract::new().call([&x, &x, &x]),
        structure,
        "layer `subtract` (Subtract), call 1: expected exactly 2 input tensors, got 3. Subtract one after the other.",
    );
    refused(
        Add::new().call(&x),
        structure,
        "layer `add` (Add), call 1: expected a list of tensors, got one tensor of shape (None, 4). Give it several: \
         `.call([&a, &b])`.",
    );
    refused(
        Dense::new(3).call(Vec::<Tensor>::new()),
        structure,
        "layer `dense_1` (Dense), call 1: expected input tensors, got none.",
    );
    refused(
        Lstm::new(3).call(Inputs::new(&sequence).kwarg("initial_state", [&input([3])])),
        structure,
        "layer `lstm` (LSTM), call 1: expected 2 initial states, got 1. Give all the states that a call with `return_state` \
         returns.",
    );
    Ok(())
}

#[test]
fn a_nested_model_checks_count_order_and_names() -> Result<()> {
    let a = Input::new([4]).name("a").tensor();
    let b = Input::new([3]).name("b").tensor();
    let y = Dense::new(1).call(ops::concatenate([&a, &b], -1))?;
    let model = Model::with_name("inner", [&a, &b], &y)?;
    for (given, count) in [
        (vec![a.clone()], 1),
        (vec![a.clone(), b.clone(), b.clone()], 3),
    ] {
        refused(
            model.call(given),
            ErrorKind::Structure,
            &format!(
                "layer `inner` (Functional), call 1: expected 2 inputs [\"a\", \"b\"], got {count}. Give all of them, as a \
                 list in this order or as pairs of names and tensors."
            ),
        );
    }
    refused(
        model.call([&b, &a]),
        ErrorKind::Shape,
        "layer `inner` (Functional), call 1: expected shape (None, 4) for input `a`, got shape (None, 3). Give the inputs in \
         the model's order, each with its declared shape.",
    );
    refused(
        model.call([("a", &a)]),
        ErrorKind::Structure,
        "layer `inner` (Functional), call 1: expected an input `b` (the model has [\"a\", \"b\"]), got inputs named [\"a\"]. \
         Give all of them, under these names.",
    );
    model.call([("b", &b), ("a", &a)])?;
    let two = Model::with_name("two", &a, [&a, &Dense::new(1).call(&a)?])?;
    refused(
        two.call(&a),
        ErrorKind::Structure,
        "expected one output tensor, got 2 output tensors. Use `call_structure`, which gives them all.",
    );
    Ok(())
}

#[test]
fn types_that_do_not_fit() {
    clear_session();
    refused(
        Dense::new(3).dtype(DType::I32).call(input([4])),
        ErrorKind::DType,
        "layer `dense` (Dense), call 1: expected a float type for weights that begin with random values, got int32. Leave \
         the layer's dtype at float32.",
    );
}

#[test]
fn options_that_make_no_sense() {
    clear_session();
    let (x, sequence) = (input([4]), input([5, 3]));
    let config = ErrorKind::Config;
    let dense = "layer `dense` (Dense), call 1: expected a positive number of units, got 0.";
    refused(Dense::new(0).call(&x), config, dense);
    refused(
        Conv2D::new(4, 1).groups(3usize).call(input([3, 3, 3])),
        config,
        "layer `conv2d` (Conv2D), call 1: expected a positive number that divides the filters for option `groups`, got 3 \
         groups of 4 filters.",
    );
    refused(
        Dropout::new(1.5).call(&x),
        config,
        "layer `dropout` (Dropout), call 1: expected a number from 0 to 1 for option `rate`, got 1.5.",
    );
    refused(
        Dense::new(usize::MAX).call(&x),
        ErrorKind::Memory,
        "layer `dense_1` (Dense), call 1: expected a weight that fits in memory, got shape (4, 18446744073709551615). Make \
         it smaller.",
    );
    refused(
        Permute::new([1, 3]).call(&sequence),
        config,
        "layer `permute` (Permute), call 1: expected each of the axes 1 to 2 once, got [1, 3].",
    );
    refused(
        Dense::new(1).name("a/b").call(&x),
        config,
        "layer `a/b` (Dense), call 1: a name cannot contain the character `/`, got `a/b`.",
    );
    refused(
        Bidirectional::new(Dense::new(2).name("inner")).call(&sequence),
        config,
        "layer `bidirectional` (Bidirectional), call 1: expected a recurrent layer (LSTM, GRU, SimpleRNN) to run in both \
         directions, got `inner` (Dense).",
    );
    refused(
        Lstm::new(2).stateful(true).call(&sequence),
        ErrorKind::Shape,
        "layer `lstm` (LSTM), call 1: expected axis 0 to have a known size, got shape (None, 5, 3). A stateful layer needs \
         `Input::new(...).batch_size(n)`.",
    );
}

#[test]
fn graphs_that_are_no_models() -> Result<()> {
    clear_session();
    let x = Input::new([4]).name("x").tensor();
    let y = Dense::new(2).name("head").call(&x)?;
    let twice = Dense::new(2).name("head").call(&y)?;
    refused(
        Model::new(input([4]), &y),
        ErrorKind::Graph,
        "the outputs are not connected to the inputs alone: layer `head` (Dense), call 1 also depends on input `x`, which is \
         not among the model's inputs. Add it to the inputs, or choose an output that does not need it.",
    );
    refused(
        Model::new(&x, &twice),
        ErrorKind::Graph,
        "the name `head` is used 2 times in the model; all layers must have names of their own. Name one of them with \
         `.name(...)`.",
    );
    refused(
        Model::new(Vec::<Tensor>::new(), &y),
        ErrorKind::Structure,
        "expected at least one tensor in the model's inputs, got none.",
    );
    refused(
        Model::new(&x, Vec::<Tensor>::new()),
        ErrorKind::Structure,
        "expected at least one tensor in the model's outputs, got none.",
    );
    let slash = "a name cannot contain the character `/`, got `a/b`.";
    refused(Model::with_name("a/b", &x, &y), ErrorKind::Config, slash);
    let stack = Sequential::new([4]).name("a/b").add(Dense::new(3));
    refused(stack.build(), ErrorKind::Config, slash);
    Ok(())
}

#[test]
fn layers_that_are_not_there() -> Result<()> {
    let x = Input::new([4]).name("x").tensor();
    let model = Model::new(&x, &Dense::new(2).name("head").call(&x)?)?;
    let missing = "no layer `zz`; the model has [\"x\", \"head\"].";
    refused(model.get_layer("zz"), ErrorKind::NotFound, missing);
    let beyond = "no layer at index 10; the model has 2 layers.";
    refused(model.get_layer_at(10), ErrorKind::NotFound, beyond);
    Ok(())
}

/// An operator cannot fail at once; whoever uses its result is told.
#[test]
fn an_operator_that_does_not_fit() -> Result<()> {
    clear_session();
    let x = input([4]);
    let y = Dense::new(2).call(&x)?;
    let sum = &y + &input([7]);
    let text = "layer `add` (Add), call 1: expected shapes that can be broadcast together, got (None, 2) and (None, 7).";
    refused(sum.check(), ErrorKind::Shape, text);
    refused(Dense::new(1).call(&sum), ErrorKind::Shape, text);
    refused(Model::new(&x, &sum), ErrorKind::Shape, text);
    refused((sum * 2.0).abs().check(), ErrorKind::Shape, text);
    Ok(())
}

/// A layer that keeps a tensor of its call for later use outside.
#[derive(Clone, Default)]
struct Leaks(std::sync::Arc<std::sync::Mutex<Option<Tensor>>>);

impl Layer for Leaks {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Leaks"
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?.clone();
        *self.0.lock().expect("no panic before") = Some(x.clone());
        Ok(x)
    }
}

#[test]
fn tensors_that_are_not_symbolic() -> Result<()> {
    clear_session();
    let x = input([4]);
    let leaks = Leaks::default();
    let y = leaks.clone().into_layer().call(&x)?;
    let inner = leaks.0.lock().expect("no panic").clone().expect("a tensor");
    let text = "expected symbolic tensors as a model's inputs and outputs, got a tensor of a layer's `call`.";
    refused(Model::new(&x, &inner), ErrorKind::Symbolic, text);
    refused(Model::new(&inner, &y), ErrorKind::Symbolic, text);
    let mixed = |layer: &str| {
        format!(
            "layer {layer}, call 1: symbolic tensors and tensors of a layer's `call` cannot be mixed. Give the layer every \
             tensor that it uses as an input of its call."
        )
    };
    let both = Concatenate::new().call([&x, &inner]);
    refused(
        both,
        ErrorKind::Symbolic,
        &mixed("`concatenate` (Concatenate)"),
    );
    let outside = x.clone();
    let lambda = Lambda::new(move |t| t + &outside);
    refused(
        lambda.call(&x),
        ErrorKind::Symbolic,
        &mixed("`lambda` (Lambda)"),
    );
    Ok(())
}

#[test]
fn sizes_and_shapes_of_functions_that_make_no_sense() {
    let expected = |tensor: Tensor, kind: ErrorKind, part: &str| {
        let error = tensor.check().expect_err(part);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    };
    let x = input([4]);
    let parts = ops::array_split(&x, usize::MAX, 0);
    expected(parts[0].clone(), ErrorKind::Shape, "at most 65536 parts");
    for (stop, step) in [(0.0, 0.0), (f64::NAN, 1.0), (1.0, 0.0)] {
        let range = ops::arange(0.0, stop, step, DType::F32);
        expected(range, ErrorKind::Config, "a step other than 0");
    }
    let classes = Input::new([5]).dtype(DType::I32).tensor();
    let loss = ops::sparse_categorical_crossentropy(&classes, &input([4, 6]), false, -1);
    expected(loss, ErrorKind::Shape, "classes of shape (None, 4)");
    let first = input([1_usize << 63]).slice((.., ..4));
    expected(first, ErrorKind::Config, "a size below 2^63");
    let (images, still) = (
        input([1_000_000_000_000_000_000, 4, 3]),
        [1., 0., 0., 0., 1., 0., 0., 0.],
    );
    let still = ops::convert_to_tensor(&ndarray::arr1(&still.map(|v: f32| v)));
    let moved = ops::image::affine_transform(&images, &still, ops::image::Sampling::default());
    assert!(moved.check().is_err());
}

#[test]
fn iterations_that_would_not_end() {
    let (most, many) = ("1 to 16384 for option `", 1_000_000_000_usize);
    let muon =
        refrain::optimizers::Optimizer::from(refrain::optimizers::Muon::new(0.1).ns_steps(many));
    let error = muon.validate().expect_err("too many");
    assert!(
        error.to_string().contains(&format!("{most}ns_steps`")),
        "{error}"
    );
    let layer = SpectralNormalization::new(Dense::new(2)).power_iterations(many);
    let error = layer.call(input([3])).expect_err("too many");
    assert!(
        error
            .to_string()
            .contains(&format!("{most}power_iterations`")),
        "{error}"
    );
}

#[test]
fn patterns_that_would_take_long() {
    let excluding = |patterns: Vec<String>| {
        let muon = refrain::optimizers::Muon::new(0.1).exclude_layers(patterns);
        refrain::optimizers::Optimizer::from(muon).validate()
    };
    refused(
        excluding(vec!["^dense".to_owned(); 1_000_000]),
        ErrorKind::Config,
        "expected at most 256 regular expressions in `exclude_layers`, got 1000000. Join some by `|`.",
    );
    refused(
        excluding(vec!["(a{1000}){1000}".to_owned()]),
        ErrorKind::Config,
        "expected regular expressions in `exclude_layers`, got `(a{1000}){1000}`. Look-around and back-references are not \
         there, and large counts are refused.",
    );
    let names = (0..256).map(|i| format!("^a_model/a_layer_with_a_long_name_{i}/"));
    assert!(excluding(names.collect()).is_ok());
}
