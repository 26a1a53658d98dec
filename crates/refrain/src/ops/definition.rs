//! The declaration of a function: once, for programs, for files and for expressions.

use refrain_graph::DType;
use serde_json::Value as Json;

use super::{Axes, NewShape, Operand};
use crate::config::{Config, shown};
use crate::config::{number_to_json, short};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Argument, Inputs, MaskRule};
use crate::layers::{AnyLayer, Call, Handle, Layer, Properties, mixed};
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Trace;

/// What an operation gives on traced tensors.
pub(crate) type OpResult = Result<Structure<Tensor>>;

/// What an argument of a function is. Those of tensors belong to its calls, the others to its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParameterKind {
    /// A tensor.
    Tensor,
    /// A tensor, or a number beside one.
    Operand,
    /// A tensor of positions, or positions in lists.
    Indices,
    /// A list of tensors.
    Tensors,
    /// Tensors: all further arguments.
    Rest,
    /// A plain value that belongs to the calls.
    Key,
    /// A number or nothing, which calls have by name.
    Named,
    Number,
    OptionalNumber,
    Flag,
    Integer,
    OptionalInteger,
    /// One axis, several, or nothing for all.
    Axes,
    /// A size or a number of repeats.
    Count,
    Counts,
    /// A shape in which one size may be -1.
    Shape,
    Type,
    OptionalType,
    Text,
    /// Numbers, texts and lists of such, which the function itself checks.
    Plain,
}

impl ParameterKind {
    fn is_of_calls(self) -> bool {
        use ParameterKind::*;
        matches!(
            self,
            Tensor | Operand | Indices | Tensors | Rest | Key | Named
        )
    }
}

/// A parameter with its default, as a signature writes them.
pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a str,
    pub(crate) default: Option<&'a str>,
}

impl Parameter<'_> {
    /// Whether it takes all further arguments.
    pub(crate) fn is_variadic(&self) -> bool {
        self.name.starts_with('*')
    }

    /// The value of its default: what signatures use, no more.
    pub(crate) fn default_value(&self) -> Option<Json> {
        let text = self.default?;
        Some(match text {
            "None" => Json::Null,
            "True" => true.into(),
            "False" => false.into(),
            text => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(n), _) => n.into(),
                (_, Ok(n)) => number_to_json(n),
                _ => text.strip_prefix('\'')?.strip_suffix('\'')?.into(),
            },
        })
    }
}

/// The parameters between the parentheses of a signature.
pub(crate) fn parameters(signature: &str) -> impl Iterator<Item = Parameter<'_>> {
    let inside = signature.split_once('(').map_or("", |(_, rest)| rest);
    let inside = inside.strip_suffix(')').unwrap_or(inside);
    let parts = inside.split(", ").filter(|p| !p.is_empty());
    parts.map(|p| {
        let (name, default) = p.split_once('=').map_or((p, None), |(n, d)| (n, Some(d)));
        Parameter { name, default }
    })
}

/// What a function does otherwise on another backend, or did in another version of Keras.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// It returns its input where it changes nothing: on JAX, not on TensorFlow.
    MayReturnInput,
    /// TensorFlow's function, which files of Keras 2 name, gives integers for integers.
    IntegersInKeras2,
}

/// A function: what files and expressions know it by, and how it lowers to primitives.
#[derive(Debug)]
pub(crate) struct OpDef {
    /// Its name here; `None` for a function that stands in files only.
    pub(crate) function: Option<&'static str>,
    /// Keras's class: `Add`, `GetItem`, …
    pub(crate) class: &'static str,
    /// Keras's module without `keras.src.`: `ops.numpy`, …
    pub(crate) module: &'static str,
    /// How Keras 3 calls it: `softmax(x, axis=-1)`. Arguments have these names in files.
    pub(crate) signature: &'static str,
    /// What the arguments are, in the signature's order.
    pub(crate) kinds: &'static [ParameterKind],
    /// Signatures of Keras 2's backend (`K.`) and of TensorFlow (`tf.`) whose arguments mean the same.
    pub(crate) aliases: &'static [&'static str],
    /// Where it differs between backends or versions of Keras.
    pub(crate) differences: &'static [Difference],
    /// The function on traced tensors. `Config` holds what Keras keeps in the operation's config (axes, …).
    pub(crate) call: fn(&Inputs, &Config) -> OpResult,
}

