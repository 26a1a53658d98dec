//! Functions of Lambda layers, and those that are known by name.

use std::sync::Arc;

use super::lambda_arguments::LambdaArguments;
use crate::config::Config;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::objects::{self, Holds, Kind, Restore};
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

/// A function of a `Lambda` layer, to be [registered](crate::register) under the name that files call it by.
///
/// Names of Keras's own functions (`softmax`) without a package stay Keras's.
///
/// ```
/// use refrain::{layers::LambdaFunction, ops};
/// refrain::register::<LambdaFunction, _>("my_package>total", |_| {
///     Ok(LambdaFunction::new(|x| ops::sum(x, -1, true)))
/// });
/// ```
#[derive(Clone)]
pub struct LambdaFunction(pub(crate) Function);

impl LambdaFunction {
    /// A function of one tensor.
    pub fn new(f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) -> Self {
        LambdaFunction(of_one(f))
    }

    /// A function of several tensors.
    pub fn of_list(f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static) -> Self {
        LambdaFunction(of_list(f))
    }

    /// A function of one tensor and of the layer's `arguments`.
    pub fn with_arguments(
        f: impl Fn(&Tensor, &LambdaArguments) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Self {
        LambdaFunction(of_one_with(f))
    }

    /// A function of several tensors and of the layer's `arguments`.
    pub fn of_list_with_arguments(
        f: impl Fn(&[Tensor], &LambdaArguments) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Self {
        LambdaFunction(of_list_with(f))
    }
}

impl Kind for LambdaFunction {
    const WHAT: &'static str = "a function of a `Lambda` layer";
}

impl Holds<LambdaFunction> for LambdaFunction {
    fn hold(function: LambdaFunction, _config: &Config) -> Result<Self> {
        Ok(function)
    }
}

/// Makes a function known under a name.
pub(super) fn register(name: &str, function: Function) {
    let function = LambdaFunction(function);
    objects::register::<LambdaFunction, _>(name, move |_| Ok(function.clone()));
}

/// The function that was made known under a name, with its package or without.
pub(super) fn registered(name: &str) -> Option<Function> {
    found(objects::custom(name))
}

/// The function that the present load was given for a name.
pub(super) fn given(name: &str) -> Option<Function> {
    found(objects::scoped(name))
}

fn found(restore: Option<Restore<LambdaFunction>>) -> Option<Function> {
    let function = restore?(&Config::new()).ok()?;
    Some(function.0)
}
