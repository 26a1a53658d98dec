//! The memory of a run: one owned, aligned block, and a table of slots through which steps reach it and the caller's
//! arrays.
//!
//! A plan names memory by slot and offset. Every access is checked against the slot's length, and all accesses of one
//! step against each other, so that a wrong plan ends in an error and not in aliased references.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::ptr::NonNull;

use refrain_graph::{Data, Literal};

/// Alignment of the arena and of every buffer in it, in bytes: a cache line, and a register of AVX-512.
pub const ALIGN: usize = 64;
/// How many views one step may hold at a time.
const MAX_GRANTS: usize = 24;

/// Zeroed bytes aligned to [`ALIGN`].
pub struct AlignedBytes {
    ptr: NonNull<u8>,
    len: usize,
}

// SAFETY: it owns its bytes, which are plain data.
unsafe impl Send for AlignedBytes {}
// SAFETY: shared references only read.
unsafe impl Sync for AlignedBytes {}

impl AlignedBytes {
    /// This many zeroed bytes.
    pub fn zeroed(len: usize) -> Self {
        let Ok(layout) = Layout::from_size_align(len, ALIGN) else {
            // Larger than the address space.
            handle_alloc_error(Layout::new::<u8>());
        };
        if len == 0 {
            return AlignedBytes {
                ptr: NonNull::<u128>::dangling().cast(),
                len,
            };
        }
        // SAFETY: the layout's size is not zero.
        let ptr = unsafe { alloc_zeroed(layout) };
        match NonNull::new(ptr) {
            Some(ptr) => AlignedBytes { ptr, len },
            None => handle_alloc_error(layout),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `len` initialised bytes owned by `self`.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }

    /// The bytes, to be changed.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: `len` initialised bytes owned by `self`, borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl Drop for AlignedBytes {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: allocated in `zeroed` with this layout.
            unsafe {
                dealloc(
                    self.ptr.as_ptr(),
                    Layout::from_size_align_unchecked(self.len, ALIGN),
                )
            }
        }
    }
}

/// A type whose every bit pattern is a value, so that any bytes may be read as it.
///
/// # Safety
/// Only for types without invalid bit patterns and without padding.
pub unsafe trait Plain: Copy + Send + Sync + 'static {}

macro_rules! plain {
    ($($t:ty)*) => {$(
        // SAFETY: every bit pattern is a value.
        unsafe impl Plain for $t {}
    )*};
}
plain!(f32 f64 i32 i64 u8 u16 u32 u64 refrain_graph::f16 refrain_graph::bf16);

/// The bytes of plain values.
fn bytes_of<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: plain values have no padding.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// The bytes of truth values.
fn bytes_of_bools(values: &[bool]) -> &[u8] {
    // SAFETY: a `bool` is one byte, 0 or 1.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
}

/// The bytes of a literal's elements.
pub fn bytes_of_literal(literal: &Literal) -> &[u8] {
    match literal.data() {
        Data::Bool(v) => bytes_of_bools(v),
        Data::F32(v) => bytes_of(v),
        Data::F64(v) => bytes_of(v),
        Data::F16(v) => bytes_of(v),
        Data::BF16(v) => bytes_of(v),
        Data::I32(v) => bytes_of(v),
        Data::I64(v) => bytes_of(v),
        Data::U8(v) => bytes_of(v),
        Data::U32(v) => bytes_of(v),
    }
}

/// Memory that a slot stands for.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) ptr: *mut u8,
    pub(super) len: usize,
    pub(super) writable: bool,
}

impl Slot {
    const EMPTY: Slot = Slot {
        ptr: std::ptr::null_mut(),
        len: 0,
        writable: false,
    };
}

/// Where a buffer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which slot.
    pub slot: u32,
    /// Bytes from the slot's beginning.
    pub offset: usize,
}

/// A table of slots, kept between runs so that binding allocates nothing.
#[derive(Default)]
pub struct SlotTable {
    slots: Vec<Slot>,
}

// SAFETY: the pointers are used only through `Memory`, whose lifetime is that of the borrows behind them.
unsafe impl Send for SlotTable {}
// SAFETY: a shared table gives no access.
unsafe impl Sync for SlotTable {}

impl SlotTable {
    /// A table of this many slots.
    pub fn new(slots: usize) -> Self {
        SlotTable {
            slots: vec![Slot::EMPTY; slots],
        }
    }

