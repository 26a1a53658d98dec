//! Layers that adapt to data, that change their weights in training, and options that make no sense.

use ndarray::{Array1, Array2, array};
use refrain::layers::{
    AdaptiveMaxPooling2D, AnyLayer, CategoryEncoding, Dense, Discretization, Dropout,
    GroupQueryAttention, Normalization, Resizing, ReversibleEmbedding, SpectralNormalization,
    Statistic,
};
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::training::Verbose;
use refrain::{DType, Input, Inputs, Literal, Model, Result, input};

fn data(count: usize) -> Array1<f32> {
    (0..count).map(|i| ((i * 37) % 101) as f32 / 10.0).collect()
}

#[test]
fn boundaries_of_bins_are_kerass() -> Result<()> {
    let expected: [(usize, f64, usize, &[f64]); 4] = [
        (
            5,
            0.02,
            250,
            &[
                1.8999993801116943,
                3.8999979496002197,
                5.999996662139893,
                7.999998569488525,
            ],
        ),
        (4, 0.01, 8, &[1.0, 3.700000047683716, 5.699999809265137]),
        (3, 0.01, 2, &[0.0]),
        (
            10,
            0.01,
            250,
            &[
                0.9500000476837158,
                1.9000004529953003,
                2.950000286102295,
                3.9000015258789062,
                4.950000762939453,
                6.0,
                7.0,
                8.0,
                9.0,
            ],
        ),
    ];
    for (bins, epsilon, count, boundaries) in expected {
        let layer = Discretization::with_bins(bins)
            .epsilon(epsilon)
            .adapt(&data(count))?;
        let found = layer.any().config()["bin_boundaries"].clone();
        let found: Vec<f64> = found
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|b| b.as_f64())
            .collect();
        assert_eq!(found.len(), boundaries.len(), "{found:?}");
        let apart = found.iter().zip(boundaries).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) < 2e-6, "{found:?}");
    }
    Ok(())
}

#[test]
fn normalization_adapts_to_data_again_and_again() -> Result<()> {
    let layer = Normalization::new();
    layer.adapt(&array![[5.0, 5.0, 5.0_f32]])?;
    let rows = array![
        [1.0, 10.0, 3.0],
        [3.0, 30.0, 3.0],
        [8.0, 50.0, 3.5],
        [0.0, 20.0, 1.0_f32]
    ];
    layer.adapt(&rows)?;
    let x = input([3]);
    let model = Model::new(&x, &layer.call(&x)?)?;
    let first = rows.slice(ndarray::s![..1, ..]).to_owned();
    let y = model.predict_on_batch(&first)?.into_arrays();
    let expected: Array2<f32> = array![[-0.64888567, -1.183216, 0.39056674]];
    let apart = (&y[0] - &expected.into_dyn()).mapv(f32::abs);
    assert!(apart.iter().all(|&d| d < 1e-6), "{:?}", y[0]);
    let error = layer
        .adapt(&array![[1.0_f32, 2.0]])
        .expect_err("another width");
    assert!(error.to_string().contains("normalization"), "{error}");
    let given = Normalization::with_moments(0.0, 1.0);
    assert!(given.adapt(&rows).is_err());
    Ok(())
}

