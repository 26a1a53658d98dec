//! Engines: what compiles a model's programs, runs them, and keeps the values of variables in its memory.
//!
//! There are two: `cpu`, the compiler, which is the default, and `interpreter`, slow and as exact as it can be. An [`Engine`] of
//! your own, from a crate that depends on `refrain-graph` alone, joins them by [`register`].
//!
//! A program is made for the engine that is [`current`] on the thread: that of [`scope`], else that of [`set_default`], else the
//! one that the environment variable `REFRAIN_ENGINE` names, else `cpu`. A name of none is an error when the first program is
//! made. Results of two engines may differ by rounding.
//!
//! A variable moves to the memory of an engine with the first run that uses it there, and stays. Models on different engines may
//! share layers and run at the same time: each run that finds a variable elsewhere moves it, through the host. `cpu` and
//! `interpreter` both keep their variables on the host, where nothing has to be moved.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use refrain::engine::{self, Engine, EngineError, Graph, Program};
//! use refrain::{Model, input, layers::Dense, ndarray::Array2};
//!
//! /// The CPU's, and keeps how large the graphs are.
//! struct Noting(Arc<Mutex<Vec<usize>>>);
//!
//! impl Engine for Noting {
//!     fn name(&self) -> &str {
//!         "noting"
//!     }
//!
//!     fn compile(&self, graph: &Graph) -> Result<Box<dyn Program>, EngineError> {
//!         self.0.lock().expect("no panic").push(graph.nodes().len());
//!         engine::CpuEngine.compile(graph)
//!     }
//! }
//!
//! let sizes = Arc::default();
//! engine::register(Noting(Arc::clone(&sizes)));
//! let x = input([4]);
//! let model = Model::new(&x, &Dense::new(3).call(&x)?)?;
//! let samples = Array2::<f32>::ones((2, 4));
//! engine::scope("noting", || model.predict(&samples).run())?;
//! assert_eq!(sizes.lock().expect("no panic").len(), 1);
//! # Ok::<(), refrain::Error>(())
//! ```

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::{env, ptr};

pub use refrain_cpu::CpuEngine;
pub use refrain_graph::Graph;
pub use refrain_graph::engine::{
    Buffer, Engine, EngineError, InterpreterEngine, Program, Workspace, recycle,
};

use crate::error::{Error, ErrorKind, Result};

/// Names the engine of a process that chooses none itself.
const ENGINE_VARIABLE: &str = "REFRAIN_ENGINE";

/// The engines of the process.
struct Engines {
    known: BTreeMap<String, Arc<dyn Engine>>,
    /// The one of the process, once it has been chosen or asked for.
    default: Option<Arc<dyn Engine>>,
}

impl Engines {
    fn choose(&mut self, engine: Arc<dyn Engine>) {
        DEFAULT.store(address(&engine), Ordering::Relaxed);
        self.default = Some(engine);
    }

    fn get(&self, name: &str) -> Result<Arc<dyn Engine>> {
        self.known.get(name).cloned().ok_or_else(|| {
            let names: Vec<&String> = self.known.keys().collect();
            let message = format!("no engine `{name}`; there are {names:?}");
            Error::new(ErrorKind::NotFound, message)
        })
    }
}

static ENGINES: LazyLock<RwLock<Engines>> = LazyLock::new(|| {
    let built_in: [Arc<dyn Engine>; 2] = [Arc::new(CpuEngine), Arc::new(InterpreterEngine)];
    RwLock::new(Engines {
        known: built_in.map(|e| (e.name().to_owned(), e)).into(),
        default: None,
    })
});

/// The address of the default, which needs no lock; null as long as there is none.
static DEFAULT: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

fn address(engine: &Arc<dyn Engine>) -> *mut () {
    Arc::as_ptr(engine).cast_mut().cast()
}

thread_local! {
    /// That of the innermost `scope`.
    static SCOPED: RefCell<Option<Arc<dyn Engine>>> = const { RefCell::new(None) };
}

/// Makes an engine known under its name. The last one of a name counts, for programs that are made from then on.
///
/// ```
/// use refrain::engine::{self, Engine, EngineError, Graph, Program};
///
/// /// The interpreter under another name.
/// struct Oracle;
///
/// impl Engine for Oracle {
///     fn name(&self) -> &str {
///         "oracle"
///     }
///
///     fn compile(&self, graph: &Graph) -> Result<Box<dyn Program>, EngineError> {
///         engine::InterpreterEngine.compile(graph)
///     }
/// }
///
/// engine::register(Oracle);
/// assert_eq!(engine::names(), ["cpu", "interpreter", "oracle"]);
/// ```
pub fn register(engine: impl Engine + 'static) {
    let name = engine.name().to_owned();
    let mut engines = ENGINES.write().unwrap_or_else(PoisonError::into_inner);
    let engine: Arc<dyn Engine> = Arc::new(engine);
    let outdated = engines.default.take_if(|e| e.name() == name);
    if outdated.is_some() {
        engines.choose(engine.clone());
    }
    let replaced = engines.known.insert(name, engine);
    drop(engines);
    // An engine that ends may ask for others: the lock is free again.
    drop((outdated, replaced));
}

