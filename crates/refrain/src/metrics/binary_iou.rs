//! Intersection over union of two classes.

use super::base_iou::{Classes, Overlap, overlap_metric};

overlap_metric! {
    /// [`IoU`](super::IoU) of two classes: predictions of `threshold` or more are class 1, others class 0.
    ///
    /// ```
    /// use refrain::metrics::BinaryIoU;
    /// let foreground = BinaryIoU::new().target_class_ids([1]).threshold(0.3);
    /// ```
    BinaryIoU [] {
        /// The classes whose mean is taken, of 0 and 1.
        target_class_ids: Vec<usize> = vec![0, 1],
        /// From which prediction on a sample is of class 1.
        threshold: f64 = 0.5,
    }
    m => Overlap {
        targets: Some(m.target_class_ids.clone()),
        p: Classes::From(m.threshold),
        ..Overlap::new(2, m.base.dtype)
    }
}
