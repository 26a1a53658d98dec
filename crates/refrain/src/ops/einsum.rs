//! Einstein's summation, by products over pairs of operands.

use std::collections::BTreeSet;

use refrain_graph::{Comparison, DType, Dim, DotDims, Reduction};

use super::definition::{ToArgument, operations};
use super::reduce::reduce;
use super::{dot_general, option, prim};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::Tensor;

operations! { TABLE in table {
    /// Sums of products as the subscripts say: `"bij,bjk->bik"` is a product of batches of matrices.
    ///
    /// In the operands' common type. Subscripts that do not fit the operands are an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let (q, k) = (input([5, 2, 8]), input([7, 2, 8]));
    /// let scores = ops::einsum("bqhd,bkhd->bhqk", [&q, &k]);
    /// assert_eq!(scores.shape().to_string(), "(None, 2, 5, 7)");
    /// ```
    pub fn einsum<'a>(subscripts: &str, operands: impl IntoIterator<Item = &'a Tensor>) -> Tensor {
        |op| {
            let operands = operands.into_iter().map(ToArgument::argument);
            op.apply(std::iter::once(subscripts.argument()).chain(operands))
        }
    }
    "ops.numpy" / "Einsum" as "einsum(subscripts, *operands)" [Text, Rest] MayReturnInput, "tf.einsum(equation, *inputs)" => einsum_call;
}}

/// An axis under its letter; the axes of an ellipsis have characters of their own.
pub(crate) type Label = char;

/// A tensor whose axes have labels.
struct Labelled {
    tensor: Tensor,
    labels: Vec<Label>,
}

fn bad(subscripts: &str, why: &str) -> Error {
    let message = format!("subscripts \"{subscripts}\": {why}");
    Error::new(ErrorKind::Shape, message)
}

fn einsum_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let subscripts: String = option(config, "subscripts")?;
    let tensors = inputs.tensors();
    let dtype = tensors.iter().map(|t| t.dtype()).reduce(prim::promote);
    let dtype = dtype.ok_or_else(|| bad(&subscripts, "no operands"))?;
    let ranks: Vec<Option<usize>> = tensors.iter().map(|t| Some(t.rank())).collect();
    let Subscripts { operands, output } = Subscripts::parse(&subscripts, &ranks)?;
    let labelled = tensors.into_iter().zip(operands).map(|(tensor, labels)| {
        let tensor = prim::convert(tensor, dtype)?;
        let mut operand = Labelled { tensor, labels };
        take_diagonals(&mut operand)?;
        Ok(operand)
    });
    let mut operands = labelled.collect::<Result<Vec<_>>>()?;
    drop_broadcast(&mut operands)?;
    let mut rest = operands.into_iter();
    let mut total = rest.next().ok_or_else(|| bad(&subscripts, "no operands"))?;
    let remaining: Vec<Labelled> = rest.collect();
    for (i, next) in remaining.iter().enumerate() {
        let later = remaining[i + 1..].iter().flat_map(|o| &o.labels);
        let kept: BTreeSet<Label> = output.iter().chain(later).copied().collect();
        total = contract(&total, next, &kept)?;
    }
    let total = sum_out(&total, |label| output.contains(&label))?;
    arrange(&total, &output, &subscripts).map(Into::into)
}

/// Subscripts taken apart: the labels of the axes of each operand and of the result.
pub(crate) struct Subscripts {
    pub(crate) operands: Vec<Vec<Label>>,
    pub(crate) output: Vec<Label>,
}

impl Subscripts {
    /// For operands of these ranks; `None`: as many axes as letters.
    ///
    /// # Errors
    /// The subscripts do not fit the ranks, or the result has a letter of no operand, or one twice.
    pub(crate) fn parse(subscripts: &str, ranks: &[Option<usize>]) -> Result<Self> {
        let text: String = subscripts.chars().filter(|c| !c.is_whitespace()).collect();
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (&*text, None),
        };
        let terms: Vec<&str> = left.split(',').collect();
        if terms.len() != ranks.len() {
            let why = format!("{} terms for {} operands", terms.len(), ranks.len());
            return Err(bad(subscripts, &why));
        }
        let elided = |(term, rank): (&&str, &Option<usize>)| {
            let letters = term.chars().filter(|c| *c != '.').count();
            let rank = rank.unwrap_or(letters);
            match (term.contains("..."), rank.checked_sub(letters)) {
                (true, Some(n)) => Ok(n),
                (false, Some(0)) => Ok(0),
                _ => Err(bad(subscripts, &format!("`{term}` for rank {rank}"))),
            }
        };
        let counts = terms.iter().zip(ranks).map(elided);
        let counts = counts.collect::<Result<Vec<_>>>()?;
        let widest = counts.iter().copied().max().unwrap_or(0);
        let labels = |term, count| labels(term, count, widest).ok_or_else(|| bad(subscripts, term));
        let operands = terms
            .iter()
            .zip(&counts)
            .map(|(term, &count)| labels(term, count));
        let operands = operands.collect::<Result<Vec<_>>>()?;
        let output = match right {
            Some(term) => labels(term, widest)?,
            None => implicit_output(&operands, widest),
        };
        let known = |l: &Label| operands.iter().any(|o| o.contains(l));
        let once = output.iter().collect::<BTreeSet<_>>().len() == output.len();
        if !output.iter().all(known) || !once {
            let why = "each letter of the result must be in an operand, and once";
            return Err(bad(subscripts, why));
        }
        Ok(Subscripts { operands, output })
    }
}

