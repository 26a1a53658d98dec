//! Every primitive has a kernel for every type that it is defined for, with and without elements.

mod common;

use common::{assert_close, check, oracle, run};
use refrain_cpu::CompileOptions;
use refrain_graph::{
    BinaryOp, Comparison, Conv, ConvLayout, DType, DotDims, GatherDims, Graph, Literal, Op,
    Reduction, Scan, ScatterDims, ScatterKind, Shape, Spec, UnaryOp, Window,
};

const TYPES: [DType; 9] = [
    DType::F32,
    DType::F64,
    DType::F16,
    DType::BF16,
    DType::I32,
    DType::I64,
    DType::U32,
    DType::U8,
    DType::Bool,
];

/// Errors of functions in 16 bits, near 1; `f64` and whole numbers are compared more closely elsewhere.
const TOLERANCE: f64 = 1e-2;

/// Compares a primitive of such operands with the interpreter, if it is defined for them.
fn compare(op: &Op, operands: &[Spec]) -> bool {
    let mut g = Graph::new();
    let named = operands.iter().enumerate();
    let operands: Vec<_> = named
        .map(|(i, spec)| g.input(format!("x{i}"), spec.clone()))
        .collect();
    let Ok(node) = g.push_multi(op.clone(), &operands) else {
        return false;
    };
    for value in g.outputs(node).to_vec() {
        g.result(value);
    }
    check(&g, 1, TOLERANCE);
    true
}

fn spec(dims: &[usize], dtype: DType) -> Spec {
    Spec::new(Shape::from(dims), dtype)
}

/// Compares with operands of each type, and says for how many types the primitive is defined.
fn each_type(op: Op, shapes: &[&[usize]]) -> usize {
    let defined = TYPES.iter().filter(|&&dtype| {
        let operands: Vec<Spec> = shapes.iter().map(|dims| spec(dims, dtype)).collect();
        compare(&op, &operands)
    });
    defined.count()
}

#[test]
fn elementwise_primitives() {
    for dims in [&[5, 3][..], &[0, 3]] {
        for &op in UnaryOp::ALL {
            assert!(each_type(Op::Unary(op), &[dims]) >= 4, "{}", op.name());
        }
        for &op in BinaryOp::ALL {
            assert!(each_type(Op::Binary(op), &[dims; 2]) >= 4, "{}", op.name());
        }
        for &op in Comparison::ALL {
            assert_eq!(each_type(Op::Compare(op), &[dims; 2]), TYPES.len());
        }
        for dtype in TYPES {
            assert_eq!(each_type(Op::Convert(dtype), &[dims]), TYPES.len());
            let chosen = [
                spec(dims, DType::Bool),
                spec(dims, dtype),
                spec(dims, dtype),
            ];
            assert!(compare(&Op::Select, &chosen));
        }
    }
}

#[test]
fn reductions_and_lines() {
    for dims in [&[5, 3][..], &[0, 3], &[3, 0]] {
        for &kind in Reduction::ALL {
            for along in [vec![], vec![0], vec![1], vec![0, 1]] {
                assert!(each_type(Op::Reduce { kind, dims: along }, &[dims]) >= 1);
            }
            let (dim, reverse) = (0, true);
            let defined = each_type(Op::Cumulative { kind, dim, reverse }, &[dims]);
            let logical = matches!(kind, Reduction::And | Reduction::Or);
            assert_eq!(defined, if logical { 0 } else { TYPES.len() - 1 });
        }
        for dim in [0, 1] {
            let descending = dim == 0;
            assert_eq!(
                each_type(Op::Sort { dim, descending }, &[dims]),
                TYPES.len()
            );
        }
    }
}

fn window(rank: usize, padding: i64) -> Window {
    Window {
        size: vec![2; rank],
        strides: vec![1; rank],
        padding: vec![(padding, padding); rank],
        base_dilation: vec![1; rank],
        dilation: vec![1; rank],
    }
}

#[test]
fn windows() {
    for dims in [&[5, 3][..], &[0, 3]] {
        let (window, grid) = (window(2, 1), dims.iter().map(|d| d + 1).collect::<Vec<_>>());
        for kind in [
            Reduction::Sum,
            Reduction::Product,
            Reduction::Max,
            Reduction::Min,
        ] {
            let window = window.clone();
            assert_eq!(
                each_type(Op::ReduceWindow { kind, window }, &[dims]),
                TYPES.len() - 1
            );
        }
        let op = Op::SelectAndScatter { window };
        assert_eq!(each_type(op, &[dims, &grid]), TYPES.len() - 1);
    }
    let op = Op::SelectAndScatter {
        window: window(1, 0),
    };
    assert_eq!(each_type(op, &[&[1], &[0]]), TYPES.len() - 1);
}

