//! Branches and loops, and functions of functions.

use refrain_graph::grad::vjp;
use refrain_graph::{DType, Spec};

use super::index::{Index, get_item};
use super::{
    NewShape, PadMode, ScanOptions, concatenate, equal, flip, logical_and, pad, prim, reshape,
    scan, slice_axis, stack, where_,
};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{Tensor, resolve_axis};
use crate::trace::Trace;
use crate::utils::sizes;

/// What `true_fn` gives where a scalar holds, else what `false_fn` gives.
///
/// Both are computed, as `where_` has it: a gradient that is not finite in the branch that is not taken makes the whole NaN. Works on
/// symbolic tensors and inside a layer's `call`.
///
/// ```
/// use refrain::{Input, ops};
/// let x = Input::new([4]).batch_size(2).tensor();
/// let large = ops::greater(ops::max(&x, ops::Axes::All, false), 1);
/// let y = ops::cond(&large, || Ok(vec![&x / 2]), || Ok(vec![x.clone()]))?;
/// assert_eq!(y[0].shape(), x.shape());
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// # Errors
/// A branch fails, the branches differ in their results' number, shapes or types, or `pred` is no scalar.
pub fn cond(
    pred: &Tensor,
    true_fn: impl FnOnce() -> Result<Vec<Tensor>>,
    false_fn: impl FnOnce() -> Result<Vec<Tensor>>,
) -> Result<Vec<Tensor>> {
    check_scalar(pred)?;
    chosen(pred, &true_fn()?, &false_fn()?)
}

/// What [`switch`] chooses among: a function of the operands.
pub type Branch<'a> = &'a dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>;

/// The results of the branch of a number; of the first or last one below and beyond them.
///
/// All are computed, as in [`cond`].
///
/// ```
/// use refrain::{DType, Input, Result, Shape, Tensor, ops};
/// let x = Input::new([4]).batch_size(2).tensor();
/// let index = ops::argmax(&x, None, false);
/// let double = |x: &[Tensor]| Ok(vec![&x[0] * 2]);
/// let negative = |x: &[Tensor]| Ok(vec![-&x[0]]);
/// let y = ops::switch(&index, &[&double, &negative], &[x.clone()])?;
/// assert_eq!(y[0].shape(), x.shape());
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// # Errors
/// As in [`cond`], and if there is no branch.
pub fn switch(index: &Tensor, branches: &[Branch], operands: &[Tensor]) -> Result<Vec<Tensor>> {
    check_scalar(index)?;
    let index = super::clip(index, 0.0, branches.len().saturating_sub(1) as f64);
    let mut results = branches.iter().map(|branch| branch(operands)).enumerate();
    let none = || Error::mismatch(ErrorKind::Structure, "branches", "none");
    let (_, first) = results.next().ok_or_else(none)?;
    results.try_fold(first?, |before, (i, branch)| {
        chosen(&equal(&index, i), &branch?, &before)
    })
}

fn check_scalar(condition: &Tensor) -> Result<()> {
    condition.check()?;
    match condition.rank() {
        0 => Ok(()),
        _ => {
            let received = format!("shape {}", condition.shape());
            Err(Error::mismatch(
                ErrorKind::Shape,
                "a scalar to choose by",
                received,
            ))
        }
    }
}

/// Some tensors where a condition holds, others of the same shapes and types elsewhere.
fn chosen(condition: &Tensor, these: &[Tensor], others: &[Tensor]) -> Result<Vec<Tensor>> {
    these.iter().chain(others).try_for_each(Tensor::check)?;
    let specs = |tensors: &[Tensor]| tensors.iter().map(Tensor::spec).collect::<Vec<Spec>>();
    if specs(these) != specs(others) {
        let (expected, received) = (
            format!("results {:?}", specs(these)),
            format!("{:?}", specs(others)),
        );
        return Err(Error::mismatch(ErrorKind::Structure, expected, received));
    }
    let pairs = these.iter().zip(others);
    pairs
        .map(|(this, other)| where_(condition, this, other).checked())
        .collect()
}

