//! Connectionist temporal classification (Graves et al., 2006): sequences of labels in any alignment with steps.

use refrain_graph::{Comparison, DType, Dim};

use super::definition::{ToArgument, operations};
use super::order::sort_traced;
use super::{PadMode, ScanOptions, option, prim, scan, tensor_argument, where_};
use crate::config::{Config, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// How [`ctc_decode`] reads labels from probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtcStrategy {
    /// The likeliest class of each step.
    Greedy {
        /// Whether a class that follows itself counts once.
        merge_repeated: bool,
    },
}

impl CtcStrategy {
    fn name(self) -> &'static str {
        match self {
            CtcStrategy::Greedy { .. } => "greedy",
        }
    }
}

operations! { TABLE in table {
    /// The negative logarithm of the probability of labels in any alignment with logits, for each sample.
    ///
    /// `target`: labels `(batch, length)`, of which the first `target_length` count; `output`: logits `(batch, time, classes)`, of which
    /// the first `output_length` steps count; class `mask_index` is the blank, in Keras 0 by default. Other ranks are an error.
    ///
    /// ```
    /// use refrain::{DType, Input, Shape, input, ops};
    /// let integers = |shape: Shape| Input::new(shape).dtype(DType::I32).tensor();
    /// let (labels, length) = (integers([3].into()), integers(Shape::scalar()));
    /// let losses = ops::ctc_loss(&labels, &input([8, 5]), &length, &length, 0);
    /// assert_eq!(losses.shape().to_string(), "(None,)");
    /// ```
    pub fn ctc_loss(target: &Tensor, output: &Tensor, target_length: &Tensor, output_length: &Tensor, mask_index: usize) -> Tensor {
        [target, output, target_length, output_length, mask_index]
    }
    "ops.nn" / "CTCLoss" as "ctc_loss(target, output, target_length, output_length, mask_index=0)"
    [Tensor, Tensor, Tensor, Tensor, Count] => |inputs, config| {
        let labels = tensor_argument(inputs, 0, "target")?;
        let logits = wide(&tensor_argument(inputs, 1, "output")?)?;
        let counts = lengths(inputs, 2, "target_length")?;
        let steps = lengths(inputs, 3, "output_length")?;
        let labels = prim::convert(&labels, DType::I32)?;
        Ok(alignment_loss(&labels, &logits, &counts, Some(&steps), option(config, "mask_index")?)?.into())
    };
    /// The labels that steps of `(batch, time, classes)` stand for, and the negative sum of their scores.
    ///
    /// Labels `(paths, batch, time)` are integers, filled up with -1; scores are `(batch, paths)`. Of each sample the first
    /// `sequence_lengths` steps count; class `mask_index` is the blank, in Keras 0 by default, and the last one if it is `None`.
    ///
    /// ```
    /// use refrain::{DType, Input, Shape, input, ops, ops::CtcStrategy};
    /// let lengths = Input::new(Shape::scalar()).dtype(DType::I32).tensor();
    /// let strategy = CtcStrategy::Greedy { merge_repeated: true };
    /// let (labels, scores) = ops::ctc_decode(&input([8, 5]), &lengths, strategy, Some(0));
    /// assert_eq!(labels.shape().to_string(), "(1, None, 8)");
    /// assert_eq!(scores.shape().to_string(), "(None, 1)");
    /// ```
    pub fn ctc_decode(inputs: &Tensor, sequence_lengths: &Tensor, strategy: CtcStrategy, mask_index: Option<usize>) -> (Tensor, Tensor) {
        |op| {
            let CtcStrategy::Greedy { merge_repeated } = strategy;
            let (tensors, blank) = ([inputs, sequence_lengths], mask_index.argument());
            let options = [strategy.name().argument(), 100_usize.argument(), 1_usize.argument(), merge_repeated.argument(), blank];
            op.apply(tensors.map(ToArgument::argument).into_iter().chain(options))
        }
    }
    "ops.nn" / "CTCDecode" as
    "ctc_decode(inputs, sequence_lengths, strategy='greedy', beam_width=100, top_paths=1, merge_repeated=True, mask_index=0)"
    [Tensor, Tensor, Text, Count, Count, Flag, Plain] => |inputs, config| {
        let x = wide(&tensor_argument(inputs, 0, "inputs")?)?;
        let steps = lengths(inputs, 1, "sequence_lengths")?;
        let strategy: String = option(config, "strategy")?;
        match strategy.as_str() {
            "greedy" => decode_greedily(&x, &steps, config),
            _ => Err(unexpected("the strategy greedy", &strategy.into())),
        }
    };
}}

