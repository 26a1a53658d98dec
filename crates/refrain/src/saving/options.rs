//! Options of loading models.

use std::path::Path;
use std::sync::Arc;

use super::config::reader;
use super::{Limits, load};
use crate::config::Config;
use crate::error::Result;
use crate::lambda::{Expression, decode, of_expression};
use crate::layers::core::{Function, of_list, of_list_with, of_one, of_one_with};
use crate::layers::restoring::Restoring;
use crate::layers::{LambdaArguments, LambdaFunction};
use crate::models::Model;
use crate::objects::CustomObjects;
use crate::tensor::Tensor;

/// How a model is loaded from a file. Ends in [`load`](LoadOptions::load).
///
/// ```no_run
/// use refrain::saving::LoadOptions;
///
/// let model = LoadOptions::new()
///     .lambda("distance", |x| x.abs())
///     .compile(false)
///     .load("siamese.keras")?;
/// # Ok::<(), refrain::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "call `load` to get the model"]
pub struct LoadOptions {
    objects: CustomObjects,
    decode_lambdas: bool,
    described_lambdas: bool,
    without_compiling: bool,
    share_equal_layers: bool,
    limits: Limits,
}

impl LoadOptions {
    /// With the defaults.
    pub fn new() -> Self {
        LoadOptions::default()
    }

    /// The function of the `Lambda` layer of this name, or of those whose function has this name: files hold code that only
    /// Python can run. A layer that gives its function further arguments needs [`lambda_with`](LoadOptions::lambda_with).
    pub fn lambda(
        self,
        layer: impl Into<String>,
        f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static,
    ) -> Self {
        self.function(layer, of_one(f))
    }

    /// [`lambda`](LoadOptions::lambda) for a function of several tensors.
    pub fn lambda_of_list(
        self,
        layer: impl Into<String>,
        f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static,
    ) -> Self {
        self.function(layer, of_list(f))
    }

    /// [`lambda`](LoadOptions::lambda) for a function that takes the layer's `arguments`: what Keras's
    /// `Lambda(function, arguments={"scale": 2})` gives it.
    ///
    /// ```no_run
    /// use refrain::saving::LoadOptions;
    ///
    /// let options = LoadOptions::new().lambda_with("scaled", |x, arguments| {
    ///     Ok(x * arguments.tensor("scale")?)
    /// });
    /// let model = options.load("scaled.keras")?;
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn lambda_with(
        self,
        layer: impl Into<String>,
        f: impl Fn(&Tensor, &LambdaArguments) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Self {
        self.function(layer, of_one_with(f))
    }

    /// [`lambda_with`](LoadOptions::lambda_with) for a function of several tensors.
    pub fn lambda_of_list_with(
        self,
        layer: impl Into<String>,
        f: impl Fn(&[Tensor], &LambdaArguments) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Self {
        self.function(layer, of_list_with(f))
    }

    /// [`lambda`](LoadOptions::lambda) for a function as text: `abs(x[0] - x[1])`.
    pub fn lambda_expression(self, layer: impl Into<String>, expression: Expression) -> Self {
        self.function(layer, of_expression(expression))
    }

    fn function(mut self, layer: impl Into<String>, function: Function) -> Self {
        let function = LambdaFunction(function);
        let restore = move |_: &Config| Ok(function.clone());
        self.objects.add::<LambdaFunction, _>(layer, restore);
        self
    }

    /// Classes and functions of your own that hold for this load alone, and go before those that are
    /// [registered](crate::register): Keras's `custom_objects`.
    ///
    /// ```no_run
    /// use refrain::layers::LambdaFunction;
    /// use refrain::{objects::CustomObjects, ops, saving::LoadOptions};
    ///
    /// let mut objects = CustomObjects::new();
    /// objects.add::<LambdaFunction, _>("total", |_| Ok(LambdaFunction::new(|x| ops::sum(x, -1, true))));
    /// let model = LoadOptions::new().custom_objects(objects).load("model.keras")?;
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn custom_objects(mut self, objects: CustomObjects) -> Self {
        self.objects.extend(objects);
        self
    }

    /// Whether the code of one-expression Python lambdas (`lambda x: abs(x)`) is decoded into an [`Expression`]. It is
    /// read as data, never run; whatever is not recognised is refused.
    pub fn decode_lambdas(mut self, decode: bool) -> Self {
        self.decode_lambdas = decode;
        self
    }

    /// Whether calls of `Lambda` layers are taken as the file describes them, for a model that is looked at or written again and
    /// not run. Functions that are not known are no error then until they are needed: to run the model, or where the file does
    /// not tell the shape of what they give and their code is not well known.
    ///
    /// ```no_run
    /// use refrain::saving::LoadOptions;
    ///
    /// let model = LoadOptions::new().described_lambdas(true).load("with_lambda.h5")?;
    /// model.save("with_lambda.keras")?;
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn described_lambdas(mut self, described: bool) -> Self {
        self.described_lambdas = described;
        self
    }

    /// Whether the model is compiled as the file says, with the state of its optimizer. `true` by default. What refrain does not
    /// have, or the program has not given, leaves the model uncompiled, with a warning; [`Model::save`] writes it back.
    pub fn compile(mut self, compile: bool) -> Self {
        self.without_compiling = !compile;
        self
    }

    /// Whether layers of a legacy `.h5` that stand in several of its models with the same name, options and weights become one
    /// layer, which trains as one. Such a file stores a layer once for each model that it is in, so that a shared layer looks
    /// like equal ones: a network and its copy. `false` by default, as in Keras.
    pub fn share_equal_layers(mut self, share: bool) -> Self {
        self.share_equal_layers = share;
        self
    }

    /// Upper bounds on what the file may ask for.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Loads a `.keras` file or folder, a legacy `.h5`, a `.safetensors` that refrain wrote, or the JSON of an architecture.
    /// What it is shows in its content, not in its name.
    ///
    /// # Errors
    /// There is no such file, it is damaged or asks for too much, holds what refrain does not have, or its weights do not
    /// fit. No error leaves a model behind.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Model> {
        load::load(path.as_ref(), self)
    }

    /// A model with new weights from the JSON of its architecture.
    ///
    /// # Errors
    /// It is no such JSON, or names what refrain does not have.
    pub fn model_from_json(&self, json: &str) -> Result<Model> {
        load::from_json_text(json.as_bytes(), self)
    }

    pub(crate) fn get_limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn get_share_equal_layers(&self) -> bool {
        self.share_equal_layers
    }

    /// The program's own classes and functions for this load.
    pub(crate) fn objects(&self) -> &CustomObjects {
        &self.objects
    }

    pub(crate) fn get_compile(&self) -> bool {
        !self.without_compiling
    }

    pub(crate) fn restoring(&self) -> Restoring {
        let mut context = reader();
        let decode = self.decode_lambdas || self.described_lambdas;
        context.decode = decode.then_some(decode_function);
        context.described_lambdas = self.described_lambdas;
        context
    }
}

fn decode_function(function: &serde_json::Value, arguments: &Config) -> Result<Function> {
    let function = of_expression(decode(function, arguments)?);
    // A function in Python need not use what it is given.
    Ok(Arc::new(move |inputs, arguments| {
        arguments.use_all();
        function(inputs, arguments)
    }))
}
