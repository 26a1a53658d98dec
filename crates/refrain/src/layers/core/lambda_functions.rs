//! Functions of Lambda layers, and those that are known by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::lambda_arguments::LambdaArguments;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::own;
use crate::tensor::Tensor;

/// A function of a layer's inputs and of the arguments that its configuration gives.
pub(crate) type Function = Arc<dyn Fn(&Inputs, &LambdaArguments) -> Result<Tensor> + Send + Sync>;

/// A function of one tensor.
pub(crate) fn of_one(f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) -> Function {
    of_one_with(move |x, _| Ok(f(x)))
}

/// A function of a list of tensors.
pub(crate) fn of_list(f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static) -> Function {
    of_list_with(move |x, _| Ok(f(x)))
}

/// A function of one tensor and of further arguments.
pub(crate) fn of_one_with(
    f: impl Fn(&Tensor, &LambdaArguments) -> Result<Tensor> + Send + Sync + 'static,
) -> Function {
    Arc::new(move |inputs, arguments| f(inputs.one()?, arguments))
}

/// A function of a list of tensors and of further arguments.
pub(crate) fn of_list_with(
    f: impl Fn(&[Tensor], &LambdaArguments) -> Result<Tensor> + Send + Sync + 'static,
) -> Function {
    Arc::new(move |inputs, arguments| {
        let tensors: Vec<Tensor> = inputs.list()?.into_iter().cloned().collect();
        f(&tensors, arguments)
    })
}

type Functions = BTreeMap<String, Function>;

fn functions() -> MutexGuard<'static, Functions> {
    static FUNCTIONS: OnceLock<Mutex<Functions>> = OnceLock::new();
    let functions = FUNCTIONS.get_or_init(Mutex::default);
    functions.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a function known under a name.
pub(super) fn register(name: &str, function: Function) {
    functions().insert(name.to_owned(), function);
}

/// The function that was made known under a name, with its package or without.
pub(super) fn registered(name: &str) -> Option<Function> {
    let functions = functions();
    let known = functions.iter().map(|(name, f)| (name.as_str(), f));
    own::find(known, name).cloned()
}

/// Makes a function known under a name, so that files whose Lambda layers name it can be loaded.
///
/// A name that a file gives with a package (`my_package>total`) is found with it or without. Names of Keras's own functions
/// (`softmax`) without a package stay Keras's.
///
/// A layer that gives its function further arguments needs [`register_lambda_with`].
pub fn register_lambda(name: &str, f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) {
    register(name, of_one(f));
}

/// [`register_lambda`] for a function of several tensors.
pub fn register_lambda_of_list(
    name: &str,
    f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static,
) {
    register(name, of_list(f));
}

/// [`register_lambda`] for a function that takes the layer's `arguments`.
pub fn register_lambda_with(
    name: &str,
    f: impl Fn(&Tensor, &LambdaArguments) -> Result<Tensor> + Send + Sync + 'static,
) {
    register(name, of_one_with(f));
}

/// [`register_lambda_with`] for a function of several tensors.
pub fn register_lambda_of_list_with(
    name: &str,
    f: impl Fn(&[Tensor], &LambdaArguments) -> Result<Tensor> + Send + Sync + 'static,
) {
    register(name, of_list_with(f));
}
