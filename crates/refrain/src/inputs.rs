//! What a layer is called with: positional arguments, then keyword arguments, of tensors and plain values.

use std::sync::atomic::{AtomicBool, Ordering};

use refrain_graph::Literal;
use serde_json::Value as Json;

use crate::config::short;
use crate::error::{Error, ErrorKind, Result};
use crate::structure::Structure;
use crate::tensor::Tensor;

/// Keras's name of the argument that tells fitting from predicting.
pub(crate) const TRAINING: &str = "training";

/// One argument of a call.
#[derive(Clone, Debug)]
pub enum Argument {
    /// A tensor or a structure of tensors.
    Tensors(Structure<Tensor>),
    /// A plain value: a number, a flag, an axis, …
    Value(Json),
}

/// The arguments of a call. Made from a tensor, an array of tensors, a dict, …
///
/// `.option("training", flag)` makes one call compute as in fitting or as in predicting, whatever the model is run for, the
/// layers inside included: dropout that goes on dropping in `predict`, a normalization that keeps to its moving statistics
/// in `fit`. Keras 3 overrides that in `fit`, `evaluate` and `predict`; saving such a model gives a warning.
///
/// A call notices which of its arguments the layer asks for; one that it does not ask for is an error, so that no argument
/// is dropped. [`args`](Inputs::args) and [`kwargs`](Inputs::kwargs) ask for all.
///
/// ```
/// use refrain::{Inputs, input};
/// let (x, state) = (input([8, 20]), input([64]));
/// let inputs = Inputs::new(&x).kwarg("initial_state", [&state, &state]);
/// assert_eq!(inputs.tensors().len(), 3);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    args: Vec<Argument>,
    kwargs: Vec<(String, Argument)>,
    asked: Asked,
    overridden_training: Option<Json>,
    mask_rule: MaskRule,
    made_mask: bool,
}

/// What a call does with masks, which hang on tensors that calls share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaskRule {
    /// They stay where they are, and an output that is an input keeps its mask.
    #[default]
    Kept,
    /// It takes them off its inputs, so that calls made later see none: Keras's attention from 3.8 on.
    Taken,
    /// Its output is a new tensor without a mask even where it does nothing: TensorFlow's functions.
    Lost,
    /// They are those that the layer inside it gives: Keras 2's `TimeDistributed`.
    OfInner,
}

/// Which arguments a call has asked for: those by position, then those by name. Empty where nobody watches.
#[derive(Debug, Default)]
struct Asked(Vec<AtomicBool>);

impl Asked {
    fn none(arguments: usize) -> Self {
        Asked((0..arguments).map(|_| AtomicBool::new(false)).collect())
    }

    fn mark(&self, argument: usize) {
        if let Some(flag) = self.0.get(argument) {
            flag.store(true, Ordering::Relaxed);
        }
    }

    fn contains(&self, argument: usize) -> bool {
        let flag = self.0.get(argument);
        flag.is_none_or(|flag| flag.load(Ordering::Relaxed))
    }
}

impl Clone for Asked {
    fn clone(&self) -> Self {
        let flags = (0..self.0.len()).map(|i| AtomicBool::new(self.contains(i)));
        Asked(flags.collect())
    }
}

impl Inputs {
    /// The first positional argument.
    pub fn new(first: impl Into<Structure<Tensor>>) -> Self {
        Inputs::default().arg(first)
    }

    /// A further positional argument.
    pub fn arg(mut self, tensors: impl Into<Structure<Tensor>>) -> Self {
        self.args.push(Argument::Tensors(tensors.into()));
        self
    }

    /// A plain value as a further positional argument.
    pub fn value(mut self, value: impl Into<Json>) -> Self {
        self.args.push(Argument::Value(value.into()));
        self
    }

    /// A keyword argument of tensors.
    pub fn kwarg(mut self, name: &str, tensors: impl Into<Structure<Tensor>>) -> Self {
        let argument = Argument::Tensors(tensors.into());
        self.kwargs.push((name.to_owned(), argument));
        self
    }

    /// A keyword argument that is a plain value.
    pub fn option(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.kwargs
            .push((name.to_owned(), Argument::Value(value.into())));
        self
    }

    /// The positional arguments.
    pub fn args(&self) -> &[Argument] {
        (0..self.args.len()).for_each(|i| self.asked.mark(i));
        &self.args
    }

