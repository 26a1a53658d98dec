//! What global pooling layers share.

use refrain_graph::{BinaryOp, Reduction};

use crate::error::Result;
use crate::ops::{mean_of, prim, reduce};
use crate::tensor::Tensor;

/// Declares a global pooling layer of a number of spatial dimensions; `$masks` says whether it uses a mask; `$call` gets the input, the spatial axes,
/// `keepdims` and the mask.
macro_rules! global_pooling_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal, masks: $masks:literal, $call:expr) => {
        use crate::error::Result;
        use crate::inputs::Inputs;
        use crate::layers::{Build, Call, DataFormat, InputSpec, Layer, Properties};
        use crate::tensor::Tensor;

        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
                data_format: DataFormat = DataFormat::ChannelsLast,
                /// Whether the pooled spatial axes stay with size 1.
                keepdims: bool = false,
            }
        }

        impl $alias {
            /// A layer for channels last.
            pub fn new() -> Self {
                $options::default().into_layer()
            }
        }

        impl Default for $alias {
            fn default() -> Self {
                Self::new()
            }
        }

        impl Layer for $options {
            type Output = Tensor;

            $crate::layers::layer_methods!(stringify!($alias));

            fn properties(&self) -> Properties {
                Properties {
                    arguments: match $masks {
                        true => &["inputs", "mask"],
                        false => &["inputs"],
                    },
                    ..Properties::default()
                }
            }

            fn build(&self, cx: &mut Build) -> Result<()> {
                cx.set_input_spec(InputSpec::new().ndim($rank + 2));
                Ok(())
            }

            fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
                let first = self.data_format.first_spatial_axis();
                let axes: Vec<usize> = (first..first + $rank).collect();
                $call(inputs.one()?, &axes, self.keepdims, inputs.mask_at(1))
            }

            fn supports_masking(&self) -> bool {
                $masks
            }

            /// One element of each sequence or image is left: masks end here.
            fn compute_mask(
                &self,
                _cx: &Call,
                _inputs: &Inputs,
                outputs: &[Tensor],
            ) -> Result<Vec<Option<Tensor>>> {
                Ok(vec![None; outputs.len()])
            }
        }
    };
}

/// The mean over the steps that a mask keeps, or over all.
pub(super) fn mean_over_steps(
    x: &Tensor,
    axes: &[usize],
    keepdims: bool,
    mask: Option<Tensor>,
) -> Result<Tensor> {
    let Some(mask) = mask else {
        return mean_of(x, axes, keepdims);
    };
    let shape = (0..3).map(|axis| match axis {
        0 => mask.dim(0),
        axis if axes.contains(&axis) => mask.dim(1),
        _ => Some(1),
    });
    let mask = prim::reshape(&mask, shape.collect::<Vec<_>>())?;
    let kept = prim::select(&mask, x, &prim::constant_like(x, 0.0)?)?;
    let sum = reduce(&kept, Reduction::Sum, axes, keepdims)?;
    let ones = prim::convert(&mask, x.dtype())?;
    let count = reduce(&ones, Reduction::Sum, axes, keepdims)?;
    prim::binary(BinaryOp::Divide, &sum, &count)
}

pub(super) use global_pooling_layer;
