//! Files that `ModelCheckpoint` writes while training goes on.

use ndarray::Array2;
use refrain::callbacks::ModelCheckpoint;
use refrain::layers::Dense;
use refrain::losses::Loss;
use refrain::optimizers::Adam;
use refrain::{Model, Result, clone_model, input, load_model};

#[test]
fn models_and_weights_are_written_after_each_epoch() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("refrain-checkpoints-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let x = input([3]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    model
        .compile(Adam::new(0.1), Loss::MeanSquaredError)
        .run()?;
    let data = Array2::from_shape_fn((8, 3), |(i, j)| (i * 3 + j) as f32 * 0.1);
    let target = Array2::from_shape_fn((8, 1), |(i, _)| i as f32);
    let mut models = ModelCheckpoint::new().filepath(folder.join("{epoch:02d}-{loss:.1f}.keras"));
    let mut weights = ModelCheckpoint::new()
        .filepath(folder.join("best.weights.h5"))
        .save_weights_only(true)
        .monitor("loss")
        .save_best_only(true);
    let history = model
        .fit(&data, &target)
        .epochs(3)
        .callback(&mut models)
        .callback(&mut weights)
        .run()?;
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder")
        .map(|e| {
            e.expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    let losses = history.get("loss")?;
    let expected = (0..3).map(|i| format!("{:02}-{:.1}.keras", i + 1, losses[i]));
    let mut expected: Vec<String> = expected.collect();
    expected.push("best.weights.h5".to_owned());
    assert_eq!(names, expected);
    assert!(models.weights().is_none(), "nothing is kept in memory");

    // The last file goes on where the model stands.
    let again = load_model(folder.join(&names[2]))?;
    let next = |model: &Model| -> Result<f64> {
        model.reset_metrics()?;
        Ok(model.train_on_batch(&data, &target).run()?.loss())
    };
    let best = (1..3).fold(0, |best, i| if losses[i] < losses[best] { i } else { best });
    let of_best = load_model(folder.join(&names[best]))?;
    let copy = clone_model(&model)?;
    copy.load_weights(folder.join("best.weights.h5")).run()?;
    assert_eq!(copy.weights()[0].value(), of_best.weights()[0].value());
    assert_eq!(next(&again)?, next(&model)?);
    assert_eq!(next(&again)?, next(&model)?);
    std::fs::remove_dir_all(&folder).ok();
    Ok(())
}
