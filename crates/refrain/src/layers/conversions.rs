//! Handles as layers of any kind, as text, and compared.

use std::fmt;

use super::handle::{AnyLayer, Handle};
use super::layer::Layer;

impl<L: Layer> From<Handle<L>> for AnyLayer {
    fn from(handle: Handle<L>) -> Self {
        handle.any()
    }
}

impl<L: Layer> From<&Handle<L>> for AnyLayer {
    fn from(handle: &Handle<L>) -> Self {
        handle.any()
    }
}

impl From<&AnyLayer> for AnyLayer {
    fn from(layer: &AnyLayer) -> Self {
        layer.clone()
    }
}

impl<L: Layer> fmt::Debug for Handle<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.any().fmt(f)
    }
}

impl fmt::Debug for AnyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} name={}>", self.class_name(), self.get_name())
    }
}

impl PartialEq for AnyLayer {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}
