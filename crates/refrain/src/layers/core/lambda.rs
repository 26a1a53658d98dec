//! A function as a layer.

use std::fmt;
use std::sync::Arc;

use refrain_graph::{DType, Shape, Spec};
use serde_json::Value as Json;

use super::lambda_arguments::LambdaArguments;
use super::lambda_functions::{
    Function, given, of_list, of_one, of_one_with, register, registered,
};
use crate::config::{Config, short};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::lambda;
use crate::layers::node::Recorded;
use crate::layers::restoring::Restoring;
use crate::layers::{AnyLayer, Call, Handle, Layer};
use crate::objects::own;
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::warnings;

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
    /// What the function is given besides the inputs.
    arguments: Config,
    /// What the file said of the function and its arguments, to be written as it was.
    source: Option<Config>,
    /// Whether a file of Keras 2 said it.
    keras2: bool,
    /// Whether a file's calls of it are taken as they are described there, without the function.
    described: bool,
}

impl fmt::Debug for LambdaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or(UNNAMED);
        f.debug_tuple("LambdaOptions").field(&name).finish()
    }
}

/// How a closure without a name appears in configurations.
const UNNAMED: &str = "<lambda>";

impl Lambda {
    /// A function of one tensor. Models with it can be saved but not loaded; see [`named`](Lambda::named).
    pub fn new(f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) -> Self {
        LambdaOptions::new(None, of_one(f)).into_layer()
    }

    /// A function of several tensors, given as a list.
    pub fn of_list(f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static) -> Self {
        LambdaOptions::new(None, of_list(f)).into_layer()
    }

    /// A function of one tensor under a name, which it is also registered by (see [`register`](crate::register)).
    pub fn named(name: &str, f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) -> Self {
        LambdaOptions::named(name, of_one(f)).into_layer()
    }

    /// A function of one tensor and of `arguments`, under a name that it is also registered by. A function that does not
    /// ask for one of the arguments is an error of the call.
    ///
    /// ```
    /// use refrain::{input, layers::Lambda};
    /// use serde_json::json;
    ///
    /// let scaled = Lambda::named_with("scaled", [("scale", json!([1.0, 2.0]))], |x, arguments| {
    ///     Ok(x * arguments.tensor("scale")?)
    /// });
    /// assert_eq!(scaled.call(input([2]))?.shape().to_string(), "(None, 2)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn named_with<'n>(
        name: &str,
        arguments: impl IntoIterator<Item = (&'n str, Json)>,
        f: impl Fn(&Tensor, &LambdaArguments) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Self {
        let mut options = LambdaOptions::named(name, of_one_with(f));
        let arguments = arguments.into_iter();
        options.arguments = arguments.map(|(k, v)| (k.to_owned(), v)).collect();
        options.into_layer()
    }

    /// A function of several tensors under a name, which it is also registered by.
    pub fn named_of_list(
        name: &str,
        f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static,
    ) -> Self {
        LambdaOptions::named(name, of_list(f)).into_layer()
    }
}

/// What a Lambda's configuration says of its function, besides the function itself.
const SOURCE_KEYS: [&str; 4] = ["function", "arguments", "output_shape", "mask"];

impl LambdaOptions {
    fn new(name: Option<&str>, function: Function) -> Self {
        LambdaOptions {
            name: name.map(str::to_owned),
            function,
            arguments: Config::new(),
            source: None,
            keras2: false,
            described: false,
        }
    }

    /// What a call gives, where the layer is taken as a file describes it: the file's shape of it or the one that the
    /// configuration names.
    fn described_output(&self, in_file: impl FnOnce() -> Option<Spec>) -> Option<Spec> {
        let of_config = || {
            let sizes = self.source.as_ref()?.get("output_shape")?.as_array()?;
            let size = |json: &Json| json.as_u64().and_then(|n| usize::try_from(n).ok());
            let shape = std::iter::once(None).chain(sizes.iter().map(size));
            Some(Spec::new(shape.collect::<Shape>(), DType::F32))
        };
        self.described
            .then(|| in_file().or_else(of_config))
            .flatten()
    }

