//! Intersection over union of one-hot targets.

use super::base_iou::{Classes, Overlap, overlap_metric};

overlap_metric! {
    /// [`IoU`](super::IoU) of one-hot targets.
    ///
    /// ```
    /// use refrain::metrics::OneHotIoU;
    /// let second = OneHotIoU::new(3usize, [1]);
    /// ```
    OneHotIoU [
        /// How many classes there are.
        num_classes: usize,
        /// The classes whose mean is taken.
        target_class_ids: Vec<usize>,
    ] {
        /// Targets of this class are left out.
        ignore_class: Option<i64> = None,
        /// Whether predictions are class numbers.
        sparse_y_pred: bool = false,
        /// Where the classes are, if there are no class numbers.
        axis: i64 = -1,
    }
    m => Overlap {
        targets: Some(m.target_class_ids.clone()),
        ignore: m.ignore_class,
        y: Classes::Largest(m.axis),
        p: Classes::of(m.sparse_y_pred, m.axis),
        ..Overlap::new(m.num_classes, m.base.dtype)
    }
}