/// In `f32` at least.
fn wide(x: &Tensor) -> Result<Tensor> {
    prim::convert(x, prim::promote(x.dtype(), DType::F32))
}

/// How many elements of each sample count.
fn lengths(inputs: &Inputs, position: usize, name: &str) -> Result<Tensor> {
    let lengths = tensor_argument(inputs, position, name)?;
    match lengths.rank() {
        1 => prim::convert(&lengths, DType::I32),
        _ => {
            let expected = format!("a length for each sample as argument `{name}`");
            Err(Error::mismatch(
                ErrorKind::Shape,
                expected,
                lengths.shape().to_string(),
            ))
        }
    }
}

/// The logarithm of what cannot be: finite, so that gradients are.
const IMPOSSIBLE: f64 = -1e5;

/// Elements `start..stop` along the last axis.
fn columns(x: &Tensor, start: Option<i64>, stop: Option<i64>) -> Tensor {
    super::slice_axis(x, -1, start, stop)
}

/// Blanks of which all but the first are joined by further ways, in logarithms.
fn joined(blanks: &Tensor, further: &Tensor) -> Tensor {
    let rest = super::logaddexp(&columns(blanks, Some(1), None), further);
    super::concatenate([columns(blanks, None, Some(1)), rest], -1)
}

/// The loss of each sample: `labels` `(batch, length)` in i32, of which the first `counts` `(batch,)` count, `logits`
/// `(batch, time, classes)`, of which the first `steps` count.
pub(crate) fn alignment_loss(
    labels: &Tensor,
    logits: &Tensor,
    counts: &Tensor,
    steps: Option<&Tensor>,
    blank: usize,
) -> Result<Tensor> {
    if labels.rank() != 2 || logits.rank() != 3 || labels.dim(1) == Some(0) {
        let expected = "labels (batch, length) and logits (batch, time, classes)";
        let received = format!("shapes {} and {}", labels.shape(), logits.shape());
        return Err(Error::mismatch(ErrorKind::Shape, expected, received));
    }
    let batch = logits.shape().dim(0);
    let (length, classes) = (labels.dim(1).unwrap_or(0), logits.dim(-1).unwrap_or(0));
    let logs = super::log_softmax(logits, -1).checked()?;
    let chosen = super::one_hot(labels, classes, -1, logs.dtype());
    let of_labels = super::einsum("btk,bnk->tbn", [&logs, &chosen]);
    let blank = columns(&logs, Some(blank as i64), Some(blank as i64 + 1));
    let of_blank = super::transpose(blank, Some(&[1, 0, 2]));
    // Whether a label is followed by itself, so that a blank must be between them.
    let (labels_before, labels_after) = (
        columns(labels, None, Some(-1)),
        columns(labels, Some(1), None),
    );
    let repeats = super::cast(super::equal(labels_before, labels_after), logs.dtype());
    let repeats = super::pad(repeats, [(0, 0), (0, 1)], PadMode::Constant(0.0));
    let filled = |n: usize, value: f64| {
        let dims: [Dim; 2] = [batch, Some(n)];
        prim::full(&logs, &dims.to_vec().into(), logs.dtype(), value)
    };
    let impossible = filled(length, IMPOSSIBLE)?;
    let blanks = super::concatenate([filled(1, 0.0)?, impossible.clone()], -1).checked()?;
    let mut sequences = vec![of_labels.checked()?, of_blank.checked()?];
    sequences.extend(steps.map(|steps| within(steps, &logs)).transpose()?);
    let (if_other, if_again) = (&repeats * IMPOSSIBLE, (1.0 - &repeats) * IMPOSSIBLE);
    let body = |before: &[Tensor], step: &[Tensor]| {
        let (blanks, ends) = (&before[0], &before[1]);
        let ready = joined(blanks, &(ends + &if_other));
        let label = super::logaddexp(
            &(columns(&ready, None, Some(-1)) + &step[0]),
            &(ends + &step[0]),
        );
        let blank = joined(&(&ready + &step[1]), &(ends + &step[1] + &if_again));
        let kept = |next: Tensor, before: &Tensor| match step.get(2) {
            Some(within) => where_(within, next, before).checked(),
            None => next.checked(),
        };
        Ok((vec![kept(blank, blanks)?, kept(label, ends)?], vec![]))
    };
    let carries = [blanks, impossible];
    let (last, _) = scan(&carries, &sequences, ScanOptions::default(), body)?;
    let all = joined(&last[0], &last[1]);
    // More labels than there are count as all, as in Keras.
    let counts = super::clip(counts, 0.0, length as f64);
    let end = super::one_hot(counts, length + 1, -1, all.dtype());
    (-super::sum(all * end, -1, false)).checked()
}

