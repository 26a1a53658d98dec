//! The shapes of an [`EinsumDense`](super::EinsumDense)'s weights, as its equation has them.

use refrain_graph::{Dim, Shape};

use crate::error::{Error, ErrorKind, Result};
use crate::ops::{Label, Subscripts};

/// Whether an equation has one of Keras's forms.
pub(super) fn has_form(equation: &str) -> bool {
    let Some((input, (kernel, output))) = equation
        .split_once(',')
        .and_then(|(i, r)| Some((i, r.split_once("->")?)))
    else {
        return false;
    };
    let left = input.strip_prefix("...").zip(output.strip_prefix("..."));
    let right = input.strip_suffix("...").zip(output.strip_suffix("..."));
    let cut = left.or(right.filter(|(input, _)| input.len() > 1));
    let (input, output) = cut.unwrap_or((input, output));
    let letters = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphabetic());
    [input, kernel, output].into_iter().all(letters)
}

/// An axis with its size.
type Axis = (Label, Dim);

fn find(axes: &[Axis], wanted: Label) -> Option<Axis> {
    axes.iter().copied().find(|(label, _)| *label == wanted)
}

/// An equation applied to an input.
pub(super) struct Equation<'a> {
    equation: &'a str,
    input: &'a Shape,
    output_shape: &'a [Dim],
    kernel: Vec<Axis>,
    output: Vec<Axis>,
}

impl<'a> Equation<'a> {
    /// For an input, and an output of these sizes behind the batch and without the axes of `...`.
    pub(super) fn new(
        equation: &'a str,
        input: &'a Shape,
        output_shape: &'a [Dim],
    ) -> Result<Self> {
        let parsed = Subscripts::parse(equation, &[Some(input.rank()), None])?;
        let labels = parsed.operands[0].iter().copied();
        let of_input: Vec<Axis> = labels.zip(input.dims().iter().copied()).collect();
        let mut applied = Equation {
            equation,
            input,
            output_shape,
            kernel: Vec::new(),
            output: Vec::new(),
        };
        applied.output = applied.sized_output(&parsed.output, &of_input)?;
        let kernel = parsed.operands[1].iter().map(|&axis| {
            let found = find(&applied.output, axis).or_else(|| find(&of_input, axis));
            let expected = || format!("the kernel's axis `{axis}` in the input or in the output");
            found.ok_or_else(|| applied.misfit(expected()))
        });
        applied.kernel = kernel.collect::<Result<_>>()?;
        Ok(applied)
    }

    fn misfit(&self, expected: String) -> Error {
        let (equation, input) = (self.equation, self.input);
        let output = Shape::from(self.output_shape);
        let received = format!("`{equation}`, input {input} and output_shape {output}");
        Error::mismatch(ErrorKind::Shape, expected, received)
    }

    /// The output's axes: the batch, those of `...`, and those whose sizes are given, which agree with the input's.
    fn sized_output(&self, labels: &[Label], of_input: &[Axis]) -> Result<Vec<Axis>> {
        let mut given = self.output_shape.iter().copied();
        let size = |(i, &label): (usize, &Label)| match i {
            0 => Some((label, self.input.dim(0))),
            _ if !label.is_ascii() => find(of_input, label),
            _ => given.next().map(|size| (label, size)),
        };
        let output: Option<Vec<Axis>> = labels.iter().enumerate().map(size).collect();
        let output = output.filter(|_| given.next().is_none());
        let output =
            output.ok_or_else(|| self.misfit("a size for each axis of the output".to_owned()))?;
        let disagrees = |&&(label, size): &&Axis| {
            size.is_some() && find(of_input, label).is_some_and(|(_, known)| known != size)
        };
        match output.iter().find(disagrees) {
            None => Ok(output),
            Some((axis, _)) => {
                Err(self.misfit(format!("shapes that agree along the shared axis `{axis}`")))
            }
        }
    }

