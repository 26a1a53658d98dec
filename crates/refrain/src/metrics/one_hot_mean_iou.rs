//! Intersection over union of all classes, for one-hot targets.

use super::base_iou::{Classes, Overlap, overlap_metric};

overlap_metric! {
    /// [`IoU`](super::IoU) of all classes, for one-hot targets.
    ///
    /// ```
    /// use refrain::metrics::OneHotMeanIoU;
    /// let mean = OneHotMeanIoU::new(3usize);
    /// ```
    OneHotMeanIoU [
        /// How many classes there are.
        num_classes: usize,
    ] {
        /// Targets of this class are left out.
        ignore_class: Option<i64> = None,
        /// Whether predictions are class numbers.
        sparse_y_pred: bool = false,
        /// Where the classes are, if there are no class numbers.
        axis: i64 = -1,
    }
    m => Overlap {
        ignore: m.ignore_class,
        y: Classes::Largest(m.axis),
        p: Classes::of(m.sparse_y_pred, m.axis),
        ..Overlap::new(m.num_classes, m.base.dtype)
    }
}
