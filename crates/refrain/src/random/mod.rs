//! Random numbers, as `keras.random`.
//!
//! They come from a [`Source`]: a seed, which gives the same numbers each time; a [`SeedGenerator`], which gives others each time; or the
//! [`Call`](crate::layers::Call) of a layer that asked for random numbers in its `build`, whose program draws others in each run. The first
//! two make constants, whose [`value`](crate::Tensor::value) can be read, unless an argument is a tensor of a program.
//!
//! The generator is Philox; the same seed gives the same numbers on every machine and engine, but not those of Keras. Arguments and
//! defaults are Keras's; a `seed` is always given. Numbers have 24 random bits, and no gradients with respect to the parameters of
//! their distribution but for scales and shifts.
//!
//! ```
//! use refrain::{DType, random};
//! let draw = || random::normal([2, 3], 0.0, 1.0, DType::F32, 42);
//! let numbers = draw().value().unwrap().to_f64();
//! assert_eq!(numbers.len(), 6);
//! assert_eq!(draw().value().unwrap().to_f64(), numbers);
//! ```

mod draws;
mod functions;
mod rejection;

pub use draws::{SeedGenerator, Source};
pub(crate) use functions::log_gamma;
pub use functions::*;
