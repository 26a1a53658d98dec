//! Reductions over whole dimensions, windows and prefixes, and sorting.

use super::{Inferred, check, window};
use crate::{DType, Dim, Reduction, Shape, Spec, Window};

fn fits(kind: Reduction, dtype: DType) -> Result<(), String> {
    match kind {
        Reduction::And | Reduction::Or => check::same_dtype("an operand", DType::Bool, dtype),
        _ => check::numeric("an operand", dtype),
    }
}

fn arithmetic(kind: Reduction, dtype: DType) -> Result<(), String> {
    if matches!(kind, Reduction::And | Reduction::Or) {
        let name = kind.name();
        return Err(format!("expected sum, product, max or min, got {name}"));
    }
    fits(kind, dtype)
}

pub(super) fn reduce(kind: Reduction, dims: &[usize], inputs: &[&Spec]) -> Inferred {
    let [x] = check::arity(inputs)?;
    fits(kind, x.dtype)?;
    check::increasing("dimensions", dims, x.shape.rank())?;
    let kept = x.shape.dims().iter().enumerate();
    let kept: Vec<Dim> = kept
        .filter(|(i, _)| !dims.contains(i))
        .map(|(_, &d)| d)
        .collect();
    Ok(vec![Spec::new(kept, x.dtype)])
}

fn grid(window: &Window, shape: &Shape) -> Result<Shape, String> {
    window::well_formed(window, shape.rank())?;
    let dims = shape.dims().iter().enumerate();
    let places: Result<Vec<Dim>, String> =
        dims.map(|(i, &n)| window::places(window, i, n)).collect();
    Ok(Shape::from(places?))
}

pub(super) fn reduce_window(kind: Reduction, window: &Window, inputs: &[&Spec]) -> Inferred {
    let [x] = check::arity(inputs)?;
    arithmetic(kind, x.dtype)?;
    Ok(vec![Spec::new(grid(window, &x.shape)?, x.dtype)])
}

pub(super) fn select_and_scatter(window: &Window, inputs: &[&Spec]) -> Inferred {
    let [x, source] = check::arity(inputs)?;
    check::numeric("an operand", x.dtype)?;
    check::same_dtype("a source", x.dtype, source.dtype)?;
    let grid = grid(window, &x.shape)?;
    for (what, dilation) in [
        ("base dilations", &window.base_dilation),
        ("window dilations", &window.dilation),
    ] {
        if dilation.iter().any(|&d| d != 1) {
            return Err(format!("expected {what} of 1, got {dilation:?}"));
        }
    }
    check::merge("a source", &grid, &source.shape)?;
    Ok(vec![x.clone()])
}

pub(super) fn cumulative(kind: Reduction, dim: usize, inputs: &[&Spec]) -> Inferred {
    let [x] = check::arity(inputs)?;
    arithmetic(kind, x.dtype)?;
    check::axis("the dimension", dim, x.shape.rank())?;
    Ok(vec![x.clone()])
}

pub(super) fn sort(dim: usize, inputs: &[&Spec]) -> Inferred {
    let [x] = check::arity(inputs)?;
    check::axis("the dimension", dim, x.shape.rank())?;
    Ok(vec![x.clone(), Spec::new(x.shape.clone(), DType::I32)])
}
