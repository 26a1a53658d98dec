//! Models of cells: trained and run batch by batch against Keras, in files, with dropout, and with one cell in two loops.

mod common;

use std::path::PathBuf;

use common::cells::{self, CountingCell, MinimalCell};
use common::compare::{OUTPUT_TOLERANCE, close};
use common::npz::Golden;
use refrain::activations::Activation;
use refrain::data::IntoArrays;
use refrain::initializers::Initializer;
use refrain::layers::*;
use refrain::losses::Loss;
use refrain::objects::CustomObjects;
use refrain::optimizers::Sgd;
use refrain::saving::LoadOptions;
use refrain::{Inputs, Literal, Model, Result, Tensor, input, load_model, model_from_json};
use serde_json::Value as Json;

/// A model of the file with its weights.
struct Case {
    golden: Golden,
    json: Json,
    model: Model,
}

impl Case {
    fn open(name: &str) -> Result<Self> {
        cells::register_all();
        let golden = Golden::read("cells");
        let json = golden.json["models"][name].clone();
        let model = model_from_json(&json["model"].to_string())?;
        let values = Case::arrays(&golden, &json, "weights");
        assert_eq!(model.weights().len(), values.len());
        for (weight, value) in model.weights().iter().zip(values) {
            weight.assign(value)?;
        }
        Ok(Case {
            golden,
            json,
            model,
        })
    }

    fn arrays(golden: &Golden, json: &Json, key: &str) -> Vec<Literal> {
        let keys = json[key].as_array().expect("keys").iter();
        keys.map(|key| golden.named(key).expect("an array").clone())
            .collect()
    }

    fn all(&self, key: &str) -> Vec<Literal> {
        Case::arrays(&self.golden, &self.json, key)
    }
}

fn predicted(model: &Model, x: &Literal) -> Result<Literal> {
    model.predict_on_batch(vec![x].into_arrays())?.literal(0)
}

#[track_caller]
fn same(what: &str, got: &Literal, expected: &Literal) {
    close(what, got, expected, OUTPUT_TOLERANCE).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn three_steps_of_training() -> Result<()> {
    let case = Case::open("trained")?;
    let (x, y) = (
        &case.all("inputs")[0],
        case.golden.named(&case.json["targets"]),
    );
    let y = y.expect("targets");
    let model = &case.model;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    for (step, expected) in case.all("outputs").iter().enumerate() {
        let (x, y) = (vec![x].into_arrays(), vec![y].into_arrays());
        model.train_on_batch(x, y).run()?;
        let x = &case.all("inputs")[0];
        same(
            &format!("after step {step}"),
            &predicted(model, x)?,
            expected,
        );
    }
    Ok(())
}

#[test]
fn states_go_from_batch_to_batch() -> Result<()> {
    let case = Case::open("stateful")?;
    for round in ["first", "after a reset"] {
        let batches = case.all("inputs");
        for (x, expected) in batches.iter().zip(case.all("outputs")) {
            same(round, &predicted(&case.model, x)?, &expected);
        }
        case.model.any().reset_states();
    }
    Ok(())
}

/// A file that is removed afterwards.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let name = format!("refrain-cells-{}-{name}", std::process::id());
        File(std::env::temp_dir().join(name))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

#[test]
fn files_hold_cells() -> Result<()> {
    for name in ["trained", "stateful"] {
        let case = Case::open(name)?;
        let x = &case.all("inputs")[0];
        let expected = predicted(&case.model, x)?;
        for end in ["model.keras", "model.h5"] {
            let file = File::new(&format!("{name}.{end}"));
            case.model.save(&file.0)?;
            let loaded = load_model(&file.0)?;
            loaded.any().reset_states();
            assert_eq!(predicted(&loaded, x)?, expected, "{name}.{end}");
        }
        let file = File::new(&format!("{name}.weights.h5"));
        case.model.save_weights(&file.0)?;
        let other = model_from_json(&case.json["model"].to_string())?;
        other.load_weights(&file.0).run()?;
        assert_eq!(predicted(&other, x)?, expected, "weights of {name}");
    }
    Ok(())
}

#[test]
fn files_of_keras_2_hold_cells() -> Result<()> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cells");
    let golden = Golden::of_arrays(&folder.join("keras2.npz"));
    for end in ["h5", "keras"] {
        let model = load_model(folder.join(format!("keras2.{end}")))?;
        let inputs = vec![golden.array("x0"), golden.array("x1")];
        let outputs = model.predict_on_batch(inputs.into_arrays())?;
        for (i, name) in ["y0", "y1"].into_iter().enumerate() {
            same(name, &outputs.literal(i)?, golden.array(name));
        }
    }
    Ok(())
}

