//! Primitives with any attributes whatever, for properties that hold of all.

use std::sync::Arc;

use half::{bf16, f16};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::infer;
use crate::{
    BinaryOp, Comparison, Conv, ConvLayout, DType, Data, Dim, DotDims, Element, GatherDims, Graph,
    Literal, Op, Reduction, Scan, ScatterDims, ScatterKind, Shape, Spec, UnaryOp, Window,
};

/// Longest list of attributes, highest rank.
const LONGEST: usize = 4;

fn size() -> impl Strategy<Value = usize> + Clone {
    let huge = select(vec![
        1 << 32,
        isize::MAX as usize,
        usize::MAX - 1,
        usize::MAX,
    ]);
    prop_oneof![15 => 0..6usize, 1 => huge]
}

fn offset() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![15 => -3..4i64, 1 => select(vec![i64::MIN, i64::MAX])]
}

fn sizes() -> impl Strategy<Value = Vec<usize>> + Clone {
    vec(size(), 0..=LONGEST)
}

fn dim() -> impl Strategy<Value = Dim> + Clone {
    proptest::option::weighted(0.8, size())
}

fn shape() -> impl Strategy<Value = Shape> + Clone {
    vec(dim(), 0..=LONGEST).prop_map(Shape::from)
}

fn dtype() -> impl Strategy<Value = DType> + Clone {
    select(DType::ALL.to_vec())
}

pub(crate) fn spec() -> impl Strategy<Value = Spec> + Clone {
    (shape(), dtype()).prop_map(|(shape, dtype)| Spec::new(shape, dtype))
}

fn kind() -> impl Strategy<Value = Reduction> + Clone {
    select(Reduction::ALL)
}

fn window() -> impl Strategy<Value = Window> + Clone {
    let padding = vec((offset(), offset()), 0..=LONGEST);
    (sizes(), sizes(), padding, sizes(), sizes()).prop_map(
        |(size, strides, padding, base_dilation, dilation)| Window {
            size,
            strides,
            padding,
            base_dilation,
            dilation,
        },
    )
}

/// Any numbers in the places of dimensions.
fn any_layout() -> BoxedStrategy<ConvLayout> {
    (size(), size(), sizes())
        .prop_map(|(batch, feature, spatial)| ConvLayout {
            batch,
            feature,
            spatial,
        })
        .boxed()
}

/// Each dimension once, as all layouts that can be written.
pub(crate) fn sound_layout() -> BoxedStrategy<ConvLayout> {
    let dims = (2..=LONGEST + 2).prop_map(|rank| (0..rank).collect::<Vec<_>>());
    dims.prop_shuffle()
        .prop_map(|dims| ConvLayout {
            batch: dims[0],
            feature: dims[1],
            spatial: dims[2..].to_vec(),
        })
        .boxed()
}

fn conv(layout: BoxedStrategy<ConvLayout>) -> impl Strategy<Value = Conv> {
    let layouts = (layout.clone(), layout.clone(), layout);
    let reversal = vec(any::<bool>(), 0..=LONGEST);
    (window(), reversal, layouts, size(), size()).prop_map(
        |(window, reversal, (lhs, rhs, out), feature_groups, batch_groups)| Conv {
            window,
            reversal,
            lhs,
            rhs,
            out,
            feature_groups,
            batch_groups,
        },
    )
}

fn gather() -> impl Strategy<Value = GatherDims> {
    let slice_sizes = vec(dim(), 0..=LONGEST);
    (sizes(), sizes(), sizes(), size(), slice_sizes).prop_map(
        |(offset_dims, collapsed_slice_dims, start_index_map, index_vector_dim, slice_sizes)| {
            GatherDims {
                offset_dims,
                collapsed_slice_dims,
                start_index_map,
                index_vector_dim,
                slice_sizes,
            }
        },
    )
}

fn scatter() -> impl Strategy<Value = ScatterDims> {
    (sizes(), sizes(), sizes(), size()).prop_map(|(window, inserted, map, index_vector_dim)| {
        ScatterDims {
            update_window_dims: window,
            inserted_window_dims: inserted,
            scatter_dims_to_operand_dims: map,
            index_vector_dim,
        }
    })
}

fn dot() -> impl Strategy<Value = DotDims> {
    (sizes(), sizes(), sizes(), sizes()).prop_map(|(lb, rb, lc, rc)| DotDims {
        lhs_batch: lb,
        rhs_batch: rb,
        lhs_contracting: lc,
        rhs_contracting: rc,
    })
}

fn elements<T: Element + Default>(
    one: impl Strategy<Value = T> + 'static,
    count: usize,
) -> BoxedStrategy<Data> {
    let filled = one.boxed();
    let all = filled
        .clone()
        .prop_map(move |x| T::wrap(std::vec![x; count]));
    prop_oneof![all, vec(filled, count).prop_map(T::wrap)].boxed()
}

