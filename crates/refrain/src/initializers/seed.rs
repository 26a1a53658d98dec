//! Seeds.

use std::cell::RefCell;

use refrain_graph::philox::Philox;
use serde_json::Value as Json;

use crate::config::{ConfigValue, unexpected};
use crate::error::Result;

/// The seed of an initializer, or none: then the next of the thread's counts, at each call another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seed(Option<u64>);

impl Seed {
    /// None.
    pub const NONE: Seed = Seed(None);

    /// A generator with this seed, or the next of this thread.
    pub(super) fn rng(self) -> Philox {
        Philox::new(self.0.unwrap_or_else(next_seed))
    }
}

impl From<u64> for Seed {
    fn from(seed: u64) -> Self {
        Seed(Some(seed))
    }
}

impl ConfigValue for Seed {
    fn to_json(&self) -> Json {
        self.0.to_json()
    }

    /// A whole number; none for Keras's generators of seeds.
    fn from_json(json: &Json) -> Result<Self> {
        let number = json.as_u64().or(json.as_i64().map(|seed| seed as u64));
        match number.is_some() || json.is_null() || json.is_object() {
            true => Ok(Seed(number)),
            false => Err(unexpected("a seed", json)),
        }
    }
}

thread_local! {
    static SEEDS: RefCell<Philox> = RefCell::new(Philox::new(fresh_seed()));
}

/// A seed that differs between runs.
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}

/// Makes everything random on this thread (first weights, dropout, shuffling) a function of this seed.
///
/// The seed counts for the thread that calls: another thread draws from a seed of its own, which differs in each run until
/// the function is called there too. So what other threads do, and in which order, never changes the numbers of this one.
/// (Keras's `keras.utils.set_random_seed` is one seed for the whole process.) What a layer or a model has drawn goes with
/// it: a model made under a seed starts with the same weights and drops the same elements, whichever thread trains it; only
/// the order in which `fit` shuffles is drawn on the thread that calls `fit`, unless it is given a
/// [`seed`](crate::training::Fit::seed).
///
/// ```
/// use refrain::initializers::{Initializer, set_random_seed};
/// use refrain::{input, layers::Dense, layers::Layer};
/// let first_weight = || -> refrain::Result<f64> {
///     let layer = Dense::new(1);
///     layer.call(&input([1]))?;
///     Ok(layer.weights()[0].value()?.to_f64()[0])
/// };
/// set_random_seed(42);
/// let here = first_weight()?;
/// set_random_seed(42);
/// assert_eq!(first_weight()?, here);
/// let there = std::thread::spawn(move || {
///     set_random_seed(42);
///     first_weight()
/// });
/// assert_eq!(there.join().expect("the thread ends")?, here);
/// # Ok::<(), refrain::Error>(())
/// ```
pub fn set_random_seed(seed: u64) {
    SEEDS.set(Philox::new(seed));
}

/// The next seed of this thread.
pub(crate) fn next_seed() -> u64 {
    SEEDS.with_borrow_mut(|p| u64::from(p.next_u32()) << 32 | u64::from(p.next_u32()))
}
