//! Axes split, moved and joined by a pattern of their names.

use std::collections::BTreeMap;

use refrain_graph::Dim;
use serde_json::Value as Json;

use super::definition::{Outputs, operations};
use super::prim;
use crate::config::{Config, ConfigValue, in_option, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Argument, Inputs};
use crate::tensor::Tensor;
use crate::utils::sizes;

operations! { TABLE in table {
    /// Axes in another order, split or joined, as a pattern says: `"b (h two) w -> b h (two w)"`.
    ///
    /// Names in parentheses are one axis. `axes_lengths` are the sizes of axes that are split; one of each may be left out. A pattern that
    /// does not have all axes of the tensor, each once on both sides, and sizes that do not fit are errors.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let patches = ops::rearrange(input([8, 8, 3]), "b (h p) (w q) c -> b (h w) (p q c)", &[("p", 2), ("q", 2)]);
    /// assert_eq!(patches.shape().to_string(), "(None, 16, 12)");
    /// ```
    pub fn rearrange(tensor: impl AsRef<Tensor>, pattern: &str, axes_lengths: &[(&str, usize)]) -> Tensor {
        |op| {
            let inputs = Inputs::new(tensor.as_ref()).value(pattern);
            let inputs = axes_lengths.iter().fold(inputs, |inputs, (name, size)| inputs.option(name, *size));
            Tensor::of(op.call(inputs, Config::new()))
        }
    }
    "ops.einops" / "Rearrange" as "rearrange(tensor, pattern)" [Tensor, Key] => |inputs, _| {
        let pattern = inputs.plain(1, "pattern").unwrap_or(&Json::Null);
        let pattern = pattern.as_str().ok_or_else(|| unexpected("a pattern", pattern))?;
        Ok(rearranged(inputs.one()?, pattern, lengths(inputs)?)?.into())
    };
}}

type Lengths<'a> = BTreeMap<&'a str, usize>;

/// The arguments by name, which are sizes of axes.
fn lengths(inputs: &Inputs) -> Result<Lengths<'_>> {
    let sizes = inputs
        .kwargs()
        .iter()
        .filter_map(|(name, argument)| match argument {
            Argument::Value(size) if name != "pattern" => Some((name.as_str(), size)),
            _ => None,
        });
    let size = |(name, json)| match usize::from_json(json) {
        Ok(size) if size > 0 => Ok((name, size)),
        Ok(_) => Err(unexpected("a positive size", json)),
        Err(e) => Err(in_option(e, name)),
    };
    sizes.map(size).collect()
}

fn rearranged(x: &Tensor, pattern: &str, lengths: Lengths) -> Result<Tensor> {
    let refused = || {
        Error::mismatch(
            ErrorKind::Config,
            "a pattern with each axis once on both sides, such as `b (h w) c -> b w (c h)`",
            format!("`{pattern}` for shape {} with sizes {lengths:?}", x.shape()),
        )
    };
    let sides = pattern.split_once("->").ok_or_else(refused)?;
    let (from, to) = (
        axes(sides.0).ok_or_else(refused)?,
        axes(sides.1).ok_or_else(refused)?,
    );
    let (names, wanted) = (from.concat(), to.concat());
    let once = |list: &[&str]| {
        list.iter()
            .all(|name| list.iter().filter(|n| *n == name).count() == 1)
    };
    let same = names.len() == wanted.len() && wanted.iter().all(|name| names.contains(name));
    let known = lengths.keys().all(|name| names.contains(name));
    if !same || !known || !once(&names) || from.len() != x.rank() {
        return Err(refused());
    }
    let shape = x.shape();
    let mut sizes: BTreeMap<&str, Dim> = BTreeMap::new();
    for (group, &dim) in from.iter().zip(shape.dims()) {
        sizes.extend(split(group, dim, &lengths)?.ok_or_else(refused)?);
    }
    let size = |name: &&str| sizes.get(name).copied().flatten();
    let order = wanted
        .iter()
        .filter_map(|name| names.iter().position(|n| n == name));
    let apart = prim::reshape(x, names.iter().map(size).collect::<Vec<Dim>>())?;
    let turned = prim::transpose(&apart, &order.collect::<Vec<_>>())?;
    let joined = to.iter().map(|group| product(group.iter().map(size)));
    prim::reshape(&turned, joined.collect::<Result<Vec<Dim>>>()?)
}

/// One side of a pattern: groups of names.
fn axes(side: &str) -> Option<Vec<Vec<&str>>> {
    let mut groups = Vec::new();
    let mut rest = side.trim();
    while !rest.is_empty() {
        let (group, after) = match rest.strip_prefix('(') {
            Some(inside) => inside.split_once(')')?,
            None => rest.split_at(rest.find([' ', '(']).unwrap_or(rest.len())),
        };
        let names: Vec<&str> = group.split_whitespace().collect();
        let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if names.is_empty() || !names.iter().all(|name| is_name(name)) {
            return None;
        }
        groups.push(names);
        rest = after.trim_start();
    }
    Some(groups)
}

fn product(sizes: impl Iterator<Item = Dim>) -> Result<Dim> {
    let mut product = Some(1);
    for size in sizes {
        let both = product.zip(size);
        product = both.map(|(a, b)| sizes::times(a, b)).transpose()?;
    }
    Ok(product)
}

/// The sizes of the axes that one is split into; `None` if they do not fit.
fn split<'a>(
    group: &[&'a str],
    dim: Dim,
    lengths: &Lengths,
) -> Result<Option<Vec<(&'a str, Dim)>>> {
    let given = |name: &&str| lengths.get(name).copied();
    let open = group.iter().filter(|name| given(name).is_none()).count();
    let Some(known) = product(group.iter().filter_map(given).map(Some))? else {
        return Ok(None);
    };
    let fits = dim.is_none_or(|dim| match open {
        0 => dim == known,
        _ => open == 1 && dim % known == 0,
    });
    let rest = dim.map(|dim| dim / known).filter(|_| open == 1);
    let sizes = group.iter().map(|name| (*name, given(name).or(rest)));
    Ok((fits && open <= 1).then(|| sizes.collect()))
}
