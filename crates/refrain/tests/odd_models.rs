//! Models with legal oddities in files and back: the same description, weights, trainable parts and predictions.

use std::fs;
use std::path::PathBuf;

use refrain::layers::{
    BatchNormalization, Bidirectional, Dense, Gru, Input, TimeDistributed, add, concatenate,
};
use refrain::losses::Loss;
use refrain::ops::Index;
use refrain::optimizers::Adam;
use refrain::saving::LoadOptions;
use refrain::{DType, Literal, Model, Result, input, load_model};

const SAMPLES: usize = 3;

fn scratch(name: &str) -> PathBuf {
    let name = format!("refrain-odd-{name}-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn data(model: &Model) -> Vec<Literal> {
    let sized = |x: &refrain::Tensor| {
        let shape = x.shape();
        let dims: Vec<usize> = shape.dims().iter().map(|d| d.unwrap_or(SAMPLES)).collect();
        Literal::full(dims, x.dtype(), 0.5)
    };
    model.inputs().iter().map(sized).collect()
}

fn predictions(model: &Model) -> Result<Vec<ndarray::ArrayD<f32>>> {
    let x = data(model);
    let x: Vec<&Literal> = x.iter().collect();
    Ok(model.predict_on_batch(x)?.into_arrays())
}

/// Saves and loads a model in each form that holds all of it.
fn check(name: &str, model: &Model) -> Result<()> {
    check_in(name, model, &["keras", "h5", "safetensors"])
}

fn check_in(name: &str, model: &Model, ends: &[&str]) -> Result<()> {
    let folder = scratch(name);
    let expected = predictions(model)?;
    for end in ends {
        let path = folder.join(format!("model.{end}"));
        model.save(&path)?;
        // Legacy files do not say whether layers of several models are one.
        let again = LoadOptions::new().share_equal_layers(true).load(&path)?;
        assert_eq!(again.to_json(), model.to_json(), "{end}");
        let (weights, others) = (model.weights(), again.weights());
        assert_eq!(weights.len(), others.len(), "{end}");
        for (weight, other) in weights.iter().zip(&others) {
            assert_eq!(weight.value()?, other.value()?, "{end}: {}", weight.path());
            let trainable = (weight.trainable(), other.trainable());
            assert_eq!(trainable.0, trainable.1, "{end}: {}", weight.path());
        }
        assert_eq!(predictions(&again)?, expected, "{end}");
    }
    fs::remove_dir_all(folder).ok();
    Ok(())
}

#[test]
fn names_of_all_sorts() -> Result<()> {
    let x = Input::new([4]).name("ein Eingang").tensor();
    let h = Dense::new(3).name("層 1: \"é\"").call(&x)?;
    let y = Dense::new(2).name("out.0").call(&h)?;
    check("names", &Model::with_name("mon modèle", &x, &y)?)
}

#[test]
fn tensors_in_several_places() -> Result<()> {
    let (x, unused) = (input([4]), input([2]));
    let h = add([&x, &x])?;
    let y = Dense::new(4).call(&concatenate([&h, &h, &x])?)?;
    check("places", &Model::new([&x, &unused], [&y, &y, &x])?)?;
    check("lists", &Model::new([&x], [&y])?)
}

#[test]
fn ellipses() -> Result<()> {
    let y = input([4, 3]);
    let inner = Model::new(&y, &y.slice((Index::Ellipsis, 1..)))?;
    let x = input([4, 3]);
    let model = Model::new(
        &x,
        &inner.call(&x)?.slice((0, Index::NewAxis, Index::Ellipsis)),
    )?;
    check_in("ellipses", &model, &["keras", "safetensors"])?;
    // Keras opens no legacy file with one.
    let folder = scratch("no-ellipses");
    let path = folder.join("model.h5");
    model.save(&path)?;
    assert_eq!(predictions(&load_model(&path)?)?, predictions(&model)?);
    let bytes = fs::read(&path).expect("the file");
    let held = |word: &[u8]| bytes.windows(word.len()).any(|w| w == word);
    assert!(held(b"__slice__") && !held(b"__ellipsis__"));
    fs::remove_dir_all(folder).ok();
    Ok(())
}

#[test]
fn keys() -> Result<()> {
    let (a, b) = (input([4]), input([4]));
    let (y, z) = (add([&a, &b])?, Dense::new(2).call(&a)?);
    check(
        "keys",
        &Model::new([("z z", &a), ("é", &b)], [("b", &y), ("a", &z)])?,
    )
}

#[test]
fn models_in_models_with_one_layer_in_all() -> Result<()> {
    let shared = Dense::new(4);
    let mut inner: Option<Model> = None;
    for _ in 0..5 {
        let x = input([4]);
        let mut h = shared.call(&x)?;
        if let Some(inner) = &inner {
            h = inner.call(&inner.call(&h)?)?;
        }
        inner = Some(Model::new(&x, &h)?);
    }
    check("nested", &inner.expect("a model"))
}

#[test]
fn layers_around_layers() -> Result<()> {
    let x = input([5, 4]);
    let both = Bidirectional::new(Gru::new(3).return_sequences(true));
    let both = both.backward_layer(Gru::new(2).return_sequences(true).go_backwards(true));
    let h = both.call(&x)?.output;
    let h = TimeDistributed::new(BatchNormalization::new()).call(&h)?;
    let inner = input([5]);
    let model = Model::new(&inner, &Dense::new(2).call(&inner)?)?;
    let y = TimeDistributed::new(model.any()).call(&h)?;
    check("around", &Model::new(&x, &y)?)
}

#[test]
fn frozen_parts() -> Result<()> {
    let x = input([4]);
    let (a, b) = (Dense::new(4).name("a"), Dense::new(4).name("b"));
    let inner = Model::new(&x, &b.call(&a.call(&x)?)?)?;
    inner.set_trainable(false);
    b.set_trainable(true);
    let (outer, frozen) = (input([4]), Dense::new(2));
    let y = frozen.call(&inner.call(&outer)?)?;
    frozen.set_trainable(false);
    check("frozen", &Model::new(&outer, &y)?)
}

#[test]
fn types() -> Result<()> {
    for dtype in [DType::F16, DType::BF16, DType::F64] {
        let x = Input::new([4]).dtype(dtype).tensor();
        let y = Dense::new(3).dtype(dtype).call(&x)?;
        check(dtype.keras_name(), &Model::new(&x, &y)?)?;
    }
    Ok(())
}

#[test]
fn saves_at_once_while_training_leave_a_whole_file() -> Result<()> {
    let (folder, x) = (scratch("together"), input([4]));
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    model
        .compile(Adam::new(0.01), Loss::MeanSquaredError)
        .run()?;
    let path = folder.join("model.keras");
    model.save(&path)?;
    let (x, y) = (
        Literal::full([SAMPLES, 4], DType::F32, 0.5),
        Literal::zeros([SAMPLES, 1], DType::F32),
    );
    std::thread::scope(|scope| -> Result<()> {
        for _ in 0..8 {
            scope.spawn(|| (0..5).for_each(|_| model.save(&path).expect("a save")));
        }
        scope.spawn(|| (0..5).for_each(|_| drop(load_model(&path).expect("a whole file"))));
        for _ in 0..20 {
            model.train_on_batch(&x, &y).run()?;
        }
        Ok(())
    })?;
    load_model(&path)?;
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
    fs::remove_dir_all(folder).ok();
    Ok(())
}

/// Calls are dropped one after the other, not inside each other.
#[test]
fn a_deep_chain_of_calls_needs_no_deep_stack() -> Result<()> {
    let mut x = input([4]);
    for _ in 0..50_000 {
        x = refrain::ops::abs(&x);
    }
    x.check()
}
