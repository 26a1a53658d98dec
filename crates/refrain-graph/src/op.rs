//! The primitives: a small closed set in StableHLO's vocabulary and with its meaning.
//!
//! Whatever can be said with these is a function above this crate, not a primitive here.

use crate::{DType, Dim, Graph, Literal, Shape};
use std::sync::Arc;

/// An elementwise function of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum UnaryOp {
    Abs,
    Negate,
    /// -1, 0 or 1; NaN stays NaN.
    Sign,
    Exponential,
    ExponentialMinusOne,
    Log,
    LogPlusOne,
    Logistic,
    Tanh,
    Sqrt,
    Rsqrt,
    Cbrt,
    Sine,
    Cosine,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Asinh,
    Acosh,
    Atanh,
    Erf,
    ErfInv,
    Floor,
    Ceil,
    /// Ties go to the even number, as in NumPy.
    RoundNearestEven,
    /// Logical for `bool`, bitwise for integers.
    Not,
    /// Result is `bool`.
    IsFinite,
}

/// An elementwise function of two operands of one shape and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    /// Integers: rounds towards zero; by zero gives 0.
    Divide,
    /// NaN wins.
    Maximum,
    /// NaN wins.
    Minimum,
    Power,
    /// Sign of the dividend, as `%` in Rust; by integer zero gives 0.
    Remainder,
    Atan2,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRightArithmetic,
    ShiftRightLogical,
}

/// An elementwise comparison; its result is `bool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// How a reduction combines elements. Empty reductions give the identity (0, 1, -inf, inf, true, false).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Reduction {
    Sum,
    Product,
    /// NaN wins.
    Max,
    /// NaN wins.
    Min,
    /// `bool` only.
    And,
    /// `bool` only.
    Or,
}

/// How a scatter combines an update with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ScatterKind {
    /// Replaces; of several updates of one place the last in row-major order stays.
    Set,
    Add,
    Max,
    Min,
    Multiply,
}

/// Dimension numbers of [`Op::DotGeneral`].
///
/// The result's dimensions are the batch dimensions (in the order of `lhs_batch`), then the left's other dimensions,
/// then the right's other dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
#[allow(missing_docs)]
pub struct DotDims {
    pub lhs_batch: Vec<usize>,
    pub rhs_batch: Vec<usize>,
    pub lhs_contracting: Vec<usize>,
    pub rhs_contracting: Vec<usize>,
}

/// A sliding window, one entry per dimension it moves over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Number of elements in the window.
    pub size: Vec<usize>,
    /// Step between windows.
    pub strides: Vec<usize>,
    /// Elements added before and after (may be negative: elements cut off).
    pub padding: Vec<(i64, i64)>,
    /// Distance between the base's elements before the window moves (StableHLO: `lhs_dilation`, `base_dilations`).
    pub base_dilation: Vec<usize>,
    /// Distance between the window's elements (StableHLO: `rhs_dilation`, `window_dilations`).
    pub dilation: Vec<usize>,
}

/// Which dimension of a convolution's operand or result is what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConvLayout {
    /// The batch dimension (left operand, result), or the input-feature dimension (kernel).
    pub batch: usize,
    /// The feature dimension (left operand, result), or the output-feature dimension (kernel).
    pub feature: usize,
    /// The spatial dimensions.
    pub spatial: Vec<usize>,
}

/// Attributes of [`Op::Convolution`]. As in StableHLO the kernel is not flipped unless `reversal` says so.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Window over the spatial dimensions; `size` repeats the kernel's spatial dimensions.
    pub window: Window,
    /// Whether the kernel is read backwards along a spatial dimension.
    pub reversal: Vec<bool>,
    /// Layout of the left operand.
    pub lhs: ConvLayout,
    /// Layout of the kernel: `batch` is its input-feature, `feature` its output-feature dimension.
    pub rhs: ConvLayout,
    /// Layout of the result.
    pub out: ConvLayout,
    /// Groups of features (the input features of a group are `features / feature_groups`).
    pub feature_groups: usize,
    /// Groups of the batch dimension (used by gradients of grouped convolutions).
    pub batch_groups: usize,
}

/// Dimension numbers of [`Op::Gather`] (StableHLO's, without batching dimensions).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GatherDims {
    /// Dimensions of the result that lie inside a slice.
    pub offset_dims: Vec<usize>,
    /// Dimensions of the operand that each slice drops (their slice size is 1).
    pub collapsed_slice_dims: Vec<usize>,
    /// Which operand dimension each component of an index vector addresses.
    pub start_index_map: Vec<usize>,
    /// The dimension of the indices that holds index vectors (may be their rank: each index is a vector of one).
    pub index_vector_dim: usize,
    /// Size of the slice in each operand dimension. `None`: the whole (unknown or known) dimension.
    pub slice_sizes: Vec<Dim>,
}

