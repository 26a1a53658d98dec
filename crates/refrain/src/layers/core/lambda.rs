//! A function as a layer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value as Json, json};

use crate::activations::Activation;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Call, Config, Handle, Layer};
use crate::structure::Structure;
use crate::tensor::Tensor;

/// A function of a layer's inputs.
type Function = Arc<dyn Fn(&Inputs) -> Result<Tensor> + Send + Sync>;

/// A function of tensors as a layer. Its shapes are found by tracing it.
///
/// Input and output as the function's. No weights. Masks end here. Keras stores Python code; refrain stores the name of
/// a function, so only named functions can be loaded again.
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
#[derive(Clone)]
pub struct LambdaOptions {
    /// `None` for a closure without a name.
    name: Option<String>,
    function: Function,
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

fn of_one(f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) -> Function {
    Arc::new(move |inputs| Ok(f(inputs.one()?)))
}

fn of_list(f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static) -> Function {
    Arc::new(move |inputs| {
        let tensors: Vec<Tensor> = inputs.list()?.into_iter().cloned().collect();
        Ok(f(&tensors))
    })
}

/// Makes a function known under a name, so that files whose Lambda layers name it can be loaded.
///
/// A file that holds a Python lambda is loaded with the function that is known under the layer's own name.
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
        let function = of_one(f);
        LambdaOptions {
            name: None,
            function,
        }
        .into_layer()
    }

    /// A function of several tensors, given as a list.
    pub fn of_list(f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static) -> Self {
        let function = of_list(f);
        LambdaOptions {
            name: None,
            function,
        }
        .into_layer()
    }

    /// A function of one tensor under a name, which it is also registered by (see [`register_lambda`]).
    pub fn named(name: &str, f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) -> Self {
        let function = of_one(f);
        functions().insert(name.to_owned(), function.clone());
        let name = Some(name.to_owned());
        LambdaOptions { name, function }.into_layer()
    }

    /// A function of several tensors under a name, which it is also registered by.
    pub fn named_of_list(
        name: &str,
        f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static,
    ) -> Self {
        let function = of_list(f);
        functions().insert(name.to_owned(), function.clone());
        let name = Some(name.to_owned());
        LambdaOptions { name, function }.into_layer()
    }
}

impl LambdaOptions {
    /// The function that the configuration names, or for Python code the one known under the layer's name.
    pub(crate) fn from_config(config: &Config) -> Result<Self> {
        let function = config.get("function").unwrap_or(&Json::Null);
        let layer = config
            .get("name")
            .and_then(Json::as_str)
            .unwrap_or("lambda");
        let named = match (function, function["config"].as_str()) {
            (Json::String(name), _) => Some(name.as_str()),
            (_, Some(name)) if name != UNNAMED => Some(name),
            _ => None,
        };
        let name = named.unwrap_or(layer);
        let name = name.rsplit('>').next().unwrap_or(name);
        if let Some(function) = functions().get(name) {
            return Ok(LambdaOptions {
                name: Some(name.to_owned()),
                function: function.clone(),
            });
        }
        if let Some(activation) = named.and_then(|_| Activation::from_name(name)) {
            return Ok(LambdaOptions {
                name: Some(name.to_owned()),
                function: of_one(move |x| activation.apply(x)),
            });
        }
        let message = match named {
            Some(name) => format!("no function `{name}` is registered"),
            None => "the function is code that only Python can run".to_owned(),
        };
        Err(Error::new(ErrorKind::NotFound, message).hint(format!(
            "Register it first: `layers::register_lambda(\"{name}\", |x| …)`"
        )))
    }
}

impl Layer for LambdaOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Lambda"
    }

    fn config(&self) -> Config {
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
        let again = LambdaOptions::from_config(&config).unwrap().into_layer();
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
        let error = LambdaOptions::from_config(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("register_lambda(\"test_abs\""));
        register_lambda("test_abs", |x| x.abs());
        assert!(LambdaOptions::from_config(config).is_ok());
    }

    #[test]
    fn an_error_inside_the_function_names_the_layer() {
        let layer = Lambda::new(|x| x + &input([2])).name("broken");
        let error = layer.call(input([3])).unwrap_err();
        assert_eq!(error.layer(), Some("broken"));
    }
}
