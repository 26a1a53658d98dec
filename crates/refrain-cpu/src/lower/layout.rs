//! Padding and concatenation: copies into a part of the result, or none where the parts are computed in place.

use refrain_graph::{DType, Literal, Node, Value};

use super::{Lowerer, Lowering};
use crate::buffer::{Buf, BufferRange, BufferView, Storage};
use crate::kernels::nest::Extent;
use crate::sources::dims_of;
use crate::step::Step;
use crate::tape::{Geometry, Input, Output, Tape};
use crate::view::{View, collapse, dense_strides};

impl Lowerer<'_> {
    pub(super) fn pad(&mut self, node: Node, low: &[i64], interior: &[usize]) -> Lowering {
        let (operand, value) = (self.graph.inputs(node)[0], self.graph.inputs(node)[1]);
        let output = self.graph.outputs(node)[0];
        let (dims, spec) = (dims_of(self.graph, output), self.graph.spec(output).clone());
        let out = self.buf(output);
        let filler = self.operand(value);
        self.fill(filler, out, &dims, spec.dtype);
        let mut src = self.operand(operand);
        let mut dst = View {
            offset: 0,
            dims: src.view.dims.clone(),
            strides: dense_strides(&dims),
        };
        for d in 0..dims.len() {
            let step = interior[d] as i64 + 1;
            // Element i goes to low + i * step; those outside of 0..dims[d] are cut off.
            let first = if low[d] < 0 {
                (-low[d] + step - 1) / step
            } else {
                0
            };
            let end = (dims[d] as i64 - low[d] + step - 1).div_euclid(step);
            let count = (end.min(src.view.dims[d] as i64) - first).max(0) as usize;
            if count == 0 {
                return Ok(());
            }
            src.view.offset = src
                .view
                .offset
                .wrapping_add_signed(first as isize * src.view.strides[d]);
            src.view.dims[d] = count;
            dst.dims[d] = count;
            dst.offset += (low[d] + first * step) as usize * dst.strides[d] as usize;
            dst.strides[d] *= step as isize;
        }
        self.copy(src, out, dst, spec.dtype.size());
        Ok(())
    }

    /// Makes a value that is one number everywhere.
    pub(super) fn fill_with(&mut self, number: f64, value: Value) -> Lowering {
        let (spec, out) = (self.graph.spec(value).clone(), self.buf(value));
        let one = Literal::new([1], vec![number]).map(|one| one.convert(spec.dtype));
        let one = one.unwrap_or_else(|| Literal::zeros([1], spec.dtype));
        let scalar = BufferView {
            buf: self.constant(&one),
            view: View::dense(&[]),
        };
        self.fill(scalar, out, &dims_of(self.graph, value), spec.dtype);
        Ok(())
    }

    /// Fills a buffer with a scalar.
    fn fill(&mut self, scalar: BufferView, out: Buf, dims: &[usize], dtype: DType) {
        let BufferView { buf, view } = scalar;
        let mut tape = Tape {
            dims: dims.to_vec(),
            ..Tape::default()
        };
        let view = view.broadcast(dims, &[]);
        let reg = tape.input(Input {
            buf,
            view,
            of_rows: false,
            dtype,
        });
        tape.outputs.push(Output {
            reg,
            buf: out,
            extent: Extent::Full,
            view: None,
        });
        let geometry = Geometry::of(&tape);
        self.push(
            Step::Loops(vec![(tape, geometry)]),
            format!("fill {dims:?}"),
        );
    }

    /// How a value's elements lie in its root's buffer.
    pub(super) fn view(&self, value: Value) -> View {
        self.sources.get(value).view
    }

    /// A value's elements side by side as `view` has them. Copies if they do not lie so.
    pub(super) fn arranged(&mut self, value: Value, view: View) -> BufferRange {
        let (buf, dtype) = (self.operand(value).buf, self.graph.spec(value).dtype);
        let bytes = view.numel() * dtype.size();
        if view.is_contiguous() {
            let offset = view.offset * dtype.size();
            return BufferRange { buf, offset, bytes };
        }
        let copy = self.scratch(dtype, bytes);
        let dense = View::dense(&view.dims);
        self.copy(BufferView { buf, view }, copy, dense, dtype.size());
        self.whole(copy)
    }

    pub(super) fn concatenate(&mut self, node: Node, dim: usize) -> Lowering {
        let output = self.graph.outputs(node)[0];
        let (dims, size) = (
            dims_of(self.graph, output),
            self.graph.spec(output).dtype.size(),
        );
        let strides = dense_strides(&dims);
        let contiguous = dims[..dim].iter().all(|&d| d == 1);
        let out = self.buf(output);
        let inputs = self.graph.inputs(node).to_vec();
        let roots: Vec<_> = inputs.iter().map(|&v| self.sources.get(v).root).collect();
        let mut at = 0;
        for (i, &input) in inputs.iter().enumerate() {
            let src = self.operand(input);
            // A value that comes twice is copied once: the copy's source and target would be one buffer.
            let once = roots.iter().filter(|&&r| r == roots[i]).count() == 1;
            let part = dims_of(self.graph, input);
            let offset = at * strides[dim] as usize;
            at += part[dim];
            if contiguous && once && self.move_into(&src, out, offset * size) {
                continue;
            }
            let view = View {
                offset,
                dims: part,
                strides: strides.clone(),
            };
            let only_here = !self.leaves(roots[i], &[node]);
            if once && only_here && self.compute_into(&src, out, &view) {
                continue;
            }
            self.copy(src, out, view, size);
        }
        Ok(())
    }

    /// Lets the loop nest that makes a value write it into a part of another buffer instead of its own.
    fn compute_into(&mut self, src: &BufferView, out: Buf, view: &View) -> bool {
        let info = &self.out.buffers[src.buf];
        let whole = src.view.is_identity() && src.view.numel() * info.dtype.size() == info.bytes;
        if !self.options.fuse || !whole || info.storage != Storage::Arena {
            return false;
        }
        let Some(maker) = self.only_maker(src.buf) else {
            return false;
        };
        for tape in self.out.steps[maker].0.tapes_mut() {
            let dims = tape.dims.clone();
            let Some(output) = tape.outputs.iter_mut().find(|o| o.buf == src.buf) else {
                continue;
            };
            let Some(view) = view.reshape(&dims) else {
                return false;
            };
            let (_, strides) = collapse(&view.dims, &view.strides);
            let rows = strides.len() <= 2 && strides.last() == Some(&1);
            if !rows || output.extent != Extent::Full || output.view.is_some() {
                return false;
            }
            output.buf = out;
            output.view = Some(view);
            return true;
        }
        false
    }

    /// Lets a buffer be computed inside another one, if it is nowhere yet.
    fn move_into(&mut self, src: &BufferView, out: Buf, byte: usize) -> bool {
        let info = &self.out.buffers[src.buf];
        let whole = src.view.is_identity() && src.view.numel() * info.dtype.size() == info.bytes;
        // Buffers begin at cache lines: kernels expect it for speed only, but partial elements never.
        if !self.options.fuse || !whole || info.storage != Storage::Arena || src.buf == out {
            return false;
        }
        self.out.buffers[src.buf].storage = Storage::Within(out, byte);
        true
    }
}
