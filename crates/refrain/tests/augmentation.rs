//! Layers that change images: what they draw, and models of them.

use std::collections::BTreeSet;

use ndarray::{Array2, Array3, Array4, ArrayD};
use refrain::layers::{
    AugMix, AutoContrast, CenterCrop, ContrastLimitedAdaptiveHistogramEqualization, CutMix, Dense,
    Equalization, Factor, Factors, Flatten, FlipMode, Handle, Interpolation, Layer,
    MaxNumBoundingBoxes, MixUp, Pipeline, RandAugment, RandomBrightness, RandomColorDegeneration,
    RandomColorJitter, RandomContrast, RandomCrop, RandomElasticTransform, RandomErasing,
    RandomFlip, RandomGaussianBlur, RandomGrayscale, RandomHue, RandomInvert, RandomPerspective,
    RandomPosterization, RandomRotation, RandomSaturation, RandomSharpness, RandomShear,
    RandomTranslation, RandomZoom, Solarization,
};
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::{DType, Input, Inputs, Model, Result, Structure, Tensor, input, load_model, ops};

const IMAGES: usize = 2000;

/// What a layer makes of images while fitting.
fn changed<L: Layer<Output = Tensor>>(layer: Handle<L>, x: &Array4<f32>) -> Result<ArrayD<f32>> {
    let at = input(&x.shape()[1..]);
    let y = layer.call(Inputs::new(&at).option("training", true))?;
    Model::new(&at, &y)?
        .predict(x)
        .batch_size(IMAGES)
        .run()?
        .into_array()
}

/// Images of one pixel of this value.
fn pixels(value: f32) -> Array4<f32> {
    Array4::from_elem((IMAGES, 1, 1, 1), value)
}

fn share(values: &ArrayD<f32>, chosen: impl Fn(f32) -> bool) -> f64 {
    let chosen = values.iter().filter(|value| chosen(**value)).count();
    chosen as f64 / values.len() as f64
}

#[test]
fn each_image_has_a_number_of_its_own_within_the_bounds() -> Result<()> {
    let seeded = |seed: u64| changed(RandomBrightness::new(0.2).seed(seed), &pixels(100.0));
    let y = seeded(1)?;
    assert_eq!(y, seeded(1)?);
    assert_ne!(y, seeded(2)?);
    assert!(y.iter().all(|v| (49.0..=151.0).contains(v)));
    // Five standard deviations of the mean.
    let mean = f64::from(y.mean().expect("a mean"));
    assert!(
        (mean - 100.0).abs() < 5.0 * 29.5 / (IMAGES as f64).sqrt(),
        "{mean}"
    );
    let distinct: BTreeSet<u32> = y.iter().map(|v| v.to_bits()).collect();
    assert!(distinct.len() > IMAGES * 9 / 10);
    Ok(())
}

#[test]
fn choices_are_as_frequent_as_their_probabilities() -> Result<()> {
    let row = Array4::from_shape_fn((IMAGES, 1, 2, 1), |(_, _, j, _)| j as f32);
    let y = changed(RandomFlip::new().mode(FlipMode::Horizontal).seed(1), &row)?;
    let flipped = y.index_axis(ndarray::Axis(2), 0).to_owned();
    assert!((share(&flipped, |v| v == 1.0) - 0.5).abs() < 0.05);
    let both = flipped + y.index_axis(ndarray::Axis(2), 1);
    assert!(both.iter().all(|v| *v == 1.0));

    let y = changed(RandomInvert::new().factor((0.3, 0.3)).seed(1), &pixels(5.0))?;
    assert!((share(&y, |v| v == 250.0) - 0.3).abs() < 0.05);
    assert!((share(&y, |v| v == 5.0) - 0.7).abs() < 0.05);
    // A probability between 0 and 1, drawn too.
    let y = changed(RandomInvert::new().seed(1), &pixels(5.0))?;
    assert!((share(&y, |v| v == 250.0) - 0.5).abs() < 0.05);

    let y = changed(RandomPosterization::new((2.0, 5.0)).seed(1), &pixels(255.0))?;
    for bits in [192.0, 224.0, 240.0] {
        assert!(
            (share(&y, |v| v == bits) - 1.0 / 3.0).abs() < 0.05,
            "{bits}"
        );
    }

    let colors = Array4::from_shape_fn((IMAGES, 1, 1, 3), |(_, _, _, c)| c as f32 * 100.0);
    let y = changed(RandomGrayscale::new().factor(0.2).seed(1), &colors)?;
    assert!((share(&y, |v| (v - 81.5).abs() < 0.01) - 0.2).abs() < 0.05);
    Ok(())
}