    /// The keyword arguments.
    pub fn kwargs(&self) -> &[(String, Argument)] {
        (0..self.kwargs.len()).for_each(|i| self.asked.mark(self.args.len() + i));
        &self.kwargs
    }

    fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.args.iter().chain(self.kwargs.iter().map(|(_, a)| a))
    }

    /// All tensors that a call or a program makes, in Keras's flattened order: positional arguments, then keyword arguments
    /// by sorted name. Constants are not among them until a program holds them.
    pub fn tensors(&self) -> Vec<&Tensor> {
        let mut order: Vec<usize> = (0..self.kwargs.len()).collect();
        order.sort_by_key(|&i| &self.kwargs[i].0);
        let kwargs = order
            .into_iter()
            .map(|i| (self.args.len() + i, &self.kwargs[i].1));
        let arguments = self.args.iter().enumerate().chain(kwargs);
        let leaves = arguments.flat_map(|(i, argument)| match argument {
            Argument::Tensors(tensors) => {
                self.asked.mark(i);
                tensors.flatten()
            }
            Argument::Value(_) => Vec::new(),
        });
        leaves.filter(|t| t.is_computed()).collect()
    }

    fn map_leaves(&self, mut f: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Inputs> {
        let mut map = |a: &Argument| -> Result<Argument> {
            Ok(match a {
                Argument::Tensors(s) => Argument::Tensors(s.try_map(&mut f)?),
                Argument::Value(v) => Argument::Value(v.clone()),
            })
        };
        let args = self.args.iter().map(&mut map).collect::<Result<_>>()?;
        let kwargs = self
            .kwargs
            .iter()
            .map(|(k, a)| Ok((k.clone(), map(a)?)))
            .collect::<Result<_>>()?;
        Ok(Inputs {
            args,
            kwargs,
            asked: Asked::default(),
            overridden_training: self.overridden_training.clone(),
            mask_rule: self.mask_rule,
            made_mask: self.made_mask,
        })
    }

    /// The same arguments with other tensors in place of those that are computed.
    pub(crate) fn try_map(&self, mut f: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Inputs> {
        self.map_leaves(|tensor| match tensor.is_computed() {
            true => f(tensor),
            false => Ok(tensor.clone()),
        })
    }

    /// The same arguments with other tensors in place of the constants.
    pub(crate) fn map_constants(
        &self,
        mut f: impl FnMut(&Literal) -> Result<Tensor>,
    ) -> Result<Inputs> {
        self.map_leaves(|tensor| match tensor.as_constant() {
            Some(literal) => f(literal),
            None => Ok(tensor.clone()),
        })
    }

    /// Whether the call is for fitting, if it says so itself.
    pub(crate) fn training(&self) -> Option<bool> {
        self.plain(usize::MAX, TRAINING).and_then(Json::as_bool)
    }

    /// The call of a file of Keras 3, where whoever runs the model overrides what its calls say of `training`. It is kept for
    /// files that are written.
    pub(crate) fn with_overridden_training(mut self) -> Inputs {
        let given = self.kwargs.iter().position(|(name, _)| name == TRAINING);
        if let Some((_, Argument::Value(value))) = given.map(|i| self.kwargs.remove(i)) {
            self.overridden_training = Some(value);
        }
        self
    }

    /// What a file of Keras 3 says of `training`.
    pub(crate) fn overridden_training(&self) -> Option<&Json> {
        self.overridden_training.as_ref()
    }

    /// The call by another rule of masks.
    pub(crate) fn with_mask_rule(mut self, rule: MaskRule) -> Inputs {
        self.mask_rule = rule;
        self
    }

    pub(crate) fn mask_rule(&self) -> MaskRule {
        self.mask_rule
    }

    /// The call with a mask that its author did not write.
    pub(crate) fn with_made_mask(mut self, name: &str, masks: Structure<Tensor>) -> Inputs {
        self.made_mask = true;
        self.kwarg(name, masks)
    }

    pub(crate) fn has_made_mask(&self) -> bool {
        self.made_mask
    }

    /// The same arguments with other tensors in place of those given by position or by name.
    pub(crate) fn with(
        mut self,
        position: usize,
        name: &str,
        tensors: impl Into<Structure<Tensor>>,
    ) -> Inputs {
        let given = self.argument(position, name).map(|(i, _)| i);
        let by_name = given.map(|i| i.checked_sub(self.args.len()));
        let tensors = Argument::Tensors(tensors.into());
        match by_name {
            Some(Some(i)) => self.kwargs[i].1 = tensors,
            Some(None) => self.args[position] = tensors,
            None => self.kwargs.push((name.to_owned(), tensors)),
        }
        self
    }

    /// The same arguments without one of those by name.
    pub(crate) fn without(mut self, name: &str) -> Inputs {
        self.kwargs.retain(|(given, _)| given != name);
        self
    }

    /// The same arguments, none of them asked for yet.
    pub(crate) fn watched(mut self) -> Inputs {
        self.asked = Asked::none(self.args.len() + self.kwargs.len());
        self
    }

    /// Refuses arguments that were given and not asked for. Layers without dropout or statistics take `training` too, as in
    /// Keras.
    pub(crate) fn check_asked(&self) -> Result<()> {
        let given = |argument: &Argument| match argument {
            Argument::Tensors(tensors) => tensors.flatten().iter().any(|t| !t.is_absent()),
            Argument::Value(value) => !is_null(value),
        };
        let dropped = |i: usize, argument: &Argument| given(argument) && !self.asked.contains(i);
        let mut args = self.args.iter().enumerate();
        let by_position = args.find(|(i, a)| dropped(*i, a));
        let mut kwargs = (self.args.len()..).zip(&self.kwargs);
        let by_name = kwargs.find(|(i, (name, a))| name != TRAINING && dropped(*i, a));
        let received = match (by_position, by_name) {
            (Some((i, _)), _) => format!("a positional argument too many, number {}", i + 1),
            (None, Some((_, (name, _)))) => {
                format!("argument `{}`, which it has no use for", short(name))
            }
            (None, None) => return Ok(()),
        };
        let expected = "arguments that the layer uses";
        Err(Error::mismatch(ErrorKind::Structure, expected, received)
            .hint("Leave it out, or check its name and its kind: a tensor, a list of tensors, or a plain value"))
    }

    /// The same arguments without those that stand for optional inputs without data.
    ///
    /// # Errors
    /// The first argument is such an input.
    pub(crate) fn without_absent(mut self) -> Result<Inputs> {
        let absent = |argument: &Argument| match argument {
            Argument::Tensors(Structure::Leaf(tensor)) => tensor.is_absent(),
            _ => false,
        };
        if let Some(Argument::Tensors(first)) = self.args.first() {
            first.flatten().into_iter().try_for_each(Tensor::check)?;
        }
        for argument in self.args.iter_mut().skip(1).filter(|a| absent(a)) {
            *argument = Argument::Value(Json::Null);
        }
        self.kwargs.retain(|(_, argument)| !absent(argument));
        Ok(self)
    }

    /// The structure of the first positional argument (or of the first keyword argument if all are by name).
    pub fn first(&self) -> Result<&Structure<Tensor>> {
        let first = self.arguments().enumerate().find_map(|(i, a)| match a {
            Argument::Tensors(s) => Some((i, s)),
            Argument::Value(_) => None,
        });
        let (position, first) =
            first.ok_or_else(|| Error::mismatch(ErrorKind::Structure, "a tensor", "no tensor"))?;
        self.asked.mark(position);
        Ok(first)
    }

    /// The first argument, which must be one tensor.
    pub fn one(&self) -> Result<&Tensor> {
        match self.first()? {
            Structure::Leaf(t) => Ok(t),
            s => Err(Error::mismatch(
                ErrorKind::Structure,
                "one input tensor",
                format!("{} input tensors", s.flatten().len()),
            )
            .hint("Call the layer on each by itself, or merge them first")),
        }
    }

    /// The first argument as a flat list of tensors.
    pub fn list(&self) -> Result<Vec<&Tensor>> {
        Ok(self.first()?.flatten())
    }

    /// The tensors of an argument given by position or by name.
    pub fn get(&self, position: usize, name: &str) -> Option<&Structure<Tensor>> {
        match self.argument(position, name)? {
            (i, Argument::Tensors(s)) => {
                self.asked.mark(i);
                Some(s)
            }
            (_, Argument::Value(_)) => None,
        }
    }

    /// The one tensor of an argument given by position or by name.
    pub fn tensor(&self, position: usize, name: &str) -> Option<&Tensor> {
        let (i, Argument::Tensors(tensors)) = self.argument(position, name)? else {
            return None;
        };
        // Several tensors are not what is asked for: the call refuses them.
        let tensor = tensors.single()?;
        self.asked.mark(i);
        Some(tensor).filter(|t| !t.is_absent())
    }

    /// A plain value given by position or by name.
    pub fn plain(&self, position: usize, name: &str) -> Option<&Json> {
        match self.argument(position, name)? {
            (i, Argument::Value(v)) => {
                self.asked.mark(i);
                Some(v)
            }
            (_, Argument::Tensors(_)) => None,
        }
    }

    /// An argument with its place among all of them.
    fn argument(&self, position: usize, name: &str) -> Option<(usize, &Argument)> {
        let by_name = self.kwargs.iter().position(|(k, _)| k == name);
        match by_name {
            Some(i) => Some((self.args.len() + i, &self.kwargs[i].1)),
            None => Some((position, self.args.get(position)?)),
        }
    }

    /// The mask to use for the first tensor: the keyword `mask`, else the one that the tensor carries.
    pub fn mask(&self) -> Option<Tensor> {
        self.mask_at(usize::MAX)
    }

    /// The mask to use for the first tensor: the argument `mask`, which may be given by position, else the one that the
    /// tensor carries.
    pub(crate) fn mask_at(&self, position: usize) -> Option<Tensor> {
        let explicit = self.tensor(position, "mask").cloned();
        explicit.or_else(|| self.first().ok()?.flatten().first()?.mask())
    }
}

/// Whether a plain value is nothing, or a structure of nothing, as `mask` is in files.
fn is_null(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.iter().all(is_null),
        Json::Object(items) => items.values().all(is_null),
        leaf => leaf.is_null(),
    }
}

