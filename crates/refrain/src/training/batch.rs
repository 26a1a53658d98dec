//! One batch at a time: `train_on_batch`, `test_on_batch`, `predict_on_batch`.

use super::cache::Mode;
use super::compiled::compiled;
use super::fit::{check_classes, fitting};
use super::history::Evaluation;
use super::predict::Predictions;
use super::steps::OneBatch;
use crate::data::{Batch, IntoArrays};
use crate::error::Result;
use crate::models::Model;

/// Builder of [`Model::train_on_batch`]: options, then [`run`](TrainOnBatch::run).
#[must_use = "nothing is trained until `.run()`"]
pub struct TrainOnBatch<'a> {
    model: &'a Model,
    batch: Batch<'a>,
    class_weight: Vec<(i64, f64)>,
}

/// Builder of [`Model::test_on_batch`]: options, then [`run`](TestOnBatch::run).
#[must_use = "nothing is computed until `.run()`"]
pub struct TestOnBatch<'a> {
    model: &'a Model,
    batch: Batch<'a>,
}

impl Model {
    /// One step of training on all the samples given. The report holds running means since
    /// [`reset_metrics`](Model::reset_metrics), as in Keras.
    ///
    /// ```
    /// # use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
    /// # let x = input([2]);
    /// # let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    /// # model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    /// let (x, y) = (ndarray::Array2::<f32>::ones((8, 2)), ndarray::Array2::<f32>::ones((8, 1)));
    /// for _ in 0..3 {
    ///     model.train_on_batch(&x, &y).sample_weight(&ndarray::Array1::<f32>::ones(8)).run()?;
    /// }
    /// model.reset_metrics()?;
    /// let scores = model.test_on_batch(&x, &y).run()?;
    /// assert_eq!(scores.names(), ["loss"]);
    /// assert_eq!(model.predict_on_batch(&x)?.get(0)?.shape(), [8, 1]);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn train_on_batch<'a>(
        &'a self,
        x: impl IntoArrays<'a>,
        y: impl IntoArrays<'a>,
    ) -> TrainOnBatch<'a> {
        TrainOnBatch {
            model: self,
            batch: Batch::new(x, y),
            class_weight: Vec::new(),
        }
    }

    /// Loss and metrics of all the samples given. The report holds running means since
    /// [`reset_metrics`](Model::reset_metrics), as in Keras.
    pub fn test_on_batch<'a>(
        &'a self,
        x: impl IntoArrays<'a>,
        y: impl IntoArrays<'a>,
    ) -> TestOnBatch<'a> {
        TestOnBatch {
            model: self,
            batch: Batch::new(x, y),
        }
    }

    /// The outputs for all the samples given, computed as one batch.
    ///
    /// # Errors
    /// The data do not fit the model.
    pub fn predict_on_batch<'a>(&'a self, x: impl IntoArrays<'a>) -> Result<Predictions> {
        self.predict(x).whole().run()
    }
}

impl<'a> TrainOnBatch<'a> {
    /// The weight of each sample, 1 by default: an array `(samples,)` for all outputs, or one for each.
    pub fn sample_weight(mut self, weights: impl IntoArrays<'a>) -> Self {
        self.batch = self.batch.sample_weight(weights);
        self
    }

    /// The weight of the samples of each class; 1 for classes not named.
    pub fn class_weight(mut self, weights: impl IntoIterator<Item = (i64, f64)>) -> Self {
        self.class_weight = weights.into_iter().collect();
        self
    }

    /// Trains.
    ///
    /// # Errors
    /// The model is not compiled, or the data do not fit it.
    pub fn run(self) -> Result<Evaluation> {
        let compiled = compiled(self.model)?;
        let _only = fitting(self.model, &compiled)?;
        check_classes(self.model, &compiled, &self.class_weight)?;
        let one = OneBatch::new(self.model, &compiled, &self.class_weight);
        one.run(&self.batch, Mode::Train, None)?;
        Evaluation::new(&compiled.train, &compiled.evaluation_order())
    }
}

impl<'a> TestOnBatch<'a> {
    /// The weight of each sample, 1 by default: an array `(samples,)` for all outputs, or one for each.
    pub fn sample_weight(mut self, weights: impl IntoArrays<'a>) -> Self {
        self.batch = self.batch.sample_weight(weights);
        self
    }

    /// Computes.
    ///
    /// # Errors
    /// The model is not compiled, or the data do not fit it.
    pub fn run(self) -> Result<Evaluation> {
        let compiled = compiled(self.model)?;
        let _only = compiled.test_means.take(&compiled.test)?;
        OneBatch::new(self.model, &compiled, &[]).run(&self.batch, Mode::Test, None)?;
        Evaluation::new(&compiled.test, &compiled.evaluation_order())
    }
}