/// Repeats a step while a condition of the carried tensors holds, at most so many times.
///
/// The loop always takes `maximum_iterations` steps, of which those after the last change nothing: Keras's can be left out, and must be
/// given here, so that the loop has gradients. Works inside a layer's `call`.
///
/// ```
/// use refrain::{input, layers::Lambda, ops};
/// // Halved until nothing is above 1.
/// let halved = Lambda::new(|x| {
///     let large = |x: &[refrain::Tensor]| ops::greater(ops::max(&x[0], ops::Axes::All, false), 1).checked();
///     let found = ops::while_loop(large, |x| Ok(vec![&x[0] / 2]), &[x.clone()], 20);
///     found.unwrap().swap_remove(0)
/// });
/// assert_eq!(halved.call(&input([4]))?.shape().to_string(), "(None, 4)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// # Errors
/// The condition is no scalar, or a step fails or changes the shape or type of a carried tensor.
pub fn while_loop(
    cond: impl Fn(&[Tensor]) -> Result<Tensor>,
    body: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    loop_vars: &[Tensor],
    maximum_iterations: usize,
) -> Result<Vec<Tensor>> {
    let holds = |variables: &[Tensor]| -> Result<Tensor> {
        let holds = cond(variables)?;
        check_scalar(&holds)?;
        prim::convert(&holds, DType::Bool)
    };
    let carries = [&[holds(loop_vars)?], loop_vars].concat();
    let options = ScanOptions {
        length: Some(maximum_iterations),
        ..ScanOptions::default()
    };
    let (mut last, _) = scan(&carries, &[], options, |carried, _| {
        let (running, before) = (&carried[0], &carried[1..]);
        let next = chosen(running, &body(before)?, before)?;
        let running = logical_and(running, holds(&next)?).checked()?;
        Ok(([vec![running], next].concat(), vec![]))
    })?;
    Ok(last.split_off(1))
}

/// Repeats a step for the numbers from `lower` to before `upper`, each as a scalar.
///
/// Works inside a layer's `call`.
///
/// ```
/// use refrain::{input, layers::Lambda, ops};
/// let powers = Lambda::new(|x| {
///     let sums = ops::fori_loop(0, 3, |i, sum| Ok(vec![&sum[0] * x + ops::cast(i, x.dtype())]), &[x.clone()]);
///     sums.unwrap().swap_remove(0)
/// });
/// assert_eq!(powers.call(&input([4]))?.shape().to_string(), "(None, 4)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// # Errors
/// A step fails or changes the shape or type of a carried tensor.
pub fn fori_loop(
    lower: i32,
    upper: i32,
    body_fun: impl FnOnce(&Tensor, &[Tensor]) -> Result<Vec<Tensor>>,
    init_val: &[Tensor],
) -> Result<Vec<Tensor>> {
    let steps = usize::try_from(i64::from(upper) - i64::from(lower)).unwrap_or(0);
    let first = init_val.first().filter(|_| steps > 0);
    let Some(first) = first else {
        return Ok(init_val.to_vec());
    };
    let numbers = prim::iota(first, &[steps].into(), DType::I32, 0)? + lower;
    let step = |carried: &[Tensor], step: &[Tensor]| Ok((body_fun(&step[0], carried)?, vec![]));
    let (last, _) = scan(
        init_val,
        &[numbers.checked()?],
        ScanOptions::default(),
        step,
    )?;
    Ok(last)
}

/// What a function gives of each element along the leading axis, stacked along one.
///
/// Works inside a layer's `call`.
///
/// ```
/// use refrain::{input, layers::Lambda, ops};
/// let sorted = Lambda::new(|x| {
///     let rows = ops::map(|row| Ok(vec![ops::sort(&row[0], 0)]), &[x.clone()]);
///     rows.unwrap().swap_remove(0)
/// });
/// assert_eq!(sorted.call(&input([4]))?.shape().to_string(), "(None, 4)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// # Errors
/// The function fails, or the tensors differ in length.
pub fn map(f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>, xs: &[Tensor]) -> Result<Vec<Tensor>> {
    let (_, stacked) = scan(&[], xs, ScanOptions::default(), |_, x| Ok((vec![], f(x)?)))?;
    Ok(stacked)
}

