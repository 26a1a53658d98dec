//! Strided views: what reshapes, transposes, slices, reversals and broadcasts are until somebody needs the elements side
//! by side.

/// Elements of a buffer by strides, outermost dimension first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// The first element.
    pub offset: usize,
    /// Sizes.
    pub dims: Vec<usize>,
    /// Distances, in elements.
    pub strides: Vec<isize>,
}

/// Row-major strides.
pub fn dense_strides(dims: &[usize]) -> Vec<isize> {
    let mut strides = vec![1isize; dims.len()];
    for i in (1..dims.len()).rev() {
        strides[i - 1] = strides[i] * dims[i].max(1) as isize;
    }
    strides
}

/// Whether these strides are row-major; those of dimensions of size 1 do not count.
pub fn is_dense(dims: &[usize], strides: &[isize]) -> bool {
    let dense = dense_strides(dims);
    let same = |i: usize| dims[i] == 1 || strides[i] == dense[i];
    (0..dims.len()).all(same)
}

/// Whether all strides are 0; those of dimensions of size 1 do not count.
pub fn is_repeated(dims: &[usize], strides: &[isize]) -> bool {
    dims.iter().zip(strides).all(|(&d, &s)| d == 1 || s == 0)
}

/// The same walk in as few dimensions as possible, one at least.
pub fn collapse(dims: &[usize], strides: &[isize]) -> (Vec<usize>, Vec<isize>) {
    let (mut out_dims, mut out_strides): (Vec<usize>, Vec<isize>) = (Vec::new(), Vec::new());
    for (&d, &s) in dims.iter().zip(strides) {
        if d == 1 {
            continue;
        }
        if let (Some(last), Some(stride)) = (out_dims.last_mut(), out_strides.last_mut())
            && *stride == s * d as isize
        {
            *last *= d;
            *stride = s;
        } else {
            out_dims.push(d);
            out_strides.push(s);
        }
    }
    if out_dims.is_empty() {
        return (vec![1], vec![1]);
    }
    (out_dims, out_strides)
}

impl View {
    /// A whole buffer in row-major order.
    pub fn dense(dims: &[usize]) -> View {
        View {
            offset: 0,
            dims: dims.to_vec(),
            strides: dense_strides(dims),
        }
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether the elements lie side by side in row-major order (perhaps not at the buffer's beginning).
    pub fn is_contiguous(&self) -> bool {
        is_dense(&self.dims, &self.strides)
    }

    /// Whether it is the buffer's beginning in row-major order.
    pub fn is_identity(&self) -> bool {
        self.offset == 0 && self.is_contiguous()
    }

    /// Dimension `i` of this becomes dimension `to[i]`; size 1 is repeated.
    pub fn broadcast(&self, dims: &[usize], to: &[usize]) -> View {
        let mut strides = vec![0; dims.len()];
        for (i, &t) in to.iter().enumerate() {
            if self.dims[i] != 1 {
                strides[t] = self.strides[i];
            }
        }
        View {
            offset: self.offset,
            dims: dims.to_vec(),
            strides,
        }
    }

    /// Dimension `i` of the result is dimension `perm[i]` of this.
    pub fn transpose(&self, perm: &[usize]) -> View {
        View {
            offset: self.offset,
            dims: perm.iter().map(|&p| self.dims[p]).collect(),
            strides: perm.iter().map(|&p| self.strides[p]).collect(),
        }
    }

    /// Every `steps[i]`th element from `starts[i]` on, `dims[i]` of them.
    pub fn slice(&self, starts: &[usize], dims: &[usize], steps: &[usize]) -> View {
        if dims.contains(&0) {
            return View::dense(dims);
        }
        let first: isize = starts
            .iter()
            .zip(&self.strides)
            .map(|(&s, &d)| s as isize * d)
            .sum();
        View {
            offset: self.offset.wrapping_add_signed(first),
            dims: dims.to_vec(),
            strides: self
                .strides
                .iter()
                .zip(steps)
                .map(|(&d, &s)| d * s as isize)
                .collect(),
        }
    }

    /// These dimensions backwards.
    pub fn reverse(&self, axes: &[usize]) -> View {
        let mut view = self.clone();
        for &a in axes {
            if self.dims[a] > 1 {
                let last = (self.dims[a] - 1) as isize * self.strides[a];
                view.offset = view.offset.wrapping_add_signed(last);
                view.strides[a] = -self.strides[a];
            }
        }
        view
    }

    /// The same elements in row-major order under other dimensions, if strides can say it.
    pub fn reshape(&self, dims: &[usize]) -> Option<View> {
        if self.numel() == 0 {
            return Some(View::dense(dims));
        }
        let (from_dims, from_strides) = collapse(&self.dims, &self.strides);
        let mut strides = vec![0isize; dims.len()];
        // Each collapsed dimension must be the product of some of the new ones, from the innermost on.
        let mut at = dims.len();
        for (&size, &stride) in from_dims.iter().zip(&from_strides).rev() {
            let mut done = 1;
            while done < size {
                if at == 0 {
                    return None;
                }
                at -= 1;
                if size % (done * dims[at]) != 0 {
                    return None;
                }
                strides[at] = stride * done as isize;
                done *= dims[at];
            }
        }
        dims[..at].iter().all(|&d| d == 1).then(|| View {
            offset: self.offset,
            dims: dims.to_vec(),
            strides,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(view: &View) -> Vec<usize> {
        let n = view.numel();
        (0..n)
            .map(|mut i| {
                let mut at = view.offset as isize;
                for (&d, &s) in view.dims.iter().zip(&view.strides).rev() {
                    at += (i % d) as isize * s;
                    i /= d;
                }
                at as usize
            })
            .collect()
    }

    #[test]
    fn views_compose() {
        let x = View::dense(&[2, 3, 4]);
        let y = x
            .transpose(&[2, 0, 1])
            .slice(&[1, 0, 0], &[2, 2, 3], &[2, 1, 1]);
        assert_eq!(elements(&y), [1, 5, 9, 13, 17, 21, 3, 7, 11, 15, 19, 23]);
        let z = y.reverse(&[0]).reshape(&[2, 6]);
        assert_eq!(
            elements(&z.unwrap_or(View::dense(&[]))),
            [3, 7, 11, 15, 19, 23, 1, 5, 9, 13, 17, 21]
        );
    }

    #[test]
    fn a_reshape_that_strides_cannot_say_is_refused() {
        let x = View::dense(&[2, 3]).transpose(&[1, 0]);
        assert_eq!(x.reshape(&[6]), None);
        assert_eq!(
            x.reshape(&[3, 2, 1]).map(|v| elements(&v)),
            Some(vec![0, 3, 1, 4, 2, 5])
        );
        let repeated = View::dense(&[3]).broadcast(&[2, 3], &[1]);
        assert_eq!(repeated.reshape(&[6]), None);
        assert_eq!(elements(&repeated), [0, 1, 2, 0, 1, 2]);
    }
}
