//! A fork-join thread pool for kernels: cheap to enter, never allocates, never deadlocks.

use crate::simd::{Simd, SimdLevel};
use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{JoinHandle, Thread};

/// Rounds that an idle worker looks for work before it sleeps: some 0.5 ms, longer than the gaps between the kernels of
/// a step and between small steps (waking a thread takes 50 µs and more on a virtual machine), and much shorter than what
/// a person notices on the processor meter.
const SPINS_BEFORE_SLEEP: u32 = 20_000;
/// Rounds that a caller waits for the last workers before it lets other threads have the core.
const SPINS_BEFORE_YIELD: u32 = 500;

/// Threads of a pool at most.
const MAX_THREADS: usize = 1024;

/// Set in [`Shared::state`] while workers may enter the job.
const OPEN: u64 = 1 << 31;
/// The bits of [`Shared::state`] that count the workers inside the job.
const INSIDE: u64 = OPEN - 1;
/// One step of the job's number, kept above the other bits of [`Shared::state`].
const JOB: u64 = 1 << 32;

thread_local! {
    /// Whether this thread is running tasks: calls from within run inline.
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
}

/// A job as workers see it; valid while they are counted inside.
#[derive(Clone, Copy)]
struct Job {
    tasks: usize,
    body: *const (dyn Fn(usize) + Sync),
}

/// Counts the tasks that have been taken of one thread's range; in a cache line of its own.
#[repr(align(64))]
#[derive(Default)]
struct Taken(AtomicUsize);

struct Sleeper {
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

struct Shared {
    /// Job number, open bit, number of workers inside.
    state: AtomicU64,
    job: UnsafeCell<Option<Job>>,
    /// For each thread, the caller first, how many tasks of its range have been taken. A thread begins with its own range,
    /// which is the same in jobs of the same size, so that what it left in its core's cache is read there again.
    taken: Vec<Taken>,
    /// Held by the caller whose job is running.
    busy: AtomicBool,
    shutdown: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    sleepers: Vec<Sleeper>,
}

// SAFETY: `job` is written only by the holder of `busy` while no worker is inside and none can enter, and read only
// by workers inside; the closure behind it is `Sync` and outlives them (`Pool::run` waits until all have left).
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer in `job` is not used by whoever moves the value.
unsafe impl Send for Shared {}

/// A fixed set of worker threads and the SIMD level that kernels on it use.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    simd: Simd,
}

