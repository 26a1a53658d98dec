//! Models from files.

use std::path::Path;

use super::LoadOptions;
use super::config::{
    compile_from_json, identities, model_from_json as model_of, takes_masks, warn_of_penalties,
};
use super::open::{Layout, Opened};
use super::weights::{
    Identities, WeightPlan, all_arrays, array_dims, identify, load_legacy_optimizer,
    load_optimizer, named_once, plan_keras3, plan_legacy, plan_safetensors, stored_alike,
    stored_once, stored_optimizer,
};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::{AnyLayer, Making};
use crate::models::{Functional, Model};
use crate::objects;
use crate::training::KeptCompilation;
use crate::warnings;
use refrain_storage::{ArrayFile, parse_json};

/// Loads a model from a file; see [`LoadOptions::load`].
///
/// ```no_run
/// let model = refrain::load_model("siamese.keras")?;
/// println!("{}", model.summary());
/// # Ok::<(), refrain::Error>(())
/// ```
pub fn load_model(path: impl AsRef<Path>) -> Result<Model> {
    LoadOptions::new().load(path)
}

/// A model with new weights from the JSON of its architecture, as [`Model::to_json`] and Keras's `to_json` give it.
///
/// ```
/// use refrain::{Model, input, layers::Dense, model_from_json};
/// let x = input([4]);
/// let model = Model::new(&x, &Dense::new(2).call(&x)?)?;
/// let again = model_from_json(&model.to_json())?;
/// assert_eq!(again.count_params(), model.count_params());
/// # Ok::<(), refrain::Error>(())
/// ```
pub fn model_from_json(json: &str) -> Result<Model> {
    LoadOptions::new().model_from_json(json)
}

pub(super) fn from_json_text(json: &[u8], options: &LoadOptions) -> Result<Model> {
    let config = parse_json(json, options.get_limits())?;
    let opened = Opened::described(config, None, Default::default(), None)?;
    let model = build(&opened, options)?;
    compile_or_warn(&model, &opened, options)?;
    Ok(model)
}

pub(super) fn load(path: &Path, options: &LoadOptions) -> Result<Model> {
    let opened = Opened::new(path, options.get_limits())?;
    let read = || {
        let model = build(&opened, options)?;
        compile_or_warn(&model, &opened, options)?;
        load_values(&model, &opened)?;
        Ok(model)
    };
    read().map_err(|e: Error| e.in_file(path))
}

/// Elements that a model's weights may have beyond twice those of the file's arrays, so that one that does not fit is told
/// what is missing.
const SPARE_ELEMENTS: usize = 1 << 24;

/// The model that a file describes. If the file has weights, the model's are to be filled from them: drawing values would
/// take longer than reading them, and weights that the file cannot fill are not made.
pub(super) fn build(opened: &Opened, options: &LoadOptions) -> Result<Model> {
    let bytes = options.get_limits().get_total_bytes();
    let allowed = usize::try_from(bytes).unwrap_or(usize::MAX) / size_of::<f32>();
    let making = match &opened.weights {
        Some((file, _)) => Making {
            without_values: true,
            most_elements: Some(
                elements(file)
                    .saturating_mul(2)
                    .saturating_add(SPARE_ELEMENTS),
            ),
        },
        None => Making {
            without_values: false,
            most_elements: Some(allowed.min(MOST_DRAWN)),
        },
    };
    making.run(|| objects::scope(options.objects(), || describe(opened, options)))
}

/// Elements of the weights of a model that is made from its description alone: drawing more takes minutes.
const MOST_DRAWN: usize = 1 << 30;

/// Elements of all arrays of a file.
fn elements(file: &ArrayFile) -> usize {
    let arrays = all_arrays(file.root()).into_iter().map(array_dims);
    let sizes = arrays.map(|dims| dims.iter().fold(1usize, |n, &d| n.saturating_mul(d)));
    sizes.fold(0, usize::saturating_add)
}

/// The model that a file describes.
fn describe(opened: &Opened, options: &LoadOptions) -> Result<Model> {
    let Some(config) = &opened.config else {
        let message = "the file holds weights and no architecture";
        return Err(Error::new(ErrorKind::Io, message)
            .hint("Build the model and give it the file: `model.load_weights(path).run()?`"));
    };
    let mut context = options.restoring();
    context.keras2 = opened.keras2;
    context.takes_masks = takes_masks(opened.version.as_deref());
    if opened.upgraded {
        context.identities = identities(config);
    }
    let config = &mut config.clone();
    let same = match &opened.weights {
        Some((file, Layout::Keras3)) => stored_once(config, file.root())?,
        Some((file, Layout::Legacy(path))) => {
            let root = file.root().group(path).unwrap_or(file.root());
            let share = options.get_share_equal_layers();
            let alike = stored_alike(config, file, root, share)?;
            match share {
                true => context.equal = alike.equal,
                false if alike.equal.is_empty() => {}
                false => warnings::layers_kept_apart(alike.equal.len()),
            }
            alike.same
        }
        Some((file, Layout::Safetensors)) => named_once(config, file.root())?,
        None => Identities::new(),
    };
    identify(config, &same);
    context.identities.extend(same.into_values());
    model_of(config, &context)
}

