//! Models that share layers between nested models, whose own files Keras does not open.

use refrain::activations::Activation;
use refrain::layers::*;
use refrain::{DType, Input, Model, Result, Sequential, input};

/// What makes a model.
type Make = fn() -> Result<Model>;

/// Models by name.
pub const MODELS: [(&str, Make); 17] = [
    ("nested_and_outer", nested_and_outer),
    ("outer_around_nested", outer_around_nested),
    ("two_nested", two_nested),
    ("nested_in_nested", nested_in_nested),
    ("nested_in_two", nested_in_two),
    ("nested_at_levels", nested_at_levels),
    ("autoencoder", autoencoder),
    ("two_stacks", two_stacks),
    ("stack_and_outer", stack_and_outer),
    ("stack_of_nested", stack_of_nested),
    ("twice_in_stack", twice_in_stack),
    ("equal_names", equal_names),
    ("normalized", normalized),
    ("words", words),
    ("dict_inside", dict_inside),
    ("wrapped", wrapped),
    ("wrapped_model", wrapped_model),
];

fn dense() -> Handle<DenseOptions> {
    Dense::new(4).activation(Activation::Tanh)
}

/// A model of one layer between others.
fn around(name: &str, shared: &Handle<DenseOptions>) -> Result<Model> {
    let x = input([4]);
    Model::with_name(name, &x, &dense().call(shared.call(dense().call(&x)?)?)?)
}

fn nested_and_outer() -> Result<Model> {
    let (shared, y) = (dense(), input([4]));
    let inner = around("inner", &shared)?;
    Model::new(&y, &add([&inner.call(&y)?, &shared.call(&y)?])?)
}

fn outer_around_nested() -> Result<Model> {
    let (shared, y) = (dense(), input([4]));
    let inner = around("inner", &shared)?;
    Model::new(
        &y,
        &shared.call(inner.call(shared.call(inner.call(&y)?)?)?)?,
    )
}

fn two_nested() -> Result<Model> {
    let (shared, y, z) = (dense(), input([4]), input([4]));
    let (a, b) = (around("a", &shared)?, around("b", &shared)?);
    Model::new([&y, &z], [&a.call(&y)?, &b.call(&z)?])
}

fn nested_in_nested() -> Result<Model> {
    let (shared, x, y) = (dense(), input([4]), input([4]));
    let inner = around("inner", &shared)?;
    let middle = Model::with_name("middle", &x, &inner.call(shared.call(&x)?)?)?;
    Model::new(&y, &dense().call(middle.call(middle.call(&y)?)?)?)
}

fn nested_in_two() -> Result<Model> {
    let inner = around("inner", &dense())?;
    let (x, z, y) = (input([4]), input([4]), input([4]));
    let a = Model::with_name("a", &x, &dense().call(inner.call(&x)?)?)?;
    let b = Model::with_name("b", &z, &inner.call(dense().call(&z)?)?)?;
    Model::new(&y, &add([&a.call(&y)?, &b.call(&y)?])?)
}

fn nested_at_levels() -> Result<Model> {
    let inner = around("inner", &dense())?;
    let (x, z, y) = (input([4]), input([4]), input([4]));
    let a = Model::with_name("a", &x, &inner.call(inner.call(&x)?)?)?;
    let b = Model::with_name("b", &z, &inner.call(a.call(&z)?)?)?;
    Model::new(&y, &inner.call(b.call(a.call(&y)?)?)?)
}

/// The encoder and the whole of an autoencoder, side by side.
fn autoencoder() -> Result<Model> {
    let (x, y) = (input([4]), input([4]));
    let code = Dense::new(3).name("code").call(&x)?;
    let whole = Model::with_name("whole", &x, &Dense::new(4).call(&code)?)?;
    let encoder = Model::with_name("encoder", &x, &code)?;
    Model::new(&y, [&encoder.call(&y)?, &whole.call(&y)?])
}