/// [`map`] as a loop, whose steps Keras computes at once.
///
/// ```
/// use refrain::{input, layers::Lambda, ops};
/// let norms = Lambda::new(|x| {
///     let rows = ops::vectorized_map(|row| Ok(vec![ops::norm(&row[0], 2.0, 0, false)]), &[x.clone()]);
///     rows.unwrap().swap_remove(0)
/// });
/// assert_eq!(norms.call(&input([4]))?.shape().to_string(), "(None,)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// # Errors
/// As in [`map`].
pub fn vectorized_map(
    function: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    elements: &[Tensor],
) -> Result<Vec<Tensor>> {
    map(function, elements)
}

/// Running results of an associative function along an axis, in as many rounds as the length has digits in base 2.
///
/// `f` gets two lists of elements side by side, the earlier ones first, and combines them. Works on symbolic tensors and inside a layer's
/// `call`.
///
/// ```
/// use refrain::{input, ops};
/// // x[t] = a[t] · x[t - 1] + b[t]
/// let (a, b) = (input([10]), input([10]));
/// let combine = |left: &[refrain::Tensor], right: &[refrain::Tensor]| {
///     Ok(vec![&left[0] * &right[0], &left[1] * &right[0] + &right[1]])
/// };
/// let x = ops::associative_scan(&combine, &[a, b], false, 1)?.swap_remove(1);
/// assert_eq!(x.shape().to_string(), "(None, 10)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// # Errors
/// The function fails, the tensors have no such axis, or differ in their length along it, which has to be known.
pub fn associative_scan(
    f: impl Fn(&[Tensor], &[Tensor]) -> Result<Vec<Tensor>>,
    elems: &[Tensor],
    reverse: bool,
    axis: i64,
) -> Result<Vec<Tensor>> {
    elems.iter().try_for_each(Tensor::check)?;
    let Some(first) = elems.first() else {
        return Ok(Vec::new());
    };
    let axis = resolve_axis(axis, first.rank())?;
    let length = first.shape().dim(axis);
    let same = elems
        .iter()
        .all(|e| e.rank() > axis && e.shape().dim(axis) == length);
    let length = length.filter(|_| same).ok_or_else(|| {
        let shapes: Vec<String> = elems.iter().map(|e| e.shape().to_string()).collect();
        let expected = format!("tensors of one known size along axis {axis}");
        Error::mismatch(ErrorKind::Shape, expected, shapes.join(", "))
    })?;
    let turned = |elems: &[Tensor]| match reverse {
        true => elems.iter().map(|e| flip(e, axis as i64)).collect(),
        false => elems.to_vec(),
    };
    Ok(turned(&running(&f, &turned(elems), axis, length)?))
}

/// Of elements `0, 1, 2, …`: those at odd places of pairs, those at even places of these and the elements there.
fn running(
    f: &impl Fn(&[Tensor], &[Tensor]) -> Result<Vec<Tensor>>,
    elems: &[Tensor],
    axis: usize,
    length: usize,
) -> Result<Vec<Tensor>> {
    if length < 2 {
        return Ok(elems.to_vec());
    }
    let part = |elems: &[Tensor], start: i64, stop: Option<i64>, step: i64| -> Vec<Tensor> {
        let key = |_| {
            [
                vec![Index::Slice(None, None, None); axis],
                vec![Index::Slice(Some(start), stop, Some(step))],
            ]
        };
        elems.iter().map(|e| get_item(e, key(e).concat())).collect()
    };
    let pairs = f(&part(elems, 0, Some(-1), 2), &part(elems, 1, None, 2))?;
    let odd = running(f, &pairs, axis, length / 2)?;
    let before = match length % 2 {
        0 => part(&odd, 0, Some(-1), 1),
        _ => odd.clone(),
    };
    let later = match length {
        2 => Vec::new(),
        _ => f(&before, &part(elems, 2, None, 2))?,
    };
    let even = elems.iter().enumerate().map(|(i, e)| {
        let first = slice_axis(e, axis as i64, Some(0), Some(1));
        let rest = later.get(i).cloned();
        concatenate(
            [Some(first), rest]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>(),
            axis as i64,
        )
    });
    even.zip(&odd)
        .map(|(even, odd)| interleaved(&even, odd, axis, length))
        .collect()
}

