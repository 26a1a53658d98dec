//! The callbacks of `refrain fit`, given by the arguments of Keras's.

use std::path::Path;

use clap::Args;
use refrain::Model;
use refrain::callbacks::{
    CsvLogger, EarlyStopping, ModelCheckpoint, MonitorMode, ReduceLROnPlateau,
};
use refrain::training::Fit;

use super::given::{Given, given};
use super::model_file;

use crate::failure::{Failure, Result};
use crate::numbers::{finite, rate, whole};

/// What happens after each epoch. Arguments are those of Keras's callbacks, without quotes and with commas between.
#[derive(Args)]
#[command(next_help_heading = "Callbacks, with Keras's arguments")]
pub struct Callbacks {
    /// Stop when a value has not improved: [monitor=]val_loss, min_delta=0, patience=0, mode=auto, baseline,
    /// restore_best_weights=False, start_from_epoch=0.
    #[arg(long, value_name = "MONITOR,KEY=VALUE,…", value_parser = |t: &str| given(t, "monitor", early_stopping))]
    early_stopping: Option<Given>,
    /// Save the model after each epoch, or the best: [filepath=]PATH, monitor=val_loss, save_best_only=False,
    /// save_weights_only=False, mode=auto, initial_value_threshold. {epoch:02d} and {val_loss:.2f} may be in PATH.
    #[arg(long, value_name = "PATH,KEY=VALUE,…", value_parser = |t: &str| given(t, "filepath", checkpoint))]
    checkpoint: Option<Given>,
    /// Write each epoch's values to a table: [filename=]PATH, separator=;, append=False.
    #[arg(long, value_name = "PATH,KEY=VALUE,…", value_parser = |t: &str| given(t, "filename", csv_logger))]
    csv_log: Option<Given>,
    /// Reduce the learning rate when a value has not improved: [monitor=]val_loss, factor=0.1, patience=10, mode=auto,
    /// min_delta=1e-4, cooldown=0, min_lr=0.
    #[arg(long, value_name = "MONITOR,KEY=VALUE,…", value_parser = |t: &str| given(t, "monitor", reduce_lr))]
    reduce_lr: Option<Given>,
}

/// What Keras's callbacks monitor unless told otherwise.
const MONITOR: &str = "val_loss";

impl Callbacks {
    /// The table's file.
    pub fn csv_path(&self) -> Option<&Path> {
        let given = self.csv_log.as_ref();
        given.and_then(|g| g.find("filename")).map(Path::new)
    }

    /// Refuses to monitor, or to put into the checkpoint's name, what will not be logged.
    pub fn check(&self, model: &Model, validates: bool) -> Result<()> {
        let mut logged = model.metrics_names()?;
        if validates {
            let validated: Vec<String> = logged.iter().map(|name| format!("val_{name}")).collect();
            logged.extend(validated);
        }
        if self.reduce_lr.is_some() {
            logged.push("learning_rate".to_owned());
        }
        let saves_best = |g: &&Given| {
            g.find("save_best_only")
                .is_some_and(|v| truth(v) == Ok(true))
        };
        let monitoring = [
            ("--early-stopping", self.early_stopping.as_ref()),
            ("--checkpoint", self.checkpoint.as_ref().filter(saves_best)),
            ("--reduce-lr", self.reduce_lr.as_ref()),
        ];
        for (option, given) in monitoring {
            if let Some(given) = given {
                let monitor = given.find("monitor").unwrap_or(MONITOR);
                check_logged(&format!("`{option}` monitors"), monitor, &logged, validates)?;
            }
        }
        let path = self.checkpoint.as_ref().and_then(|g| g.find("filepath"));
        let mut fields = fields(path.unwrap_or_default()).filter(|name| *name != "epoch");
        fields.try_for_each(|name| {
            check_logged("the path of `--checkpoint` has", name, &logged, validates)
        })
    }

    /// Adds those that are given. The learning rate comes first, so that the table has it.
    pub fn add<'a>(&self, mut fit: Fit<'a>) -> Result<Fit<'a>> {
        if let Some(given) = &self.reduce_lr {
            fit = fit.callback(reduce_lr(given).map_err(Failure::new)?);
        }
        if let Some(given) = &self.early_stopping {
            fit = fit.callback(early_stopping(given).map_err(Failure::new)?);
        }
        if let Some(given) = &self.checkpoint {
            fit = fit.callback(checkpoint(given).map_err(Failure::new)?);
        }
        if let Some(given) = &self.csv_log {
            fit = fit.callback(csv_logger(given).map_err(Failure::new)?);
        }
        Ok(fit)
    }
}

