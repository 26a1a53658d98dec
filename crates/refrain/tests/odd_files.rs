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
use refrain::saving::LoadOptions;
use refrain::{Model, Result, load_model};
use warned::warnings;

const TOLERANCE: f64 = 1e-5;

/// The unpacked files of one Keras, which go away with it.
struct Files(PathBuf);

impl Files {
    fn of(keras: u32, test: &str) -> Self {
        let name = format!("refrain-odd-files-{test}-{keras}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let zip = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/fixtures/odd_files/keras_{keras}.zip"));
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
            assert!(worst([&loss], [expected]) < TOLERANCE, "{name}: {loss}, {expected}");
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
        for file in ["gan.keras", "gan.h5", "wrapped.keras"] {
            let name = file.split('.').next().unwrap_or_default();
            let model = load_model(files.path(file))?;
            files.assert_predicts(&model, name)?;
            if (keras, name) != (2, "wrapped") {
                files.assert_trains(&model, name)?;
            }
        }
        let model = load_model(files.path("gan.keras"))?;
        let report = model.load_weights(files.path("gan.weights.h5")).run()?;
        assert!(report.is_complete(), "{:?}", report.unused);
        files.assert_predicts(&model, "gan")?;
        files.assert_trains(&model, "gan")?;
    }
    Ok(())
}
