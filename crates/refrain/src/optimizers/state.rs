//! An optimizer's variables.

use std::collections::HashMap;

use refrain_graph::Literal;

use super::{LearningRate, Optimizer};
use crate::error::Result;
use crate::variable::{Variable, VariableId};

/// An optimizer's variables: the step counter, the learning rate, and slots for each weight it has trained.
pub(crate) struct OptimizerState {
    pub(crate) iteration: Variable,
    /// `None` if the rate follows a schedule.
    pub(crate) learning_rate: Option<Variable>,
    /// Groups of slot names in Keras's order; the names of a group alternate weight by weight.
    groups: Vec<Vec<&'static str>>,
    slots: HashMap<(VariableId, &'static str), Variable>,
    /// The weights that have slots.
    weights: Vec<Variable>,
    prefix: String,
}

/// The moving average of a weight.
pub(crate) const AVERAGE: &str = "average";
/// The sum of gradients since the last change of a weight.
pub(crate) const ACCUMULATOR: &str = "gradient_accumulator";

impl OptimizerState {
    pub(crate) fn new(optimizer: &Optimizer) -> Self {
        let prefix = optimizer.get_name().to_owned();
        let variable =
            |name: &str, value| Variable::new(name, format!("{prefix}/{name}"), value, false);
        let learning_rate = match optimizer.common.learning_rate {
            LearningRate::Constant(rate) => {
                Some(variable("learning_rate", Literal::scalar(rate as f32)))
            }
            LearningRate::Schedule(_) => None,
        };
        let mut groups = Vec::new();
        if optimizer.common.use_ema {
            groups.push(vec![AVERAGE]);
        }
        if optimizer.common.gradient_accumulation_steps.is_some() {
            groups.push(vec![ACCUMULATOR]);
        }
        groups.extend(optimizer.rule.slots());
        OptimizerState {
            iteration: variable("iteration", Literal::scalar(0i32)),
            learning_rate,
            groups,
            slots: HashMap::new(),
            weights: Vec::new(),
            prefix,
        }
    }

    /// Makes the slots that are missing; those of weights that were trained before keep their values.
    pub(crate) fn build(&mut self, weights: &[Variable]) -> Result<()> {
        let stepped = self
            .iteration
            .with_value(|n| n.to_f64().first() > Some(&0.0))?;
        for weight in weights {
            if self.weights.contains(weight) {
                continue;
            }
            for &slot in self.groups.iter().flatten() {
                let name = format!("{}_{slot}", weight.path().replace('/', "_"));
                // The first step of all sets the averages; one that comes later begins at its weight.
                let value = match stepped && slot == AVERAGE {
                    true => weight.value()?,
                    false => Literal::zeros(weight.shape(), weight.dtype()),
                };
                let path = format!("{}/{name}", self.prefix);
                let variable = Variable::new(&name, path, value, false);
                self.slots.insert((weight.id(), slot), variable);
            }
            self.weights.push(weight.clone());
        }
        Ok(())
    }

    /// Goes on where the optimizer of another model stands, whose weights are the sources of this one's.
    pub(crate) fn continue_from(
        &mut self,
        other: &OptimizerState,
        weights: &[Variable],
        sources: &HashMap<VariableId, Variable>,
    ) -> Result<()> {
        self.iteration.assign(other.iteration.value()?)?;
        if let (Some(own), Some(other)) = (&self.learning_rate, &other.learning_rate) {
            own.assign(other.value()?)?;
        }
        if other.is_built() {
            self.build(weights)?;
        }
        for (&(weight, slot), variable) in &self.slots {
            let source = sources.get(&weight);
            if let Some(value) = source.and_then(|source| other.slot(source, slot)) {
                variable.assign(value.value()?)?;
            }
        }
        Ok(())
    }

    /// Whether it has trained weights.
    pub(crate) fn is_built(&self) -> bool {
        !self.weights.is_empty()
    }

    pub(crate) fn slot(&self, weight: &Variable, name: &'static str) -> Option<&Variable> {
        self.slots.get(&(weight.id(), name))
    }

    /// Names of the rule's own slots.
    pub(crate) fn rule_slots(&self) -> impl Iterator<Item = &'static str> + '_ {
        let own = self.groups.iter().flatten().copied();
        own.filter(|n| *n != AVERAGE && *n != ACCUMULATOR)
    }

    /// All variables in Keras's order.
    pub(crate) fn variables(&self) -> Vec<Variable> {
        let mut all = vec![self.iteration.clone()];
        all.extend(self.learning_rate.clone());
        for group in &self.groups {
            for weight in &self.weights {
                all.extend(group.iter().filter_map(|n| self.slot(weight, n).cloned()));
            }
        }
        all
    }

    /// The weights become their moving averages, where those are kept.
    pub(crate) fn finalize(&self) -> Result<()> {
        for weight in &self.weights {
            if let Some(average) = self.slot(weight, AVERAGE)
                && weight.trainable()
            {
                weight.set(average.value()?);
            }
        }
        Ok(())
    }
}
