//! Which registers of `f32` hold values of 16 bits, so that rounding them changes nothing.

use refrain_graph::{BinaryOp, DType, Reduction, UnaryOp, bf16, f16};

use super::{Instr, Reg, Tape};

impl Tape {
    /// The register that a conversion of `reg` to `to` gives again: `f32` of a value that 16 bits hold, rounded to them and
    /// back.
    pub fn unrounded(&self, reg: Reg, to: DType) -> Option<Reg> {
        let (Instr::Convert(before), half) = self.instrs[reg] else {
            return None;
        };
        let back = to == DType::F32 && self.instrs[before].1 == DType::F32;
        (back && self.holds(before, half)).then_some(before)
    }

    /// Whether a register of `f32` holds only values of the type `half`.
    fn holds(&self, reg: Reg, half: DType) -> bool {
        let mut holds: Vec<bool> = Vec::with_capacity(reg + 1);
        for (instr, dtype) in &self.instrs[..=reg] {
            let value = match *instr {
                Instr::Imm(bits) => is_half(f32::from_bits(bits as u32), half),
                Instr::Convert(a) => self.instrs[a].1 == half,
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
        tape.unrounded(half, DType::F32) == Some(made)
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