impl OpDef {
    /// The arguments with their kinds.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (Parameter<'static>, ParameterKind)> {
        parameters(self.signature).zip(self.kinds.iter().copied())
    }

    /// Whether it differs in this way.
    pub(crate) fn differs(&self, difference: Difference) -> bool {
        self.differences.contains(&difference)
    }

    /// Keras's module.
    pub(crate) fn module(&self) -> String {
        format!("{KERAS}{}", self.module)
    }

    /// Arguments in the signature's order as those of a call and a configuration.
    pub(crate) fn bind(&self, arguments: impl IntoIterator<Item = Argument>) -> (Inputs, Config) {
        let (mut inputs, mut config) = (Inputs::default(), Config::new());
        let mut parameters = self.parameters().peekable();
        for argument in arguments {
            let Some((parameter, kind)) = (match parameters.peek() {
                Some((p, ParameterKind::Rest)) => Some((p.name, ParameterKind::Rest)),
                _ => parameters.next().map(|(p, kind)| (p.name, kind)),
            }) else {
                break;
            };
            match argument {
                Argument::Tensors(tensors) => inputs = inputs.arg(tensors),
                Argument::Value(value) if kind == ParameterKind::Named => {
                    inputs = inputs.option(parameter, value);
                }
                Argument::Value(value) if kind.is_of_calls() => inputs = inputs.value(value),
                Argument::Value(value) => {
                    config.insert(parameter.to_owned(), value);
                }
            }
        }
        (inputs, config)
    }

    /// The configuration of a file, with the defaults of what it leaves out.
    fn complete(&self, given: &Config) -> Config {
        let own = self.parameters().filter(|(_, kind)| !kind.is_of_calls());
        let value = |p: &Parameter| given.get(p.name).cloned().or_else(|| p.default_value());
        own.filter_map(|(p, _)| Some((p.name.to_owned(), value(&p)?)))
            .collect()
    }

    /// The defaults of the arguments after so many.
    pub(crate) fn defaults(&self, given: usize) -> impl Iterator<Item = Argument> {
        let rest = self.parameters().skip(given);
        rest.filter_map(|(p, _)| Some(Argument::Value(p.default_value()?)))
    }

    /// Refuses options that the function does not have, unless they are off: they may change what is computed.
    pub(crate) fn refuse_unknown(&self, config: &Config) -> Result<()> {
        let off = |json: &Json| json.is_null() || *json == Json::Bool(false);
        let own = |name: &str| {
            let mut own = self.parameters().filter(|(_, kind)| !kind.is_of_calls());
            name == "name" || own.any(|(p, _)| p.name == name)
        };
        match config.iter().find(|(name, json)| !own(name) && !off(json)) {
            None => Ok(()),
            Some((name, json)) => {
                let message = format!(
                    "option `{}` = {}, which the function does not have",
                    short(name),
                    shown(json)
                );
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }

    /// Calls it: at once on traced tensors, as a new node on symbolic ones.
    pub(crate) fn call(&'static self, inputs: Inputs, config: Config) -> OpResult {
        let tensors = inputs.tensors();
        tensors.iter().try_for_each(|t| t.check())?;
        let traced = tensors.iter().filter(|t| t.as_traced().is_some()).count();
        let call =
            |inputs: &Inputs| (self.call)(inputs, &config).map_err(|e| e.in_function(self.class));
        match (traced, tensors.len()) {
            (0, 0) => return call(&inputs),
            (t, n) if t == n => return call(&Trace::innermost(&tensors)?.place(&inputs)?),
            (0, _) => {}
            _ => return Err(mixed()),
        }
        let layer: AnyLayer = Handle::from_options(Operation { def: self, config }).any();
        layer.call_structure(&inputs)
    }

    /// Calls it with arguments in the signature's order.
    pub(crate) fn apply<O: Outputs>(
        &'static self,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> O {
        let (inputs, config) = self.bind(arguments);
        O::of(self.call(inputs, config))
    }

    /// Calls it for a known number of results.
    pub(crate) fn apply_many(
        &'static self,
        arguments: impl IntoIterator<Item = Argument>,
        count: usize,
    ) -> Vec<Tensor> {
        let (inputs, config) = self.bind(arguments);
        match self.call(inputs, config) {
            Ok(outputs) => outputs.into_leaves(),
            // A number of results that is itself the error is no length.
            Err(e) => vec![Tensor::invalid(e); count.min(super::join::MOST_PARTS)],
        }
    }
}

/// What a function gives.
pub(crate) trait Outputs {
    fn of(outputs: OpResult) -> Self;
}

impl Outputs for Tensor {
    fn of(outputs: OpResult) -> Self {
        Tensor::from_result(outputs.map(|s| s.into_first()))
    }
}

impl Outputs for (Tensor, Tensor) {
    fn of(outputs: OpResult) -> Self {
        match outputs.map(Structure::into_leaves).as_deref() {
            Ok([first, second]) => (first.clone(), second.clone()),
            Ok(_) => {
                let invalid =
                    Tensor::invalid(Error::new(ErrorKind::Internal, "two results expected"));
                (invalid.clone(), invalid)
            }
            Err(e) => (Tensor::invalid(e.clone()), Tensor::invalid(e.clone())),
        }
    }
}

/// What the functions here take as an argument, as calls and configurations have it.
pub(crate) trait ToArgument {
    fn argument(self) -> Argument;
}

/// A value of one type from what becomes one.
pub(crate) fn to<T>(value: impl Into<T>) -> T {
    value.into()
}

impl ToArgument for &Tensor {
    fn argument(self) -> Argument {
        Argument::Tensors(self.into())
    }
}

impl ToArgument for Structure<Tensor> {
    fn argument(self) -> Argument {
        Argument::Tensors(self)
    }
}

impl ToArgument for Operand {
    fn argument(self) -> Argument {
        match self {
            Operand::Tensor(t) => (&t).argument(),
            Operand::Number(n) => n.argument(),
            Operand::Integer(n) => n.argument(),
        }
    }
}

impl<T: ToArgument> ToArgument for Option<T> {
    fn argument(self) -> Argument {
        self.map_or(Argument::Value(Json::Null), T::argument)
    }
}

macro_rules! plain_arguments {
    ($($t:ty => |$value:ident| $json:expr;)*) => {$(
        impl ToArgument for $t {
            fn argument(self) -> Argument {
                let $value = self;
                Argument::Value(Json::from($json))
            }
        }
    )*};
}

plain_arguments! {
    Json => |json| json;
    bool => |flag| flag;
    i64 => |n| n;
    u32 => |n| n;
    usize => |n| n;
    f64 => |n| number_to_json(n);
    &str => |text| text;
    DType => |dtype| dtype.keras_name();
    Vec<usize> => |sizes| sizes;
    Vec<i64> => |numbers| numbers;
    Axes => |axes| axes.to_json();
    NewShape => |shape| shape.to_json();
}

/// Declares functions and the table that files and expressions are read with.
///
/// Each is a Rust function with a body, either a list of arguments in the signature's order, or `|op| …` that applies its
/// declaration by itself; then Keras's module and class, Keras's signature with the kinds of its arguments, a [`Difference`] if
/// it has one, signatures that mean the same, and how it lowers.
macro_rules! operations {
    ($table:ident in $defs:ident { $(
        $(#[$meta:meta])*
        pub fn $name:ident $(<$life:lifetime>)? ($($params:tt)*) -> $out:ty { $($body:tt)* }
        $module:literal / $class:literal as $signature:literal [$($kind:ident),*] $($difference:ident)? $(, $alias:literal)* => $call:expr;
    )* }) => {
        #[allow(non_upper_case_globals, reason = "each has the name of its function")]
        pub(in crate::ops) mod $defs {
            #[allow(unused_imports, reason = "whatever lowers the functions")]
            use super::*;
            $(pub(in crate::ops) static $name: $crate::ops::OpDef = $crate::ops::OpDef {
                function: Some(stringify!($name)),
                class: $class,
                module: $module,
                signature: $signature,
                kinds: &[$($crate::ops::ParameterKind::$kind),*],
                aliases: &[$($alias),*],
                differences: &[$($crate::ops::Difference::$difference)?],
                call: $call,
            };)*
        }
        pub(super) static $table: &[&$crate::ops::OpDef] = &[$(&$defs::$name),*];
        $(
            $(#[$meta])*
            pub fn $name $(<$life>)? ($($params)*) -> $out {
                $crate::ops::definition::operation_body!(&$defs::$name, $($body)*)
            }
        )*
    };
}
pub(super) use operations;

macro_rules! operation_body {
    ($def:expr, [$($argument:expr),* $(,)?]) => {
        $def.apply([$($crate::ops::definition::ToArgument::argument($argument)),*])
    };
    ($def:expr, |$op:ident| $body:expr) => {{
        let $op: &'static $crate::ops::OpDef = $def;
        $body
    }};
}
pub(super) use operation_body;

/// Declares functions of one tensor that work element by element, also as methods.
macro_rules! unary_functions {
    ($table:ident in $defs:ident { $(
        $(#[$meta:meta])*
        $name:ident = $module:literal / $class:literal as $signature:literal $(, $alias:literal)* => $call:expr;
    )* }) => {
        $crate::ops::definition::operations! { $table in $defs { $(
            $(#[$meta])*
            ///
            /// Element by element, in the shape of `x`. Also a method of [`Tensor`].
            ///
            /// ```
            /// use refrain::{input, ops};
            #[doc = concat!("let y = ops::", stringify!($name), "(&input([3]));")]
            /// assert_eq!(y.shape().to_string(), "(None, 3)");
            /// ```
            pub fn $name(x: &Tensor) -> Tensor { [x] }
            $module / $class as $signature [Tensor] $(, $alias)* => $call;
        )* }}
        impl Tensor {
            $(
                #[doc = concat!("See [`ops::", stringify!($name), "`](crate::ops::", stringify!($name), ").")]
                pub fn $name(&self) -> Tensor { $name(self) }
            )*
        }
    };
}
pub(super) use unary_functions;

/// Declares functions of two operands that work element by element.
macro_rules! binary_functions {
    ($table:ident in $defs:ident { $(
        $(#[$meta:meta])*
        $name:ident = $class:literal as $signature:literal $(, $alias:literal)* => $call:expr;
    )* }) => {
        $crate::ops::definition::operations! { $table in $defs { $(
            $(#[$meta])*
            ///
            /// Element by element; shapes broadcast as in NumPy, and a number takes the type of the tensor beside it. Shapes that do not
            /// broadcast are an error.
            ///
            /// ```
            /// use refrain::{input, ops};
            /// let (a, b) = (input([4, 3]), input([3]));
            #[doc = concat!("assert_eq!(ops::", stringify!($name), "(&a, &a).shape().to_string(), \"(None, 4, 3)\");")]
            #[doc = concat!("assert_eq!(ops::", stringify!($name), "(&b, 2).shape().to_string(), \"(None, 3)\");")]
            /// ```
            pub fn $name(a: impl Into<Operand>, b: impl Into<Operand>) -> Tensor {
                [$crate::ops::definition::to::<Operand>(a), $crate::ops::definition::to::<Operand>(b)]
            }
            "ops.numpy" / $class as $signature [Operand, Operand] $(, $alias)* => $call;
        )* }}
    };
}
pub(super) use binary_functions;

/// Keras's modules are this and what a declaration names.
const KERAS: &str = "keras.src.";

/// A function recorded in a declared graph.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) def: &'static OpDef,
    pub(crate) config: Config,
}

impl Operation {
    /// The function of a Keras class with what a file says of it.
    pub(crate) fn new(def: &'static OpDef, config: &Config) -> Self {
        let config = def.complete(config);
        Operation { def, config }
    }
}

impl Layer for Operation {
    type Output = Structure<Tensor>;

    fn class_name(&self) -> &str {
        self.def.class
    }

    fn config(&self) -> Config {
        self.config.clone()
    }

    fn properties(&self) -> Properties {
        let may_return_input = self.def.differs(Difference::MayReturnInput);
        Properties {
            may_return_input,
            keras2_masks: match may_return_input {
                true => MaskRule::Lost,
                false => MaskRule::default(),
            },
            ..Properties::default()
        }
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> OpResult {
        (self.def.call)(inputs, &self.config)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn casts_inputs(&self) -> bool {
        false
    }
}
