//! What elementwise merging layers share.

use refrain_graph::{BinaryOp, Dim, Shape};

use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::ops::{self, prim};
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The inputs, which must come as a list.
pub(super) fn listed(inputs: &Inputs) -> Result<Vec<&Tensor>> {
    let first = inputs.first()?;
    let tensors = first.flatten();
    if matches!(first, Structure::Leaf(_)) || tensors.is_empty() {
        let received = match tensors.first() {
            Some(t) => format!("one tensor of shape {}", t.shape()),
            None => "an empty list".to_owned(),
        };
        return Err(
            Error::mismatch(ErrorKind::Structure, "a list of tensors", received)
                .hint("Give it several: `.call([&a, &b])`"),
        );
    }
    Ok(tensors)
}

/// "(None, 10) and (None, 7)".
pub(super) fn shapes(xs: &[&Tensor]) -> String {
    let shapes: Vec<String> = xs.iter().map(|x| x.shape().to_string()).collect();
    shapes.join(" and ")
}

/// The inputs with axes of size 1 after the batch until all have one rank, their masks kept where nothing changed.
pub(super) fn aligned(inputs: &Inputs) -> Result<Vec<Tensor>> {
    let xs = listed(inputs)?;
    let rank = xs.iter().map(|x| x.rank()).max().unwrap_or(0);
    let aligned = xs.iter().map(|x| {
        let shape = x.shape();
        if shape.rank() == rank || shape.rank() == 0 {
            return Ok((*x).clone());
        }
        let mut dims: Vec<Dim> = shape.dims().to_vec();
        dims.splice(1..1, vec![Some(1); rank - shape.rank()]);
        prim::reshape(x, dims)
    });
    let aligned = aligned.collect::<Result<Vec<_>>>()?;
    check_shapes(&aligned, &xs)?;
    Ok(aligned)
}

/// All axes must agree or have size 1: a constant may stand once for all samples.
fn check_shapes(aligned: &[Tensor], originals: &[&Tensor]) -> Result<()> {
    let incompatible = |what: &str| {
        Err(Error::mismatch(
            ErrorKind::Shape,
            what,
            format!("shapes {}", shapes(originals)),
        ))
    };
    let mut batches = aligned.iter().filter_map(|x| x.dim(0)).filter(|&b| b != 1);
    if let Some(first) = batches.next()
        && batches.any(|b| b != first)
    {
        return incompatible("inputs of one batch size");
    }
    let rest = |x: &Tensor| Shape::from(x.shape().dims().get(1..).unwrap_or(&[]));
    let mut common = Shape::scalar();
    for x in aligned {
        match prim::broadcast_shapes(&common, &rest(x)) {
            Ok(shape) => common = shape,
            Err(_) => return incompatible("inputs whose axes have equal sizes or size 1"),
        }
    }
    Ok(())
}

/// Combines the inputs one after the other.
pub(super) fn fold(op: BinaryOp, inputs: &Inputs) -> Result<Tensor> {
    let mut xs = aligned(inputs)?.into_iter();
    let first = xs.next();
    let first =
        first.ok_or_else(|| Error::mismatch(ErrorKind::Structure, "input tensors", "none"))?;
    xs.try_fold(first, |total, x| prim::binary(op, &total, &x))
}

/// A mask over the steps as one over the elements of `x`.
pub(super) fn mask_of(x: &Tensor) -> Result<Option<Tensor>> {
    let Some(mask) = x.mask() else {
        return Ok(None);
    };
    let mut dims: Vec<Dim> = mask.shape().dims().to_vec();
    while dims.len() < x.rank() {
        dims.push(Some(1));
    }
    let column = prim::reshape(&mask, dims)?;
    prim::broadcast_to(&column, &x.shape()).map(Some)
}

