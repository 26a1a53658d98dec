//! What the metrics of intersection over union compute.

use refrain_graph::{DType, Literal};

use super::State;
use crate::config::EPSILON;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, Axes};
use crate::tensor::Tensor;

/// Declares such a metric by its options and the overlap that is computed of them.
macro_rules! overlap_metric {
    (
        $(#[$meta:meta])*
        $name:ident [ $($arguments:tt)* ] { $($own:tt)* }
        $this:ident => $overlap:expr
    ) => {
        use refrain_graph::DType;

        use crate::error::Result;
        use crate::metrics::{Direction, Metric, State};
        use crate::tensor::Tensor;

        $crate::options! {
            $(#[$meta])*
            pub struct $name: Metric(dtype = DType::I32) [ $($arguments)* ] { $($own)* }
        }

        impl $name {
            /// The type of class numbers and weights. In one of integers, as the default `int32`, they lose their fractions;
            /// with weights between 0 and 1, have `float32`.
            pub fn dtype(mut self, dtype: DType) -> Self {
                self.base.dtype = dtype;
                self
            }
        }

        $crate::metrics::delegate::delegate! {
            $name($this): $overlap, Some(Direction::Up);
        }
    };
}

pub(super) use overlap_metric;

/// How targets or predictions say their classes.
#[derive(Clone, Copy)]
pub(super) enum Classes {
    /// By their numbers.
    Numbers,
    /// By the place of the largest along an axis.
    Largest(i64),
    /// Class 1 is from this number on.
    From(f64),
}

impl Classes {
    pub(super) fn of(sparse: bool, axis: i64) -> Self {
        match sparse {
            true => Classes::Numbers,
            false => Classes::Largest(axis),
        }
    }

    /// The class numbers in one row.
    fn numbers(self, x: &Tensor, dtype: DType) -> Tensor {
        let numbers = match self {
            Classes::Numbers => x.clone(),
            Classes::Largest(axis) => ops::argmax(x, axis, false),
            Classes::From(threshold) => ops::greater_equal(ops::cast(x, DType::F32), threshold),
        };
        ops::reshape(ops::cast(numbers, dtype), [-1])
    }
}

/// What the metrics compute.
pub(super) struct Overlap {
    pub(super) classes: usize,
    /// The classes whose mean is taken; all by default.
    pub(super) targets: Option<Vec<usize>>,
    pub(super) ignore: Option<i64>,
    pub(super) y: Classes,
    pub(super) p: Classes,
    pub(super) dtype: DType,
}

impl Overlap {
    /// Of all classes, given by their numbers.
    pub(super) fn new(classes: usize, dtype: DType) -> Self {
        Overlap {
            classes,
            targets: None,
            ignore: None,
            y: Classes::Numbers,
            p: Classes::Numbers,
            dtype,
        }
    }

    pub(super) fn validate(&self) -> Result<()> {
        let wrong = |expected: String, received: String| {
            Err(Error::mismatch(ErrorKind::Config, expected, received))
        };
        let mut targets = self.targets.iter().flatten();
        match targets.find(|&&id| id >= self.classes) {
            _ if self.classes == 0 => wrong("a positive `num_classes`".to_owned(), "0".to_owned()),
            Some(id) => wrong(
                format!("`target_class_ids` below num_classes={}", self.classes),
                id.to_string(),
            ),
            None => Ok(()),
        }
    }

    pub(super) fn state(&self, _y_pred: &Tensor) -> Result<Vec<State>> {
        let shape = [self.classes, self.classes];
        Ok(vec![State::new("total_confusion_matrix", shape)])
    }

    pub(super) fn update(
        &self,
        state: &[Tensor],
        y: &Tensor,
        p: &Tensor,
        weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        let y = self.y.numbers(y, self.dtype).checked()?;
        let p = self.p.numbers(p, self.dtype).checked()?;
        let weight = self.weights(&y, &p, weight)?;
        let classes = self.classes as f64;
        let is_class =
            |x: &Tensor| ops::logical_and(&ops::greater_equal(x, 0.0), &ops::less(x, classes));
        let mut counts = ops::logical_and(&is_class(&y), &is_class(&p));
        if let Some(ignored) = self.ignore {
            counts = ops::logical_and(&counts, &ops::not_equal(&y, ignored as f64));
        }
        let place = |x: &Tensor| ops::cast(ops::where_(&counts, x, 0.0), DType::I32);
        let places = ops::stack([place(&y), place(&p)], -1);
        let weight = ops::where_(&counts, &weight, ops::zeros_like(&weight, None));
        let batch = ops::scatter(&places, &weight, [self.classes, self.classes]);
        Ok(vec![&state[0] + ops::cast(batch, DType::F32)])
    }

    /// A weight for each class number.
    fn weights(&self, y: &Tensor, p: &Tensor, weight: Option<&Tensor>) -> Result<Tensor> {
        let wrong = |expected: &str, received: &Tensor| {
            let expected = format!("{expected} {}", y.shape());
            let received = format!("shape {}", received.shape());
            Err(Error::mismatch(ErrorKind::Shape, expected, received))
        };
        if !y.shape().compatible(&p.shape()) {
            return wrong("as many predicted classes as true ones, of shape", p);
        }
        // Ones of `float32` would not count beyond 2²⁴.
        let counted = match self.dtype.is_integer() {
            true => self.dtype,
            false => DType::F32,
        };
        let one = ops::ones_like(ops::cast(y, counted), None);
        let Some(weight) = weight else {
            return one.checked();
        };
        let flat = ops::reshape(ops::cast(weight, self.dtype), [-1]).checked()?;
        if flat.dim(0) != Some(1) && !flat.shape().compatible(&y.shape()) {
            return wrong("one weight, or one for each class number, of shape", weight);
        }
        (one * ops::cast(flat, counted)).checked()
    }

    pub(super) fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        let matrix = &state[0];
        let mut shared = ops::diagonal(matrix, 0, 0, 1);
        let mut all = ops::sum(matrix, 0, false) + ops::sum(matrix, 1, false) - &shared;
        if let Some(targets) = &self.targets {
            let ids: Vec<i32> = targets.iter().map(|&id| id as i32).collect();
            let Some(ids) = Literal::new([ids.len()], ids) else {
                let message = "a constant with as many values as its shape has";
                return Err(Error::new(ErrorKind::Internal, message));
            };
            let ids = Tensor::constant(ids);
            (shared, all) = (ops::take(&shared, &ids, 0), ops::take(&all, &ids, 0));
        }
        let there = ops::greater(&all, 1e-9);
        let each = ops::where_(&there, &shared / (&all + EPSILON), 0.0);
        let number = ops::sum(ops::cast(&there, DType::F32), Axes::All, false);
        (ops::sum(&each, Axes::All, false) / (number + EPSILON)).checked()
    }
}
