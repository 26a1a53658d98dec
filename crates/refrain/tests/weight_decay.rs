//! Weights that do not decay.

use ndarray::Array2;
use refrain::layers::Dense;
use refrain::losses::Loss;
use refrain::optimizers::{AdamW, Optimizer, Sgd};
use refrain::{ErrorKind, Model, Result, input};

/// Without a gradient a weight changes only by its decay.
#[test]
fn excluded_weights_do_not_decay() -> Result<()> {
    let (dense, x) = (Dense::new(1), input([4]));
    let model = Model::new(&x, &dense.call(&x)?)?;
    let (zeros, y) = (Array2::<f32>::zeros((8, 4)), Array2::<f32>::zeros((8, 1)));
    let kernel = &dense.weights()[0];
    let decays = |optimizer: Optimizer| -> Result<bool> {
        let before = kernel.value()?.to_f64();
        model.compile(optimizer, Loss::MeanSquaredError).run()?;
        model.fit(&zeros, &y).run()?;
        let mut pairs = before.into_iter().zip(kernel.value()?.to_f64());
        Ok(pairs.any(|(before, after)| (after - before).abs() > 1e-5 * before.abs()))
    };
    assert!(decays(Sgd::new(0.1).weight_decay(0.5).into())?);
    assert!(decays(
        AdamW::new(0.1).exclude_from_weight_decay(["bias"]).into()
    )?);
    let named = AdamW::new(0.1).exclude_from_weight_decay(["kern"]);
    assert!(!decays(named.into())?);
    let single = Sgd::new(0.1).weight_decay(0.5);
    assert!(!decays(single.exclude_from_weight_decay([kernel]).into())?);
    // Ftrl makes weights anew from its sums, with a gradient or without.
    for name in Optimizer::names()
        .into_iter()
        .filter(|name| *name != "Ftrl")
    {
        let config = serde_json::json!({ "class_name": name, "config": { "weight_decay": 0.5 } });
        let mut optimizer = Optimizer::from_config(&config)?;
        optimizer.exclude_from_weight_decay(["kernel"])?;
        assert!(!decays(optimizer.clone())?, "{name}");
        let error = optimizer.exclude_from_weight_decay(["bias"]);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::State);
    }
    Ok(())
}
