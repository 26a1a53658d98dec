//! The memory of a run: one owned, aligned block, and a table of slots through which steps reach it and the caller's
//! arrays.
//!
//! A plan names memory by slot and offset. Every access is checked against the slot's length, and all accesses of one
//! step against each other, so that a wrong plan ends in an error and not in aliased references.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;

use refrain_graph::memory::MemoryError;
use refrain_graph::{Data, Literal};

/// Alignment of the arena and of every buffer in it, in bytes: a cache line, and a register of AVX-512.
pub const ALIGN: usize = 64;

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
    pub fn zeroed(len: usize) -> Result<Self, MemoryError> {
        let refused = || MemoryError::refused(len);
        let layout = Layout::from_size_align(len, ALIGN).map_err(|_| refused())?;
        let ptr = match len {
            0 => NonNull::<u128>::dangling().cast(),
            // SAFETY: the layout's size is not zero.
            _ => NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(refused)?,
        };
        Ok(AlignedBytes { ptr, len })
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

    /// Whether both have a byte in common.
    fn overlaps(&self, other: &Slot) -> bool {
        let (a, b) = (self.ptr as usize, other.ptr as usize);
        a.max(b) < (a + self.len).min(b + other.len)
    }

    /// The first of its whole values, and how many there are.
    fn values<T: Plain>(&self) -> Result<(*mut T, usize), PlanFault> {
        let len = self.len / size_of::<T>();
        if len == 0 {
            return Ok((NonNull::dangling().as_ptr(), 0));
        }
        match self.ptr.cast::<T>().is_aligned() {
            true => Ok((self.ptr.cast(), len)),
            false => Err(PlanFault::Alignment),
        }
    }
}

impl Default for Slot {
    fn default() -> Self {
        Slot::EMPTY
    }
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

    /// What a step reads and writes, checked whether its kernel touches all of it or not.
    ///
    /// # Errors
    /// A range lies outside its slot, or one that is written over another.
    // Inlined, so that the views are not copied on their way out: half the time of a call otherwise.
    #[inline(always)]
    pub fn step(
        &mut self,
        [first, second]: Operands,
        [result, scratch]: Operands,
    ) -> Result<Access<'_, 'a>, PlanFault> {
        let slot = |range: Option<MemoryRange>, write| match range {
            Some(range) => self.slot(range, write).map(Some),
            None => Ok(None),
        };
        let reads = [slot(first, false)?, slot(second, false)?];
        let writes = [slot(result, true)?, slot(scratch, true)?];
        let [first, second] = reads.map(Option::unwrap_or_default);
        let [result, scratch] = writes.map(Option::unwrap_or_default);
        let clash = result.overlaps(&scratch)
            || [first, second]
                .iter()
                .any(|read| result.overlaps(read) || scratch.overlaps(read));
        if clash {
            return Err(PlanFault::Overlap);
        }
        Ok(Access {
            memory: self,
            reads,
            writes,
            written: [const { Cell::new(false) }; 2],
        })
    }
}

/// Two ranges that a step may have of its memory.
pub type Operands = [Option<MemoryRange>; 2];

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
    /// A kernel's dimensions contradict each other.
    Kernel,
}

/// Memory of one step: two operands that it reads, two that it writes, of which nothing else touches those written.
pub struct Access<'s, 'a> {
    memory: &'s Memory<'a>,
    reads: [Option<Slot>; 2],
    writes: [Option<Slot>; 2],
    /// Which of those written have been given out.
    written: [Cell<bool>; 2],
}

impl<'a> Access<'_, 'a> {
    pub(super) fn memory(&self) -> &Memory<'a> {
        self.memory
    }

    /// The whole values of what is read.
    pub fn read<T: Plain>(&self, i: usize) -> Result<&[T], PlanFault> {
        let (ptr, len) = self.reads[i].ok_or(PlanFault::Kernel)?.values::<T>()?;
        // SAFETY: in bounds, aligned, any bytes are values, and nothing that this step writes overlaps it.
        Ok(unsafe { std::slice::from_raw_parts(ptr, len) })
    }

    /// The whole values of what is written, none if there is nothing. Once for each.
    #[allow(clippy::mut_from_ref)]
    pub fn write<T: Plain>(&self, i: usize) -> Result<&mut [T], PlanFault> {
        let Some(slot) = self.writes[i] else {
            return Ok(&mut []);
        };
        if self.written[i].replace(true) {
            return Err(PlanFault::Overlap);
        }
        let (ptr, len) = slot.values::<T>()?;
        // SAFETY: as in `read`, and this is the only view of it.
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
    fn memory_that_is_not_there_is_an_error() {
        for len in [isize::MAX as usize / 2, usize::MAX] {
            let refused = AlignedBytes::zeroed(len).map(drop);
            assert_eq!(refused, Err(MemoryError::refused(len)));
        }
        assert!(AlignedBytes::zeroed(0).is_ok_and(|none| none.bytes().is_empty()));
    }

    #[test]
    fn overlapping_views_of_a_step_are_refused() -> Result<(), PlanFault> {
        let mut bytes = AlignedBytes::zeroed(64).unwrap_or_else(|e| panic!("{e}"));
        let mut table = SlotTable::new(1);
        let mut memory = table.bind();
        memory.writable(0, bytes.bytes_mut());
        let at = |offset, count| Some(floats(offset, count));
        let step = memory.step([at(0, 4), at(8, 4)], [at(24, 4), at(40, 2)])?;
        assert_eq!(step.read::<f32>(0)?.len(), 4);
        assert_eq!(step.read::<f32>(1)?.len(), 4);
        assert_eq!(step.write::<f32>(0)?.len(), 4);
        assert_eq!(step.write::<f32>(0).err(), Some(PlanFault::Overlap));
        assert_eq!(step.write::<f32>(1)?.len(), 2);
        let mut refused = |reads, writes| memory.step(reads, writes).err();
        let overlap = Some(PlanFault::Overlap);
        assert_eq!(refused([at(0, 4), None], [at(12, 4), None]), overlap);
        assert_eq!(refused([None, at(0, 4)], [at(12, 4), None]), overlap);
        assert_eq!(refused([at(0, 4), None], [at(32, 4), at(12, 1)]), overlap);
        assert_eq!(refused([None, None], [at(0, 4), at(12, 1)]), overlap);
        let bounds = Some(PlanFault::Bounds);
        assert_eq!(refused([at(56, 4), None], [None, None]), bounds);
        let step = memory.step([at(41, 1), None], [None, None])?;
        assert_eq!(step.read::<f32>(0).err(), Some(PlanFault::Alignment));
        assert_eq!(step.read::<f32>(1).err(), Some(PlanFault::Kernel));
        assert!(step.write::<f32>(0)?.is_empty());
        Ok(())
    }

    #[test]
    fn read_only_memory_is_not_written() -> Result<(), PlanFault> {
        let mut table = SlotTable::new(1);
        let values = [1.0f32; 4];
        let mut memory = table.bind();
        memory.read_only(0, bytes_of(&values));
        let all = [Some(floats(0, 4)), None];
        let written = memory.step([None, None], all).err();
        assert_eq!(written, Some(PlanFault::ReadOnly));
        assert_eq!(memory.step(all, [None, None])?.read::<f32>(0)?, values);
        Ok(())
    }
}
