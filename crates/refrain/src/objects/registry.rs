//! Where files' names of classes and functions lead: Keras's own, a program's own, and those of one load.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use serde_json::{Value as Json, json};

use super::class::{Base, Class, FromConfig};
use super::own;
use crate::config::{Config, short, unexpected};
use crate::error::{Error, ErrorKind, Result};

/// A kind of objects that files name: [`Loss`](crate::losses::Loss), [`AnyLayer`](crate::layers::AnyLayer),
/// [`Activation`](crate::activations::Activation), …
pub trait Kind: Clone + Send + Sync + 'static {
    /// What it is called in errors, with its article.
    const WHAT: &'static str;
}

/// A kind that has objects of this type: a loss can be made of each [`LossClass`](crate::losses::LossClass).
pub trait Holds<C>: Kind {
    /// The object as one of the kind.
    ///
    /// # Errors
    /// What the configuration says besides the object's own options does not fit.
    fn hold(object: C, config: &Config) -> Result<Self>;
}

/// A kind whose objects files describe by a class and its options.
pub trait Serializable: Kind {
    /// Options that all classes of the kind have.
    type Base: Base;
    /// Keras's module.
    const MODULE: &'static str;
    /// Keras's own classes.
    const BUILT_IN: &'static [Entry<Self>];
    /// Whether names of Keras's own classes are found in letters of any case.
    const IGNORES_CASE: bool = false;
    /// The object.
    fn class(&self) -> &dyn Class;
}

/// A class of Keras under the names that files call it by.
pub struct Entry<K> {
    names: &'static [&'static str],
    restore: fn(&Config) -> Result<K>,
    id: fn() -> TypeId,
    /// Keras's module, if it is not that of the kind.
    module: Option<&'static str>,
}

impl<K: Kind> Entry<K> {
    /// A class under its names: its own first, then short ones.
    pub const fn of<C: FromConfig + Into<K> + 'static>(names: &'static [&'static str]) -> Self {
        Entry {
            names,
            restore: |config| C::from_config(config).map(Into::into),
            id: TypeId::of::<C>,
            module: None,
        }
    }

    /// A class of another module of Keras than that of the kind.
    pub const fn in_module(self, module: &'static str) -> Self {
        Entry {
            module: Some(module),
            ..self
        }
    }
}

impl<K: Serializable> Entry<K> {
    /// The class of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Entry<K>> {
        let same = |known: &str| match K::IGNORES_CASE {
            true => known.eq_ignore_ascii_case(name),
            false => known == name,
        };
        K::BUILT_IN
            .iter()
            .find(|entry| entry.names.iter().any(|n| same(n)))
    }

    /// An object of the class.
    pub(crate) fn restore(&self, config: &Config) -> Result<K> {
        (self.restore)(config)
    }

    /// A name for each class of Keras: the shortest of those in lower case.
    pub(crate) fn short_names() -> impl Iterator<Item = &'static str> {
        let upper = |name: &str| name.contains(|c: char| c.is_ascii_uppercase());
        let order = move |name: &&str| (upper(name), name.len());
        let shortest = move |entry: &Entry<K>| entry.names.iter().copied().min_by_key(order);
        K::BUILT_IN.iter().filter_map(shortest)
    }
}

pub(crate) type Restore<K> = Arc<dyn Fn(&Config) -> Result<K> + Send + Sync>;

/// Classes and functions of a program's own, under the names that files call them by: Keras's `custom_objects`.
///
/// One holds for one load, given to [`LoadOptions`](crate::saving::LoadOptions::custom_objects); those of [`register`] hold for all.
///
/// ```
/// use refrain::objects::CustomObjects;
/// use refrain::{activations::Activation, saving::LoadOptions};
///
/// let squared = || Activation::custom("squared_relu", |x| x.relu().square());
/// let mut objects = CustomObjects::new();
/// objects.add::<Activation, _>("squared_relu", move |_| Ok(squared()));
/// let options = LoadOptions::new().custom_objects(objects);
/// ```
#[derive(Clone, Default)]
pub struct CustomObjects {
    /// Each value is a [`Restore`] of its kind.
    kinds: BTreeMap<TypeId, BTreeMap<String, Entrance>>,
}

