//! What is suspicious but not wrong is a warning, and nothing else is.

#[path = "common/warned.rs"]
mod warned;

use ndarray::Array2;
use refrain::layers::*;
use refrain::saving::LoadOptions;
use refrain::{Input, Inputs, Model, Result, Sequential, Tensor, input, ops};
use serde_json::{Value as Json, json};
use warned::warnings;

fn words() -> Result<Tensor> {
    let embedding = Embedding::new(10, 4).mask_zero(true);
    embedding.call(Input::new([6]).dtype(refrain::DType::I32).tensor())
}

#[test]
fn a_layer_that_destroys_a_mask_warns_once_for_each_call() -> Result<()> {
    let x = words()?;
    let flatten = Flatten::new().name("flat");
    let once = warnings(|| flatten.call(&x).map(drop))?;
    let text = "Layer 'flat' (of type Flatten) was passed an input with a mask attached to it. However, this layer does not \
                support masking and will therefore destroy the mask information. Downstream layers will not see the mask.";
    assert_eq!(once, [text]);

    let twice = warnings(|| {
        let y = flatten.call(&x)?;
        let model = Model::new(&words()?, &y).err();
        assert!(model.is_some(), "another input");
        flatten.call(&x).map(drop)
    })?;
    assert_eq!(twice, [text, text]);
    Ok(())
}

#[test]
fn layers_without_masking_are_those_of_keras() -> Result<()> {
    let x = words()?;
    let destroyed = warnings(|| {
        Conv1D::new(2, 3).call(&x)?;
        GlobalMaxPooling1D::new().call(&x)?;
        RmsNormalization::new().call(&x)?;
        Permute::new([2, 1]).call(&x)?;
        Lambda::new(|t| t * 2.0).call(&x).map(drop)
    })?;
    assert_eq!(destroyed.len(), 5, "{destroyed:?}");
    Ok(())
}

#[test]
fn layers_that_use_a_mask_and_functions_say_nothing() -> Result<()> {
    let x = words()?;
    let silent = warnings(|| {
        Lstm::new(3).call(&x)?;
        Bidirectional::new(Gru::new(3)).call(&x)?;
        GlobalAveragePooling1D::new().call(&x)?;
        Dense::new(3).call(&x)?;
        TimeDistributed::new(Dense::new(3)).call(&x)?;
        dot([&x, &x], 2)?;
        MultiHeadAttention::new(2, 2).call(Inputs::new(&x).arg(&x))?;
        let doubled = ops::abs(&x) + 1.0;
        Flatten::new().call(&doubled).map(drop)
    })?;
    assert!(silent.is_empty(), "{silent:?}");
    Ok(())
}

#[test]
fn a_summary_is_the_same_with_and_without_a_subscriber() -> Result<()> {
    let ids = Input::new([6])
        .name("ids")
        .dtype(refrain::DType::I32)
        .tensor();
    let x = Embedding::new(10, 4).mask_zero(true).call(&ids)?;
    let model = Model::new(&ids, &Flatten::new().call(&x)?)?;
    let alone = model.summary().to_string();
    let texts = warnings(|| {
        assert_eq!(model.summary().to_string(), alone);
        Ok(())
    })?;
    assert!(texts.is_empty(), "{texts:?}");
    Ok(())
}

#[test]
fn keys_that_fit_nothing_are_named() -> Result<()> {
    let (a, b) = (Input::new([2]).name("left").tensor(), input([2]));
    let mut model = None;
    let texts = warnings(|| {
        model = Some(Model::new([("left", &a), ("right", &b)], &add([&a, &b])?)?);
        Ok(())
    })?;
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("Received key 'right'"), "{texts:?}");

    let model = model.expect("a model");
    let data = Array2::<f32>::ones((3, 2));
    let fitting = [("left", &data), ("right", &data)];
    assert!(warnings(|| model.predict(fitting).run().map(drop))?.is_empty());
    let extra = [("left", &data), ("middle", &data), ("right", &data)];
    let texts = warnings(|| model.predict(extra).run().map(drop))?;
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(
        texts[0].contains("doesn't match the expected structure"),
        "{texts:?}"
    );
    let texts = warnings(|| model.predict([&data, &data]).run().map(drop))?;
    assert_eq!(texts.len(), 1, "{texts:?}");
    Ok(())
}

#[test]
fn structures_are_shown_as_python_writes_them() -> Result<()> {
    let [a, b] = ["a", "b"].map(|name| Input::new([2]).name(name).tensor());
    let model = Model::new([("a", &a), ("b", &b)], &add([&a, &b])?)?;
    let data = Array2::<f32>::ones((3, 2));
    let texts = warnings(|| model.predict([&data, &data]).run().map(drop))?;
    assert!(texts[0].contains("Expected: {'a': a, 'b': b}"), "{texts:?}");
    assert!(
        texts[0].contains("inputs=[an array, an array]"),
        "{texts:?}"
    );
    let arranged = || refrain::data::Arrays::of_inputs(&model, [&data, &data]);
    assert!(warnings(|| model.predict(arranged()).run().map(drop))?.is_empty());
    Ok(())
}