#[test]
fn rectangles_have_the_size_that_is_drawn_and_lie_anywhere() -> Result<()> {
    let layer = RandomErasing::new().factor((1.0, 1.0)).scale((0.25, 0.25));
    let layer = layer.fill_value(Factors::One(9.0)).seed(1);
    let y = changed(layer, &Array4::zeros((IMAGES, 8, 6, 2)))?;
    let mut places = BTreeSet::new();
    for image in y.outer_iter() {
        let painted: Vec<usize> = (0..image.len())
            .filter(|&i| image[[i / 12, i / 2 % 6, i % 2]] == 9.0)
            .collect();
        assert_eq!(painted.len(), 4 * 3 * 2);
        places.insert(painted[0]);
    }
    // Four rows and three columns that it can begin in.
    assert_eq!(places.len(), 4 * 3, "{places:?}");
    let noise = changed(
        RandomErasing::new().factor((1.0, 1.0)).seed(1),
        &pixels(-1.0),
    )?;
    assert!(
        noise
            .iter()
            .all(|v| *v == -1.0 || (0.0..=255.0).contains(v))
    );
    Ok(())
}

/// What a layer of 16 bits makes of images while fitting.
fn changed_in_f16<L: Layer<Output = Tensor>>(
    layer: Handle<L>,
    x: &Array4<f32>,
) -> Result<Vec<f64>> {
    let at = input(&x.shape()[1..]);
    let call = Inputs::new(&at).option("training", true);
    let y = layer.dtype(DType::F16).call(call)?;
    let y = Model::new(&at, &y)?.predict(x).run()?.literal(0)?;
    assert_eq!(y.dtype(), DType::F16);
    Ok(y.to_f64())
}

/// A factor of 16 bits would be 1, and no finite number left of it.
#[test]
fn factors_near_one_are_drawn_in_full_precision() -> Result<()> {
    let gray = Array4::from_elem((4, 2, 2, 3), 100.0);
    let saturated = changed_in_f16(RandomSaturation::new((0.9999, 0.9999)).seed(1), &gray)?;
    assert_eq!(saturated, vec![100.0; gray.len()]);
    Ok(())
}

#[test]
fn bytes_stay_bytes_where_tiles_are_equalized() -> Result<()> {
    let pixels = Array4::from_shape_fn((2, 9, 8, 3), |(n, i, j, c)| {
        ((n * 37 + i * 11 + j * 17 + c * 29) % 256) as u8
    });
    let layer = || ContrastLimitedAdaptiveHistogramEqualization::new().tile_grid_size((2, 3));
    let wide = changed(layer(), &pixels.mapv(f32::from))?;
    let at = Input::new([9, 8, 3]).dtype(DType::U8).tensor();
    let model = Model::new(&at, &layer().call(&at)?)?;
    let bytes = model.predict(&pixels).run()?.literal(0)?;
    assert_eq!(bytes.dtype(), DType::U8);
    let cut: Vec<f64> = wide.iter().map(|v| f64::from(v.floor())).collect();
    assert_eq!(bytes.to_f64(), cut);
    Ok(())
}

/// In 16 bits some values of a byte would be counted in other bins.
#[test]
fn pixels_are_counted_in_full_precision() -> Result<()> {
    let bytes = Array4::from_shape_fn((2, 16, 16, 1), |(_, i, j, _)| (16 * i + j) as f32);
    let wide = changed(Equalization::new(), &bytes)?;
    let half = changed_in_f16(Equalization::new(), &bytes)?;
    let wide: Vec<f64> = wide.iter().map(|v| f64::from(*v)).collect();
    assert_eq!(half, wide);
    Ok(())
}

