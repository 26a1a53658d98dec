//! What the crate is for: a compiled program that runs.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use refrain_graph::memory::{self, MemoryError};
use refrain_graph::{DType, Graph, Literal, ParamKind, Spec, bf16, f16, passes};

use crate::compile::{Plan, compile_graph};
use crate::kernels::arena::{AlignedBytes, Memory, MemoryRange, bytes_of_literal};
use crate::run::{Frame, run_plan};
use crate::slots::{ARENA, CONSTANTS, PARAMS};
use crate::sources::check_shapes;
use crate::step::Step;
use crate::{CompileError, Pool, RunError, Simd, SimdLevel};

/// How a program is compiled.
#[derive(Clone, Debug)]
pub struct CompileOptions {
    /// Whether the graph is simplified first.
    pub optimize: bool,
    /// Whether elementwise work and reductions are fused.
    pub fuse: bool,
    /// Number of threads; `None`: those of the process's pool.
    pub threads: Option<usize>,
    /// Vector instructions; `None`: the pool's. Levels that the machine lacks are replaced by its best.
    pub simd: Option<SimdLevel>,
    /// Whether convolutions of 3×3 may be Winograd convolutions: faster, with rounding errors some ten times as large and below
    /// 1e-5 of the result's scale. An infinite, huge or NaN element also spoils results up to five elements beside those
    /// that it belongs to. By default they may, unless the environment variable `REFRAIN_WINOGRAD` is `0`.
    pub winograd: bool,
}

impl Default for CompileOptions {
    fn default() -> Self {
        CompileOptions {
            optimize: true,
            fuse: true,
            threads: None,
            simd: None,
            winograd: std::env::var_os("REFRAIN_WINOGRAD").is_none_or(|value| value != "0"),
        }
    }
}

/// A compiled program. It is immutable; several threads may run it at once, each with its own [`Workspace`].
pub struct Executable {
    plan: Plan,
    pool: Option<Pool>,
    inputs: Vec<Param>,
    variables: Vec<Param>,
    outputs: Vec<Spec>,
    updates: bool,
    /// Tells workspaces of different programs apart.
    id: u64,
    /// What of the variables is kept for the next runs.
    packed: RwLock<Packed>,
}

/// A parameter: where its memory is bound, and what it must be.
struct Param {
    slot: usize,
    name: String,
    spec: Spec,
}

impl Param {
    fn named(&self) -> (&str, &Spec) {
        (&self.name, &self.spec)
    }
}

/// Variables as products and convolutions read them fastest; one copy for all workspaces.
#[derive(Default)]
struct Packed {
    /// The version of the variables that they were made of.
    version: Option<u64>,
    arrays: Vec<AlignedBytes>,
}

/// Packed variables while a run reads them.
enum Held<'e> {
    Shared(RwLockReadGuard<'e, Packed>),
    /// Made for this run alone.
    Own(RwLockWriteGuard<'e, Packed>),
}

impl Held<'_> {
    fn arrays(&self) -> &[AlignedBytes] {
        match self {
            Held::Shared(packed) => &packed.arrays,
            Held::Own(packed) => &packed.arrays,
        }
    }
}

/// The memory of one run at a time.
pub struct Workspace {
    arena: AlignedBytes,
    frame: Frame,
    id: u64,
    /// The memory of a list of variables.
    pub(crate) literals: Vec<&'static Literal>,
}

