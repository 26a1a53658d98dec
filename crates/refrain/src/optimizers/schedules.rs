//! Learning rates that change with the steps.

use std::f64::consts::PI;

use refrain_graph::{Comparison, DType};
use serde_json::{Value as Json, json};

use crate::error::{Error, ErrorKind, Result};
use crate::objects::own::refuse_own;
use crate::ops::{self, prim};
use crate::tensor::Tensor;

/// A learning rate that changes with the steps; the first step is step 0. Made from one of the schedules of this module.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// See [`ExponentialDecay`].
    Exponential(ExponentialDecay),
    /// See [`CosineDecay`].
    Cosine(CosineDecay),
    /// See [`PiecewiseConstantDecay`].
    PiecewiseConstant(PiecewiseConstantDecay),
    /// See [`PolynomialDecay`].
    Polynomial(PolynomialDecay),
    /// See [`InverseTimeDecay`].
    InverseTime(InverseTimeDecay),
}

/// Declares a schedule: its options, a constructor with those that must be given, setters for the others.
macro_rules! schedule {
    (
        $(#[$meta:meta])*
        $name:ident, $variant:ident
        ($($need:ident: $need_ty:ty, $need_doc:literal),*)
        {$($field:ident: $ty:ty = $default:expr, $doc:literal;)*}
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $($need: $need_ty,)* $($field: $ty,)* }

        impl $name {
            #[doc = concat!("With ", $($need_doc, ", ",)* "and Keras's defaults.")]
            pub fn new($($need: impl Into<$need_ty>),*) -> Self {
                $name { $($need: $need.into(),)* $($field: $default,)* }
            }

            $(
                #[doc = $doc]
                pub fn $field(mut self, $field: $ty) -> Self {
                    self.$field = $field;
                    self
                }
            )*

            fn to_json(&self) -> Json {
                json!({ "name": keras_name(stringify!($name)), $(stringify!($need): self.$need,)* $(stringify!($field): self.$field),* })
            }

            fn from_json(config: &Json) -> Result<Self> {
                Ok($name {
                    $($need: read(config, stringify!($need))?,)*
                    $($field: match config.get(stringify!($field)) {
                        None => $default,
                        Some(_) => read(config, stringify!($field))?,
                    },)*
                })
            }
        }

        impl From<$name> for Schedule {
            fn from(schedule: $name) -> Self {
                Schedule::$variant(schedule)
            }
        }
    };
}

fn read<T: crate::layers::ConfigValue>(config: &Json, key: &str) -> Result<T> {
    T::from_json(&config[key])
}

schedule! {
    /// `rate · decay_rate ^ (step / decay_steps)`.
    ///
    /// ```
    /// use refrain::optimizers::{Adam, ExponentialDecay};
    /// let adam = Adam::new(ExponentialDecay::new(1e-2, 1000.0, 0.9).staircase(true));
    /// ```
    ExponentialDecay, Exponential (
        initial_learning_rate: f64, "the first rate", decay_steps: f64, "steps of one decay", decay_rate: f64, "its factor"
    ) { staircase: bool = false, "Whether the exponent is rounded down."; }
}

schedule! {
    /// Half a cosine from the first rate to `alpha` times it, perhaps after a linear warm-up (Loshchilov and Hutter, 2016).
    CosineDecay, Cosine (
        initial_learning_rate: f64, "the first rate", decay_steps: f64, "steps of the decay"
    ) {
        alpha: f64 = 0.0, "The last rate as a fraction of the first.";
        warmup_target: Option<f64> = None, "The rate at the end of the warm-up.";
        warmup_steps: f64 = 0.0, "Steps of the warm-up.";
    }
}

schedule! {
    /// One rate up to and including each boundary, another after the last.
    PiecewiseConstantDecay, PiecewiseConstant (
        boundaries: Vec<f64>, "the last step of each rate but the last", values: Vec<f64>, "the rates"
    ) {}
}

schedule! {
    /// From the first rate to the last along a power of the remaining fraction of the steps.
    PolynomialDecay, Polynomial (
        initial_learning_rate: f64, "the first rate", decay_steps: f64, "steps of the decay"
    ) {
        end_learning_rate: f64 = 0.0001, "The last rate.";
        power: f64 = 1.0, "The power; 1 is a straight line.";
        cycle: bool = false, "Whether the decay begins anew over a longer stretch when it has ended.";
    }
}

schedule! {
    /// `rate / (1 + decay_rate · step / decay_steps)`.
    InverseTimeDecay, InverseTime (
        initial_learning_rate: f64, "the first rate", decay_steps: f64, "steps of one decay", decay_rate: f64, "its strength"
    ) { staircase: bool = false, "Whether the quotient is rounded down."; }
}

/// The name that Keras gives a schedule of a class.
fn keras_name(class: &str) -> &str {
    match class {
        "PiecewiseConstantDecay" => "PiecewiseConstant",
        class => class,
    }
}

impl Schedule {
    fn decay_steps(&self) -> Option<f64> {
        match self {
            Schedule::Exponential(s) => Some(s.decay_steps),
            Schedule::Cosine(s) => Some(s.decay_steps),
            Schedule::Polynomial(s) => Some(s.decay_steps),
            Schedule::InverseTime(s) => Some(s.decay_steps),
            Schedule::PiecewiseConstant(_) => None,
        }
    }

