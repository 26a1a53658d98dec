//! All classes of the program at once: trained, saved, loaded, trained further.

use extending::{
    Epochs, FocalLoss, Halves, InverseRoot, LInfinity, Log, Logging, Mixture, Ramp, SignedMomentum,
    Snake, YesRate,
};
use refrain::layers::{Dense, Layer};
use refrain::ndarray::Array2;
use refrain::{Model, Result, engine, input, load_model};

fn data() -> (Array2<f32>, Array2<f32>) {
    let x = Array2::from_shape_fn((48, 4), |(i, j)| ((i * 31 + j * 17) % 13) as f32 / 13.0);
    let y = Array2::from_shape_fn((48, 1), |(i, _)| (x[[i, 0]] > x[[i, 1]]).into());
    (x, y)
}

fn model() -> Result<Model> {
    let x = input([4]);
    let mixture = Mixture {
        initializer: Ramp::new(0.1).into(),
        regularizer: LInfinity::new(0.02).into(),
    };
    let mixed = mixture.into_layer().name("mixture").call(&x)?;
    let hidden = Dense::new(6)
        .activation(Snake::new(0.5))
        .kernel_initializer(Ramp::new(0.03))
        .kernel_constraint(Halves::new(0.25))
        .call(&mixed)?;
    let y = Dense::new(1)
        .activation(refrain::activations::Activation::Sigmoid)
        .kernel_initializer(Ramp::new(-0.05))
        .call(&hidden)?;
    Model::new(&x, &y)
}

#[test]
fn classes_of_a_program_train_and_stand_in_files() -> Result<()> {
    extending::register();
    let (x, y) = data();
    let model = model()?;
    let optimizer = SignedMomentum::new(InverseRoot::new(0.02)).beta(0.8);
    model
        .compile(optimizer, FocalLoss::new().gamma(1.5))
        .metrics([YesRate::new().threshold(0.4)])
        .run()?;
    assert_eq!(model.metrics_names()?, ["loss", "yes_rate"]);
    let epochs = Epochs::default();
    let fitting = model.fit(&x, &y).epochs(4).batch_size(16).shuffle(false);
    fitting.callback(epochs.clone()).run()?;
    let losses = epochs.losses();
    assert!(losses.len() == 4 && losses[3] < losses[0], "{losses:?}");
    for value in model.weights()[1].value()?.to_f64() {
        assert_eq!(
            (value / 0.25).fract(),
            0.0,
            "{value} is no multiple of 0.25"
        );
    }

    let path = std::env::temp_dir().join(format!("extending-{}.keras", std::process::id()));
    model.save(&path)?;
    let again = load_model(&path)?;
    std::fs::remove_file(&path).ok();
    assert_eq!(again.get_compile_config(), model.get_compile_config());
    let evaluate = |model: &Model| model.evaluate(&x, &y).batch_size(16).run();
    assert_eq!(evaluate(&again)?, evaluate(&model)?);
    // The optimizer's slots and its own number are there too: both go on alike.
    for model in [&model, &again] {
        let fitting = model.fit(&x, &y).batch_size(16).shuffle(false);
        fitting.run()?;
    }
    assert_eq!(evaluate(&again)?, evaluate(&model)?);
    Ok(())
}

#[test]
fn an_engine_of_a_program_runs_models() -> Result<()> {
    extending::register();
    let (x, y) = data();
    let (own, cpu) = (model()?, model()?);
    let log = Log::default();
    engine::register(Logging(log.clone()));
    let train = |model: &Model| -> Result<Vec<f64>> {
        model
            .compile(SignedMomentum::new(0.01), FocalLoss::new())
            .run()?;
        model
            .fit(&x, &y)
            .epochs(2)
            .batch_size(16)
            .shuffle(false)
            .run()?;
        let scores = model.predict(&x).run()?.into_array()?;
        Ok(scores.iter().map(|&v| f64::from(v)).collect())
    };
    let scores = engine::scope("logging", || train(&own))?;
    assert_eq!(log.count("run"), 6);
    assert!(log.count("compile") >= 2 && log.count("run_shared") >= 1);
    assert_eq!(scores, train(&cpu)?);
    Ok(())
}