impl Pool {
    /// The pool of the process: `REFRAIN_NUM_THREADS` threads, else one per available core.
    pub fn global() -> &'static Pool {
        static GLOBAL: OnceLock<Pool> = OnceLock::new();
        GLOBAL.get_or_init(|| {
            let cores = || std::thread::available_parallelism().map_or(1, usize::from);
            let threads = std::env::var("REFRAIN_NUM_THREADS")
                .ok()
                .and_then(|s| s.trim().parse().ok())
                .filter(|&n| n > 0);
            Pool::new(threads.unwrap_or_else(cores))
        })
    }

    /// A pool of this many threads, 1 to 1024, the caller's included. If the system refuses some, it has fewer.
    pub fn new(threads: usize) -> Pool {
        Pool::with_simd(threads, Simd::native())
    }

    /// A pool whose kernels use this level, or the machine's best if it lacks that.
    pub fn with_level(threads: usize, level: SimdLevel) -> Pool {
        Pool::with_simd(threads, Simd::at_most(level))
    }

    fn with_simd(threads: usize, simd: Simd) -> Pool {
        let threads = threads.clamp(1, MAX_THREADS);
        let helpers = threads - 1;
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            taken: (0..threads).map(|_| Taken::default()).collect(),
            busy: AtomicBool::new(false),
            shutdown: AtomicBool::new(false),
            panic: Mutex::new(None),
            sleepers: (0..helpers)
                .map(|_| Sleeper {
                    asleep: AtomicBool::new(false),
                    thread: OnceLock::new(),
                })
                .collect(),
        });
        let workers = (0..helpers)
            .map_while(|i| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name(format!("refrain-{i}"))
                    .spawn(move || shared.work(i))
                    .ok()
            })
            .collect();
        Pool {
            shared,
            workers,
            simd,
        }
    }

    /// Number of threads, the caller's included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// The SIMD level of kernels on this pool.
    pub fn simd(&self) -> Simd {
        self.simd
    }

    /// Calls `body` with each of `0..tasks`, in any order and on any thread, and returns when all are done.
    ///
    /// Runs inline when called from within a task or while another thread's job has the workers. A panic in a task
    /// is passed on to the caller; tasks not yet begun are then left out.
    pub fn run(&self, tasks: usize, body: &(dyn Fn(usize) + Sync)) {
        let inline = tasks <= 1 || self.workers.is_empty() || IN_TASK.get();
        if inline || self.shared.busy.swap(true, Ordering::Acquire) {
            return (0..tasks).for_each(body);
        }
        let job = Job {
            tasks,
            // SAFETY: only the lifetime changes; the pointer is used only until `close` below has returned.
            body: unsafe {
                std::mem::transmute::<*const (dyn Fn(usize) + Sync), *const (dyn Fn(usize) + Sync)>(
                    body,
                )
            },
        };
        self.shared.open(job);
        IN_TASK.set(true);
        let own = self.shared.take_tasks(job, 0);
        IN_TASK.set(false);
        self.shared.close();
        let panic = self.shared.lock_panic().take();
        self.shared.busy.store(false, Ordering::Release);
        if let Some(payload) = own.err().or(panic) {
            resume_unwind(payload);
        }
    }

    /// Calls `body` with each piece of `data` of `chunk` elements (the last may be shorter) and its number.
    pub fn for_chunks_mut<T: Send>(
        &self,
        data: &mut [T],
        chunk: usize,
        body: impl Fn(usize, &mut [T]) + Sync,
    ) {
        let chunk = chunk.max(1);
        let (len, base) = (data.len(), SharedPtr(data.as_mut_ptr()));
        self.run(len.div_ceil(chunk), &|i| {
            let start = i * chunk;
            // SAFETY: pieces of different tasks do not overlap and lie inside `data`, which is borrowed for the call.
            let piece = unsafe {
                std::slice::from_raw_parts_mut(base.get().add(start), chunk.min(len - start))
            };
            body(i, piece);
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.shutdown.store(true, Ordering::SeqCst);
        for worker in &self.workers {
            worker.thread().unpark();
        }
        for worker in self.workers.drain(..) {
            // A worker cannot panic: tasks run under `catch_unwind`.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn lock_panic(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets workers into a job and wakes as many as it can use.
    fn open(&self, job: Job) {
        // SAFETY: the caller holds `busy`, the previous job is closed and empty, so no one else touches `job`.
        unsafe { *self.job.get() = Some(job) };
        for taken in &self.taken {
            taken.0.store(0, Ordering::Relaxed);
        }
        let number = (self.state.load(Ordering::Relaxed) & !(JOB - 1)).wrapping_add(JOB);
        // SeqCst here and in `sleep`: either the worker sees the job or this sees that it sleeps.
        self.state.store(number | OPEN, Ordering::SeqCst);
        let wanted = job.tasks - 1;
        self.sleepers
            .iter()
            .filter(|s| s.asleep.load(Ordering::SeqCst) && s.asleep.swap(false, Ordering::SeqCst))
            .take(wanted)
            .filter_map(|s| s.thread.get())
            .for_each(Thread::unpark);
    }

    /// Keeps workers out and waits for those inside.
    fn close(&self) {
        self.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut spins = 0;
        while self.state.load(Ordering::Acquire) & INSIDE != 0 {
            spins += 1;
            if spins < SPINS_BEFORE_YIELD {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// Runs tasks of the range of thread `own`, then what is left of the others'.
    fn take_tasks(&self, job: Job, own: usize) -> Result<(), Box<dyn Any + Send>> {
        let threads = self.taken.len();
        let begin = |thread: usize| job.tasks * thread / threads;
        let result = catch_unwind(AssertUnwindSafe(|| {
            for thread in (own..threads).chain(0..own) {
                let (first, end) = (begin(thread), begin(thread + 1));
                loop {
                    let task = first + self.taken[thread].0.fetch_add(1, Ordering::Relaxed);
                    if task >= end {
                        break;
                    }
                    // SAFETY: this thread is the job's caller or counted inside it, so the closure is alive.
                    unsafe { (*job.body)(task) };
                }
            }
        }));
        if result.is_err() {
            for taken in &self.taken {
                taken.0.store(job.tasks, Ordering::Relaxed);
            }
        }
        result
    }

    /// Enters the open job, if there is one that this worker has not seen.
    fn enter(&self, seen: &mut u64) -> Option<Job> {
        let mut state = self.state.load(Ordering::SeqCst);
        while state & OPEN != 0 && state / JOB != *seen {
            match self.state.compare_exchange_weak(
                state,
                state + 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    *seen = state / JOB;
                    // SAFETY: counted inside an open job; `job` stays unchanged until this worker has left.
                    return unsafe { *self.job.get() };
                }
                Err(now) => state = now,
            }
        }
        None
    }

    fn work(&self, index: usize) {
        super::pack::reserve_buffer();
        let sleeper = &self.sleepers[index];
        let _ = sleeper.thread.set(std::thread::current());
        IN_TASK.set(true);
        let (mut seen, mut spins) = (0, 0);
        while !self.shutdown.load(Ordering::Relaxed) {
            if let Some(job) = self.enter(&mut seen) {
                if let Err(payload) = self.take_tasks(job, index + 1) {
                    self.lock_panic().get_or_insert(payload);
                }
                self.state.fetch_sub(1, Ordering::Release);
                spins = 0;
            } else if spins < SPINS_BEFORE_SLEEP {
                spins += 1;
                std::hint::spin_loop();
            } else {
                self.sleep(sleeper, seen);
                spins = 0;
            }
        }
    }

    fn sleep(&self, sleeper: &Sleeper, seen: u64) {
        sleeper.asleep.store(true, Ordering::SeqCst);
        loop {
            let state = self.state.load(Ordering::SeqCst);
            let job = state & OPEN != 0 && state / JOB != seen;
            if job || !sleeper.asleep.load(Ordering::SeqCst) || self.shutdown.load(Ordering::SeqCst)
            {
                break;
            }
            std::thread::park();
        }
        sleeper.asleep.store(false, Ordering::SeqCst);
    }
}

/// A pointer that tasks on several threads use, each for elements of its own.
pub(crate) struct SharedPtr<T>(pub(crate) *mut T);

impl<T> SharedPtr<T> {
    /// The pointer. (A method, so that closures capture the wrapper and not the bare pointer.)
    #[inline(always)]
    pub(crate) fn get(&self) -> *mut T {
        self.0
    }
}

impl<T> Clone for SharedPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for SharedPtr<T> {}

// SAFETY: a bare address; every use is an `unsafe` block that answers for its own elements.
unsafe impl<T: Send> Sync for SharedPtr<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for SharedPtr<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn each_once(pool: &Pool, tasks: usize) {
        let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
        pool.run(tasks, &|i| {
            counts[i].fetch_add(1, Ordering::Relaxed);
        });
        assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
    }

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 2, 3, 5] {
            let pool = Pool::new(threads);
            assert_eq!(pool.threads(), threads);
            for tasks in [0, 1, 2, 7, 100, 1000] {
                each_once(&pool, tasks);
            }
        }
    }

    #[test]
    fn many_jobs_in_a_row_and_after_sleep() {
        let pool = Pool::new(3);
        for round in 0..2000 {
            each_once(&pool, 5);
            if round % 500 == 0 {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    }

    #[test]
    fn several_callers_and_nested_calls() {
        let pool = Pool::new(3);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let sum = AtomicUsize::new(0);
                        pool.run(8, &|i| {
                            pool.run(4, &|j| {
                                sum.fetch_add(i * 4 + j, Ordering::Relaxed);
                            });
                        });
                        assert_eq!(sum.into_inner(), (0..32).sum());
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_leaves_the_pool_whole() {
        let pool = Pool::new(2);
        for bad in [0, 1, 63] {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                pool.run(64, &|i| assert!(i != bad, "task {i}"));
            }));
            assert!(caught.is_err());
            each_once(&pool, 64);
        }
    }

    #[test]
    fn chunks_cover_the_slice() {
        let pool = Pool::new(2);
        let mut data = vec![0usize; 103];
        pool.for_chunks_mut(&mut data, 10, |i, piece| {
            for (j, v) in piece.iter_mut().enumerate() {
                *v = i * 10 + j;
            }
        });
        assert!(data.iter().enumerate().all(|(i, &v)| i == v));
    }
}
