//! Values between the elements of a tensor and beyond its edges.

use refrain_graph::{DType, Dim, Shape};

use super::{image_options, places};
use crate::config::Config;
use crate::config::ConfigValue;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{DataFormat, FillMode, Interpolation};
use crate::ops::definition::{OpResult, operations};
use crate::ops::{self, gather_axis, option, prim, tensor_argument};
use crate::tensor::Tensor;

image_options! {
    /// How images are read between their pixels and beyond their edges.
    ///
    /// ```
    /// use refrain::layers::{FillMode, Interpolation};
    /// use refrain::ops::image::Sampling;
    /// let sampling = Sampling::default().interpolation(Interpolation::Nearest).fill_mode(FillMode::Reflect);
    /// ```
    Sampling {
        /// What lies between pixels: [`Interpolation::Bilinear`] or [`Interpolation::Nearest`]; others are errors.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What lies beyond the edges.
        fill_mode: FillMode = FillMode::Constant,
        /// The value beyond the edges, where it is one.
        fill_value: f64 = 0.0,
        /// Where the channels are.
        data_format: DataFormat = DataFormat::ChannelsLast,
    }
}

impl Sampling {
    /// Refuses interpolations between more than two pixels along an axis.
    pub(crate) fn check(&self) -> Result<()> {
        match self.interpolation {
            Interpolation::Bilinear | Interpolation::Nearest => Ok(()),
            other => Err(Error::mismatch(
                ErrorKind::Config,
                "interpolation `nearest` or `bilinear`",
                other.to_json().to_string(),
            )),
        }
    }
}

operations! { TABLE in table {
    /// Elements of a tensor at coordinates, which need not be whole: `coordinates[i]` are those along axis `i`.
    ///
    /// `order` 0 takes the nearest element, 1 interpolates linearly. The result has the shape of `coordinates` without its first
    /// axis, and the type of the inputs: integers are rounded. Coordinates of rank 1, or for another number of axes, are errors.
    ///
    /// ```
    /// use refrain::{Input, layers::FillMode, ops};
    /// let x = Input::new([5]).batch_size(4).tensor();
    /// let places = Input::new([7]).batch_size(2).tensor();
    /// let y = ops::image::map_coordinates(&x, &places, 1, FillMode::Reflect, 0.0);
    /// assert_eq!(y.shape().to_string(), "(7,)");
    /// ```
    pub fn map_coordinates(inputs: &Tensor, coordinates: &Tensor, order: usize, fill_mode: FillMode, fill_value: f64) -> Tensor {
        [inputs, coordinates, order, fill_mode.to_json(), fill_value]
    }
    "ops.image" / "MapCoordinates" as "map_coordinates(inputs, coordinates, order, fill_mode='constant', fill_value=0)"
    [Tensor, Tensor, Count, Text, Number] => map_coordinates_call;
}}

/// How many axes a tensor may have that is read at coordinates.
const MOST_AXES: usize = 8;

fn map_coordinates_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = tensor_argument(inputs, 0, "inputs")?;
    let coordinates = tensor_argument(inputs, 1, "coordinates")?;
    let interpolation = match option::<usize>(config, "order")? {
        0 => Interpolation::Nearest,
        1 => Interpolation::Bilinear,
        order => {
            let received = order.to_string();
            return Err(Error::mismatch(ErrorKind::Config, "order 0 or 1", received));
        }
    };
    // Each axis doubles the number of elements that a value is made of.
    if x.rank() > MOST_AXES {
        let received = format!("shape {}", x.shape());
        let expected = format!("at most {MOST_AXES} axes");
        return Err(Error::mismatch(ErrorKind::Shape, expected, received));
    }
    if coordinates.rank() < 2 || coordinates.dim(0) != Some(x.rank()) {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            format!("coordinates along {} axes, of rank 2 or more", x.rank()),
            format!("shape {}", coordinates.shape()),
        ));
    }
    let how = Sampling::from_config(config)?.interpolation(interpolation);
    let along = (0..x.rank()).map(|axis| Axis {
        coordinate: coordinates.slice(axis),
        size: x.shape().dim(axis),
        step: count(&x.shape().dims()[axis + 1..]),
    });
    let axes: Vec<Axis> = along.collect();
    let elements = prim::reshape(&x, [x.shape().numel()])?;
    Ok(sample(&elements, None, &axes, &how)?.into())
}

/// How many elements these sizes have; sizes that are not known yet count as 1.
fn count(dims: &[Dim]) -> usize {
    dims.iter()
        .map(|dim| dim.unwrap_or(1))
        .fold(1, usize::saturating_mul)
}

/// An axis of a tensor that is read at coordinates.
struct Axis {
    coordinate: Tensor,
    size: Dim,
    /// How many places its neighbours are apart.
    step: usize,
}

/// An element that has a part in a value.
#[derive(Clone)]
struct Node {
    /// Where it lies among all.
    place: Option<Tensor>,
    /// Whether it lies inside, where it matters.
    inside: Option<Tensor>,
    /// Its part, if it is not the whole value.
    weight: Option<Tensor>,
}

impl Node {
    /// An element along one more axis.
    fn and(&self, other: &Node) -> Node {
        let both = |a: &Option<Tensor>, b: &Option<Tensor>, f: fn(&Tensor, &Tensor) -> Tensor| {
            match (a, b) {
                (Some(a), Some(b)) => Some(f(a, b)),
                (a, b) => a.as_ref().or(b.as_ref()).cloned(),
            }
        };
        Node {
            place: both(&self.place, &other.place, |a, b| a + b),
            inside: both(&self.inside, &other.inside, |a, b| ops::logical_and(a, b)),
            weight: both(&self.weight, &other.weight, |a, b| a * b),
        }
    }
}

