//! Code generation of loop nests: instructions are selected, registers allocated in scratch memory, outputs stored.

use std::collections::HashMap;

use refrain_graph::DType;

use super::{Geometry, Input, Instr, Output, Reg, Tape};
use crate::buffer::Buf;
use crate::kernels::arena::MemoryRange;
use crate::kernels::nest::{
    Action, Extent, Loc, MAX_OPERANDS, MAX_SCRATCH, Nest, Operand, Reading, Sink,
};
use crate::kernels::{convert, elementwise, reduce};
use crate::simd::Simd;
use crate::view::collapse;

/// Registers begin at multiples of a cache line.
const LINE: usize = 64;

/// The memory of buffers.
type BufferMemory<'a> = &'a dyn Fn(Buf) -> MemoryRange;

/// The loop nest of a tape. `None` if its registers do not fit the scratch memory or there are too many operands.
pub fn compile_nest(
    tape: &Tape,
    geometry: &Geometry,
    memory: BufferMemory<'_>,
    simd: Simd,
) -> Option<Nest> {
    NestCompiler::new(tape, geometry, memory, simd).compile()
}

struct NestCompiler<'a> {
    tape: &'a Tape,
    geometry: &'a Geometry,
    memory: BufferMemory<'a>,
    simd: Simd,
    extents: Vec<Extent>,
    nest: Nest,
    /// Where each register is, once it is made.
    locs: Vec<Option<Loc>>,
    /// Registers repeated to more elements.
    spread: HashMap<(Reg, Extent), Loc>,
    /// Uses of each register that are still to come.
    uses: Vec<usize>,
    /// Free scratch by size.
    free: HashMap<usize, Vec<usize>>,
    /// Scratch of each register that is given back after its last use.
    owned: HashMap<Reg, (usize, usize)>,
}

impl<'a> NestCompiler<'a> {
    fn new(tape: &'a Tape, geometry: &'a Geometry, memory: BufferMemory<'a>, simd: Simd) -> Self {
        let mut uses = vec![0; tape.instrs.len()];
        for (instr, _) in &tape.instrs {
            instr.operands().into_iter().for_each(|r| uses[r] += 1);
        }
        let kept = tape.outputs.iter().map(|o| o.reg);
        kept.chain(tape.sums.iter().map(|s| s.reg))
            .for_each(|r| uses[r] += 1);
        NestCompiler {
            tape,
            geometry,
            memory,
            simd,
            extents: tape.extents(),
            nest: Nest {
                batch: geometry.batch,
                rows: geometry.rows,
                cols: geometry.cols,
                block_rows: geometry.block_rows,
                block_cols: geometry.block_cols,
                blocks_per_task: geometry.blocks_per_task,
                operands: Vec::new(),
                imms: Vec::new(),
                prologue: Vec::new(),
                body: Vec::new(),
                sinks: Vec::new(),
                stores: Vec::new(),
                scratch: 0,
            },
            locs: vec![None; tape.instrs.len()],
            spread: HashMap::new(),
            uses,
            free: HashMap::new(),
            owned: HashMap::new(),
        }
    }