/// Refuses a value that is not among those logged.
fn check_logged(who: &str, name: &str, logged: &[String], validates: bool) -> Result<()> {
    if logged.iter().any(|l| l == name) {
        return Ok(());
    }
    let there = format!("the values are {}", logged.join(", "));
    Err(match name.starts_with("val_") && !validates {
        true => Failure::new(format!("{who} `{name}`, but nothing validates; {there}"))
            .hint("Give `--validation-split` or `--validation-data`, or name another value: `monitor=loss`"),
        false => Failure::new(format!("{who} `{name}`, which is no value of the training; {there}")),
    })
}

/// The names in braces in a path: `{epoch:02d}-{val_loss:.2f}.keras`.
fn fields(path: &str) -> impl Iterator<Item = &str> {
    let inside = path.split('{').skip(1);
    inside.filter_map(|field| field.split_once('}')?.0.split(':').next())
}

fn early_stopping(given: &Given) -> Result<EarlyStopping, String> {
    let mut left = given.left();
    let c = EarlyStopping::new(left.take("monitor").unwrap_or_else(|| MONITOR.to_owned()));
    let c = left.set(c, "min_delta", finite, EarlyStopping::min_delta)?;
    let c = left.set(c, "patience", whole, EarlyStopping::patience)?;
    let c = left.set(c, "mode", mode, EarlyStopping::mode)?;
    let c = left.set(c, "baseline", finite, EarlyStopping::baseline)?;
    let c = left.set(
        c,
        "restore_best_weights",
        truth,
        EarlyStopping::restore_best_weights,
    )?;
    let c = left.set(
        c,
        "start_from_epoch",
        whole,
        EarlyStopping::start_from_epoch,
    )?;
    left.end().map(|()| c)
}

fn checkpoint(given: &Given) -> Result<ModelCheckpoint, String> {
    let mut left = given.left();
    let path = left.take("filepath").ok_or("expected a path first")?;
    let c = ModelCheckpoint::new().filepath(&path);
    let c = left.set(c, "monitor", text, ModelCheckpoint::monitor)?;
    let c = left.set(c, "save_best_only", truth, ModelCheckpoint::save_best_only)?;
    let weights_only = given
        .find("save_weights_only")
        .is_some_and(|v| truth(v) == Ok(true));
    model_file::check_checkpoint(Path::new(&path), weights_only)?;
    let c = left.set(
        c,
        "save_weights_only",
        truth,
        ModelCheckpoint::save_weights_only,
    )?;
    let c = left.set(c, "mode", mode, ModelCheckpoint::mode)?;
    let threshold = ModelCheckpoint::initial_value_threshold;
    let c = left.set(c, "initial_value_threshold", finite, threshold)?;
    left.end().map(|()| c)
}

fn csv_logger(given: &Given) -> Result<CsvLogger, String> {
    let mut left = given.left();
    let c = CsvLogger::new(left.take("filename").ok_or("expected a path first")?);
    let c = left.set(c, "separator", character, CsvLogger::separator)?;
    let c = left.set(c, "append", truth, CsvLogger::append)?;
    left.end().map(|()| c)
}

fn reduce_lr(given: &Given) -> Result<ReduceLROnPlateau, String> {
    let mut left = given.left();
    let c = ReduceLROnPlateau::new(left.take("monitor").unwrap_or_else(|| MONITOR.to_owned()));
    let c = left.set(c, "factor", factor, ReduceLROnPlateau::factor)?;
    let c = left.set(c, "patience", whole, ReduceLROnPlateau::patience)?;
    let c = left.set(c, "mode", mode, ReduceLROnPlateau::mode)?;
    let c = left.set(c, "min_delta", finite, ReduceLROnPlateau::min_delta)?;
    let c = left.set(c, "cooldown", whole, ReduceLROnPlateau::cooldown)?;
    let c = left.set(c, "min_lr", rate, ReduceLROnPlateau::min_lr)?;
    left.end().map(|()| c)
}

fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn truth(text: &str) -> Result<bool, String> {
    match text {
        "True" | "true" => Ok(true),
        "False" | "false" => Ok(false),
        _ => Err("expected True or False".to_owned()),
    }
}

fn mode(text: &str) -> Result<MonitorMode, String> {
    match text {
        "auto" => Ok(MonitorMode::Auto),
        "min" => Ok(MonitorMode::Min),
        "max" => Ok(MonitorMode::Max),
        _ => Err("expected auto, min or max".to_owned()),
    }
}

fn character(text: &str) -> Result<char, String> {
    let mut characters = text.chars();
    let one = characters.next().filter(|_| characters.next().is_none());
    one.ok_or_else(|| "expected one character".to_owned())
}

fn factor(text: &str) -> Result<f64, String> {
    let factor = rate(text).ok().filter(|f| *f < 1.0);
    factor.ok_or_else(|| "expected a number of 0 or more and less than 1".to_owned())
}
