//! Intersection over union: how well predicted classes cover the true ones.

use super::base_iou::{Classes, Overlap, overlap_metric};

overlap_metric! {
    /// The mean, over some classes, of what predictions and targets have in common of all that either has: true positives over
    /// the sum of true positives, false positives and false negatives. Classes that are nowhere do not count.
    ///
    /// Targets and predictions are class numbers of any one shape, or have `num_classes` elements along `axis`, of which the
    /// largest counts. Numbers beyond the classes are left out. Weights have as many elements as there are class numbers, or one.
    ///
    /// ```
    /// use refrain::metrics::IoU;
    /// let borders = IoU::new(3usize, [1, 2]).sparse_y_pred(false).name("borders");
    /// ```
    IoU [
        /// How many classes there are.
        num_classes: usize,
        /// The classes whose mean is taken.
        target_class_ids: Vec<usize>,
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
        targets: Some(m.target_class_ids.clone()),
        ignore: m.ignore_class,
        y: Classes::of(m.sparse_y_true, m.axis),
        p: Classes::of(m.sparse_y_pred, m.axis),
        ..Overlap::new(m.num_classes, m.base.dtype)
    }
}
