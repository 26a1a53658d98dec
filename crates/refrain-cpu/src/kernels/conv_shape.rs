//! Shapes of two-dimensional convolutions, for all kernels that compute them.

/// A two-dimensional convolution: images `[n, h, w, c]`, kernel `[kh, kw, c / groups, o]`, result `[n, oh, ow, o]`.
///
/// Result `(y, x)` reads image element `(y·stride_h + i·dilation_h − pad_top, x·stride_w + j·dilation_w − pad_left)`
/// through kernel element `(i, j)`; elements outside the image are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Conv2dShape {
    pub n: usize,
    pub h: usize,
    pub w: usize,
    pub c: usize,
    pub kh: usize,
    pub kw: usize,
    pub o: usize,
    pub stride_h: usize,
    pub stride_w: usize,
    pub dilation_h: usize,
    pub dilation_w: usize,
    pub pad_top: isize,
    pub pad_left: isize,
    pub groups: usize,
    pub oh: usize,
    pub ow: usize,
}

impl Conv2dShape {
    /// Size of the images.
    pub(super) fn image(&self) -> ImageSize {
        ImageSize {
            h: self.h,
            w: self.w,
            c: self.c,
        }
    }

    /// Size of the results.
    pub(super) fn result(&self) -> ImageSize {
        ImageSize {
            h: self.oh,
            w: self.ow,
            c: self.o,
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        let positive = [
            self.stride_h,
            self.stride_w,
            self.dilation_h,
            self.dilation_w,
            self.groups,
            self.kh,
            self.kw,
        ];
        positive.iter().all(|&x| x > 0)
            && self.c.is_multiple_of(self.groups)
            && self.o.is_multiple_of(self.groups)
            && [self.x_len(), self.y_len(), self.w_len()]
                .iter()
                .all(Option::is_some)
    }

    pub(super) fn x_len(&self) -> Option<usize> {
        product(&[self.n, self.h, self.w, self.c])
    }

    pub(super) fn y_len(&self) -> Option<usize> {
        product(&[self.n, self.oh, self.ow, self.o])
    }

    pub(super) fn w_len(&self) -> Option<usize> {
        product(&[self.kh, self.kw, self.c / self.groups, self.o])
    }

    /// Whether each output element reads the one input pixel at its place.
    pub(super) fn is_pointwise(&self) -> bool {
        self.groups == 1
            && self.kh * self.kw * self.stride_h * self.stride_w == 1
            && self.pad_top == 0
            && self.pad_left == 0
            && (self.oh, self.ow) == (self.h, self.w)
    }

    /// Multiply-adds of one pass.
    pub fn multiply_adds(&self) -> usize {
        self.n * self.oh * self.ow * self.kh * self.kw * (self.c / self.groups.max(1)) * self.o
    }
}

/// What is computed of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvPass {
    /// Its result.
    Forward,
    /// The gradient of its images.
    InputGradient,
    /// The gradient of its kernel.
    KernelGradient,
}

/// Size of an image.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub(super) struct ImageSize {
    pub h: usize,
    pub w: usize,
    pub c: usize,
}

fn product(dims: &[usize]) -> Option<usize> {
    dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d))
}
