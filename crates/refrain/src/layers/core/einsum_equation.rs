//! What the equation of an `EinsumDense` says of the shapes.

use refrain_graph::{Dim, Shape};

use crate::error::{Error, ErrorKind, Result};

/// Where the axes without letters are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ellipsis {
    None,
    Left,
    Right,
}

/// The letters of the axes of input, kernel and output.
pub(super) struct Equation<'a> {
    input: &'a str,
    kernel: &'a str,
    output: &'a str,
    ellipsis: Ellipsis,
}

/// The kernel's shape, and the sizes that it maps from and to.
pub(super) struct Kernel {
    pub(super) shape: Vec<usize>,
    pub(super) fans: [usize; 2],
}

fn shape_error(expected: impl Into<String>, received: impl Into<String>) -> Error {
    Error::mismatch(ErrorKind::Shape, expected, received)
}

impl<'a> Equation<'a> {
    /// Takes an equation apart.
    ///
    /// # Errors
    /// It has none of the three forms, or an axis of the output or of the kernel that is nowhere else.
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        let forms = "an equation of the form `ab,bc->ac`, `...ab,bc->...ac` or `ab...,bc->ac...`";
        let bad = || Error::mismatch(ErrorKind::Config, forms, text);
        let (operands, output) = text.split_once("->").ok_or_else(bad)?;
        let (input, kernel) = operands.split_once(',').ok_or_else(bad)?;
        let left = input.strip_prefix("...").zip(output.strip_prefix("..."));
        let right = input.strip_suffix("...").zip(output.strip_suffix("..."));
        let ((input, output), ellipsis) = match (left, right) {
            (Some(letters), _) => (letters, Ellipsis::Left),
            (None, Some(letters)) => (letters, Ellipsis::Right),
            (None, None) => ((input, output), Ellipsis::None),
        };
        let letters = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphabetic());
        let short = ellipsis == Ellipsis::Right && input.len() < 2;
        if ![input, kernel, output].into_iter().all(letters) || short {
            return Err(bad());
        }
        let unknown = |axis: &char| !input.contains(*axis) && !kernel.contains(*axis);
        if let Some(axis) = output.chars().find(unknown) {
            let expected = format!("the output's axis `{axis}` in the input or in the kernel");
            return Err(Error::mismatch(ErrorKind::Config, expected, text));
        }
        let unknown = |axis: &char| !input.contains(*axis) && !output.contains(*axis);
        if let Some(axis) = kernel.chars().find(unknown) {
            let expected = format!("the kernel's axis `{axis}` in the input or in the output");
            return Err(Error::mismatch(ErrorKind::Config, expected, text));
        }
        Ok(Equation {
            input,
            kernel,
            output,
            ellipsis,
        })
    }

    /// How many axes of the input have no letter.
    fn elided(&self, input: &Shape) -> Result<usize> {
        let letters = self.input.len();
        match (self.ellipsis, input.rank().checked_sub(letters)) {
            (Ellipsis::None, Some(0)) => Ok(0),
            (Ellipsis::Left | Ellipsis::Right, Some(n)) => Ok(n),
            (Ellipsis::None, _) => Err(shape_error(
                format!("an input of rank {letters}"),
                format!("shape {input}"),
            )),
            _ => Err(shape_error(
                format!("an input of rank {letters} or more"),
                format!("shape {input}"),
            )),
        }
    }

    /// Where the letters begin among the axes.
    fn first(&self, elided: usize) -> usize {
        if self.ellipsis == Ellipsis::Left {
            elided
        } else {
            0
        }
    }

    /// The whole shape of the output.
    pub(super) fn output_shape(&self, input: &Shape, partial: &[Dim]) -> Result<Vec<Dim>> {
        let elided = self.elided(input)?;
        let dims = input.dims();
        let first = self.first(elided);
        let before = dims.get(..first.max(1)).unwrap_or_default();
        let after = match self.ellipsis {
            Ellipsis::Right => &dims[self.input.len()..],
            _ => &[],
        };
        let output = [before, partial, after].concat();
        if output.len() != self.output.len() + elided {
            let expected = format!("an `output_shape` for the axes `{}`", self.output);
            return Err(shape_error(expected, Shape::from(partial).to_string()));
        }
        for (i, axis) in self.input.chars().enumerate() {
            let Some(j) = self.output.find(axis) else {
                continue;
            };
            let (given, wanted) = (dims[first + i], output[first + j]);
            if wanted.is_some() && wanted != given {
                let received = format!("{} and {}", Shape::from(dims), Shape::from(&output[..]));
                let expected = format!("shapes that agree along the shared axis `{axis}`");
                return Err(shape_error(expected, received));
            }
        }
        Ok(output)
    }

    /// The kernel for these shapes.
    pub(super) fn kernel(&self, input: &Shape, output: &[Dim]) -> Result<Kernel> {
        let first = self.first(self.elided(input)?);
        let (mut shape, mut fans) = (Vec::new(), [1, 1]);
        for axis in self.kernel.chars() {
            let (size, side) = match (self.output.find(axis), self.input.find(axis)) {
                (Some(j), _) => (output[first + j], 1),
                (None, i) => (i.and_then(|i| input.dim(first + i)), 0),
            };
            let size = known(axis, size)?;
            shape.push(size);
            fans[side] = usize::saturating_mul(fans[side], size);
        }
        Ok(Kernel { shape, fans })
    }

    /// The shape of a bias along these axes of the output.
    pub(super) fn bias_shape(
        &self,
        axes: &str,
        input: &Shape,
        output: &[Dim],
    ) -> Result<Vec<usize>> {
        let elided = self.elided(input)?;
        let place = |axis: char| self.output.find(axis);
        let places: Option<Vec<usize>> = axes.chars().map(place).collect();
        let from = places.and_then(|places| places.into_iter().min());
        let from = from.ok_or_else(|| {
            let expected = format!("`bias_axes` among the output's axes `{}`", self.output);
            Error::mismatch(ErrorKind::Config, expected, format!("`{axes}`"))
        })?;
        let first = self.first(elided);
        let sizes = self.output.chars().enumerate().skip(from);
        let mut shape = sizes
            .map(|(i, axis)| match axes.contains(axis) {
                true => known(axis, output[first + i]),
                false => Ok(1),
            })
            .collect::<Result<Vec<_>>>()?;
        if self.ellipsis == Ellipsis::Right {
            shape.resize(shape.len() + elided, 1);
        }
        Ok(shape)
    }
}

