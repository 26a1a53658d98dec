//! Convolutions over three and more dimensions as ones over two, for which there are the fast kernels.
//!
//! Positions along one dimension become images, and the kernel's taps along it channels: the image has its planes side by side in
//! front of each tap. That copies the image once for each tap of that dimension, which is little beside the products.

use refrain_graph::passes::Rewriter;
use refrain_graph::{Conv, ConvLayout, DType, Graph, GraphError, Literal, Node, Op, Shape, Value};

use crate::CompileError;
use crate::sources::dims_of;

/// Most taps of the dimension that is taken away: each is a copy of its own.
const MAX_TAPS: usize = 64;

/// The graph with all such convolutions flattened, if there are any.
pub fn flatten(graph: &Graph) -> Result<Option<Graph>, CompileError> {
    let mut flat: Option<Graph> = None;
    loop {
        let graph = flat.as_ref().unwrap_or(graph);
        if !graph.nodes().any(|node| deep(graph, node).is_some()) {
            return Ok(flat);
        }
        let mut rewriter = Rewriter::new(graph);
        for node in graph.nodes() {
            match deep(graph, node) {
                Some(fold) => fold.run(&mut rewriter, node)?,
                None => rewriter.copy(node)?,
            }
        }
        flat = Some(rewriter.finish()?);
    }
}

/// A convolution and the spatial dimension that is taken away.
struct Fold<'a> {
    conv: &'a Conv,
    at: usize,
    /// Whether batch and features lie as in an image whose channels are the batch: the gradient of a kernel.
    exchanged: bool,
    /// Positions along the dimension.
    positions: usize,
}

fn deep(graph: &Graph, node: Node) -> Option<Fold<'_>> {
    let Op::Convolution(conv) = graph.op(node) else {
        return None;
    };
    let output = graph.outputs(node)[0];
    let values = graph.inputs(node).iter().chain([&output]);
    let empty = values.into_iter().any(|&v| dims_of(graph, v).contains(&0));
    let sizes = &conv.window.size;
    let at = (0..sizes.len()).min_by_key(|&d| sizes[d])?;
    let fits = sizes.len() > 2 && sizes[at] <= MAX_TAPS && conv.batch_groups == 1;
    let floats = graph.spec(output).dtype == DType::F32;
    (fits && floats && !empty).then(|| Fold {
        conv,
        at,
        exchanged: conv.feature_groups == 1 && conv.lhs.feature < conv.lhs.batch,
        positions: dims_of(graph, output)[conv.out.spatial[at]],
    })
}

/// All entries but one.
fn without<T: Clone>(of: &[T], at: usize) -> Vec<T> {
    let (before, after) = of.split_at(at);
    [before, &after[1..]].concat()
}

/// Dimensions `first..first + count`.
fn run_of(first: usize, count: usize) -> Vec<usize> {
    (first..first + count).collect()
}