    /// Why Keras 3 may not be able to run the Python code of a file of Keras 2.
    pub(crate) fn obstacle(&self) -> Option<String> {
        let source = self.source.as_ref().filter(|_| self.keras2)?;
        source.values().find_map(lambda::obstacle)
    }

    /// A function that is also registered by its name.
    fn named(name: &str, function: Function) -> Self {
        register(name, function.clone());
        LambdaOptions::new(Some(name), function)
    }

    /// The function that the reader was given for this layer, Keras's or the registered one that the configuration names, or
    /// for Python code what the reader makes of it. Nothing is executed.
    pub(crate) fn from_config(config: &Config, context: &Restoring) -> Result<Self> {
        let source = Source::new(config, context);
        let given = source.given();
        let described = context.described_lambdas && given.is_none();
        let (function, arguments) = match given {
            Some(function) => {
                if source.has_mask() {
                    warnings::lambda_mask_left(source.layer);
                }
                (function, source.arguments())
            }
            None => match source.found() {
                Err(e) if described => (unknown(&e), source.arguments()),
                found => found?,
            },
        };
        let kept = config
            .iter()
            .filter(|(k, _)| SOURCE_KEYS.contains(&k.as_str()));
        Ok(LambdaOptions {
            name: source.name,
            function,
            arguments,
            source: Some(kept.map(|(k, v)| (k.clone(), v.clone())).collect()),
            keras2: context.keras2,
            described,
        })
    }
}

/// What a configuration says of a layer's function.
struct Source<'c> {
    config: &'c Config,
    context: &'c Restoring,
    function: &'c Json,
    layer: &'c str,
    /// The function's name, unless it is a lambda.
    name: Option<String>,
    /// Whether the function stands there as Python code.
    is_code: bool,
}

/// A function with the arguments that it is to be given.
type Found = (Function, Config);

impl<'c> Source<'c> {
    fn new(config: &'c Config, context: &'c Restoring) -> Self {
        let function = config.get("function").unwrap_or(&Json::Null);
        let name = own::function_name(function).or(function.as_str());
        let of_code = match name {
            Some(_) => None,
            None => lambda::name_of_code(function),
        };
        let name = name.map(str::to_owned).or(of_code);
        Source {
            config,
            context,
            function,
            layer: config
                .get("name")
                .and_then(Json::as_str)
                .unwrap_or("lambda"),
            name: name.filter(|name| name != UNNAMED),
            is_code: !function.is_string() && own::function_name(function).is_none(),
        }
    }

    fn arguments(&self) -> Config {
        let arguments = self.config.get("arguments").and_then(Json::as_object);
        arguments.cloned().unwrap_or_default()
    }

    fn has_mask(&self) -> bool {
        self.config.get("mask").is_some_and(|mask| !mask.is_null())
    }

    /// What the reader was given, by the name of the layer or of the function.
    fn given(&self) -> Option<Function> {
        given(self.layer).or_else(|| given(self.name.as_deref()?))
    }