impl Axis {
    /// The elements along it that have parts in the values at its coordinates.
    fn nodes(&self, how: &Sampling, integer: DType) -> Result<Vec<Node>> {
        let x = &self.coordinate;
        if !x.dtype().is_float() {
            return Ok(vec![self.node(x, None, how.fill_mode, integer)?]);
        }
        if how.interpolation == Interpolation::Nearest {
            return Ok(vec![self.node(
                &rounded(x),
                None,
                how.fill_mode,
                integer,
            )?]);
        }
        let lower = x.floor();
        let above = x - &lower;
        let below = 1.0 - &above;
        Ok(vec![
            self.node(&lower, Some(below), how.fill_mode, integer)?,
            self.node(&(&lower + 1.0), Some(above), how.fill_mode, integer)?,
        ])
    }

    /// The element at a whole coordinate.
    fn node(
        &self,
        at: &Tensor,
        weight: Option<Tensor>,
        mode: FillMode,
        integer: DType,
    ) -> Result<Node> {
        let size = self.size.unwrap_or(1).max(1) as i64;
        let at = prim::convert(at, integer)?;
        let inside = (mode == FillMode::Constant)
            .then(|| ops::logical_and(ops::greater_equal(&at, 0), ops::less(&at, size)));
        let fixed = match mode {
            FillMode::Constant | FillMode::Nearest => at,
            FillMode::Wrap => ops::modulo(at, size),
            FillMode::Mirror => mirrored(&at, size),
            FillMode::Reflect => ops::floor_divide(mirrored(&(at * 2 + 1), 2 * size + 1) - 1, 2),
        };
        let place = ops::clip(fixed, 0.0, (size - 1) as f64) * self.step as i64;
        Ok(Node {
            place: Some(place.checked()?),
            inside,
            weight,
        })
    }
}

/// Places reflected about the first and the last of so many.
fn mirrored(at: &Tensor, size: i64) -> Tensor {
    match size - 1 {
        0 => ops::zeros_like(at, None),
        last => (ops::modulo(at + last, 2 * last) - last).abs(),
    }
}

/// The nearest whole numbers; halves go away from zero.
fn rounded(x: &Tensor) -> Tensor {
    let whole = ops::trunc(x);
    let far = ops::cast(ops::greater_equal((x - &whole).abs(), 0.5), x.dtype());
    whole + x.sign() * far
}

/// Values of elements, the first axis of a tensor, at coordinates along axes that the elements lie on. `start`: where those
/// begin that a value is made of.
fn sample(
    elements: &Tensor,
    start: Option<Tensor>,
    axes: &[Axis],
    how: &Sampling,
) -> Result<Tensor> {
    how.check()?;
    let integer = match elements.dim(0) {
        Some(n) if i32::try_from(n).is_err() => DType::I64,
        _ => DType::I32,
    };
    let start = start
        .map(|start| prim::convert(&start, integer))
        .transpose()?;
    let mut nodes = vec![Node {
        place: start,
        inside: None,
        weight: None,
    }];
    for axis in axes {
        let along = axis.nodes(how, integer)?;
        nodes = nodes
            .iter()
            .flat_map(|node| along.iter().map(move |next| node.and(next)))
            .collect();
    }
    let parts = nodes
        .iter()
        .map(|node| part(elements, node, how.fill_value));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let sum = parts.into_iter().reduce(|a, b| a + b);
    let sum = sum.ok_or_else(|| Error::new(ErrorKind::Internal, "values of no elements"))?;
    let sum = match elements.dtype().is_integer() && sum.dtype().is_float() {
        true => rounded(&sum),
        false => sum,
    };
    prim::convert(&sum.checked()?, elements.dtype())
}

/// What an element gives to values.
fn part(elements: &Tensor, node: &Node, fill_value: f64) -> Result<Tensor> {
    let Some(place) = &node.place else {
        return Ok(elements.clone());
    };
    let value = gather_axis(elements, &place.clone().checked()?, 0)?;
    let each = |x: &Tensor| match elements.rank() {
        1 => x.clone(),
        _ => ops::expand_dims(x, -1),
    };
    let value = match &node.inside {
        Some(inside) => {
            let fill = prim::constant_like(elements, fill_value)?;
            prim::select(&each(inside).checked()?, &value, &fill)?
        }
        None => value,
    };
    match &node.weight {
        Some(weight) => (each(weight) * value).checked(),
        None => Ok(value),
    }
}

/// Pixels of images `(batch, rows, columns, channels)` at other coordinates: `(batch, rows, columns)`, or with a last axis where
/// those of the channels differ.
pub(super) fn warp(x: &Tensor, [row, column]: [Tensor; 2], how: &Sampling) -> Result<Tensor> {
    [x, &row, &column].into_iter().try_for_each(Tensor::check)?;
    let shape = x.shape();
    let [rows, columns, channels] = [1, 2, 3].map(|axis| shape.dim(axis));
    let rank = row.rank();
    let (elements, step) = match rank {
        4 => (Shape::from([shape.numel()]), channels.unwrap_or(1)),
        _ => {
            let pixels = Shape::from(&shape.dims()[..3]).numel();
            (Shape::from([pixels, channels]), 1)
        }
    };
    let of_row = count(&[columns, Some(step)]);
    let start = places(x, 0, rank, DType::I64)? * count(&[rows, Some(of_row)]) as i64;
    let start = match rank {
        4 => start + places(x, 3, rank, DType::I64)?,
        _ => start,
    };
    let axes = [
        Axis {
            coordinate: row,
            size: rows,
            step: of_row,
        },
        Axis {
            coordinate: column,
            size: columns,
            step,
        },
    ];
    sample(&prim::reshape(x, elements)?, Some(start), &axes, how)
}