/// The pixels of a row of nine that goes up by one, at a place.
fn of_row(layer: Handle<impl Layer<Output = Tensor>>, place: usize) -> Result<ArrayD<f32>> {
    let row = Array4::from_shape_fn((IMAGES, 1, 9, 1), |(_, _, j, _)| j as f32);
    Ok(changed(layer, &row)?
        .index_axis(ndarray::Axis(2), place)
        .to_owned())
}

/// Checks that numbers are spread over a range.
fn check_spread(values: &ArrayD<f32>, [low, high]: [f32; 2]) {
    assert!(
        values
            .iter()
            .all(|v| (low - 1e-4..=high + 1e-4).contains(v))
    );
    for quarter in 0..4 {
        let bound = |i: i32| low + (high - low) * i as f32 / 4.0;
        let part = share(values, |v| {
            (bound(quarter)..bound(quarter + 1)).contains(&v)
        });
        assert!((part - 0.25).abs() < 0.05, "{quarter}: {part}");
    }
}

#[test]
fn pixels_are_moved_within_the_bounds() -> Result<()> {
    check_spread(
        &of_row(RandomTranslation::new(0.5, 0.25).seed(1), 4)?,
        [1.75, 6.25],
    );
    check_spread(
        &of_row(RandomTranslation::new(0.0, (0.1, 0.3)).seed(1), 4)?,
        [1.3, 3.1],
    );
    check_spread(
        &of_row(RandomZoom::new((-0.5, 0.0)).seed(1), 8)?,
        [6.0, 8.0],
    );
    let wide = RandomZoom::new(0.9).width_factor(Factor::Between(-0.5, -0.25));
    check_spread(&of_row(wide.seed(1), 8)?, [6.0, 7.0]);
    // Both ways, of a second row at the first column.
    let rows = Array4::from_shape_fn((IMAGES, 2, 9, 1), |(_, _, j, _)| j as f32);
    let y = changed(RandomShear::new().x_factor((0.5, 0.5)).seed(1), &rows)?;
    let moved = y
        .index_axis(ndarray::Axis(1), 1)
        .index_axis(ndarray::Axis(1), 4)
        .to_owned();
    assert!((share(&moved, |v| v == 4.5) - 0.5).abs() < 0.05);
    assert!((share(&moved, |v| v == 3.5) - 0.5).abs() < 0.05);
    // A sixth of a turn and less.
    let y = of_row(RandomRotation::new(1.0 / 6.0).seed(1), 8)?;
    assert!(y.iter().all(|v| (6.0 - 1e-4..=8.0).contains(v)));
    let ramp = Array4::from_shape_fn((IMAGES, 9, 9, 1), |(_, _, j, _)| j as f32);
    let layer = RandomPerspective::new().scale(0.2).factor((0.5, 0.5));
    let y = changed(layer.seed(1), &ramp)?;
    let middle = y.index_axis(ndarray::Axis(1), 4);
    let middle = middle.index_axis(ndarray::Axis(1), 4).to_owned();
    assert!((share(&middle, |v| v == 4.0) - 0.5).abs() < 0.05);
    assert!(middle.iter().all(|v| (3.0..=5.0).contains(v)));
    Ok(())
}

#[test]
fn noise_moves_pixels_of_as_many_images_as_are_drawn() -> Result<()> {
    let waves = Array4::from_shape_fn((200, 20, 20, 1), |(_, i, j, _)| {
        (i * 7 + j * 11) as f32 % 50.0
    });
    let layer = RandomElasticTransform::new()
        .factor((0.5, 0.5))
        .scale((0.5, 1.0))
        .value_range((0.0, 45.0));
    let y = changed(layer.seed(1), &waves)?;
    assert!(y.iter().all(|v| (0.0..=45.0).contains(v)));
    let pairs = y.outer_iter().zip(waves.outer_iter());
    let moved = pairs
        .filter(|(a, b)| a.iter().zip(b).any(|(a, b)| *a != b.min(45.0)))
        .count();
    assert!((60..=140).contains(&moved), "{moved}");
    Ok(())
}

