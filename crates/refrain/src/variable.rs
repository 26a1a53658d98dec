//! Weights: named values that live as long as their layer and are updated in place.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use refrain_graph::{DType, Literal, Spec};

use crate::constraints::Constraint;
use crate::engine::Buffer;
use crate::error::{Error, ErrorKind, Result};
use crate::regularizers::Regularizer;

/// Identity of a variable.
pub(crate) type VariableId = u64;

/// A weight: a cheap handle, all clones of which are the same variable.
#[derive(Clone)]
pub struct Variable(Arc<Inner>);

struct Inner {
    id: VariableId,
    name: String,
    path: String,
    spec: Spec,
    declared_trainable: bool,
    trainable: AtomicBool,
    regularizer: Option<Regularizer>,
    constraint: Option<Constraint>,
    /// In the memory of the engine that has used it last, or on the host.
    value: RwLock<Box<dyn Buffer>>,
    /// The number of the value: no two values of any variables have the same, nor one value in the memory of two engines.
    version: AtomicU64,
}

/// A number that no value of a variable has had yet.
fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Variable {
    pub(crate) fn new(name: &str, path: String, value: Literal, trainable: bool) -> Self {
        Variable::with_rules(name, path, value, trainable, None, None)
    }

    pub(crate) fn with_rules(
        name: &str,
        path: String,
        value: Literal,
        trainable: bool,
        regularizer: Option<Regularizer>,
        constraint: Option<Constraint>,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Variable(Arc::new(Inner {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name: name.to_owned(),
            path,
            spec: value.spec(),
            declared_trainable: trainable,
            trainable: AtomicBool::new(trainable),
            regularizer,
            constraint,
            value: RwLock::new(Box::new(value)),
            version: AtomicU64::new(next_version()),
        }))
    }

    pub(crate) fn id(&self) -> VariableId {
        self.0.id
    }

    /// Its short name: `kernel`, `bias`, `gamma`, …
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its name behind those of the layers that own it: `lstm/lstm_cell/kernel`.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The dimensions.
    pub fn shape(&self) -> Vec<usize> {
        self.0.spec.shape.known().unwrap_or_default()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.0.spec.dtype
    }

    pub(crate) fn spec(&self) -> &Spec {
        &self.0.spec
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.0.spec.shape.numel().unwrap_or_default()
    }

    /// Whether training changes it.
    pub fn trainable(&self) -> bool {
        self.0.trainable.load(Ordering::Relaxed)
    }

    /// Freezes or unfreezes it. A variable that was declared as not trainable (moving statistics) stays so.
    pub fn set_trainable(&self, trainable: bool) {
        if self.0.declared_trainable {
            self.0.trainable.store(trainable, Ordering::Relaxed);
        }
    }

    /// Whether it was declared as one that training may change.
    pub(crate) fn declared_trainable(&self) -> bool {
        self.0.declared_trainable
    }

    pub(crate) fn regularizer(&self) -> Option<&Regularizer> {
        self.0.regularizer.as_ref()
    }

    pub(crate) fn constraint(&self) -> Option<&Constraint> {
        self.0.constraint.as_ref()
    }

    /// A copy of its value.
    ///
    /// # Errors
    /// The engine that has it cannot give it. (Values on the host, such as the CPU's, can always be had.)
    pub fn value(&self) -> Result<Literal> {
        Ok(self.read().to_host()?.into_owned())
    }

    /// What a function makes of its value, which is not copied if it is on the host.
    pub(crate) fn with_value<T>(&self, f: impl FnOnce(&Literal) -> T) -> Result<T> {
        Ok(f(&*self.read().to_host()?))
    }

    /// Replaces its value.
    ///
    /// # Errors
    /// The dimensions or the element type differ.
    pub fn assign(&self, value: Literal) -> Result<()> {
        if value.spec() != self.0.spec {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("a value of {} for variable `{}`", self.0.spec, self.0.path),
                value.spec().to_string(),
            ));
        }
        self.set(value);
        Ok(())
    }

    /// Replaces its value by one of the same dimensions and type. It is on the host until an engine uses it.
    pub(crate) fn set(&self, value: Literal) {
        *self.write() = Box::new(value);
    }

    // A panic while the lock is held leaves a value of the same dimensions and type.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Box<dyn Buffer>> {
        self.0.value.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Box<dyn Buffer>> {
        let guard = self.lock();
        self.renew_version();
        guard
    }

    /// Gives a new number to a value that is locked: it has changed or moved to another engine.
    pub(crate) fn renew_version(&self) {
        self.0.version.store(next_version(), Ordering::Relaxed);
    }

    /// As [`Variable::write`] for those who leave the value as it is: it keeps its number.
    pub(crate) fn lock(&self) -> RwLockWriteGuard<'_, Box<dyn Buffer>> {
        self.0.value.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the value, which stays the same while one holds what [`Variable::read`] gives: a value of another
    /// time, or of another variable, has another. The greatest of some variables' numbers is a number of all their values.
    pub(crate) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variable({}: {})", self.0.path, self.0.spec)
    }
}

impl PartialEq for Variable {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}
