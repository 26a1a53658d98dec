//! Configurations that no Keras wrote, in real files: a model or an error, never a panic, and never a long wait.
//!
//! `HOSTILE_ROUNDS` makes it longer, `HOSTILE_MODELS` names a folder of other `.keras` files.

mod mutate;
#[path = "../common/warned.rs"]
mod warned;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mutate::{Random, mutate};
use refrain::losses::Loss;
use refrain::optimizers::Adam;
use refrain::saving::{Limits, LoadOptions};
use refrain::testing::storage;
use refrain::{DType, Literal, Model, load_model, model_from_json};
use serde_json::{Value as Json, json};
use warned::warnings;

/// Changed configurations of all models together.
const ROUNDS: usize = 600;
/// What one may take in an unoptimised build on a busy machine.
const LONGEST: Duration = Duration::from_secs(10);
/// Samples of the data for a model that could be loaded.
const SAMPLES: usize = 2;
/// The size of a dimension that may have any.
const ANY: usize = 3;
/// Bytes of all weights of a model, so that sizes of 10⁹ are refused wherever there is memory for them.
const LARGEST_WEIGHTS: u64 = 64 << 20;
/// Elements of the largest input that is made for a model.
const LARGEST_INPUT: usize = 1 << 16;

fn models() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keras");
    let mut folders = vec![std::env::var_os("HOSTILE_MODELS").map_or(fixtures, PathBuf::from)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.extension() {
                Some(end) if end == "keras" => found.push(path),
                _ if path.is_dir() => folders.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// A model's file unzipped, with a configuration that is replaced each time.
struct Unzipped {
    folder: PathBuf,
    config: Json,
}

impl Unzipped {
    fn new(path: &Path, folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).expect("a folder");
        let mut config = Json::Null;
        let members = storage::read_archive(path, &Limits::new()).expect("a .keras file");
        for (name, bytes) in members.iter().filter(|(name, _)| !name.contains('/')) {
            fs::write(folder.join(name), bytes).expect("a file");
            if name == "config.json" {
                config = serde_json::from_slice(bytes).expect("JSON");
            }
        }
        Unzipped { folder, config }
    }

    /// Whether the changed configuration was taken.
    fn load(&self, config: &Json) -> bool {
        let text = config.to_string();
        fs::write(self.folder.join("config.json"), &text).expect("a file");
        let options = LoadOptions::new().limits(Limits::new().total_bytes(LARGEST_WEIGHTS));
        let whole = options
            .load(&self.folder)
            .is_ok_and(|model| use_model(&model));
        let bare = options.model_from_json(&text);
        let bare = bare.is_ok_and(|model| use_model(&model));
        // What is said of a file that cannot be loaded must hold up as well.
        let _ = options.inspect(&self.folder).map(|said| said.to_string());
        whole || bare
    }
}

/// Data of the shape that an input asks for, if that is small.
fn data(input: &refrain::Tensor) -> Option<Literal> {
    let shape = input.shape();
    let dims = shape.dims().iter().enumerate();
    let dims: Vec<usize> = dims
        .map(|(axis, dim)| dim.unwrap_or(if axis == 0 { SAMPLES } else { ANY }))
        .collect();
    let size = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    size.filter(|&n| n <= LARGEST_INPUT)?;
    Some(Literal::zeros(dims, input.dtype()))
}

/// Everything that is asked of a model at once; whether it works is another matter.
fn use_model(model: &Model) -> bool {
    let _ = model.summary().to_string();
    let _ = model_from_json(&model.to_json());
    let inputs: Option<Vec<Literal>> = model.inputs().iter().map(data).collect();
    if let Some(inputs) = inputs {
        let inputs: Vec<&Literal> = inputs.iter().collect();
        let _ = model.predict_on_batch(inputs);
    }
    true
}

/// Loads one changed configuration; tells what is wrong if it panics or takes long.
fn attempt(model: &Unzipped, config: &Json) -> Result<bool, String> {
    let begun = Instant::now();
    let loaded = catch_unwind(AssertUnwindSafe(|| model.load(config)));
    let taken = begun.elapsed();
    match loaded {
        Err(_) => Err("a panic".to_owned()),
        Ok(_) if taken > LONGEST => Err(format!("{taken:?}")),
        Ok(loaded) => Ok(loaded),
    }
}

fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("refrain-hostile-{name}-{}", std::process::id()))
}

