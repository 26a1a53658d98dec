//! Primitives from their names, attributes and results.

use std::sync::Arc;

use super::attrs::{Attr, Attrs};
use super::lex::{ParseError, Position};
use super::literal::{self, Elements};
use crate::{
    BinaryOp, Comparison, Conv, ConvLayout, DotDims, GatherDims, Graph, Op, Reduction, Scan,
    ScatterDims, ScatterKind, Shape, Spec, UnaryOp,
};

/// A primitive as it is written, but for its inputs.
pub(super) struct Written<'a> {
    pub(super) at: Position,
    pub(super) name: &'a str,
    pub(super) elements: Option<Elements<'a>>,
    pub(super) attrs: Attrs<'a>,
    pub(super) body: Option<Graph>,
    pub(super) specs: Vec<Spec>,
}

const KINDS: &str = "one of sum, product, max, min, and, or";
const SCATTER_KINDS: &str = "one of set, add, max, min, multiply";
const DIRECTIONS: &str = "one of EQ, NE, LT, LE, GT, GE";
const CONV_DIMS: &str = "three layouts, as in `[b,0,1,f]x[0,1,i,o]->[b,0,1,f]`";

/// The primitive. `budget` is how many bytes its constant may take.
pub(super) fn op(mut written: Written, budget: &mut usize) -> Result<Op, ParseError> {
    let (name, at) = (written.name, written.at);
    let op = match name {
        "constant" => constant(&mut written, budget)?,
        "scan" => scan(&mut written)?,
        _ => plain(&mut written)?,
    };
    if written.elements.is_some() {
        return at.error(format!("expected no elements after {name}"));
    }
    if written.body.is_some() {
        return at.error(format!("expected no body after {name}"));
    }
    written.attrs.finish(name)?;
    Ok(op)
}

/// A primitive that has neither elements nor a body.
fn plain(written: &mut Written) -> Result<Op, ParseError> {
    let at = written.at;
    let result = |i: usize| match written.specs.get(i) {
        Some(spec) => Ok(spec),
        None => at.error(format!("expected at least {} results", i + 1)),
    };
    let attrs = &mut written.attrs;
    Ok(match written.name {
        "iota" => Op::Iota {
            shape: result(0)?.shape.clone(),
            dtype: result(0)?.dtype,
            dim: attrs.size("dim")?,
        },
        "compare" => Op::Compare(attrs.name("direction", DIRECTIONS, Comparison::from_name)?),
        "select" => Op::Select,
        "convert" => Op::Convert(result(0)?.dtype),
        "broadcast_in_dim" => Op::BroadcastInDim {
            shape: Shape::from(attrs.dims_or("shape", result(0)?.shape.dims())?),
            dims: attrs.sizes("dims")?,
        },
        "reshape" => Op::Reshape(Shape::from(
            attrs.dims_or("shape", result(0)?.shape.dims())?,
        )),
        "transpose" => Op::Transpose(attrs.sizes("permutation")?),
        "slice" => Op::Slice {
            starts: attrs.sizes("starts")?,
            limits: attrs.dims("limits")?,
            strides: attrs.sizes("strides")?,
        },
        "pad" => Op::Pad {
            low: attrs.integers("low")?,
            high: attrs.integers("high")?,
            interior: attrs.sizes("interior")?,
        },
        "concatenate" => Op::Concatenate(attrs.size("dim")?),
        "reverse" => Op::Reverse(attrs.sizes("dims")?),
        "reduce" => Op::Reduce {
            kind: attrs.name("kind", KINDS, Reduction::from_name)?,
            dims: attrs.sizes("dims")?,
        },
        "reduce_window" => Op::ReduceWindow {
            kind: attrs.name("kind", KINDS, Reduction::from_name)?,
            window: attrs.window()?,
        },
        "select_and_scatter" => Op::SelectAndScatter {
            window: attrs.window()?,
        },
        "dot_general" => dot_general(attrs)?,
        "convolution" => convolution(attrs)?,
        "gather" => gather(attrs)?,
        "scatter" => scatter(attrs)?,
        "rng_bit_generator" => Op::RngBitGenerator(Shape::from(
            attrs.dims_or("shape", result(1)?.shape.dims())?,
        )),
        "stop_gradient" => Op::StopGradient,
        "sort" => Op::Sort {
            dim: attrs.size("dim")?,
            descending: attrs.flag("descending")?,
        },
        "cumulative" => Op::Cumulative {
            kind: attrs.name("kind", KINDS, Reduction::from_name)?,
            dim: attrs.size("dim")?,
            reverse: attrs.flag("reverse")?,
        },
        name => match (UnaryOp::from_name(name), BinaryOp::from_name(name)) {
            (Some(op), _) => Op::Unary(op),
            (_, Some(op)) => Op::Binary(op),
            _ => return at.error(format!("expected a primitive, got `{name}`")),
        },
    })
}

