//! How a convolution walks over an image, and the padded copies of parts of images that it walks over.
//!
//! Everything is said per axis: which elements of a padded copy each output position reads, and where its result goes.
//! A forward convolution is one walk; the gradient of its input is one walk over the output's gradient for each
//! remainder of the position by the stride.

use super::conv_shape::Conv2dShape;

/// One element of the kernel along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tap {
    /// Its index in the kernel.
    pub kernel: usize,
    /// What it reads, from the position's first element on.
    pub offset: usize,
}

/// A walk along one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// The source's element that is element 0 of the padded copy.
    pub origin: isize,
    /// Elements of the padded copy that positions read.
    pub extent: usize,
    /// From one position to the next, in the padded copy.
    pub step: usize,
    /// Number of positions.
    pub count: usize,
    /// Ordered by offset.
    pub taps: Vec<Tap>,
    /// The result's place of position 0.
    pub first: usize,
    /// From one position's place to the next.
    pub place_step: usize,
}

/// The numbers of a convolution along one axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AxisShape {
    pub size: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub pad: isize,
    pub out: usize,
}

impl AxisShape {
    /// The axes (vertical, horizontal) of a shape.
    pub fn of(s: &Conv2dShape) -> [AxisShape; 2] {
        [
            AxisShape {
                size: s.h,
                kernel: s.kh,
                stride: s.stride_h,
                dilation: s.dilation_h,
                pad: s.pad_top,
                out: s.oh,
            },
            AxisShape {
                size: s.w,
                kernel: s.kw,
                stride: s.stride_w,
                dilation: s.dilation_w,
                pad: s.pad_left,
                out: s.ow,
            },
        ]
    }

    /// The walk of the forward convolution.
    pub fn forward(&self) -> Axis {
        let taps = (0..self.kernel).map(|k| Tap {
            kernel: k,
            offset: k * self.dilation,
        });
        Axis::new(-self.pad, self.stride, self.out, taps.collect(), (0, 1))
    }

    /// The walks of the input's gradient over the output's gradient, one per remainder of the stride.
    ///
    /// Output `o` reads input `i = o·stride + k·dilation − pad`; so input `i` with `i + pad = r + stride·q` is read
    /// through the taps with `k·dilation = r + stride·t`, by output `q − t`.
    pub fn backward(&self) -> Vec<Axis> {
        (0..self.stride.min(self.size.max(1)))
            .map(|first| self.backward_from(first))
            .filter(|axis| axis.count > 0)
            .collect()
    }

    fn backward_from(&self, first: usize) -> Axis {
        let stride = self.stride as isize;
        let shifted = first as isize + self.pad;
        let (rest, q) = (shifted.rem_euclid(stride), shifted.div_euclid(stride));
        let steps: Vec<(usize, usize)> = (0..self.kernel)
            .filter(|k| (k * self.dilation) as isize % stride == rest)
            .map(|k| (k, k * self.dilation / self.stride))
            .collect();
        let last = steps.last().map_or(0, |s| s.1);
        let taps = steps.iter().rev().map(|&(kernel, t)| Tap {
            kernel,
            offset: last - t,
        });
        let count = self.size.saturating_sub(first).div_ceil(self.stride);
        Axis::new(
            q - last as isize,
            1,
            count,
            taps.collect(),
            (first, self.stride),
        )
    }
}

impl Axis {
    fn new(
        origin: isize,
        step: usize,
        count: usize,
        taps: Vec<Tap>,
        (first, place_step): (usize, usize),
    ) -> Axis {
        let last = taps.last().map_or(0, |t| t.offset);
        let extent = count.saturating_sub(1) * step + last + 1;
        Axis {
            origin,
            extent,
            step,
            count,
            taps,
            first,
            place_step,
        }
    }

    /// Elements of the padded copy that `count` positions read.
    pub fn extent_of(&self, count: usize) -> usize {
        self.extent - (self.count - count) * self.step
    }

    /// Whether all positions read only elements that the source has.
    fn inside(&self, size: usize) -> bool {
        self.origin >= 0 && self.origin as usize + self.extent <= size
    }

