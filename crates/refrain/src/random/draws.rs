//! Where random numbers come from.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use refrain_graph::philox::{random_bits, seeded};
use refrain_graph::{DType, Literal, Op, Shape, interp};

use crate::error::{Error, ErrorKind, Result};
use crate::initializers;
use crate::layers::Call;
use crate::ops::{self, Operand, prim};
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes;

/// Where random numbers come from: a seed, a [`SeedGenerator`] or a [`Call`].
#[derive(Clone, Copy)]
pub struct Source<'a>(Kind<'a>);

#[derive(Clone, Copy)]
enum Kind<'a> {
    Seed(u64),
    Generator(&'a SeedGenerator),
    Call(&'a Call),
}

impl From<u64> for Source<'_> {
    fn from(seed: u64) -> Self {
        Source(Kind::Seed(seed))
    }
}

impl<'a> From<&'a SeedGenerator> for Source<'a> {
    fn from(generator: &'a SeedGenerator) -> Self {
        Source(Kind::Generator(generator))
    }
}

impl<'a> From<&'a Call> for Source<'a> {
    fn from(call: &'a Call) -> Self {
        Source(Kind::Call(call))
    }
}

/// What gives other random numbers each time.
///
/// ```
/// use refrain::{DType, random};
/// let seeds = random::SeedGenerator::new(Some(7));
/// let draw = || random::uniform([4], 0.0, 1.0, DType::F32, &seeds).value().unwrap().to_f64();
/// assert_ne!(draw(), draw());
/// ```
pub struct SeedGenerator(Mutex<[u32; 4]>);

impl SeedGenerator {
    /// One that starts from a seed; by default from the next one of this thread
    /// ([`set_random_seed`](crate::initializers::set_random_seed)).
    pub fn new(seed: Option<u64>) -> Self {
        SeedGenerator(Mutex::new(seeded(
            seed.unwrap_or_else(initializers::next_seed),
        )))
    }

    /// A seed that it has not given before.
    ///
    /// ```
    /// let seeds = refrain::random::SeedGenerator::new(Some(7));
    /// assert_ne!(seeds.next_seed(), seeds.next_seed());
    /// ```
    pub fn next_seed(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (words, next) = random_bits(*state, 2);
        *state = next;
        let word = |i: usize| u64::from(words.get(i).copied().unwrap_or(0));
        word(0) | word(1) << 32
    }
}

impl fmt::Debug for SeedGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeedGenerator")
    }
}

/// A program that draws.
pub(super) struct Draws<'a> {
    trace: Trace,
    call: Option<&'a Call>,
    /// The state of the generator, unless the layer has it.
    state: Mutex<Option<Tensor>>,
}

impl<'a> Draws<'a> {
    /// Draws by the tensors that a function needs, in their program; if they are constants, the result is one.
    pub(super) fn run(
        source: Source<'a>,
        tensors: &[&Tensor],
        function: impl FnOnce(&Draws<'a>, &[Tensor]) -> Result<Tensor>,
    ) -> Tensor {
        Tensor::from_result(draw(source, tensors, function))
    }

    /// Random bits of a shape.
    pub(super) fn bits(&self, shape: &Shape) -> Result<Tensor> {
        if let Some(call) = self.call {
            return call.random_bits(shape.clone());
        }
        let dims: Option<Vec<usize>> = shape.dims().iter().copied().collect();
        if let Some(dims) = dims {
            sizes::check_memory("random numbers", &dims, size_of::<f64>())?;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.take();
        let before =
            before.ok_or_else(|| Error::new(ErrorKind::Internal, "a generator's state"))?;
        let mut outputs = Trace::apply_multi(Op::RngBitGenerator(shape.clone()), &[&before])?;
        let bits = outputs.pop();
        *state = outputs.pop();
        bits.ok_or_else(|| Error::new(ErrorKind::Internal, "random bits"))
    }

    /// Uniform numbers in [0, 1), in `f32`.
    pub(super) fn uniform(&self, shape: &Shape) -> Result<Tensor> {
        ops::random_bits_to_uniform(&self.bits(shape)?)
    }

    /// Uniform numbers in (0, 1): in the middle of steps, so that logarithms are finite.
    pub(super) fn open_uniform(&self, shape: &Shape) -> Result<Tensor> {
        const HALF_STEP: f64 = 0.5 / (1u32 << 24) as f64;
        const LAST: f64 = 1.0 - 1.0 / (1u32 << 24) as f64;
        ops::minimum(self.uniform(shape)? + HALF_STEP, LAST).checked()
    }

    /// Numbers of the standard normal distribution, in `f32`.
    pub(super) fn normal(&self, shape: &Shape) -> Result<Tensor> {
        ops::uniform_to_normal(&self.uniform(shape)?, 1.0)
    }

    /// A parameter of a distribution in `f32`, in this program, without gradients.
    pub(super) fn parameter(
        &self,
        given: &Operand,
        tensors: &mut std::slice::Iter<Tensor>,
    ) -> Result<Tensor> {
        let value = match given {
            Operand::Tensor(_) => {
                let tensor = tensors.next().cloned();
                tensor.ok_or_else(|| Error::new(ErrorKind::Internal, "a tensor as parameter"))?
            }
            Operand::Number(n) => self.scalar(*n)?,
            Operand::Integer(n) => self.scalar(*n as f64)?,
        };
        Trace::apply(Op::StopGradient, &[&prim::convert(&value, DType::F32)?])
    }

    fn scalar(&self, value: f64) -> Result<Tensor> {
        self.trace
            .constant(Literal::full(Vec::new(), DType::F32, value))
            .checked()
    }
}

fn draw<'a>(
    source: Source<'a>,
    tensors: &[&Tensor],
    function: impl FnOnce(&Draws<'a>, &[Tensor]) -> Result<Tensor>,
) -> Result<Tensor> {
    tensors.iter().try_for_each(|t| t.check())?;
    let computed: Vec<&Tensor> = tensors
        .iter()
        .copied()
        .filter(|t| t.is_computed())
        .collect();
    let (trace, call) = match source.0 {
        Kind::Call(call) => (call.trace.clone(), Some(call)),
        _ if computed.is_empty() => (Trace::new(false), None),
        _ => (Trace::innermost(&computed)?, None),
    };
    let placed = tensors.iter().map(|t| match t.as_constant() {
        Some(literal) => trace.constant((**literal).clone()).checked(),
        None => Ok((*t).clone()),
    });
    let placed = placed.collect::<Result<Vec<_>>>()?;
    let first = match source.0 {
        Kind::Seed(seed) => Some(seeded(seed)),
        Kind::Generator(generator) => Some(seeded(generator.next_seed())),
        Kind::Call(_) => None,
    };
    let first = first.and_then(|state| Literal::new([4], state.to_vec()));
    let draws = Draws {
        state: Mutex::new(first.map(|state| trace.constant(state))),
        trace: trace.clone(),
        call,
    };
    let result = function(&draws, &placed)?.checked()?;
    match call.is_none() && computed.is_empty() {
        true => constant(&trace, &result),
        false => Ok(result),
    }
}

/// The value of a tensor of a program without inputs.
fn constant(trace: &Trace, result: &Tensor) -> Result<Tensor> {
    let value = trace.import(result)?;
    trace.with_graph(|g| g.result(value));
    let found = interp::evaluate(&trace.take_graph(), &[], &[])?;
    let literal = found.results.into_iter().next();
    let literal = literal.ok_or_else(|| Error::new(ErrorKind::Internal, "a result"))?;
    Ok(Tensor::constant(literal))
}
