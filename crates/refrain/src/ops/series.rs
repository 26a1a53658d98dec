//! Special functions by their series: each in the precision of `f32`, and of `f64`.

use refrain_graph::{Comparison, DType, UnaryOp};

use super::activation::compare;
use super::{maximum, minimum, prim, where_};
use crate::error::Result;
use crate::tensor::Tensor;

/// The polynomial with these coefficients, that of the highest power first.
fn polynomial(x: &Tensor, coefficients: &[f64]) -> Result<Tensor> {
    let (first, rest) = coefficients.split_first().unwrap_or((&0.0, &[]));
    let first = prim::full(x, &x.shape(), x.dtype(), *first)?;
    Ok(rest.iter().fold(first, |y, &c| y * x + c))
}

/// A sum of Chebyshev polynomials of `x / 2`, that of the highest degree first.
fn chebyshev(x: &Tensor, coefficients: &[f64]) -> Result<Tensor> {
    let zero = prim::full(x, &x.shape(), x.dtype(), 0.0)?;
    let mut last = [zero.clone(), zero.clone(), zero];
    for &c in coefficients {
        let next = x * &last[0] - &last[1] + c;
        last = [next, last[0].clone(), last[1].clone()];
    }
    Ok((&last[0] - &last[2]) * 0.5)
}

/// Of `1 / x²` for `x` from 1 to 2, and for those above (Cephes).
const ERFC: [&[f64]; 2] = [
    &[
        2.326_819_970_068_386E-2,
        -1.387_039_388_740_657E-1,
        3.687_424_674_597_105E-1,
        -5.824_733_027_278_666E-1,
        6.210_004_621_745_983E-1,
        -4.944_515_323_274_145E-1,
        3.404_879_937_665_872E-1,
        -2.741_127_028_184_656E-1,
        5.638_259_427_386_472E-1,
    ],
    &[
        -1.047_766_399_936_249E1,
        1.297_719_955_372_516E1,
        -7.495_518_717_768_503,
        2.921_019_019_210_786,
        -1.015_265_279_202_7,
        4.218_463_358_204_948E-1,
        -2.820_767_439_740_514E-1,
        5.641_895_067_754_075E-1,
    ],
];

/// Numerators and denominators of fractions of `x` from 1 to 8, and of those above, in `f64` (Cephes).
const WIDE_ERFC: [[&[f64]; 2]; 2] = [
    [
        &[
            2.461_969_814_735_305E-10,
            0.564_189_564_831_068_9,
            7.463_210_564_422_699,
            48.637_197_098_568_14,
            196.520_832_956_077_1,
            526.445_194_995_477_3,
            934.528_527_171_957_6,
            1_027.551_886_895_157_2,
            557.535_335_369_399_4,
        ],
        &[
            1.0,
            13.228_195_115_474_499,
            86.707_214_088_598_97,
            354.937_778_887_819_9,
            975.708_501_743_205_5,
            1_823.909_166_879_097_3,
            2_246.337_608_187_109_7,
            1_656.663_091_941_613_4,
            557.535_340_817_727_7,
        ],
    ],
    [
        &[
            0.564_189_583_547_755_1,
            1.275_366_707_599_781,
            5.019_050_422_511_805,
            6.160_210_979_930_536,
            7.409_742_699_504_489_5,
            2.978_866_653_721_002_2,
        ],
        &[
            1.0,
            2.260_528_632_201_172_6,
            9.396_035_249_380_015,
            12.048_953_980_809_666,
            17.081_445_074_756_59,
            9.608_968_090_632_859,
            3.369_076_451_000_815,
        ],
    ],
];

/// 1 minus the error function. Small values by their exponential, as the difference from 1 has few digits there.
pub(super) fn erfc(x: &Tensor) -> Result<Tensor> {
    let size = maximum(x.abs(), 1);
    let tail = match x.dtype() {
        DType::F64 => wide_erfc_tail(&size)?,
        _ => erfc_tail(&size)?,
    };
    let tail = where_(&compare(Comparison::Lt, x, 0.0)?, 2.0 - &tail, &tail);
    Ok(where_(
        &compare(Comparison::Gt, &x.abs(), 1.0)?,
        tail,
        1.0 - x.erf(),
    ))
}

fn erfc_tail(size: &Tensor) -> Result<Tensor> {
    let inverse = 1.0 / size.square();
    let near = compare(Comparison::Lt, size, 2.0)?;
    let ratio = where_(
        &near,
        polynomial(&inverse, ERFC[0])?,
        polynomial(&inverse, ERFC[1])?,
    );
    Ok((-size.square()).exp() / size * ratio)
}