#[test]
fn products_and_convolutions() {
    let dims = DotDims {
        lhs_batch: vec![0],
        rhs_batch: vec![1],
        lhs_contracting: vec![2],
        rhs_contracting: vec![0],
    };
    for [batch, rows, cols, depth] in [[2, 3, 5, 4], [0, 3, 5, 4], [2, 3, 5, 0]] {
        let op = Op::DotGeneral(dims.clone());
        let shapes = [&[batch, rows, depth][..], &[depth, batch, cols]];
        assert_eq!(each_type(op, &shapes), TYPES.len() - 1);
    }
    for rank in 0..=4 {
        for features in [3, 0] {
            let layout = |batch, feature, first| ConvLayout {
                batch,
                feature,
                spatial: (first..first + rank).collect(),
            };
            let conv = Conv {
                window: window(rank, 1),
                reversal: vec![true; rank],
                lhs: layout(0, rank + 1, 1),
                rhs: layout(rank, rank + 1, 0),
                out: layout(rank, rank + 1, 0),
                feature_groups: 1,
                batch_groups: 1,
            };
            let image = [&[2][..], &vec![3; rank], &[features]].concat();
            let kernel = [&vec![2; rank][..], &[features, 5]].concat();
            let op = Op::Convolution(Box::new(conv));
            assert_eq!(each_type(op, &[&image, &kernel]), TYPES.len() - 1);
        }
    }
}

#[test]
fn lookups() {
    let rows = GatherDims {
        offset_dims: vec![1],
        collapsed_slice_dims: vec![0],
        start_index_map: vec![0],
        index_vector_dim: 1,
        slice_sizes: vec![Some(1), Some(3)],
    };
    // Windows that overlap, before the vectors' own dimension: the order of updates is not that of windows.
    let mixed = ScatterDims {
        update_window_dims: vec![0],
        inserted_window_dims: vec![],
        scatter_dims_to_operand_dims: vec![0],
        index_vector_dim: 1,
    };
    for dtype in TYPES {
        for index in [DType::I32, DType::I64, DType::U32, DType::U8] {
            for count in [4, 0] {
                let (x, at) = (spec(&[5, 3], dtype), spec(&[count], index));
                assert!(compare(
                    &Op::Gather(Box::new(rows.clone())),
                    &[x, at.clone()]
                ));
                for &kind in ScatterKind::ALL {
                    let dims = Box::new(mixed.clone());
                    let (x, updates) = (spec(&[7], dtype), spec(&[3, count], dtype));
                    let defined = compare(&Op::Scatter { dims, kind }, &[x, at.clone(), updates]);
                    assert_eq!(defined, dtype != DType::Bool || kind == ScatterKind::Set);
                }
            }
        }
    }
}

#[test]
fn moves() {
    for dims in [&[5, 3][..], &[0, 3]] {
        let pad = Op::Pad {
            low: vec![1, -1],
            high: vec![0, 2],
            interior: vec![1, 0],
        };
        assert_eq!(each_type(pad, &[dims, &[]]), TYPES.len());
        assert_eq!(each_type(Op::Concatenate(0), &[dims, &[2, 3]]), TYPES.len());
        assert_eq!(each_type(Op::Transpose(vec![1, 0]), &[dims]), TYPES.len());
        assert_eq!(each_type(Op::Reverse(vec![0]), &[dims]), TYPES.len());
        assert_eq!(each_type(Op::StopGradient, &[dims]), TYPES.len());
        let flat = Op::Reshape(Shape::from([dims[0] * dims[1]]));
        assert_eq!(each_type(flat, &[dims]), TYPES.len());
    }
}

#[test]
fn loops_without_steps() {
    let mut body = Graph::new();
    let (carry, step) = (spec(&[3], DType::F32), spec(&[], DType::I32));
    let [sum, x] = [("sum", &carry), ("x", &step)].map(|(name, s)| body.input(name, s.clone()));
    let twice = body
        .push(Op::Binary(BinaryOp::Add), &[sum, sum])
        .expect("numbers");
    [twice, x].into_iter().for_each(|v| body.result(v));
    for length in [0, 2] {
        let scan = Scan {
            body: body.clone(),
            carries: 1,
            sequences: 1,
            reverse: false,
            length: Some(length),
        };
        let operands = [carry.clone(), spec(&[length], DType::I32)];
        assert!(compare(&Op::Scan(Box::new(scan)), &operands));
    }
}

/// Initial weights are made with it: they must not change by a bit.
#[test]
fn the_inverse_error_function_has_the_interpreters_bits() {
    const NUMBERS: i32 = 20_000;
    let even = (1..NUMBERS).map(|i| (2.0 * f64::from(i) / f64::from(NUMBERS) - 1.0) as f32);
    let near_one = (1..200).map(|i| 1.0 - i as f32 * f32::EPSILON / 2.0);
    let near_zero = (0..120).map(|i| 2f32.powi(-i));
    let special = [0.0, -0.0, 1.0, -1.0, 2.0, f32::NAN];
    let x: Vec<f32> = (even.chain(near_one).chain(near_zero))
        .chain(special)
        .collect();
    let mut g = Graph::new();
    let param = g.input("x", spec(&[x.len()], DType::F32));
    let y = g
        .push(Op::Unary(UnaryOp::ErfInv), &[param])
        .expect("floats");
    g.result(y);
    let x = [Literal::new([x.len()], x).expect("as many as it says")];
    let want = oracle(&g, &x, &[]).outputs;
    let got = run(&g, &CompileOptions::default(), &x, &[]).outputs;
    assert_close(&got[0], &want[0], 0.0, "erf_inv");
}