#[test]
fn changed_configurations_are_models_or_errors() {
    let rounds = std::env::var("HOSTILE_ROUNDS").ok();
    let rounds = rounds.and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
    let (models, scratch) = (models(), scratch("changed"));
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut loaded, mut wrong) = (0, Vec::new());
    for (i, path) in models.iter().enumerate() {
        let model = Unzipped::new(path, scratch.clone());
        for _ in 0..rounds * (i + 1) / models.len() - rounds * i / models.len() {
            let mut config = model.config.clone();
            let changes = mutate(&mut config, &mut random);
            match attempt(&model, &config) {
                Ok(taken) => loaded += usize::from(taken),
                Err(what) => wrong.push(format!("{what}: {} {changes:?}", path.display())),
            }
        }
    }
    fs::remove_dir_all(&scratch).ok();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        loaded > rounds / 20,
        "only {loaded} of {rounds} could be loaded"
    );
}

/// A stack of one layer with a configuration in place of everything else.
fn stack(first: Json) -> Json {
    json!({"class_name": "Sequential", "config": {"name": "s", "layers": [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, 4]}}, first]}})
}

#[test]
fn what_was_once_a_panic_is_an_error() {
    let dense =
        |units: Json| json!({"class_name": "Dense", "config": {"name": "d", "units": units}});
    let mut functional = stack(json!("valid"));
    functional["class_name"] = "Functional".into();
    let mut end = stack(dense(json!(1)));
    end["class_name"] = "Functional".into();
    end["module"] = "keras".into();
    end["config"]["input_layers"] = json!([["x", u64::MAX, 0]]);
    for layer in end["config"]["layers"].as_array_mut().expect("layers") {
        layer["inbound_nodes"] = json!([]);
    }
    for config in [
        stack(json!("valid")),
        functional,
        end,
        json!({"class_name": "Functional", "config": "valid"}),
        json!({"class_name": "Sequential", "config": 7}),
        stack(dense(json!(4_000_000_000_000_000u64))),
    ] {
        assert!(model_from_json(&config.to_string()).is_err(), "{config}");
    }
    for compile in [
        json!({"optimizer": 1e308, "loss": "mse"}),
        json!({"optimizer": "sgd", "loss": {"class_name": "MeanSquaredError"}}),
    ] {
        let mut config = stack(dense(json!(1)));
        config["compile_config"] = compile;
        let _ = model_from_json(&config.to_string());
    }
}

#[test]
fn a_variable_of_the_optimizer_without_a_place_leaves_the_state() -> refrain::Result<()> {
    let x = refrain::input([4]);
    let model = Model::new(&x, &refrain::layers::Dense::new(1).call(&x)?)?;
    model
        .compile(Adam::new(0.01), Loss::MeanSquaredError)
        .run()?;
    let (x, y) = (array(4), array(1));
    model.train_on_batch(&x, &y).run()?;
    let path = scratch("optimizer").with_extension("keras");
    model.save(&path)?;
    load_model(&path)?;
    for name in ["99", "x"] {
        let mut members = storage::read_archive(&path, &Limits::new())?;
        let weights = members.iter_mut().find(|(name, _)| name.ends_with(".h5"));
        let bytes = &mut weights.expect("weights").1;
        let mut arrays = storage::read_arrays(bytes.clone(), &Limits::new())?;
        arrays.insert(format!("optimizer/vars/{name}"), array(1));
        *bytes = storage::hdf5(&arrays)?;
        let changed = path.with_extension("changed.keras");
        let members: Vec<_> = members.iter().map(|(n, b)| (&**n, &**b)).collect();
        storage::archive(&changed, &members)?;
        // As in Keras, the model loads with a warning and training begins anew.
        let texts = warnings(|| {
            let model = load_model(&changed)?;
            model.train_on_batch(&x, &y).run().map(drop)
        })?;
        fs::remove_file(changed).ok();
        let told = |text: &String| text.contains("numbered 0 to") && text.contains(name);
        assert!(texts.len() == 1 && texts.iter().all(told), "{texts:?}");
    }
    fs::remove_file(path).ok();
    Ok(())
}

fn array(width: usize) -> Literal {
    Literal::full([SAMPLES, width], DType::F32, 0.5)
}
