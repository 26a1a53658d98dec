//! Muon.

use regex_lite::{Regex, RegexBuilder};

use super::{Adam, Optimizer, OptimizerClass, Slot, Update, check_betas};
use crate::config::short;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, sum_all};
use crate::options;
use crate::tensor::Tensor;
use crate::utils::sizes;
use crate::variable::Variable;

options! {
    /// Orthogonalized momentum for matrices (Jordan et al., 2024), AdamW for all other weights.
    ///
    /// Weights of two axes are matrices, but those of embeddings and of layers that `exclude_layers` names.
    ///
    /// ```
    /// use refrain::optimizers::Muon;
    /// let optimizer = Muon::new(1e-3).exclude_layers(["^logits/".to_owned()]).ns_steps(6_usize);
    /// ```
    ///
    /// Source: `keras/src/optimizers/muon.py`.
    pub struct Muon: Optimizer(weight_decay = 0.004) {
        /// AdamW's exponential decay rate of the first-moment estimates.
        adam_beta_1: f64 = 0.9,
        /// AdamW's exponential decay rate of the second-moment estimates.
        adam_beta_2: f64 = 0.999,
        /// AdamW's term that keeps the division finite.
        epsilon: f64 = 1e-7,
        /// Regular expressions, at most 256; weights in whose paths one is found are AdamW's.
        exclude_layers: Vec<String> = Vec::new(),
        /// First coefficient of the Newton-Schulz iteration.
        muon_a: f64 = 3.4445,
        /// Second coefficient of the Newton-Schulz iteration.
        muon_b: f64 = -4.775,
        /// Third coefficient of the Newton-Schulz iteration.
        muon_c: f64 = 2.0315,
        /// AdamW's learning rate divided by Muon's.
        adam_lr_ratio: f64 = 1.0,
        /// Momentum of the gradients of matrices.
        momentum: f64 = 0.95,
        /// Steps of the Newton-Schulz iteration.
        ns_steps: usize = 5,
        /// Whether momentum is Nesterov's.
        nesterov: bool = true,
        /// Whether weights with `embedding` in their paths are AdamW's.
        exclude_embeddings: bool = true,
        /// AdamW's weight decay; `weight_decay` is that of matrices.
        adam_weight_decay: Option<f64> = Some(0.004),
        /// Factor of a step beside the root of the longer side, which makes it as large as AdamW's; none leaves steps as they are.
        rms_rate: Option<f64> = Some(0.2),
    }
}

/// Most patterns that weights are looked up in, one by one.
const MOST_PATTERNS: usize = 256;

/// Bytes of all patterns once they are compiled, which the time of a search is proportional to.
const LARGEST_PATTERNS: usize = 1 << 20;

impl Muon {
    fn patterns(&self) -> Result<Vec<Regex>> {
        let count = self.exclude_layers.len();
        if count > MOST_PATTERNS {
            let expected =
                format!("at most {MOST_PATTERNS} regular expressions in `exclude_layers`");
            return Err(
                Error::mismatch(ErrorKind::Config, expected, count.to_string())
                    .hint("Join some by `|`"),
            );
        }
        let compile = |text: &String| {
            let pattern = RegexBuilder::new(text)
                .size_limit(LARGEST_PATTERNS / count)
                .build();
            pattern.map_err(|_| {
                let expected = "regular expressions in `exclude_layers`";
                Error::mismatch(ErrorKind::Config, expected, format!("`{}`", short(text))).hint(
                    "Look-around and back-references are not there, and large counts are refused",
                )
            })
        };
        self.exclude_layers.iter().map(compile).collect()
    }

    /// Whether a weight is none of those that are orthogonalized.
    fn is_adams(&self, weight: &Variable) -> bool {
        let path = weight.path();
        let is_embedding = || path.to_lowercase().contains("embedding");
        let found = |pattern: &Regex| pattern.is_match(path);
        weight.shape().len() != 2
            || self.exclude_embeddings && is_embedding()
            || self.patterns().is_ok_and(|all| all.iter().any(found))
    }

    fn adam(&self) -> Adam {
        let adam = Adam::default().beta_1(self.adam_beta_1);
        adam.beta_2(self.adam_beta_2).epsilon(self.epsilon)
    }

    /// The nearest matrix of orthogonal rows or columns, about: Newton and Schulz's iteration of fifth order.
    fn orthogonalized(&self, x: &Tensor) -> Tensor {
        let turned = |x: &Tensor| ops::transpose(x, None);
        let mut x = x / (sum_all(&x.square()).sqrt() + 1e-7);
        for _ in 0..self.ns_steps {
            let a = ops::matmul(&x, &turned(&x));
            let b = &a * self.muon_b + ops::matmul(&(&a * self.muon_c), &a);
            x = &x * self.muon_a + ops::matmul(&b, &x);
        }
        x
    }
}

impl OptimizerClass for Muon {
    fn slots(&self, weight: &Variable) -> Vec<Vec<Slot>> {
        let mut slots = vec![Slot::new("momentum")];
        if self.is_adams(weight) {
            slots.push(Slot::new("velocity"));
        }
        vec![slots]
    }

    fn weight_decay(&self, weight: &Variable) -> Option<f64> {
        match self.is_adams(weight) {
            true => self.adam_weight_decay,
            false => self.base.weight_decay,
        }
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        // Kept for AdamW's weights alone.
        if cx.slot("velocity").is_ok() {
            cx.learning_rate = cx.learning_rate() * self.adam_lr_ratio;
            return self.adam().update(cx, gradient, weight);
        }
        let m = cx.slot("momentum")? * self.momentum + gradient;
        cx.set_slot("momentum", m.clone())?;
        let direction = match self.nesterov {
            true => gradient + m * self.momentum,
            false => m,
        };
        let shape = cx.weight().shape();
        let step = match shape[0] > shape[1] {
            true => ops::transpose(self.orthogonalized(&ops::transpose(direction, None)), None),
            false => self.orthogonalized(&direction),
        };
        let longer = shape[0].max(shape[1]) as f64;
        let scale = self.rms_rate.map_or(1.0, |rate| longer.sqrt() * rate);
        Ok(weight - step * cx.learning_rate() * scale)
    }

    fn validate(&self) -> Result<()> {
        sizes::check_iterations("ns_steps", self.ns_steps)?;
        check_betas(&[
            ("adam_beta_1", self.adam_beta_1),
            ("adam_beta_2", self.adam_beta_2),
        ])?;
        self.patterns().map(drop)
    }
}