    /// Refuses options that make no sense, as compiling does.
    ///
    /// ```
    /// use refrain::optimizers::{CosineDecay, Schedule};
    /// assert!(Schedule::from(CosineDecay::new(0.1, 1000.0)).validate().is_ok());
    /// assert!(Schedule::from(CosineDecay::new(0.1, 0.0)).validate().is_err());
    /// ```
    ///
    /// # Errors
    /// The steps of a decay are not positive, or rates and boundaries do not fit.
    pub fn validate(&self) -> Result<()> {
        if let Some(steps) = self.decay_steps().filter(|s| s.is_nan() || *s <= 0.0) {
            let expected = "a positive number of decay_steps";
            return Err(Error::mismatch(
                ErrorKind::Config,
                expected,
                steps.to_string(),
            ));
        }
        if let Schedule::PiecewiseConstant(s) = self
            && s.values.len() != s.boundaries.len() + 1
        {
            let expected = format!(
                "{} rates for {} boundaries",
                s.boundaries.len() + 1,
                s.boundaries.len()
            );
            return Err(Error::mismatch(
                ErrorKind::Config,
                expected,
                s.values.len().to_string(),
            ));
        }
        Ok(())
    }

    /// The rate after a number of steps (i32), as f32.
    pub(crate) fn rate(&self, step: &Tensor) -> Result<Tensor> {
        let step = prim::convert(step, DType::F32)?;
        let rate = match self {
            Schedule::Exponential(s) => {
                let p = quotient(&step, s.decay_steps, s.staircase);
                ops::power(s.decay_rate, p) * s.initial_learning_rate
            }
            Schedule::InverseTime(s) => {
                let p = quotient(&step, s.decay_steps, s.staircase);
                ops::divide(s.initial_learning_rate, p * s.decay_rate + 1.0)
            }
            Schedule::Cosine(s) => s.rate(&step)?,
            Schedule::Polynomial(s) => s.rate(&step)?,
            Schedule::PiecewiseConstant(s) => s.rate(&step)?,
        };
        rate.check()?;
        Ok(rate)
    }

    /// Keras's configuration.
    pub fn to_config(&self) -> Json {
        let (class, config) = match self {
            Schedule::Exponential(s) => ("ExponentialDecay", s.to_json()),
            Schedule::Cosine(s) => ("CosineDecay", s.to_json()),
            Schedule::PiecewiseConstant(s) => ("PiecewiseConstantDecay", s.to_json()),
            Schedule::Polynomial(s) => ("PolynomialDecay", s.to_json()),
            Schedule::InverseTime(s) => ("InverseTimeDecay", s.to_json()),
        };
        json!({
            "module": "keras.optimizers.schedules", "class_name": class, "config": config, "registered_name": null,
        })
    }

    /// From Keras's configuration.
    ///
    /// # Errors
    /// It is not one of a schedule that refrain has.
    pub fn from_config(json: &Json) -> Result<Self> {
        refuse_own(json)?;
        let config = &json["config"];
        Ok(match json["class_name"].as_str().unwrap_or_default() {
            "ExponentialDecay" => ExponentialDecay::from_json(config)?.into(),
            "CosineDecay" => CosineDecay::from_json(config)?.into(),
            "PiecewiseConstantDecay" => PiecewiseConstantDecay::from_json(config)?.into(),
            "PolynomialDecay" => PolynomialDecay::from_json(config)?.into(),
            "InverseTimeDecay" => InverseTimeDecay::from_json(config)?.into(),
            _ => return Err(crate::layers::unexpected("a learning-rate schedule", json)),
        })
    }
}

fn quotient(step: &Tensor, decay_steps: f64, staircase: bool) -> Tensor {
    let p = step / decay_steps;
    match staircase {
        true => p.floor(),
        false => p,
    }
}

impl CosineDecay {
    fn decayed(&self, step: &Tensor, from: f64) -> Tensor {
        let cosine = ((step / self.decay_steps) * PI).cos();
        ((cosine + 1.0) * (0.5 * (1.0 - self.alpha)) + self.alpha) * from
    }

    fn rate(&self, step: &Tensor) -> Result<Tensor> {
        let Some(target) = self.warmup_target else {
            let step = ops::minimum(step, self.decay_steps);
            return Ok(self.decayed(&step, self.initial_learning_rate));
        };
        let step = ops::minimum(step, self.decay_steps + self.warmup_steps);
        let decayed = self.decayed(&(&step - self.warmup_steps), target);
        // Without warm-up steps the quotient is not used.
        let fraction = &step / self.warmup_steps.max(1.0);
        let first = self.initial_learning_rate;
        let warming = fraction * (target - first) + first;
        let is_warming = ops::less(&step, self.warmup_steps);
        is_warming.check()?;
        prim::select(&is_warming, &warming, &decayed)
    }
}

impl PolynomialDecay {
    fn rate(&self, step: &Tensor) -> Result<Tensor> {
        let p = if self.cycle {
            let cycles = ops::maximum((step / self.decay_steps).ceil(), 1.0);
            step / (cycles * self.decay_steps)
        } else {
            ops::minimum(step, self.decay_steps) / self.decay_steps
        };
        let remaining = ops::power(ops::subtract(1.0, p), self.power);
        Ok(
            remaining * (self.initial_learning_rate - self.end_learning_rate)
                + self.end_learning_rate,
        )
    }
}

impl PiecewiseConstantDecay {
    fn rate(&self, step: &Tensor) -> Result<Tensor> {
        let last = self.values.last().copied().unwrap_or(0.0);
        let mut rate = prim::constant_like(step, last)?;
        for (&boundary, &value) in self.boundaries.iter().zip(&self.values).rev() {
            let within =
                prim::compare(Comparison::Le, step, &prim::constant_like(step, boundary)?)?;
            rate = prim::select(&within, &prim::constant_like(step, value)?, &rate)?;
        }
        Ok(rate)
    }
}
