//! What pooling layers share.

use crate::config::{OptionalSizes, Sizes};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::{DataFormat, Padding};
use crate::ops::PoolOptions;

/// The function's options from a layer's.
pub(super) fn pool_options<const N: usize>(
    pool_size: Sizes<N>,
    strides: OptionalSizes<N>,
    padding: Padding,
    data_format: DataFormat,
) -> PoolOptions {
    PoolOptions::new(pool_size.0)
        .strides(strides.0.unwrap_or(pool_size).0)
        .padding(padding)
        .data_format(data_format)
}

/// Refuses sizes of zero, and padding that pooling does not have.
pub(super) fn validate<const N: usize>(
    pool_size: Sizes<N>,
    strides: OptionalSizes<N>,
    padding: Padding,
) -> Result<()> {
    let error = |option: &str, expected: &str, received: String| {
        let expected = format!("{expected} for option `{option}`");
        Err(Error::mismatch(ErrorKind::Config, expected, received))
    };
    for (option, sizes) in [
        ("pool_size", pool_size.0),
        ("strides", strides.0.unwrap_or(pool_size).0),
    ] {
        if sizes.contains(&0) {
            return error(option, "positive sizes", format!("{sizes:?}"));
        }
    }
    match padding {
        Padding::Causal => error("padding", "Valid or Same", "Causal".to_owned()),
        _ => Ok(()),
    }
}

/// Declares a pooling layer of a number of spatial dimensions.
macro_rules! pooling_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal, $kind:expr) => {
        use crate::error::Result;
        use crate::inputs::Inputs;
        use crate::layers::pooling::base_pooling;
        use crate::config::{Config, ConfigValue, OptionalSizes, Sizes};
use crate::layers::{Build, Call, DataFormat, InputSpec, Layer, Padding};
        use crate::ops;
        use crate::tensor::Tensor;

        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                /// Size of the pooling window along each spatial axis: one number, or one for each.
                pool_size: Sizes<$rank> = Sizes::from(2),
                /// Stride of the pooling window along each spatial axis; `pool_size` by default.
                strides: OptionalSizes<$rank> = OptionalSizes::default(),
                /// `Valid`: windows stay inside the input. `Same`: zeros are added evenly, so that at stride 1 the output has
                /// the size of the input.
                padding: Padding = Padding::Valid,
                /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
                data_format: DataFormat = DataFormat::ChannelsLast,
            }
        }

        impl $alias {
            /// A layer with a window of this size that moves by its own size.
            pub fn new(pool_size: impl Into<Sizes<$rank>>) -> Self {
                let pool_size = pool_size.into();
                $options { pool_size, ..$options::default() }.into_layer()
            }
        }

        impl Layer for $options {
            type Output = Tensor;

            fn class_name(&self) -> &str {
                stringify!($alias)
            }

            fn config(&self) -> Config {
                let mut config = self.to_config();
                let strides = self.strides.0.unwrap_or(self.pool_size);
                config.insert("strides".to_owned(), strides.to_json());
                config
            }

            fn validate(&self) -> Result<()> {
                base_pooling::validate(self.pool_size, self.strides, self.padding)
            }

            fn build(&self, cx: &mut Build) -> Result<()> {
                cx.set_input_spec(InputSpec::new().ndim($rank + 2));
                Ok(())
            }

            fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
                let options = base_pooling::pool_options(
                    self.pool_size,
                    self.strides,
                    self.padding,
                    self.data_format,
                );
                ops::pool(inputs.one()?, $kind, &options)
            }

            fn duplicate(&self) -> Option<Self> {
                Some(self.clone())
            }
        }
    };
}

pub(super) use pooling_layer;
