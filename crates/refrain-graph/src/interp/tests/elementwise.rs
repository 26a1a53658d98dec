use super::{eval, lit};
use crate::{BinaryOp, Comparison, DType, Element, Literal, Op, UnaryOp, bf16, f16, interp};

fn unary<T: Element>(op: UnaryOp, x: T) -> T {
    let out = eval(&Op::Unary(op), &[&Literal::scalar(x)]);
    out.values::<T>().expect("the operand's type")[0]
}

fn binary<T: Element>(op: BinaryOp, a: T, b: T) -> T {
    let out = eval(&Op::Binary(op), &[&Literal::scalar(a), &Literal::scalar(b)]);
    out.values::<T>().expect("the operands' type")[0]
}

/// Within three units in the last place of the expected f64.
#[track_caller]
fn assert_close(actual: f64, expected: f64) {
    let error = (actual - expected).abs() / expected.abs();
    assert!(
        error <= 3.0 * f64::EPSILON,
        "{actual:e} is off {expected:e} by {error:e}"
    );
}

#[test]
fn float_functions_have_the_digits_of_f64() {
    let cases = [
        (UnaryOp::Exponential, 1.25, 3.4903429574618414),
        (UnaryOp::ExponentialMinusOne, 1e-7, 1.0000000500000016e-07),
        (UnaryOp::Log, 0.3, -1.2039728043259361),
        (UnaryOp::LogPlusOne, 1e-9, 9.999999995e-10),
        (UnaryOp::Logistic, -1.5, 1.0 - 0.8175744761936437),
        (UnaryOp::Logistic, 1.5, 0.8175744761936437),
        (UnaryOp::Tanh, 0.7, 0.6043677771171635),
        (UnaryOp::Sqrt, 2.0, std::f64::consts::SQRT_2),
        (UnaryOp::Rsqrt, 3.0, 0.5773502691896257),
        (UnaryOp::Cbrt, 5.0, 1.709975946676697),
        (UnaryOp::Sine, 2.2, 0.8084964038195901),
        (UnaryOp::Cosine, 2.2, -0.5885011172553458),
        (UnaryOp::Tan, 1.1, 1.9647596572486523),
        (UnaryOp::Asin, 0.4, 0.41151684606748806),
        (UnaryOp::Acos, -0.4, 1.9823131728623846),
        (UnaryOp::Atan, 3.0, 1.2490457723982544),
        (UnaryOp::Sinh, -1.3, -1.698382437292616),
        (UnaryOp::Cosh, 1.3, 1.9709142303266285),
        (UnaryOp::Asinh, -2.5, -1.6472311463710958),
        (UnaryOp::Acosh, 1.0 + 1e-10, 1.4142136208675862e-05),
        (UnaryOp::Acosh, 2.5, 1.566799236972411),
        (UnaryOp::Acosh, 1e300, 691.4686750787737),
        (UnaryOp::Atanh, -0.999999, -7.254328619247669),
        (UnaryOp::Atanh, 1e-9, 1e-09),
    ];
    for (op, x, expected) in cases {
        assert_close(unary(op, x), expected);
        // One rounding from f64, then no more than that from f32.
        assert_eq!(unary(op, x as f32), {
            unary(op, f64::from(x as f32)) as f32
        });
    }
    assert_eq!(unary(UnaryOp::Logistic, -740.0), 4.2e-322);
    assert!(unary(UnaryOp::Acosh, 0.5f64).is_nan());
    assert!(unary(UnaryOp::Acosh, -1e25f64).is_nan());
    assert_eq!(unary(UnaryOp::Asinh, 1e308f64), 709.889355822726);
    assert_eq!(unary(UnaryOp::Asinh, -1e308f64), -709.889355822726);
    assert_eq!(unary(UnaryOp::Atanh, -1f64), f64::NEG_INFINITY);
}