/// Which steps of `(batch, time, …)` count: `(time, batch, 1)`.
fn within(steps: &Tensor, x: &Tensor) -> Result<Tensor> {
    let shape = x.shape();
    let grid = vec![shape.dim(1), shape.dim(0), Some(1)];
    let places = prim::iota(x, &grid.into(), DType::I32, 0)?;
    prim::compare(
        Comparison::Lt,
        &places,
        &prim::reshape(steps, vec![steps.dim(0), Some(1)])?,
    )
}

fn decode_greedily(x: &Tensor, steps: &Tensor, config: &Config) -> Result<Structure<Tensor>> {
    let (blank, time) = (blank(x, config)?, x.dim(1));
    let within = super::transpose(super::squeeze(within(steps, x)?, -1), None).checked()?;
    let best = super::argmax(x, -1, false);
    let classes = where_(&within, best, blank);
    let scores = where_(&within, super::max(x, -1, false), 0.0);
    let repeated = super::equal(
        columns(&classes, Some(1), None),
        columns(&classes, None, Some(-1)),
    );
    let repeated = super::pad(repeated, [(0, 0), (1, 0)], PadMode::Constant(0.0));
    let left_out = super::equal(&classes, blank);
    let left_out = match option(config, "merge_repeated")? {
        true => super::logical_or(&left_out, &repeated),
        false => left_out,
    };
    let labels = where_(&left_out, -1, classes).checked()?;
    // Those that are left out go to the end.
    let (_, order) = sort_traced(&prim::convert(&left_out, DType::I32)?, 1, false)?;
    let labels = super::take_along_axis(&labels, &order, 1);
    let labels = prim::reshape(&labels.checked()?, vec![Some(1), x.dim(0), time])?;
    let scores = -super::sum(&scores, 1, true);
    Ok(Structure::tuple([labels, scores.checked()?]))
}

/// The class of the blank among those of the last axis.
fn blank(x: &Tensor, config: &Config) -> Result<usize> {
    let classes = x.dim(-1).filter(|_| x.rank() == 3).ok_or_else(|| {
        let expected = "scores (batch, time, classes) of so many classes";
        Error::mismatch(ErrorKind::Shape, expected, x.shape().to_string())
    })?;
    let blank = option::<Option<usize>>(config, "mask_index")?;
    Ok(blank.unwrap_or(classes.saturating_sub(1)))
}
