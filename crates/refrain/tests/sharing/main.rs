//! Layers that nested models share with other models: the form that Keras opens, copies, pictures and summaries.

mod models;
mod pictures;

use ndarray::{Array, ArrayD, IxDyn};
use refrain::data::Arrays;
use refrain::layers::{Bidirectional, Dense, Lstm, MergeMode, TimeDistributed};
use refrain::losses::Loss;
use refrain::optimizers::Adam;
use refrain::{DType, Literal, Model, Result, clone_model, input, load_model, ops};

use models::{MODELS, keeps_sharing};

/// Numbers for each input of a model.
fn data(model: &Model, samples: usize) -> Vec<Literal> {
    let values = |tensor: &refrain::Tensor| {
        let shape = tensor.shape();
        let dims = shape.dims().iter().map(|d| d.unwrap_or(samples));
        let dims: Vec<usize> = dims.collect();
        let count = dims.iter().product::<usize>();
        let value = |i: usize| match tensor.dtype() {
            DType::I32 => (i * 3 % 5) as f64,
            _ => (i as f64 * 0.7).sin(),
        };
        let values: Vec<f64> = (0..count).map(value).collect();
        let literal = Literal::new(dims, values).expect("as many values");
        literal.convert(tensor.dtype())
    };
    model.inputs().iter().map(values).collect()
}

fn predict(model: &Model) -> Result<Vec<ArrayD<f32>>> {
    let x = data(model, 3);
    let inputs = Arrays::of_inputs(model, x.iter().collect::<Vec<_>>());
    let predicted = model.predict_on_batch(inputs)?;
    let outputs = 0..predicted.len();
    outputs
        .map(|i| {
            let literal = predicted.literal(i)?;
            let values: Vec<f32> = literal.to_f64().iter().map(|&v| v as f32).collect();
            Ok(Array::from_shape_vec(IxDyn(literal.dims()), values).expect("as many values"))
        })
        .collect()
}

fn train(model: &Model) -> Result<()> {
    let x = data(model, 3);
    let targets = predict(model)?;
    let targets: Vec<ArrayD<f32>> = targets.iter().map(|y| Array::zeros(y.raw_dim())).collect();
    let x = Arrays::of_inputs(model, x.iter().collect::<Vec<_>>());
    let y: Vec<Arrays> = targets.iter().map(Arrays::new).collect();
    model.train_on_batch(x, y).run().map(drop)
}

fn compile(model: &Model) -> Result<()> {
    model.compile(Adam::new(0.01), Loss::MeanSquaredError).run()
}

fn assert_near(name: &str, a: &[ArrayD<f32>], b: &[ArrayD<f32>]) {
    assert_eq!(a.len(), b.len(), "{name}");
    for (a, b) in a.iter().zip(b) {
        assert_eq!(a.shape(), b.shape(), "{name}");
        let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
        let apart = apart.fold(0.0, f32::max);
        assert!(apart < 1e-5, "{name}: {apart}");
    }
}

/// Training begins before the change of form and goes on after it.
#[test]
fn the_form_for_keras_computes_and_trains_as_the_model() -> Result<()> {
    for (name, make) in MODELS {
        let model = make()?;
        compile(&model)?;
        train(&model)?;
        let flat = model.for_keras()?;
        assert_near(name, &predict(&model)?, &predict(&flat)?);
        assert_eq!(model.output_names().len(), flat.output_names().len());
        if !keeps_sharing(name) {
            assert!(flat.count_params() > model.count_params(), "{name}");
            continue;
        }
        assert_eq!(flat.count_params(), model.count_params(), "{name}");
        assert_eq!(flat.output_names(), model.output_names(), "{name}");
        for _ in 0..3 {
            train(&model)?;
            train(&flat)?;
        }
        assert_near(name, &predict(&model)?, &predict(&flat)?);
    }
    Ok(())
}

#[test]
fn the_form_for_keras_is_a_copy_and_has_nothing_left_to_change() -> Result<()> {
    for (name, make) in MODELS {
        let model = make()?;
        compile(&model)?;
        let before = predict(&model)?;
        let flat = model.for_keras()?;
        assert_eq!(flat.for_keras()?.layers(), flat.layers(), "{name}");
        if name != "twice_in_stack" {
            assert_ne!(flat.layers(), model.layers(), "{name}");
            train(&flat)?;
        }
        assert_eq!(predict(&model)?, before, "{name}");
    }
    Ok(())
}

