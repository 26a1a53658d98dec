//! What layers share that mix the samples of a batch, images and labels.

use refrain_graph::Dim;

use super::{Augmentation, Draws};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::Call;
use crate::ops::image::check_rank;
use crate::ops::{self, as_float, gather_axis, prim};
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The numbers below that of the samples, in any order.
pub(super) fn order(cx: &Call, samples: Dim) -> Result<Tensor> {
    ops::argsort(&cx.random_uniform(vec![samples])?, 0).checked()
}

/// How a layer mixes images, each with another of the batch.
pub(super) trait Mixing: Augmentation {
    /// The order of the others, and the share of each image, `(batch, 1)`.
    fn shares(&self, x: &Tensor, drawn: &[Tensor]) -> Result<(Tensor, Tensor)>;
}

/// What a layer makes of images, or of a dict of `images` and `labels`.
pub(super) fn mixed(layer: &dyn Mixing, cx: &Call, inputs: &Inputs) -> Result<Structure<Tensor>> {
    let given = inputs.first()?;
    let (x, labels) = taken(given)?;
    let x = prim::convert(x, cx.layer.dtype())?;
    let labels = labels.map(as_float).transpose()?;
    check_rank(&x)?;
    let (x, labels) = match cx.training() && x.rank() == 4 {
        true => {
            let drawn = layer.draw(&Draws { cx, x: &x })?;
            let (order, share) = layer.shares(&x, &drawn)?;
            let labels = labels.map(|labels| mixed_labels(&labels, &order, &share));
            let changed = layer.transform(&x, &drawn)?.checked()?;
            (prim::convert(&changed, x.dtype())?, labels.transpose()?)
        }
        false => (x, labels),
    };
    Ok(match given {
        Structure::Dict(_) => {
            let labels = labels.map(|labels| ("labels", Structure::Leaf(labels)));
            Structure::dict([("images", Structure::Leaf(x))].into_iter().chain(labels))
        }
        _ => x.into(),
    })
}

fn taken(given: &Structure<Tensor>) -> Result<(&Tensor, Option<&Tensor>)> {
    let expected = || {
        let expected = "images, or a dict of `images` and `labels`";
        Error::mismatch(ErrorKind::Structure, expected, "another structure")
    };
    let Structure::Dict(items) = given else {
        return Ok((given.single().ok_or_else(expected)?, None));
    };
    if let Some(other) = items
        .keys()
        .find(|key| !["images", "labels"].contains(&key.as_str()))
    {
        let message = format!("`{other}` beside images");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let tensor = |key: &str| items.get(key).and_then(Structure::single);
    Ok((tensor("images").ok_or_else(expected)?, tensor("labels")))
}

/// Labels `(batch, classes)`, mixed as their images are.
fn mixed_labels(labels: &Tensor, order: &Tensor, share: &Tensor) -> Result<Tensor> {
    if labels.rank() != 2 {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "labels of shape (batch, classes)",
            format!("shape {}", labels.shape()),
        ));
    }
    let others = gather_axis(labels, order, 0)?;
    let mixed = (share * labels + (1.0 - share) * others).checked()?;
    prim::convert(&mixed, labels.dtype())
}

/// A number for each image, `(batch, 1, 1, 1)`, as one for each of its labels.
pub(super) fn of_labels(share: &Tensor) -> Result<Tensor> {
    ops::squeeze(share, [-1, -2]).checked()
}

/// Declares a layer of a [`Mixing`]: options, constructor, the layer.
macro_rules! mixing {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident { $($fields:tt)* }
    ) => {
        use super::mixing::{Mixing, mixed};
        use super::{Augmentation, Draws};
        use crate::config::Config;
        use crate::error::Result;
        use crate::inputs::Inputs;
        use crate::layers::{Build, Call, DataFormat, Layer, layer_options};
        use crate::structure::Structure;
        use crate::tensor::Tensor;

        layer_options! {
            $(#[$meta])*
            $alias, $options {
                /// Where the channels are.
                data_format: DataFormat = DataFormat::ChannelsLast,
                /// Seed of the random numbers, with which the layer draws the same in each process.
                seed: Option<u64> = None,
                $($fields)*
            }
        }

        impl $alias {
            /// A layer with the defaults of all options.
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                $options::default().into_layer()
            }
        }

        impl Layer for $options {
            type Output = Structure<Tensor>;

            fn class_name(&self) -> &str {
                stringify!($alias)
            }

            fn config(&self) -> Config {
                self.to_config()
            }

            fn validate(&self) -> Result<()> {
                self.check()
            }

            fn build(&self, cx: &mut Build) -> Result<()> {
                cx.add_seed(self.seed);
                Ok(())
            }

            fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Structure<Tensor>> {
                mixed(self, cx, inputs)
            }

            fn duplicate(&self) -> Option<Self> {
                Some(self.clone())
            }
        }
    };
}

pub(super) use mixing;