/// The names of the engines that are known, in alphabetical order.
pub fn names() -> Vec<String> {
    let engines = ENGINES.read().unwrap_or_else(PoisonError::into_inner);
    engines.known.keys().cloned().collect()
}

/// The engine of a name.
///
/// # Errors
/// None is known by it; the error lists those that are.
///
/// ```
/// use refrain::engine;
/// assert_eq!(engine::get("cpu")?.name(), "cpu");
/// let error = engine::get("abacus").err().unwrap();
/// assert!(error.to_string().starts_with("no engine `abacus`; there are [\"cpu\", \"interpreter\"]"));
/// # Ok::<(), refrain::Error>(())
/// ```
pub fn get(name: &str) -> Result<Arc<dyn Engine>> {
    let engines = ENGINES.read().unwrap_or_else(PoisonError::into_inner);
    engines.get(name)
}

/// Makes the engine of a name the one of the process, whatever `REFRAIN_ENGINE` says. Models make new programs for it; those of
/// the engine before are kept for when it is chosen again.
///
/// # Errors
/// No engine is known by this name.
///
/// ```
/// use refrain::engine;
/// engine::set_default("interpreter")?;
/// assert_eq!(engine::current()?.name(), "interpreter");
/// # Ok::<(), refrain::Error>(())
/// ```
pub fn set_default(name: &str) -> Result<()> {
    let mut engines = ENGINES.write().unwrap_or_else(PoisonError::into_inner);
    let engine = engines.get(name)?;
    engines.choose(engine);
    Ok(())
}

/// Runs a function in which the engine of a name is the one of this thread.
///
/// # Errors
/// No engine is known by this name, or the function fails.
///
/// ```
/// use refrain::engine;
/// let name = || Ok(engine::current()?.name().to_owned());
/// assert_eq!(engine::scope("interpreter", name)?, "interpreter");
/// assert_eq!(name()?, "cpu");
/// # Ok::<(), refrain::Error>(())
/// ```
pub fn scope<T>(name: &str, f: impl FnOnce() -> Result<T>) -> Result<T> {
    let _outer = Outer(SCOPED.replace(Some(get(name)?)));
    f()
}

/// The engine around a `scope`, which it leaves behind.
struct Outer(Option<Arc<dyn Engine>>);

impl Drop for Outer {
    fn drop(&mut self) {
        SCOPED.set(self.0.take());
    }
}

/// The engine for which this thread makes programs.
///
/// # Errors
/// `REFRAIN_ENGINE` names none that is known.
///
/// ```
/// assert_eq!(refrain::engine::current()?.name(), "cpu");
/// # Ok::<(), refrain::Error>(())
/// ```
pub fn current() -> Result<Arc<dyn Engine>> {
    if let Some(engine) = SCOPED.with_borrow(Clone::clone) {
        return Ok(engine);
    }
    let known = || ENGINES.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(default) = &known().default {
        return Ok(default.clone());
    }
    let named = known().get(&NAMED);
    let named = named.map_err(|e| e.hint(format!("`{ENGINE_VARIABLE}` names it")))?;
    let mut engines = ENGINES.write().unwrap_or_else(PoisonError::into_inner);
    if engines.default.is_none() {
        engines.choose(named.clone());
    }
    Ok(engines.default.clone().unwrap_or(named))
}

/// Whether an engine is the [`current`] one, without a lock.
pub(crate) fn is_current(engine: &Arc<dyn Engine>) -> bool {
    let scoped = SCOPED.with_borrow(|scoped| Some(Arc::ptr_eq(scoped.as_ref()?, engine)));
    let default = || match DEFAULT.load(Ordering::Relaxed) {
        default if default.is_null() => current().is_ok_and(|e| Arc::ptr_eq(&e, engine)),
        default => default == address(engine),
    };
    scoped.unwrap_or_else(default)
}

/// The engine of a process that chooses none itself.
static NAMED: LazyLock<String> = LazyLock::new(|| match env::var_os(ENGINE_VARIABLE) {
    Some(name) if !name.is_empty() => name.to_string_lossy().into_owned(),
    _ => "cpu".to_owned(),
});