#[test]
fn a_load_has_cells_of_its_own() -> Result<()> {
    struct Own(MinimalCell);

    impl Layer for Own {
        type Output = RnnOutput;

        fn class_name(&self) -> &str {
            "one_load>Cell"
        }

        fn properties(&self) -> Properties {
            self.0.properties()
        }

        fn build(&self, cx: &mut Build) -> Result<()> {
            self.0.build(cx)
        }

        fn call(&self, cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
            self.0.call(cx, inputs)
        }
    }

    let cell = || {
        Own(MinimalCell {
            units: 2,
            scale: 1.0,
        })
    };
    let x = input([4, 3]);
    let model = Model::new(&x, &Rnn::new(cell().into_layer()).call(&x)?)?;
    let file = File::new("own.keras");
    model.save(&file.0)?;
    let error = load_model(&file.0).map(drop).expect_err("unknown");
    assert!(error.to_string().contains("one_load>Cell"), "{error}");
    let mut objects = CustomObjects::new();
    objects.add::<AnyLayer, _>("one_load>Cell", move |_| Ok(cell()));
    let loaded = LoadOptions::new().custom_objects(objects).load(&file.0)?;
    let batch = Literal::full(vec![2, 4, 3], refrain::DType::F32, 0.5);
    assert_eq!(predicted(&loaded, &batch)?, predicted(&model, &batch)?);
    Ok(())
}

#[test]
fn one_cell_in_two_loops_has_one_set_of_weights() -> Result<()> {
    let (x, cell) = (input([4, 3]), GruCell::new(3));
    let first = Rnn::new(cell.clone()).return_sequences(true).call(&x)?;
    let y = Rnn::new(cell.clone()).go_backwards(true).call(&first)?;
    let model = Model::new(&x, &y)?;
    assert_eq!(model.weights(), cell.weights());
    let file = File::new("shared.keras");
    model.save(&file.0)?;
    let loaded = load_model(&file.0)?;
    assert_eq!(loaded.weights().len(), 3);
    let batch = Literal::full(vec![2, 4, 3], refrain::DType::F32, 0.5);
    assert_eq!(predicted(&loaded, &batch)?, predicted(&model, &batch)?);
    Ok(())
}

/// With a product that counts what is kept, and a state that counts nothing.
#[test]
fn dropout_drops_the_same_in_all_steps() -> Result<()> {
    for unroll in [false, true] {
        let cell = || {
            SimpleRnnCell::new(2)
                .dropout(0.5)
                .seed(3)
                .activation(Activation::Linear)
                .kernel_initializer(Initializer::Ones)
                .recurrent_initializer(Initializer::Zeros)
        };
        let x = input([6, 20]);
        let rnn = Rnn::stacked([cell(), cell()]).return_sequences(true);
        let call = Inputs::new(&x).option("training", true);
        let model = Model::new(&x, &rnn.unroll(unroll).call(call)?)?;
        let batch = Literal::full(vec![3, 6, 20], refrain::DType::F32, 1.0);
        let (first, second) = (predicted(&model, &batch)?, predicted(&model, &batch)?);
        assert_ne!(first, second, "drawn anew for each batch");
        let rows: Vec<&[f32]> = first.values::<f32>().expect("floats").chunks(12).collect();
        assert!(rows.iter().any(|row| row[0] != rows[0][0]), "{rows:?}");
        for row in rows {
            assert!(row.iter().all(|&v| v == row[0]), "{row:?}");
        }
    }
    Ok(())
}

