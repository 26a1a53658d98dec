//! What most programs use: `use refrain::prelude::*;`.
//!
//! All layers, [`ops`], models, optimizers, losses, metrics and callbacks. [`Activation`] is the function, an option of layers;
//! the layer of that name is [`layers::Activation`](crate::layers::Activation). [`Error`](crate::Error) and
//! [`Result`](crate::Result) are not among them, so that those of the standard library stay what they are.
//!
//! ```
//! use refrain::prelude::*;
//! let x = input([28, 28, 1]);
//! let features = Flatten::new().call(&Conv2D::new(8, 3).activation(Activation::Relu).call(&x)?)?;
//! let model = Model::new(&x, &Dense::new(10).activation(Activation::Softmax).call(&features)?)?;
//! model.compile(Adam::new(1e-3), Loss::SparseCategoricalCrossentropy).metrics([Metric::Accuracy]).run()?;
//! # Ok::<(), refrain::Error>(())
//! ```

pub use crate::activations::Activation;
pub use crate::callbacks::*;
pub use crate::constraints::Constraint;
pub use crate::initializers::{Initializer, set_random_seed};
pub use crate::layers::*;
pub use crate::losses::Loss;
pub use crate::metrics::Metric;
pub use crate::optimizers::*;
pub use crate::regularizers::Regularizer;
pub use crate::{DType, Inputs, Model, Sequential, Tensor, load_model, ops};