#[test]
fn parts_lie_anywhere_while_fitting_and_images_stay_outside_of_it() -> Result<()> {
    let images = Array4::from_shape_fn((400, 4, 3, 1), |(_, i, j, _)| (i * 3 + j) as f32);
    let at = input([4, 3, 1]);
    let layer = RandomCrop::new(2_usize, 1_usize).seed(1);
    let y = layer.call(Inputs::new(&at).option("training", true))?;
    assert_eq!(y.shape().to_string(), "(None, 2, 1, 1)");
    let parts = Model::new(&at, &y)?
        .predict(&images)
        .batch_size(2)
        .run()?
        .into_array()?;
    let first: BTreeSet<u32> = parts
        .outer_iter()
        .map(|part| part[[0, 0, 0]] as u32)
        .collect();
    assert_eq!(
        first.into_iter().collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 5, 6, 7, 8]
    );
    assert!(
        parts
            .outer_iter()
            .all(|part| part[[1, 0, 0]] == part[[0, 0, 0]] + 3.0)
    );
    // As in Keras: the model counts on the part, and gets the image.
    let y = layer.call(&at)?;
    assert_eq!(y.shape().to_string(), "(None, 2, 1, 1)");
    let whole: ArrayD<f32> = Model::new(&at, &(y * 2.0))?
        .predict(&images)
        .run()?
        .into_array()?;
    assert_eq!(whole, images.mapv(|v| v * 2.0).into_dyn());
    Ok(())
}

/// Images of one value, 0 or 100, and how much they are of either class, after a layer while fitting.
fn mixed<L: Layer<Output = Structure<Tensor>>>(layer: Handle<L>) -> Result<[Vec<f64>; 2]> {
    let at = input([4, 4, 1]);
    let second = at.slice((.., 0, 0)) / 100.0;
    let labels = ops::concatenate([&(1.0 - &second), &second], -1);
    let batch = [
        ("images", Structure::Leaf(at.clone())),
        ("labels", Structure::Leaf(labels)),
    ];
    let call = Inputs::new(Structure::dict(batch)).option("training", true);
    let y = layer.call(call)?.into_leaves();
    assert_eq!(y[1].shape().to_string(), "(None, 2)");
    let x = Array4::from_shape_fn((IMAGES, 4, 4, 1), |(n, ..)| (n % 2) as f32 * 100.0);
    let mixed = Model::new(&at, [&y[0], &y[1]])?
        .predict(&x)
        .batch_size(IMAGES)
        .run()?;
    Ok([mixed.literal(0)?.to_f64(), mixed.literal(1)?.to_f64()])
}

#[test]
fn samples_are_mixed_with_their_labels() -> Result<()> {
    let [images, labels] = mixed(MixUp::new().alpha(1.0).seed(1))?;
    for (image, label) in images.chunks(16).zip(labels.chunks(2)) {
        assert!((label[0] + label[1] - 1.0).abs() < 1e-5);
        assert!(image.iter().all(|v| (v / 100.0 - label[1]).abs() < 1e-4));
    }
    // A half of the images is mixed with one of the other class, in shares that are spread evenly.
    for quarter in 0..4 {
        let bound = f64::from(quarter) / 4.0;
        let inside = |v: &&f64| **v > 0.0 && **v < 1.0 && (bound..bound + 0.25).contains(*v);
        let part = labels.iter().step_by(2).filter(inside).count() as f64 / IMAGES as f64;
        assert!((part - 0.125).abs() < 0.04, "{quarter}: {part}");
    }
    let [images, labels] = mixed(CutMix::new().factor((1.0, 1.0)).seed(1))?;
    let pasted = images
        .chunks(16)
        .filter(|image| image.iter().any(|v| *v != image[0]))
        .count();
    assert!(pasted > IMAGES / 5, "{pasted}");
    assert!(images.iter().all(|v| *v == 0.0 || *v == 100.0));
    // What is pasted and what labels say agree on the whole.
    let differences = images
        .chunks(16)
        .zip(labels.chunks(2))
        .map(|(image, label)| image.iter().sum::<f64>() / 1600.0 - label[1]);
    let mean = differences.sum::<f64>() / IMAGES as f64;
    assert!(mean.abs() < 0.03, "{mean}");
    Ok(())
}