fn constant(written: &mut Written, budget: &mut usize) -> Result<Op, ParseError> {
    let at = written.at;
    let Some(elements) = written.elements.take() else {
        return at.error("expected the elements of the constant");
    };
    let [spec] = written.specs.as_slice() else {
        return at.error("expected one result of the constant");
    };
    let Some(dims) = spec.shape.known() else {
        return at.error(format!("expected a constant of known shape, got {spec}"));
    };
    *budget = match spec.bytes().and_then(|bytes| budget.checked_sub(bytes)) {
        Some(left) => left,
        None => {
            return at.error(format!(
                "expected constants of at most {budget} bytes, got {spec}"
            ));
        }
    };
    match literal::parse(&elements, &dims, spec.dtype) {
        Ok(literal) => Ok(Op::Constant(Arc::new(literal))),
        Err(message) => at.error(message),
    }
}

fn scan(written: &mut Written) -> Result<Op, ParseError> {
    let Some(body) = written.body.take() else {
        return written.at.error("expected a body after scan");
    };
    let attrs = &mut written.attrs;
    Ok(Op::Scan(Box::new(Scan {
        body,
        carries: attrs.size("carries")?,
        sequences: attrs.size("sequences")?,
        reverse: attrs.flag("reverse")?,
        length: attrs.dim("length")?,
    })))
}

fn dot_general(attrs: &mut Attrs) -> Result<Op, ParseError> {
    let (lhs_batch, rhs_batch) = attrs.pair_of_sizes("batch")?;
    let (lhs_contracting, rhs_contracting) = attrs.pair_of_sizes("contracting")?;
    Ok(Op::DotGeneral(DotDims {
        lhs_batch,
        rhs_batch,
        lhs_contracting,
        rhs_contracting,
    }))
}

fn convolution(attrs: &mut Attrs) -> Result<Op, ParseError> {
    let at = attrs.at;
    let layouts = attrs.optional("dims", CONV_DIMS, |attr| match attr {
        Attr::Lists(lists) => match lists.as_slice() {
            [lhs, rhs, out] => Some((
                layout(lhs, "b", "f")?,
                layout(rhs, "i", "o")?,
                layout(out, "b", "f")?,
            )),
            _ => None,
        },
        _ => None,
    })?;
    let Some((lhs, rhs, out)) = layouts else {
        return at.error(format!("expected attribute `dims`, {CONV_DIMS}"));
    };
    let window = attrs.window()?;
    Ok(Op::Convolution(Box::new(Conv {
        reversal: attrs.flags_or("reversal", window.size.len())?,
        window,
        lhs,
        rhs,
        out,
        feature_groups: attrs.size_or("feature_groups", 1)?,
        batch_groups: attrs.size_or("batch_groups", 1)?,
    })))
}

/// A layout from what each dimension is.
fn layout(roles: &Attr, batch: &str, feature: &str) -> Option<ConvLayout> {
    let Attr::List(roles) = roles else {
        return None;
    };
    let find = |role: Attr| roles.iter().position(|r| *r == role);
    let spatial = 0..roles.len().checked_sub(2)?;
    Some(ConvLayout {
        batch: find(Attr::Word(batch))?,
        feature: find(Attr::Word(feature))?,
        spatial: spatial
            .map(|i| find(Attr::Number(&i.to_string())))
            .collect::<Option<_>>()?,
    })
}

fn gather(attrs: &mut Attrs) -> Result<Op, ParseError> {
    Ok(Op::Gather(Box::new(GatherDims {
        offset_dims: attrs.sizes("offset_dims")?,
        collapsed_slice_dims: attrs.sizes("collapsed_slice_dims")?,
        start_index_map: attrs.sizes("start_index_map")?,
        index_vector_dim: attrs.size("index_vector_dim")?,
        slice_sizes: attrs.dims("slice_sizes")?,
    })))
}

fn scatter(attrs: &mut Attrs) -> Result<Op, ParseError> {
    let dims = ScatterDims {
        update_window_dims: attrs.sizes("update_window_dims")?,
        inserted_window_dims: attrs.sizes("inserted_window_dims")?,
        scatter_dims_to_operand_dims: attrs.sizes("scatter_dims_to_operand_dims")?,
        index_vector_dim: attrs.size("index_vector_dim")?,
    };
    Ok(Op::Scatter {
        dims: Box::new(dims),
        kind: attrs.name("kind", SCATTER_KINDS, ScatterKind::from_name)?,
    })
}
