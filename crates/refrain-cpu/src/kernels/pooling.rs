//! Sliding windows: sums and maxima, and the gradient of the maximum.
//!
//! Trailing dimensions over which the window does not move are the lanes of the loops (channels last). Which elements
//! a window holds is the product of three tables made once per shape: all outer dimensions, rows, columns.

use super::LengthError;
use super::number::{Combine, Largest, Number, Product, Smallest, Sum};
use super::pool::{Pool, SharedPtr};
use crate::simd::simd_fn;
use refrain_graph::{Reduction, Window};

/// Elements read that are worth a task of their own: some 10 µs.
const TASK_WORK: usize = 1 << 15;
/// Channels whose largest elements are looked for at a time; their places stay in registers or nearly so.
const SELECT_LANES: usize = 64;

/// For each position along some dimensions the offsets of the elements in its window.
#[derive(Clone, Debug)]
struct Table {
    starts: Vec<usize>,
    offsets: Vec<usize>,
}

impl Table {
    /// One position with one element.
    fn unit() -> Table {
        Table {
            starts: vec![0, 1],
            offsets: vec![0],
        }
    }

    fn count(&self) -> usize {
        self.starts.len() - 1
    }

    #[inline(always)]
    fn of(&self, position: usize) -> &[usize] {
        &self.offsets[self.starts[position]..self.starts[position + 1]]
    }

    fn push(&mut self, offsets: impl Iterator<Item = usize>) {
        self.offsets.extend(offsets);
        self.starts.push(self.offsets.len());
    }

    fn empty() -> Table {
        Table {
            starts: vec![0],
            offsets: Vec::new(),
        }
    }

    /// The positions of both, `inner` running faster.
    fn times(&self, inner: &Table) -> Table {
        let mut all = Table::empty();
        for i in 0..self.count() {
            for j in 0..inner.count() {
                all.push(
                    self.of(i)
                        .iter()
                        .flat_map(|a| inner.of(j).iter().map(move |b| a + b)),
                );
            }
        }
        all
    }
}

/// A window's numbers along one dimension.
#[derive(Clone, Copy)]
struct Along {
    size: usize,
    window: usize,
    stride: usize,
    before: i64,
    after: i64,
    base_dilation: usize,
    dilation: usize,
}

impl Along {
    fn of(size: usize, w: &Window, d: usize) -> Option<Along> {
        let along = Along {
            size,
            window: *w.size.get(d)?,
            stride: *w.strides.get(d)?,
            before: w.padding.get(d)?.0,
            after: w.padding.get(d)?.1,
            base_dilation: *w.base_dilation.get(d)?,
            dilation: *w.dilation.get(d)?,
        };
        let positive = [
            along.window,
            along.stride,
            along.base_dilation,
            along.dilation,
        ];
        positive.iter().all(|&x| x > 0).then_some(along)
    }

    fn is_still(&self) -> bool {
        (self.window, self.stride, self.base_dilation) == (1, 1, 1)
            && (self.before, self.after) == (0, 0)
    }

    fn count(&self) -> usize {
        let dilated =
            |n: usize, by: usize| n.saturating_sub(1) as i128 * by as i128 + n.min(1) as i128;
        let base = dilated(self.size, self.base_dilation);
        let span = base + i128::from(self.before) + i128::from(self.after);
        let window = dilated(self.window, self.dilation);
        if span < window {
            0
        } else {
            ((span - window) / self.stride as i128) as usize + 1
        }
    }

    /// The taps of a window beginning at `start` that are not wholly in the padding: a window may be much larger than
    /// what it covers.
    fn taps(&self, start: i128) -> std::ops::Range<usize> {
        let dilation = self.dilation as i128;
        let end = self.size as i128 * self.base_dilation as i128;
        let clip = |at: i128| {
            let first = (at.max(start) - start + dilation - 1) / dilation;
            usize::try_from(first).map_or(self.window, |k| k.min(self.window))
        };
        clip(0)..clip(end)
    }

    fn table(&self, element: usize) -> Table {
        let mut table = Table::empty();
        let base = self.base_dilation as i128;
        for p in 0..self.count() {
            let start = p as i128 * self.stride as i128 - i128::from(self.before);
            table.push(self.taps(start).filter_map(|k| {
                let at = start + k as i128 * self.dilation as i128;
                (at % base == 0).then(|| (at / base) as usize * element)
            }));
        }
        table
    }
}