impl From<&Tensor> for Structure<Tensor> {
    fn from(t: &Tensor) -> Self {
        Structure::Leaf(t.clone())
    }
}

impl<const N: usize> From<[&Tensor; N]> for Structure<Tensor> {
    fn from(ts: [&Tensor; N]) -> Self {
        Structure::list(ts.into_iter().cloned())
    }
}

impl<const N: usize> From<[Tensor; N]> for Structure<Tensor> {
    fn from(ts: [Tensor; N]) -> Self {
        Structure::list(ts)
    }
}

impl<const N: usize> From<&[Tensor; N]> for Structure<Tensor> {
    fn from(ts: &[Tensor; N]) -> Self {
        Structure::list(ts.iter().cloned())
    }
}

impl From<Vec<Tensor>> for Structure<Tensor> {
    fn from(ts: Vec<Tensor>) -> Self {
        Structure::list(ts)
    }
}

impl From<&Vec<Tensor>> for Structure<Tensor> {
    fn from(ts: &Vec<Tensor>) -> Self {
        Structure::list(ts.iter().cloned())
    }
}

impl From<&[Tensor]> for Structure<Tensor> {
    fn from(ts: &[Tensor]) -> Self {
        Structure::list(ts.iter().cloned())
    }
}

impl<const N: usize> From<[(&str, &Tensor); N]> for Structure<Tensor> {
    fn from(ts: [(&str, &Tensor); N]) -> Self {
        Structure::dict(ts.map(|(k, t)| (k, Structure::Leaf(t.clone()))))
    }
}

impl From<&Structure<Tensor>> for Structure<Tensor> {
    fn from(s: &Structure<Tensor>) -> Self {
        s.clone()
    }
}

/// Two positional arguments, as in `layer(query, value)`; a list is one: `layer([a, b])`.
impl From<(&Tensor, &Tensor)> for Inputs {
    fn from((first, second): (&Tensor, &Tensor)) -> Self {
        Inputs::new(first).arg(second)
    }
}

/// Three positional arguments.
impl From<(&Tensor, &Tensor, &Tensor)> for Inputs {
    fn from((first, second, third): (&Tensor, &Tensor, &Tensor)) -> Self {
        Inputs::new(first).arg(second).arg(third)
    }
}

impl<S: Into<Structure<Tensor>>> From<S> for Inputs {
    fn from(s: S) -> Self {
        Inputs::new(s)
    }
}