#[test]
fn the_form_for_keras_is_read_back_as_it_was_written() -> Result<()> {
    for (name, make) in MODELS {
        let flat = make()?.for_keras()?;
        for end in ["keras", "h5"] {
            let file = format!("refrain-shared-{name}-{}.{end}", std::process::id());
            let path = std::env::temp_dir().join(file);
            flat.save(&path)?;
            let again = load_model(&path);
            std::fs::remove_file(&path).ok();
            let again = again?;
            assert_eq!(again.count_params(), flat.count_params(), "{name}.{end}");
            assert_near(name, &predict(&flat)?, &predict(&again)?);
        }
    }
    Ok(())
}

#[test]
fn layers_of_one_name_are_told_apart() -> Result<()> {
    let (_, make) = MODELS
        .iter()
        .find(|(n, _)| *n == "equal_names")
        .expect("it");
    let flat = make()?.for_keras()?;
    let layers = flat.layers();
    let names: Vec<&str> = layers.iter().map(|l| l.get_name()).collect();
    for name in ["own", "a_own", "b_own", "shared"] {
        assert!(names.contains(&name), "{names:?}");
    }
    Ok(())
}

/// Copies have as many weights as their models, also where wrappers hold models.
#[test]
fn copies_share_as_their_models_do() -> Result<()> {
    for (name, make) in MODELS.into_iter().filter(|(name, _)| keeps_sharing(name)) {
        let (model, copy) = (make()?, clone_model(&make()?)?);
        assert_eq!(copy.count_params(), model.count_params(), "{name}");
    }
    Ok(())
}

/// As many as in copies of the same models by Keras.
#[test]
fn copies_of_wrappers_have_layers_of_their_own() -> Result<()> {
    let x = input([4, 3]);
    let dense = Dense::new(3).name("d");
    let each = TimeDistributed::new(dense.clone()).name("each").call(&x)?;
    let again = TimeDistributed::new(dense.clone())
        .name("again")
        .call(&each)?;
    let called = Model::new(&x, &dense.call(&each)?)?;
    let wrapped_twice = Model::new(&x, &again)?;

    let one = input([3]);
    let inner = Model::new(&one, &Dense::new(3).call(&one)?)?;
    let each = TimeDistributed::new(&inner).call(&x)?;
    let of_model = Model::new(&x, &inner.call(&ops::mean(&each, 1, false))?)?;

    let lstm = Lstm::new(3).return_sequences(true);
    let both = Bidirectional::new(lstm.clone()).merge_mode(MergeMode::Sum);
    let directions = Model::new(&x, &lstm.call(&both.call(&x)?.output)?.output)?;

    for (model, weights, copied) in [
        (called, 2, 4),
        (wrapped_twice, 2, 4),
        (of_model, 2, 4),
        (directions, 9, 9),
    ] {
        let copy = clone_model(&model)?;
        assert_eq!(model.weights().len(), weights, "{}", model.summary());
        assert_eq!(copy.weights().len(), copied, "{}", copy.summary());
    }
    Ok(())
}

#[test]
fn an_expanded_summary_counts_shared_weights_once() -> Result<()> {
    for (name, make) in MODELS.into_iter().filter(|(name, _)| keeps_sharing(name)) {
        let model = make()?;
        let summary = model.summary().expand_nested(true).line_length(160);
        let json = summary.to_json();
        let layers = json["layers"].as_array().expect("layers");
        let holds = |i: usize| {
            let next = layers.get(i + 1);
            next.is_some_and(|n| n["level"].as_u64() > layers[i]["level"].as_u64())
        };
        let counted = layers.iter().enumerate().filter(|(i, l)| {
            let model = ["Functional", "Sequential"].contains(&l["class"].as_str().unwrap_or(""));
            !holds(*i) && !model && l["shared"] == false
        });
        let params: u64 = counted.filter_map(|(_, l)| l["params"].as_u64()).sum();
        assert_eq!(
            Some(params),
            json["total_params"].as_u64(),
            "{name}\n{summary}"
        );
    }
    let (_, make) = MODELS[0];
    let text = make()?
        .summary()
        .expand_nested(true)
        .line_length(160)
        .to_string();
    assert_eq!(text.matches("shared").count(), 1, "{text}");
    assert_eq!(text.matches("(call 2)").count(), 1, "{text}");
    Ok(())
}