    /// The shape of the kernel, and how many of its elements lie along axes of the input and of the output.
    pub(super) fn kernel(&self) -> Result<(Vec<usize>, [usize; 2])> {
        let (mut shape, mut fans) = (Vec::new(), [1usize; 2]);
        for &axis in &self.kernel {
            let size = self.known(axis)?;
            let side = usize::from(find(&self.output, axis.0).is_some());
            fans[side] = fans[side].saturating_mul(size);
            shape.push(size);
        }
        Ok((shape, fans))
    }

    /// The shape of a bias along these axes: 1 for the others of the output, behind the first that it has.
    pub(super) fn bias(&self, axes: &str) -> Result<Vec<usize>> {
        let place = |axis| self.output.iter().position(|&(label, _)| label == axis);
        let places: Option<Vec<usize>> = axes.chars().map(place).collect();
        let first = places.and_then(|places| places.into_iter().min());
        let first =
            first.ok_or_else(|| self.misfit(format!("`bias_axes` of the output, not `{axes}`")))?;
        let size = |&axis: &Axis| match axes.contains(axis.0) {
            true => self.known(axis),
            false => Ok(1),
        };
        self.output[first..].iter().map(size).collect()
    }

    fn known(&self, (axis, size): Axis) -> Result<usize> {
        let error = || self.misfit(format!("axis `{axis}` to have a known size"));
        size.ok_or_else(|| error().hint("Give it in `output_shape`, or the Input this size"))
    }
}

#[cfg(test)]
mod tests {
    use crate::initializers::GlorotUniform;
    use crate::layers::EinsumDense;
    use crate::{Result, Shape};

    #[test]
    fn shapes_and_fans_are_kerass() -> Result<()> {
        let (none, row) = (None, crate::input([5, 3]));
        let [kernel, wide]: [&[usize]; 2] = [&[3, 4], &[5, 2, 6]];
        for (text, shape, axes, kernel, fans, bias) in [
            (
                "abc,cd->abd",
                &[none, Some(4)][..],
                "d",
                kernel,
                7.0,
                &[4][..],
            ),
            ("...x,xy->...y", &[Some(4)], "y", kernel, 7.0, &[4]),
            ("ab...,bc->ac...", &[Some(4)], "c", &[5, 4], 9.0, &[4, 1]),
            (
                "abc,bde->aecd",
                &[Some(6), Some(3), Some(2)],
                "ed",
                wide,
                17.0,
                &[6, 1, 2],
            ),
        ] {
            let layer = EinsumDense::new(text, Shape::from(shape)).bias_axes(axes);
            let layer = layer.kernel_initializer(GlorotUniform::new().seed(1));
            layer.call(&row)?;
            let weights = layer.weights();
            assert_eq!(
                (&weights[0].shape()[..], &weights[1].shape()[..]),
                (kernel, bias),
                "{text}"
            );
            // Uniform up to a limit that follows from the fans.
            let limit = f64::sqrt(6.0 / fans);
            let largest = weights[0]
                .value()?
                .to_f64()
                .into_iter()
                .fold(0.0, |m: f64, v| m.max(v.abs()));
            assert!(
                largest <= limit && largest > 0.8 * limit,
                "{text}: {largest} of {limit}"
            );
        }
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (text, shape, bias) in [
            ("ab,bc", &[Some(4)][..], "c"),
            ("a...,ac->c...", &[Some(4)], "c"),
            ("abc,cd->abe", &[None, Some(4)], "e"),
            ("abc,xd->abd", &[None, Some(4)], "d"),
            ("abc,cd->abd", &[Some(6), Some(4)], "d"),
            ("abc,cd->abd", &[Some(4)], "d"),
            ("abc,cd->abd", &[None, None], "d"),
            ("abc,cd->abd", &[None, Some(4)], "c"),
            ("abc,cd->abd", &[None, Some(4)], ""),
            ("abc,cd->abd", &[None, Some(4)], "b"),
            ("ab,bd->ad", &[Some(4)], "d"),
            ("...abcx,xd->...abcd", &[Some(5), Some(3), Some(4)], "d"),
        ] {
            let layer = EinsumDense::new(text, Shape::from(shape)).bias_axes(bias);
            let called = layer.call(&crate::input([5, 3]));
            assert!(called.is_err(), "{text} {shape:?} {bias}");
        }
    }
}