/// Dimension numbers of [`Op::Scatter`] (StableHLO's, without batching dimensions).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScatterDims {
    /// Dimensions of the updates that lie inside a window.
    pub update_window_dims: Vec<usize>,
    /// Dimensions of the operand that windows lack (size 1).
    pub inserted_window_dims: Vec<usize>,
    /// Which operand dimension each component of an index vector addresses.
    pub scatter_dims_to_operand_dims: Vec<usize>,
    /// The dimension of the indices that holds index vectors (may be their rank).
    pub index_vector_dim: usize,
}

/// A loop over the leading dimension, with carried state.
///
/// Inputs: the carries' first values, then the sequences, then the constants.
/// The body's parameters: carries, one step of each sequence (leading dimension dropped), constants.
/// The body's results: the next carries, then one step of each stacked output.
/// Outputs: the final carries, then the stacked outputs (leading dimension `length` added).
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// One step.
    pub body: Graph,
    /// Number of carried values.
    pub carries: usize,
    /// Number of sequences read step by step.
    pub sequences: usize,
    /// Whether steps run from the last to the first. Stacked outputs keep the position of their step.
    pub reverse: bool,
    /// Number of steps. `None`: unknown; else it equals the sequences' leading dimension (needed if there are none).
    pub length: Dim,
}

/// A primitive with its attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A value known when the program is made. No inputs.
    Constant(Arc<Literal>),
    /// Counts 0, 1, 2, … along `dim`. No inputs.
    Iota {
        /// Shape of the result.
        shape: Shape,
        /// Type of the result.
        dtype: DType,
        /// The dimension that counts.
        dim: usize,
    },
    /// Elementwise function of one input.
    Unary(UnaryOp),
    /// Elementwise function of two inputs.
    Binary(BinaryOp),
    /// Elementwise comparison of two inputs.
    Compare(Comparison),
    /// Inputs: predicate (`bool`, same shape), on true, on false.
    Select,
    /// Another element type. Float to integer rounds towards zero and saturates; to `bool`: `!= 0`.
    Convert(DType),
    /// Input dimension `i` becomes result dimension `dims[i]` (increasing); input dimensions of size 1 are repeated.
    BroadcastInDim {
        /// Shape of the result.
        shape: Shape,
        /// Where each input dimension goes.
        dims: Vec<usize>,
    },
    /// Same elements in row-major order, another shape.
    Reshape(Shape),
    /// Result dimension `i` is input dimension `perm[i]`.
    Transpose(Vec<usize>),
    /// Elements `start, start+stride, … < limit` in each dimension. A limit of `None` is the dimension's size.
    Slice {
        /// First element.
        starts: Vec<usize>,
        /// End, exclusive.
        limits: Vec<Dim>,
        /// Step, at least 1.
        strides: Vec<usize>,
    },
    /// Inputs: operand, scalar padding value. Negative `low`/`high` cut off; `interior` goes between elements.
    Pad {
        /// Elements before.
        low: Vec<i64>,
        /// Elements after.
        high: Vec<i64>,
        /// Elements between two elements.
        interior: Vec<usize>,
    },
    /// Any number of inputs, side by side along a dimension.
    Concatenate(usize),
    /// Reads these dimensions backwards.
    Reverse(Vec<usize>),
    /// Combines all elements along `dims`, which are dropped. Float sums of f16/bf16 accumulate in f32.
    Reduce {
        /// How.
        kind: Reduction,
        /// Along which dimensions (increasing).
        dims: Vec<usize>,
    },
    /// Combines the elements in each position of a window over all dimensions. Padding counts as the identity.
    ReduceWindow {
        /// How (`Sum`, `Max`, `Min`, `Product`).
        kind: Reduction,
        /// One entry per dimension of the operand.
        window: Window,
    },
    /// Inputs: operand, source (shape of the windows' grid). Adds each source element to the place in the result
    /// (shape of the operand, else zero) where its window has its largest element (the first of equals).
    SelectAndScatter {
        /// One entry per dimension of the operand.
        window: Window,
    },
    /// Inputs: left, right. Sums of products over the contracting dimensions.
    DotGeneral(DotDims),
    /// Inputs: left operand, kernel.
    Convolution(Box<Conv>),
    /// Inputs: operand, start indices (integers, clamped so that slices fit).
    Gather(Box<GatherDims>),
    /// Inputs: operand, indices, updates. Updates outside the operand are skipped.
    Scatter {
        /// Which dimension is what.
        dims: Box<ScatterDims>,
        /// How updates combine.
        kind: ScatterKind,
    },
    /// A loop; see [`Scan`].
    Scan(Box<Scan>),
    /// Philox 4x32-10. Input: state `u32[4]` = key (2 words), block counter (2 words, low first).
    /// Outputs: the state with the counter advanced by the blocks used, random bits `u32[shape]`.
    RngBitGenerator(Shape),
    /// The same values; gradients stop here.
    StopGradient,
    /// Input and output: the input, sorted along `dim`, and the i32 positions its elements came from (stable).
    Sort {
        /// The dimension to sort along.
        dim: usize,
        /// Largest first.
        descending: bool,
    },
    /// Running reduction along `dim`: element `i` combines elements `0..=i` (or `i..` in `reverse`).
    Cumulative {
        /// How (`Sum`, `Product`, `Max`, `Min`).
        kind: Reduction,
        /// Along which dimension.
        dim: usize,
        /// From the end.
        reverse: bool,
    },
}

