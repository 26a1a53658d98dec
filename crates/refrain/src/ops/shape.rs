//! Shapes: reshape, transpose, slices, …

use serde_json::Value as Json;

use super::{OpDef, apply, prim};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Config, unexpected};
use crate::tensor::{Tensor, resolve_axis};

/// Another order of axes; `None` reverses them.
pub fn transpose(x: &Tensor, axes: Option<&[i64]>) -> Tensor {
    static DEF: OpDef = OpDef {
        class: "Transpose",
        module: "numpy",
        call: |inputs, config| {
            let x = inputs.one()?;
            let perm = match config.get("axes") {
                None | Some(Json::Null) => (0..x.rank()).rev().collect(),
                Some(json) => permutation(json, x.rank())?,
            };
            Ok(prim::transpose(x, &perm)?.into())
        },
    };
    let mut config = Config::new();
    config.insert(
        "axes".to_owned(),
        axes.map_or(Json::Null, |a| a.to_vec().into()),
    );
    apply(&DEF, Inputs::new(x), config)
}

fn permutation(json: &Json, rank: usize) -> Result<Vec<usize>> {
    let axes = json
        .as_array()
        .ok_or_else(|| unexpected("a list of axes", json))?;
    let perm = axes
        .iter()
        .map(|a| resolve_axis(a.as_i64().ok_or_else(|| unexpected("an axis", a))?, rank))
        .collect::<Result<Vec<_>>>()?;
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if sorted.into_iter().ne(0..rank) {
        let expected = format!("each of {rank} axes once");
        return Err(Error::mismatch(
            ErrorKind::Shape,
            expected,
            json.to_string(),
        ));
    }
    Ok(perm)
}