    fn compile(mut self) -> Option<Nest> {
        for input in &self.tape.inputs {
            let operand = self.input_operand(input);
            self.nest.operands.push(operand);
        }
        let mut direct: HashMap<Reg, usize> = HashMap::new();
        let mut outputs = Vec::new();
        for output in &self.tape.outputs {
            let mut operand = self.output_operand(output);
            operand.staged |= direct.contains_key(&output.reg);
            if !operand.staged {
                direct.insert(output.reg, self.nest.operands.len());
            }
            outputs.push((output, self.nest.operands.len(), operand.staged));
            self.nest.operands.push(operand);
        }
        for sum in &self.tape.sums {
            let dtype = self.tape.instrs[sum.reg].1;
            let bytes = self.register_bytes(Extent::Full, dtype);
            let acc = self.allocate(bytes);
            self.add_sink(sum, acc, dtype)?;
        }
        for reg in 0..self.tape.instrs.len() {
            self.make(reg, direct.get(&reg).copied())?;
        }
        for (i, sum) in self.tape.sums.iter().enumerate() {
            self.nest.sinks[i].src = self.at(sum.reg, Extent::Full)?;
        }
        for (output, operand, staged) in outputs {
            if staged {
                let src = self.at(output.reg, output.extent)?;
                let src = self.apart(output.reg, src, operand)?;
                self.nest.stores.push(Action::Store {
                    operand,
                    src,
                    extent: output.extent,
                });
            }
        }
        let fits = self.nest.scratch <= MAX_SCRATCH && self.nest.operands.len() <= MAX_OPERANDS;
        fits.then_some(self.nest)
    }

    fn operand(&self, buf: Buf, dtype: DType, reading: Reading) -> Operand {
        Operand {
            memory: (self.memory)(buf),
            size: dtype.size(),
            start: 0,
            reading,
            dims: Vec::new(),
            strides: Vec::new(),
            output: false,
            staged: false,
        }
    }

    fn input_operand(&self, input: &Input) -> Operand {
        let mut reading = self.tape.reading(input);
        // Blocks of several rows need the row of columns repeated.
        if reading == Reading::Column && self.geometry.block_rows > 1 {
            reading = Reading::Walk;
        }
        let mut operand = self.operand(input.buf, input.dtype, reading);
        operand.start = input.view.offset;
        if matches!(reading, Reading::Walk | Reading::RowWalk) {
            let rank = match reading {
                Reading::RowWalk => self.tape.split.min(input.view.dims.len()),
                _ => input.view.dims.len(),
            };
            (operand.dims, operand.strides) =
                collapse(&input.view.dims[..rank], &input.view.strides[..rank]);
        }
        operand
    }

    /// The operand of an output, which is staged where its register cannot be made in place.
    fn output_operand(&self, output: &Output) -> Operand {
        let (instr, dtype) = &self.tape.instrs[output.reg];
        let reading = match output.extent {
            Extent::Full => Reading::Flat,
            Extent::Row => Reading::Row,
            Extent::Uniform => Reading::Fixed,
        };
        let mut operand = self.operand(output.buf, *dtype, reading);
        if let Some(view) = &output.view {
            operand.reading = Reading::Walk;
            operand.start = view.offset;
            (operand.dims, operand.strides) = collapse(&view.dims, &view.strides);
        }
        let aliased = self.nest.operands.iter().any(|o| o.overlaps(&operand));
        let made = !matches!(instr, Instr::Input(_) | Instr::Imm(_));
        let simple = self.extents[output.reg] == output.extent && output.extent != Extent::Uniform;
        operand.output = true;
        operand.staged = aliased || output.view.is_some() || !made || !simple;
        operand
    }

    fn add_sink(&mut self, sum: &super::Sum, acc: usize, dtype: DType) -> Option<()> {
        let reducer = reduce::reducer(sum.kind, dtype, self.simd)?;
        let mut total = self.operand(sum.buf, dtype, Reading::Fixed);
        total.output = true;
        let total_at = self.nest.operands.len();
        self.nest.operands.push(total);
        let (partial, total) = match sum.partial {
            None => (total_at, None),
            Some(buf) => {
                let mut partial = self.operand(buf, dtype, Reading::Fixed);
                partial.output = true;
                self.nest.operands.push(partial);
                (total_at + 1, Some(total_at))
            }
        };
        self.nest.sinks.push(Sink {
            accumulate: reducer.into,
            src: Loc::Imm(0),
            acc,
            size: dtype.size(),
            identity: reducer.identity,
            partial,
            total,
        });
        Some(())
    }