/// Compiles a model if the file and the options say so. What a file was compiled with does not keep its model from loading:
/// if it cannot be followed, it is kept with the reason.
pub(super) fn compile(model: &Model, opened: &Opened, options: &LoadOptions) -> Result<()> {
    if !options.get_compile() {
        return Ok(());
    }
    let follow = || compile_from_json(model, &opened.compile, !opened.upgraded);
    if let Err(error) = objects::scope(options.objects(), follow) {
        let state = match &opened.weights {
            // Other optimizers of older versions have other variables.
            Some((file, _)) if opened.is_keras_3() => stored_optimizer(file)?,
            _ => Vec::new(),
        };
        let config = opened.compile.clone();
        let kept = KeptCompilation {
            config,
            state,
            error,
        };
        model.keep_compilation(kept);
    } else if !model.is_compiled() && opened.has_optimizer_state() {
        warnings::no_optimizer(model.get_name());
    }
    if model.is_compiled() {
        warn_of_penalties(&model.any(), opened.version.as_deref(), opened.keras2);
    }
    Ok(())
}

/// Compiles a model as [`compile`], and warns if that cannot be done.
fn compile_or_warn(model: &Model, opened: &Opened, options: &LoadOptions) -> Result<()> {
    compile(model, opened, options)?;
    if let Some(kept) = model.kept_compilation() {
        warnings::not_compiled(model.get_name(), &kept.error);
    }
    Ok(())
}

/// Which array goes where.
pub(super) fn plan(model: &Model, opened: &Opened, by_name: bool) -> Result<Option<WeightPlan>> {
    let Some((file, layout)) = &opened.weights else {
        return Ok(None);
    };
    let root = file.root();
    let plan = match layout {
        Layout::Keras3 => plan_keras3(model, root, by_name),
        Layout::Legacy(path) => {
            let group = root.group(path).unwrap_or(root);
            plan_legacy(model, group, by_name)?
        }
        Layout::Safetensors => plan_safetensors(model, root),
    };
    Ok(Some(plan))
}

/// Reads the weights, and the optimizer's variables if the model is compiled.
fn load_values(model: &Model, opened: &Opened) -> Result<()> {
    let (Some(plan), Some((file, _))) = (plan(model, opened, false)?, &opened.weights) else {
        return Ok(());
    };
    plan.check(false, false)?;
    plan.apply(file)?;
    if !model.is_compiled() {
        return Ok(());
    }
    match load_optimizer_state(model, opened) {
        Ok(true) => {}
        Ok(false) => warnings::no_optimizer_state(model.get_name()),
        Err(e) if e.kind() == ErrorKind::Shape => {
            warnings::optimizer_state_left(model.get_name(), &e);
        }
        Err(e) => return Err(e),
    }
    Ok(())
}

/// Reads the optimizer's variables into those of a compiled model, if the file has them.
pub(super) fn load_optimizer_state(model: &Model, opened: &Opened) -> Result<bool> {
    if !opened.is_keras_3() && has_other_order(&model.any()) {
        let message = "its variables are in another order, as masks of this model have it";
        return Err(Error::new(ErrorKind::Shape, message));
    }
    match (&opened.weights, opened.optimizer()) {
        (Some((file, Layout::Keras3)), Some(vars)) => {
            load_optimizer(model, file, vars).map(|()| true)
        }
        (Some((file, Layout::Legacy(_))), _) => load_legacy_optimizer(model, file),
        _ => Ok(false),
    }
}

/// Whether the optimizer's variables in the file fit those of a compiled model.
pub(super) fn try_optimizer_state(model: &Model, opened: &Opened) -> Result<()> {
    match model.is_compiled() {
        true => load_optimizer_state(model, opened).map(drop),
        false => Ok(()),
    }
}

/// Whether Keras 2 has the layers with weights in another order, by which it stores what an optimizer keeps of them.
fn has_other_order(model: &AnyLayer) -> bool {
    let mut other = false;
    model.visit_layers(&mut |layer| {
        if let Some(functional) = layer.options::<Functional>() {
            let ids = |layers: &[AnyLayer]| -> Vec<usize> {
                let with_weights = layers.iter().filter(|l| !l.weights().is_empty());
                with_weights.map(AnyLayer::id).collect()
            };
            other |= ids(&functional.operations) != ids(&functional.keras2_layers());
        }
    });
    other
}
