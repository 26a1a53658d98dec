//! Files that `ModelCheckpoint` writes while training goes on.

use ndarray::Array2;
use refrain::callbacks::{LambdaCallback, ModelCheckpoint};
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
    assert_eq!(copy.weights()[0].value()?, of_best.weights()[0].value()?);
    assert_eq!(next(&again)?, next(&model)?);
    assert_eq!(next(&again)?, next(&model)?);
    std::fs::remove_dir_all(&folder).ok();
    Ok(())
}

fn line() -> Result<Model> {
    let x = input([3]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    model
        .compile(Adam::new(0.1), Loss::MeanSquaredError)
        .run()?;
    Ok(model)
}

#[test]
fn folders_that_are_missing_are_made() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("refrain-folders-{}", std::process::id()));
    let (x, y) = (Array2::<f32>::ones((8, 3)), Array2::<f32>::ones((8, 1)));
    let model = line()?;
    for path in ["runs/first/m.keras", "epoch-{epoch}/m.keras"] {
        let checkpoint = ModelCheckpoint::new().filepath(folder.join(path));
        model.fit(&x, &y).epochs(2).callback(checkpoint).run()?;
    }
    for path in ["runs/first", "epoch-1", "epoch-2"] {
        load_model(folder.join(path).join("m.keras"))?;
    }
    std::fs::remove_dir_all(&folder).ok();
    Ok(())
}

#[test]
fn a_path_that_cannot_be_is_refused_before_the_first_step() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("refrain-no-folder-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("file"), "").expect("a file");
    let (x, y) = (Array2::<f32>::ones((8, 3)), Array2::<f32>::ones((8, 1)));
    let model = line()?;
    let mut steps = 0;
    for path in [
        folder.join("file/m.keras"),
        folder.join("file/runs/m.keras"),
    ] {
        let count = LambdaCallback::new().on_train_batch_begin(|_, _| {
            steps += 1;
            Ok(())
        });
        let checkpoint = ModelCheckpoint::new().filepath(&path);
        let error = model.fit(&x, &y).callback(count).callback(checkpoint).run();
        let text = error.expect_err("a file is no folder").to_string();
        assert!(text.contains(&path.display().to_string()), "{text}");
    }
    assert_eq!(steps, 0);
    std::fs::remove_dir_all(&folder).ok();
    Ok(())
}
