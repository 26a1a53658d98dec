//! Files of Keras 2 and 3 that hold more than a model needs, or name things in a way that is hard to read: they load, predict
//! and train as in Keras. `fixtures/odd_files/make.py` made them.

#[path = "common/warned.rs"]
mod warned;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;
use refrain::data::IntoArrays;
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::saving::{Limits, LoadOptions, inspect};
use refrain::testing::storage;
use refrain::{Literal, Model, Result, load_model};
use warned::warnings;

const TOLERANCE: f64 = 1e-5;

/// The unpacked files of one Keras, which go away with it.
struct Files(PathBuf);

impl Files {
    fn of(keras: u32, test: &str) -> Self {
        Files::unpacked(&format!("keras_{keras}.zip"), test)
    }

    fn unpacked(zip: &str, test: &str) -> Self {
        let name = format!("refrain-odd-files-{test}-{zip}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let zip = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/odd_files")
            .join(zip);
        let zip = fs::File::open(zip).expect("the fixtures");
        let mut zip = zip::ZipArchive::new(zip).expect("a zip archive");
        for i in 0..zip.len() {
            let mut member = zip.by_index(i).expect("a member");
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).expect("its bytes");
            fs::write(folder.join(member.name()), bytes).expect("a file");
        }
        Files(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What Keras computed with a model: the arrays `x0`, `x1`, … or `y0`, ….
    fn numbered(&self, model: &str, prefix: &str) -> Vec<ArrayD<f32>> {
        let array = |i| self.array(&format!("{model}/{prefix}{i}"));
        (0..).map_while(array).collect()
    }

    fn array(&self, name: &str) -> Option<ArrayD<f32>> {
        let file = fs::File::open(self.path("expected.npz")).expect("expected.npz");
        let mut npz = NpzReader::new(file).expect("an npz file");
        npz.by_name::<OwnedRepr<f32>, IxDyn>(&format!("{name}.npy"))
            .ok()
    }

    fn assert_predicts(&self, model: &Model, name: &str) -> Result<()> {
        let inputs = self.numbered(name, "x");
        let inputs: Vec<_> = inputs.iter().collect();
        let expected = self.numbered(name, "y");
        let predicted = model.predict_on_batch(inputs)?.into_arrays();
        assert_eq!(predicted.len(), expected.len(), "{name}");
        for (got, expected) in predicted.iter().zip(&expected) {
            assert!(worst(got, expected) < TOLERANCE, "{name}: {got} {expected}");
        }
        Ok(())
    }

    fn assert_trains(&self, model: &Model, name: &str) -> Result<()> {
        let (inputs, targets) = (self.numbered(name, "x"), self.numbered(name, "t"));
        let losses = self.array(&format!("{name}/losses")).expect("losses");
        for expected in &losses {
            model.reset_metrics()?;
            let inputs: Vec<_> = inputs.iter().collect();
            let targets: Vec<_> = targets.iter().collect();
            let step = model.train_on_batch(inputs, targets.into_arrays());
            let loss = step.run()?.loss() as f32;
            assert!(
                worst([&loss], [expected]) < TOLERANCE,
                "{name}: {loss}, {expected}"
            );
        }
        Ok(())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn worst<'a>(a: impl IntoIterator<Item = &'a f32>, b: impl IntoIterator<Item = &'a f32>) -> f64 {
    let apart = |(a, b): (&f32, &f32)| f64::from((a - b).abs() / b.abs().max(1.0));
    a.into_iter().zip(b).map(apart).fold(0.0, f64::max)
}

#[test]
fn what_nested_models_were_trained_with_is_no_weight() -> Result<()> {
    for keras in [2, 3] {
        let files = Files::of(keras, "nested");
        for file in ["gan.keras", "gan.h5"] {
            let model = load_model(files.path(file))?;
            files.assert_predicts(&model, "gan")?;
            files.assert_trains(&model, "gan")?;
        }
        let wrapped = load_model(files.path("wrapped.keras"))?;
        files.assert_predicts(&wrapped, "wrapped")?;
        let model = load_model(files.path("gan.keras"))?;
        let report = model.load_weights(files.path("gan.weights.h5")).run()?;
        assert!(report.is_complete(), "{:?}", report.unused);
        files.assert_predicts(&model, "gan")?;
        files.assert_trains(&model, "gan")?;
    }
    Ok(())
}

#[test]
fn other_arrays_without_a_variable_are_still_refused() -> Result<()> {
    let files = Files::of(3, "stray");
    let model = load_model(files.path("gan.keras"))?;
    let path = files.path("stray.weights.h5");
    for stray in [
        "layers/functional/layers/optimizer/vars/0",
        "layers/sequential/momentum/vars/0",
        "layers/sequential/layers/dense/optimizer/vars/0",
    ] {
        let bytes = fs::read(files.path("gan.weights.h5")).expect("the weights");
        let mut arrays = storage::read_arrays(bytes, &Limits::new())?;
        arrays.insert(stray.to_owned(), Literal::scalar(1.0f32));
        fs::write(&path, storage::hdf5(&arrays)?).expect("a file");
        let error = model.load_weights(&path).run().unwrap_err().to_string();
        assert!(error.contains(stray), "{error}");
    }
    Ok(())
}

#[test]
fn equal_layers_of_a_legacy_file_are_kept_apart() -> Result<()> {
    let files = Files::of(3, "target");
    let path = files.path("target.h5");
    let (mut apart, mut tied) = (None, None);
    let told = warnings(|| {
        apart = Some(load_model(&path)?);
        Ok(())
    })?;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("2 layers of the file"), "{told:?}");
    assert!(told[0].contains("--share-equal-layers"), "{told:?}");
    let told = warnings(|| {
        tied = Some(LoadOptions::new().share_equal_layers(true).load(&path)?);
        Ok(())
    })?;
    assert_eq!(told, [""; 0]);
    let (apart, tied) = (apart.expect("a model"), tied.expect("a model"));
    assert_eq!(apart.count_params(), 2 * 23);
    assert_eq!(tied.count_params(), 23);
    for model in [&apart, &tied] {
        files.assert_predicts(model, "target")?;
    }
    files.assert_trains(&apart, "target")
}

#[test]
fn layers_that_a_file_names_by_one_identity_are_one() -> Result<()> {
    let files = Files::of(2, "shared");
    let told = warnings(|| {
        let model = load_model(files.path("shared.h5"))?;
        assert_eq!(model.count_params(), 2 * 20);
        files.assert_predicts(&model, "shared")?;
        files.assert_trains(&model, "shared")
    })?;
    assert_eq!(told, [""; 0]);
    Ok(())
}

/// Models that were compiled with what refrain does not have, and what a warning says of it.
const UNKNOWN: [(&str, &str); 3] = [
    ("custom_metric", "gap"),
    ("custom_loss", "gap"),
    ("custom_optimizer", "Slow"),
];

#[test]
fn an_unknown_compilation_is_a_warning_and_is_kept() -> Result<()> {
    for keras in [2, 3] {
        let files = Files::of(keras, "unknown");
        for (name, unknown) in UNKNOWN {
            for end in ["keras", "h5"] {
                let path = files.path(&format!("{name}.{end}"));
                let told = warnings(|| {
                    let model = load_model(&path)?;
                    assert!(!model.is_compiled());
                    files.assert_predicts(&model, name)?;
                    let again = files.path("again.keras");
                    model.save(&again)?;
                    let kept = compilation(&again)?;
                    assert!(!kept["loss"].is_null() && !kept["optimizer"].is_null());
                    let inspection = inspect(&path)?;
                    let error = inspection.not_compiled.expect("an error").to_string();
                    assert!(error.contains(unknown), "{error}");
                    assert!(inspection.error.is_none());
                    Ok(())
                })?;
                // Once: the inspection has it as an error.
                assert_eq!(told.len(), 1, "{path:?}: {told:?}");
                assert!(told[0].contains(unknown), "{path:?}: {told:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn models_with_adagrad_go_on() -> Result<()> {
    for keras in [2, 3] {
        let files = Files::of(keras, "adagrad");
        for end in ["keras", "h5"] {
            let path = files.path(&format!("adagrad.{end}"));
            let told = warnings(|| {
                let model = load_model(&path)?;
                assert!(model.is_compiled());
                files.assert_predicts(&model, "adagrad")
            })?;
            assert_eq!(told, [""; 0], "{path:?}");
        }
    }
    Ok(())
}

/// What an archive says of compiling.
fn compilation(archive: &Path) -> Result<serde_json::Value> {
    let members = storage::read_archive(archive, &Limits::new())?;
    let config = members.iter().find(|(name, _)| name == "config.json");
    let (_, bytes) = config.expect("a configuration");
    Ok(storage::read_json(bytes, &Limits::new())?["compile_config"].take())
}

/// The optimizer's variables in a file.
fn state(path: &Path) -> Result<Vec<(String, Vec<usize>)>> {
    let mut arrays = inspect(path)?.arrays;
    arrays.retain(|(path, _)| path.starts_with("optimizer"));
    Ok(arrays)
}

#[test]
fn an_unknown_compilation_is_written_as_it_was() -> Result<()> {
    let files = Files::of(3, "written");
    for (name, _) in UNKNOWN {
        let (path, again) = (
            files.path(&format!("{name}.keras")),
            files.path("again.keras"),
        );
        let model = load_model(&path)?;
        model.save(&again)?;
        assert_eq!(compilation(&again)?, compilation(&path)?, "{name}");
        assert_eq!(state(&again)?, state(&path)?, "{name}");
        assert_eq!(model.get_compile_config(), serde_json::json!({}));
        model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
        model.save(&again)?;
        assert_eq!(compilation(&again)?["optimizer"]["class_name"], "SGD");
        assert_eq!(state(&again)?.len(), 2);
    }
    Ok(())
}

#[test]
fn training_an_uncompiled_model_says_why_it_is() -> Result<()> {
    let files = Files::of(3, "why");
    let model = load_model(files.path("custom_loss.keras"))?;
    let inputs = files.numbered("custom_loss", "x");
    let x: Vec<_> = inputs.iter().collect();
    let error = model.train_on_batch(x.clone(), x.into_arrays()).run();
    let error = error.unwrap_err().to_string();
    assert!(error.contains("has not been compiled"), "{error}");
    assert!(error.contains("gap"), "{error}");
    Ok(())
}

/// Optimizers in each of their states, and whether Keras 3 has them.
const OPTIMIZERS: [(&str, bool); 9] = [
    ("rmsprop", true),
    ("rmsprop_centered", true),
    ("adam_amsgrad", true),
    ("adamw", true),
    ("sgd", true),
    ("sgd_momentum", true),
    ("nadam", true),
    ("rmsprop_old", false),
    ("sgd_old", false),
];

#[test]
fn optimizers_go_on_where_they_stopped() -> Result<()> {
    for keras in [2, 3] {
        let files = Files::of(keras, "optimizers");
        for (name, in_keras_3) in OPTIMIZERS {
            let ends: &[&str] = match (in_keras_3, keras) {
                (true, _) => &["keras", "h5"],
                (false, 2) => &["h5"],
                _ => &[],
            };
            for end in ends {
                let told = warnings(|| {
                    let model = load_model(files.path(&format!("{name}.{end}")))?;
                    files.assert_predicts(&model, name)?;
                    files.assert_trains(&model, name)
                })?;
                assert_eq!(told, [""; 0], "{keras} {name}.{end}");
            }
        }
    }
    Ok(())
}

#[test]
fn slashes_in_names_are_read_and_not_written() -> Result<()> {
    let files = Files::of(2, "slashes");
    for file in ["slashes.keras", "slashes.h5"] {
        let model = load_model(files.path(file))?;
        files.assert_predicts(&model, "slashes")?;
        let bn = model.get_layer("conv1/bn")?;
        assert_eq!(bn.class_name(), "BatchNormalization");
        for end in ["keras", "h5", "safetensors"] {
            let path = files.path(&format!("again.{end}"));
            let told = warnings(|| model.save(&path))?;
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].contains("slash"), "{told:?}");
            let again = load_model(&path)?;
            let weights = |path: &Path| -> Result<Vec<String>> {
                let file = LoadOptions::new().open(path)?;
                let weights = file.weights();
                Ok(weights.iter().map(ToString::to_string).collect())
            };
            assert_eq!(weights(&path)?, weights(&files.path(file))?);
            let names: Vec<String> = again
                .layers()
                .iter()
                .map(|l| l.get_name().to_owned())
                .collect();
            assert!(names.iter().all(|name| !name.contains('/')), "{names:?}");
            // The name without its slash is that of another layer.
            let bn = again.get_layer("conv1_bn_1")?;
            assert_eq!(bn.class_name(), "BatchNormalization");
            assert_eq!(again.get_layer("conv1_bn")?.class_name(), "Activation");
            files.assert_predicts(&again, "slashes")?;
            if end != "safetensors" {
                files.assert_trains(&again, "slashes")?;
            }
        }
        let path = files.path("again.weights.h5");
        model.save_weights(&path)?;
        assert!(model.load_weights(&path).run()?.is_complete());
        files.assert_trains(&model, "slashes")?;
    }
    Ok(())
}

#[test]
fn many_names_outside_of_ascii_are_read() -> Result<()> {
    let files = Files::of(3, "umlauts");
    for file in ["umlauts.h5", "umlauts.keras"] {
        let model = load_model(files.path(file))?;
        assert_eq!(model.get_layer("größe_11")?.count_params(), 12);
        files.assert_predicts(&model, "umlauts")?;
    }
    Ok(())
}

/// A layer is stored at the first place that Keras comes to; what stands elsewhere is that layer, whatever else is described
/// alike.
#[test]
fn layers_of_several_models_are_those_that_the_file_proves() -> Result<()> {
    let files = Files::unpacked("shared.zip", "shared");
    for (name, weights) in [
        ("two_of_three.keras", 4),
        ("outside_and_inside.keras", 4),
        ("models_two_of_three.keras", 4),
        ("partly.keras", 4),
        ("wrapped.keras", 4),
        ("synchronised.keras", 4),
    ] {
        let model = load_model(files.path(name))?;
        assert_eq!(model.weights().len(), weights, "{name}");
        files.assert_predicts(&model, name)?;
        for again in ["again.keras", "again.safetensors"] {
            model.save(files.path(again))?;
            let again = load_model(files.path(again))?;
            assert_eq!(again.weights().len(), weights, "{name}");
            files.assert_predicts(&again, name)?;
        }
        files.assert_trains(&model, name)?;
    }
    for name in ["either.keras", "other_inside.keras"] {
        let error = load_model(files.path(name)).expect_err("two layers fit");
        let text = error.to_string();
        assert!(text.contains("nothing is stored of layer `d`"), "{text}");
    }
    Ok(())
}

#[test]
fn a_user_block_may_hold_anything() -> Result<()> {
    let files = Files::of(3, "user_block");
    for (size, first) in [(512, &b"{}"[..]), (4096, b"notes"), (1024, b"")] {
        let mut bytes = first.to_vec();
        bytes.resize(size, 0);
        bytes.extend(fs::read(files.path("adamw.h5")).expect("a file"));
        fs::write(files.path("block.h5"), bytes).expect("a file");
        files.assert_predicts(&load_model(files.path("block.h5"))?, "adamw")?;
    }
    Ok(())
}
