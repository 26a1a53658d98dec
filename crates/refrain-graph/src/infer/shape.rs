//! Primitives that only move elements: iota, broadcast, reshape, transpose, slice, pad, concatenate, reverse.

use super::{Inferred, check};
use crate::{DType, Dim, Shape, Spec};

pub(super) fn iota(shape: &Shape, dtype: DType, dim: usize, inputs: &[&Spec]) -> Inferred {
    check::arity::<0>(inputs)?;
    check::numeric("a result", dtype)?;
    check::axis("a counting dimension", dim, shape.rank())?;
    Ok(vec![Spec::new(shape.clone(), dtype)])
}

pub(super) fn broadcast_in_dim(shape: &Shape, dims: &[usize], inputs: &[&Spec]) -> Inferred {
    let [x] = check::arity(inputs)?;
    check::length("result dimensions", dims.len(), x.shape.rank())?;
    check::increasing("result dimensions", dims, shape.rank())?;
    let mut out = shape.clone();
    for (i, (&d, &from)) in dims.iter().zip(x.shape.dims()).enumerate() {
        let to = shape.dim(d);
        match (from, to) {
            (None | Some(1), _) => {}
            (Some(n), None) => out.dims_mut()[d] = Some(n),
            (Some(n), Some(m)) if n == m => {}
            (Some(n), Some(m)) => {
                return Err(format!(
                    "expected dimension {i} of the operand to have size 1 or {m} \
                     to become dimension {d} of {shape}, got {n}"
                ));
            }
        }
    }
    Ok(vec![Spec::new(out, x.dtype)])
}

/// Product of the known dimensions and number of the unknown ones.
fn known_part(shape: &Shape) -> Result<(usize, usize), String> {
    let mut known = shape.dims().iter().flatten();
    let product = known.try_fold(1usize, |n, &d| n.checked_mul(d));
    let product =
        product.ok_or_else(|| format!("expected a shape whose size fits, got {shape}"))?;
    let unknown = shape.dims().iter().filter(|d| d.is_none()).count();
    Ok((product, unknown))
}

pub(super) fn reshape(shape: &Shape, inputs: &[&Spec]) -> Inferred {
    let [x] = check::arity(inputs)?;
    let (from, from_unknown) = known_part(&x.shape)?;
    let (to, to_unknown) = known_part(shape)?;
    let refuse = |why: String| {
        let from = &x.shape;
        Err(format!(
            "expected as many elements as in {from}, got shape {shape}{why}"
        ))
    };
    let mut out = shape.clone();
    match (from_unknown, to_unknown) {
        (0, 0) if from != to => return refuse(format!(" ({from} against {to})")),
        (0, n) if n > 0 => {
            let fits = if to == 0 { from == 0 } else { from % to == 0 };
            if !fits {
                return refuse(format!(" ({from} is not a multiple of {to})"));
            }
            if n == 1 && to > 0 {
                let hole = out.dims_mut().iter_mut().find(|d| d.is_none());
                hole.into_iter().for_each(|d| *d = Some(from / to));
            }
        }
        (n, 0) if n > 0 => {
            let fits = if from == 0 { to == 0 } else { to % from == 0 };
            if !fits {
                return refuse(format!(" ({to} is not a multiple of {from})"));
            }
        }
        _ => {}
    }
    Ok(vec![Spec::new(out, x.dtype)])
}

pub(super) fn transpose(perm: &[usize], inputs: &[&Spec]) -> Inferred {
    let [x] = check::arity(inputs)?;
    check::length("dimensions in the permutation", perm.len(), x.shape.rank())?;
    check::distinct("dimensions in the permutation", perm, x.shape.rank())?;
    let dims: Vec<Dim> = perm.iter().map(|&p| x.shape.dim(p)).collect();
    Ok(vec![Spec::new(dims, x.dtype)])
}

pub(super) fn slice(
    starts: &[usize],
    limits: &[Dim],
    strides: &[usize],
    inputs: &[&Spec],
) -> Inferred {
    let [x] = check::arity(inputs)?;
    let rank = x.shape.rank();
    check::length("starts", starts.len(), rank)?;
    check::length("limits", limits.len(), rank)?;
    check::length("strides", strides.len(), rank)?;
    check::positive("strides", strides)?;
    let mut dims: Vec<Dim> = Vec::with_capacity(rank);
    for i in 0..rank {
        let (start, size) = (starts[i], x.shape.dim(i));
        if let (Some(limit), Some(n)) = (limits[i], size)
            && limit > n
        {
            return Err(format!(
                "expected the limit in dimension {i} to be at most its size {n}, got {limit}"
            ));
        }
        let Some(limit) = limits[i].or(size) else {
            dims.push(None);
            continue;
        };
        if start > limit {
            return Err(format!(
                "expected the start in dimension {i} to be at most the limit {limit}, got {start}"
            ));
        }
        dims.push(Some((limit - start).div_ceil(strides[i])));
    }
    Ok(vec![Spec::new(dims, x.dtype)])
}

pub(super) fn pad(low: &[i64], high: &[i64], interior: &[usize], inputs: &[&Spec]) -> Inferred {
    let [x, value] = check::arity(inputs)?;
    let rank = x.shape.rank();
    check::same_dtype("a padding value", x.dtype, value.dtype)?;
    check::merge("a padding value", &Shape::scalar(), &value.shape)?;
    check::length("low paddings", low.len(), rank)?;
    check::length("high paddings", high.len(), rank)?;
    check::length("interior paddings", interior.len(), rank)?;
    let mut dims: Vec<Dim> = Vec::with_capacity(rank);
    for i in 0..rank {
        let Some(n) = x.shape.dim(i) else {
            dims.push(None);
            continue;
        };
        let padded = (n.saturating_sub(1) as i128)
            .checked_mul(interior[i] as i128)
            .and_then(|inner| inner.checked_add(n as i128))
            .and_then(|n| n.checked_add(low[i] as i128))
            .and_then(|n| n.checked_add(high[i] as i128));
        dims.push(Some(check::size(
            &format!("a padded size of dimension {i}"),
            padded,
        )?));
    }
    Ok(vec![Spec::new(dims, x.dtype)])
}

pub(super) fn concatenate(dim: usize, inputs: &[&Spec]) -> Inferred {
    let [first, rest @ ..] = inputs else {
        return Err("expected at least 1 input, got 0".into());
    };
    check::axis("the dimension", dim, first.shape.rank())?;
    let mut shape = first.shape.clone();
    for (i, x) in rest.iter().enumerate() {
        let what = format!("input {}", i + 1);
        check::same_dtype(&what, first.dtype, x.dtype)?;
        if x.shape.rank() != shape.rank() {
            let (expected, got) = (&first.shape, &x.shape);
            return Err(format!(
                "expected {what} with the rank of {expected}, got {got}"
            ));
        }
        // Blanked in the expectation, so that every size along `dim` fits.
        let along = shape.dims_mut()[dim].take();
        let what = format!("{what} (any size along dimension {dim})");
        let mut merged = check::merge(&what, &shape, &x.shape)?;
        merged.dims_mut()[dim] = match (along, x.shape.dim(dim)) {
            (Some(a), Some(b)) => {
                let sum = (a as i128).checked_add(b as i128);
                Some(check::size("a result size", sum)?)
            }
            _ => None,
        };
        shape = merged;
    }
    Ok(vec![Spec::new(shape, first.dtype)])
}

pub(super) fn reverse(dims: &[usize], inputs: &[&Spec]) -> Inferred {
    let [x] = check::arity(inputs)?;
    check::distinct("dimensions", dims, x.shape.rank())?;
    Ok(vec![x.clone()])
}