impl Fold<'_> {
    fn run(&self, rewriter: &mut Rewriter<'_>, node: Node) -> Result<(), GraphError> {
        rewriter.label_as(node);
        let old = rewriter.old();
        let inputs = rewriter.values(old.inputs(node))?;
        let image = self.image(rewriter, inputs[0])?;
        let kernel = self.kernel(rewriter, inputs[1])?;
        let y = rewriter.push(Op::Convolution(Box::new(self.flat())), &[image, kernel])?;
        let output = old.outputs(node)[0];
        let y = self.unfolded(rewriter, y, &dims_of(old, output))?;
        rewriter.bind(output, y);
        Ok(())
    }

    /// Spatial dimensions that stay.
    fn rest(&self) -> usize {
        self.conv.window.size.len() - 1
    }

    /// The batch, this dimension, the other ones, the features of a layout.
    fn order(&self, layout: &ConvLayout) -> Vec<usize> {
        let ends = [layout.batch, layout.spatial[self.at]];
        let rest = without(&layout.spatial, self.at);
        [&ends[..], &rest, &[layout.feature]].concat()
    }

    /// The planes that each tap reads, padded and dilated along the dimension, side by side as channels.
    fn image(&self, rewriter: &mut Rewriter<'_>, x: Value) -> Result<Value, GraphError> {
        let x = rewriter.push(Op::Transpose(self.order(&self.conv.lhs)), &[x])?;
        let x = self.padded(rewriter, x)?;
        let dims = dims_of(rewriter.new_graph(), x);
        let taps = 0..self.conv.window.size[self.at];
        let planes = taps.map(|tap| self.planes(rewriter, x, &dims, tap));
        let planes = planes.collect::<Result<Vec<_>, _>>()?;
        let (rest, features) = (&dims[2..dims.len() - 1], dims[dims.len() - 1]);
        let (images, depth) = (dims[0] * self.positions, features * planes.len());
        let (along, to) = match self.exchanged {
            true => (1, [&[depth], rest, &[images]].concat()),
            false => (rest.len() + 3, [&[images], rest, &[depth]].concat()),
        };
        let all = rewriter.push(Op::Concatenate(along), &planes)?;
        rewriter.push(Op::Reshape(Shape::from(to)), &[all])
    }

    /// What one tap reads at all positions, with a dimension of size 1 for the tap: before the last channels of a group, or behind
    /// the features.
    fn planes(
        &self,
        rewriter: &mut Rewriter<'_>,
        x: Value,
        dims: &[usize],
        tap: usize,
    ) -> Result<Value, GraphError> {
        let (window, groups) = (&self.conv.window, self.conv.feature_groups);
        let mut starts = vec![0; dims.len()];
        let mut limits: Vec<_> = dims.iter().map(|&d| Some(d)).collect();
        let mut strides = vec![1; dims.len()];
        starts[1] = tap * window.dilation[self.at];
        strides[1] = window.strides[self.at];
        limits[1] = Some(starts[1] + (self.positions - 1) * strides[1] + 1);
        let slice = Op::Slice {
            starts,
            limits,
            strides,
        };
        let planes = rewriter.push(slice, &[x])?;
        let (batch, rest, features) = (dims[0], &dims[2..dims.len() - 1], dims[dims.len() - 1]);
        let (planes, to) = match self.exchanged {
            true => {
                let order = [&[dims.len() - 1], &run_of(2, rest.len())[..], &[1, 0]].concat();
                let to = [&[features, 1], rest, &[self.positions, batch]].concat();
                (rewriter.push(Op::Transpose(order), &[planes])?, to)
            }
            false => {
                let ends = [groups, 1, features / groups];
                (planes, [&[batch, self.positions], rest, &ends].concat())
            }
        };
        rewriter.push(Op::Reshape(Shape::from(to)), &[planes])
    }

    fn padded(&self, rewriter: &mut Rewriter<'_>, x: Value) -> Result<Value, GraphError> {
        let (window, rank) = (&self.conv.window, self.rest() + 3);
        let ((before, after), gaps) = (window.padding[self.at], window.base_dilation[self.at] - 1);
        if (before, after, gaps) == (0, 0, 0) {
            return Ok(x);
        }
        let (mut low, mut high, mut interior) = (vec![0; rank], vec![0; rank], vec![0; rank]);
        (low[1], high[1], interior[1]) = (before, after, gaps);
        let zero = Literal::zeros([], DType::F32).into();
        let zero = rewriter.push(Op::Constant(zero), &[])?;
        let pad = Op::Pad {
            low,
            high,
            interior,
        };
        rewriter.push(pad, &[x, zero])
    }

    /// The kernel with the dimension's taps as input features.
    fn kernel(&self, rewriter: &mut Rewriter<'_>, w: Value) -> Result<Value, GraphError> {
        let layout = &self.conv.rhs;
        let along = layout.spatial[self.at];
        let w = match self.conv.reversal[self.at] {
            true => rewriter.push(Op::Reverse(vec![along]), &[w])?,
            false => w,
        };
        let rest = without(&layout.spatial, self.at);
        let order = match self.exchanged {
            true => [&[layout.batch, along], &rest[..], &[layout.feature]].concat(),
            false => [&rest[..], &[along, layout.batch, layout.feature]].concat(),
        };
        let w = rewriter.push(Op::Transpose(order), &[w])?;
        let mut dims = dims_of(rewriter.new_graph(), w);
        let first = if self.exchanged { 0 } else { rest.len() };
        let joined = dims.remove(first);
        dims[first] *= joined;
        rewriter.push(Op::Reshape(Shape::from(dims)), &[w])
    }

    /// The convolution without the dimension.
    fn flat(&self) -> Conv {
        let (c, rest, mut window) = (self.conv, self.rest(), self.conv.window.clone());
        window.size.remove(self.at);
        window.strides.remove(self.at);
        window.padding.remove(self.at);
        window.base_dilation.remove(self.at);
        window.dilation.remove(self.at);
        let layout = |batch, feature, first| ConvLayout {
            batch,
            feature,
            spatial: run_of(first, rest),
        };
        let (images, kernels) = (layout(0, rest + 1, 1), layout(rest, rest + 1, 0));
        let [lhs, rhs, out] = match self.exchanged {
            true => [layout(rest + 1, 0, 1), images, kernels],
            false => [images.clone(), kernels, images],
        };
        Conv {
            window,
            reversal: without(&c.reversal, self.at),
            lhs,
            rhs,
            out,
            feature_groups: c.feature_groups,
            batch_groups: 1,
        }
    }

    /// The result with the dimension where it belongs.
    fn unfolded(
        &self,
        rewriter: &mut Rewriter<'_>,
        y: Value,
        dims: &[usize],
    ) -> Result<Value, GraphError> {
        let out = self.order(&self.conv.out);
        // The result's dimensions in the order in which the flat convolution has them.
        let have = match self.exchanged {
            true => {
                let rest = &out[2..out.len() - 1];
                [rest, &[out[1], out[0], out[out.len() - 1]]].concat()
            }
            false => out,
        };
        let split: Vec<usize> = have.iter().map(|&d| dims[d]).collect();
        let y = rewriter.push(Op::Reshape(Shape::from(split)), &[y])?;
        let mut order = vec![0; have.len()];
        have.iter().enumerate().for_each(|(i, &d)| order[d] = i);
        rewriter.push(Op::Transpose(order), &[y])
    }
}