    fn register_bytes(&self, extent: Extent, dtype: DType) -> usize {
        let len = match extent {
            Extent::Full => self.geometry.block_rows * self.geometry.block_cols,
            Extent::Row => self.geometry.block_rows,
            Extent::Uniform => 1,
        };
        (len * dtype.size()).next_multiple_of(LINE)
    }

    fn allocate(&mut self, bytes: usize) -> usize {
        if let Some(at) = self.free.get_mut(&bytes).and_then(Vec::pop) {
            return at;
        }
        let at = self.nest.scratch;
        self.nest.scratch += bytes;
        at
    }

    /// Places an input or a constant, which nothing makes; `false` for any other register.
    fn place_given(&mut self, reg: Reg, instr: &Instr) -> bool {
        match instr {
            Instr::Input(i) => {
                // Gathered when it is first used, so that it occupies scratch no longer than needed.
                let operand = &self.nest.operands[*i];
                if !matches!(operand.reading, Reading::Walk | Reading::RowWalk) {
                    self.locs[reg] = Some(Loc::Operand(*i));
                }
                true
            }
            Instr::Imm(bits) => {
                self.locs[reg] = Some(Loc::Imm(self.nest.imms.len()));
                self.nest.imms.push(*bits);
                true
            }
            _ => false,
        }
    }

    /// Makes a register; `target` is the operand that it is written to, if any.
    fn make(&mut self, reg: Reg, target: Option<usize>) -> Option<()> {
        let (instr, dtype) = &self.tape.instrs[reg];
        if self.place_given(reg, instr) {
            return Some(());
        }
        let extent = self.extents[reg];
        let mut src = [None; 3];
        for (s, r) in src.iter_mut().zip(instr.operands()) {
            *s = Some((self.at(r, self.extents[r])?, self.extents[r]));
        }
        if let Instr::Select(p, ..) = instr
            && self.extents[*p] < extent
        {
            src[0] = Some((self.at(*p, extent)?, extent));
        }
        let dst = match target {
            Some(i) => Loc::Operand(i),
            None => Loc::Scratch(self.scratch_for(reg)),
        };
        if let Instr::ReduceRows(kind, r) = instr {
            let kernel = reduce::reducer(*kind, *dtype, self.simd)?.rows;
            let src = self.at(*r, Extent::Full)?;
            self.nest.body.push(Action::ReduceRows { kernel, dst, src });
        } else {
            let kernel = self.kernel(instr, *dtype, extent, &src)?;
            let action = Action::Compute {
                kernel,
                dst,
                src,
                extent,
            };
            if extent == Extent::Uniform {
                self.nest.prologue.push(action);
            } else {
                self.nest.body.push(action);
            }
        }
        self.locs[reg] = Some(dst);
        for r in instr.operands() {
            self.release(r);
        }
        Some(())
    }

    /// Scratch for a register. A uniform one is made once per task and kept; that of the others is given back after the last use.
    fn scratch_for(&mut self, reg: Reg) -> usize {
        let extent = self.extents[reg];
        let bytes = self.register_bytes(extent, self.tape.instrs[reg].1);
        if extent == Extent::Uniform {
            return self.keep(bytes);
        }
        let at = self.allocate(bytes);
        self.owned.insert(reg, (at, bytes));
        at
    }

    /// Scratch that is never given back.
    fn keep(&mut self, bytes: usize) -> usize {
        let at = self.nest.scratch;
        self.nest.scratch += bytes;
        at
    }

    fn release(&mut self, reg: Reg) {
        self.uses[reg] -= 1;
        if self.uses[reg] == 0
            && let Some((at, bytes)) = self.owned.remove(&reg)
        {
            self.free.entry(bytes).or_default().push(at);
        }
    }

