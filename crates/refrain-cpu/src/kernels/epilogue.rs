//! Epilogues: elementwise work on the tiles of a product or convolution as soon as they are computed, while they are in the cache.

use super::arena::{Access, MemoryRange, PlanFault};
use super::gemm::Tile;
use super::nest::{Action, Nest, Nests, Operand, Reading, Slots};

/// A loop nest over a result's rows and columns, run tile by tile.
pub struct FusedEpilogue {
    /// For tiles with all columns: blocks of several rows.
    whole: Option<Nest>,
    /// For tiles of some columns: blocks of one row.
    narrow: Nest,
    /// The operand that is the result.
    tile: usize,
    /// Rows of one matrix of a batch.
    rows: usize,
}

/// How a kernel computes its result tile by tile.
#[derive(Clone, Copy, Debug)]
pub struct Tiling {
    /// Rows of one matrix of a batch.
    pub rows: usize,
    /// Columns of the result.
    pub cols: usize,
    /// Whether all tiles have all columns.
    pub whole_rows: bool,
}

/// A [`FusedEpilogue`] whose memory is bound.
pub struct BoundEpilogue<'x> {
    epilogue: &'x FusedEpilogue,
    slots: Slots<'x>,
}

impl FusedEpilogue {
    /// Checks the nests, which do the same in different blocks, against the result that is computed and `others`, which its
    /// kernel touches besides.
    pub fn new(
        whole: Option<Nest>,
        narrow: Nest,
        (result, tiling): (MemoryRange, Tiling),
        others: &[MemoryRange],
    ) -> Result<FusedEpilogue, PlanFault> {
        let is_tile = |o: &Operand| {
            !o.output
                && o.memory.begins_with(&result)
                && o.reading == Reading::Flat
                && o.start == 0
                && o.size == size_of::<f32>()
        };
        let at = narrow
            .operands
            .iter()
            .position(is_tile)
            .ok_or(PlanFault::Kernel)?;
        for nest in whole.iter().chain([&narrow]) {
            let same = nest.operands.get(at).is_some_and(is_tile);
            let of_parts = nest.reduces_rows() && !tiling.whole_rows;
            if !same || !nest.sinks.is_empty() || nest.batch != 1 || of_parts {
                return Err(PlanFault::Kernel);
            }
            let overlaps = |o: &Operand| others.iter().any(|other| o.memory.overlaps(other));
            if nest.operands.iter().any(|o| o.output && overlaps(o)) {
                return Err(PlanFault::Overlap);
            }
            Nests::new(vec![nest.clone()])?;
        }
        let memory = |nest: &Nest| {
            let of = |o: &Operand| (o.memory, o.output);
            nest.operands.iter().map(of).collect::<Vec<_>>()
        };
        let blocks =
            |whole: &Nest| whole.block_cols == whole.cols && memory(whole) == memory(&narrow);
        if narrow.block_rows != 1 || !whole.as_ref().is_none_or(blocks) {
            return Err(PlanFault::Kernel);
        }
        Ok(FusedEpilogue {
            whole,
            narrow,
            tile: at,
            rows: tiling.rows,
        })
    }

    /// Binds the memory of the step that computes the result.
    pub fn bind<'x>(&'x self, access: &'x Access<'_, '_>) -> Result<BoundEpilogue<'x>, PlanFault> {
        let memory = access.memory();
        // Those of both nests: `new` has checked that they are the same.
        for operand in &self.narrow.operands {
            memory.slot(operand.memory, operand.output)?;
        }
        Ok(BoundEpilogue {
            epilogue: self,
            slots: Slots(memory.slots()),
        })
    }
}

impl BoundEpilogue<'_> {
    /// Works on a tile.
    pub fn run(&self, tile: &mut Tile<'_>) {
        let first_row = tile.batch * self.epilogue.rows + tile.first_row;
        let (rows, cols) = (tile.rows, tile.cols);
        let fits =
            |nest: &Nest| first_row + rows <= nest.rows && tile.first_col + cols <= nest.cols;
        if !fits(&self.epilogue.narrow) {
            return;
        }
        let (data, stride) = tile.memory();
        let whole = self.epilogue.whole.as_ref();
        let whole = whole.filter(|w| w.cols == cols && (stride == cols || rows == 1));
        let nest = whole.unwrap_or(&self.epilogue.narrow);
        let columns = tile.first_col..tile.first_col + cols;
        // Rows as far apart as the index space's are run together, others one by one.
        let together = if stride == nest.cols { rows } else { 1 };
        let mut i = 0;
        while i < rows {
            let row = first_row + i;
            // SAFETY: the rows lie inside the index space, and the tile's memory is theirs. `new` has checked what the nest
            // writes against all that the kernel touches; tiles have different elements.
            unsafe {
                let at = (self.epilogue.tile, data.add(i * stride).cast::<u8>());
                nest.rows_at(self.slots, at, row..row + together, columns.clone())
            };
            i += together;
        }
    }
}

impl Nest {
    /// Whether it reduces along rows.
    pub(super) fn reduces_rows(&self) -> bool {
        let reduces = |a: &Action| matches!(a, Action::ReduceRows { .. });
        self.body.iter().any(reduces)
    }
}
