//! The most that this machine can do, as a line of JSON: multiply-adds on registers and bytes from and to memory, each second,
//! with one thread and with all. Built with `-C target-cpu=native`, or the compiler does not use the widest registers.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

/// Floats that stay in the first cache.
const NEAR: usize = 4096;
/// Multiply-adds of a float between its load and its store: enough to hide both, and few enough that the processor works on several
/// registers of floats at a time.
const CHAIN: usize = 16;
/// Passes over the near floats in a repeat: some 50 ms.
const PASSES: usize = 80_000;
/// Floats of each array: 128 MB, more than any cache.
const ARRAY: usize = 32 << 20;
/// Repeats, of which the best counts.
const REPEATS: usize = 7;

fn multiply_add(floats: &mut [f32], factor: f32) {
    for float in floats {
        for _ in 0..CHAIN {
            *float = float.mul_add(factor, 0.25);
        }
    }
}

/// Seconds of the best repeat in which all threads do `work` on what they `prepare`.
fn best<T>(threads: usize, prepare: impl Fn() -> T + Sync, work: impl Fn(&mut T) + Sync) -> f64 {
    let barrier = Barrier::new(threads);
    let repeats = |_: usize| {
        let mut prepared = prepare();
        let repeat = |_| {
            barrier.wait();
            let start = Instant::now();
            work(&mut prepared);
            barrier.wait();
            start.elapsed().as_secs_f64()
        };
        (0..REPEATS).map(repeat).fold(f64::INFINITY, f64::min)
    };
    thread::scope(|scope| {
        let repeats = &repeats;
        let running: Vec<_> = (0..threads)
            .map(|i| scope.spawn(move || repeats(i)))
            .collect();
        let seconds = running
            .into_iter()
            .map(|thread| thread.join().expect("arithmetic does not panic"));
        seconds.fold(0.0, f64::max)
    })
}

fn flops(threads: usize) -> f64 {
    let work = |floats: &mut Vec<f32>| {
        for _ in 0..PASSES {
            multiply_add(black_box(floats), black_box(0.5));
        }
    };
    let seconds = best(threads, || vec![0.5; NEAR], work);
    (2 * NEAR * CHAIN * PASSES * threads) as f64 / seconds
}

/// `a = b + 0.5 · c`: two arrays are read, one is written.
fn bandwidth(threads: usize) -> f64 {
    let n = ARRAY / threads;
    let prepare = || [vec![1f32; n], vec![2f32; n], vec![3f32; n]];
    let work = |[a, b, c]: &mut [Vec<f32>; 3]| {
        for ((a, b), c) in a.iter_mut().zip(b.iter()).zip(c.iter()) {
            *a = 0.5f32.mul_add(*c, *b);
        }
        black_box(a.last());
    };
    (3 * n * threads * size_of::<f32>()) as f64 / best(threads, prepare, work)
}

fn main() {
    let all = thread::available_parallelism().map_or(1, usize::from);
    let mut counts = vec![1, all];
    counts.dedup();
    let peak = |&threads: &usize| {
        format!(
            r#"{{"threads": {threads}, "flops": {:e}, "bandwidth": {:e}}}"#,
            flops(threads),
            bandwidth(threads)
        )
    };
    let peaks: Vec<String> = counts.iter().map(peak).collect();
    println!(r#"{{"peaks": [{}]}}"#, peaks.join(", "));
}
