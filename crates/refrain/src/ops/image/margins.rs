//! Images with more or fewer rows and columns at their edges.

use refrain_graph::Dim;

use super::resize::pick;
use super::{apply, axes, image_options};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::DataFormat;
use crate::ops::definition::{OpResult, operations};
use crate::ops::{pad_constant, prim, slice_traced, tensor_argument};
use crate::tensor::Tensor;
use crate::utils::sizes;

image_options! {
    /// How many rows and columns are added to images or cut from them, or how many there are then.
    ///
    /// Of [`top`](Margins::top), [`bottom`](Margins::bottom) and [`height`](Margins::height) two must be given, and of
    /// [`left`](Margins::left), [`right`](Margins::right) and [`width`](Margins::width).
    ///
    /// ```
    /// use refrain::ops::image::Margins;
    /// let margins = Margins::default().top(1).bottom(2).left(0).width(28);
    /// ```
    Margins {
        /// Rows before the first.
        top: Option<usize> = None,
        /// Columns before the first.
        left: Option<usize> = None,
        /// Rows behind the last.
        bottom: Option<usize> = None,
        /// Columns behind the last.
        right: Option<usize> = None,
        /// Rows of the result.
        height: Option<usize> = None,
        /// Columns of the result.
        width: Option<usize> = None,
        /// Where the channels are.
        data_format: DataFormat = DataFormat::ChannelsLast,
    }
}

operations! { TABLE in table {
    /// Images with zeros around them.
    ///
    /// Integers stay integers. Other than two numbers for an axis, and fewer rows or columns than there are, are errors.
    ///
    /// ```
    /// use refrain::{input, ops::image::{Margins, pad_images}};
    /// let margins = Margins::default().top(2).left(3).height(20).width(30);
    /// assert_eq!(pad_images(&input([15, 25, 3]), margins).shape().to_string(), "(None, 20, 30, 3)");
    /// ```
    pub fn pad_images(images: &Tensor, margins: Margins) -> Tensor {
        |op| Tensor::from_result(apply(op, [images], margins.of("padding")))
    }
    "ops.image" / "PadImages" as "pad_images(images, top_padding=None, left_padding=None, bottom_padding=None, right_padding=None, target_height=None, target_width=None, data_format=None)"
    [Tensor, OptionalInteger, OptionalInteger, OptionalInteger, OptionalInteger, OptionalInteger, OptionalInteger, Plain]
    => |inputs, config| along_axes(inputs, &Margins::read(config, "padding")?, pad_axis);
    /// Parts of images.
    ///
    /// Other than two numbers for an axis, and more rows or columns than there are, are errors.
    ///
    /// ```
    /// use refrain::{input, ops::image::{Margins, crop_images}};
    /// let margins = Margins::default().top(2).left(3).height(9).right(4);
    /// assert_eq!(crop_images(&input([15, 25, 3]), margins).shape().to_string(), "(None, 9, 18, 3)");
    /// ```
    pub fn crop_images(images: &Tensor, margins: Margins) -> Tensor {
        |op| Tensor::from_result(apply(op, [images], margins.of("cropping")))
    }
    "ops.image" / "CropImages" as "crop_images(images, top_cropping=None, left_cropping=None, bottom_cropping=None, right_cropping=None, target_height=None, target_width=None, data_format=None)"
    [Tensor, OptionalInteger, OptionalInteger, OptionalInteger, OptionalInteger, OptionalInteger, OptionalInteger, Plain]
    => |inputs, config| along_axes(inputs, &Margins::read(config, "cropping")?, crop_axis);
}}

impl Margins {
    /// Keras's name of an option: those of the sides end in what happens there.
    fn keras_name(name: &str, what: &str) -> String {
        match name {
            "height" | "width" => format!("target_{name}"),
            "data_format" => name.to_owned(),
            side => format!("{side}_{what}"),
        }
    }

    /// The configuration of a function.
    fn of(&self, what: &str) -> Config {
        let own = self.to_config().into_iter();
        own.map(|(name, json)| (Margins::keras_name(&name, what), json))
            .collect()
    }