#[test]
fn files_that_keras_cannot_open_are_said_to_be_so() -> Result<()> {
    let (x, y, shared) = (input([2]), input([2]), Dense::new(2).name("shared"));
    let inner = Model::new(&x, &shared.call(&x)?)?;
    let model = Model::new(&y, &add([&inner.call(&y)?, &shared.call(&y)?])?)?;
    let path = |end: &str| {
        let name = format!("refrain-warned-{}.{end}", std::process::id());
        std::env::temp_dir().join(name)
    };
    for end in ["keras", "h5", "json"] {
        let texts = warnings(|| model.save(path(end)))?;
        assert_eq!(texts.len(), 1, "{end}: {texts:?}");
        assert!(texts[0].contains("shares layers [\"shared\"]"), "{texts:?}");
        assert!(texts[0].contains("for_keras"), "{texts:?}");
        let silent = warnings(|| model.for_keras()?.save(path(end)))?;
        assert!(silent.is_empty(), "{end}: {silent:?}");
        std::fs::remove_file(path(end)).ok();
    }

    let steps = input([3, 2]);
    let each = TimeDistributed::new(shared.clone()).call(&steps)?;
    let wrapped = Model::new(&steps, &add([&each, &shared.call(&steps)?])?)?;
    let texts = warnings(|| wrapped.for_keras().map(drop))?;
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(
        texts[0].contains("'shared'") && texts[0].contains("wrapper"),
        "{texts:?}"
    );
    Ok(())
}

#[test]
fn weights_that_keras_takes_in_another_order_are_said_to_be_so() -> Result<()> {
    let path = |end: &str| {
        let name = format!("refrain-partly-frozen-{}.{end}", std::process::id());
        std::env::temp_dir().join(name)
    };
    let (first, second) = (Dense::new(3).name("first"), Dense::new(3).name("second"));
    let stack = Sequential::new([3]).add(&first).add(&second).name("base");
    let stack = stack.build()?;
    let x = input([3]);
    let graph = Model::new(&x, &second.call(&first.call(&x)?)?)?;
    let within = |base: &Model| {
        let x = input([3]);
        Model::new(&x, &base.call(&x)?)
    };
    let said = |base: &Model, end: &str| {
        let model = within(base)?;
        let texts = warnings(|| model.save(path(end)));
        std::fs::remove_file(path(end)).ok();
        texts
    };
    for (frozen, trains, expected) in [
        (true, None, false),
        (true, Some(&first), false),
        (true, Some(&second), true),
        (false, None, false),
    ] {
        for (base, warns) in [(&stack, expected), (&graph, false)] {
            base.set_trainable(!frozen);
            trains
                .into_iter()
                .for_each(|layer| layer.set_trainable(true));
            let texts = said(base, "h5")?;
            assert_eq!(texts.len(), usize::from(warns), "{texts:?}");
            assert!(
                texts
                    .iter()
                    .all(|t| t.contains("'base'") && t.contains("`.keras`"))
            );
            assert!(said(base, "keras")?.is_empty());
        }
    }
    // What trains comes first in Keras too.
    stack.set_trainable(true);
    first.set_trainable(false);
    assert!(said(&stack, "h5")?.is_empty());
    Ok(())
}

