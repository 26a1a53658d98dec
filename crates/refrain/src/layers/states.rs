//! The states of cells.

use refrain_graph::{DType, Dim, Shape, Spec};

use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;

/// Shapes and types of the states of a batch, from the shapes of one sample's.
pub(crate) fn state_specs(shapes: &[Vec<usize>], batch: Dim, dtype: DType) -> Vec<Spec> {
    let spec = |shape: &Vec<usize>| {
        let sizes = shape.iter().map(|&n| Some(n));
        let dims: Vec<Dim> = std::iter::once(batch).chain(sizes).collect();
        Spec::new(Shape::from(dims), dtype)
    };
    shapes.iter().map(spec).collect()
}

/// What states are in errors.
pub(super) const INITIAL: &str = "initial states";

/// Refuses states of another number or other shapes.
pub(crate) fn check_states(states: &[Tensor], specs: &[Spec], what: &str) -> Result<()> {
    if states.len() != specs.len() {
        let expected = format!("{} {what}", specs.len());
        let error = Error::mismatch(ErrorKind::Structure, expected, states.len().to_string());
        let shapes: Vec<String> = specs.iter().map(|spec| spec.shape.to_string()).collect();
        return Err(error.hint(match what {
            INITIAL => "Give all the states that a call with `return_state` returns".to_owned(),
            _ => format!(
                "A cell takes and gives states of shapes {}",
                shapes.join(", ")
            ),
        }));
    }
    for (state, Spec { shape, .. }) in states.iter().zip(specs) {
        state.check()?;
        if !state.shape().compatible(shape) {
            let expected = format!("{what} of shape {shape}");
            let received = format!("shape {}", state.shape());
            let error = Error::mismatch(ErrorKind::Shape, expected, received);
            return Err(error.hint(match shape.rank() {
                2 => "A state has as many features as the layer has units",
                _ => "A state has the shape of an output",
            }));
        }
    }
    Ok(())
}