    /// Whether the taps read elements side by side.
    fn gapless(&self) -> bool {
        self.taps.windows(2).all(|t| t[1].offset == t[0].offset + 1)
    }
}

/// Images of which a walk reads some channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImageSource {
    pub h: usize,
    pub w: usize,
    /// All channels.
    pub c: usize,
    /// Channels read at a time.
    pub channels: usize,
}

impl ImageSource {
    pub fn image(&self) -> usize {
        self.h * self.w * self.c
    }
}

/// Consecutive positions: some images whole, or some rows of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub image: usize,
    pub images: usize,
    pub row: usize,
    pub rows: usize,
}

/// A walk over images: both axes and the runs of elements that a position reads.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    pub source: ImageSource,
    pub rows: Axis,
    pub cols: Axis,
    /// Whether the images are read where they lie.
    pub in_place: bool,
    /// Elements of a row of what is read: the image or its padded copy.
    pub row_len: usize,
    /// Where each run of a position begins.
    pub runs: Vec<usize>,
    /// Elements of a run.
    pub run: usize,
}

impl Walk {
    pub fn new(source: ImageSource, rows: Axis, cols: Axis) -> Walk {
        let in_place =
            source.channels == source.c && rows.inside(source.h) && cols.inside(source.w);
        let row_len = if in_place { source.w } else { cols.extent } * source.channels;
        let merged = cols.gapless() && !cols.taps.is_empty();
        let (starts, run) = if merged {
            (&cols.taps[..1], cols.taps.len() * source.channels)
        } else {
            (&cols.taps[..], source.channels)
        };
        let runs = rows
            .taps
            .iter()
            .flat_map(|r| {
                starts
                    .iter()
                    .map(move |c| r.offset * row_len + c.offset * source.channels)
            })
            .collect();
        Walk {
            source,
            rows,
            cols,
            in_place,
            row_len,
            runs,
            run,
        }
    }

    /// Steps of the sums: elements that a position reads.
    pub fn depth(&self) -> usize {
        self.runs.len() * self.run
    }

    /// Cuts the positions of `n` images into spans whose padded copies have about `elements` elements at most, and of
    /// about `positions` positions at most.
    pub fn spans(&self, n: usize, elements: usize, positions: usize) -> Vec<Span> {
        let (count, row) = (self.rows.count, self.cols.extent * self.source.channels);
        if count == 0 || n == 0 || self.cols.count == 0 {
            return Vec::new();
        }
        let whole =
            (elements / (self.rows.extent * row).max(1)).min(positions / (count * self.cols.count));
        let span = |image, images, row, rows| Span {
            image,
            images,
            row,
            rows,
        };
        if whole >= 1 {
            let parts = n.div_ceil(whole);
            let each = n.div_ceil(parts);
            return (0..n)
                .step_by(each)
                .map(|i| span(i, each.min(n - i), 0, count))
                .collect();
        }
        let halo = self.rows.extent_of(1).saturating_sub(self.rows.step);
        let fit = (elements / row.max(1)).saturating_sub(halo) / self.rows.step;
        let fit = fit.min(positions / self.cols.count).clamp(1, count);
        let each = count.div_ceil(count.div_ceil(fit));
        (0..n)
            .flat_map(|i| {
                (0..count)
                    .step_by(each)
                    .map(move |r| span(i, 1, r, each.min(count - r)))
            })
            .collect()
    }

    /// Elements of an image of what is read for a span.
    pub fn image_len(&self, span: &Span) -> usize {
        if self.in_place {
            self.source.image()
        } else {
            self.rows.extent_of(span.rows) * self.row_len
        }
    }

    /// Elements of the padded copy for a span; 0 if there is none.
    pub fn copy_len(&self, span: &Span) -> usize {
        if self.in_place {
            0
        } else {
            span.images * self.image_len(span)
        }
    }

