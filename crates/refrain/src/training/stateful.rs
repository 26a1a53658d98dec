//! Batches for layers that keep a state for each sample of a batch.

use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::tensor::Tensor;

/// How data are about to be cut into batches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batches {
    pub(crate) samples: usize,
    pub(crate) size: usize,
    /// How many are run in all; `None`: as many as there are.
    pub(crate) steps: Option<usize>,
}

impl Batches {
    /// All samples at once.
    pub(crate) fn whole(samples: usize) -> Self {
        Batches {
            samples,
            size: samples,
            steps: None,
        }
    }

    /// The size of the first batch that has another size than this.
    fn other_than(&self, wanted: usize) -> Option<usize> {
        let first = self.size.min(self.samples);
        if first != wanted {
            return Some(first);
        }
        let (full, rest) = (self.samples / wanted, self.samples % wanted);
        let reached = self.steps.is_none_or(|steps| steps > full);
        (rest != 0 && reached).then_some(rest)
    }

    /// Refuses batches that the model's stateful layers keep no states for, before the first is run.
    pub(crate) fn check(&self, model: &Model) -> Result<()> {
        // Looking at all layers is left to batches that do not fit.
        let inputs = &model.functional().flat_inputs;
        let declared = inputs.iter().find_map(batch_of).filter(|&n| n > 0);
        let found = declared.and_then(|wanted| Some((wanted, self.other_than(wanted)?)));
        let Some((wanted, wrong)) = found else {
            return Ok(());
        };
        let Some(layer) = stateful(model) else {
            return Ok(());
        };
        let Batches { samples, size, .. } = self;
        Err(Error::mismatch(
            ErrorKind::Data,
            format!(
                "batches of {wanted} samples for model `{}`, in which this layer keeps a state for each (`stateful`)",
                model.get_name()
            ),
            format!("a batch of {wrong} ({samples} samples in batches of {size})"),
        )
        .in_layer(&layer.name, &layer.class)
        .hint(format!(
            "Set the batch size to {wanted} and give a multiple of {wanted} samples, or end before the last batch with the \
             number of steps"
        )))
    }
}

/// A layer that keeps states.
struct Stateful {
    name: String,
    class: String,
}

/// The first one, if there is any.
fn stateful(model: &Model) -> Option<Stateful> {
    let mut found = None;
    model.any().visit_layers(&mut |layer| {
        if found.is_none() && layer.properties().recurrence.is_some_and(|r| r.stateful) {
            found = Some(Stateful {
                name: layer.get_name().to_owned(),
                class: layer.class_name().to_owned(),
            });
        }
    });
    found
}

/// The size of the batches that an input declares; states are as many.
fn batch_of(input: &Tensor) -> Option<usize> {
    input.dims().first().copied().flatten()
}
