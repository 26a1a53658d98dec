//! One step of an optimizer as part of a program.

use refrain_graph::{BinaryOp, Comparison, DType};

use super::state::{ACCUMULATOR, AVERAGE};
use super::update::{Named, scalar_type};
use super::{LearningRate, Optimizer, OptimizerState, Update, Updates};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, prim, sum_all};
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::variable::Variable;

/// What is the same for all weights in a step.
struct Shared<'a> {
    trace: &'a Trace,
    optimizer: &'a Optimizer,
    state: &'a OptimizerState,
    /// Steps before this one, i32.
    iteration: Tensor,
    /// Updates of the weights before this one, i32.
    updates: Tensor,
    /// f32.
    learning_rate: Tensor,
    /// Whether accumulated gradients change the weights in this step.
    is_update: Option<Tensor>,
}

impl Optimizer {
    /// Adds a step to a program: gradients change weights, slots and the counter.
    pub(crate) fn apply(
        &self,
        trace: &Trace,
        state: &OptimizerState,
        weights: &[Variable],
        gradients: &[Tensor],
    ) -> Result<()> {
        let shared = self.shared(trace, state)?;
        let gradients = gradients.iter().zip(weights).map(|(g, w)| {
            let scale = self.options().loss_scale_factor;
            let g = scale.map_or_else(|| g.clone(), |s| g / s);
            prim::convert(&g, w.dtype())
        });
        let gradients = gradients.collect::<Result<Vec<_>>>()?;
        let gradients = shared.accumulate(weights, gradients)?;
        let gradients = self.clip(gradients)?;
        let scalar = scalar_type(weights);
        let mut all = Updates {
            weights,
            gradients,
            learning_rate: prim::convert(&shared.learning_rate, scalar)?,
            step: prim::convert(&(&shared.updates + 1), scalar)?,
            scalars: shared.scalars()?,
        };
        self.0.prepare(&mut all)?;
        for (weight, gradient) in weights.iter().zip(&all.gradients) {
            shared.update(weight, gradient, &all.scalars)?;
        }
        shared.assign_scalars(&all.scalars)?;
        let next = shared.iteration + 1;
        next.check()?;
        trace.assign(&state.iteration, &next)
    }

    fn shared<'a>(&'a self, trace: &'a Trace, state: &'a OptimizerState) -> Result<Shared<'a>> {
        let iteration = trace.variable(&state.iteration)?;
        let learning_rate = match (&self.options().learning_rate, &state.learning_rate) {
            (LearningRate::Schedule(schedule), _) => schedule.rate(&iteration)?,
            (_, Some(variable)) => trace.variable(variable)?,
            _ => return Err(Error::new(ErrorKind::Internal, "no learning rate")),
        };
        let (mut updates, mut is_update) = (iteration.clone(), None);
        if let Some(steps) = self.options().gradient_accumulation_steps {
            let steps = prim::constant_like(&iteration, f64::from(steps))?;
            // Both are positive, so the quotient rounds down.
            updates = prim::binary(BinaryOp::Divide, &iteration, &steps)?;
            is_update = Some(every(&iteration, &steps)?);
        }
        Ok(Shared {
            trace,
            optimizer: self,
            state,
            iteration,
            updates,
            learning_rate,
            is_update,
        })
    }

    fn clip(&self, gradients: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let c = self.options();
        if let Some(limit) = c.clipvalue {
            let clipped = gradients.iter().map(|g| ops::clip(g, -limit, limit));
            return Ok(clipped.collect());
        }
        if let Some(limit) = c.clipnorm {
            let clipped = gradients.iter().map(|g| {
                let norm = sum_all(&g.square()).sqrt();
                (g * limit) / ops::maximum(norm, limit)
            });
            return Ok(clipped.collect());
        }
        let (Some(limit), false) = (c.global_clipnorm, gradients.is_empty()) else {
            return Ok(gradients);
        };
        let squares = gradients
            .iter()
            .map(|g| prim::convert(&sum_all(&g.square()), DType::F32));
        let squares = squares.collect::<Result<Vec<_>>>()?;
        let norm = squares
            .into_iter()
            .reduce(|a, b| a + b)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "no gradients"))?
            .sqrt();
        let inverse = ops::divide(1.0, &norm);
        // Zero times the norm is 0, or NaN for a norm that is not finite: then the gradients are NaN, as in Keras.
        let scale = ops::minimum(inverse, 1.0 / limit) * limit + &norm * 0.0;
        let scaled = gradients.iter().map(|g| {
            let scale = prim::convert(&scale, g.dtype())?;
            Ok(g * scale)
        });
        scaled.collect()
    }
}