    /// What the span's positions read: a part of the images, or their padded copy, made in `buffer`.
    pub fn read<'a>(
        &self,
        data: &'a [f32],
        channel: usize,
        span: &Span,
        buffer: &'a mut [f32],
    ) -> &'a [f32] {
        if self.in_place {
            let (row, col) = (self.rows.origin as usize, self.cols.origin as usize);
            let first = row + span.row * self.rows.step;
            return &data[span.image * self.source.image()..]
                [(first * self.source.w + col) * self.source.c..];
        }
        let rows = self.rows.extent_of(span.rows);
        for (i, copy) in buffer[..self.copy_len(span)]
            .chunks_exact_mut(self.row_len)
            .enumerate()
        {
            let (image, row) = (span.image + i / rows, i % rows + span.row * self.rows.step);
            let row = row as isize + self.rows.origin;
            if row < 0 || row as usize >= self.source.h {
                copy.fill(0.0);
                continue;
            }
            let at = (image * self.source.h + row as usize) * self.source.w * self.source.c;
            self.copy_row(&data[at..][..self.source.w * self.source.c], channel, copy);
        }
        buffer
    }

    fn copy_row(&self, row: &[f32], channel: usize, copy: &mut [f32]) {
        let ImageSource { w, c, channels, .. } = self.source;
        let width = self.cols.extent;
        let before = self.cols.origin.min(0).unsigned_abs().min(width);
        let from = (self.cols.origin.max(0) as usize).min(w);
        let count = (width - before).min(w - from);
        copy[..before * channels].fill(0.0);
        copy[(before + count) * channels..].fill(0.0);
        let inner = &mut copy[before * channels..][..count * channels];
        let row = &row[from * c..];
        if channels == c {
            inner.copy_from_slice(&row[..count * c]);
        } else {
            for (to, from) in inner.chunks_exact_mut(channels).zip(row.chunks_exact(c)) {
                to.copy_from_slice(&from[channel..][..channels]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(size: usize, kernel: usize, stride: usize, dilation: usize, pad: isize) -> AxisShape {
        let span = size as isize + 2 * pad - ((kernel - 1) * dilation) as isize - 1;
        let out = (span / stride as isize + 1).max(0) as usize;
        AxisShape {
            size,
            kernel,
            stride,
            dilation,
            pad,
            out,
        }
    }

    /// The (input, kernel, output) triples of a walk whose source is the input (forward) or the output.
    fn triples(walks: &[Axis], forward: bool, source: usize) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        for a in walks {
            for p in 0..a.count {
                for t in &a.taps {
                    let read = a.origin + (p * a.step + t.offset) as isize;
                    assert!(p * a.step + t.offset < a.extent);
                    if read >= 0 && (read as usize) < source {
                        let place = a.first + p * a.place_step;
                        let (i, o) = if forward {
                            (read as usize, place)
                        } else {
                            (place, read as usize)
                        };
                        all.push((i, t.kernel, o));
                    }
                }
            }
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn backward_walks_are_the_forward_walk_turned_round() {
        for size in 1..9 {
            for (kernel, stride, dilation) in [
                (1, 1, 1),
                (3, 1, 1),
                (3, 2, 1),
                (2, 3, 1),
                (3, 2, 2),
                (3, 3, 3),
                (4, 2, 3),
            ] {
                for pad in [-1, 0, 1, 2] {
                    let shape = axis(size, kernel, stride, dilation, pad);
                    let forward = triples(&[shape.forward()], true, size);
                    let backward = triples(&shape.backward(), false, shape.out);
                    assert_eq!(forward, backward, "{shape:?}");
                    let places: usize = shape.backward().iter().map(|a| a.count).sum();
                    assert_eq!(places, size);
                }
            }
        }
    }

    #[test]
    fn spans_cover_all_rows_once() {
        let shape = axis(10, 3, 1, 1, 1);
        let source = ImageSource {
            h: 10,
            w: 10,
            c: 4,
            channels: 4,
        };
        let walk = Walk::new(source, shape.forward(), shape.forward());
        for elements in [1, 100, 200, 600, 2000, 100_000] {
            let mut seen = vec![0; 5 * 10];
            for s in walk.spans(5, elements, usize::MAX) {
                for i in 0..s.images {
                    (0..s.rows).for_each(|r| seen[(s.image + i) * 10 + s.row + r] += 1);
                }
            }
            assert!(seen.iter().all(|&n| n == 1), "{elements}: {seen:?}");
        }
    }
}