/// The characters that stand for an ellipsis of `count` axes, aligned to the right of the widest one.
fn ellipsis(count: usize, widest: usize) -> impl Iterator<Item = Label> {
    const FIRST: u32 = 0xE000; // the start of Unicode's private use area
    (widest - count..widest).filter_map(|i| char::from_u32(FIRST + i as u32))
}

fn labels(term: &str, count: usize, widest: usize) -> Option<Vec<Label>> {
    let (before, after) = term.split_once("...").unwrap_or((term, ""));
    let spread = if term.contains("...") { count } else { 0 };
    let mut letters = before.chars().chain(after.chars());
    letters.all(char::is_alphabetic).then(|| {
        let spread = ellipsis(spread, widest.max(spread));
        before.chars().chain(spread).chain(after.chars()).collect()
    })
}

/// Without an arrow: the axes of ellipses, then the letters that come once, in alphabetic order.
fn implicit_output(operands: &[Vec<Label>], widest: usize) -> Vec<Label> {
    let all = operands.concat();
    let spread: Vec<Label> = ellipsis(widest, widest).collect();
    let letters: BTreeSet<Label> = all.iter().copied().collect();
    let once = letters
        .into_iter()
        .filter(|l| !spread.contains(l) && all.iter().filter(|a| *a == l).count() == 1);
    spread.iter().copied().chain(once).collect()
}

/// A letter that comes twice in one operand keeps the elements where both axes agree.
fn take_diagonals(operand: &mut Labelled) -> Result<()> {
    let repeated = |labels: &[Label]| {
        let pairs = (0..labels.len()).flat_map(|i| (i + 1..labels.len()).map(move |j| (i, j)));
        let mut equal = pairs.filter(|&(i, j)| labels[i] == labels[j]);
        equal.next()
    };
    while let Some((i, j)) = repeated(&operand.labels) {
        let x = &operand.tensor;
        let rows = prim::iota(x, &x.shape(), DType::I32, i)?;
        let columns = prim::iota(x, &x.shape(), DType::I32, j)?;
        let diagonal = prim::compare(Comparison::Eq, &rows, &columns)?;
        let kept = prim::select(&diagonal, x, &prim::constant_like(x, 0.0)?)?;
        operand.tensor = reduce(&kept, Reduction::Sum, &[j], false)?;
        operand.labels.remove(j);
    }
    Ok(())
}

/// Axes of size 1 whose letter has another size elsewhere are dropped: the others repeat along them.
fn drop_broadcast(operands: &mut [Labelled]) -> Result<()> {
    let sizes: Vec<(Label, Dim)> = operands
        .iter()
        .flat_map(|o| {
            let dims = o.tensor.shape().dims().to_vec();
            o.labels.clone().into_iter().zip(dims)
        })
        .collect();
    let wide = |label: Label| sizes.iter().any(|&(l, d)| l == label && d != Some(1));
    for operand in operands {
        let dims = operand.tensor.shape();
        let dropped = |i: usize| dims.dim(i) == Some(1) && wide(operand.labels[i]);
        let kept: Vec<usize> = (0..dims.rank()).filter(|&i| !dropped(i)).collect();
        if kept.len() < dims.rank() {
            let shape: Vec<Dim> = kept.iter().map(|&i| dims.dim(i)).collect();
            operand.labels = kept.iter().map(|&i| operand.labels[i]).collect();
            operand.tensor = prim::reshape(&operand.tensor, shape)?;
        }
    }
    Ok(())
}

/// Sums over the axes whose letters are not kept.
fn sum_out(x: &Labelled, kept: impl Fn(Label) -> bool) -> Result<Labelled> {
    let summed: Vec<usize> = (0..x.labels.len())
        .filter(|&i| !kept(x.labels[i]))
        .collect();
    let tensor = match summed.is_empty() {
        true => x.tensor.clone(),
        false => reduce(&x.tensor, Reduction::Sum, &summed, false)?,
    };
    let labels = x.labels.iter().copied().filter(|&l| kept(l)).collect();
    Ok(Labelled { tensor, labels })
}

/// The product of two operands, summed over the letters that nothing later needs.
fn contract(a: &Labelled, b: &Labelled, kept: &BTreeSet<Label>) -> Result<Labelled> {
    let a = sum_out(a, |l| kept.contains(&l) || b.labels.contains(&l))?;
    let b = sum_out(b, |l| kept.contains(&l) || a.labels.contains(&l))?;
    let place = |of: &Labelled, l: Label| of.labels.iter().position(|&x| x == l);
    let mut dims = DotDims::default();
    let mut labels = Vec::new();
    for (i, &label) in a.labels.iter().enumerate() {
        let Some(j) = place(&b, label) else { continue };
        if kept.contains(&label) {
            dims.lhs_batch.push(i);
            dims.rhs_batch.push(j);
            labels.push(label);
        } else {
            dims.lhs_contracting.push(i);
            dims.rhs_contracting.push(j);
        }
    }
    let free = |of: &Labelled, other: &Labelled| -> Vec<Label> {
        let mine = of.labels.iter().copied();
        mine.filter(|&l| place(other, l).is_none()).collect()
    };
    labels.extend(free(&a, &b));
    labels.extend(free(&b, &a));
    let tensor = dot_general(&a.tensor, &b.tensor, dims)?;
    Ok(Labelled { tensor, labels })
}

fn arrange(x: &Labelled, output: &[Label], subscripts: &str) -> Result<Tensor> {
    let perm: Option<Vec<usize>> = output
        .iter()
        .map(|l| x.labels.iter().position(|m| m == l))
        .collect();
    let perm = perm.ok_or_else(|| bad(subscripts, "an axis was lost"))?;
    prim::transpose(&x.tensor, &perm)
}
