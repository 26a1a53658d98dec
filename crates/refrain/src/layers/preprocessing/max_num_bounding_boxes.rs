//! Boxes beside images, of one number for all.

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Call, DataFormat, Layer, layer_options};
use crate::ops::{pad_constant, slice_traced};
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::utils::sizes;

layer_options! {
    /// Brings the number of boxes beside images to one for all: leaves some out, or adds boxes of a value.
    ///
    /// Input: images, or a dict that may have `bounding_boxes`, a dict of `boxes` `(batch, number, 4)` and `labels` `(batch, number)`;
    /// output of the same structure, the first `max_number` boxes and labels. All else stays. No weights.
    ///
    /// ```
    /// use refrain::layers::MaxNumBoundingBoxes;
    /// use refrain::{Structure, input};
    /// let boxes = [("boxes", input([7, 4]).into()), ("labels", input([7]).into())];
    /// let data = [("images", input([28, 28, 3]).into()), ("bounding_boxes", Structure::dict(boxes))];
    /// let layer = MaxNumBoundingBoxes::new(10_usize).bounding_box_format("xyxy".to_owned());
    /// let y = layer.call(Structure::dict(data))?;
    /// assert_eq!(y.flatten()[0].shape().to_string(), "(None, 10, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/max_num_bounding_box.py`.
    MaxNumBoundingBoxes, MaxNumBoundingBoxesOptions {
        /// Where the channels are.
        data_format: DataFormat = DataFormat::ChannelsLast,
        /// How many boxes there are then.
        max_number: usize = 0,
        /// What the numbers are of boxes and labels that are added. As in Keras files do not keep it.
        fill_value: i64 = -1,
        /// What the numbers of a box are, as in Keras: with boxes it must be there, but changes nothing here.
        bounding_box_format: Option<String> = None,
    }
}

impl MaxNumBoundingBoxes {
    /// A layer for so many boxes.
    pub fn new(max_number: impl Into<usize>) -> Self {
        MaxNumBoundingBoxesOptions {
            max_number: max_number.into(),
            ..MaxNumBoundingBoxesOptions::default()
        }
        .into_layer()
    }
}

impl MaxNumBoundingBoxesOptions {
    fn boxes(&self, boxes: &Structure<Tensor>) -> Result<Structure<Tensor>> {
        let Structure::Dict(parts) = boxes else {
            return Err(unfit(boxes));
        };
        if self.bounding_box_format.is_none() {
            let message = "`bounding_boxes` for a layer without option `bounding_box_format`";
            return Err(Error::new(ErrorKind::Config, message));
        }
        let limited = parts.iter().map(|(key, part)| {
            let rank = match key.as_str() {
                "boxes" => 3,
                "labels" => 2,
                _ => return Err(unfit(boxes)),
            };
            let part = part.single().filter(|part| part.rank() == rank);
            let limited = self.limited(part.ok_or_else(|| unfit(boxes))?)?;
            Ok((key.clone(), limited.into()))
        });
        Ok(Structure::Dict(limited.collect::<Result<_>>()?))
    }

    /// The first ones along the second axis, and what is missing.
    fn limited(&self, x: &Tensor) -> Result<Tensor> {
        let size = x.shape().dim(1).unwrap_or(self.max_number);
        let first = slice_traced(x, 1, 0, Some(self.max_number.min(size)))?;
        let mut widths = vec![(0, 0); x.rank()];
        widths[1].1 = sizes::signed(self.max_number.saturating_sub(size))?;
        sizes::check_memory("boxes", &[self.max_number], 16)?;
        pad_constant(&first, &widths, self.fill_value as f64)
    }
}

fn unfit(boxes: &Structure<Tensor>) -> Error {
    let shapes: Vec<String> = boxes
        .flatten()
        .iter()
        .map(|x| x.shape().to_string())
        .collect();
    Error::mismatch(
        ErrorKind::Structure,
        "a dict of `boxes` (batch, number, 4) and `labels` (batch, number)",
        format!("shapes {}", shapes.join(", ")),
    )
}

impl Layer for MaxNumBoundingBoxesOptions {
    type Output = Structure<Tensor>;

    fn class_name(&self) -> &str {
        "MaxNumBoundingBoxes"
    }

    fn config(&self) -> Config {
        let mut config = self.to_config();
        config.shift_remove("fill_value");
        if self.bounding_box_format.is_none() {
            config.shift_remove("bounding_box_format");
        }
        config
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Structure<Tensor>> {
        let given = inputs.first()?;
        let Structure::Dict(parts) = given else {
            return Ok(given.clone());
        };
        let parts = parts.iter().map(|(key, part)| {
            let part = match key.as_str() {
                "bounding_boxes" => self.boxes(part)?,
                _ => part.clone(),
            };
            Ok((key.clone(), part))
        });
        Ok(Structure::Dict(parts.collect::<Result<_>>()?))
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}