fn literal() -> impl Strategy<Value = Literal> {
    let dims = vec(0..8usize, 0..3);
    (dims, dtype()).prop_flat_map(|(dims, dtype)| {
        let n = dims.iter().product();
        let data = match dtype {
            DType::F32 => elements(any::<u32>().prop_map(f32::from_bits), n),
            DType::F64 => elements(any::<u64>().prop_map(f64::from_bits), n),
            DType::F16 => elements(any::<u16>().prop_map(f16::from_bits), n),
            DType::BF16 => elements(any::<u16>().prop_map(bf16::from_bits), n),
            DType::I32 => elements(any::<i32>(), n),
            DType::I64 => elements(any::<i64>(), n),
            DType::U8 => elements(any::<u8>(), n),
            DType::U32 => elements(any::<u32>(), n),
            DType::Bool => elements(any::<bool>(), n),
        };
        data.prop_map(move |data| Literal::from_data(dims.clone(), data).unwrap())
    })
}

/// Any primitive; scans have bodies from `bodies`, convolutions layouts from `layouts`.
pub(crate) fn op(
    bodies: BoxedStrategy<Graph>,
    layouts: BoxedStrategy<ConvLayout>,
) -> impl Strategy<Value = Op> {
    let simple = prop_oneof![
        literal().prop_map(|l| Op::Constant(Arc::new(l))),
        select(UnaryOp::ALL).prop_map(Op::Unary),
        select(BinaryOp::ALL).prop_map(Op::Binary),
        select(Comparison::ALL).prop_map(Op::Compare),
        Just(Op::Select),
        Just(Op::StopGradient),
        dtype().prop_map(Op::Convert),
        (shape(), dtype(), size()).prop_map(|(shape, dtype, dim)| Op::Iota { shape, dtype, dim }),
        shape().prop_map(Op::RngBitGenerator),
    ];
    let moving = prop_oneof![
        (shape(), sizes()).prop_map(|(shape, dims)| Op::BroadcastInDim { shape, dims }),
        shape().prop_map(Op::Reshape),
        sizes().prop_map(Op::Transpose),
        (sizes(), shape(), sizes()).prop_map(|(starts, limits, strides)| Op::Slice {
            starts,
            limits: limits.dims().to_vec(),
            strides,
        }),
        (
            vec(offset(), 0..=LONGEST),
            vec(offset(), 0..=LONGEST),
            sizes()
        )
            .prop_map(|(low, high, interior)| Op::Pad {
                low,
                high,
                interior,
            }),
        size().prop_map(Op::Concatenate),
        sizes().prop_map(Op::Reverse),
    ];
    let reducing = prop_oneof![
        (kind(), sizes()).prop_map(|(kind, dims)| Op::Reduce { kind, dims }),
        (kind(), window()).prop_map(|(kind, window)| Op::ReduceWindow { kind, window }),
        window().prop_map(|window| Op::SelectAndScatter { window }),
        (size(), any::<bool>()).prop_map(|(dim, descending)| Op::Sort { dim, descending }),
        (kind(), size(), any::<bool>()).prop_map(|(kind, dim, reverse)| Op::Cumulative {
            kind,
            dim,
            reverse,
        }),
        dot().prop_map(Op::DotGeneral),
        conv(layouts).prop_map(|conv| Op::Convolution(Box::new(conv))),
        gather().prop_map(|dims| Op::Gather(Box::new(dims))),
        (scatter(), select(ScatterKind::ALL)).prop_map(|(dims, kind)| Op::Scatter {
            dims: Box::new(dims),
            kind,
        }),
    ];
    let scans = (bodies, size(), size(), any::<bool>(), dim()).prop_map(
        |(body, carries, sequences, reverse, length)| {
            Op::Scan(Box::new(Scan {
                body,
                carries,
                sequences,
                reverse,
                length,
            }))
        },
    );
    prop_oneof![3 => simple, 3 => moving, 3 => reducing, 1 => scans]
}

/// Bodies of parameters only, some of them results.
fn small_body() -> BoxedStrategy<Graph> {
    vec((spec(), any::<bool>()), 0..3)
        .prop_map(|params| {
            let mut body = Graph::new();
            for (i, (spec, returned)) in params.into_iter().enumerate() {
                let value = body.input(i.to_string(), spec);
                if returned {
                    body.result(value);
                }
            }
            body
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_attributes_get_an_answer(
        op in op(small_body(), prop_oneof![any_layout(), sound_layout()].boxed()),
        inputs in vec(spec(), 0..=3),
    ) {
        let inputs: Vec<&Spec> = inputs.iter().collect();
        match infer(&op, &inputs) {
            Ok(specs) => {
                prop_assert!(!specs.is_empty());
                for spec in specs {
                    prop_assert!(!spec.shape.is_known() || spec.bytes().is_some());
                }
            }
            Err(error) => {
                prop_assert_eq!(error.op, Some(op.name()));
                prop_assert!(error.message.contains("expected"), "{}", error);
            }
        }
    }
}

#[test]
fn a_body_has_no_updates() {
    let mut body = Graph::new();
    let carry = body.input("carry", Spec::scalar(DType::F32));
    body.result(carry);
    body.update(carry, carry);
    let scan = Op::Scan(Box::new(Scan {
        body,
        carries: 1,
        sequences: 0,
        reverse: false,
        length: Some(3),
    }));
    let error = infer(&scan, &[&Spec::scalar(DType::F32)]).unwrap_err();
    assert_eq!(error.message, "expected a body without updates, got 1");
}