fn two_stacks() -> Result<Model> {
    let (shared, y) = (dense(), input([4]));
    let stack = |name: &str| {
        let stack = Sequential::new([4]).name(name).add(&shared);
        stack.add(Relu::new()).add(dense()).build()
    };
    let (a, b) = (stack("a")?, stack("b")?);
    Model::new(&y, &add([&a.call(&y)?, &b.call(&y)?])?)
}

fn stack_and_outer() -> Result<Model> {
    let (shared, y) = (dense(), input([4]));
    let stack = Sequential::new([4]).name("stack").add(dense()).add(&shared);
    let stack = stack.add(BatchNormalization::new()).build()?;
    Model::new(&y, &add([&stack.call(&y)?, &shared.call(&y)?])?)
}

fn stack_of_nested() -> Result<Model> {
    let shared = dense();
    let inner = around("inner", &shared)?;
    let stack = Sequential::new([4]).name("outer").add(&inner).add(&shared);
    stack.add(dense()).build()
}

fn twice_in_stack() -> Result<Model> {
    let shared = dense();
    let stack = Sequential::new([4]).name("stack").add(&shared);
    stack.add(dense()).add(&shared).build()
}

fn equal_names() -> Result<Model> {
    let (shared, y) = (dense().name("shared"), input([4]));
    let side = |name: &str| {
        let x = input([4]);
        let own = dense().name("own").call(shared.call(&x)?)?;
        Model::with_name(name, &x, &own)
    };
    let (a, b) = (side("a")?, side("b")?);
    let own = dense().name("own").call(&y)?;
    Model::new(&y, &add([&a.call(&own)?, &b.call(&own)?])?)
}

/// Batch normalization that a nested model shares, with statistics of all its calls.
fn normalized() -> Result<Model> {
    let (x, y, z) = (input([4]), input([4]), input([4]));
    let shared = BatchNormalization::new();
    let inner = Model::with_name("inner", &x, &dense().call(shared.call(&x)?)?)?;
    let sum = add([&inner.call(&y)?, &inner.call(&z)?, &shared.call(&y)?])?;
    Model::new([&y, &z], &sum)
}

/// One embedding with masks for a nested model and its surroundings.
fn words() -> Result<Model> {
    let words = || Input::new([5]).dtype(DType::I32).tensor();
    let (x, y) = (words(), words());
    let shared = Embedding::new(5, 4).mask_zero(true);
    let inner = Model::with_name("reader", &x, &Lstm::new(3).call(shared.call(&x)?)?.output)?;
    let mean = GlobalAveragePooling1D::new().call(shared.call(&y)?)?;
    Model::new(&y, &concatenate([&inner.call(&y)?, &mean])?)
}

fn dict_inside() -> Result<Model> {
    let (shared, y) = (dense(), input([4]));
    let a = Input::new([4]).name("a").tensor();
    let b = Input::new([4]).name("b").tensor();
    let sum = add([&shared.call(&a)?, &dense().call(&b)?])?;
    let inner = Model::with_name("inner", [("a", &a), ("b", &b)], &sum)?;
    let first = shared.call(&y)?;
    Model::new(&y, &inner.call([("b", &first), ("a", &y)])?)
}

fn wrapped() -> Result<Model> {
    let (shared, y) = (dense(), input([3, 4]));
    let each = TimeDistributed::new(shared.clone()).call(&y)?;
    Model::new(&y, &add([&each, &shared.call(&y)?])?)
}

/// A model in a wrapper, with a layer that is used outside of it too.
fn wrapped_model() -> Result<Model> {
    let (shared, y) = (dense(), input([3, 4]));
    let inner = around("inner", &shared)?;
    let each = TimeDistributed::new(&inner).call(&y)?;
    Model::new(&y, &add([&each, &shared.call(&y)?])?)
}

/// Whether all sharing is kept in the form for Keras: what a wrapper shares is copied.
pub fn keeps_sharing(name: &str) -> bool {
    !name.starts_with("wrapped")
}
