//! Which mask a recurrent layer uses when it is also given states to start from.

use serde_json::Value as Json;

use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The arguments of all recurrent layers, by position.
pub(crate) const ARGUMENTS: &[&str] = &["sequences", INITIAL_STATE.1, MASK.1];

/// Positions of those that they take after the sequences.
const INITIAL_STATE: (usize, &str) = (1, "initial_state");
const MASK: (usize, &str) = (2, "mask");

/// Whether the call starts from given states.
pub(crate) fn has_initial_state(inputs: &Inputs) -> bool {
    let (position, name) = INITIAL_STATE;
    let plain = inputs.plain(position, name);
    inputs.get(position, name).is_some() || plain.is_some_and(|json| !json.is_null())
}

/// Whether the argument `mask` is there, be it `None`.
pub(crate) fn is_given(inputs: &Inputs) -> bool {
    inputs.get(MASK.0, MASK.1).is_some() || inputs.plain(MASK.0, MASK.1).is_some()
}

/// The tensor that holds the steps.
pub(crate) fn sequence(inputs: &Inputs) -> Option<&Tensor> {
    inputs.first().ok()?.flatten().first().copied()
}

/// Whether the symbolic sequence carries a mask.
pub(crate) fn is_masked(inputs: &Inputs) -> bool {
    let symbolic = sequence(inputs).and_then(Tensor::as_symbolic);
    symbolic.is_some_and(|s| s.mask.is_some())
}

/// Whether a symbolic call uses a mask.
pub(crate) fn has_mask(inputs: &Inputs) -> bool {
    let unused = is_given(inputs) && has_initial_state(inputs);
    inputs.get(MASK.0, MASK.1).is_some() || is_masked(inputs) && !unused
}

/// The mask of the outputs: the one given, else the one that the sequence carries.
pub(super) fn carried(inputs: &Inputs) -> Option<Tensor> {
    let given = inputs.tensor(MASK.0, MASK.1).cloned();
    given.or_else(|| inputs.mask())
}

/// The mask of the steps. As in Keras, one that the sequence carries is not used beside initial states where the mask is
/// given as `None`.
pub(super) fn of_steps(inputs: &Inputs) -> Option<Tensor> {
    let none = inputs.plain(MASK.0, MASK.1).is_some_and(Json::is_null);
    carried(inputs).filter(|_| !(none && has_initial_state(inputs)))
}

/// Gives a symbolic call with initial states the mask that its sequence carries as an argument: Keras uses no other then.
pub(super) fn made_explicit(inputs: &Inputs) -> Inputs {
    let wanted = is_masked(inputs) && has_initial_state(inputs) && !is_given(inputs);
    match wanted.then(|| inputs.mask()).flatten() {
        Some(mask) => inputs.clone().with_made_mask(MASK.1, Structure::Leaf(mask)),
        None => inputs.clone(),
    }
}

/// The call as Keras 3 makes it, which leaves the mask of the sequence alone beside initial states.
pub(crate) fn left_alone(inputs: Inputs) -> Inputs {
    match is_given(&inputs) || !has_initial_state(&inputs) {
        true => inputs,
        false => inputs.option(MASK.1, Json::Null),
    }
}
