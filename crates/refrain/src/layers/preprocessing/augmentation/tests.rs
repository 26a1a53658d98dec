//! What is made of drawn numbers against Keras.

use super::*;
use crate::data::golden::{Golden, assert_close};
use crate::trace::Trace;
use crate::training::Program;

/// A layer of this class.
fn layer(class: &str, config: &Config) -> Result<Box<dyn Augmentation>> {
    macro_rules! classes {
        ($($name:ident $options:ident)*) => {
            match class {
                $(stringify!($name) => Box::new($options::from_config(config)?) as Box<dyn Augmentation>,)*
                _ => panic!("no class {class}"),
            }
        };
    }
    Ok(classes! {
        AutoContrast AutoContrastOptions
        Equalization EqualizationOptions
        RandomBrightness RandomBrightnessOptions
        RandomColorDegeneration RandomColorDegenerationOptions
        RandomColorJitter RandomColorJitterOptions
        RandomContrast RandomContrastOptions
        RandomErasing RandomErasingOptions
        RandomFlip RandomFlipOptions
        RandomGaussianBlur RandomGaussianBlurOptions
        RandomGrayscale RandomGrayscaleOptions
        RandomHue RandomHueOptions
        RandomInvert RandomInvertOptions
        RandomPosterization RandomPosterizationOptions
        RandomSaturation RandomSaturationOptions
        RandomSharpness RandomSharpnessOptions
        RandomCrop RandomCropOptions
        RandomElasticTransform RandomElasticTransformOptions
        RandomPerspective RandomPerspectiveOptions
        RandomRotation RandomRotationOptions
        RandomShear RandomShearOptions
        RandomTranslation RandomTranslationOptions
        RandomZoom RandomZoomOptions
        AugMix AugMixOptions
        CutMix CutMixOptions
        ContrastLimitedAdaptiveHistogramEqualization ContrastLimitedAdaptiveHistogramEqualizationOptions
        MixUp MixUpOptions
        RandAugment RandAugmentOptions
        Solarization SolarizationOptions
    })
}

#[test]
fn images_are_changed_by_what_is_drawn_as_in_keras() -> Result<()> {
    check("image_changes", 30)?;
    check("image_moves", 20)
}

fn check(file: &str, least: usize) -> Result<()> {
    let mut golden = Golden::open(file);
    let cases = golden.cases.as_array().cloned().expect("cases");
    assert!(cases.len() > least, "{} cases", cases.len());
    for case in &cases {
        let class = case["class_name"].as_str().expect("a class");
        let layer = layer(class, case["config"].as_object().expect("a config"))?;
        layer.check()?;
        let keys = case["inputs"].as_array().expect("inputs");
        let given: Vec<_> = keys.iter().map(|key| golden.array(key)).collect();
        let trace = Trace::new(true);
        let inputs = given.iter().enumerate();
        let tensors: Vec<Tensor> = inputs
            .map(|(i, value)| trace.input(&format!("x{i}"), value.spec()))
            .collect();
        let changed = layer.transform(&tensors[0], &tensors[1..])?.checked()?;
        let value = changed.expect_traced()?.value;
        trace.with_graph(|graph| graph.result(value));
        let program = Program::new(trace.finish())?;
        let mut buffers = program.buffers()?;
        buffers.inputs = given;
        program.run_shared(&mut buffers)?;
        let expected = golden.array(&case["output"]);
        let name = case["name"].as_str().expect("a name");
        assert_close(name, &buffers.outputs()?[0], &expected, 2e-6);
    }
    Ok(())
}
