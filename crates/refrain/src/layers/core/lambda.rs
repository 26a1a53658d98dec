//! A function as a layer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value as Json, json};

use crate::activations::Activation;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::restoring::Restoring;
use crate::layers::{Call, Config, Handle, Layer};
use crate::structure::Structure;
use crate::tensor::Tensor;

/// A function of a layer's inputs.
pub(crate) type Function = Arc<dyn Fn(&Inputs) -> Result<Tensor> + Send + Sync>;

/// A function of tensors as a layer. Its shapes are found by tracing it.
///
/// Input and output as the function's. No weights. Masks end here. Keras stores Python code; refrain stores the name of
/// a function, so only named functions are found again when a file is loaded; for others see
/// [`LoadOptions::lambda`](crate::saving::LoadOptions::lambda).
///
/// ```
/// use refrain::{input, layers::Lambda, ops};
/// let (a, b) = (input([8]), input([8]));
/// let distance = Lambda::of_list(|xs| (&xs[0] - &xs[1]).abs());
/// assert_eq!(distance.call([&a, &b])?.shape().to_string(), "(None, 8)");
/// let total = Lambda::named("total", |x| ops::sum(x, -1, true));
/// assert_eq!(total.call(&a)?.shape().to_string(), "(None, 1)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/layers/core/lambda_layer.py`.
pub type Lambda = Handle<LambdaOptions>;

/// The options of [`Lambda`].
#[doc(hidden)]
#[derive(Clone)]
pub struct LambdaOptions {
    /// `None` for a closure without a name.
    name: Option<String>,
    function: Function,
    /// What the file said of the function and its arguments, to be written as it was.
    source: Option<Config>,
}

impl fmt::Debug for LambdaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or(UNNAMED);
        f.debug_tuple("LambdaOptions").field(&name).finish()
    }
}

/// How a closure without a name appears in configurations.
const UNNAMED: &str = "<lambda>";

fn functions() -> MutexGuard<'static, HashMap<String, Function>> {
    static FUNCTIONS: OnceLock<Mutex<HashMap<String, Function>>> = OnceLock::new();
    let functions = FUNCTIONS.get_or_init(Mutex::default);
    functions.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A function of one tensor.
pub(crate) fn of_one(f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) -> Function {
    Arc::new(move |inputs| Ok(f(inputs.one()?)))
}

/// A function of a list of tensors.
pub(crate) fn of_list(f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static) -> Function {
    Arc::new(move |inputs| {
        let tensors: Vec<Tensor> = inputs.list()?.into_iter().cloned().collect();
        Ok(f(&tensors))
    })
}

/// Makes a function known under a name, so that files whose Lambda layers name it can be loaded.
pub fn register_lambda(name: &str, f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) {
    functions().insert(name.to_owned(), of_one(f));
}

/// [`register_lambda`] for a function of several tensors.
pub fn register_lambda_of_list(
    name: &str,
    f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static,
) {
    functions().insert(name.to_owned(), of_list(f));
}

impl Lambda {
    /// A function of one tensor. Models with it can be saved but not loaded; see [`named`](Lambda::named).
    pub fn new(f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) -> Self {
        LambdaOptions::new(None, of_one(f)).into_layer()
    }

    /// A function of several tensors, given as a list.
    pub fn of_list(f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static) -> Self {
        LambdaOptions::new(None, of_list(f)).into_layer()
    }

    /// A function of one tensor under a name, which it is also registered by (see [`register_lambda`]).
    pub fn named(name: &str, f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) -> Self {
        let function = of_one(f);
        functions().insert(name.to_owned(), function.clone());
        LambdaOptions::new(Some(name), function).into_layer()
    }

    /// A function of several tensors under a name, which it is also registered by.
    pub fn named_of_list(
        name: &str,
        f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static,
    ) -> Self {
        let function = of_list(f);
        functions().insert(name.to_owned(), function.clone());
        LambdaOptions::new(Some(name), function).into_layer()
    }
}

/// What a Lambda's configuration says of its function, besides the function itself.
const SOURCE_KEYS: [&str; 5] = [
    "function",
    "function_type",
    "arguments",
    "output_shape",
    "mask",
];

impl LambdaOptions {
    fn new(name: Option<&str>, function: Function) -> Self {
        LambdaOptions {
            name: name.map(str::to_owned),
            function,
            source: None,
        }
    }

