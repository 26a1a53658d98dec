//! Host values: constants, inputs, variables and results of programs.

use half::{bf16, f16};

use crate::{DType, Shape, Spec};

/// The elements of a [`Literal`], row-major.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    F16(Vec<f16>),
    BF16(Vec<bf16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U32(Vec<u32>),
    Bool(Vec<bool>),
}

/// Runs `$body` with `$v` bound to the vector inside a [`Data`], whatever its type.
#[macro_export]
macro_rules! with_data {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            $crate::Data::F32($v) => $body,
            $crate::Data::F64($v) => $body,
            $crate::Data::F16($v) => $body,
            $crate::Data::BF16($v) => $body,
            $crate::Data::I32($v) => $body,
            $crate::Data::I64($v) => $body,
            $crate::Data::U8($v) => $body,
            $crate::Data::U32($v) => $body,
            $crate::Data::Bool($v) => $body,
        }
    };
}

/// A Rust type that is an element type of tensors.
pub trait Element: Copy + PartialEq + Send + Sync + std::fmt::Debug + 'static {
    /// Its element type.
    const DTYPE: DType;
    /// Wraps a vector.
    fn wrap(values: Vec<Self>) -> Data;
    /// The values, if they are of this type.
    fn slice(data: &Data) -> Option<&[Self]>;
    /// The values, if they are of this type, to be changed.
    fn slice_mut(data: &mut Data) -> Option<&mut [Self]>;
    /// As f64 (exact but for 64-bit integers beyond 2^53); `false` is 0, `true` is 1.
    fn to_f64(self) -> f64;
    /// From f64: rounded to nearest for floats, towards zero and saturating for integers, `!= 0` for `bool`.
    fn from_f64(value: f64) -> Self;
}

macro_rules! element {
    ($($t:ty, $variant:ident, |$x:ident| $to:expr, |$y:ident| $from:expr;)*) => {$(
        impl Element for $t {
            const DTYPE: DType = DType::$variant;
            fn wrap(values: Vec<Self>) -> Data { Data::$variant(values) }
            fn slice(data: &Data) -> Option<&[Self]> {
                match data { Data::$variant(v) => Some(v), _ => None }
            }
            fn slice_mut(data: &mut Data) -> Option<&mut [Self]> {
                match data { Data::$variant(v) => Some(v), _ => None }
            }
            fn to_f64(self) -> f64 { let $x = self; $to }
            fn from_f64($y: f64) -> Self { $from }
        }
    )*};
}

/// To `f32` such that rounding the result again, to 16 bits, is as good as rounding once: an inexact result is cut towards zero and
/// its last bit set, so that it is never mistaken for a tie. (`half`'s own conversions of `f64` leave out its last 32 bits.)
///
/// ```
/// use refrain_graph::{bf16, round_to_odd};
/// let above_the_tie = 1.0 + 2f64.powi(-8) + 2f64.powi(-40);
/// assert_eq!(bf16::from_f32(round_to_odd(above_the_tie)).to_f64(), 1.0 + 2f64.powi(-7));
/// ```
#[inline(always)]
pub fn round_to_odd(x: f64) -> f32 {
    let nearest = x as f32;
    let back = f64::from(nearest);
    let away = back.abs() > x.abs();
    let odd = nearest.to_bits().wrapping_sub(u32::from(away)) | 1;
    let exact = back == x || x.is_nan();
    f32::from_bits(if exact { nearest.to_bits() } else { odd })
}

element! {
    f32, F32, |x| x as f64, |y| y as f32;
    f64, F64, |x| x, |y| y;
    f16, F16, |x| x.to_f64(), |y| f16::from_f32(round_to_odd(y));
    bf16, BF16, |x| x.to_f64(), |y| bf16::from_f32(round_to_odd(y));
    i32, I32, |x| x as f64, |y| y as i32;
    i64, I64, |x| x as f64, |y| y as i64;
    u8, U8, |x| x as f64, |y| y as u8;
    u32, U32, |x| x as f64, |y| y as u32;
    bool, Bool, |x| x as u8 as f64, |y| y != 0.0;
}

/// A tensor on the host: known dimensions and row-major values.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    dims: Vec<usize>,
    data: Data,
}

impl Literal {
    /// A literal of these values. `None` if their number is not the product of `dims`.
    pub fn new<T: Element>(dims: impl Into<Vec<usize>>, values: Vec<T>) -> Option<Self> {
        Literal::from_data(dims, T::wrap(values))
    }

