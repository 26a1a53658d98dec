//! After the first step a fit allocates nothing, the copying of batches included.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ndarray::Array2;
use refrain::activations::Activation;
use refrain::callbacks::{Callback, TrainContext};
use refrain::layers::Dense;
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Adam;
use refrain::training::{Logs, Verbose};
use refrain::{Model, Result, input};

struct Counting;

static WATCHED: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code)]
// SAFETY: every call is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if WATCHED.load(Ordering::Relaxed) {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts from the third step of each epoch to the last.
struct Watch;

impl Callback for Watch {
    fn on_train_batch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        batch: usize,
        _: &mut Logs,
    ) -> Result<()> {
        WATCHED.store(batch >= 2 && batch + 1 < cx.steps(), Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn steps_allocate_nothing() -> Result<()> {
    let (left, right) = (input([16]), input([16]));
    let shared = Dense::new(32).activation(Activation::Relu);
    let difference = (shared.call(&left)? - shared.call(&right)?).abs();
    let y = Dense::new(1)
        .activation(Activation::Sigmoid)
        .call(&difference)?;
    let model = Model::new([&left, &right], &y)?;
    model
        .compile(Adam::new(1e-3), Loss::BinaryCrossentropy)
        .metrics([Metric::Accuracy])
        .run()?;
    let data = |seed: usize| {
        Array2::from_shape_fn((640, 16), |(i, j)| {
            ((i * 31 + j * 17 + seed) % 13) as f32 / 13.0
        })
    };
    let (a, b) = (data(1), data(2));
    let labels: Vec<i32> = (0..640).map(|i| i % 2).collect();
    let fit = model
        .fit([&a, &b], &labels)
        .epochs(2)
        .batch_size(32)
        .verbose(Verbose::Silent);
    fit.callback(Watch).run()?;
    assert!(!WATCHED.load(Ordering::Relaxed));
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), 0);
    Ok(())
}