impl Executable {
    /// Compiles a graph whose shapes are all known. Every primitive becomes a kernel or a part of one.
    ///
    /// # Errors
    /// If a shape is unknown or the graph is broken.
    pub fn compile(graph: &Graph, options: &CompileOptions) -> Result<Executable, CompileError> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let pool = match (options.threads, options.simd) {
            (None, None) => None,
            (threads, simd) => {
                let threads = threads.unwrap_or_else(|| Pool::global().threads());
                let simd = simd.unwrap_or_else(|| Simd::native().level());
                Some(Pool::with_level(threads, simd))
            }
        };
        let simd = pool.as_ref().unwrap_or_else(|| Pool::global()).simd();
        check_shapes(graph)?;
        // What a program changes itself is another in each run.
        let lasting = |kind| kind == ParamKind::Variable && graph.updates().is_empty();
        let lasting = graph.params().map(|(_, kind, _)| lasting(kind)).collect();
        let prepared = prepared(graph, options)?;
        let plan = compile_graph(&prepared, options, simd, lasting)?;
        let params = |wanted| {
            let slots = (PARAMS as usize..).zip(graph.params());
            let own = slots.filter(|(_, (_, kind, _))| *kind == wanted);
            own.map(|(slot, (value, _, name))| Param {
                slot,
                name: name.to_string(),
                spec: graph.spec(value).clone(),
            })
            .collect()
        };
        Ok(Executable {
            inputs: params(ParamKind::Input),
            variables: params(ParamKind::Variable),
            outputs: graph
                .results()
                .iter()
                .map(|&v| graph.spec(v).clone())
                .collect(),
            updates: !graph.updates().is_empty(),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            plan,
            pool,
            packed: RwLock::default(),
        })
    }

    /// Everything that a run needs.
    ///
    /// # Errors
    /// If there is no memory for it, or would be none for the inputs and outputs beside it.
    pub fn workspace(&self) -> Result<Workspace, MemoryError> {
        let inputs = self.inputs.iter().map(|input| &input.spec);
        let arrays = inputs.chain(&self.outputs).filter_map(Spec::bytes);
        // The constants are there already, and packed weights after a first run.
        let packed = || self.packed.read().unwrap_or_else(PoisonError::into_inner);
        let unpacked = packed().arrays.is_empty();
        let to_pack = match unpacked {
            true => self.packed_bytes().sum(),
            false => 0,
        };
        let own = self.plan.arena.saturating_add(to_pack);
        memory::check(arrays.fold(own, usize::saturating_add))?;
        Ok(Workspace {
            arena: AlignedBytes::zeroed(self.plan.arena)?,
            frame: Frame::of(&self.plan),
            id: self.id,
            literals: Vec::new(),
        })
    }

    /// Bytes of the matrices that are kept packed.
    fn packed_bytes(&self) -> impl Iterator<Item = usize> {
        let simd = self.pool().simd();
        self.plan.packs.iter().map(move |pack| pack.bytes(simd))
    }

    fn pool(&self) -> &Pool {
        self.pool.as_ref().unwrap_or_else(|| Pool::global())
    }

    /// Bytes of memory besides the caller's arrays: the arena, which holds all intermediate values and scratch, the
    /// constants, and weights as products read them fastest.
    pub fn peak_memory(&self) -> usize {
        let packed: usize = self.packed_bytes().sum();
        self.plan.arena + self.plan.constant_bytes() + packed
    }

    /// Floating-point operations of a run: products count twice, elementwise primitives once per element.
    pub fn flops(&self) -> u64 {
        self.plan.flops
    }

    /// The specs of the outputs.
    pub fn output_specs(&self) -> &[Spec] {
        &self.outputs
    }

    /// The plan as text: one line per step with the buffers it reads and writes as `number@slot+offset` (slot 0 is the
    /// arena, 1 the constants, then parameters, outputs and packed parameters in order).
    pub fn explain(&self) -> String {
        let mut text = format!(
            "arena {} bytes, constants {} bytes\n",
            self.plan.arena,
            self.plan.constant_bytes()
        );
        explain_plan(&self.plan, 0, &mut text);
        text
    }

    /// Runs the program. After the first run nothing is allocated, unless weights of 16 bits are packed, which
    /// [`Executable::run_shared`] can keep.
    ///
    /// Inputs and variables come in the order of the graph's parameters of that kind, outputs in the order of its results,
    /// with the right dimensions and types. Updated variables are changed in place.
    ///
    /// # Errors
    /// If an array is missing or has another shape or type than the program's.
    pub fn run(
        &self,
        ws: &mut Workspace,
        inputs: &[Literal],
        variables: &mut [&mut Literal],
        outputs: &mut [Literal],
    ) -> Result<(), RunError> {
        self.check(ws, inputs, variables.iter().map(|l| &**l), outputs)?;
        let packed = self.packed(ws, variables.iter().map(|l| &**l), None)?;
        let mut memory = ws.frame.table.bind();
        for (param, input) in self.inputs.iter().zip(inputs) {
            bind_shared(&mut memory, param.slot, input);
        }
        for (param, variable) in self.variables.iter().zip(variables) {
            bind(&mut memory, param.slot, variable);
        }
        let memories = (&mut ws.arena, packed.arrays());
        self.go(memory, memories, &mut ws.frame.bodies, outputs)
    }

    /// As [`Executable::run`] for a program without updates, which only reads its variables.
    ///
    /// `version` is a number of the variables' values that the caller never gives to other values. While the program sees
    /// the same number again, in whatever workspace, weights that it has laid out for products are not laid out anew; with
    /// `None` they always are, as by [`Executable::run`], and runs at the same time wait for each other.
    ///
    /// # Errors
    /// As [`Executable::run`], and if the program has updates.
    pub fn run_shared(
        &self,
        ws: &mut Workspace,
        inputs: &[Literal],
        variables: &[&Literal],
        outputs: &mut [Literal],
        version: Option<u64>,
    ) -> Result<(), RunError> {
        if self.updates {
            return Err(RunError::HasUpdates);
        }
        let variables = variables.iter().copied();
        self.check(ws, inputs, variables.clone(), outputs)?;
        let packed = self.packed(ws, variables.clone(), version)?;
        let mut memory = ws.frame.table.bind();
        let all = (self.inputs.iter().zip(inputs)).chain(self.variables.iter().zip(variables));
        for (param, literal) in all {
            bind_shared(&mut memory, param.slot, literal);
        }
        let memories = (&mut ws.arena, packed.arrays());
        self.go(memory, memories, &mut ws.frame.bodies, outputs)
    }

    /// Frees what is kept of the variables, unless a run is reading it: the next run makes it again.
    pub fn forget_packed(&self) {
        if let Ok(mut packed) = self.packed.try_write() {
            *packed = Packed::default();
        }
    }

    /// The packed variables of a version, made now if they are those of another.
    fn packed<'l>(
        &self,
        ws: &mut Workspace,
        variables: impl Iterator<Item = &'l Literal> + Clone,
        version: Option<u64>,
    ) -> Result<Held<'_>, RunError> {
        loop {
            let kept = self.packed.read().unwrap_or_else(PoisonError::into_inner);
            let same = version.is_some() && version == kept.version;
            if same || self.plan.packs.is_empty() {
                return Ok(Held::Shared(kept));
            }
            drop(kept);
            let mut packed = self.packed.write().unwrap_or_else(PoisonError::into_inner);
            if version.is_none() || version != packed.version {
                packed.version = None;
                self.pack(ws, variables.clone(), &mut packed.arrays)?;
                packed.version = version;
            }
            if version.is_none() {
                return Ok(Held::Own(packed));
            }
        }
    }

    fn pack<'l>(
        &self,
        ws: &mut Workspace,
        variables: impl Iterator<Item = &'l Literal>,
        arrays: &mut Vec<AlignedBytes>,
    ) -> Result<(), RunError> {
        if arrays.is_empty() {
            let made = self.packed_bytes().map(AlignedBytes::zeroed);
            *arrays = made.collect::<Result<_, _>>()?;
        }
        let mut memory = ws.frame.table.bind();
        for (param, variable) in self.variables.iter().zip(variables) {
            bind_shared(&mut memory, param.slot, variable);
        }
        for (slot, packed) in (self.plan.first_pack..).zip(arrays) {
            memory.writable(slot, packed.bytes_mut());
        }
        let whole = |slot: usize, bytes: usize| MemoryRange {
            slot: slot as u32,
            offset: 0,
            bytes,
        };
        let sizes = self.packed_bytes();
        for ((slot, pack), bytes) in (self.plan.first_pack..).zip(&self.plan.packs).zip(sizes) {
            let from = PARAMS as usize + pack.param;
            let variable = self.variables.iter().find(|v| v.slot == from);
            let size = variable.and_then(|v| v.spec.bytes()).unwrap_or(0);
            let (from, to) = (whole(from, size), whole(slot, bytes));
            pack.run(from, to, &mut memory, self.pool())
                .map_err(|fault| RunError::Plan(fault, "packing of a variable".to_owned()))?;
        }
        Ok(())
    }

    fn go<'a>(
        &'a self,
        mut memory: Memory<'a>,
        (arena, packed): (&'a mut AlignedBytes, &'a [AlignedBytes]),
        bodies: &mut [Vec<Frame>],
        outputs: &'a mut [Literal],
    ) -> Result<(), RunError> {
        memory.writable(ARENA as usize, arena.bytes_mut());
        memory.read_only(CONSTANTS as usize, self.plan.constants.bytes());
        let first = PARAMS as usize + self.inputs.len() + self.variables.len();
        for (slot, output) in (first..).zip(outputs) {
            bind(&mut memory, slot, output);
        }
        for (slot, packed) in (self.plan.first_pack..).zip(packed) {
            memory.read_only(slot, packed.bytes());
        }
        run_plan(&self.plan, &mut memory, bodies, self.pool())
    }

    fn check<'l>(
        &self,
        ws: &Workspace,
        inputs: &[Literal],
        variables: impl ExactSizeIterator<Item = &'l Literal>,
        outputs: &[Literal],
    ) -> Result<(), RunError> {
        if ws.id != self.id {
            return Err(RunError::Workspace);
        }
        let (expected, named) = (self.inputs.iter(), Param::named);
        check(("input", "inputs"), inputs.iter(), expected.map(named))?;
        let expected = self.variables.iter().map(named);
        check(("variable", "variables"), variables, expected)?;
        check(
            ("output", "outputs"),
            outputs.iter(),
            self.outputs.iter().map(|s| ("", s)),
        )
    }
}