#[test]
fn data_that_end_before_the_steps_do_are_noticed() -> Result<()> {
    let x = input([2]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    let data = Array2::<f32>::ones((6, 2));
    let predict = |steps| {
        model
            .predict(&data)
            .batch_size(2)
            .steps(steps)
            .run()
            .map(drop)
    };
    assert!(warnings(|| predict(3))?.is_empty());
    assert!(warnings(|| predict(4))?[0].contains("ran out of data after 3 of 4 steps"));
    Ok(())
}

#[test]
fn code_of_keras_2_that_keras_3_cannot_run_is_named() -> Result<()> {
    // Of CPython 3.11: `lambda x: K.sum(x, axis=1)`, `lambda x: [K.abs(y) for y in [x]][0]`, and
    // `lambda x: abs(x) * 2 + x.shape[-1]`, which Keras 3 can run.
    let sum = "YwEAAAAAAAAAAAAAAAQAAAADAAAA8zoAAACXAHQAAAAAAAAAAAAAAKABAAAAAAAAAAAAAAAAAAAAAAAAAAB8AGQBrAKmAgAAqwIAAAAAAAAAAFMAKQNO6QEAAAApAdoEYXhpcykC2gFL2gNzdW0pAdoBeHMBAAAAIPoIPGxhbWJkYT76CDxsYW1iZGE+cgcAAAABAAAAcxYAAACAAI0hjyWKJZABmAGIJdEKGtQKGoAA8wAAAAA=";
    let inner = "YwEAAAAAAAAAAAAAAAIAAAADAAAA8ygAAACXAGQBhAB8AGYBRACmAAAAqwAAAAAAAAAAAGQCGQAAAAAAAAAAAFMAKQNOYwEAAAAAAAAAAAAAAAUAAAATAAAA80IAAACXAGcAfABdHH0BdAAAAAAAAAAAAAAAoAEAAAAAAAAAAAAAAAAAAAAAAAAAAHwBpgEAAKsBAAAAAAAAAACRAowdUwCpACkC2gFL2gNhYnMpAtoCLjDaAXlzAgAAACAg+gg8bGFtYmRhPvoKPGxpc3Rjb21wPnocPGxhbWJkYT4uPGxvY2Fscz4uPGxpc3Rjb21wPgEAAABzIgAAAIAA0Aoh0Aoh0AohmAGNMY81ijWQEYk4jDjQCiHQCiHQCiHzAAAAAOkAAAAAcgIAAAApAdoBeHMBAAAAIHIHAAAA+gg8bGFtYmRhPnIMAAAAAQAAAHMcAAAAgADQCiHQCiGYYZhT0Aoh0Qoh1AohoCHUCiSAAHIJAAAA";
    let plain = "YwEAAAAAAAAAAAAAAAMAAAADAAAA80IAAACXAHQBAAAAAAAAAAAAAHwApgEAAKsBAAAAAAAAAABkAXoFAAB8AGoBAAAAAAAAAABkAhkAAAAAAAAAAAB6AAAAUwApA07pAgAAAOn/////KQLaA2Fic9oFc2hhcGUpAdoBeHMBAAAAIPoIPGxhbWJkYT76CDxsYW1iZGE+cgcAAAABAAAAcxsAAACAAI0hiGGJJowmkDGJKpBxlHeYcpR70QoigADzAAAAAA==";
    let path = std::env::temp_dir().join(format!("refrain-code-{}.keras", std::process::id()));
    let saved = |code: &str, defaults: Json| {
        let lambda = json!({
            "name": "l", "function": [code, defaults, null], "function_type": "lambda", "arguments": {},
        });
        let json = json!({
            "class_name": "Sequential", "keras_version": "2.15.0",
            "config": { "name": "m", "layers": [
                { "class_name": "InputLayer", "config": { "name": "x", "batch_input_shape": [null, 3], "dtype": "float32" } },
                { "class_name": "Lambda", "config": lambda },
            ] },
        });
        let options = LoadOptions::new().lambda("l", |x| x * 2.0);
        let model = options.model_from_json(&json.to_string())?;
        warnings(|| model.save(&path))
    };
    for (code, defaults, why) in [
        (sum, Json::Null, "it uses `K`"),
        (inner, Json::Null, "it uses `K`"),
        (plain, json!([1]), "its parameters have default values"),
        ("4wEA", Json::Null, "is not marshal data"),
    ] {
        let given = saved(code, defaults)?;
        let [text] = &given[..] else {
            panic!("{given:?}")
        };
        assert!(text.contains("Layer 'l'") && text.contains(why), "{text}");
    }
    assert!(saved(plain, Json::Null)?.is_empty());
    std::fs::remove_file(&path).ok();
    Ok(())
}

#[test]
fn what_cannot_be_compiled_is_told_once() -> Result<()> {
    let x = input([4]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    let config = json!({ "optimizer": "sgd", "loss": "mse" });
    model.compile_from_config(&config)?;
    let path = std::env::temp_dir().join(format!("refrain-told-{}.json", std::process::id()));
    let text = model
        .to_json()
        .replace("\"loss\":\"mse\"", "\"loss\":\"gap\"");
    std::fs::write(&path, text).expect("a file");
    let loaded = warnings(|| LoadOptions::new().load(&path).map(drop))?;
    let [warning] = &loaded[..] else {
        panic!("{loaded:?}");
    };
    assert_eq!(warning.matches("no loss `gap`").count(), 1, "{warning}");
    // The report says it, and no warning.
    let mut report = String::new();
    let inspected = warnings(|| {
        report = LoadOptions::new().inspect(&path)?.to_string();
        Ok(())
    })?;
    assert!(inspected.is_empty(), "{inspected:?}");
    assert_eq!(report.matches("no loss `gap`").count(), 1, "{report}");
    std::fs::remove_file(&path).ok();
    Ok(())
}