#[test]
fn mixing_refuses_other_data_and_small_alphas_are_numbers() -> Result<()> {
    let x = input([4, 4, 1]);
    let boxes = Structure::dict([
        ("images", Structure::Leaf(x.clone())),
        ("bounding_boxes", Structure::Leaf(x.clone())),
    ]);
    let error = MixUp::new().call(boxes).expect_err("boxes");
    assert!(error.to_string().contains("bounding_boxes"), "{error}");
    assert!(MixUp::new().alpha(0.0).call(&x).is_err());
    let [images, labels] = mixed(CutMix::new().factor((0.0, 0.0)).seed(1))?;
    assert!(images.iter().chain(&labels).all(|v| v.is_finite()));
    Ok(())
}

#[test]
fn boxes_become_as_many_as_are_wanted() -> Result<()> {
    let boxes = input([3, 4]);
    let labels = ops::max(&boxes, -1, false);
    let data = |boxes: &Tensor, labels: &Tensor| {
        let parts = [
            ("boxes", Structure::Leaf(boxes.clone())),
            ("labels", Structure::Leaf(labels.clone())),
        ];
        Structure::dict([("bounding_boxes", Structure::dict(parts))])
    };
    let x = Array3::from_shape_fn((2, 3, 4), |(n, i, j)| (n * 12 + i * 4 + j) as f32);
    for (number, last) in [(2_usize, 7.0), (5, -1.0)] {
        let layer = MaxNumBoundingBoxes::new(number).bounding_box_format("xyxy".to_owned());
        let y = layer.call(data(&boxes, &labels))?.into_leaves();
        let limited = Model::new(&boxes, [&y[0], &y[1]])?.predict(&x).run()?;
        assert_eq!(limited.literal(0)?.dims(), [2, number, 4]);
        assert_eq!(limited.literal(1)?.to_f64()[number - 1], last);
    }
    assert!(
        MaxNumBoundingBoxes::new(2_usize)
            .call(data(&boxes, &labels))
            .is_err()
    );
    Ok(())
}

#[test]
fn changes_of_many_kinds_stay_in_the_range_of_values() -> Result<()> {
    let images = Array4::from_shape_fn((8, 9, 8, 3), |(n, i, j, c)| {
        ((n * 37 + i * 11 + j * 17 + c * 29) % 256) as f32
    });
    let many = RandAugment::new().num_ops(1_usize).seed(1);
    let chains = AugMix::new()
        .chain_depth(1_usize)
        .num_chains(2_usize)
        .seed(1);
    for y in [changed(many, &images)?, changed(chains, &images)?] {
        assert!(y.iter().all(|v| (-0.01..=255.01).contains(v)));
        assert_ne!(y, images.clone().into_dyn());
    }
    let row = Pipeline::new([RandomFlip::new().seed(1).any(), CenterCrop::new(3, 4).any()]);
    let at = input([9, 8, 3]);
    let y = row.call(&at)?.into_leaves().swap_remove(0);
    assert_eq!(y.shape().to_string(), "(None, 3, 4, 3)");
    let model = Model::new(&at, &y)?;
    let path = std::env::temp_dir().join(format!("refrain-pipeline-{}.keras", std::process::id()));
    model.save(&path)?;
    let again = load_model(&path)?;
    std::fs::remove_file(path).ok();
    let predict =
        |model: &Model| -> Result<ArrayD<f32>> { model.predict(&images).run()?.into_array() };
    assert_eq!(predict(&again)?, predict(&model)?);
    Ok(())
}