/// The square is cut in two: of one that is exact, and of the small rest.
fn wide_erfc_tail(size: &Tensor) -> Result<Tensor> {
    /// Beyond it the function is 0.
    const LAST: f64 = 30.0;
    /// Parts of 1 whose squares are exact.
    const PARTS: f64 = 128.0;
    let size = minimum(size, LAST);
    let [near, far] = WIDE_ERFC.map(|[above, below]| -> Result<Tensor> {
        Ok(polynomial(&size, above)? / polynomial(&size, below)?)
    });
    let ratio = where_(&compare(Comparison::Lt, &size, 8.0)?, near?, far?);
    let exact = prim::unary(UnaryOp::RoundNearestEven, &(&size * PARTS))? / PARTS;
    let rest = (&size - &exact) * (&size + &exact);
    Ok((-exact.square()).exp() * (-rest).exp() * ratio)
}

/// Of `exp(-x) · i0(x)` up to 8, and of that times the root of `x` above, in `f64` (Cephes); the last ones are those of `f32`.
const I0: [&[f64]; 2] = [
    &[
        -4.415_341_646_479_339_5E-18,
        3.330_794_518_822_238_4E-17,
        -2.431_279_846_547_955E-16,
        1.715_391_285_555_133E-15,
        -1.168_533_287_799_345_1E-14,
        7.676_185_498_604_936E-14,
        -4.856_446_783_111_929E-13,
        2.955_052_663_129_64E-12,
        -1.726_826_291_441_556E-11,
        9.675_809_035_373_237E-11,
        -5.189_795_601_635_263E-10,
        2.659_823_724_682_386_6E-9,
        -1.300_025_009_986_248E-8,
        6.046_995_022_541_919E-8,
        -2.670_793_853_940_612E-7,
        1.117_387_539_120_103_7E-6,
        -4.416_738_358_458_750_5E-6,
        1.644_844_807_072_889_6E-5,
        -5.754_195_010_082_104E-5,
        0.000_188_502_885_095_841_65,
        -0.000_576_375_574_538_582_4,
        0.001_639_475_616_941_335_7,
        -0.004_324_309_995_050_576,
        0.010_546_460_394_594_998,
        -0.023_737_414_805_899_47,
        0.049_305_284_239_670_71,
        -0.094_901_097_048_047_64,
        0.171_620_901_522_208_77,
        -0.304_682_672_343_198_4,
        0.676_795_274_409_476_1,
    ],
    &[
        -7.233_180_487_874_754E-18,
        -4.830_504_485_944_182E-18,
        4.465_621_420_296_76E-17,
        3.461_222_867_697_461E-17,
        -2.827_623_980_516_583_6E-16,
        -3.425_485_619_677_219E-16,
        1.772_560_133_056_526_3E-15,
        3.811_680_669_352_622_4E-15,
        -9.554_846_698_828_307E-15,
        -4.150_569_347_287_222E-14,
        1.540_086_217_521_41E-14,
        3.852_778_382_742_142_6E-13,
        7.180_124_451_383_666E-13,
        -1.794_178_531_506_806_2E-12,
        -1.321_581_184_044_771_3E-11,
        -3.149_916_527_963_241_6E-11,
        1.188_914_710_784_643_9E-11,
        4.940_602_388_224_97E-10,
        3.396_232_025_708_386_5E-9,
        2.266_668_990_498_178E-8,
        2.048_918_589_469_063_8E-7,
        2.891_370_520_834_756_7E-6,
        6.889_758_346_916_825E-5,
        0.003_369_116_478_255_694_3,
        0.804_490_411_014_108_8,
    ],
];

/// The modified Bessel function of the first kind and order 0.
pub(super) fn i0(x: &Tensor) -> Result<Tensor> {
    let x = x.abs();
    let [below, beyond] = match x.dtype() {
        DType::F64 => I0,
        _ => [&I0[0][12..], &I0[1][18..]],
    };
    let near = chebyshev(&(&x / 2 - 2), below)?;
    let above = maximum(&x, 8);
    let far = chebyshev(&(32.0 / &above - 2), beyond)? / above.sqrt();
    let scaled = where_(&compare(Comparison::Le, &x, 8.0)?, near, far);
    Ok(x.exp() * scaled)
}
