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
/// How many views one step may hold at a time: two operands that it reads and two that it writes.
const MAX_GRANTS: usize = 4;

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

/// Bytes of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRange {
    /// Which slot.
    pub slot: u32,
    /// The first byte.
    pub offset: usize,
    /// How many.
    pub bytes: usize,
}

impl MemoryRange {
    /// These bytes of the range.
    pub fn part(&self, first: usize, bytes: usize) -> MemoryRange {
        MemoryRange {
            slot: self.slot,
            offset: self.offset + first,
            bytes,
        }
    }

    /// Whether both begin at the same byte.
    pub fn begins_with(&self, other: &MemoryRange) -> bool {
        (self.slot, self.offset) == (other.slot, other.offset)
    }

    /// Whether both have a byte in common.
    pub fn overlaps(&self, other: &MemoryRange) -> bool {
        self.slot == other.slot
            && self.offset < other.offset + other.bytes
            && other.offset < self.offset + self.bytes
    }
}

/// One of the equal parts of a loop's rows.
#[derive(Clone, Copy, Debug)]
pub struct Partition {
    /// Which part.
    pub index: usize,
    /// Of how many.
    pub count: usize,
}

impl Partition {
    /// All rows.
    pub const WHOLE: Partition = Partition { index: 0, count: 1 };
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

// SAFETY: the table itself is only read. Its memory is given out by `bind`, whose parts of one range do not overlap; that
// different ranges do not, where one is written, is found out by binding them whole first (`run::run_scan`).
unsafe impl Sync for SharedMemory<'_, '_> {}

impl<'s> SharedMemory<'s, '_> {
    /// Binds a slot of another table to a partition of a range.
    pub(crate) fn bind(
        &self,
        inner: &mut Memory<'s>,
        slot: usize,
        range: MemoryRange,
        Partition { index, count }: Partition,
        writable: bool,
    ) -> Result<(), PlanFault> {
        if count == 0 || index >= count || !range.bytes.is_multiple_of(count) {
            return Err(PlanFault::Bounds);
        }
        let bytes = range.bytes / count;
        inner.bind_part(slot, self.0, range.part(index * bytes, bytes), writable)
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
        range: MemoryRange,
        writable: bool,
    ) -> Result<(), PlanFault> {
        let raw = outer.slot(range, writable)?;
        let (start, end) = (raw.ptr as usize, raw.ptr as usize + raw.len);
        let clash = |(i, s): (usize, &Slot)| {
            i != slot
                && (s.writable || writable)
                && (s.ptr as usize) < end
                && start < s.ptr as usize + s.len
        };
        // Kernels rely on it: distinct slots overlap only where both are read.
        if raw.len > 0 && self.slots.iter().enumerate().any(clash) {
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

    pub(super) fn slot(&self, range: MemoryRange, write: bool) -> Result<Slot, PlanFault> {
        let MemoryRange {
            slot,
            offset,
            bytes,
        } = range;
        let slot = self.slots.get(slot as usize).ok_or(PlanFault::Slot)?;
        let end = offset.checked_add(bytes).ok_or(PlanFault::Bounds)?;
        if end > slot.len {
            return Err(PlanFault::Bounds);
        }
        if write && !slot.writable {
            return Err(PlanFault::ReadOnly);
        }
        Ok(Slot {
            // SAFETY: the offset lies inside the slot.
            ptr: unsafe { slot.ptr.add(offset) },
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
            grants: RefCell::new([Grant::default(); MAX_GRANTS]),
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

/// Memory that a view of a step is of, by its addresses.
#[derive(Clone, Copy, Default)]
struct Grant {
    start: usize,
    end: usize,
    write: bool,
}

/// Views of one step, checked against each other.
pub struct Access<'s, 'a> {
    memory: &'s mut Memory<'a>,
    count: Cell<usize>,
    grants: RefCell<[Grant; MAX_GRANTS]>,
}

impl<'a> Access<'_, 'a> {
    pub(super) fn memory(&self) -> &Memory<'a> {
        self.memory
    }

    /// The first of a range's values, and how many there are.
    fn grant<T: Plain>(
        &self,
        range: MemoryRange,
        write: bool,
    ) -> Result<(*mut T, usize), PlanFault> {
        let slot = self.memory.slot(range, write)?;
        let len = slot.len / size_of::<T>();
        if len == 0 {
            return Ok((NonNull::dangling().as_ptr(), 0));
        }
        let (start, end) = (slot.ptr as usize, slot.ptr as usize + slot.len);
        if !start.is_multiple_of(align_of::<T>()) {
            return Err(PlanFault::Alignment);
        }
        let mut grants = self.grants.borrow_mut();
        let count = self.count.get();
        let clash = |g: &Grant| (g.write || write) && g.start < end && start < g.end;
        if grants[..count].iter().any(clash) {
            return Err(PlanFault::Overlap);
        }
        *grants.get_mut(count).ok_or(PlanFault::TooMany)? = Grant { start, end, write };
        self.count.set(count + 1);
        Ok((slot.ptr.cast(), len))
    }

    /// The whole values in a range, to be read.
    pub fn read<T: Plain>(&self, range: MemoryRange) -> Result<&[T], PlanFault> {
        let (ptr, len) = self.grant::<T>(range, false)?;
        // SAFETY: in bounds, aligned, any bytes are values, and no view granted to this step writes there.
        Ok(unsafe { std::slice::from_raw_parts(ptr, len) })
    }

    /// The whole values in a range, to be written.
    #[allow(clippy::mut_from_ref)]
    pub fn write<T: Plain>(&self, range: MemoryRange) -> Result<&mut [T], PlanFault> {
        let (ptr, len) = self.grant::<T>(range, true)?;
        // SAFETY: as in `read`, and no other view granted to this step overlaps it.
        Ok(unsafe { std::slice::from_raw_parts_mut(ptr, len) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(offset: usize, count: usize) -> MemoryRange {
        MemoryRange {
            slot: 0,
            offset,
            bytes: count * size_of::<f32>(),
        }
    }

    #[test]
    fn overlapping_views_of_a_step_are_refused() {
        let mut bytes = AlignedBytes::zeroed(64);
        let mut table = SlotTable::new(1);
        let mut memory = table.bind();
        memory.writable(0, bytes.bytes_mut());
        let step = memory.step();
        assert!(step.read::<f32>(floats(0, 4)).is_ok());
        assert!(step.read::<f32>(floats(8, 4)).is_ok());
        assert_eq!(
            step.write::<f32>(floats(16, 4)).err(),
            Some(PlanFault::Overlap)
        );
        assert!(step.write::<f32>(floats(24, 4)).is_ok());
        assert_eq!(
            step.read::<f32>(floats(36, 1)).err(),
            Some(PlanFault::Overlap)
        );
        assert_eq!(
            step.read::<f32>(floats(41, 1)).err(),
            Some(PlanFault::Alignment)
        );
        assert_eq!(
            step.read::<f32>(floats(56, 4)).err(),
            Some(PlanFault::Bounds)
        );
    }

    #[test]
    fn read_only_memory_is_not_written() {
        let mut table = SlotTable::new(1);
        let values = [1.0f32; 4];
        let mut memory = table.bind();
        memory.read_only(0, bytes_of(&values));
        let step = memory.step();
        assert_eq!(
            step.write::<f32>(floats(0, 4)).err(),
            Some(PlanFault::ReadOnly)
        );
        assert_eq!(step.read::<f32>(floats(0, 4)).ok(), Some(&values[..]));
    }
}