/// As [`fold`] for functions without a neutral element: where an input is masked, the others count alone.
pub(super) fn fold_unmasked(op: BinaryOp, inputs: &Inputs) -> Result<Tensor> {
    let mut total: Option<(Tensor, Option<Tensor>)> = None;
    for x in aligned(inputs)? {
        let mask = mask_of(&x)?;
        let Some((output, output_mask)) = total else {
            total = Some((x, mask));
            continue;
        };
        let x = match &mask {
            Some(mask) => prim::select(mask, &x, &output)?,
            None => x,
        };
        let output = match &output_mask {
            Some(mask) => prim::select(mask, &output, &x)?,
            None => output,
        };
        let either = match (mask, output_mask) {
            (Some(a), Some(b)) => Some(prim::binary(BinaryOp::Or, &a, &b)?),
            _ => None,
        };
        total = Some((prim::binary(op, &output, &x)?, either));
    }
    match total {
        Some((output, _)) => Ok(output.with_mask(None)),
        None => Err(Error::mismatch(
            ErrorKind::Structure,
            "input tensors",
            "none",
        )),
    }
}

/// A step counts if it counts in any input; no mask if any input has none. In Keras 2 it counts if it counts in all inputs
/// that have a mask.
pub(super) fn combined_mask(inputs: &Inputs, keras2: bool) -> Result<Option<Tensor>> {
    let masks = listed(inputs)?.into_iter().map(Tensor::mask);
    let masks: Vec<Option<Tensor>> = masks.filter(|mask| !keras2 || mask.is_some()).collect();
    let masks: Option<Vec<Tensor>> = masks.into_iter().collect();
    let combined = masks.into_iter().flatten().reduce(|a, b| match keras2 {
        true => ops::logical_and(&a, &b),
        false => ops::logical_or(&a, &b),
    });
    combined.map(|mask| mask.checked()).transpose()
}

/// What is called in Keras 2, whose merging layers leave masked values as they are.
pub(super) fn without_masks(inputs: &Inputs) -> Result<Inputs> {
    inputs.first()?;
    inputs.try_map(|x| Ok(x.with_mask(None)))
}

/// Declares an elementwise merging layer and the function that makes and calls it; `$keras2` is its rule for masks in Keras 2.
macro_rules! merge_layer {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident, $class:literal, $keras2:ident,
        $(#[$function_meta:meta])* $function:ident, $call:expr
    ) => {
        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                /// Whether masked values count and masks combine as in Keras 2: a step counts where it counts in all inputs
                /// that have a mask. Files cannot hold it.
                keras2_masks: bool = false,
            }
        }

        impl $alias {
            /// The layer.
            pub fn new() -> Self {
                $crate::layers::Layer::into_layer($options::default())
            }
        }

        impl Default for $alias {
            fn default() -> Self {
                Self::new()
            }
        }

        impl $crate::layers::Layer for $options {
            type Output = $crate::Tensor;

            fn class_name(&self) -> &str {
                $class
            }

            fn config(&self) -> $crate::config::Config {
                let mut config = self.to_config();
                config.retain(|key, _| self.keras2_masks || key != $crate::layers::merging::KERAS2_MASKS);
                config
            }

            fn properties(&self) -> $crate::layers::Properties {
                $crate::layers::Properties {
                    merging: match self.keras2_masks {
                        true => $crate::layers::MaskMerging::$keras2,
                        false => $crate::layers::MaskMerging::Keras3,
                    },
                    own_options: &[$crate::layers::merging::KERAS2_MASKS],
                    ..$crate::layers::Properties::default()
                }
            }

            fn call(
                &self,
                _cx: &$crate::layers::Call,
                inputs: &$crate::Inputs,
            ) -> $crate::Result<$crate::Tensor> {
                let call: fn(&$crate::Inputs) -> $crate::Result<$crate::Tensor> = $call;
                match self.keras2_masks {
                    true => call(&$crate::layers::merging::base_merge::without_masks(inputs)?),
                    false => call(inputs),
                }
            }

            fn compute_mask(
                &self,
                _cx: &$crate::layers::Call,
                inputs: &$crate::Inputs,
                _outputs: &[$crate::Tensor],
            ) -> $crate::Result<Vec<Option<$crate::Tensor>>> {
                let keras2 = self.keras2_masks;
                Ok(vec![$crate::layers::merging::base_merge::combined_mask(inputs, keras2)?])
            }

            fn supports_masking(&self) -> bool {
                true
            }

            fn duplicate(&self) -> Option<Self> {
                Some(self.clone())
            }
        }

        $(#[$function_meta])*
        pub fn $function(
            inputs: impl Into<$crate::Structure<$crate::Tensor>>,
        ) -> $crate::Result<$crate::Tensor> {
            $alias::new().call($crate::Inputs::new(inputs))
        }
    };
}

pub(super) use merge_layer;
