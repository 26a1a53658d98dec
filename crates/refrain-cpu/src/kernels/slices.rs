//! Slices of a tensor at positions that are data: gather and scatter.
//!
//! Both walk over the index vectors in row-major order and, for each, over a window of the operand and of the result
//! (or the updates). Windows without gaps, such as rows of an embedding, are copied or combined as one run.

use super::LengthError;
use super::number::Number;
use super::pool::{Pool, SharedPtr};
use crate::simd::simd_fn;
use refrain_graph::{GatherDims, ScatterDims, ScatterKind};

/// Elements moved that are worth a task of their own: some 10 µs.
const TASK_WORK: usize = 1 << 15;
/// Parts of the operand that are updated by tasks of their own. Each reads all indices.
const SCATTER_PARTS: usize = 8;
/// Least length of rows that is worth reading all indices in every task.
const SCATTER_ROW: usize = 16;

/// Index vectors of any integer type.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Indices<'a> {
    I32(&'a [i32]),
    I64(&'a [i64]),
    U32(&'a [u32]),
    U8(&'a [u8]),
}

impl Indices<'_> {
    /// Number of components of all vectors.
    pub fn len(&self) -> usize {
        match self {
            Indices::I32(i) => i.len(),
            Indices::I64(i) => i.len(),
            Indices::U32(i) => i.len(),
            Indices::U8(i) => i.len(),
        }
    }

    #[inline(always)]
    fn at(&self, i: usize) -> i64 {
        match self {
            Indices::I32(v) => i64::from(v[i]),
            Indices::I64(v) => v[i],
            Indices::U32(v) => i64::from(v[i]),
            Indices::U8(v) => i64::from(v[i]),
        }
    }
}

/// A dimension of the index vectors' grid.
#[derive(Clone, Copy, Debug)]
struct BatchDim {
    size: usize,
    index_stride: usize,
    result_stride: usize,
}

/// A dimension of a window.
#[derive(Clone, Copy, Debug)]
struct WindowDim {
    size: usize,
    operand_stride: usize,
    result_stride: usize,
    operand_dim: usize,
}

/// A component of an index vector.
#[derive(Clone, Copy, Debug)]
struct Component {
    offset: usize,
    operand_stride: usize,
    operand_dim: usize,
    /// Largest start at which the whole window is inside.
    last: i64,
}

/// A gather or a scatter, planned for its shapes.
#[derive(Clone, Debug)]
pub struct SlicePlan {
    operand_dims: Vec<usize>,
    batch: Vec<BatchDim>,
    window: Vec<WindowDim>,
    /// The window with dimensions joined that lie without gaps on both sides, less the run.
    outer: Vec<WindowDim>,
    /// Elements side by side on both sides.
    run: usize,
    components: Vec<Component>,
    index_len: usize,
    result_dims: Vec<usize>,
    /// Whether updates of one place come in row-major order if they are taken window by window.
    in_order: bool,
}

/// Elements from one index to the next along each dimension of a tensor without gaps.
fn strides(dims: &[usize]) -> Vec<usize> {
    let mut all = vec![1; dims.len()];
    for d in (1..dims.len()).rev() {
        all[d - 1] = all[d] * dims[d];
    }
    all
}

fn len_of(dims: &[usize]) -> Result<usize, LengthError> {
    let len = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    len.ok_or(LengthError)
}

/// Joins window dimensions that follow each other without gaps.
fn join(window: &[WindowDim]) -> (Vec<WindowDim>, usize) {
    let mut joined: Vec<WindowDim> = Vec::new();
    for &e in window.iter().filter(|e| e.size != 1) {
        match joined.last_mut() {
            Some(l)
                if l.operand_stride == e.size * e.operand_stride
                    && l.result_stride == e.size * e.result_stride =>
            {
                *l = WindowDim {
                    size: l.size * e.size,
                    ..e
                };
            }
            _ => joined.push(e),
        }
    }
    match joined.last() {
        Some(l) if (l.operand_stride, l.result_stride) == (1, 1) => {
            let run = l.size;
            joined.pop();
            (joined, run)
        }
        _ => (joined, 1),
    }
}

impl SlicePlan {
    /// The plan of a gather.
    ///
    /// # Errors
    /// If the dimension numbers do not fit the shapes.
    pub fn gather(
        operand: &[usize],
        indices: &[usize],
        dims: &GatherDims,
    ) -> Result<Self, LengthError> {
        if dims.slice_sizes.len() != operand.len() {
            return Err(LengthError);
        }
        let slice = |d: usize| dims.slice_sizes[d].unwrap_or(operand[d]);
        let kept = (0..operand.len()).filter(|d| !dims.collapsed_slice_dims.contains(d));
        let mut windows = kept.map(slice);
        let mut grid = indices
            .iter()
            .enumerate()
            .filter(|(d, _)| *d != dims.index_vector_dim);
        let vectors = indices.len() - usize::from(dims.index_vector_dim < indices.len());
        let result: Option<Vec<usize>> = (0..vectors + dims.offset_dims.len())
            .map(|d| {
                if dims.offset_dims.contains(&d) {
                    windows.next()
                } else {
                    grid.next().map(|g| *g.1)
                }
            })
            .collect();
        let numbers = Numbers {
            window: &dims.offset_dims,
            dropped: &dims.collapsed_slice_dims,
            map: &dims.start_index_map,
            vector: dims.index_vector_dim,
        };
        Self::new(operand, indices, result.ok_or(LengthError)?, numbers)
    }

    /// The plan of a scatter.
    ///
    /// # Errors
    /// If the dimension numbers do not fit the shapes.
    pub fn scatter(
        operand: &[usize],
        indices: &[usize],
        updates: &[usize],
        dims: &ScatterDims,
    ) -> Result<Self, LengthError> {
        let numbers = Numbers {
            window: &dims.update_window_dims,
            dropped: &dims.inserted_window_dims,
            map: &dims.scatter_dims_to_operand_dims,
            vector: dims.index_vector_dim,
        };
        Self::new(operand, indices, updates.to_vec(), numbers)
    }

    fn new(
        operand: &[usize],
        indices: &[usize],
        result: Vec<usize>,
        n: Numbers,
    ) -> Result<Self, LengthError> {
        len_of(operand)?;
        len_of(&result)?;
        let (operand_strides, index_strides) = (strides(operand), strides(indices));
        let axes = n.axes(operand, indices, &result).ok_or(LengthError)?;
        let window = axes.window_dims(n.window, &operand_strides, &result);
        let batch = axes.batch_dims(indices, &result);
        let mut places = axes.places.iter().zip(&batch);
        let sizes_agree = places.all(|(&d, b)| result[d] == b.size);
        let size_of = |d: usize| {
            window
                .iter()
                .find(|e| e.operand_dim == d)
                .map_or(1, |e| e.size)
        };
        let fits = (0..operand.len()).all(|d| size_of(d) <= operand[d]);
        if !sizes_agree || !fits && !result.contains(&0) {
            return Err(LengthError);
        }
        let components = n.map.iter().enumerate().map(|(k, &d)| Component {
            offset: k * index_strides.get(n.vector).copied().unwrap_or(1),
            operand_stride: operand_strides[d],
            operand_dim: d,
            last: operand[d] as i64 - size_of(d) as i64,
        });
        let (outer, run) = join(&window);
        let first = result.len() - n.window.len();
        // Windows one element wide along whatever the indices address meet at the same offset only.
        let narrow = |e: &WindowDim| e.size == 1 || !n.map.contains(&e.operand_dim);
        Ok(SlicePlan {
            in_order: n.window.iter().all(|&d| d >= first) || window.iter().all(narrow),
            operand_dims: operand.to_vec(),
            components: components.collect(),
            index_len: len_of(indices)?,
            batch,
            window,
            outer,
            run,
            result_dims: result,
        })
    }

    fn vectors(&self) -> usize {
        self.batch.iter().map(|b| b.size).product()
    }

    fn holds(&self, operand: usize, indices: usize, result: usize) -> Result<(), LengthError> {
        let fits = len_of(&self.operand_dims)? <= operand
            && self.index_len <= indices
            && len_of(&self.result_dims)? <= result;
        fits.then_some(()).ok_or(LengthError)
    }

    /// Where an index vector begins, and its place in the result.
    #[inline(always)]
    fn place(&self, mut vector: usize) -> (usize, usize) {
        let (mut index, mut result) = (0, 0);
        for b in self.batch.iter().rev() {
            let i = vector % b.size;
            vector /= b.size;
            index += i * b.index_stride;
            result += i * b.result_stride;
        }
        (index, result)
    }

    /// Calls `f` with the operand's and result's offset of each run of a window, in row-major order.
    #[inline(always)]
    fn each_run(&self, mut f: impl FnMut(usize, usize)) {
        let runs: usize = self.outer.iter().map(|e| e.size).product();
        for mut i in 0..runs {
            let (mut operand, mut result) = (0, 0);
            for e in self.outer.iter().rev() {
                operand += i % e.size * e.operand_stride;
                result += i % e.size * e.result_stride;
                i /= e.size;
            }
            f(operand, result);
        }
    }

    /// Copies the slices at the given starts, which are clamped so that slices fit (`op::Gather`).
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn run_gather<T: Copy + Send + Sync>(
        &self,
        pool: &Pool,
        operand: &[T],
        indices: Indices,
        result: &mut [T],
    ) -> Result<(), LengthError> {
        self.holds(operand.len(), indices.len(), result.len())?;
        if self.result_dims.contains(&0) {
            return Ok(());
        }
        let window: usize = self.window.iter().map(|e| e.size).product();
        let each = TASK_WORK.div_ceil(window);
        let vectors = self.vectors();
        let out = SharedPtr(result.as_mut_ptr());
        pool.run(vectors.div_ceil(each), &|task| {
            for vector in task * each..vectors.min(task * each + each) {
                let (index, place) = self.place(vector);
                let start: usize = self
                    .components
                    .iter()
                    .map(|c| {
                        indices.at(index + c.offset).clamp(0, c.last) as usize * c.operand_stride
                    })
                    .sum();
                self.each_run(|from, to| {
                    let from = &operand[start + from..][..self.run];
                    // SAFETY: `holds` has found the result long enough; index vectors have places of their own in it.
                    let to = unsafe {
                        std::slice::from_raw_parts_mut(out.get().add(place + to), self.run)
                    };
                    to.copy_from_slice(from);
                });
            }
        });
        Ok(())
    }

    /// Combines the updates with what is in `operand` (`op::Scatter`), in row-major order of the updates. Updates of
    /// places outside the operand are skipped.
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn run_scatter<T: Number>(
        &self,
        pool: &Pool,
        kind: ScatterKind,
        operand: &mut [T],
        indices: Indices,
        updates: &[T],
    ) -> Result<(), LengthError> {
        let simd = pool.simd();
        match kind {
            ScatterKind::Set => self.run_scatter_set(pool, operand, indices, updates),
            ScatterKind::Add => {
                self.update(pool, operand, indices, updates, |x, u| add_run(simd, x, u))
            }
            ScatterKind::Max => self.combine(pool, operand, indices, updates, T::larger),
            ScatterKind::Min => self.combine(pool, operand, indices, updates, T::smaller),
            ScatterKind::Multiply => self.combine(pool, operand, indices, updates, T::times),
        }
    }

    /// [`SlicePlan::run_scatter`] of [`ScatterKind::Set`] for elements of any type.
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn run_scatter_set<T: Copy + Send + Sync>(
        &self,
        pool: &Pool,
        operand: &mut [T],
        indices: Indices,
        updates: &[T],
    ) -> Result<(), LengthError> {
        if self.in_order {
            return self.update(pool, operand, indices, updates, |x, u| x.copy_from_slice(u));
        }
        self.holds(operand.len(), indices.len(), updates.len())?;
        if !self.operand_dims.contains(&0) {
            self.set_in_order(operand, indices, updates);
        }
        Ok(())
    }

    /// The scatters that are rare enough to share their code.
    fn combine<T: Number>(
        &self,
        pool: &Pool,
        operand: &mut [T],
        indices: Indices,
        updates: &[T],
        one: fn(T, T) -> T,
    ) -> Result<(), LengthError> {
        self.update(pool, operand, indices, updates, |x, u| each(x, u, one))
    }

    fn update<T: Copy + Send + Sync>(
        &self,
        pool: &Pool,
        operand: &mut [T],
        indices: Indices,
        updates: &[T],
        combine: impl Fn(&mut [T], &[T]) + Sync,
    ) -> Result<(), LengthError> {
        self.holds(operand.len(), indices.len(), updates.len())?;
        if self.result_dims.contains(&0) || self.operand_dims.contains(&0) {
            return Ok(());
        }
        let len = len_of(&self.operand_dims)?;
        let vectors = self.vectors();
        if let ([c], true) = (&self.components[..], self.outer.is_empty()) {
            // Whole rows: those of different index never overlap, so ranges of rows may be updated side by side.
            if c.operand_stride == self.run && self.run >= SCATTER_ROW && c.operand_dim == 0 {
                let rows = len / self.run;
                let parts = (vectors * self.run / TASK_WORK).clamp(1, SCATTER_PARTS);
                let each = rows.div_ceil(parts);
                pool.for_chunks_mut(&mut operand[..len], each * self.run, |part, rows| {
                    let (first, count) = ((part * each) as i64, rows.len() / self.run);
                    for vector in 0..vectors {
                        let (index, place) = self.place(vector);
                        let row = indices.at(index + c.offset).wrapping_sub(first);
                        if row >= 0 && row < count as i64 {
                            let x = &mut rows[row as usize * self.run..][..self.run];
                            combine(x, &updates[place..][..self.run]);
                        }
                    }
                });
                return Ok(());
            }
        }
        for vector in 0..vectors {
            self.update_one(operand, indices, updates, vector, &combine);
        }
        Ok(())
    }

    fn update_one<T: Copy>(
        &self,
        operand: &mut [T],
        indices: Indices,
        updates: &[T],
        vector: usize,
        combine: &impl Fn(&mut [T], &[T]),
    ) {
        let (index, place) = self.place(vector);
        let start = |c: &Component| indices.at(index + c.offset);
        if self
            .components
            .iter()
            .all(|c| (0..=c.last).contains(&start(c)))
        {
            let first: usize = self
                .components
                .iter()
                .map(|c| start(c) as usize * c.operand_stride)
                .sum();
            self.each_run(|to, from| {
                combine(
                    &mut operand[first + to..][..self.run],
                    &updates[place + from..][..self.run],
                );
            });
            return;
        }
        // Partly outside: element by element.
        let elements: usize = self.window.iter().map(|e| e.size).product();
        for mut i in 0..elements {
            let mut from = place;
            for e in self.window.iter().rev() {
                from += i % e.size * e.result_stride;
                i /= e.size;
            }
            if let Some(to) = self.target(indices, index, from) {
                combine(&mut operand[to..=to], &updates[from..=from]);
            }
        }
    }

    /// Replaces what is there, in row-major order of the updates whatever their layout.
    fn set_in_order<T: Copy>(&self, operand: &mut [T], indices: Indices, updates: &[T]) {
        let len = self.result_dims.iter().product();
        for (from, &update) in updates[..len].iter().enumerate() {
            let index = |b: &BatchDim| from / b.result_stride % b.size * b.index_stride;
            let index = self.batch.iter().map(index).sum();
            if let Some(to) = self.target(indices, index, from) {
                operand[to] = update;
            }
        }
    }

    /// The place of the update at `from`, whose index vector begins at `index`, if it is inside the operand.
    fn target(&self, indices: Indices, index: usize, from: usize) -> Option<usize> {
        let start = |c: &Component| indices.at(index + c.offset);
        let (mut to, mut inside) = (0, true);
        for e in &self.window {
            let at = (from / e.result_stride % e.size) as i64;
            to += at as usize * e.operand_stride;
            let mut moved = (self.components.iter()).filter(|c| c.operand_dim == e.operand_dim);
            inside &= moved.all(|c| {
                let x = start(c).checked_add(at);
                x.is_some_and(|x| x >= 0 && x < self.operand_dims[e.operand_dim] as i64)
            });
        }
        for c in &self.components {
            let dropped = self.window.iter().all(|e| e.operand_dim != c.operand_dim);
            inside &= !dropped || (0..=c.last).contains(&start(c));
        }
        inside.then(|| {
            let first = |c: &Component| start(c) * c.operand_stride as i64;
            let first: i64 = self.components.iter().map(first).sum();
            (first + to as i64) as usize
        })
    }
}

/// The parts of the dimension numbers that gather and scatter share.
struct Numbers<'a> {
    window: &'a [usize],
    dropped: &'a [usize],
    map: &'a [usize],
    vector: usize,
}

/// Axes in the order in which they belong to each other.
struct Axes {
    /// The operand's that the window moves over.
    kept: Vec<usize>,
    /// The indices' but that of their vectors.
    grid: Vec<usize>,
    /// The result's that the window has not.
    places: Vec<usize>,
}

impl Axes {
    fn window_dims(
        &self,
        window: &[usize],
        operand_strides: &[usize],
        result: &[usize],
    ) -> Vec<WindowDim> {
        let strides = strides(result);
        let dims = self.kept.iter().zip(window);
        let dims = dims.map(|(&operand_dim, &d)| WindowDim {
            size: result[d],
            operand_stride: operand_strides[operand_dim],
            result_stride: strides[d],
            operand_dim,
        });
        dims.collect()
    }

    fn batch_dims(&self, indices: &[usize], result: &[usize]) -> Vec<BatchDim> {
        let (index_strides, result_strides) = (strides(indices), strides(result));
        let dims = self.grid.iter().zip(&self.places);
        let dims = dims.map(|(&g, &d)| BatchDim {
            size: indices[g],
            index_stride: index_strides[g],
            result_stride: result_strides[d],
        });
        dims.collect()
    }
}

impl Numbers<'_> {
    /// The axes of these shapes, if the numbers fit them.
    fn axes(&self, operand: &[usize], indices: &[usize], result: &[usize]) -> Option<Axes> {
        let axes = Axes {
            kept: (0..operand.len())
                .filter(|d| !self.dropped.contains(d))
                .collect(),
            grid: (0..indices.len()).filter(|&d| d != self.vector).collect(),
            places: (0..result.len())
                .filter(|d| !self.window.contains(d))
                .collect(),
        };
        let per_vector = indices.get(self.vector).copied().unwrap_or(1);
        let known = self.window.iter().all(|&d| d < result.len())
            && self.window.is_sorted_by(|a, b| a < b)
            && self.map.iter().all(|&d| d < operand.len())
            && (1..self.map.len()).all(|i| !self.map[..i].contains(&self.map[i]));
        let counts = axes.kept.len() == self.window.len()
            && axes.grid.len() == axes.places.len()
            && per_vector == self.map.len();
        (known && counts && self.vector <= indices.len()).then_some(axes)
    }
}

fn each<T: Copy>(x: &mut [T], u: &[T], f: impl Fn(T, T) -> T) {
    x.iter_mut().zip(u).for_each(|(x, &u)| *x = f(*x, u));
}

simd_fn! {
    fn add_run<S, T: Number>(x: &mut [T], u: &[T]) {
        for (x, &u) in x.iter_mut().zip(u) {
            *x = x.plus(u);
        }
    }
}

#[cfg(test)]
#[path = "slices_tests.rs"]
mod tests;
