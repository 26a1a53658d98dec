//! Every layer against Keras: configuration, shapes, values, masks, gradients, changed weights.

mod common;

use std::sync::OnceLock;

use common::{cells, compare::none_failed, layer_case, npz::Golden};
use serde_json::Value as Json;

/// All cases with the files that they are in: those of layers, and those of cells and of layers that run them.
fn cases() -> impl Iterator<Item = (&'static Golden, &'static Json)> {
    static GOLDEN: OnceLock<[Golden; 5]> = OnceLock::new();
    let [layers, more, images, moves, cells] = GOLDEN.get_or_init(|| {
        cells::register_all();
        ["layers", "more_layers", "images", "image_layers", "cells"].map(Golden::read)
    });
    let all = [
        (layers, &layers.json),
        (more, &more.json),
        (images, &images.json),
        (moves, &moves.json),
        (cells, &cells.json["layers"]),
    ];
    all.into_iter().flat_map(|(golden, cases)| {
        let cases = cases.as_array().expect("a list of cases");
        cases.iter().map(move |case| (golden, case))
    })
}

/// Runs every case of these classes and lists all that fails.
fn check(classes: &[&str]) {
    let mut failures = Vec::new();
    for class in classes {
        let mut of_class = cases()
            .filter(|(_, c)| c["class_name"] == *class)
            .peekable();
        assert!(of_class.peek().is_some(), "no cases of {class}");
        for (golden, case) in of_class {
            let name = case["name"].as_str().unwrap_or_default();
            for failure in layer_case::check(golden, case) {
                failures.push(format!("{name}: {failure}"));
            }
        }
    }
    none_failed(failures);
}

/// Keras's `Lambda` holds Python code, which has no counterpart here.
const WITHOUT_CASES: [&str; 1] = ["Lambda"];

macro_rules! families {
    ($($family:ident: $($class:literal)+;)*) => {
        $(
            #[test]
            fn $family() {
                check(&[$($class),+]);
            }
        )*

        #[test]
        fn every_class_of_the_file_is_in_a_family() {
            let known = [$($($class),+),*];
            for (_, case) in cases() {
                let class = case["class_name"].as_str().expect("a class");
                assert!(known.contains(&class), "no family has {class}");
            }
        }

        #[test]
        fn every_class_has_cases() {
            let known = [$($($class),+),*];
            for class in refrain::testing::classes().filter(|c| !WITHOUT_CASES.contains(c)) {
                assert!(known.contains(&class), "no cases of {class}");
            }
        }
    };
}

families! {
    core: "Dense" "EinsumDense" "Embedding" "Identity" "Masking" "ReversibleEmbedding";
    merging: "Add" "Subtract" "Multiply" "Average" "Maximum" "Minimum" "Concatenate" "Dot";
    reshaping: "Flatten" "Reshape" "Permute" "RepeatVector";
    edges: "ZeroPadding1D" "ZeroPadding2D" "ZeroPadding3D" "Cropping1D" "Cropping2D" "Cropping3D" "UpSampling1D" "UpSampling2D" "UpSampling3D";
    activations: "Activation" "ReLU" "LeakyReLU" "PReLU" "ELU" "Softmax";
    preprocessing: "Rescaling" "Normalization" "Discretization" "CategoryEncoding" "Resizing" "CenterCrop";
    augmentation: "RandomFlip" "RandomBrightness" "RandomContrast" "RandomGrayscale" "RandomInvert" "RandomPosterization" "RandomErasing" "RandomGaussianBlur" "RandomSharpness";
    augmentation_of_colors: "RandomSaturation" "RandomHue" "RandomColorJitter" "RandomColorDegeneration" "Solarization" "AutoContrast" "Equalization";
    augmentation_of_places: "RandomTranslation" "RandomZoom" "RandomRotation" "RandomShear" "RandomPerspective" "RandomElasticTransform" "RandomCrop";
    augmentation_of_many: "RandAugment" "AugMix" "MixUp" "CutMix" "ContrastLimitedAdaptiveHistogramEqualization" "MaxNumBoundingBoxes" "Pipeline";
    convolutional: "Conv1D" "Conv2D" "Conv3D" "DepthwiseConv1D" "DepthwiseConv2D" "SeparableConv1D" "SeparableConv2D";
    transposed_convolutional: "Conv1DTranspose" "Conv2DTranspose" "Conv3DTranspose";
    max_pooling: "MaxPooling1D" "MaxPooling2D" "MaxPooling3D" "GlobalMaxPooling1D" "GlobalMaxPooling2D" "GlobalMaxPooling3D";
    average_pooling: "AveragePooling1D" "AveragePooling2D" "AveragePooling3D" "GlobalAveragePooling1D" "GlobalAveragePooling2D" "GlobalAveragePooling3D";
    adaptive_pooling: "AdaptiveAveragePooling1D" "AdaptiveAveragePooling2D" "AdaptiveAveragePooling3D" "AdaptiveMaxPooling1D" "AdaptiveMaxPooling2D" "AdaptiveMaxPooling3D";
    normalization: "BatchNormalization" "LayerNormalization" "GroupNormalization" "RMSNormalization" "UnitNormalization" "SpectralNormalization";
    regularization: "Dropout" "SpatialDropout1D" "SpatialDropout2D" "SpatialDropout3D" "AlphaDropout" "GaussianDropout" "GaussianNoise" "ActivityRegularization";
    attention: "MultiHeadAttention" "GroupQueryAttention" "Attention" "AdditiveAttention";
    simple_rnn: "SimpleRNN";
    lstm: "LSTM";
    gru: "GRU";
    conv_lstm: "ConvLSTM1D" "ConvLSTM2D" "ConvLSTM3D";
    cells: "LSTMCell" "GRUCell" "SimpleRNNCell" "StackedRNNCells";
    any_cell: "RNN";
    rnn_wrappers: "Bidirectional" "TimeDistributed";
}
