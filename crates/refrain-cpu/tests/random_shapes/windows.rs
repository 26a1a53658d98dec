//! Convolutions and pooling, and their gradients.

use super::Maker;
use super::common::models::Made;
use refrain_graph::{Conv, ConvLayout, DType, Op, Reduction, Value, Window};

/// Where batch, features and positions are, by the order in which an operand has them.
fn layout(order: &[usize]) -> ConvLayout {
    let at = |of: usize| order.iter().position(|&o| o == of).unwrap_or(0);
    ConvLayout {
        batch: at(0),
        feature: at(1),
        spatial: (2..order.len()).map(at).collect(),
    }
}

/// Sizes `[batch, feature, positions…]` in the order of a layout.
fn arranged(layout: &ConvLayout, sizes: &[usize]) -> Vec<usize> {
    let mut dims = vec![0; sizes.len()];
    dims[layout.batch] = sizes[0];
    dims[layout.feature] = sizes[1];
    let positions = layout.spatial.iter().zip(&sizes[2..]);
    positions.for_each(|(&at, &size)| dims[at] = size);
    dims
}

/// A window over positions of these sizes that fits at least once.
fn window(maker: &mut Maker, positions: &[usize], plain: bool) -> Window {
    let mut w = Window {
        size: vec![],
        strides: vec![],
        padding: vec![],
        base_dilation: vec![],
        dilation: vec![],
    };
    for &size in positions {
        let base = if plain || !maker.once_in(4) { 1 } else { 2 };
        let spread = (size - 1) * base + 1;
        let padding = (maker.below(3), maker.below(3));
        let dilation = if maker.once_in(3) { 2 } else { 1 };
        let most = (spread + padding.0 + padding.1 - 1) / dilation + 1;
        w.size.push(1 + maker.below(most.min(5)));
        w.strides.push(1 + maker.below(3));
        w.padding.push((padding.0 as i64, padding.1 as i64));
        w.base_dilation.push(base);
        w.dilation.push(dilation);
    }
    w
}

/// A convolution's sizes.
struct Sizes {
    batch: usize,
    features: usize,
    filters: usize,
    groups: usize,
    positions: Vec<usize>,
}

/// A convolution of two operands, and where its features are.
fn convolved(
    maker: &mut Maker,
    sizes: &Sizes,
    window: Window,
    orders: [Vec<usize>; 3],
) -> Made<([Value; 3], usize)> {
    let [lhs, rhs, out] = orders.map(|order| layout(&order));
    let whole = [&[sizes.batch, sizes.features], &sizes.positions[..]].concat();
    let of_group = [sizes.features / sizes.groups, sizes.filters];
    let kernel = [&of_group[..], &window.size[..]].concat();
    let x = maker.operand(&arranged(&lhs, &whole))?;
    let w = maker.operand(&arranged(&rhs, &kernel))?;
    let feature = out.feature;
    let conv = Conv {
        reversal: window.size.iter().map(|_| maker.once_in(8)).collect(),
        window,
        lhs,
        rhs,
        out,
        feature_groups: sizes.groups,
        batch_groups: 1,
    };
    let y = maker.b.g.push(Op::Convolution(Box::new(conv)), &[x, w])?;
    Ok(([x, w, y], feature))
}

/// A convolution with its bias or without, and its gradients.
fn convolve(maker: &mut Maker, sizes: &Sizes, window: Window, orders: [Vec<usize>; 3]) -> Made<()> {
    let ([x, w, y], feature) = convolved(maker, sizes, window, orders)?;
    let finished = maker.finished(y, Some(feature))?;
    maker.b.g.result(finished);
    maker.with_gradients(y, &[x, w])
}

/// Channels last, and kernels as Keras has them.
fn usual(rank: usize) -> [Vec<usize>; 3] {
    let positions: Vec<usize> = (2..rank + 2).collect();
    let images = [&[0][..], &positions, &[1]].concat();
    [images.clone(), [&positions[..], &[0, 1]].concat(), images]
}