    fn found(&self) -> Result<Found> {
        if self.has_mask() {
            let message = "its mask is a function that only Python can run";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        if let Some(bound) = self.of_keras()? {
            return Ok((bound, Config::new()));
        }
        if let Some(function) = self.name.as_deref().and_then(registered) {
            return Ok((function, self.arguments()));
        }
        match (&self.name, self.context.decode) {
            (_, Some(decode)) if self.is_code => {
                let bound = decode(self.function, &self.arguments())?;
                Ok((bound, lambda::unbound(self.arguments())))
            }
            (Some(name), _) if !self.is_code => Err(self.not_registered(name)),
            _ => Err(only_python(self.layer)),
        }
    }

    /// Keras's function of this name, bound to the arguments. The name of a function that stands there as code is never one
    /// of Keras's, nor is one with a package. Without a module of Keras's, which Keras reads and does not write, the name of
    /// one of its operations is as well that of a user's function.
    fn of_keras(&self) -> Result<Option<Function>> {
        let own = self.is_code || own::own_name(self.function).is_some();
        let Some(name) = self.name.as_deref().filter(|_| !own) else {
            return Ok(None);
        };
        let module = match self.function["module"].as_str() {
            Some(lambda::OPS) => lambda::OPS,
            _ => lambda::ACTIVATIONS,
        };
        lambda::of_keras(module, name, &self.arguments())
    }

    fn not_registered(&self, name: &str) -> Error {
        let operation = lambda::operation_as_text(name, self.arguments().keys());
        let (layer, name) = (short(self.layer), short(name));
        let message = format!("no function `{name}` is registered");
        let whose = match operation {
            Some(_) => format!(
                "The file does not say whether it is `{}.{name}`. If so, give that to the reader. ",
                lambda::OPS
            ),
            None => String::new(),
        };
        let text = operation.as_deref().unwrap_or("abs(x)");
        Error::new(ErrorKind::NotFound, message).hint(format!(
            "{whose}Register it with `refrain::register::<LambdaFunction, _>(\"{name}\", …)`, or give it to the reader: \
             `LoadOptions::lambda(\"{layer}\", |x| …)`, on the command line `--lambda {layer}=\"{text}\"`"
        ))
    }
}

/// A function that is not there: calling it says why.
fn unknown(e: &Error) -> Function {
    let (kind, e) = (e.kind(), e.to_string());
    Arc::new(move |_, _| {
        let message = format!(
            "its function, to be run or to tell the shape of what it gives, is not known: {e}"
        );
        Err(Error::new(kind, message))
    })
}

/// A call of a layer as a file describes it, if that is how the layer is taken and the shape of what it gives is told; the
/// file may tell it beside the layer.
pub(crate) fn described_call(
    layer: &AnyLayer,
    inputs: &Inputs,
    in_file: impl FnOnce() -> Option<Spec>,
) -> Result<Option<Structure<Tensor>>> {
    let lambda = layer.options::<LambdaOptions>();
    let Some(spec) = lambda.and_then(|lambda| lambda.described_output(in_file)) else {
        return Ok(None);
    };
    layer.build_for(inputs, "")?;
    let one = Structure::Leaf(0);
    let node = layer.record(inputs.clone(), one, vec![spec.into()], Recorded::Call);
    Ok(Some(node.tensors()))
}

fn only_python(layer: &str) -> Error {
    let message =
        "its function is code that only Python can run, and nothing in a file is ever executed";
    let layer = short(layer);
    Error::new(ErrorKind::Unsupported, message).hint(format!(
        "Give the function to the reader: `LoadOptions::lambda(\"{layer}\", |x| …)`, on the command line \
         `--lambda {layer}=\"abs(x)\"`; or let well-known code be recognised: `LoadOptions::decode_lambdas(true)`, on the \
         command line `--decode-lambdas`"
    ))
}

fn no_tensor() -> Error {
    Error::mismatch(ErrorKind::Structure, "a tensor", "no tensor")
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
        let name = self.name.as_deref().unwrap_or(UNNAMED);
        config.insert("function".to_owned(), own::function_to_json(name));
        config.insert("arguments".to_owned(), self.arguments.clone().into());
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
        let first = inputs.tensors();
        let first = first.first().copied().ok_or_else(no_tensor)?;
        let arguments = LambdaArguments::new(self.arguments.clone(), first.clone());
        let result = (self.function)(inputs, &arguments)?;
        arguments.check_used()?;
        Ok(result)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;
    use crate::layers::LambdaFunction;
    use crate::objects::CustomObjects;
    use serde_json::json;

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
        let mut objects = CustomObjects::new();
        objects.add::<LambdaFunction, _>("test_abs", |_| Ok(LambdaFunction::new(|x| x.abs())));
        let restored = || LambdaOptions::from_config(config, &Restoring::default());
        let options = crate::objects::scope(&objects, restored).unwrap();
        assert_eq!(options.config()["function"], config["function"]);
    }

    #[test]
    fn an_error_inside_the_function_names_the_layer() {
        let layer = Lambda::new(|x| x + &input([2])).name("broken");
        let error = layer.call(input([3])).unwrap_err();
        assert_eq!(error.layer(), Some("broken"));
    }
}
