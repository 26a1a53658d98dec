//! What adaptive pooling layers share.

/// Declares an adaptive pooling layer of a number of spatial dimensions.
macro_rules! adaptive_pooling_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal, $kind:expr) => {
        use crate::config::Sizes;
        use crate::error::{Error, ErrorKind, Result};
        use crate::inputs::Inputs;
        use crate::layers::{Build, Call, DataFormat, InputSpec, Layer};
        use crate::ops;
        use crate::tensor::Tensor;

        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                /// Number of windows along each spatial axis.
                output_size: Sizes<$rank> = Sizes::from(1),
                /// Where the channels are.
                data_format: DataFormat = DataFormat::ChannelsLast,
            }
        }

        impl $alias {
            /// A layer with so many windows along each spatial axis.
            pub fn new(output_size: impl Into<Sizes<$rank>>) -> Self {
                let output_size = output_size.into();
                $options { output_size, ..$options::default() }.into_layer()
            }
        }

        impl Layer for $options {
            type Output = Tensor;

            $crate::layers::layer_methods!(stringify!($alias));

            fn validate(&self) -> Result<()> {
                let sizes = self.output_size.0;
                match sizes.contains(&0) {
                    true => Err(Error::mismatch(
                        ErrorKind::Config,
                        "positive sizes for option `output_size`",
                        format!("{sizes:?}"),
                    )),
                    false => Ok(()),
                }
            }

            fn build(&self, cx: &mut Build) -> Result<()> {
                cx.set_input_spec(InputSpec::new().ndim($rank + 2));
                Ok(())
            }

            fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
                ops::adaptive_pool(inputs.one()?, $kind, &self.output_size.0, self.data_format)
            }
        }
    };
}

pub(super) use adaptive_pooling_layer;
