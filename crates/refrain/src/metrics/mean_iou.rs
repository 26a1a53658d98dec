//! Intersection over union of all classes.

use super::base_iou::{Classes, Overlap, overlap_metric};

overlap_metric! {
    /// [`IoU`](super::IoU) of all classes.
    ///
    /// ```
    /// use refrain::metrics::MeanIoU;
    /// let mean = MeanIoU::new(21usize).sparse_y_pred(false).ignore_class(255);
    /// ```
    MeanIoU [
        /// How many classes there are.
        num_classes: usize,
    ] {
        /// Targets of this class are left out.
        ignore_class: Option<i64> = None,
        /// Whether targets are class numbers.
        sparse_y_true: bool = true,
        /// Whether predictions are class numbers.
        sparse_y_pred: bool = true,
        /// Where the classes are, if there are no class numbers.
        axis: i64 = -1,
    }
    m => Overlap {
        ignore: m.ignore_class,
        y: Classes::of(m.sparse_y_true, m.axis),
        p: Classes::of(m.sparse_y_pred, m.axis),
        ..Overlap::new(m.num_classes, m.base.dtype)
    }
}