#[test]
fn images_without_three_colours_and_options_out_of_bounds_are_refused() {
    let two = input([4, 4, 2]);
    let call = Inputs::new(&two).option("training", true);
    let error = RandomHue::new(0.5).call(call).expect_err("two colours");
    assert!(error.to_string().contains("three colours"), "{error}");
    let painted = RandomErasing::new().fill_value(Factors::Each(vec![1.0, 2.0, 3.0]));
    let call = Inputs::new(&two).option("training", true);
    assert!(painted.call(call).is_err());
    let x = input([4, 4, 3]);
    assert!(RandomFlip::new().call(&input([4])).is_err());
    assert!(RandomContrast::new(1.5).call(&x).is_err());
    assert!(RandomHue::new(-0.1).call(&x).is_err());
    assert!(RandomPosterization::new(9.0).call(&x).is_err());
    assert!(RandomGaussianBlur::new().kernel_size(4).call(&x).is_err());
    assert!(RandomGrayscale::new().factor(1.1).call(&x).is_err());
    assert!(
        AutoContrast::new()
            .value_range((1.0, 1.0))
            .call(&x)
            .is_err()
    );
    assert!(Equalization::new().bins(0usize).call(&x).is_err());
    assert!(RandomTranslation::new(0.1, (0.5, 1.5)).call(&x).is_err());
    assert!(RandomZoom::new((-1.0, 0.0)).call(&x).is_err());
    assert!(RandomShear::new().y_factor((-0.1, 0.2)).call(&x).is_err());
    assert!(RandomCrop::new(0_usize, 2_usize).call(&x).is_err());
    assert!(RandomPerspective::new().scale(1.5).call(&x).is_err());
    let cubic = RandomRotation::new(0.1).interpolation(Interpolation::Bicubic);
    assert!(cubic.call(&x).is_err());
}

#[test]
fn models_of_all_layers_fit_and_predict_what_they_are_given() -> Result<()> {
    let at = input([6, 5, 3]);
    let mut x = RandomFlip::new().call(&at)?;
    x = RandomBrightness::new(0.2).call(&x)?;
    x = RandomContrast::new(0.2).call(&x)?;
    x = RandomGrayscale::new().call(&x)?;
    x = RandomInvert::new().call(&x)?;
    x = RandomPosterization::new(6.0).call(&x)?;
    x = RandomSaturation::new(0.5).call(&x)?;
    x = RandomHue::new(0.5).call(&x)?;
    let jitter = RandomColorJitter::new().contrast_factor(Factor::UpTo(0.2));
    x = jitter.hue_factor(Factor::UpTo(0.1)).call(&x)?;
    x = RandomColorDegeneration::new(0.5).call(&x)?;
    x = RandomSharpness::new(0.5).call(&x)?;
    x = RandomErasing::new().call(&x)?;
    x = RandomGaussianBlur::new().call(&x)?;
    x = Solarization::new().threshold_factor((0.5, 0.9)).call(&x)?;
    x = RandomTranslation::new(0.2, 0.1).call(&x)?;
    x = RandomZoom::new(0.2).call(&x)?;
    x = RandomRotation::new(0.1).call(&x)?;
    x = RandomShear::new().x_factor(0.2).call(&x)?;
    x = RandomPerspective::new().scale(0.2).call(&x)?;
    x = RandomElasticTransform::new().call(&x)?;
    let unchanged = Equalization::new().call(&x)?;
    let y = Dense::new(1).call(&Flatten::new().call(&unchanged)?)?;
    let model = Model::new(&at, &y)?;
    model
        .compile(Sgd::new(1e-9), Loss::MeanSquaredError)
        .run()?;
    let images = Array4::from_shape_fn((12, 6, 5, 3), |(n, i, j, c)| {
        ((n * 37 + i * 11 + j * 17 + c * 29) % 256) as f32
    });
    let history = model
        .fit(&images, &Array2::<f32>::zeros((12, 1)))
        .epochs(2)
        .run()?;
    assert!(history.last("loss")?.is_finite());
    let given: ArrayD<f32> = Model::new(&at, &unchanged)?
        .predict(&images)
        .run()?
        .into_array()?;
    assert_eq!(given, images.clone().into_dyn());
    let path = std::env::temp_dir().join(format!("refrain-augmented-{}.keras", std::process::id()));
    model.save(&path)?;
    let again = load_model(&path)?;
    std::fs::remove_file(path).ok();
    let predict =
        |model: &Model| -> Result<ArrayD<f32>> { model.predict(&images).run()?.into_array() };
    assert_eq!(predict(&again)?, predict(&model)?);
    Ok(())
}
