//! Nested inputs and outputs: a leaf, a list, a tuple or a dict of further structures.

use std::collections::BTreeMap;

/// A leaf, or lists, tuples and dicts of structures, as Keras's nested inputs and outputs.
///
/// ```
/// use refrain::Structure;
/// let nested = Structure::dict([("b", Structure::Leaf(1)), ("a", Structure::list([2, 3]))]);
/// assert_eq!(nested.flatten(), [&2, &3, &1]); // dicts are read by sorted key
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Structure<T> {
    /// One element.
    Leaf(T),
    /// A list.
    List(Vec<Structure<T>>),
    /// A tuple; like a list in all but its name.
    Tuple(Vec<Structure<T>>),
    /// Structures under names.
    Dict(BTreeMap<String, Structure<T>>),
}

impl<T> Structure<T> {
    /// A list of leaves.
    pub fn list(items: impl IntoIterator<Item = T>) -> Self {
        Structure::List(items.into_iter().map(Structure::Leaf).collect())
    }

    /// A tuple of leaves.
    pub fn tuple(items: impl IntoIterator<Item = T>) -> Self {
        Structure::Tuple(items.into_iter().map(Structure::Leaf).collect())
    }

    /// A dict of structures.
    pub fn dict<K: Into<String>>(items: impl IntoIterator<Item = (K, Structure<T>)>) -> Self {
        let mut dict = BTreeMap::new();
        dict.extend(items.into_iter().map(|(k, v)| (k.into(), v)));
        Structure::Dict(dict)
    }

    /// All leaves, depth first; dicts by sorted key.
    pub fn flatten(&self) -> Vec<&T> {
        let mut leaves = Vec::new();
        self.visit(&mut |leaf| leaves.push(leaf));
        leaves
    }

    /// All leaves, depth first; dicts by sorted key.
    pub fn into_leaves(self) -> Vec<T> {
        match self {
            Structure::Leaf(leaf) => vec![leaf],
            Structure::List(items) | Structure::Tuple(items) => {
                items.into_iter().flat_map(Self::into_leaves).collect()
            }
            Structure::Dict(items) => items.into_values().flat_map(Self::into_leaves).collect(),
        }
    }

    fn visit<'a>(&'a self, f: &mut dyn FnMut(&'a T)) {
        match self {
            Structure::Leaf(leaf) => f(leaf),
            Structure::List(items) | Structure::Tuple(items) => {
                items.iter().for_each(|s| s.visit(&mut *f));
            }
            Structure::Dict(items) => items.values().for_each(|s| s.visit(&mut *f)),
        }
    }

    /// The same structure with each leaf replaced.
    pub fn map<U>(&self, mut f: impl FnMut(&T) -> U) -> Structure<U> {
        self.map_with(&mut f)
    }

    // Not generic over the function: the code for lists and dicts exists once for each pair of leaves.
    fn map_with<U>(&self, f: &mut dyn FnMut(&T) -> U) -> Structure<U> {
        match self {
            Structure::Leaf(leaf) => Structure::Leaf(f(leaf)),
            Structure::List(items) => {
                Structure::List(items.iter().map(|s| s.map_with(&mut *f)).collect())
            }
            Structure::Tuple(items) => {
                Structure::Tuple(items.iter().map(|s| s.map_with(&mut *f)).collect())
            }
            Structure::Dict(items) => {
                let mut dict = BTreeMap::new();
                dict.extend(items.iter().map(|(k, s)| (k.clone(), s.map_with(&mut *f))));
                Structure::Dict(dict)
            }
        }
    }

    /// The same structure with each leaf replaced, or the first error.
    pub fn try_map<U, E>(&self, mut f: impl FnMut(&T) -> Result<U, E>) -> Result<Structure<U>, E> {
        let mut failed = None;
        let mapped = self.map(|leaf| f(leaf).map_err(|e| failed.get_or_insert(e)).ok());
        match failed {
            Some(e) => Err(e),
            None => Ok(mapped.map_owned(|leaf| leaf.expect("no leaf failed"))),
        }
    }

    fn map_owned<U>(self, mut f: impl FnMut(T) -> U) -> Structure<U> {
        let shape = self.map(|_| ());
        let mut leaves = self.into_leaves().into_iter();
        shape.map(|()| f(leaves.next().expect("as many leaves as before")))
    }

    /// The same structure holding other leaves, given in flat order. `None` if there are too few.
    pub fn with_leaves<U>(&self, leaves: impl IntoIterator<Item = U>) -> Option<Structure<U>> {
        let mut leaves = leaves.into_iter();
        let mapped = self.map(|_| leaves.next());
        if mapped.flatten().iter().any(|l| l.is_none()) {
            return None;
        }
        Some(mapped.map_owned(|l| l.expect("checked above")))
    }

    /// The only leaf of a bare tensor or of a list or tuple of one.
    pub fn single(&self) -> Option<&T> {
        match self {
            Structure::Leaf(leaf) => Some(leaf),
            Structure::List(items) | Structure::Tuple(items) if items.len() == 1 => {
                items[0].single()
            }
            _ => None,
        }
    }
}

impl<T> From<T> for Structure<T> {
    fn from(leaf: T) -> Self {
        Structure::Leaf(leaf)
    }
}
