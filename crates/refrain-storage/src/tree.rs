//! The tree of an array file.

use std::collections::BTreeMap;

/// A group of an array file: attributes, arrays, further groups.
///
/// `D` is `ArrayRef` when reading and [`Literal`](refrain_graph::Literal), or a reference to one, when writing.
#[derive(Clone, Debug)]
pub struct Group<D> {
    /// Small values by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// Arrays by name.
    pub arrays: BTreeMap<String, D>,
    /// Groups inside, by name.
    pub groups: BTreeMap<String, Group<D>>,
}

/// A value beside the arrays.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A list of texts. Any empty list is read as this one: h5py gives an empty list of names a numeric type.
    Texts(Vec<String>),
    /// A number.
    Number(f64),
    /// Something else, in words. It cannot be written.
    Other(String),
}

impl<D> Default for Group<D> {
    fn default() -> Self {
        Group {
            attributes: BTreeMap::new(),
            arrays: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }
}

impl<D> Group<D> {
    /// The group at a path such as `layers/dense/vars`; the group itself at the empty path.
    pub fn group(&self, path: &str) -> Option<&Group<D>> {
        let mut parts = path.split('/').filter(|p| !p.is_empty());
        parts.try_fold(self, |g, part| g.groups.get(part))
    }

    /// The array at a path such as `layers/dense/vars/0`.
    pub fn array(&self, path: &str) -> Option<&D> {
        match path.rsplit_once('/') {
            Some((group, name)) => self.group(group)?.arrays.get(name),
            None => self.arrays.get(path),
        }
    }

    /// The group at a path, made with all groups above it where they are missing.
    pub fn group_mut(&mut self, path: &str) -> &mut Group<D> {
        let parts = path.split('/').filter(|p| !p.is_empty());
        parts.fold(self, |g, part| {
            g.groups.entry(part.to_string()).or_default()
        })
    }

    /// Whether an array here or in a group inside is such a one.
    pub fn any_array(&self, is: &dyn Fn(&D) -> bool) -> bool {
        self.arrays.values().any(is) || self.groups.values().any(|g| g.any_array(is))
    }

    /// A text attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name)? {
            Attribute::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A list of texts, also one that was too long for one attribute and is in `name0`, `name1`, … .
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        let part = |name: &str| match self.attributes.get(name)? {
            Attribute::Texts(texts) => Some(texts.iter().map(String::as_str)),
            _ => None,
        };
        if let Some(texts) = part(name) {
            return Some(texts.collect());
        }
        let parts = (0..).map_while(|i| part(&format!("{name}{i}")));
        let texts: Vec<_> = parts.flatten().collect();
        (!texts.is_empty()).then_some(texts)
    }
}