/// A window over a tensor of one shape.
#[derive(Clone, Debug)]
pub struct WindowPlan {
    outer: Table,
    rows: Table,
    cols: Table,
    /// Elements side by side that every window treats alike.
    inner: usize,
    /// Leading positions of `outer` (in equal shares) between which no windows overlap.
    batches: usize,
    in_len: usize,
    out_dims: Vec<usize>,
}

impl WindowPlan {
    /// The plan for a tensor of these dimensions.
    ///
    /// # Errors
    /// If the window has not one entry per dimension, or a size, stride or dilation is 0.
    pub fn new(dims: &[usize], window: &Window) -> Result<WindowPlan, LengthError> {
        let along = dims
            .iter()
            .enumerate()
            .map(|(d, &size)| Along::of(size, window, d));
        let along: Vec<Along> = along.collect::<Option<_>>().ok_or(LengthError)?;
        let in_len = dims
            .iter()
            .try_fold(1usize, |n, &d| n.checked_mul(d))
            .ok_or(LengthError)?;
        let still_behind = along.iter().rev().take_while(|a| a.is_still()).count();
        let moving = along.len() - still_behind;
        let inner: usize = dims[moving..].iter().product();
        let still_before = along[..moving].iter().take_while(|a| a.is_still()).count();
        let batches = dims[..still_before].iter().product();
        let mut tables = Vec::new();
        let mut element = inner;
        for a in along[..moving].iter().rev() {
            tables.push(a.table(element));
            element *= a.size;
        }
        let mut tables = tables.into_iter();
        let cols = tables.next().unwrap_or_else(Table::unit);
        let rows = tables.next().unwrap_or_else(Table::unit);
        let outer = tables.fold(Table::unit(), |inner, table| table.times(&inner));
        let whole = still_before + 2 <= moving;
        Ok(WindowPlan {
            outer,
            rows,
            cols,
            inner,
            batches: if whole { batches } else { 1 },
            in_len,
            out_dims: along.iter().map(Along::count).collect(),
        })
    }

    fn out_len(&self) -> usize {
        self.out_dims.iter().product()
    }

    /// Combines the elements in each window (`op::ReduceWindow`). `kind` is not `And` or `Or`.
    ///
    /// # Errors
    /// If a slice is too short or the reduction is none of numbers.
    pub fn reduce<T: Number>(
        &self,
        pool: &Pool,
        kind: Reduction,
        x: &[T],
        y: &mut [T],
    ) -> Result<(), LengthError> {
        match kind {
            Reduction::Sum => self.combine::<T, Sum>(pool, x, y),
            Reduction::Product => self.combine::<T, Product>(pool, x, y),
            Reduction::Max => self.combine::<T, Largest>(pool, x, y),
            Reduction::Min => self.combine::<T, Smallest>(pool, x, y),
            Reduction::And | Reduction::Or => Err(LengthError),
        }
    }

    fn combine<T: Number, C: Combine>(
        &self,
        pool: &Pool,
        x: &[T],
        y: &mut [T],
    ) -> Result<(), LengthError> {
        let out_len = self.out_len();
        if x.len() < self.in_len || y.len() < out_len {
            return Err(LengthError);
        }
        let line = self.cols.count() * self.inner;
        if out_len == 0 {
            return Ok(());
        }
        let work = (self.in_len / (self.outer.count() * self.rows.count())).max(line);
        let lines = TASK_WORK.div_ceil(work.max(1));
        pool.for_chunks_mut(&mut y[..out_len], lines * line, |task, piece| {
            for (i, y) in piece.chunks_exact_mut(line).enumerate() {
                let at = task * lines + i;
                let (outer, row) = (at / self.rows.count(), at % self.rows.count());
                y.fill(C::identity());
                for &o in self.outer.of(outer) {
                    for &r in self.rows.of(row) {
                        combine_line::<T, C>(pool.simd(), &x[o + r..], y, &self.cols, self.inner);
                    }
                }
            }
        });
        Ok(())
    }