    /// Empties the slots for a new run.
    pub fn bind<'a>(&'a mut self) -> Memory<'a> {
        self.slots.fill(Slot::EMPTY);
        Memory {
            slots: &mut self.slots,
            borrows: PhantomData,
        }
    }
}

/// A table that several threads take parts of, each of another one.
#[derive(Clone, Copy)]
pub struct SharedMemory<'s, 'a>(&'s Memory<'a>);

// SAFETY: the table itself is only read. Its memory is given out by `bind`, whose parts of one place do not overlap; that
// different places do not, where one is written, is found out by binding them whole first (`step::run_scan`).
unsafe impl Sync for SharedMemory<'_, '_> {}

impl<'s> SharedMemory<'s, '_> {
    /// Binds a slot of another table to one of equal parts of a place: `(which, of how many)`.
    pub(crate) fn bind(
        &self,
        inner: &mut Memory<'s>,
        slot: usize,
        (place, bytes): (Place, usize),
        (part, parts): (usize, usize),
        writable: bool,
    ) -> Result<(), PlanFault> {
        if parts == 0 || part >= parts || !bytes.is_multiple_of(parts) {
            return Err(PlanFault::Bounds);
        }
        let bytes = bytes / parts;
        let place = Place {
            slot: place.slot,
            offset: place.offset + part * bytes,
        };
        inner.bind_part(slot, self.0, place, bytes, writable)
    }
}

/// The slots of a run, bound to memory that is borrowed for `'a`.
pub struct Memory<'a> {
    slots: &'a mut [Slot],
    borrows: PhantomData<&'a mut [u8]>,
}

// SAFETY: it stands for the `&` and `&mut` borrows of plain data that were bound to it.
unsafe impl Send for Memory<'_> {}

impl<'a> Memory<'a> {
    /// Binds a slot to values that are only read.
    pub fn read_only(&mut self, slot: usize, bytes: &'a [u8]) {
        self.set(slot, bytes.as_ptr().cast_mut(), bytes.len(), false);
    }

    /// Binds a slot to values.
    pub fn writable<T: Plain>(&mut self, slot: usize, values: &'a mut [T]) {
        let len = size_of_val(values);
        self.set(slot, values.as_mut_ptr().cast(), len, true);
    }

    /// Binds a slot to truth values. Steps write only 0 and 1 there: every kernel that makes `bool` does.
    pub fn writable_bools(&mut self, slot: usize, values: &'a mut [bool]) {
        self.set(slot, values.as_mut_ptr().cast(), values.len(), true);
    }

    /// The same table for several threads.
    pub(crate) fn shared(&mut self) -> SharedMemory<'_, 'a> {
        SharedMemory(self)
    }

    /// Binds a slot to a part of another table's memory.
    fn bind_part(
        &mut self,
        slot: usize,
        outer: &Memory<'_>,
        place: Place,
        bytes: usize,
        writable: bool,
    ) -> Result<(), PlanFault> {
        let raw = outer.slot(place, bytes, writable)?;
        let (start, end) = (raw.ptr as usize, raw.ptr as usize + bytes);
        let clash = |(i, s): (usize, &Slot)| {
            i != slot
                && (s.writable || writable)
                && (s.ptr as usize) < end
                && start < s.ptr as usize + s.len
        };
        // Kernels rely on it: distinct slots overlap only where both are read.
        if bytes > 0 && self.slots.iter().enumerate().any(clash) {
            return Err(PlanFault::Overlap);
        }
        self.set(slot, raw.ptr, raw.len, writable);
        Ok(())
    }

    fn set(&mut self, slot: usize, ptr: *mut u8, len: usize, writable: bool) {
        if let Some(s) = self.slots.get_mut(slot) {
            *s = Slot { ptr, len, writable };
        }
    }

    pub(super) fn slot(&self, place: Place, bytes: usize, write: bool) -> Result<Slot, PlanFault> {
        let slot = self.slots.get(place.slot as usize).ok_or(PlanFault::Slot)?;
        let end = place.offset.checked_add(bytes).ok_or(PlanFault::Bounds)?;
        if end > slot.len {
            return Err(PlanFault::Bounds);
        }
        if write && !slot.writable {
            return Err(PlanFault::ReadOnly);
        }
        Ok(Slot {
            // SAFETY: the offset lies inside the slot.
            ptr: unsafe { slot.ptr.add(place.offset) },
            len: bytes,
            writable: slot.writable,
        })
    }

    pub(super) fn slots(&self) -> &[Slot] {
        self.slots
    }

