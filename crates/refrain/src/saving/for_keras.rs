//! Models in a form that Keras opens.

use std::collections::HashSet;

use crate::error::Result;
use crate::layers::{AnyLayer, Making};
use crate::models::{
    Copier, Functional, Model, OtherMask, has_masked_values, held_twice, held_twice_without,
    merging_models, other_mask, to_take_apart,
};
use crate::training::KeptCompilation;
use crate::variable::Variable;
use crate::warnings;

impl Model {
    /// The model in a form that Keras opens from a file, and from files that Keras writes of it.
    ///
    /// Keras writes a layer once for each model that it stands in, and does not find its weights again when it reads such a
    /// file. Where a nested model shares a layer with other models, this gives a copy of the whole in which that nested
    /// model is taken apart: its calls become calls in the model around it, so that the layer is one layer with several
    /// calls. It computes and trains as before, with the values of the weights and of the optimizer's state as they are now.
    /// A layer takes its nested model's name before its own where another has that name; an output of the nested model goes
    /// through an [`Identity`](crate::layers::Identity) of its name.
    ///
    /// Keras's attention takes the masks off the tensors that it is called on, so that later calls see none. Where a call would
    /// lose its mask, attention is called on copies of its inputs (`Rescaling(1.0)`). Its `Maximum`, `Minimum` and `Multiply` leave
    /// masked values out, which those of Keras 2 do not: in a model of Keras 2 they are called on copies without masks (`x * 1`).
    /// A nested model that puts masks together as Keras 2 does is taken apart, so that calls have them as arguments.
    ///
    /// A wrapper ([`TimeDistributed`](crate::layers::TimeDistributed)) cannot be taken apart: a layer that it shares with
    /// others becomes a layer of its own in it, which a warning says. A model that needs none of this is given back as it is.
    ///
    /// ```
    /// use refrain::{Model, input, layers::{Dense, add}};
    /// let (x, y, shared) = (input([4]), input([4]), Dense::new(4));
    /// let inner = Model::new(&x, &Dense::new(4).call(shared.call(&x)?)?)?;
    /// let model = Model::new(&y, &add([&inner.call(&y)?, &shared.call(&y)?])?)?;
    /// let flat = model.for_keras()?; // flat.save("model.keras")?
    /// assert_eq!(flat.layers().len(), 4); // the input, two Dense layers, one of them called twice, and the sum
    /// assert_eq!(flat.count_params(), model.count_params());
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// A layer cannot be copied: its type has no method [`duplicate`](crate::layers::Layer::duplicate).
    pub fn for_keras(&self) -> Result<Model> {
        let root = self.any();
        let other = other_mask(self.functional());
        let loses_masks = matches!(other, Some(OtherMask::Taken(_)));
        let masked_values = other.is_none() && has_masked_values(self.functional());
        let mut apart = to_take_apart(&root);
        if matches!(other, Some(OtherMask::Merged(_))) {
            let merging = merging_models(&root);
            if !merging.is_subset(&apart) {
                apart.extend(merging);
                return self.restructured(apart, false, false)?.for_keras();
            }
        }
        if held_twice(&root).is_empty() && !loses_masks && !masked_values {
            return Ok(self.clone());
        }
        self.restructured(apart, loses_masks, masked_values)
    }

    /// A copy of the model in which nested models are taken apart.
    fn restructured(
        &self,
        apart: HashSet<usize>,
        loses_masks: bool,
        masked_values: bool,
    ) -> Result<Model> {
        for shared in held_twice_without(&self.any(), &apart) {
            warnings::copied_for_keras(&shared.layer);
        }
        let mut copier = Copier::taking_apart(apart);
        copier.apart_for_attention = loses_masks;
        copier.apart_for_merging = masked_values;
        let making = Making {
            without_values: true,
            most_elements: None,
        };
        let copy = making.run(|| copier.model(self))?;
        let mut pairs = Vec::new();
        for (original, copy) in copier.layers.values() {
            if original.options::<Functional>().is_none() {
                pairs.extend(variables(original).into_iter().zip(variables(copy)));
            }
        }
        for (original, copy) in &pairs {
            copy.assign(original.value()?)?;
            copy.set_trainable(original.trainable());
        }
        if let Some(compiled) = self.compiled() {
            copy.compile_like(&compiled, &pairs)?;
        }
        if let Some(kept) = self.kept_compilation() {
            // The state of its optimizer is in an order that the copy does not have.
            copy.keep_compilation(KeptCompilation {
                config: kept.config.clone(),
                state: Vec::new(),
                error: kept.error.clone(),
            });
        }
        Ok(copy)
    }
}

/// All that a layer and the layers inside it keep, in one order for all copies.
fn variables(layer: &AnyLayer) -> Vec<Variable> {
    let mut all = Vec::new();
    layer.visit_layers(&mut |l| all.extend(l.kept_variables()));
    all
}
