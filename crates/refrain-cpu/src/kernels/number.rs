//! The element types that windows, scatters, running reductions and products compute with.

/// A number as elements of tensors are.
pub trait Number: Copy + Send + Sync + PartialEq + 'static {
    /// The sum's identity.
    const ZERO: Self;
    /// The product's identity.
    const ONE: Self;
    /// The maximum's identity.
    const LOWEST: Self;
    /// The minimum's identity.
    const HIGHEST: Self;
    /// Sum; integers wrap.
    fn plus(self, other: Self) -> Self;
    /// Product; integers wrap.
    fn times(self, other: Self) -> Self;
    /// Whether `self` takes the place of the maximum `other`; NaN does, and is never replaced.
    fn exceeds(self, other: Self) -> bool;
    /// The larger; NaN wins.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if other.exceeds(self) { other } else { self }
    }
    /// The smaller; NaN wins.
    fn smaller(self, other: Self) -> Self;
}

macro_rules! floats {
    ($($t:ident)*) => {$(
        impl Number for $t {
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            const LOWEST: $t = $t::NEG_INFINITY;
            const HIGHEST: $t = $t::INFINITY;
            #[inline(always)]
            fn plus(self, other: $t) -> $t { self + other }
            #[inline(always)]
            fn times(self, other: $t) -> $t { self * other }
            #[inline(always)]
            fn exceeds(self, other: $t) -> bool { self > other || (self.is_nan() && !other.is_nan()) }
            #[inline(always)]
            fn smaller(self, other: $t) -> $t { if self < other || self.is_nan() { self } else { other } }
        }
    )*};
}

macro_rules! integers {
    ($($t:ident)*) => {$(
        impl Number for $t {
            const ZERO: $t = 0;
            const ONE: $t = 1;
            const LOWEST: $t = $t::MIN;
            const HIGHEST: $t = $t::MAX;
            #[inline(always)]
            fn plus(self, other: $t) -> $t { self.wrapping_add(other) }
            #[inline(always)]
            fn times(self, other: $t) -> $t { self.wrapping_mul(other) }
            #[inline(always)]
            fn exceeds(self, other: $t) -> bool { self > other }
            #[inline(always)]
            fn smaller(self, other: $t) -> $t { self.min(other) }
        }
    )*};
}

floats!(f32 f64);
integers!(i32 i64 u32 u8);

/// An associative operation with its identity.
pub trait Combine: 'static {
    /// What changes nothing.
    fn identity<T: Number>() -> T;
    /// The operation.
    fn combine<T: Number>(a: T, b: T) -> T;
}

macro_rules! combine {
    ($($(#[$doc:meta])* $name:ident: $identity:ident, $f:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name;
        impl Combine for $name {
            #[inline(always)]
            fn identity<T: Number>() -> T { T::$identity }
            #[inline(always)]
            fn combine<T: Number>(a: T, b: T) -> T { a.$f(b) }
        }
    )*};
}
combine! {
    /// The sum.
    Sum: ZERO, plus;
    /// The product.
    Product: ONE, times;
    /// The maximum.
    Largest: LOWEST, larger;
    /// The minimum.
    Smallest: HIGHEST, smaller;
}