#[test]
fn erf_and_its_inverse_have_the_digits_of_f64() {
    let erf = [
        (1e-300, 1.1283791670955126e-300),
        (1e-8, 1.1283791670955126e-08),
        (0.1, 0.1124629160182849),
        (0.5, 0.5204998778130465),
        (0.9, 0.7969082124228322),
        (1.0, 0.8427007929497149),
        (1.4999, 0.9660932516622953),
        (1.5, 0.9661051464753108),
        (2.0, 0.9953222650189527),
        (2.5, 0.999593047982555),
        (4.5, 0.9999999998033839),
        (5.9, 0.9999999999999999),
    ];
    for (x, expected) in erf {
        assert_close(unary(UnaryOp::Erf, x), expected);
        assert_close(unary(UnaryOp::Erf, -x), -expected);
    }
    let inverse = [
        (1e-10, 8.862269254527581e-11),
        (0.1, 0.08885599049425769),
        (0.3, 0.2724627147267543),
        (0.4999, 0.4768250236254278),
        (0.5, 0.4769362762044699),
        (0.75, 0.8134198475976185),
        (0.9, 1.1630871536766743),
        (0.966, 1.499117068418297),
        (0.99, 1.8213863677184494),
        (0.9999, 2.75106390571208),
        (0.999999999, 4.320005388105362),
        (1.0 - f64::EPSILON / 2.0, 5.8635847487551676),
    ];
    for (y, expected) in inverse {
        assert_close(unary(UnaryOp::ErfInv, y), expected);
        assert_close(unary(UnaryOp::ErfInv, -y), -expected);
    }
    assert_eq!(unary(UnaryOp::Erf, f64::NEG_INFINITY), -1.0);
    assert_eq!(unary(UnaryOp::ErfInv, -1f32), f32::NEG_INFINITY);
    assert!(unary(UnaryOp::ErfInv, 1.5f32).is_nan());
    assert!(unary(UnaryOp::Erf, f32::NAN).is_nan());
}

#[test]
fn signs_and_rounding() {
    assert_eq!(unary(UnaryOp::Sign, -2.5f32), -1.0);
    assert!(unary(UnaryOp::Sign, -0.0f32).is_sign_negative());
    assert!(unary(UnaryOp::Sign, f32::NAN).is_nan());
    assert_eq!(unary(UnaryOp::Sign, -7i32), -1);
    assert_eq!(unary(UnaryOp::RoundNearestEven, 2.5f32), 2.0);
    assert_eq!(unary(UnaryOp::RoundNearestEven, -3.5f32), -4.0);
    assert_eq!(unary(UnaryOp::Floor, -0.5f32), -1.0);
    assert_eq!(unary(UnaryOp::Ceil, 0.25f32), 1.0);
    assert_eq!(unary(UnaryOp::Abs, i32::MIN), i32::MIN);
    assert_eq!(unary(UnaryOp::Negate, f16::from_f32(1.5)).to_f32(), -1.5);
    assert_eq!(unary(UnaryOp::Not, 0b0101u8), 0b1111_1010);
    assert!(!unary(UnaryOp::Not, true));
    let x = lit(&[4], &[1f32, f32::NAN, f32::INFINITY, -0.0]);
    let finite = eval(&Op::Unary(UnaryOp::IsFinite), &[&x]);
    assert_eq!(finite, lit(&[4], &[true, false, false, true]));
}

#[test]
fn float_arithmetic() {
    assert_eq!(binary(BinaryOp::Divide, 1f32, 3.0), 1.0 / 3.0);
    assert_eq!(binary(BinaryOp::Divide, 1f64, 0.0), f64::INFINITY);
    assert_eq!(binary(BinaryOp::Remainder, -7.5f32, 2.0), -1.5);
    assert_eq!(binary(BinaryOp::Power, 2f32, -2.0), 0.25);
    assert_eq!(binary(BinaryOp::Atan2, 1f32, -1.0), 2.3561945);
    for op in [BinaryOp::Maximum, BinaryOp::Minimum] {
        assert!(binary(op, f32::NAN, 1.0).is_nan());
        assert!(binary(op, 1.0, f32::NAN).is_nan());
    }
    // 1 + 2^-8 needs one bit more than bf16 has: the tie goes to the even 1.
    let tie = binary(BinaryOp::Add, bf16::ONE, bf16::from_f32(1.0 / 256.0));
    assert_eq!(tie, bf16::ONE);
}

#[test]
fn integer_arithmetic_wraps_and_never_traps() {
    assert_eq!(binary(BinaryOp::Add, i32::MAX, 1), i32::MIN);
    assert_eq!(binary(BinaryOp::Subtract, 0u8, 1), 255);
    assert_eq!(binary(BinaryOp::Multiply, u32::MAX, u32::MAX), 1);
    assert_eq!(binary(BinaryOp::Multiply, i64::MAX, 2), -2);
    assert_eq!(binary(BinaryOp::Divide, -7i32, 2), -3);
    assert_eq!(binary(BinaryOp::Divide, 7i32, 0), 0);
    assert_eq!(binary(BinaryOp::Divide, i32::MIN, -1), i32::MIN);
    assert_eq!(binary(BinaryOp::Divide, i64::MIN, -1), i64::MIN);
    assert_eq!(binary(BinaryOp::Remainder, -7i32, 3), -1);
    assert_eq!(binary(BinaryOp::Remainder, i64::MIN, -1), 0);
    assert_eq!(binary(BinaryOp::Remainder, 5u32, 0), 0);
    assert_eq!(binary(BinaryOp::Power, -3i32, 5), -243);
    assert_eq!(binary(BinaryOp::Power, 2u32, 32), 0);
    assert_eq!(binary(BinaryOp::Power, -1i64, -3), -1);
    assert_eq!(binary(BinaryOp::Power, 2i32, -1), 0);
}