/// The graph as it is compiled: simplified, if that is wanted, and with arithmetic of 16-bit floats in `f32`.
fn prepared<'g>(
    graph: &'g Graph,
    options: &CompileOptions,
) -> Result<Cow<'g, Graph>, CompileError> {
    let simplified = |graph: Cow<'g, Graph>| match options.optimize {
        true => passes::optimize(graph.into_owned()).map(Cow::Owned),
        false => Ok(graph),
    };
    let graph = simplified(Cow::Borrowed(graph))?;
    if !passes::has_halves(&graph) {
        return Ok(graph);
    }
    let normalized = simplified(Cow::Owned(passes::normalize_floats(&graph)?))?;
    Ok(Cow::Owned(passes::convert_where_read(&normalized)?))
}

fn explain_plan(plan: &Plan, depth: usize, text: &mut String) {
    for (step, line) in &plan.steps {
        text.push_str(&"  ".repeat(depth));
        text.push_str(line);
        text.push('\n');
        if let Step::Scan(scan) = step {
            explain_plan(&plan.bodies[scan.body], depth + 1, text);
        }
    }
}

fn bind<'a>(memory: &mut Memory<'a>, slot: usize, literal: &'a mut Literal) {
    macro_rules! values {
        ($t:ty) => {
            literal
                .values_mut::<$t>()
                .map_or((), |v| memory.writable(slot, v))
        };
    }
    match literal.dtype() {
        DType::F32 => values!(f32),
        DType::F64 => values!(f64),
        DType::F16 => values!(f16),
        DType::BF16 => values!(bf16),
        DType::I32 => values!(i32),
        DType::I64 => values!(i64),
        DType::U8 => values!(u8),
        DType::U32 => values!(u32),
        DType::Bool => literal
            .values_mut()
            .map_or((), |v| memory.writable_bools(slot, v)),
    }
}

fn bind_shared<'a>(memory: &mut Memory<'a>, slot: usize, literal: &'a Literal) {
    memory.read_only(slot, bytes_of_literal(literal));
}

/// Whether arrays have the specs of the program.
fn check<'l, 's>(
    (what, plural): (&'static str, &'static str),
    received: impl ExactSizeIterator<Item = &'l Literal>,
    expected: impl ExactSizeIterator<Item = (&'s str, &'s Spec)>,
) -> Result<(), RunError> {
    let count = expected.len();
    if received.len() != count {
        return Err(RunError::Count {
            what: plural,
            expected: count,
            received: received.len(),
        });
    }
    for (index, (literal, (name, spec))) in received.zip(expected).enumerate() {
        let dims = spec.shape.dims().iter();
        let same = literal.dtype() == spec.dtype
            && literal.dims().len() == spec.shape.rank()
            && dims.zip(literal.dims()).all(|(d, l)| *d == Some(*l));
        if !same {
            return Err(RunError::Spec {
                what,
                index,
                name: name.to_string(),
                expected: spec.clone(),
                received: literal.spec(),
            });
        }
    }
    Ok(())
}