/// Elements in turn from two tensors, of which the first has as many as the second or one more.
fn interleaved(even: &Tensor, odd: &Tensor, axis: usize, length: usize) -> Result<Tensor> {
    let mut widths = vec![(0, 0); odd.rank()];
    widths[axis] = (0, length % 2);
    let odd = match length % 2 {
        0 => odd.clone(),
        _ => pad(odd, widths, PadMode::Constant(0.0)),
    };
    let both = stack([even, &odd], axis as i64 + 1).checked()?;
    let mut dims = both.shape().dims().to_vec();
    dims.remove(axis + 1);
    dims[axis] = Some(length + length % 2);
    let in_turn = reshape(&both, NewShape(dims));
    slice_axis(&in_turn, axis as i64, None, Some(sizes::signed(length)?)).checked()
}

/// A function's result, and how it changes along tangents of its arguments: the product of the Jacobian with them.
///
/// Works inside a layer's `call`.
///
/// ```
/// use refrain::{input, layers::Lambda, ops};
/// let slope = Lambda::new(|x| {
///     let (_, slope) = ops::jvp(|x| x[0].sin().checked(), &[x.clone()], &[ops::ones_like(x, None)]).unwrap();
///     slope
/// });
/// assert_eq!(slope.call(&input([4]))?.shape().to_string(), "(None, 4)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// # Errors
/// The function fails, or tangents differ from the arguments in their number, shapes or types, which must be floats.
pub fn jvp(
    fun: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    primals: &[Tensor],
    tangents: &[Tensor],
) -> Result<(Tensor, Tensor)> {
    let specs = |tensors: &[Tensor]| tensors.iter().map(Tensor::spec).collect::<Vec<Spec>>();
    primals
        .iter()
        .chain(tangents)
        .try_for_each(super::gradient::check_float)?;
    if specs(primals) != specs(tangents) {
        let expected = format!("tangents {:?}", specs(primals));
        return Err(Error::mismatch(
            ErrorKind::Shape,
            expected,
            format!("{:?}", specs(tangents)),
        ));
    }
    let primals = primals.iter().map(prim::copy).collect::<Result<Vec<_>>>()?;
    let output = fun(&primals)?;
    super::gradient::check_float(&output)?;
    let weights = prim::copy(&prim::full(&output, &output.shape(), output.dtype(), 0.0)?)?;
    // While a model is declared, only shapes are asked for, and not all are known.
    if !output.shape().is_known() || !primals.iter().all(|p| p.shape().is_known()) {
        return Ok((output, weights));
    }
    let all: Vec<&Tensor> = primals.iter().chain(tangents).chain([&output]).collect();
    let trace = Trace::innermost(&all)?;
    let import = |tensors: &[Tensor]| {
        tensors
            .iter()
            .map(|t| trace.import(t))
            .collect::<Result<Vec<_>>>()
    };
    let (wrt, along) = (import(&primals)?, import(tangents)?);
    let (output_value, weights_value) = (trace.import(&output)?, trace.import(&weights)?);
    // The gradients are linear in the weights of the output.
    let gradients = trace.with_graph(|g| vjp(g, &[(output_value, weights_value)], &wrt))?;
    let pairs = gradients.into_iter().zip(along);
    let pairs: Vec<_> = pairs.filter_map(|(g, t)| Some((g?, t))).collect();
    let found = trace.with_graph(|g| vjp(g, &pairs, &[weights_value]))?;
    let tangent = found.into_iter().flatten().next().map(|v| trace.wrap(v));
    Ok((output, tangent.unwrap_or(weights)))
}