    /// Adds each element of `source` to the place where its window of `x` has its largest element, the first of
    /// equals (`op::SelectAndScatter`). Elements of `y` that no window chose are zero.
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn select_and_scatter<T: Number>(
        &self,
        pool: &Pool,
        x: &[T],
        source: &[T],
        y: &mut [T],
    ) -> Result<(), LengthError> {
        if x.len() < self.in_len || source.len() < self.out_len() || y.len() < self.in_len {
            return Err(LengthError);
        }
        if self.in_len == 0 {
            return Ok(());
        }
        let batch = self.in_len / self.batches;
        let outers = self.outer.count() / self.batches;
        let lines = outers * self.rows.count();
        let line = self.cols.count() * self.inner;
        let each = TASK_WORK.div_ceil(batch.max(1)).max(1);
        let out = SharedPtr(y.as_mut_ptr());
        pool.run(self.batches.div_ceil(each), &|task| {
            let (first, end) = (task * each, (task * each + each).min(self.batches));
            // SAFETY: batches lie one after the other in `y`, whose length is checked, and each is one task's own.
            let y = unsafe {
                std::slice::from_raw_parts_mut(out.get().add(first * batch), (end - first) * batch)
            };
            y.fill(T::ZERO);
            for at in first * lines..end * lines {
                let (outer, row) = (at / self.rows.count(), at % self.rows.count());
                let source = &source[at * line..][..line];
                let window = (self.outer.of(outer), self.rows.of(row));
                select_line(
                    pool.simd(),
                    &x[first * batch..end * batch],
                    source,
                    y,
                    window,
                    (&self.cols, self.inner, first * batch),
                );
            }
        });
        Ok(())
    }
}

