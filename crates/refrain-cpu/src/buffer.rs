//! Virtual buffers: the tensors that steps read and write before they have memory.

use cranelift_entity::{PrimaryMap, entity_impl};
use refrain_graph::DType;

use crate::view::View;

/// A tensor in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Buf(u32);
entity_impl!(Buf, "b");

/// Where a buffer is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In the arena, where the plan puts it.
    Arena,
    /// In memory that is bound for the run, from this byte on.
    Slot(u32, usize),
    /// In another buffer, from this byte on.
    Within(Buf, usize),
}

/// What is known of a buffer.
#[derive(Clone, Debug)]
pub struct BufInfo {
    /// Type of the elements.
    pub dtype: DType,
    /// Its size.
    pub bytes: usize,
    /// Where it is stored.
    pub storage: Storage,
}

/// All buffers.
pub type Buffers = PrimaryMap<Buf, BufInfo>;

/// The buffer that a buffer lies in, and where.
pub fn root_of(buffers: &Buffers, mut buf: Buf) -> (Buf, usize) {
    let mut inside = 0;
    while let Storage::Within(outer, offset) = buffers[buf].storage {
        inside += offset;
        buf = outer;
    }
    (buf, inside)
}

/// Bytes of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferRange {
    /// The buffer.
    pub buf: Buf,
    /// The first byte.
    pub offset: usize,
    /// How many.
    pub bytes: usize,
}

/// A view of a buffer.
#[derive(Clone, Debug)]
pub struct BufferView {
    /// The buffer.
    pub buf: Buf,
    /// The elements.
    pub view: View,
}