/// Whether the step after `iteration` steps is a multiple of `steps`.
fn every(iteration: &Tensor, steps: &Tensor) -> Result<Tensor> {
    let remainder = prim::binary(BinaryOp::Remainder, &(iteration + 1), steps)?;
    prim::compare(
        Comparison::Eq,
        &remainder,
        &prim::constant_like(&remainder, 0.0)?,
    )
}

impl Shared<'_> {
    fn slot(&self, weight: &Variable, name: &'static str) -> Result<&Variable> {
        self.state.common_slot(weight, name).ok_or_else(|| {
            let message = format!("no optimizer variable `{name}` for `{}`", weight.path());
            Error::new(ErrorKind::Internal, message)
        })
    }

    /// The mean gradients since the last change of the weights; the sums are kept until then.
    fn accumulate(&self, weights: &[Variable], gradients: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let (Some(is_update), Some(steps)) = (
            &self.is_update,
            self.optimizer.options().gradient_accumulation_steps,
        ) else {
            return Ok(gradients);
        };
        let pairs = weights.iter().zip(gradients);
        let means = pairs.map(|(weight, gradient)| {
            let slot = self.slot(weight, ACCUMULATOR)?;
            let sum = self.trace.variable(slot)? + gradient;
            sum.check()?;
            let zero = prim::constant_like(&sum, 0.0)?;
            self.trace
                .assign(slot, &prim::select(is_update, &zero, &sum)?)?;
            Ok(sum / f64::from(steps))
        });
        means.collect()
    }

    /// The optimizer's own variables.
    fn scalars(&self) -> Result<Named> {
        let scalars = self.state.scalars().iter();
        let read = scalars.map(|(name, variable)| Ok((*name, self.trace.variable(variable)?)));
        read.collect::<Result<_>>().map(Named)
    }

    fn assign_scalars(&self, new: &Named) -> Result<()> {
        for ((_, variable), (_, new)) in self.state.scalars().iter().zip(&new.0) {
            new.check()?;
            let new = self.if_update(new, &self.trace.variable(variable)?)?;
            self.trace.assign(variable, &new)?;
        }
        Ok(())
    }

    fn update(&self, weight: &Variable, gradient: &Tensor, scalars: &Named) -> Result<()> {
        let dtype = weight.dtype();
        let before = self.trace.variable(weight)?;
        let learning_rate = prim::convert(&self.learning_rate, dtype)?;
        let mut value = before.clone();
        let options = self.optimizer.options();
        let decay = self.optimizer.0.weight_decay(weight);
        if let Some(decay) = decay.filter(|_| options.decays(weight)) {
            value = &value - &value * decay * &learning_rate;
        }
        let slots = self.state.class_slots(weight).map(|(name, slot)| {
            let value = self.trace.variable(slot)?;
            Ok((name, value))
        });
        let mut update = Update {
            weight,
            learning_rate,
            step: prim::convert(&(&self.updates + 1), dtype)?,
            slots: Named(slots.collect::<Result<_>>()?),
            scalars,
        };
        value = self.optimizer.0.update(&mut update, gradient, &value)?;
        value.check()?;
        value = self.if_update(&value, &before)?;
        for ((_, slot), (_, new)) in self.state.class_slots(weight).zip(&update.slots.0) {
            new.check()?;
            let new = self.if_update(new, &self.trace.variable(slot)?)?;
            self.trace.assign(slot, &new)?;
        }
        value = self.average(weight, value)?;
        if let Some(constraint) = weight.constraint() {
            value = constraint.project(&value);
            value.check()?;
        }
        self.trace.assign(weight, &value)
    }

    /// The new value in a step that changes weights, the old one in a step that only accumulates.
    fn if_update(&self, new: &Tensor, old: &Tensor) -> Result<Tensor> {
        match &self.is_update {
            Some(condition) => prim::select(condition, new, old),
            None => Ok(new.clone()),
        }
    }

    /// Keeps the moving average of a weight; gives the weight's value, which may become the average.
    fn average(&self, weight: &Variable, value: Tensor) -> Result<Tensor> {
        let common = self.optimizer.options();
        if !common.use_ema {
            return Ok(value);
        }
        let slot = self.slot(weight, AVERAGE)?;
        let zero = prim::constant_like(&self.updates, 0.0)?;
        let later = prim::compare(Comparison::Ne, &self.updates, &zero)?;
        let momentum = prim::convert(&later, weight.dtype())? * common.ema_momentum;
        let old = self.trace.variable(slot)?;
        let average = &momentum * old + ops::subtract(1.0, &momentum) * &value;
        average.check()?;
        self.trace.assign(slot, &average)?;
        match common.ema_overwrite_frequency {
            None => Ok(value),
            Some(frequency) => {
                let frequency = prim::constant_like(&self.updates, f64::from(frequency))?;
                prim::select(&every(&self.updates, &frequency)?, &average, &value)
            }
        }
    }
}
