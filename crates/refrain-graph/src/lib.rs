//! The tensor program of refrain.
//!
//! A [`Graph`] holds primitives ([`Op`]) in StableHLO's vocabulary. [`infer`] finds shapes (dimensions may be unknown),
//! [`verify`] checks a whole graph, [`text`] prints and parses it, [`grad`] adds reverse-mode gradients, [`passes`]
//! simplify it, and [`interp`] runs it naively: the oracle of every test. [`engine`] is the seam to what compiles and runs it, [`memory`] says
//! whether there is memory for that.
//! Layers, threads and files live above.

mod dtype;
pub mod engine;
mod error;
pub mod grad;
mod graph;
pub mod infer;
pub mod interp;
mod literal;
pub mod memory;
mod op;
pub mod passes;
pub mod philox;
mod shape;
#[doc(hidden)]
pub mod testing;
pub mod text;
pub mod verify;

pub use dtype::DType;
pub use error::GraphError;
pub use graph::{Graph, Node, ParamKind, Scope, Value, ValueDef};
pub use half::{bf16, f16};
pub use literal::{Data, Element, Literal, round_to_odd};
pub use op::{
    BinaryOp, Comparison, Conv, ConvLayout, DotDims, GatherDims, Op, Reduction, Scan, ScatterDims,
    ScatterKind, UnaryOp, Window,
};
pub use shape::{Dim, Shape, Spec};