    /// A register with at least this extent.
    fn at(&mut self, reg: Reg, extent: Extent) -> Option<Loc> {
        let own = match self.locs[reg] {
            Some(loc) => loc,
            None => self.gather(reg)?,
        };
        if self.extents[reg] >= extent {
            return Some(own);
        }
        if let Some(&loc) = self.spread.get(&(reg, extent)) {
            return Some(loc);
        }
        let dtype = self.tape.instrs[reg].1;
        let kernel = elementwise::copy(dtype.size(), true, self.simd)?;
        let bytes = self.register_bytes(extent, dtype);
        let dst = Loc::Scratch(self.keep(bytes));
        let src = [Some((own, self.extents[reg])), None, None];
        let action = Action::Compute {
            kernel,
            dst,
            src,
            extent,
        };
        if self.extents[reg] == Extent::Uniform {
            self.nest.prologue.push(action);
        } else {
            self.nest.body.push(action);
        }
        self.spread.insert((reg, extent), dst);
        Some(dst)
    }

    /// A register that is stored, in scratch if another store than that of `target` writes where it lies.
    fn apart(&mut self, reg: Reg, src: Loc, target: usize) -> Option<Loc> {
        let Loc::Operand(at) = src else {
            return Some(src);
        };
        let operands = &self.nest.operands;
        let written = operands.iter().enumerate().any(|(i, o)| {
            i != target && i != at && o.output && o.staged && o.overlaps(&operands[at])
        });
        if !written {
            return Some(src);
        }
        let (extent, dtype) = (self.extents[reg], self.tape.instrs[reg].1);
        let dst = Loc::Scratch(self.keep(self.register_bytes(extent, dtype)));
        self.nest.body.push(Action::Compute {
            kernel: elementwise::copy(dtype.size(), false, self.simd)?,
            dst,
            src: [Some((src, extent)), None, None],
            extent,
        });
        Some(dst)
    }

    /// Collects the elements of an input that is not read in place.
    fn gather(&mut self, reg: Reg) -> Option<Loc> {
        let (Instr::Input(operand), dtype) = &self.tape.instrs[reg] else {
            return None;
        };
        let extent = self.extents[reg];
        let bytes = self.register_bytes(extent, *dtype);
        let input = &self.tape.inputs[*operand];
        // What is the same for every row is collected once per task, if blocks have whole rows.
        let split = self.tape.split;
        let repeated = extent == Extent::Full
            && self.geometry.block_cols == self.geometry.cols
            && crate::view::is_repeated(&input.view.dims[..split], &input.view.strides[..split]);
        let at = if repeated {
            self.keep(bytes)
        } else {
            self.allocate(bytes)
        };
        let action = Action::Gather {
            operand: *operand,
            dst: Loc::Scratch(at),
            extent,
        };
        if repeated {
            self.nest.prologue.push(action);
        } else {
            self.owned.insert(reg, (at, bytes));
            self.nest.body.push(action);
        }
        self.locs[reg] = Some(Loc::Scratch(at));
        Some(Loc::Scratch(at))
    }

    fn kernel(
        &self,
        instr: &Instr,
        dtype: DType,
        extent: Extent,
        src: &[Option<(Loc, Extent)>; 3],
    ) -> Option<elementwise::BlockLoop> {
        let of = |r: Reg| self.tape.instrs[r].1;
        let per_row = |i: usize| src[i].is_some_and(|(_, e)| e < extent);
        match *instr {
            Instr::Unary(op, a) => elementwise::unary(op, of(a), self.simd),
            Instr::Binary(op, a, _) => {
                elementwise::binary(op, of(a), [per_row(0), per_row(1)], self.simd)
            }
            Instr::Compare(op, a, _) => {
                elementwise::compare(op, of(a), [per_row(0), per_row(1)], self.simd)
            }
            Instr::Select(..) => {
                elementwise::select(dtype.size(), [per_row(1), per_row(2)], self.simd)
            }
            Instr::Convert(a) => convert::convert(of(a), dtype, self.simd),
            Instr::Round(_, to) => convert::round(to, self.simd),
            Instr::Input(_) | Instr::Imm(_) | Instr::ReduceRows(..) => None,
        }
    }
}