/// The size of an axis of a weight.
fn known(axis: char, size: Dim) -> Result<usize> {
    size.ok_or_else(|| {
        shape_error(format!("axis `{axis}` to have a known size"), "None")
            .hint("A weight depends on it: give it in `output_shape`, or the Input this size")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(text: &str, input: &[Dim], partial: &[Dim], bias: &str) -> Result<String> {
        let input = Shape::from(input);
        let equation = Equation::parse(text)?;
        let output = equation.output_shape(&input, partial)?;
        let kernel = equation.kernel(&input, &output)?;
        let bias = equation.bias_shape(bias, &input, &output)?;
        let (shape, fans) = (kernel.shape, kernel.fans);
        Ok(format!(
            "{} {shape:?} {fans:?} {bias:?}",
            Shape::from(&output[..])
        ))
    }

    #[test]
    fn shapes_are_keras() {
        let row = [None, Some(5), Some(3)];
        let all = [
            shapes("abc,cd->abd", &row, &[None, Some(4)], "d"),
            shapes("...x,xy->...y", &row, &[Some(4)], "y"),
            shapes("ab...,bc->ac...", &row, &[Some(4)], "c"),
            shapes("abc,bde->aecd", &row, &[Some(6), Some(3), Some(2)], "ed"),
        ];
        let all: Vec<String> = all.into_iter().map(|s| s.unwrap()).collect();
        assert_eq!(
            all,
            [
                "(None, None, 4) [3, 4] [3, 4] [4]",
                "(None, 5, 4) [3, 4] [3, 4] [4]",
                "(None, 4, 3) [5, 4] [5, 4] [4, 1]",
                "(None, 6, 3, 2) [5, 2, 6] [5, 12] [6, 1, 2]",
            ]
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let row = [None, Some(5), Some(3)];
        for (text, partial, bias) in [
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
            assert!(
                shapes(text, &row, partial, bias).is_err(),
                "{text} {partial:?} {bias}"
            );
        }
    }
}
