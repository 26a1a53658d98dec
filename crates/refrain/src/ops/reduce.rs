//! Reductions.

use refrain_graph::{DType, Op, Reduction};
use serde_json::Value as Json;

use super::{OpDef, apply, prim};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Config, unexpected};
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};
use crate::trace::Trace;

/// The axes of a reduction. Made from one axis, an array of axes, or [`Axes::All`]; negative axes count from the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axes {
    /// Every axis.
    All,
    /// These axes.
    Only(Vec<i64>),
}

impl From<i64> for Axes {
    fn from(axis: i64) -> Self {
        Axes::Only(vec![axis])
    }
}

impl<const N: usize> From<[i64; N]> for Axes {
    fn from(axes: [i64; N]) -> Self {
        Axes::Only(axes.to_vec())
    }
}

impl From<&[i64]> for Axes {
    fn from(axes: &[i64]) -> Self {
        Axes::Only(axes.to_vec())
    }
}

impl From<&Vec<i64>> for Axes {
    fn from(axes: &Vec<i64>) -> Self {
        Axes::Only(axes.clone())
    }
}

impl Axes {
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Axes::All => Json::Null,
            Axes::Only(axes) if axes.len() == 1 => axes[0].into(),
            Axes::Only(axes) => axes.clone().into(),
        }
    }

    pub(crate) fn from_json(json: Option<&Json>) -> Result<Self> {
        Ok(match json {
            None | Some(Json::Null) => Axes::All,
            Some(Json::Array(axes)) => {
                let axes = axes
                    .iter()
                    .map(|a| a.as_i64().ok_or_else(|| unexpected("an axis", a)));
                Axes::Only(axes.collect::<Result<_>>()?)
            }
            Some(json) => Axes::from(json.as_i64().ok_or_else(|| unexpected("an axis", json))?),
        })
    }

    /// The axes counted from the front, in increasing order, each once.
    pub(crate) fn resolve(&self, rank: usize) -> Result<Vec<usize>> {
        let mut axes: Vec<usize> = match self {
            Axes::All => (0..rank).collect(),
            Axes::Only(axes) => axes
                .iter()
                .map(|&a| resolve_axis(a, rank))
                .collect::<Result<_>>()?,
        };
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }
}

/// Reduces a traced tensor; `keepdims` leaves axes of size 1.
pub(crate) fn reduce(
    x: &Tensor,
    kind: Reduction,
    dims: &[usize],
    keepdims: bool,
) -> Result<Tensor> {
    let reduced = Trace::apply(
        Op::Reduce {
            kind,
            dims: dims.to_vec(),
        },
        &[x],
    )?;
    if !keepdims {
        return Ok(reduced);
    }
    let mut shape = x.shape();
    dims.iter().for_each(|&d| shape.dims_mut()[d] = Some(1));
    prim::reshape(&reduced, shape)
}

fn reduce_call(inputs: &Inputs, config: &Config, kind: Reduction) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let x = match x.dtype() {
        DType::Bool if kind == Reduction::Sum => prim::convert(x, DType::I32)?,
        _ => x.clone(),
    };
    let dims = Axes::from_json(config.get("axis"))?.resolve(x.rank())?;
    let keepdims = config
        .get("keepdims")
        .and_then(Json::as_bool)
        .unwrap_or(false);
    Ok(reduce(&x, kind, &dims, keepdims)?.into())
}

pub(crate) fn axis_config(axis: &Axes, keepdims: bool) -> Config {
    let mut config = Config::new();
    config.insert("axis".to_owned(), axis.to_json());
    config.insert("keepdims".to_owned(), keepdims.into());
    config
}

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident, $class:literal, $call:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Tensor {
            static DEF: OpDef = OpDef { class: $class, module: "numpy", call: $call };
            apply(&DEF, Inputs::new(x), axis_config(&axis.into(), keepdims))
        }
    )*};
}

reductions! {
    /// The sum along axes.
    sum, "Sum", |i, c| reduce_call(i, c, Reduction::Sum);
    /// The product along axes.
    prod, "Prod", |i, c| reduce_call(i, c, Reduction::Product);
    /// The largest element along axes; NaN wins.
    max, "Max", |i, c| reduce_call(i, c, Reduction::Max);
    /// The smallest element along axes; NaN wins.
    min, "Min", |i, c| reduce_call(i, c, Reduction::Min);
}