    /// The function that the reader was given for this layer, the registered one that the configuration names, or for
    /// Python code what the reader makes of it. Nothing is executed.
    pub(crate) fn from_config(config: &Config, context: &Restoring) -> Result<Self> {
        let json = config.get("function").unwrap_or(&Json::Null);
        let named = match (json, json["config"].as_str()) {
            (Json::String(name), _) => Some(name.as_str()),
            (_, Some(name)) if name != UNNAMED => Some(name),
            _ => None,
        };
        let layer = config.get("name").and_then(Json::as_str);
        let layer = layer.unwrap_or("lambda");
        // Keras qualifies registered functions by their package: `my_package>name`.
        let short = named.map(|name| name.rsplit('>').next().unwrap_or(name));
        let given = short.and_then(|name| context.functions.get(name));
        let given = context.functions.get(layer).or(given).cloned();
        let function = match given {
            Some(function) => function,
            None if config.get("mask").is_some_and(|mask| !mask.is_null()) => {
                let message = "its mask is a function that only Python can run";
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            None => match (short, context.decode) {
                (Some(name), _) => registered(name).ok_or_else(|| not_registered(name, layer))?,
                (None, Some(decode)) => {
                    let arguments = config.get("arguments").and_then(Json::as_object);
                    decode(json, &arguments.cloned().unwrap_or_default())?
                }
                (None, None) => return Err(only_python(layer)),
            },
        };
        let source = config
            .iter()
            .filter(|(k, _)| SOURCE_KEYS.contains(&k.as_str()));
        Ok(LambdaOptions {
            name: short.map(str::to_owned),
            function,
            source: Some(source.map(|(k, v)| (k.clone(), v.clone())).collect()),
        })
    }
}

/// The registered function or the activation function of this name.
fn registered(name: &str) -> Option<Function> {
    let own = functions().get(name).cloned();
    own.or_else(|| {
        let activation = Activation::from_name(name)?;
        Some(of_one(move |x| activation.apply(x)))
    })
}

fn not_registered(name: &str, layer: &str) -> Error {
    let message = format!("no function `{name}` is registered");
    Error::new(ErrorKind::NotFound, message).hint(format!(
        "Register it with `layers::register_lambda(\"{name}\", |x| …)`, or give it to the reader: \
         `LoadOptions::lambda(\"{layer}\", |x| …)`, on the command line `--lambda {layer}=\"abs(x)\"`"
    ))
}

fn only_python(layer: &str) -> Error {
    let message =
        "its function is code that only Python can run, and nothing in a file is ever executed";
    Error::new(ErrorKind::Unsupported, message).hint(format!(
        "Give the function to the reader: `LoadOptions::lambda(\"{layer}\", |x| …)`, on the command line \
         `--lambda {layer}=\"abs(x)\"`; or let well-known code be recognised: `LoadOptions::decode_lambdas(true)`, on the \
         command line `--decode-lambdas`"
    ))
}

impl Layer for LambdaOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Lambda"
    }

    fn config(&self) -> Config {
        if let Some(source) = &self.source {
            return source.clone();
        }
        let mut config = Config::new();
        let function = json!({
            "module": "builtins",
            "class_name": "function",
            "config": self.name.as_deref().unwrap_or(UNNAMED),
            "registered_name": "function",
        });
        config.insert("function".to_owned(), function);
        config.insert("arguments".to_owned(), json!({}));
        config
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        if matches!(inputs.first()?, Structure::Dict(_)) {
            return Err(Error::mismatch(
                ErrorKind::Structure,
                "one tensor or a list of tensors",
                "a dict",
            ));
        }
        (self.function)(inputs)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;

    #[test]
    fn named_functions_come_back_from_their_configuration() {
        let layer = Lambda::named("test_double", |x| x * 2.0);
        let config = layer.options().config();
        let again = LambdaOptions::from_config(&config, &Restoring::default());
        let again = again.unwrap().into_layer();
        assert_eq!(again.options().config(), config);
        assert_eq!(
            again.call(input([3])).unwrap().shape().to_string(),
            "(None, 3)"
        );
    }

    #[test]
    fn python_code_needs_a_function_under_the_layers_name() {
        let config = json!({"name": "test_abs", "function": {"class_name": "__lambda__", "config": {"code": "4wEA"}}});
        let config = config.as_object().unwrap();
        let error = LambdaOptions::from_config(config, &Restoring::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            error
                .to_string()
                .contains("LoadOptions::lambda(\"test_abs\"")
        );
        let mut context = Restoring::default();
        let function = of_one(|x| x.abs());
        context.functions.insert("test_abs".to_owned(), function);
        let options = LambdaOptions::from_config(config, &context).unwrap();
        assert_eq!(options.config()["function"], config["function"]);
    }

    #[test]
    fn an_error_inside_the_function_names_the_layer() {
        let layer = Lambda::new(|x| x + &input([2])).name("broken");
        let error = layer.call(input([3])).unwrap_err();
        assert_eq!(error.layer(), Some("broken"));
    }
}
