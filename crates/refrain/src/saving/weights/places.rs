//! Where a model's variables stand in a file of weights, by Keras 3's rules.

use std::collections::{HashMap, HashSet};

use crate::layers::AnyLayer;
use crate::models::{Functional, Model};
use crate::names::Members;
use crate::variable::Variable;
use refrain_storage::Group;

/// Something that Keras stores under a path of its own: a layer, or an inner part of one.
pub(crate) struct VariablePlace {
    /// `layers/lstm/cell`; empty for the model itself.
    pub(crate) path: String,
    /// The name that Keras writes beside the variables.
    pub(crate) name: String,
    /// That name behind those of the layers and models that it is in, as they are written.
    pub(crate) key: String,
    /// The layer, with the models that it is in: `encoder/lstm`.
    pub(crate) layer: String,
    pub(crate) class: String,
    /// Whether it is a model: the outermost one, or one inside it.
    pub(crate) is_model: bool,
    /// In the order in which they are stored: trainable ones first.
    pub(crate) variables: Vec<Variable>,
}

/// TensorFlow's Keras 2.12 and 2.13 store layers in this list, which holds each layer with weights twice.
const DEPENDENCIES: &str = "_layer_checkpoint_dependencies";

/// What differs between the versions that write such files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Habit {
    /// The list of a model's layers.
    pub(super) list: &'static str,
    /// What inner parts of layers begin with.
    private: &'static str,
}

impl Habit {
    /// Keras 3.
    pub(crate) const KERAS_3: Habit = Habit {
        list: "layers",
        private: "",
    };

    /// The habit that a file shows.
    pub(crate) fn of<D>(root: &Group<D>) -> Self {
        let list = [DEPENDENCIES, Habit::KERAS_3.list];
        let list = list
            .into_iter()
            .find(|list| root.groups.contains_key(*list));
        Habit {
            list: list.unwrap_or(Habit::KERAS_3.list),
            private: if has_private_parts(root) { "_" } else { "" },
        }
    }

    /// In words.
    pub(crate) fn describe(self) -> &'static str {
        match (self.list, self.private) {
            ("layers", "") => "Keras 3",
            ("layers", _) => "TensorFlow's Keras 2.15",
            _ => "TensorFlow's Keras 2.12 or 2.13: layers as dependencies of checkpoints",
        }
    }
}

/// The attributes of inner layers that Keras 2 has too.
const PARTS_OF_ATTENTION: [&str; 4] = ["query_dense", "key_dense", "value_dense", "output_dense"];

/// The list's name for layers whose parts have such names in Keras 3.
const GROUPED: &str = "grouped_query_attention";

/// Whether an inner part of a layer is stored under a name that begins with `_`, as before Keras 3.
fn has_private_parts<D>(group: &Group<D>) -> bool {
    let is_part = |name: &str| {
        let part = name.strip_prefix('_');
        part.is_some_and(|part| PARTS_OF_ATTENTION.contains(&part))
    };
    let groups = group.groups.iter();
    let mut groups = groups.filter(|(name, _)| !name.starts_with(GROUPED));
    groups.any(|(name, inner)| is_part(name) || has_private_parts(inner))
}

/// All places of a model, in Keras's order. A layer that stands in several places is stored in the first.
pub(crate) fn places(model: &Model, habit: Habit) -> Vec<VariablePlace> {
    let mut walk = Walk {
        habit,
        places: Vec::new(),
        visited: HashSet::new(),
    };
    let outermost = Named {
        path: String::new(),
        layer: String::new(),
        key: String::new(),
        name: model.get_name().replace('/', "_"),
    };
    walk.visit(&model.any(), outermost);
    walk.places
}

struct Walk {
    habit: Habit,
    places: Vec<VariablePlace>,
    visited: HashSet<usize>,
}

/// A layer's places among others: in the file, by names as they are, and by names as they are written.
struct Named {
    path: String,
    layer: String,
    key: String,
    /// Its own name as it is written.
    name: String,
}

impl Named {
    /// Of a layer inside this one.
    fn inside(&self, path: &str, layer: &AnyLayer, name: String) -> Named {
        Named {
            path: join(&self.path, path),
            layer: join(&self.layer, layer.get_name()),
            key: join(&self.key, &name),
            name,
        }
    }
}

impl Walk {
    fn visit(&mut self, layer: &AnyLayer, named: Named) {
        if !self.visited.insert(layer.id()) {
            return;
        }
        let functional = layer.options::<Functional>();
        let place = |path: String, name: &str, key: String, variables| VariablePlace {
            path,
            name: name.to_owned(),
            key,
            layer: named.layer.clone(),
            class: layer.class_name().to_owned(),
            is_model: functional.is_some(),
            variables,
        };
        let (own, parts) = own_and_parts(layer);
        let attributes = layer.properties().parts;
        let (path, key) = (&named.path, &named.key);
        self.places
            .push(place(path.clone(), &named.name, key.clone(), own));
        for (part, variables) in parts {
            let attribute = attributes.iter().find(|(p, _)| *p == part).map(|(_, a)| *a);
            let attribute = attribute.unwrap_or(&part);
            let private = match attribute == "cell" || attribute.starts_with('_') {
                true => "",
                false => self.habit.private,
            };
            let attribute = format!("{private}{attribute}");
            let path = join(path, &attribute);
            self.places
                .push(place(path, &part, join(key, &part), variables));
        }
        match functional {
            Some(functional) => self.visit_list(functional, &named),
            None => {
                for (attribute, inner) in layer.sublayers() {
                    let name = inner.get_name().replace('/', "_");
                    self.visit(&inner, named.inside(&attribute, &inner, name));
                }
            }
        }
    }

    fn visit_list(&mut self, functional: &Functional, named: &Named) {
        let mut members = Members::default();
        let layers = functional.operations.iter().map(AnyLayer::id);
        let names: HashMap<usize, String> = layers.zip(functional.written_names()).collect();
        let keras2 = self.habit.list == DEPENDENCIES;
        let listed = match keras2 {
            true => functional.keras2_layers(),
            false => functional.operations.clone(),
        };
        for inner in listed.iter().filter(|l| functional.is_listed(l)) {
            let name = names.get(&inner.id()).cloned().unwrap_or_default();
            let twice = keras2 && !inner.weights().is_empty();
            let member = members.next(inner.class_name(), if twice { 2 } else { 1 });
            let path = format!("{}/{member}", self.habit.list);
            self.visit(inner, named.inside(&path, inner, name));
        }
    }
}

/// A layer's own variables, and those of its inner parts.
fn own_and_parts(layer: &AnyLayer) -> (Vec<Variable>, Vec<(String, Vec<Variable>)>) {
    let mut own = Vec::new();
    let mut parts: Vec<(String, Vec<Variable>)> = Vec::new();
    for (name, variable) in layer.named_weights() {
        match name.rsplit_once('/') {
            None => own.push(variable),
            Some((part, _)) => match parts.iter_mut().find(|(p, _)| p == part) {
                Some((_, variables)) => variables.push(variable),
                None => parts.push((part.to_owned(), vec![variable])),
            },
        }
    }
    (own, parts)
}

/// A path inside another.
pub(super) fn join(outer: &str, inner: &str) -> String {
    match outer.is_empty() {
        true => inner.to_owned(),
        false => format!("{outer}/{inner}"),
    }
}
