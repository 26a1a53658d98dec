//! Predictions are those of the weights as they are, however often and from wherever they are made.

use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{Array2, ArrayD};
use refrain::activations::Activation;
use refrain::layers::Dense;
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::{DType, Literal, Model, Result, input};

/// Numbers between -1 and 1 without a pattern.
fn noise(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        ((i * 37 + j * 101) as f32 * 0.618_034).fract() * 2.0 - 1.0
    })
}

fn network() -> Result<Model> {
    let x = input([4]);
    let h = Dense::new(8).activation(Activation::Tanh).call(&x)?;
    Model::new(&x, &Dense::new(1).call(&h)?)
}

/// A program keeps weights in the order in which it reads them; they must be the model's at any time.
#[test]
fn predictions_follow_every_change_of_the_weights() -> Result<()> {
    let model = network()?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    // More sizes of batches than programs that keep weights.
    for rows in [1, 40, 9, 10, 11, 12, 13, 40] {
        let (x, y) = (noise(rows, 4), noise(rows, 1));
        let predict = || model.predict(&x).batch_size(rows).run()?.into_array();
        let first = predict()?;
        assert_eq!(predict()?, first);
        model.fit(&x, &y).run()?;
        let trained = predict()?;
        assert_ne!(trained, first, "{rows} rows");
        model.evaluate(&x, &y).run()?;
        assert_eq!(predict()?, trained, "{rows} rows");
        let weights = model.weights();
        let kernel = &weights[0];
        let old = kernel.value()?;
        kernel.assign(Literal::zeros([4, 8], DType::F32))?;
        assert_ne!(predict()?, trained, "{rows} rows");
        kernel.assign(old)?;
        assert_eq!(predict()?, trained, "{rows} rows");
    }
    Ok(())
}

/// While one thread exchanges weights, what others predict belongs to one state or the other.
#[test]
fn predictions_are_of_one_state_of_a_weight() -> Result<()> {
    let model = network()?;
    let x = noise(16, 4);
    let weights = model.weights();
    let (kernel, old) = (&weights[0], weights[0].value()?);
    let predict = || model.predict_on_batch(&x)?.into_array();
    let mut states: Vec<ArrayD<f32>> = vec![predict()?];
    kernel.assign(Literal::zeros([4, 8], DType::F32))?;
    states.push(predict()?);
    let seen = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let watch = || -> Result<()> {
            while seen.fetch_add(1, Ordering::Relaxed) < 500 {
                assert!(states.contains(&predict()?));
            }
            Ok(())
        };
        let watchers: Vec<_> = (0..3).map(|_| scope.spawn(watch)).collect();
        for i in 0.. {
            let zeros = Literal::zeros([4, 8], DType::F32);
            kernel.assign(if i % 2 == 0 { old.clone() } else { zeros })?;
            if watchers.iter().all(|watcher| watcher.is_finished()) {
                break;
            }
        }
        let ended = watchers.into_iter().map(|w| w.join());
        ended.for_each(|end| assert!(matches!(end, Ok(Ok(()))), "{end:?}"));
        Ok(())
    })
}