    /// Access for one step.
    pub fn step(&mut self) -> Access<'_, 'a> {
        Access {
            memory: self,
            count: Cell::new(0),
            grants: RefCell::new([(0, 0, false); MAX_GRANTS]),
        }
    }
}

/// A plan that does not fit its memory: a defect of the compiler, reported instead of undefined behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanFault {
    /// No such slot.
    Slot,
    /// Outside the slot.
    Bounds,
    /// Written, but bound for reading.
    ReadOnly,
    /// Two views of one step overlap and one is written.
    Overlap,
    /// Something is read that has been overwritten, or is not there yet.
    Overwritten,
    /// Not aligned for its type.
    Alignment,
    /// More views than a step may hold.
    TooMany,
    /// A kernel's dimensions contradict each other.
    Kernel,
}

/// Views of one step, checked against each other.
pub struct Access<'s, 'a> {
    memory: &'s mut Memory<'a>,
    count: Cell<usize>,
    /// First byte, end, written.
    grants: RefCell<[(usize, usize, bool); MAX_GRANTS]>,
}

impl<'a> Access<'_, 'a> {
    pub(super) fn memory(&self) -> &Memory<'a> {
        self.memory
    }

    fn grant<T: Plain>(&self, place: Place, len: usize, write: bool) -> Result<*mut T, PlanFault> {
        let bytes = len.checked_mul(size_of::<T>()).ok_or(PlanFault::Bounds)?;
        let slot = self.memory.slot(place, bytes, write)?;
        let start = slot.ptr as usize;
        if bytes == 0 {
            return Ok(NonNull::dangling().as_ptr());
        }
        if !start.is_multiple_of(align_of::<T>()) {
            return Err(PlanFault::Alignment);
        }
        let mut grants = self.grants.borrow_mut();
        let count = self.count.get();
        let clash =
            |&(s, e, w): &(usize, usize, bool)| (w || write) && s < start + bytes && start < e;
        if grants[..count].iter().any(clash) {
            return Err(PlanFault::Overlap);
        }
        *grants.get_mut(count).ok_or(PlanFault::TooMany)? = (start, start + bytes, write);
        self.count.set(count + 1);
        Ok(slot.ptr.cast())
    }

    /// `len` values to read.
    pub fn read<T: Plain>(&self, place: Place, len: usize) -> Result<&[T], PlanFault> {
        let ptr = self.grant::<T>(place, len, false)?;
        // SAFETY: in bounds, aligned, any bytes are values, and no view granted to this step writes there.
        Ok(unsafe { std::slice::from_raw_parts(ptr, len) })
    }

    /// `len` values to write.
    #[allow(clippy::mut_from_ref)]
    pub fn write<T: Plain>(&self, place: Place, len: usize) -> Result<&mut [T], PlanFault> {
        let ptr = self.grant::<T>(place, len, true)?;
        // SAFETY: as in `read`, and no other view granted to this step overlaps it.
        Ok(unsafe { std::slice::from_raw_parts_mut(ptr, len) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: usize) -> Place {
        Place { slot: 0, offset }
    }

    #[test]
    fn overlapping_views_of_a_step_are_refused() {
        let mut bytes = AlignedBytes::zeroed(64);
        let mut table = SlotTable::new(1);
        let mut memory = table.bind();
        memory.writable(0, bytes.bytes_mut());
        let step = memory.step();
        assert!(step.read::<f32>(at(0), 4).is_ok());
        assert!(step.read::<f32>(at(8), 4).is_ok());
        assert_eq!(step.write::<f32>(at(16), 4).err(), Some(PlanFault::Overlap));
        assert!(step.write::<f32>(at(24), 4).is_ok());
        assert_eq!(step.read::<f32>(at(36), 1).err(), Some(PlanFault::Overlap));
        assert_eq!(
            step.read::<f32>(at(41), 1).err(),
            Some(PlanFault::Alignment)
        );
        assert_eq!(step.read::<f32>(at(56), 4).err(), Some(PlanFault::Bounds));
    }

    #[test]
    fn read_only_memory_is_not_written() {
        let mut table = SlotTable::new(1);
        let values = [1.0f32; 4];
        let mut memory = table.bind();
        memory.read_only(0, bytes_of(&values));
        let step = memory.step();
        assert_eq!(step.write::<f32>(at(0), 4).err(), Some(PlanFault::ReadOnly));
        assert_eq!(step.read::<f32>(at(0), 4).ok(), Some(&values[..]));
    }
}