simd_fn! {
    /// Combines a line of results with one row of their windows.
    fn combine_line<S, T: Number, C: Combine>(x: &[T], y: &mut [T], cols: &Table, inner: usize) {
        for (p, y) in y.chunks_exact_mut(inner).enumerate() {
            for &at in cols.of(p) {
                for (y, &x) in y.iter_mut().zip(&x[at..][..inner]) {
                    *y = C::combine(*y, x);
                }
            }
        }
    }

    /// Adds a line of the source to the places of the largest elements of its windows.
    fn select_line<S, T: Number>(
        x: &[T],
        source: &[T],
        y: &mut [T],
        window: (&[usize], &[usize]),
        table: (&Table, usize, usize),
    ) {
        let (cols, inner, base) = table;
        for (p, source) in source.chunks_exact(inner).enumerate() {
            let columns = cols.of(p);
            for (block, source) in source.chunks(SELECT_LANES).enumerate() {
                let (first, lanes) = (block * SELECT_LANES, source.len());
                let mut best = [T::LOWEST; SELECT_LANES];
                let mut place = [u32::MAX; SELECT_LANES];
                let mut tap = 0;
                for &o in window.0 {
                    for (&r, &c) in window.1.iter().flat_map(|r| columns.iter().map(move |c| (r, c))) {
                        let x = &x[o + r + c + first - base..][..lanes];
                        for l in 0..lanes {
                            let better = tap == 0 || x[l].exceeds(best[l]);
                            best[l] = if better { x[l] } else { best[l] };
                            place[l] = if better { tap } else { place[l] };
                        }
                        tap += 1;
                    }
                }
                let mut tap = 0;
                for &o in window.0 {
                    for (&r, &c) in window.1.iter().flat_map(|r| columns.iter().map(move |c| (r, c))) {
                        let y = &mut y[o + r + c + first - base..][..lanes];
                        for l in 0..lanes {
                            y[l] = y[l].plus(if place[l] == tap { source[l] } else { T::ZERO });
                        }
                        tap += 1;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{assert_close, pools, random};

    fn index(dims: &[usize], mut at: usize) -> Vec<usize> {
        let mut all = vec![0; dims.len()];
        for d in (0..dims.len()).rev() {
            (all[d], at) = (at % dims[d], at / dims[d]);
        }
        all
    }

    /// The elements of window `p`, in row-major order.
    fn elements(dims: &[usize], w: &Window, p: &[usize]) -> Vec<usize> {
        let taps: usize = w.size.iter().product();
        let tap = |t: usize| {
            let t = index(&w.size, t);
            let mut at = 0;
            for d in 0..dims.len() {
                let i = (p[d] * w.strides[d] + t[d] * w.dilation[d]) as i64 - w.padding[d].0;
                let step = w.base_dilation[d] as i64;
                if i < 0 || i % step != 0 || i / step >= dims[d] as i64 {
                    return None;
                }
                at = at * dims[d] + (i / step) as usize;
            }
            Some(at)
        };
        (0..taps).filter_map(tap).collect()
    }

    fn check(dims: &[usize], w: &Window) {
        let plan = WindowPlan::new(dims, w).unwrap();
        let len: usize = dims.iter().product();
        let out: usize = plan.out_dims.iter().product();
        // Few different values, so that equals occur.
        let x: Vec<f32> = random(len, 1).iter().map(|x| (x * 4.0).round()).collect();
        let source = random(out, 2);
        let windows: Vec<Vec<usize>> = (0..out)
            .map(|p| elements(dims, w, &index(&plan.out_dims, p)))
            .collect();
        let fold = |f: fn(f32, f32) -> f32, start: f32| -> Vec<f32> {
            windows
                .iter()
                .map(|e| e.iter().fold(start, |s, &i| f(s, x[i])))
                .collect()
        };
        let (sum, max) = (fold(|a, b| a + b, 0.0), fold(f32::max, f32::NEG_INFINITY));
        let mut scattered = vec![0.0f32; len];
        for (e, s) in windows.iter().zip(&source) {
            let mut best: Option<usize> = None;
            for &i in e {
                if best.is_none_or(|b| x[i] > x[b]) {
                    best = Some(i);
                }
            }
            if let Some(b) = best {
                scattered[b] += s;
            }
        }
        for pool in pools().iter().flatten() {
            let mut y = vec![f32::NAN; out];
            plan.reduce(pool, Reduction::Sum, &x, &mut y).unwrap();
            assert_close(&y, &sum, 1e-6);
            plan.reduce(pool, Reduction::Max, &x, &mut y).unwrap();
            assert_eq!(y, max);
            let mut y = vec![f32::NAN; len];
            plan.select_and_scatter(pool, &x, &source, &mut y).unwrap();
            assert_close(&y, &scattered, 1e-6);
        }
    }

    fn window(size: &[usize], strides: &[usize], padding: &[(i64, i64)]) -> Window {
        Window {
            size: size.to_vec(),
            strides: strides.to_vec(),
            padding: padding.to_vec(),
            base_dilation: vec![1; size.len()],
            dilation: vec![1; size.len()],
        }
    }

    #[test]
    fn images() {
        let none = (0, 0);
        for c in [1, 3, 16, 67] {
            for (k, s, p) in [(2, 2, none), (3, 2, (0, 1)), (3, 1, (1, 1)), (2, 3, (1, 0))] {
                check(
                    &[3, 7, 9, c],
                    &window(&[1, k, k, 1], &[1, s, s, 1], &[none, p, p, none]),
                );
            }
        }
        check(
            &[40, 8, 8, 16],
            &window(&[1, 2, 2, 1], &[1, 2, 2, 1], &[none; 4]),
        );
    }

    #[test]
    fn other_ranks_layouts_and_dilations() {
        let none = (0, 0);
        check(&[13], &window(&[3], &[2], &[(1, 1)]));
        check(
            &[2, 11, 3],
            &window(&[1, 4, 1], &[1, 2, 1], &[none, (2, 1), none]),
        );
        check(
            &[2, 3, 6, 5],
            &window(&[1, 1, 3, 2], &[1, 1, 2, 1], &[none, none, (1, 1), none]),
        );
        check(
            &[2, 5, 6, 4, 3],
            &window(
                &[1, 2, 3, 2, 1],
                &[1, 2, 1, 2, 1],
                &[none, (1, 1), (1, 1), none, none],
            ),
        );
        check(&[4, 5], &window(&[1, 1], &[1, 1], &[none; 2]));
        check(
            &[3, 2, 4],
            &window(&[2, 1, 1], &[1, 1, 1], &[(1, 0), none, none]),
        );
        let mut w = window(&[1, 3, 3, 1], &[1, 1, 2, 1], &[none, (2, 2), (-1, 1), none]);
        w.base_dilation = vec![1, 2, 1, 1];
        w.dilation = vec![1, 1, 2, 1];
        check(&[2, 5, 8, 3], &w);
    }

    #[test]
    fn nan_wins() {
        let plan = WindowPlan::new(&[4], &window(&[2], &[2], &[(0, 0)])).unwrap();
        let x = [1.0, f32::NAN, f32::NAN, 2.0];
        let pool = Pool::new(1);
        let mut y = [0.0; 2];
        plan.reduce(&pool, Reduction::Max, &x, &mut y).unwrap();
        assert!(y.iter().all(|y| y.is_nan()));
        let mut y = [0.0; 4];
        plan.select_and_scatter(&pool, &x, &[1.0, 1.0], &mut y)
            .unwrap();
        assert_eq!(y, [0.0, 1.0, 1.0, 0.0]);
    }
}
