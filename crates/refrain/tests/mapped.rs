//! Arrays that are mapped from a file train as those in memory do, and are never all in memory. Memory is counted for the
//! whole process, so this test is alone.

#[path = "common/allocated.rs"]
mod allocated;

use std::fs::{File, OpenOptions};

use memmap2::{Mmap, MmapMut};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};
use ndarray_npy::{ViewMutNpyExt, ViewNpyExt, write_zeroed_npy};
use refrain::losses::Loss;
use refrain::optimizers::Adam;
use refrain::training::Verbose;
use refrain::{Literal, Model, Result, input, layers::Dense};

/// The most memory that a function takes beyond what is held before.
fn peak<T>(run: impl FnOnce() -> Result<T>) -> Result<usize> {
    let (given, most) = allocated::peak(run);
    given.map(|_| most)
}

const SHAPE: [usize; 2] = [200_000, 64];
const BYTES: usize = SHAPE[0] * SHAPE[1] * size_of::<f32>();

fn fill(mut x: ArrayViewMut2<'_, f32>) {
    for (i, value) in x.iter_mut().enumerate() {
        *value = (i * 31 % 97) as f32 / 97.0;
    }
}

fn model() -> Result<Model> {
    let x = input([SHAPE[1]]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    let kernel = Literal::new(vec![SHAPE[1], 1], vec![0.01f32; SHAPE[1]]).expect("a literal");
    model.weights()[0].assign(kernel)?;
    model
        .compile(Adam::new(0.01), Loss::MeanSquaredError)
        .run()?;
    Ok(model)
}

fn weights(model: &Model) -> Vec<Literal> {
    model
        .weights()
        .iter()
        .map(|w| w.value().expect("a value"))
        .collect()
}

#[test]
#[allow(unsafe_code)]
fn mapped_arrays_are_read_a_batch_at_a_time() -> Result<()> {
    let path = std::env::temp_dir().join(format!("refrain-mapped-{}.npy", std::process::id()));
    write_zeroed_npy::<f32, _>(&File::create_new(&path).unwrap(), SHAPE).unwrap();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    // SAFETY: nobody else has the file.
    let mut written = unsafe { MmapMut::map_mut(&file) }.unwrap();
    fill(ArrayViewMut2::view_mut_npy(&mut written).unwrap());
    drop(written);
    // SAFETY: as above, and nothing is written from here on.
    let mapped = unsafe { Mmap::map(&file) }.unwrap();
    let x = ArrayView2::<f32>::view_npy(&mapped).unwrap();
    let y = x.mean_axis(Axis(1)).expect("columns");

    let fit = |model: &Model, x: ArrayView2<'_, f32>| {
        let fit = model.fit(x, &y).epochs(2).batch_size(250).seed(3);
        fit.verbose(Verbose::Silent).run()
    };
    let (by_file, by_memory) = (model()?, model()?);
    let taken = peak(|| fit(&by_file, x))?;
    assert!(taken < BYTES / 4, "{taken} of {BYTES} bytes");
    let taken = peak(|| {
        let batches = x.axis_chunks_iter(Axis(0), 250);
        by_file
            .predict_batches(batches)
            .try_for_each(|y| y.map(drop))
    })?;
    assert!(taken < BYTES / 4, "{taken} of {BYTES} bytes");

    let mut copy = Array2::zeros(SHAPE);
    fill(copy.view_mut());
    fit(&by_memory, copy.view())?;
    assert_eq!(weights(&by_file), weights(&by_memory));
    drop(mapped);
    std::fs::remove_file(path).unwrap();
    Ok(())
}
