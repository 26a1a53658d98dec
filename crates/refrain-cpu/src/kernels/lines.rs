//! Lines of a tensor, each by itself: sorting and running reductions.

use std::cmp::Ordering;

use refrain_graph::{Reduction, bf16, f16, round_to_odd};

use super::LengthError;
use super::number::{Combine, Largest, Number, Product, Smallest, Sum};
use super::pool::Pool;

/// Elements that are worth a task of their own: some 10 µs of sorting.
const TASK_WORK: usize = 1 << 11;

/// Lines of a task.
fn lines(len: usize) -> usize {
    (TASK_WORK / len.max(1)).max(1)
}

/// An element as it is compared and added up.
pub trait Element: Copy + Send + Sync + 'static {
    /// Wide enough that a line is rounded once, at each of its elements.
    type Wide: Number + PartialOrd;
    /// The element, exactly.
    fn widen(self) -> Self::Wide;
    /// The nearest element; integers are cut off.
    fn narrow(wide: Self::Wide) -> Self;
}

macro_rules! elements {
    ($($t:ty as $wide:ty: |$x:ident| $widen:expr, |$y:ident| $narrow:expr;)*) => {$(
        impl Element for $t {
            type Wide = $wide;
            #[inline(always)]
            fn widen(self) -> $wide { let $x = self; $widen }
            #[inline(always)]
            fn narrow($y: $wide) -> $t { $narrow }
        }
    )*};
}
elements! {
    f32 as f64: |x| f64::from(x), |y| y as f32;
    f64 as f64: |x| x, |y| y;
    f16 as f64: |x| x.to_f64(), |y| f16::from_f32(round_to_odd(y));
    bf16 as f64: |x| x.to_f64(), |y| bf16::from_f32(round_to_odd(y));
    i32 as i64: |x| i64::from(x), |y| y as i32;
    i64 as i64: |x| x, |y| y;
    u32 as i64: |x| i64::from(x), |y| y as u32;
    u8 as i64: |x| i64::from(x), |y| y as u8;
}

/// NaN, which alone is not equal to itself, comes last in both directions.
#[inline(always)]
fn compare<W: PartialOrd>(a: W, b: W, descending: bool) -> Ordering {
    match a.partial_cmp(&b) {
        Some(order) if descending => order.reverse(),
        Some(order) => order,
        None => {
            let is_nan = |x: &W| x.partial_cmp(x).is_none();
            is_nan(&a).cmp(&is_nan(&b))
        }
    }
}

/// Sorts each line of `len` elements; `positions` says where in its line each came from. Equal elements stay in order.
///
/// # Errors
/// If a slice is too short, the length is 0, or positions do not fit `i32`.
pub fn sort<T: Element>(
    pool: &Pool,
    len: usize,
    descending: bool,
    x: &[T],
    sorted: &mut [T],
    positions: &mut [i32],
) -> Result<(), LengthError> {
    let x = x.get(..sorted.len()).ok_or(LengthError)?;
    if positions.len() != x.len() || len == 0 || i32::try_from(len).is_err() {
        return Err(LengthError);
    }
    let piece = lines(len) * len;
    pool.for_chunks_mut(positions, piece, |task, positions| {
        let x = &x[task * piece..];
        for (positions, x) in positions.chunks_mut(len).zip(x.chunks(len)) {
            positions.iter_mut().zip(0..).for_each(|(p, i)| *p = i);
            positions.sort_unstable_by(|&i, &j| {
                let [a, b] = [i, j].map(|i| x[i as usize].widen());
                compare(a, b, descending).then(i.cmp(&j))
            });
        }
    });
    pool.for_chunks_mut(sorted, piece, |task, sorted| {
        let (x, positions) = (&x[task * piece..], &positions[task * piece..]);
        for (line, (to, from)) in sorted
            .chunks_mut(len)
            .zip(positions.chunks(len))
            .enumerate()
        {
            for (to, &from) in to.iter_mut().zip(from) {
                *to = x[line * len + from as usize];
            }
        }
    });
    Ok(())
}

/// Each element becomes the reduction of its line of `len` elements up to it, or from it on in `reverse`.
///
/// # Errors
/// If a slice is too short, the length is 0, or the reduction is none of numbers.
pub fn cumulative<T: Element>(
    pool: &Pool,
    len: usize,
    (kind, reverse): (Reduction, bool),
    x: &[T],
    y: &mut [T],
) -> Result<(), LengthError> {
    match kind {
        Reduction::Sum => running::<T, Sum>(pool, len, reverse, x, y),
        Reduction::Product => running::<T, Product>(pool, len, reverse, x, y),
        Reduction::Max => running::<T, Largest>(pool, len, reverse, x, y),
        Reduction::Min => running::<T, Smallest>(pool, len, reverse, x, y),
        Reduction::And | Reduction::Or => Err(LengthError),
    }
}

fn running<T: Element, C: Combine>(
    pool: &Pool,
    len: usize,
    reverse: bool,
    x: &[T],
    y: &mut [T],
) -> Result<(), LengthError> {
    let x = x.get(..y.len()).filter(|_| len > 0).ok_or(LengthError)?;
    let piece = lines(len) * len;
    pool.for_chunks_mut(y, piece, |task, y| {
        for (x, y) in x[task * piece..].chunks(len).zip(y.chunks_mut(len)) {
            let mut sum: T::Wide = C::identity();
            let step = |(x, y): (&T, &mut T)| {
                sum = C::combine(sum, x.widen());
                *y = T::narrow(sum);
            };
            match reverse {
                true => x.iter().zip(y).rev().for_each(step),
                false => x.iter().zip(y).for_each(step),
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_stay_in_order_and_nan_comes_last() {
        let x = [2.0f32, f32::NAN, -0.0, 1.0, 0.0, 2.0];
        let run = |descending| {
            let (mut sorted, mut positions) = ([0.0; 6], [0; 6]);
            let pool = Pool::new(2);
            sort(&pool, 3, descending, &x, &mut sorted, &mut positions).unwrap();
            assert!(sorted[2].is_nan());
            (
                positions,
                [sorted[0], sorted[1], sorted[3], sorted[4], sorted[5]],
            )
        };
        assert_eq!(run(false), ([2, 0, 1, 1, 0, 2], [-0.0, 2.0, 0.0, 1.0, 2.0]));
        assert_eq!(run(true), ([0, 2, 1, 2, 0, 1], [2.0, -0.0, 2.0, 1.0, 0.0]));
    }

    #[test]
    fn sums_run_both_ways_and_wrap() {
        let pool = Pool::new(2);
        let run = |kind, reverse| {
            let mut y = [0u8; 6];
            cumulative(&pool, 3, (kind, reverse), &[1, 200, 100, 3, 2, 9], &mut y).unwrap();
            y
        };
        assert_eq!(run(Reduction::Sum, false), [1, 201, 45, 3, 5, 14]);
        assert_eq!(run(Reduction::Sum, true), [45, 44, 100, 14, 11, 9]);
        assert_eq!(run(Reduction::Max, false), [1, 200, 200, 3, 3, 9]);
        assert_eq!(run(Reduction::Min, true), [1, 100, 100, 2, 2, 9]);
    }
}