/// Any rank, layout, stride, dilation and number of groups.
fn any(maker: &mut Maker) -> (Sizes, Window, [Vec<usize>; 3]) {
    let rank = 1 + maker.below(3);
    let groups = maker.pick(&[1, 1, 2, 3]);
    let most = [33, 13, 5][rank - 1];
    let sizes = Sizes {
        batch: 1 + maker.below(3),
        features: groups * maker.pick(&[1, 2, 3, 8]),
        filters: groups * maker.pick(&[1, 2, 5, 17]),
        groups,
        positions: (0..rank).map(|_| 1 + maker.below(most)).collect(),
    };
    let window = window(maker, &sizes.positions, false);
    let orders = match maker.below(3) {
        0 => [0; 3].map(|_| maker.shuffled(rank + 2)),
        _ => usual(rank),
    };
    (sizes, window, orders)
}

pub fn convolution(maker: &mut Maker) -> Made<()> {
    let (sizes, window, orders) = any(maker);
    convolve(maker, &sizes, window, orders)
}

/// Convolutions of whole numbers, which wrap.
pub fn integers(maker: &mut Maker) -> Made<()> {
    maker.dtype = maker.pick(&[DType::I32, DType::I64, DType::U32, DType::U8]);
    let (sizes, window, orders) = any(maker);
    let ([.., y], _) = convolved(maker, &sizes, window, orders)?;
    maker.b.g.result(y);
    Ok(())
}

/// Images with as many channels as Winograd convolutions and the direct kernels take, and one more or less.
pub fn channels(maker: &mut Maker) -> Made<()> {
    let k = maker.pick(&[1, 3, 3, 3, 3]);
    let stride = maker.pick(&[1, 1, 1, 2]);
    let pad = maker.below(k) as i64;
    let sizes = Sizes {
        batch: 1 + maker.below(3),
        features: maker.pick(&[16, 16, 32, 17]),
        filters: maker.pick(&[16, 16, 32, 33]),
        groups: 1,
        positions: (0..2).map(|_| 4 + maker.below(14)).collect(),
    };
    let window = Window {
        size: vec![k; 2],
        strides: vec![stride; 2],
        padding: vec![(pad, pad); 2],
        base_dilation: vec![1; 2],
        dilation: vec![1; 2],
    };
    convolve(maker, &sizes, window, usual(2))
}

/// One filter or two for each channel.
pub fn depthwise(maker: &mut Maker) -> Made<()> {
    let groups = maker.size(65);
    let sizes = Sizes {
        batch: 1 + maker.below(2),
        features: groups,
        filters: groups * maker.pick(&[1, 1, 1, 2]),
        groups,
        positions: (0..2).map(|_| 1 + maker.below(13)).collect(),
    };
    let window = window(maker, &sizes.positions, true);
    convolve(maker, &sizes, window, usual(2))
}

/// Windows over any dimensions; gradients where there are kernels for them.
pub fn pooling(maker: &mut Maker) -> Made<()> {
    let rank = 1 + maker.below(4);
    let dims = maker.dims(rank, 4000);
    let x = maker.operand(&dims)?;
    let mut window = window(maker, &dims, true);
    for at in maker.some_of(rank) {
        (window.size[at], window.strides[at], window.dilation[at]) = (1, 1, 1);
        window.padding[at] = (0, 0);
    }
    let mut kind = maker.pick(&[Reduction::Sum, Reduction::Max, Reduction::Min]);
    if kind == Reduction::Max && window.dilation.contains(&2) {
        // The largest of dilated windows has no gradient here.
        kind = Reduction::Min;
    }
    let y = maker.b.g.push(Op::ReduceWindow { kind, window }, &[x])?;
    match kind {
        Reduction::Sum | Reduction::Max => finite(maker, y, x),
        _ => {
            maker.b.g.result(y);
            Ok(())
        }
    }
}

/// Gradients of a pooling whose windows may lie in the padding alone, where the largest element is minus infinity.
fn finite(maker: &mut Maker, y: Value, x: Value) -> Made<()> {
    let bound = maker.b.number(-1e3, y)?;
    let y = maker.b.binary(refrain_graph::BinaryOp::Maximum, y, bound)?;
    assert_eq!(maker.b.g.spec(y).dtype, DType::F32);
    maker.with_gradients(y, &[x])
}
