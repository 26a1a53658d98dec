//! Nested inputs and outputs: a leaf, a list, a tuple or a dict of further structures.

use std::collections::BTreeMap;
use std::convert::Infallible;

/// A leaf, or lists, tuples and dicts of structures, as Keras's nested inputs and outputs.
///
/// ```
/// use refrain::Structure;
/// let nested = Structure::dict([("b", Structure::Leaf(1)), ("a", Structure::list([2, 3]))]);
/// assert_eq!(nested.flatten(), [&2, &3, &1]); // dicts are read by sorted key
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
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
        Structure::Dict(items.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// All leaves, depth first; dicts by sorted key.
    pub fn flatten(&self) -> Vec<&T> {
        let mut leaves = Vec::new();
        self.visit(&mut |leaf| leaves.push(leaf));
        leaves
    }

    /// All leaves, depth first; dicts by sorted key.
    pub fn into_leaves(self) -> Vec<T> {
        let mut leaves = Vec::new();
        self.take_leaves(&mut |leaf| leaves.push(leaf));
        leaves
    }

    /// The first leaf of a structure that is known to have one.
    pub(crate) fn into_first(self) -> T {
        self.into_leaves().swap_remove(0)
    }

    fn take_leaves(self, f: &mut impl FnMut(T)) {
        match self {
            Structure::Leaf(leaf) => f(leaf),
            Structure::List(items) | Structure::Tuple(items) => {
                items.into_iter().for_each(|s| s.take_leaves(f));
            }
            Structure::Dict(items) => items.into_values().for_each(|s| s.take_leaves(f)),
        }
    }

    pub(crate) fn visit<'a>(&'a self, f: &mut impl FnMut(&'a T)) {
        match self {
            Structure::Leaf(leaf) => f(leaf),
            Structure::List(items) | Structure::Tuple(items) => {
                items.iter().for_each(|s| s.visit(f));
            }
            Structure::Dict(items) => items.values().for_each(|s| s.visit(f)),
        }
    }

    /// The same structure with each leaf replaced.
    pub fn map<U>(&self, mut f: impl FnMut(&T) -> U) -> Structure<U> {
        match self.try_map(|leaf| Ok::<U, Infallible>(f(leaf))) {
            Ok(mapped) => mapped,
        }
    }

    /// The same structure with each leaf replaced, or the first error.
    pub fn try_map<U, E>(&self, mut f: impl FnMut(&T) -> Result<U, E>) -> Result<Structure<U>, E> {
        self.try_map_with(&mut f)
    }

    // One instance for each pair of types, not for each function.
    fn try_map_with<U, E>(&self, f: &mut dyn FnMut(&T) -> Result<U, E>) -> Result<Structure<U>, E> {
        Ok(match self {
            Structure::Leaf(leaf) => Structure::Leaf(f(leaf)?),
            Structure::List(items) => {
                let mapped = items.iter().map(|s| s.try_map_with(f));
                Structure::List(mapped.collect::<Result<_, E>>()?)
            }
            Structure::Tuple(items) => {
                let mapped = items.iter().map(|s| s.try_map_with(f));
                Structure::Tuple(mapped.collect::<Result<_, E>>()?)
            }
            Structure::Dict(items) => {
                let mut mapped = BTreeMap::new();
                for (key, s) in items {
                    mapped.insert(key.clone(), s.try_map_with(f)?);
                }
                Structure::Dict(mapped)
            }
        })
    }

    /// The same structure holding other leaves, given in flat order. `None` if there are too few.
    pub fn with_leaves<U>(&self, leaves: impl IntoIterator<Item = U>) -> Option<Structure<U>> {
        let mut leaves = leaves.into_iter();
        self.try_map(|_| leaves.next().ok_or(())).ok()
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
