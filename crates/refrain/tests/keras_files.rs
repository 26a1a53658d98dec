//! Files that Keras wrote, from version 2.4 to 3.15: the same predictions, and training that goes on as it did there.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;
use refrain::Model;
use refrain::data::IntoArrays;
use refrain::saving::LoadOptions;

const TOLERANCE: f64 = 1e-5;
const TRAINING_TOLERANCE: f64 = 1e-4;

/// Keras 2.13 wrote the calls of a nested model's layer as those of the outer model's: no reader can tell what it was.
const CORRUPT: &str = "2.13.1/nested.keras";

/// Keras 3.0.0 leaves the layers' names out of the names of weights, so that nothing shows that the nested model's layer is
/// the outer one's: as in Keras, they are two from then on.
const UNSHARED: &str = "3.0.0-nested.h5";

/// Keras 3.15 writes the layer that the nested model shares with the outer one twice; only its reader knows that it is one.
const SHARED: &str = "3.15.1-nested.h5";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keras")
}

/// What Keras computed with the models of one version.
struct Expected(NpzReader<fs::File>);

impl Expected {
    fn of(version: &Path) -> Self {
        let file = fs::File::open(version.join("expected.npz")).expect("expected.npz");
        Expected(NpzReader::new(file).expect("an npz file"))
    }

    fn array(&mut self, name: &str) -> Option<ArrayD<f32>> {
        let name = format!("{name}.npy");
        if let Ok(array) = self.0.by_name::<OwnedRepr<f32>, IxDyn>(&name) {
            return Some(array);
        }
        if let Ok(array) = self.0.by_name::<OwnedRepr<f64>, IxDyn>(&name) {
            return Some(array.mapv(|v| v as f32));
        }
        let array = self.0.by_name::<OwnedRepr<i32>, IxDyn>(&name).ok()?;
        Some(array.mapv(|v| v as f32))
    }

    fn numbered(&mut self, prefix: &str) -> Vec<ArrayD<f32>> {
        (0..)
            .map_while(|i| self.array(&format!("{prefix}{i}")))
            .collect()
    }
}

fn worst<'a>(a: impl IntoIterator<Item = &'a f32>, b: impl IntoIterator<Item = &'a f32>) -> f64 {
    let apart = |(a, b): (&f32, &f32)| f64::from((a - b).abs() / b.abs().max(1.0));
    a.into_iter().zip(b).map(apart).fold(0.0, f64::max)
}

/// Predictions and further training of a model against what Keras computed.
fn check(model: &Model, name: &str, expected: &mut Expected) -> Result<(), String> {
    let text = |e: refrain::Error| e.to_string();
    let inputs = expected.numbered(&format!("{name}/x"));
    let outputs = expected.numbered(&format!("{name}/y"));
    assert!(!inputs.is_empty() && !outputs.is_empty(), "{name}: no data");
    let arrays: Vec<_> = inputs.iter().collect();
    let predicted = model
        .predict_on_batch(arrays.clone())
        .map_err(text)?
        .into_arrays();
    assert_eq!(predicted.len(), outputs.len(), "{name}");
    for (got, expected) in predicted.iter().zip(&outputs) {
        assert_eq!(got.shape(), expected.shape(), "{name}");
        let apart = worst(got, expected);
        if apart > TOLERANCE {
            return Err(format!("predictions are off by {apart}"));
        }
    }
    let targets = expected.numbered(&format!("{name}/t"));
    let Some(losses) = expected.array(&format!("{name}/losses")) else {
        return Ok(());
    };
    if !model.is_compiled() {
        return Ok(());
    }
    for (step, loss) in losses.iter().enumerate() {
        model.reset_metrics().map_err(text)?;
        let targets: Vec<_> = targets.iter().collect();
        let run = model.train_on_batch(arrays.clone(), targets.into_arrays());
        let got = run.run().map_err(text)?.loss() as f32;
        let apart = worst([&got], [loss]);
        if apart > TRAINING_TOLERANCE {
            return Err(format!("step {step}: loss {got} instead of {loss}"));
        }
    }
    Ok(())
}

/// What is wrong with a file, if something is.
fn check_file(path: &Path, name: &str, expected: &mut Expected) -> Option<String> {
    let compile = !path.ends_with(UNSHARED);
    let options = LoadOptions::new().compile(compile);
    let options = options.share_equal_layers(path.ends_with(SHARED));
    let model = options.load(path);
    let model = model.map_err(|e| e.to_string());
    if path.ends_with(CORRUPT) {
        let error = model.err().unwrap_or_default();
        let told = error.contains("which it does not have");
        return (!told).then(|| format!("{CORRUPT} is not refused: {error}"));
    }
    let result = model.and_then(|model| check(&model, name, expected));
    result.err().map(|e| format!("{}: {e}", path.display()))
}

fn versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(fixtures()).expect("the fixtures");
    let mut versions: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    versions.retain(|path| path.is_dir());
    versions.sort();
    versions
}

#[test]
fn archives_of_all_versions_predict_and_train_as_there() {
    let mut checked = 0;
    let mut failed = Vec::new();
    for version in versions() {
        let mut expected = Expected::of(&version);
        for entry in fs::read_dir(&version).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|e| e != "keras") {
                continue;
            }
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            failed.extend(check_file(&path, &name, &mut expected));
            checked += 1;
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(checked > 70, "only {checked} archives");
}

#[test]
fn legacy_files_of_all_versions_predict_and_train_as_there() {
    let folder = std::env::temp_dir().join(format!("refrain-legacy-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let mut checked = 0;
    let mut failed = Vec::new();
    for version in versions() {
        let Ok(zip) = fs::File::open(version.join("legacy.zip")) else {
            continue;
        };
        let mut expected = Expected::of(&version);
        let mut zip = zip::ZipArchive::new(zip).expect("a zip archive");
        for i in 0..zip.len() {
            let mut member = zip.by_index(i).expect("a member");
            let file = member.name().to_owned();
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).expect("its bytes");
            let version = version.file_name().unwrap_or_default().to_string_lossy();
            let path = folder.join(format!("{version}-{file}"));
            fs::write(&path, bytes).expect("a file");
            let name = file.split('.').next().unwrap_or_default();
            let name = name.trim_end_matches("_is_hdf5");
            failed.extend(check_file(&path, name, &mut expected));
            checked += 1;
        }
    }
    fs::remove_dir_all(&folder).ok();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(checked > 30, "only {checked} files");
}