#[track_caller]
fn refused<T>(result: Result<T>, words: &[&str]) {
    let error = result.err().expect("an error").to_string();
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

#[test]
fn what_is_no_cell_is_refused() -> Result<()> {
    let (x, h): (Tensor, Tensor) = (input([4, 3]), input([2]));
    refused(
        Rnn::new(Dense::new(2).name("dense")).call(&x),
        &["expected a cell", "`dense` (Dense)", "LSTMCell"],
    );
    let mixed = [GruCell::new(2).any(), Dense::new(2).name("second").any()];
    refused(
        Rnn::stacked(mixed).call(&x),
        &["expected a cell", "`second` (Dense)"],
    );
    refused(
        Rnn::stacked(Vec::<AnyLayer>::new()).call(&x),
        &["StackedRNNCells", "one cell or more, got none"],
    );
    refused(
        Bidirectional::new(GruCell::new(2)).call(&x),
        &["a recurrent layer"],
    );
    let lstm = Rnn::new(LstmCell::new(2));
    refused(lstm.call_from(&x, &h), &["2 initial states, got 1"]);
    refused(
        lstm.call_from(&x, [&h, &input([5])]),
        &["initial states of shape (None, 2), got shape (None, 5)"],
    );
    refused(
        LstmCell::new(2).step(&h, &h),
        &["2 states, got 1", "of shapes (None, 2), (None, 2)"],
    );
    refused(
        GruCell::new(2).step(&h, &input([4])),
        &["shape (None, 2), got shape (None, 4)"],
    );
    refused(
        GruCell::new(2).call(&h),
        &["the states of a cell, got none", "`Rnn`"],
    );
    refused(Rnn::new(GruCell::new(2)).call(&h), &["rank 3 or more"]);
    Ok(())
}

/// A cell that gives what its properties do not say.
struct Wrong(usize);

impl Layer for Wrong {
    type Output = RnnOutput;

    fn class_name(&self) -> &str {
        "Wrong"
    }

    fn properties(&self) -> Properties {
        Properties::cell([[3], [3]])
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
        let (x, states) = (inputs.one()?, cx.states(inputs)?);
        let state = match self.0 {
            0 => vec![states[0].clone()],
            1 => vec![states[0].clone(), x.clone()],
            _ => states,
        };
        Ok(RnnOutput {
            output: x.clone(),
            state,
        })
    }
}

/// As Keras 3 on JAX has it: `lax.scan` writes zeros, the loop in Python does not.
#[test]
fn unrolled_steps_repeat_outputs_where_zeros_are_wanted() -> Result<()> {
    let cell = SimpleRnnCell::new(2);
    let x = input([3, 2]);
    let masked = Masking::new().call(&x)?;
    let run = |unroll: bool, zeroed: bool| {
        let rnn = Rnn::new(cell.clone()).return_sequences(true).unroll(unroll);
        Ok::<_, refrain::Error>(rnn.zero_output_for_mask(zeroed).call(&masked)?.output)
    };
    let outputs = [run(true, true)?, run(true, false)?, run(false, true)?];
    let model = Model::new(&x, outputs)?;
    let x = ndarray::array![[[1.0_f32, 2.0], [0.0, 0.0], [3.0, 4.0]]];
    let predicted = model.predict(&x).run()?;
    let step = |output: usize| -> Result<Vec<f32>> {
        let all = predicted.get(output)?;
        Ok(all.iter().skip(2).take(2).copied().collect())
    };
    assert_eq!(step(0)?, step(1)?);
    assert_ne!(step(0)?, [0.0, 0.0]);
    assert_eq!(step(2)?, [0.0, 0.0]);
    Ok(())
}

#[test]
fn cells_that_break_their_word_are_refused() {
    let x = input([4, 5]);
    let run = |kind: usize| Rnn::new(Wrong(kind).into_layer());
    refused(run(0).call(&x), &["2 next states", "got 1"]);
    refused(
        run(1).call(&x),
        &["next states of shape (None, 3), got shape (None, 5)"],
    );
    let mask = refrain::Input::new([4])
        .dtype(refrain::DType::Bool)
        .tensor();
    refused(
        run(2).call(Inputs::new(&x).kwarg("mask", &mask)),
        &["like the cell's first state", "`zero_output_for_mask`"],
    );
    let counting = Rnn::new(CountingCell { units: 2 }.into_layer());
    let y = counting.zero_before_first(true).call_from(
        Inputs::new(&x).first().expect("x").clone(),
        [&input([2]), &input([1])],
    );
    assert_eq!(y.expect("a call").shape().to_string(), "(None, 3)");
}