/// A [`Restore`] of any kind.
type Entrance = Arc<dyn Any + Send + Sync>;

impl CustomObjects {
    /// None.
    pub fn new() -> Self {
        CustomObjects::default()
    }

    /// Adds an object of a kind under the name that files call it by. `from_config` makes it from its options.
    pub fn add<K: Holds<C>, C>(
        &mut self,
        name: impl Into<String>,
        from_config: impl Fn(&Config) -> Result<C> + Send + Sync + 'static,
    ) {
        let restore: Restore<K> = Arc::new(move |config| K::hold(from_config(config)?, config));
        self.insert(TypeId::of::<K>(), name.into(), Arc::new(restore));
    }

    /// Gives what stood under the name before.
    fn insert(&mut self, kind: TypeId, name: String, restore: Entrance) -> Option<Entrance> {
        self.kinds.entry(kind).or_default().insert(name, restore)
    }

    /// Adds all of others; they replace those of the same names.
    pub(crate) fn extend(&mut self, others: CustomObjects) {
        for (kind, names) in others.kinds {
            self.kinds.entry(kind).or_default().extend(names);
        }
    }

    /// What stands under a name, with its package or without.
    fn find<K: Kind>(&self, name: &str) -> Option<Restore<K>> {
        let names = self.kinds.get(&TypeId::of::<K>())?;
        let known = names.iter().map(|(name, restore)| (name.as_str(), restore));
        own::find(known, name)?
            .downcast_ref::<Restore<K>>()
            .cloned()
    }
}

static REGISTERED: LazyLock<RwLock<CustomObjects>> = LazyLock::new(RwLock::default);

thread_local! {
    /// The objects of the loads that this thread is in, the innermost last.
    static SCOPES: RefCell<Vec<CustomObjects>> = const { RefCell::new(Vec::new()) };
}

/// Makes a class or function of your own known under the name that files call it by, for all threads.
///
/// It is the same call for all kinds: layers, losses, metrics, optimizers, schedules, initializers, regularizers, constraints,
/// activation functions, functions of `Lambda` layers. `from_config` gets the options of the object. Names that files write with a
/// package (`my_package>Twice`) are found with it or without.
///
/// A class of Keras stays Keras's whatever is registered under its name. Only descriptions without modules, those of HDF5
/// files, do not tell the two apart: there the registered class goes first, as in Keras.
///
/// ```
/// use refrain::layers::{AnyLayer, Call, Layer};
/// use refrain::{Inputs, Result, Tensor};
///
/// struct Twice;
///
/// impl Layer for Twice {
///     type Output = Tensor;
///
///     fn class_name(&self) -> &str {
///         "Twice"
///     }
///
///     fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
///         Ok(inputs.one()? * 2.0)
///     }
/// }
///
/// refrain::register::<AnyLayer, _>("Twice", |_config| Ok(Twice));
/// ```
pub fn register<K: Holds<C>, C>(
    name: impl Into<String>,
    from_config: impl Fn(&Config) -> Result<C> + Send + Sync + 'static,
) {
    let mut objects = CustomObjects::new();
    objects.add::<K, C>(name, from_config);
    let lock = || REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    let mut replaced = Vec::new();
    for (kind, names) in objects.kinds {
        let names = names.into_iter();
        replaced.extend(names.map(|(name, restore)| lock().insert(kind, name, restore)));
    }
    // What is dropped here may register something itself: the lock is free again.
    drop(replaced);
}

/// Runs a load in which these objects go before all others.
pub(crate) fn scope<R>(objects: &CustomObjects, run: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            SCOPES.with_borrow_mut(Vec::pop);
        }
    }
    SCOPES.with_borrow_mut(|scopes| scopes.push(objects.clone()));
    let _leave = Leave;
    run()
}

