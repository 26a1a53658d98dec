//! What a layer is called with: positional arguments, then keyword arguments, of tensors and plain values.

use serde_json::Value as Json;

use crate::error::{Error, ErrorKind, Result};
use crate::structure::Structure;
use crate::tensor::Tensor;

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
        &self.args
    }

    /// The keyword arguments.
    pub fn kwargs(&self) -> &[(String, Argument)] {
        &self.kwargs
    }

    fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.args.iter().chain(self.kwargs.iter().map(|(_, a)| a))
    }

    /// All tensors, in Keras's flattened order: positional arguments, then keyword arguments by sorted name.
    pub fn tensors(&self) -> Vec<&Tensor> {
        let mut kwargs: Vec<&(String, Argument)> = self.kwargs.iter().collect();
        kwargs.sort_by(|(a, _), (b, _)| a.cmp(b));
        let kwargs = kwargs.into_iter().map(|(_, argument)| argument);
        let arguments = self.args.iter().chain(kwargs);
        arguments
            .flat_map(|a| match a {
                Argument::Tensors(s) => s.flatten(),
                Argument::Value(_) => Vec::new(),
            })
            .collect()
    }

    /// The same arguments with other tensors.
    pub(crate) fn try_map(&self, mut f: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Inputs> {
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
        Ok(Inputs { args, kwargs })
    }

    /// The same arguments without those that stand for optional inputs without data.
    ///
    /// # Errors
    /// The first argument, or part of a list, is such an input.
    pub(crate) fn without_absent(mut self) -> Result<Inputs> {
        let absent = |argument: &Argument| match argument {
            Argument::Tensors(Structure::Leaf(tensor)) => tensor.check().is_err(),
            _ => false,
        };
        for argument in self.args.iter_mut().skip(1).filter(|a| absent(a)) {
            *argument = Argument::Value(Json::Null);
        }
        self.kwargs.retain(|(_, argument)| !absent(argument));
        let mut tensors = self.tensors().into_iter();
        tensors.try_for_each(Tensor::check)?;
        Ok(self)
    }

    /// The structure of the first positional argument (or of the first keyword argument if all are by name).
    pub fn first(&self) -> Result<&Structure<Tensor>> {
        let first = self.arguments().find_map(|a| match a {
            Argument::Tensors(s) => Some(s),
            Argument::Value(_) => None,
        });
        first.ok_or_else(|| Error::mismatch(ErrorKind::Structure, "a tensor", "no tensor"))
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
            Argument::Tensors(s) => Some(s),
            Argument::Value(_) => None,
        }
    }

    /// The one tensor of an argument given by position or by name.
    pub fn tensor(&self, position: usize, name: &str) -> Option<&Tensor> {
        self.get(position, name).and_then(Structure::single)
    }

    /// A plain value given by position or by name.
    pub fn plain(&self, position: usize, name: &str) -> Option<&Json> {
        match self.argument(position, name)? {
            Argument::Value(v) => Some(v),
            Argument::Tensors(_) => None,
        }
    }

    fn argument(&self, position: usize, name: &str) -> Option<&Argument> {
        let by_name = self.kwargs.iter().find(|(k, _)| k == name).map(|(_, a)| a);
        by_name.or_else(|| self.args.get(position))
    }

    /// The mask to use for the first tensor: the keyword `mask`, else the one that the tensor carries.
    pub fn mask(&self) -> Option<Tensor> {
        let explicit = self.tensor(usize::MAX, "mask").cloned();
        explicit.or_else(|| self.first().ok()?.flatten().first()?.mask())
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