    fn read(config: &Config, what: &str) -> Result<Self> {
        let names = Margins::default().to_config();
        let given = names.iter().filter_map(|(name, _)| {
            Some((
                name.clone(),
                config.get(&Margins::keras_name(name, what))?.clone(),
            ))
        });
        Margins::from_config(&given.collect())
    }

    /// Before, behind and in all, of the rows and of the columns.
    fn of_axes(&self) -> [[Option<usize>; 3]; 2] {
        [
            [self.top, self.bottom, self.height],
            [self.left, self.right, self.width],
        ]
    }
}

/// Runs a function of an axis and its numbers on rows and columns.
fn along_axes(
    inputs: &Inputs,
    margins: &Margins,
    f: fn(&Tensor, usize, [Option<usize>; 3]) -> Result<Tensor>,
) -> OpResult {
    let x = tensor_argument(inputs, 0, "images")?;
    let mut axes = axes(&x, margins.data_format)?
        .into_iter()
        .zip(margins.of_axes());
    Ok(axes
        .try_fold(x, |x, (axis, numbers)| f(&x, axis, numbers))?
        .into())
}

/// How many there are before and behind, of sizes inside and in all; the size that no number tells follows from the other.
fn sides(
    [before, behind, size]: [Option<usize>; 3],
    inside: Dim,
    all: Dim,
) -> Result<Option<[usize; 2]>> {
    let number = match (before, behind, size) {
        (Some(before), Some(behind), None) => return Ok(Some([before, behind])),
        (Some(number), None, Some(_)) | (None, Some(number), Some(_)) => number,
        _ => {
            return Err(Error::mismatch(
                ErrorKind::Config,
                "two of the first and the last edge and the size",
                format!("{before:?}, {behind:?} and {size:?}"),
            ));
        }
    };
    let (Some(inside), Some(all)) = (inside, all) else {
        return Ok(None);
    };
    let other = all
        .checked_sub(inside)
        .and_then(|rest| rest.checked_sub(number));
    let other = other.ok_or_else(|| {
        Error::mismatch(
            ErrorKind::Shape,
            "edges of at least 0",
            format!("{inside} of {all} behind {number}"),
        )
    })?;
    Ok(Some(match before {
        Some(before) => [before, other],
        None => [other, number],
    }))
}

fn pad_axis(x: &Tensor, axis: usize, numbers: [Option<usize>; 3]) -> Result<Tensor> {
    let Some([low, high]) = sides(numbers, x.shape().dim(axis), numbers[2])? else {
        return of_size(x, axis, numbers[2]);
    };
    let mut widths = vec![(0, 0); x.rank()];
    widths[axis] = (sizes::signed(low)?, sizes::signed(high)?);
    if let Some(size) = x.shape().dim(axis) {
        prim::check_axis(
            "an image",
            x,
            axis,
            size.saturating_add(low).saturating_add(high),
        )?;
    }
    pad_constant(x, &widths, 0.0)
}

fn crop_axis(x: &Tensor, axis: usize, numbers: [Option<usize>; 3]) -> Result<Tensor> {
    let size = x.shape().dim(axis);
    let (Some([low, high]), Some(size)) = (sides(numbers, numbers[2], size)?, size) else {
        return of_size(x, axis, numbers[2]);
    };
    let end = size.checked_sub(high).filter(|end| *end >= low);
    let end = end.ok_or_else(|| {
        let expected = format!("at most {size} rows or columns cut from as many");
        Error::mismatch(ErrorKind::Shape, expected, format!("{low} and {high}"))
    })?;
    slice_traced(x, axis, low, Some(end))
}

/// Any image of a size along an axis, where that of the input is not known yet.
fn of_size(x: &Tensor, axis: usize, size: Dim) -> Result<Tensor> {
    let Some(size) = size else {
        return Ok(x.clone());
    };
    sizes::check_memory("an image", &[size], 4)?;
    pick(x, axis, vec![0; size])
}