/// What stands under a name among the objects of the present load.
pub(crate) fn scoped<K: Kind>(name: &str) -> Option<Restore<K>> {
    SCOPES.with_borrow(|scopes| scopes.iter().rev().find_map(|objects| objects.find(name)))
}

fn registered<K: Kind>(name: &str) -> Option<Restore<K>> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    registered.find(name)
}

/// A program's own object under a name, that of the present load first.
pub(crate) fn custom<K: Kind>(name: &str) -> Option<Restore<K>> {
    scoped(name).or_else(|| registered(name))
}

/// The class or function that JSON names, and its options.
fn named(json: &Json) -> Option<(&str, Option<&Config>)> {
    let function = own::function_name(json).or(json.as_str());
    let class = function.or(json["class_name"].as_str());
    Some((own::own_name(json).or(class)?, json["config"].as_object()))
}

/// How an object is made of its options, by the name that JSON gives it.
fn find<K: Kind>(
    json: &Json,
    name: &str,
    built_in: impl FnOnce() -> Option<Restore<K>>,
) -> Option<Restore<K>> {
    if own::own_name(json).is_some() {
        return custom(name);
    }
    let unmarked = json.is_object() && json["module"].as_str().unwrap_or_default().is_empty();
    let function = own::function_name(json).is_some();
    scoped(name).or_else(|| match unmarked && !function {
        true => registered(name).or_else(built_in),
        false => built_in().or_else(|| registered(name)),
    })
}

/// An object of a kind from Keras's JSON: a name, or a class with its options.
pub(crate) fn from_json<K: Serializable>(json: &Json) -> Result<K> {
    let (name, config) = named(json).ok_or_else(|| unexpected(K::WHAT, json))?;
    let built_in = || Entry::<K>::find(name).map(|entry| Arc::new(entry.restore) as Restore<K>);
    match find(json, name, built_in) {
        Some(restore) => restore(config.unwrap_or(&Config::new())),
        None => Err(unknown::<K>(json)),
    }
}

/// What is wrong with a name that leads nowhere.
fn unknown<K: Serializable>(json: &Json) -> Error {
    let name = own::function_name(json).or(json.as_str());
    match own::own_name(json) {
        Some(name) => {
            let message = format!(
                "`{}` is not one of Keras's own, and unknown here",
                short(name)
            );
            let error = Error::new(ErrorKind::Unsupported, message);
            error.hint(format!(
                "Make {} of your own known with `refrain::register`",
                K::WHAT
            ))
        }
        None => match name.or(json["class_name"].as_str()) {
            Some(name) => {
                let kind = K::WHAT.split_once(' ').map_or(K::WHAT, |(_, kind)| kind);
                let known: Vec<&str> = Entry::<K>::short_names().collect();
                let (name, known) = (short(name), known.join(", "));
                let message = format!("no {kind} `{name}`: there are {known}");
                Error::new(ErrorKind::Unsupported, message)
            }
            None => unexpected(K::WHAT, json),
        },
    }
}

/// An object as Keras writes it.
pub(crate) fn to_json<K: Serializable>(object: &K) -> Json {
    let class = object.class();
    if let Some(json) = class.written() {
        return json;
    }
    let name = class.class_name();
    let id = (class as &dyn Any).type_id();
    let built_in = K::BUILT_IN.iter().find(|entry| (entry.id)() == id);
    let (module, registered_name) = match built_in {
        Some(entry) => (entry.module.unwrap_or(K::MODULE), Json::Null),
        None => (own::BUILTINS, own::packaged(name).into()),
    };
    json!({
        "module": module,
        "class_name": own::short(name),
        "config": class.config(),
        "registered_name": registered_name,
    })
}

/// An object of a class: one for all, or one's own.
pub(crate) enum Object<T: ?Sized + 'static> {
    Static(&'static T),
    Shared(Arc<T>),
}

