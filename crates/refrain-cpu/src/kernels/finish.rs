//! Elementwise work on parts of a product or convolution as soon as they are computed, while they are in the cache.

use super::arena::{Access, Place, PlanFault};
use super::gemm::Tile;
use super::nest::{Nest, Nests, Reading, Slots};

/// A loop nest over a result's rows and columns, run part by part.
pub struct Finish {
    /// For parts with all columns: blocks of several rows.
    whole: Option<Nest>,
    /// For parts of some columns: blocks of one row.
    narrow: Nest,
    /// The operand that is the result.
    tile: usize,
    /// Rows of one matrix of a batch.
    rows: usize,
}

/// A [`Finish`] whose memory is bound.
pub struct BoundFinish<'x> {
    finish: &'x Finish,
    slots: Slots<'x>,
}

impl Finish {
    /// Checks the nests, which do the same in different blocks. `tile` is the result that is computed, `others` is what
    /// its kernel touches besides; `rows` are those of one matrix.
    pub fn new(
        whole: Option<Nest>,
        narrow: Nest,
        tile: Place,
        others: &[(Place, usize)],
        rows: usize,
    ) -> Result<Finish, PlanFault> {
        let is_tile = |o: &super::nest::Operand| {
            !o.output
                && o.place == tile
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
            if !same || !nest.sinks.is_empty() || nest.batch != 1 || nest.reduces_rows() {
                return Err(PlanFault::Kernel);
            }
            let overlaps = |o: &super::nest::Operand| {
                others.iter().any(|(place, bytes)| {
                    place.slot == o.place.slot
                        && place.offset < o.place.offset + o.bytes
                        && o.place.offset < place.offset + bytes
                })
            };
            if nest.operands.iter().any(|o| o.output && overlaps(o)) {
                return Err(PlanFault::Overlap);
            }
            Nests::new(vec![nest.clone()])?;
        }
        if narrow.block_rows != 1 || whole.as_ref().is_some_and(|w| w.block_cols != w.cols) {
            return Err(PlanFault::Kernel);
        }
        Ok(Finish {
            whole,
            narrow,
            tile: at,
            rows,
        })
    }

    /// Binds the memory of the step that computes the result.
    pub fn bind<'x>(&'x self, access: &'x Access<'_, '_>) -> Result<BoundFinish<'x>, PlanFault> {
        let memory = access.memory();
        for operand in self
            .whole
            .iter()
            .chain([&self.narrow])
            .flat_map(|n| &n.operands)
        {
            memory.slot(operand.place, operand.bytes, operand.output)?;
        }
        Ok(BoundFinish {
            finish: self,
            slots: Slots(memory.slots()),
        })
    }
}

impl BoundFinish<'_> {
    /// Works on a part.
    pub fn run(&self, tile: &mut Tile<'_>) {
        let first_row = tile.batch * self.finish.rows + tile.first_row;
        let (rows, cols) = (tile.rows, tile.cols);
        let fits =
            |nest: &Nest| first_row + rows <= nest.rows && tile.first_col + cols <= nest.cols;
        if !fits(&self.finish.narrow) {
            return;
        }
        if let Some(whole) = self.finish.whole.as_ref().filter(|w| w.cols == cols)
            && let Some(data) = tile.contiguous_mut()
        {
            let ptr = data.as_mut_ptr().cast::<u8>();
            // SAFETY: the rows lie inside the index space, and the part's memory is theirs. `new` has checked what the
            // nest writes against all that the kernel touches; parts have different elements.
            unsafe {
                whole.rows_at(
                    self.slots,
                    (self.finish.tile, ptr),
                    first_row..first_row + rows,
                    0..cols,
                )
            };
            return;
        }
        for i in 0..rows {
            let columns = tile.first_col..tile.first_col + cols;
            let ptr = tile.row_mut(i).as_mut_ptr().cast::<u8>();
            let row = first_row + i;
            // SAFETY: as above.
            unsafe {
                self.finish.narrow.rows_at(
                    self.slots,
                    (self.finish.tile, ptr),
                    row..row + 1,
                    columns,
                )
            };
        }
    }
}

impl Nest {
    /// Whether it reduces along rows.
    pub(super) fn reduces_rows(&self) -> bool {
        let reduces = |a: &super::nest::Action| matches!(a, super::nest::Action::ReduceRows { .. });
        self.body.iter().any(reduces)
    }
}
