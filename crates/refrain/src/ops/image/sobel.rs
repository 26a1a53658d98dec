//! Edges in images.

use refrain_graph::Literal;

use crate::config::{Config, ConfigValue};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{DataFormat, Padding};
use crate::ops::conv::{channels_last, convolve_depthwise};
use crate::ops::definition::{OpResult, operations};
use crate::ops::{self, ConvOptions, as_float, option, prim, tensor_argument};
use crate::tensor::Tensor;

operations! { TABLE in table {
    /// How images change from row to row and from column to column, by Sobel's kernels: with a last axis of these two.
    ///
    /// Batches `(batch, rows, columns, channels)` give `(batch, rows, columns, channels, 2)`, with channels first `(batch, channels,
    /// rows, columns, 2)`. Beyond the edges are zeros. Integers become floats. Another rank than 4 is an error.
    ///
    /// ```
    /// use refrain::{input, layers::DataFormat, ops::image::sobel_edges};
    /// let y = sobel_edges(&input([8, 9, 3]), DataFormat::ChannelsLast);
    /// assert_eq!(y.shape().to_string(), "(None, 8, 9, 3, 2)");
    /// ```
    pub fn sobel_edges(images: &Tensor, data_format: DataFormat) -> Tensor { [images, data_format.to_json()] }
    "ops.image" / "SobelEdges" as "sobel_edges(images, data_format=None)" [Tensor, Plain] => sobel_edges_call;
}}

fn sobel_edges_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = as_float(&tensor_argument(inputs, 0, "images")?)?;
    if x.rank() != 4 {
        let received = format!("shape {}", x.shape());
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "images of rank 4",
            received,
        ));
    }
    let format = option(config, "data_format")?;
    let kernels = [
        [-1.0, -2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0],
        [-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0],
    ];
    let edges = kernels.map(|kernel| {
        let edges = channels_last(&x, format, |x| filtered(x, &kernel));
        edges.map(|edges| ops::expand_dims(edges, -1))
    });
    let [down, across] = edges;
    Ok(ops::concatenate([&down?, &across?], -1).checked()?.into())
}

/// Each channel with a kernel of nine numbers.
fn filtered(x: &Tensor, kernel: &[f32; 9]) -> Result<Tensor> {
    let channels = x.dim(-1).ok_or_else(|| {
        let received = format!("shape {}", x.shape());
        Error::mismatch(ErrorKind::Shape, "images of known channels", received)
    })?;
    let literal = Literal::new([3, 3, 1, 1], kernel.to_vec());
    let literal = literal.ok_or_else(|| Error::new(ErrorKind::Internal, "a kernel of nine"))?;
    let kernel = x
        .expect_traced()?
        .trace
        .constant(literal.convert(x.dtype()));
    let kernel = prim::broadcast_to(&kernel, &[3, 3, channels, 1].into())?;
    convolve_depthwise(x, &kernel, &ConvOptions::default().padding(Padding::Same))
}