    /// A literal of these values. `None` if their number is not the product of `dims`.
    pub fn from_data(dims: impl Into<Vec<usize>>, data: Data) -> Option<Self> {
        let dims = dims.into();
        let n = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d))?;
        let len = with_data!(&data, v => v.len());
        (len == n).then_some(Literal { dims, data })
    }

    /// A scalar.
    pub fn scalar<T: Element>(value: T) -> Self {
        Literal {
            dims: Vec::new(),
            data: T::wrap(vec![value]),
        }
    }

    /// A tensor filled with one value, given as f64.
    pub fn full(dims: impl Into<Vec<usize>>, dtype: DType, value: f64) -> Self {
        fn fill<T: Element>(n: usize, value: f64) -> Data {
            T::wrap(vec![T::from_f64(value); n])
        }
        let dims = dims.into();
        let n = dims.iter().product();
        let data = match dtype {
            DType::F32 => fill::<f32>(n, value),
            DType::F64 => fill::<f64>(n, value),
            DType::F16 => fill::<f16>(n, value),
            DType::BF16 => fill::<bf16>(n, value),
            DType::I32 => fill::<i32>(n, value),
            DType::I64 => fill::<i64>(n, value),
            DType::U8 => fill::<u8>(n, value),
            DType::U32 => fill::<u32>(n, value),
            DType::Bool => fill::<bool>(n, value),
        };
        Literal { dims, data }
    }

    /// Zeros.
    pub fn zeros(dims: impl Into<Vec<usize>>, dtype: DType) -> Self {
        Literal::full(dims, dtype, 0.0)
    }

    /// The dimensions.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        with_data!(&self.data, v => v.len())
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        match &self.data {
            Data::F32(_) => DType::F32,
            Data::F64(_) => DType::F64,
            Data::F16(_) => DType::F16,
            Data::BF16(_) => DType::BF16,
            Data::I32(_) => DType::I32,
            Data::I64(_) => DType::I64,
            Data::U8(_) => DType::U8,
            Data::U32(_) => DType::U32,
            Data::Bool(_) => DType::Bool,
        }
    }

    /// Shape and element type.
    pub fn spec(&self) -> Spec {
        Spec::new(Shape::from(self.dims.as_slice()), self.dtype())
    }

    /// The values.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The values, if they are of type `T`.
    pub fn values<T: Element>(&self) -> Option<&[T]> {
        T::slice(&self.data)
    }

    /// The values, if they are of type `T`, to be changed.
    pub fn values_mut<T: Element>(&mut self) -> Option<&mut [T]> {
        T::slice_mut(&mut self.data)
    }

    /// All values as f64.
    pub fn to_f64(&self) -> Vec<f64> {
        with_data!(&self.data, v => v.iter().map(|&x| Element::to_f64(x)).collect())
    }

    /// The same values in another type (see [`Element::from_f64`]; integers and bool convert exactly where they fit).
    pub fn convert(&self, dtype: DType) -> Literal {
        fn to<T: Element>(data: &Data) -> Data {
            T::wrap(
                with_data!(data, v => v.iter().map(|&x| T::from_f64(Element::to_f64(x))).collect()),
            )
        }
        if dtype == self.dtype() {
            return self.clone();
        }
        let data = match dtype {
            DType::F32 => to::<f32>(&self.data),
            DType::F64 => to::<f64>(&self.data),
            DType::F16 => to::<f16>(&self.data),
            DType::BF16 => to::<bf16>(&self.data),
            DType::I32 => to::<i32>(&self.data),
            DType::I64 => to::<i64>(&self.data),
            DType::U8 => to::<u8>(&self.data),
            DType::U32 => to::<u32>(&self.data),
            DType::Bool => to::<bool>(&self.data),
        };
        Literal {
            dims: self.dims.clone(),
            data,
        }
    }

    /// The same values under other dimensions. `None` if the number of elements differs.
    pub fn reshaped(self, dims: impl Into<Vec<usize>>) -> Option<Literal> {
        Literal::from_data(dims, self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_just_above_a_tie_are_rounded_up_to_16_bits() {
        let above = Literal::new([1], vec![1.0 + 2f32.powi(-8) + 2f32.powi(-23)]);
        let above = above.map(|l| l.convert(DType::BF16).to_f64());
        assert_eq!(above, Some(vec![1.0 + 2f64.powi(-7)]));
        let above = Literal::scalar(1.0 + 2f64.powi(-11) + 2f64.powi(-50));
        assert_eq!(above.convert(DType::F16).to_f64(), [1.0 + 2f64.powi(-10)]);
        let tie = Literal::scalar(1.0 + 2f64.powi(-8));
        assert_eq!(tie.convert(DType::BF16).to_f64(), [1.0]);
    }
}
