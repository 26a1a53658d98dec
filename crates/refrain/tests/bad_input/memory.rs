//! What no machine has memory for: an error before anything is allocated.

use ndarray::{Array2, Array3};
use refrain::layers::{Dense, Interpolation, UpSampling1D, UpSampling2D};
use refrain::losses::Loss;
use refrain::metrics::MeanIoU;
use refrain::optimizers::Sgd;
use refrain::{
    DType, Error, ErrorKind, Model, Result, clear_session, engine, input, model_from_json, ops,
};

#[track_caller]
fn beyond_memory<T>(result: Result<T>, parts: &[&str]) {
    let error: Error = result.err().expect("no memory");
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn weights_constants_and_files() -> Result<()> {
    const WIDE: usize = 10_000_000;
    clear_session();
    let x = input([WIDE]);
    let parts = ["layer `dense` (Dense)", "a weight", "400000.0 GB of memory"];
    beyond_memory(Dense::new(WIDE).call(&x), &parts);
    beyond_memory(
        ops::zeros([WIDE, WIDE], DType::F32).check(),
        &["a constant"],
    );
    let image = input([10, 10, 3]);
    let larger = UpSampling2D::new([100_000, 100_000])
        .interpolation(Interpolation::Bicubic)
        .call(&image);
    beyond_memory(larger, &["(UpSampling2D)", "an image", "Make it smaller"]);
    let x = input([4]);
    let small = Model::new(&x, &Dense::new(77).call(&x)?)?.to_json();
    let large = small.replace("77", "100000000000000");
    // Of a file, no more than its size allows.
    let error = model_from_json(&large).expect_err("too large").to_string();
    assert!(
        error.contains("(Dense)") && error.contains("as the file allows"),
        "{error}"
    );
    Ok(())
}

/// A model of four bytes for each input, a million times.
fn repeating() -> Result<Model> {
    let x = input([None, Some(1)]);
    Model::new(&x, &UpSampling1D::new(1_000_000).name("up").call(&x)?)
}

#[test]
fn runs_of_large_batches() -> Result<()> {
    let (model, x) = (repeating()?, Array3::<f32>::ones((10_000, 1000, 1)));
    let parts = [
        "memory for a run: ",
        " GB of memory",
        "layer `up` (UpSampling1D)",
        "Use a smaller `batch_size`",
    ];
    for name in ["cpu", "interpreter"] {
        let whole = || model.predict(&x).batch_size(10_000).run();
        beyond_memory(engine::scope(name, whole), &parts);
    }
    assert!(model.predict(&x).batch_size(10_000).plan().is_ok());
    let few = Array3::<f32>::ones((2, 3, 1));
    assert_eq!(model.predict(&few).run()?.get(0)?.len(), 6_000_000);
    Ok(())
}

#[test]
fn predictions_of_all_batches_together() -> Result<()> {
    let x = Array3::<f32>::ones((1_000_000, 10, 1));
    let predicted = repeating()?.predict(&x).batch_size(1).run();
    beyond_memory(predicted, &["predictions", "`predict_batches`"]);
    Ok(())
}

#[test]
fn a_matrix_of_too_many_classes_is_an_error() -> Result<()> {
    let x = input([4]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    for classes in [1 << 22, 100_000_000_000usize, usize::MAX] {
        let compiling = model.compile(Sgd::new(0.1), Loss::MeanSquaredError);
        let compiled = compiling.metrics([MeanIoU::new(classes)]).run();
        let (samples, targets) = (Array2::<f32>::zeros((1, 4)), Array2::<f32>::zeros((1, 1)));
        let run = || model.train_on_batch(&samples, &targets).run();
        let error = compiled.and_then(|()| run().map(drop));
        assert!(error.is_err(), "{classes}");
    }
    Ok(())
}
