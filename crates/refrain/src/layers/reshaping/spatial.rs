//! What layers without weights that change the sizes of spatial axes share.

/// Declares such a layer for a number of spatial axes; `$call` gets its options and the input.
macro_rules! spatial_layer {
    (
        $(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal,
        { $(#[doc = $doc:literal])* $field:ident : $ty:ty = $default:expr, $($rest:tt)* },
        $(validate: $validate:expr,)? $(may_return_input: $same:literal,)?
        new: $new:ty, call: $call:expr
    ) => {
        use crate::error::Result;
        use crate::inputs::Inputs;
        use crate::layers::{Call, InputSpec, Layer};
        use crate::tensor::Tensor;

        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                $(#[doc = $doc])* $field: $ty = $default,
                $($rest)*
            }
        }

        impl $alias {
            #[doc = concat!("A layer of this `", stringify!($field), "`.")]
            pub fn new($field: $new) -> Self {
                $options::default().into_layer().$field($field)
            }
        }

        impl Layer for $options {
            type Output = Tensor;

            $crate::layers::layer_methods!(stringify!($alias));

            $(fn properties(&self) -> $crate::layers::Properties {
                $crate::layers::Properties {
                    may_return_input: $same,
                    ..$crate::layers::Properties::reshaping()
                }
            })?

            $(fn validate(&self) -> Result<()> {
                $validate(self)
            })?

            fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
                let x = inputs.one()?;
                InputSpec::new().ndim($rank + 2).check(self.class_name(), &x.spec())?;
                $call(self, x)
            }
        }
    };
}

pub(super) use spatial_layer;
