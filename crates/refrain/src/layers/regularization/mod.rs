//! Regularization: noise while fitting, and penalties.

mod activity_regularization;
mod alpha_dropout;
mod dropout;
mod gaussian_dropout;
mod gaussian_noise;
pub(crate) mod noise;
mod spatial_dropout1d;
mod spatial_dropout2d;
mod spatial_dropout3d;

pub use activity_regularization::{ActivityRegularization, ActivityRegularizationOptions};
pub use alpha_dropout::{AlphaDropout, AlphaDropoutOptions};
pub use dropout::{Dropout, DropoutOptions};
pub use gaussian_dropout::{GaussianDropout, GaussianDropoutOptions};
pub use gaussian_noise::{GaussianNoise, GaussianNoiseOptions};
pub use spatial_dropout1d::{SpatialDropout1D, SpatialDropout1DOptions};
pub use spatial_dropout2d::{SpatialDropout2D, SpatialDropout2DOptions};
pub use spatial_dropout3d::{SpatialDropout3D, SpatialDropout3DOptions};

crate::layers::registry::rows! {
    "ActivityRegularization" => ActivityRegularizationOptions,
    "AlphaDropout" => AlphaDropoutOptions,
    "Dropout" => DropoutOptions,
    "GaussianDropout" => GaussianDropoutOptions,
    "GaussianNoise" => GaussianNoiseOptions,
    "SpatialDropout1D" => SpatialDropout1DOptions,
    "SpatialDropout2D" => SpatialDropout2DOptions,
    "SpatialDropout3D" => SpatialDropout3DOptions,
}