/// As in Keras on JAX: the step starts from the kernel that was there, not from the divided one.
#[test]
fn spectral_normalization_trains_the_kernel_itself() -> Result<()> {
    let x = input([3]);
    let layer = SpectralNormalization::new(Dense::new(2).use_bias(false));
    let model = Model::new(&x, &layer.call(&x)?)?;
    let weights = layer.weights();
    let kernel: Vec<f32> = (1..7).map(|i| i as f32 / 2.0).collect();
    weights[0].assign(Literal::new([3, 2], kernel).expect("six numbers"))?;
    weights[1].assign(Literal::new([1, 2], vec![0.6_f32, 0.8]).expect("two numbers"))?;
    model
        .compile(Sgd::new(0.01), Loss::MeanSquaredError)
        .run()?;
    let (rows, targets) = (
        array![[1.0, 2.0, 3.0], [0.0, 1.0, -1.0_f32]],
        array![[1.0, 0.0], [0.0, 1.0_f32]],
    );
    let fit = model.fit(&rows, &targets).epochs(2).shuffle(false);
    fit.verbose(Verbose::Silent).run()?;
    let expected: [&[f64]; 2] = [
        &[
            0.5008351802825928,
            0.9983706474304199,
            1.5031112432479858,
            2.000546932220459,
            2.504059076309204,
            2.9950966835021973,
        ],
        &[0.6201700568199158, 0.7844673991203308],
    ];
    for (weight, expected) in weights.iter().zip(expected) {
        let got = weight.value()?.to_f64();
        let apart = got.iter().zip(expected).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) < 1e-5, "{got:?}");
    }
    Ok(())
}

#[test]
fn the_way_back_can_have_a_type_of_its_own() -> Result<()> {
    let embedding = ReversibleEmbedding::new(7, 4).reverse_dtype(DType::F16);
    let logits = embedding.call(Inputs::new(&input([5, 4])).option("reverse", true))?;
    assert_eq!(logits.dtype(), DType::F16);
    Ok(())
}

#[test]
fn sizes_that_are_not_known_yet_are_those_of_the_options() -> Result<()> {
    let images = Input::new(vec![None, None, Some(3)]).tensor();
    let y = Resizing::new(4, 5).call(&images)?;
    assert_eq!(y.shape().to_string(), "(None, 4, 5, 3)");
    let y = AdaptiveMaxPooling2D::new([4, 5]).call(&images)?;
    assert_eq!(y.shape().to_string(), "(None, 4, 5, 3)");
    Ok(())
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let x = input([4, 4, 2]);
    let sequence = input([4, 2]);
    let refused = |layer: AnyLayer, inputs: Inputs, told: &str| {
        let error = layer.call_structure(&inputs).err();
        let error = error
            .unwrap_or_else(|| panic!("`{told}` is taken"))
            .to_string();
        assert!(error.contains(told), "{error}");
    };
    let one = |tensor| Inputs::new(tensor);
    refused(
        GroupQueryAttention::new(4, 3, 2).any(),
        one(&sequence),
        "num_key_value_heads",
    );
    refused(
        SpectralNormalization::new(Dropout::new(0.5)).any(),
        one(&x),
        "`kernel` or `embeddings`",
    );
    refused(
        SpectralNormalization::new(Dense::new(2))
            .power_iterations(0_usize)
            .any(),
        one(&x),
        "power_iterations",
    );
    refused(AdaptiveMaxPooling2D::new(0).any(), one(&x), "output_size");
    refused(
        Discretization::with_bins(3).any(),
        one(&x),
        "boundaries of bins",
    );
    refused(
        Discretization::new([1.0, 3.0, 2.0]).any(),
        one(&x),
        "in order",
    );
    refused(
        Normalization::new().mean(Statistic::from(1.0)).any(),
        one(&x),
        "both `mean` and `variance`",
    );
    let twice = Normalization::new().axis([1, -3]);
    refused(twice.any(), one(&x), "different axes");
    let square = Statistic(ndarray::Array2::zeros((4, 4)).into_dyn());
    let twice = Normalization::with_moments(square.clone(), square).axis([1, 1]);
    refused(twice.any(), one(&x), "different axes");
    refused(CategoryEncoding::new(0).any(), one(&x), "num_tokens");
    let both = Resizing::new(2, 2)
        .crop_to_aspect_ratio(true)
        .pad_to_aspect_ratio(true);
    refused(both.any(), one(&x), "both");
    let weighted = Inputs::new(&sequence).kwarg("count_weights", &sequence);
    refused(CategoryEncoding::new(3).any(), weighted, "count_weights");
}
