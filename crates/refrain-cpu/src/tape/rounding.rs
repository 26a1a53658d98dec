//! Rounding of `f32` registers to 16 bits, and which of them hold such values, so that rounding changes nothing.

use refrain_graph::{BinaryOp, DType, Reduction, UnaryOp, bf16, f16};

use super::{Instr, Reg, Tape};

impl Tape {
    /// The register of `reg` converted to `to`. Rounding to 16 bits and converting back becomes one instruction, or none if it changes
    /// nothing.
    pub fn converted(&mut self, reg: Reg, to: DType) -> Reg {
        if let (Instr::Convert(before), half) = self.instrs[reg]
            && to == DType::F32
            && half.is_half()
            && self.instrs[before].1 == DType::F32
        {
            return match self.holds(before, half) {
                true => before,
                false => self.push(Instr::Round(before, half), DType::F32),
            };
        }
        self.push(Instr::Convert(reg), to)
    }

    /// Drops instructions whose results nothing reads any more. Those that read memory stay.
    pub fn drop_unused(&mut self) {
        let mut used = vec![false; self.instrs.len()];
        let outputs = self.outputs.iter().map(|o| o.reg);
        for reg in outputs.chain(self.sums.iter().map(|s| s.reg)) {
            used[reg] = true;
        }
        for (reg, (instr, _)) in self.instrs.iter().enumerate().rev() {
            used[reg] |= matches!(instr, Instr::Input(_));
            if used[reg] {
                instr.operands().into_iter().for_each(|r| used[r] = true);
            }
        }
        let mut new: Vec<Reg> = Vec::with_capacity(used.len());
        let mut kept = 0;
        for &used in &used {
            new.push(kept);
            kept += usize::from(used);
        }
        let mut used = used.into_iter();
        self.instrs.retain(|_| used.next() == Some(true));
        for (instr, _) in &mut self.instrs {
            instr.operands_mut().into_iter().for_each(|r| *r = new[*r]);
        }
        self.outputs.iter_mut().for_each(|o| o.reg = new[o.reg]);
        self.sums.iter_mut().for_each(|s| s.reg = new[s.reg]);
    }

    /// Whether a register of `f32` holds only values of the type `half`.
    fn holds(&self, reg: Reg, half: DType) -> bool {
        let mut holds: Vec<bool> = Vec::with_capacity(reg + 1);
        for (instr, dtype) in &self.instrs[..=reg] {
            let value = match *instr {
                Instr::Imm(bits) => is_half(f32::from_bits(bits as u32), half),
                Instr::Convert(a) => self.instrs[a].1 == half,
                Instr::Round(_, to) => to == half,
                Instr::Unary(op, a) => keeps(op) && holds[a],
                Instr::Binary(BinaryOp::Maximum | BinaryOp::Minimum, a, b)
                | Instr::Select(_, a, b) => holds[a] && holds[b],
                Instr::ReduceRows(Reduction::Max | Reduction::Min, a) => holds[a],
                _ => false,
            };
            holds.push(value && *dtype == DType::F32);
        }
        holds[reg]
    }
}

/// Whether a function of a value of 16 bits is one too.
fn keeps(op: UnaryOp) -> bool {
    use UnaryOp::{Abs, Ceil, Floor, Negate, RoundNearestEven, Sign};
    matches!(op, Abs | Ceil | Floor | Negate | RoundNearestEven | Sign)
}

fn is_half(x: f32, half: DType) -> bool {
    let rounded = match half {
        DType::F16 => f16::from_f32(x).to_f32(),
        DType::BF16 => bf16::from_f32(x).to_f32(),
        _ => return false,
    };
    rounded == x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tape that rounds what `make` makes of a converted input to `bf16` and back, and whether the last two can go.
    fn rounded(make: impl Fn(&mut Tape, Reg) -> Reg) -> bool {
        let mut tape = Tape::default();
        let input = tape.push(Instr::Input(0), DType::BF16);
        let wide = tape.push(Instr::Convert(input), DType::F32);
        let made = make(&mut tape, wide);
        let half = tape.push(Instr::Convert(made), DType::BF16);
        tape.converted(half, DType::F32) == made
    }

    #[test]
    fn types_of_more_or_less_than_16_bits_are_converted_in_two_steps() {
        for between in [DType::Bool, DType::U8, DType::I32, DType::F64] {
            let mut tape = Tape::default();
            let input = tape.push(Instr::Input(0), between);
            let wide = tape.push(Instr::Convert(input), DType::F32);
            let negated = tape.push(Instr::Unary(UnaryOp::Negate, wide), DType::F32);
            let narrow = tape.push(Instr::Convert(negated), between);
            let back = tape.converted(narrow, DType::F32);
            assert_eq!(tape.instrs[back], (Instr::Convert(narrow), DType::F32));
        }
    }

    #[test]
    fn what_nothing_reads_is_dropped() {
        let mut tape = Tape::default();
        let input = tape.push(Instr::Input(0), DType::F32);
        let root = tape.push(Instr::Unary(UnaryOp::Sqrt, input), DType::F32);
        let half = tape.push(Instr::Convert(root), DType::BF16);
        let rounded = tape.converted(half, DType::F32);
        let sum = tape.push(Instr::Binary(BinaryOp::Add, rounded, root), DType::F32);
        tape.outputs.push(crate::tape::Output {
            reg: sum,
            buf: cranelift_entity::EntityRef::new(0),
            extent: crate::kernels::nest::Extent::Full,
            view: None,
        });
        tape.drop_unused();
        let left: Vec<Instr> = tape.instrs.into_iter().map(|(instr, _)| instr).collect();
        let expected = [
            Instr::Input(0),
            Instr::Unary(UnaryOp::Sqrt, 0),
            Instr::Round(1, DType::BF16),
            Instr::Binary(BinaryOp::Add, 2, 1),
        ];
        assert_eq!(left, expected);
        assert_eq!(tape.outputs[0].reg, 3);
    }

    #[test]
    fn rounding_goes_only_where_it_changes_nothing() {
        let number = |x: f32| Instr::Imm(u64::from(x.to_bits()));
        let with = |op, x: f32| {
            rounded(|tape, a| {
                let b = tape.push(number(x), DType::F32);
                tape.push(Instr::Binary(op, a, b), DType::F32)
            })
        };
        assert!(rounded(|_, a| a));
        assert!(rounded(
            |tape, a| tape.push(Instr::Unary(UnaryOp::Negate, a), DType::F32)
        ));
        assert!(with(BinaryOp::Maximum, 0.0));
        assert!(with(BinaryOp::Minimum, 6.0));
        assert!(!with(BinaryOp::Maximum, 0.1));
        assert!(!with(BinaryOp::Add, 0.0));
        assert!(!rounded(
            |tape, a| tape.push(Instr::Unary(UnaryOp::Tanh, a), DType::F32)
        ));
    }
}