#[test]
fn shifts_look_at_the_width_of_the_type() {
    assert_eq!(binary(BinaryOp::ShiftLeft, 0x81u8, 1), 2);
    assert_eq!(binary(BinaryOp::ShiftLeft, 1u32, 32), 0);
    assert_eq!(binary(BinaryOp::ShiftLeft, 1i64, 63), i64::MIN);
    assert_eq!(binary(BinaryOp::ShiftRightLogical, -1i32, 28), 15);
    assert_eq!(binary(BinaryOp::ShiftRightLogical, -1i64, 60), 15);
    assert_eq!(binary(BinaryOp::ShiftRightLogical, 1u32, 40), 0);
    assert_eq!(binary(BinaryOp::ShiftRightArithmetic, -8i32, 1), -4);
    assert_eq!(binary(BinaryOp::ShiftRightArithmetic, -8i32, 99), -1);
    assert_eq!(binary(BinaryOp::ShiftRightArithmetic, 0x80u8, 7), 0xff);
    assert_eq!(binary(BinaryOp::Xor, 0b1100u8, 0b1010), 0b0110);
    assert!(binary(BinaryOp::Or, false, true) && !binary(BinaryOp::And, false, true));
    assert!(binary(BinaryOp::Maximum, false, true) && !binary(BinaryOp::Minimum, false, true));
}

#[test]
fn comparisons_with_nan_are_false_but_for_ne() {
    let (a, b) = (lit(&[3], &[1f32, 2.0, f32::NAN]), lit(&[3], &[2f32; 3]));
    let table = [
        (Comparison::Eq, [false, true, false]),
        (Comparison::Ne, [true, false, true]),
        (Comparison::Lt, [true, false, false]),
        (Comparison::Le, [true, true, false]),
        (Comparison::Gt, [false, false, false]),
        (Comparison::Ge, [false, true, false]),
    ];
    for (op, expected) in table {
        assert_eq!(eval(&Op::Compare(op), &[&a, &b]), lit(&[3], &expected));
    }
    let (small, large) = (Literal::scalar(1u32), Literal::scalar(u32::MAX));
    let less = eval(&Op::Compare(Comparison::Lt), &[&small, &large]);
    assert_eq!(less, Literal::scalar(true));
}

#[test]
fn select_takes_from_either_side_even_nan() {
    let p = lit(&[2], &[true, false]);
    let (a, b) = (lit(&[2], &[1f32, f32::NAN]), lit(&[2], &[f32::NAN, 4.0]));
    assert_eq!(eval(&Op::Select, &[&p, &a, &b]), lit(&[2], &[1f32, 4.0]));
}

#[test]
fn conversions() {
    let to = |dtype, x: Literal| eval(&Op::Convert(dtype), &[&x]);
    let x = lit(&[5], &[-1.7f32, 300.0, f32::NAN, f32::INFINITY, 2.9]);
    assert_eq!(
        to(DType::I32, x.clone()),
        lit(&[5], &[-1, 300, 0, i32::MAX, 2])
    );
    assert_eq!(to(DType::U8, x.clone()), lit(&[5], &[0u8, 255, 0, 255, 2]));
    assert_eq!(to(DType::Bool, x), lit(&[5], &[true; 5]));
    assert_eq!(
        to(DType::Bool, lit(&[2], &[-0.0f64, 0.5])),
        lit(&[2], &[false, true])
    );
    assert_eq!(
        to(DType::F32, lit(&[2], &[true, false])),
        lit(&[2], &[1f32, 0.0])
    );
    // 2^53 + 1 does not survive a way through f64.
    let large = (1i64 << 53) + 1;
    assert_eq!(
        to(DType::U32, Literal::scalar(large)),
        Literal::scalar(1u32)
    );
    assert_eq!(
        to(DType::I64, Literal::scalar(u32::MAX)),
        Literal::scalar(i64::from(u32::MAX))
    );
    assert_eq!(
        to(DType::F16, Literal::scalar(70000f32)),
        Literal::scalar(f16::INFINITY)
    );
    let (from, into) = (DType::ALL, DType::ALL);
    for (a, b) in from.into_iter().flat_map(|a| into.map(|b| (a, b))) {
        let one = to(b, Literal::full([2], a, 1.0));
        assert_eq!(one, Literal::full([2], b, 1.0), "{a} to {b}");
    }
}

#[test]
fn what_inference_refuses_is_an_error() {
    let x = Literal::scalar(true);
    let error = interp::evaluate_op(&Op::Unary(UnaryOp::Exponential), &[&x]).unwrap_err();
    assert_eq!(error.op, Some("exponential"));
    assert!(interp::evaluate_op(&Op::Binary(BinaryOp::Add), &[&x]).is_err());
}
