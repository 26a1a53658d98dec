//! An optimizer's variables.

use std::collections::HashMap;

use refrain_graph::Literal;

use super::update::scalar_type;
use super::{LearningRate, Optimizer, Slot};
use crate::error::Result;
use crate::variable::{Variable, VariableId};

/// An optimizer's variables: the step counter, the learning rate, slots for each weight it has trained, and numbers of its own.
pub(crate) struct OptimizerState {
    pub(crate) iteration: Variable,
    /// `None` if the rate follows a schedule.
    pub(crate) learning_rate: Option<Variable>,
    optimizer: Optimizer,
    /// The weights, each with its slots in Keras's groups: those of a group alternate weight by weight. First come the groups that
    /// all optimizers can have.
    weights: Vec<(Variable, Vec<Slots>)>,
    /// Where a weight stands among them.
    index: HashMap<VariableId, usize>,
    /// There from the first weight on.
    scalars: Vec<(&'static str, Variable)>,
    prefix: String,
}

/// A group of variables kept for a weight, by name.
type Slots = Vec<(&'static str, Variable)>;

/// The moving average of a weight.
pub(crate) const AVERAGE: &str = "average";
/// The sum of gradients since the last change of a weight.
pub(crate) const ACCUMULATOR: &str = "gradient_accumulator";

impl OptimizerState {
    pub(crate) fn new(optimizer: &Optimizer) -> Self {
        let prefix = optimizer.get_name();
        let variable =
            |name: &str, value| Variable::new(name, format!("{prefix}/{name}"), value, false);
        let learning_rate = match optimizer.options().learning_rate {
            LearningRate::Constant(rate) => {
                Some(variable("learning_rate", Literal::scalar(rate as f32)))
            }
            LearningRate::Schedule(_) => None,
        };
        OptimizerState {
            iteration: variable("iteration", Literal::scalar(0i32)),
            learning_rate,
            optimizer: optimizer.clone(),
            weights: Vec::new(),
            index: HashMap::new(),
            scalars: Vec::new(),
            prefix,
        }
    }

    /// Makes the slots that are missing; those of weights that were trained before keep their values.
    pub(crate) fn build(&mut self, weights: &[Variable]) -> Result<()> {
        let stepped = self
            .iteration
            .with_value(|n| n.to_f64().first() > Some(&0.0))?;
        for weight in weights {
            if self.slots(weight).is_none() {
                let slots = self.make_slots(weight, stepped)?;
                self.index.insert(weight.id(), self.weights.len());
                self.weights.push((weight.clone(), slots));
            }
        }
        if self.scalars.is_empty() && self.is_built() {
            let scalars = self.optimizer.0.scalars().into_iter();
            let make = |(name, first): (&'static str, f64)| {
                let path = format!("{}/{name}", self.prefix);
                let first = Literal::full([0usize; 0], scalar_type(weights), first);
                (name, Variable::new(name, path, first, false))
            };
            self.scalars = scalars.map(make).collect();
        }
        Ok(())
    }

    fn make_slots(&self, weight: &Variable, stepped: bool) -> Result<Vec<Slots>> {
        let options = self.optimizer.options();
        let average = match stepped {
            // The first step of all sets the averages; one that comes later begins at its weight.
            true => Slot::new(AVERAGE).copy_of_weight(),
            false => Slot::new(AVERAGE),
        };
        let accumulates = options.gradient_accumulation_steps.is_some();
        let common = [
            options.use_ema.then(|| vec![average]),
            accumulates.then(|| vec![Slot::new(ACCUMULATOR)]),
        ];
        let groups = common.into_iter().flatten();
        let groups = groups.chain(self.optimizer.0.slots(weight));
        let make = |slot: Slot| {
            let name = format!("{}_{}", weight.path().replace('/', "_"), slot.name);
            let path = format!("{}/{name}", self.prefix);
            let variable = Variable::new(&name, path, slot.first_value(weight)?, false);
            Ok((slot.name, variable))
        };
        groups
            .map(|group| group.into_iter().map(make).collect())
            .collect()
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
        for (weight, slots) in &self.weights {
            let source = sources.get(&weight.id());
            let theirs = source.and_then(|source| other.slots(source));
            let theirs = theirs.unwrap_or_default().iter().flatten();
            for ((_, own), (_, their)) in slots.iter().flatten().zip(theirs) {
                own.assign(their.value()?)?;
            }
        }
        for ((_, own), (_, other)) in self.scalars.iter().zip(&other.scalars) {
            own.assign(other.value()?)?;
        }
        Ok(())
    }

    /// Whether it has trained weights.
    pub(crate) fn is_built(&self) -> bool {
        !self.weights.is_empty()
    }

    fn slots(&self, weight: &Variable) -> Option<&[Slots]> {
        let &at = self.index.get(&weight.id())?;
        Some(&self.weights[at].1)
    }

    /// How many groups come before those of the optimizer's class.
    fn common_groups(&self) -> usize {
        let options = self.optimizer.options();
        usize::from(options.use_ema) + usize::from(options.gradient_accumulation_steps.is_some())
    }

    /// A slot that all optimizers can have.
    pub(crate) fn common_slot(&self, weight: &Variable, name: &str) -> Option<&Variable> {
        let groups = self.slots(weight)?.iter().take(self.common_groups());
        let found = groups.flatten().find(|(n, _)| *n == name);
        found.map(|(_, slot)| slot)
    }

    /// The slots that the optimizer's class keeps for a weight.
    pub(crate) fn class_slots(
        &self,
        weight: &Variable,
    ) -> impl Iterator<Item = (&'static str, &Variable)> {
        let groups = self.slots(weight).unwrap_or_default().iter();
        let own = groups.skip(self.common_groups()).flatten();
        own.map(|(name, slot)| (*name, slot))
    }

    /// The optimizer's own variables besides the step counter and the learning rate.
    pub(crate) fn scalars(&self) -> &[(&'static str, Variable)] {
        &self.scalars
    }

    /// What [`scalars`](OptimizerState::scalars) are after the steps so far, where that follows from their number.
    pub(crate) fn derived_scalars(&self) -> Result<Option<Vec<f64>>> {
        let iteration = self.iteration.with_value(|n| n.to_f64().first().copied())?;
        let accumulated = self.optimizer.options().gradient_accumulation_steps;
        let updates = iteration.unwrap_or_default() as u32 / accumulated.unwrap_or(1).max(1);
        Ok(self.optimizer.0.scalars_after(updates))
    }

    /// All variables in Keras's order.
    pub(crate) fn variables(&self) -> Vec<Variable> {
        let mut all = vec![self.iteration.clone()];
        all.extend(self.learning_rate.clone());
        let groups = self.weights.iter().map(|(_, slots)| slots.len()).max();
        for group in 0..groups.unwrap_or(0) {
            let slots = self
                .weights
                .iter()
                .filter_map(|(_, slots)| slots.get(group));
            all.extend(slots.flatten().map(|(_, slot)| slot.clone()));
        }
        all.extend(self.scalars.iter().map(|(_, variable)| variable.clone()));
        all
    }

    /// The weights become their moving averages, where those are kept.
    pub(crate) fn finalize(&self) -> Result<()> {
        for (weight, _) in &self.weights {
            if let Some(average) = self.common_slot(weight, AVERAGE)
                && weight.trainable()
            {
                weight.set(average.value()?);
            }
        }
        Ok(())
    }
}