impl Op {
    /// StableHLO's name of the primitive, as the text form spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Constant(_) => "constant",
            Op::Iota { .. } => "iota",
            Op::Unary(op) => op.name(),
            Op::Binary(op) => op.name(),
            Op::Compare(_) => "compare",
            Op::Select => "select",
            Op::Convert(_) => "convert",
            Op::BroadcastInDim { .. } => "broadcast_in_dim",
            Op::Reshape(_) => "reshape",
            Op::Transpose(_) => "transpose",
            Op::Slice { .. } => "slice",
            Op::Pad { .. } => "pad",
            Op::Concatenate(_) => "concatenate",
            Op::Reverse(_) => "reverse",
            Op::Reduce { .. } => "reduce",
            Op::ReduceWindow { .. } => "reduce_window",
            Op::SelectAndScatter { .. } => "select_and_scatter",
            Op::DotGeneral(_) => "dot_general",
            Op::Convolution(_) => "convolution",
            Op::Gather(_) => "gather",
            Op::Scatter { .. } => "scatter",
            Op::Scan(_) => "scan",
            Op::RngBitGenerator(_) => "rng_bit_generator",
            Op::StopGradient => "stop_gradient",
            Op::Sort { .. } => "sort",
            Op::Cumulative { .. } => "cumulative",
        }
    }

    /// Whether each result element depends only on the input elements at the same place.
    pub fn is_elementwise(&self) -> bool {
        matches!(
            self,
            Op::Unary(_)
                | Op::Binary(_)
                | Op::Compare(_)
                | Op::Select
                | Op::Convert(_)
                | Op::StopGradient
        )
    }
}

/// Gives a closed set of names in both directions.
macro_rules! names {
    ($t:ident { $($variant:ident => $name:literal),* $(,)? }) => {
        impl $t {
            /// Every member.
            pub const ALL: &'static [$t] = &[$($t::$variant),*];
            /// The name in the text form.
            pub fn name(self) -> &'static str {
                match self { $($t::$variant => $name),* }
            }
            /// The member of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some($t::$variant),)* _ => None }
            }
        }
    };
}

names!(UnaryOp {
    Abs => "abs", Negate => "negate", Sign => "sign", Exponential => "exponential",
    ExponentialMinusOne => "exponential_minus_one", Log => "log", LogPlusOne => "log_plus_one",
    Logistic => "logistic", Tanh => "tanh", Sqrt => "sqrt", Rsqrt => "rsqrt", Cbrt => "cbrt",
    Sine => "sine", Cosine => "cosine", Tan => "tan", Asin => "asin", Acos => "acos", Atan => "atan",
    Sinh => "sinh", Cosh => "cosh", Asinh => "asinh", Acosh => "acosh", Atanh => "atanh",
    Erf => "erf", ErfInv => "erf_inv", Floor => "floor", Ceil => "ceil",
    RoundNearestEven => "round_nearest_even", Not => "not", IsFinite => "is_finite",
});
names!(BinaryOp {
    Add => "add", Subtract => "subtract", Multiply => "multiply", Divide => "divide",
    Maximum => "maximum", Minimum => "minimum", Power => "power", Remainder => "remainder",
    Atan2 => "atan2", And => "and", Or => "or", Xor => "xor", ShiftLeft => "shift_left",
    ShiftRightArithmetic => "shift_right_arithmetic", ShiftRightLogical => "shift_right_logical",
});
names!(Comparison { Eq => "EQ", Ne => "NE", Lt => "LT", Le => "LE", Gt => "GT", Ge => "GE" });
names!(Reduction { Sum => "sum", Product => "product", Max => "max", Min => "min", And => "and", Or => "or" });
names!(ScatterKind { Set => "set", Add => "add", Max => "max", Min => "min", Multiply => "multiply" });