impl<T: ?Sized> Clone for Object<T> {
    fn clone(&self) -> Self {
        match self {
            Object::Static(object) => Object::Static(object),
            Object::Shared(object) => Object::Shared(object.clone()),
        }
    }
}

impl<T: ?Sized> Deref for Object<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Object::Static(object) => object,
            Object::Shared(object) => object,
        }
    }
}

/// Declares a kind: the type that holds an object of any of its classes, and Keras's own classes with their names in files.
macro_rules! kind {
    (
        $(#[$meta:meta])*
        $kind:ident of $class:ident, $base:ty, $what:literal, $module:literal
        $(, ignoring $case:ident)? $(, read by $read:path)? {
            $($of:ty = $($name:literal)|+ $(in $of_module:literal)?;)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $kind(pub(crate) $crate::objects::Object<dyn $class>);

        impl $kind {
            /// An object of a class of Keras or of your own.
            pub fn new(object: impl $class) -> Self {
                $kind($crate::objects::Object::Shared(std::sync::Arc::new(object)))
            }

            /// The name of its class.
            pub fn class_name(&self) -> &'static str {
                self.0.class_name()
            }

            /// The options under Keras's names.
            pub fn config(&self) -> $crate::config::Config {
                self.0.config()
            }

            /// A name for each class of Keras, by which [`from_config`](Self::from_config) knows it.
            pub fn names() -> Vec<&'static str> {
                $crate::objects::Entry::<Self>::short_names().collect()
            }

            /// From Keras's JSON: an object with class and options, or a name.
            ///
            /// # Errors
            /// Neither Keras nor the program has such a class, refrain does not have it, or an option does not fit.
            pub fn from_config(json: &serde_json::Value) -> $crate::Result<Self> {
                $crate::objects::kind!(@read json $($read)?)
            }

            /// As Keras writes it.
            pub fn to_config(&self) -> serde_json::Value {
                $crate::objects::to_json(self)
            }
        }

        impl std::fmt::Debug for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl PartialEq for $kind {
            /// Whether both are of one class with the same options.
            fn eq(&self, other: &Self) -> bool {
                let id = |object: &Self| {
                    std::any::Any::type_id($crate::objects::Serializable::class(object) as &dyn std::any::Any)
                };
                id(self) == id(other) && self.config() == other.config()
            }
        }

        impl $crate::objects::Kind for $kind {
            const WHAT: &'static str = $what;
        }

        impl<C: Into<$kind>> $crate::objects::Holds<C> for $kind {
            fn hold(object: C, _config: &$crate::config::Config) -> $crate::Result<Self> {
                Ok(object.into())
            }
        }

        impl $crate::objects::Serializable for $kind {
            type Base = $base;
            const MODULE: &'static str = $module;
            const BUILT_IN: &'static [$crate::objects::Entry<Self>] =
                &[$($crate::objects::Entry::of::<$of>(&[$($name),+])$(.in_module($of_module))?),*];
            $(const IGNORES_CASE: bool = { let $case = true; $case };)?

            fn class(&self) -> &dyn $crate::objects::Class {
                &*self.0
            }
        }

        impl $crate::config::ConfigValue for $kind {
            fn to_json(&self) -> serde_json::Value {
                $crate::objects::to_json(self)
            }

            fn from_json(json: &serde_json::Value) -> $crate::Result<Self> {
                $kind::from_config(json)
            }
        }
    };
    (@read $json:ident) => { $crate::objects::from_json($json) };
    (@read $json:ident $read:path) => { $read($json) };
}
pub(crate) use kind;

/// Declares constants of a kind: Keras's classes with their defaults.
macro_rules! constants {
    ($kind:ident $($(#[$doc:meta])* $class:ident;)*) => {
        #[allow(non_upper_case_globals)]
        impl $kind {
            $($(#[$doc])* pub const $class: $kind = $kind($crate::objects::Object::Static(&$class::DEFAULT));)*
        }
    };
}
pub(crate) use constants;
