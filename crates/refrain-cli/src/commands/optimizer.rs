//! The optimizer and its learning rate, given by the arguments of Keras's classes.

use clap::Args;
use refrain::layers::Config;
use refrain::optimizers::{Optimizer, Schedule};
use serde_json::{Value as Json, json};

use super::compile::unknown;
use super::given::{Given, given};
use crate::failure::{Failure, Result};
use crate::numbers::rate;

const SCHEDULE_HELP: &str = "\
How the learning rate changes with the steps, with Keras's arguments: cosine,decay_steps=1000,alpha=0; \
exponential,decay_steps=1000,decay_rate=0.9,staircase=True; polynomial,decay_steps=1000,end_learning_rate=1e-4; \
inverse_time,decay_steps=1000,decay_rate=0.5; piecewise_constant,boundaries=[1000],values=[0.1,0.01]";

/// How the loss is minimised.
#[derive(Args)]
#[command(next_help_heading = "Compiling")]
pub struct Training {
    /// The optimizer: adam, adamw, lion, nadam, sgd or rmsprop, with Keras's arguments: beta_1=0.9, momentum=0.9, weight_decay=0.01,
    /// clipnorm=1, use_ema=True, … [default: the model's].
    #[arg(long, value_name = "NAME,KEY=VALUE,…", value_parser = |t: &str| given(t, CLASS, anything))]
    optimizer: Option<Given>,
    /// The optimizer's learning rate, with a schedule its first [default: the model's, or the optimizer's].
    #[arg(long, value_name = "RATE", value_parser = rate, allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// How the learning rate changes with the steps.
    #[arg(long, value_name = "NAME,KEY=VALUE,…", value_parser = |t: &str| given(t, CLASS, anything), help = SCHEDULE_HELP)]
    schedule: Option<Given>,
}

const OPTIMIZER: &str = "--optimizer";
const SCHEDULE: &str = "--schedule";
const LEARNING_RATE: &str = "--learning-rate";

/// What the first argument is called.
const CLASS: &str = "class_name";
const RATE: &str = "learning_rate";
const FIRST_RATE: &str = "initial_learning_rate";

/// Names of schedules and Keras's classes.
const SCHEDULES: [(&str, &str); 5] = [
    ("cosine", "CosineDecay"),
    ("exponential", "ExponentialDecay"),
    ("inverse_time", "InverseTimeDecay"),
    ("piecewise_constant", "PiecewiseConstantDecay"),
    ("polynomial", "PolynomialDecay"),
];

/// Names are looked at later: those that there are not are no wrong usage.
fn anything(_: &Given) -> Result<(), String> {
    Ok(())
}

impl Training {
    /// Refuses optimizers, schedules and arguments that there are not.
    pub fn check(&self) -> Result<()> {
        self.config(&json!({ CLASS: "SGD", "config": {} }))
            .map(drop)
    }

    pub fn is_empty(&self) -> bool {
        self.optimizer.is_none() && self.schedule.is_none() && self.learning_rate.is_none()
    }

    /// The learning rate, if that is all that changes.
    pub fn only_rate(&self) -> Option<f64> {
        let rate = self.learning_rate;
        rate.filter(|_| self.optimizer.is_none() && self.schedule.is_none())
    }

    /// Keras's configuration of the optimizer: the one given here or the model's, if there is one, with the rate given here.
    ///
    /// # Errors
    /// An optimizer or a schedule does not have the arguments.
    pub fn config(&self, of_model: &Json) -> Result<Option<Json>> {
        let mut config = match &self.optimizer {
            Some(given) => optimizer(given)?,
            None if of_model.is_null() => return Ok(None),
            None => described(of_model)?,
        };
        let given = self.optimizer.as_ref().and_then(|given| given.find(RATE));
        if given.is_some() && self.learning_rate.is_some() {
            return Err(twice(LEARNING_RATE, RATE));
        }
        if let Some(rate) = self.learning_rate {
            config["config"][RATE] = rate.into();
        }
        if let Some(given) = &self.schedule {
            config["config"][RATE] = self.scheduled(given, &config)?;
        }
        Ok(Some(config))
    }

    /// What gives the learning rate besides a schedule.
    fn rate_option(&self) -> Option<String> {
        if self.learning_rate.is_some() {
            return Some(LEARNING_RATE.to_owned());
        }
        let optimizer = self.optimizer.as_ref()?;
        optimizer.find(RATE)?;
        let name = optimizer.find(CLASS)?;
        Some(format!("{OPTIMIZER} {name},{RATE}"))
    }

    /// The configuration of a schedule that begins at the optimizer's rate unless it says another.
    fn scheduled(&self, given: &Given, optimizer: &Json) -> Result<Json> {
        let name = given.find(CLASS).unwrap_or_default();
        let Some((_, class)) = SCHEDULES.iter().find(|(n, c)| *n == name || *c == name) else {
            return Err(unknown(SCHEDULE, name, &SCHEDULES.map(|(name, _)| name)));
        };
        let mut config = arguments(SCHEDULE, given)?;
        let rates = !matches!(*class, "PiecewiseConstantDecay");
        match config.contains_key(FIRST_RATE) || !rates {
            true => {
                let own = match rates {
                    true => format!("{SCHEDULE} {name},{FIRST_RATE}"),
                    false => format!("{SCHEDULE} {name}"),
                };
                if let Some(other) = self.rate_option() {
                    return Err(twice(&other, &own));
                }
            }
            false => {
                let class = optimizer[CLASS].as_str().unwrap_or_default();
                let default = || Optimizer::from_config(&class.into()).ok();
                let default = || default()?.config().get(RATE)?.as_f64();
                let rate = optimizer["config"][RATE].as_f64().or_else(default);
                config.extend(rate.map(|rate| (FIRST_RATE.to_owned(), rate.into())));
            }
        }
        let json = json!({ CLASS: class, "config": config });
        let schedule = Schedule::from_config(&json).map_err(|e| refused(SCHEDULE, &e))?;
        schedule.validate().map_err(|e| refused(SCHEDULE, &e))?;
        let schedule = schedule.to_config();
        check_taken(SCHEDULE, &config, schedule["config"].as_object())?;
        Ok(schedule)
    }
}

fn optimizer(given: &Given) -> Result<Json> {
    let name = given.find(CLASS).unwrap_or_default();
    if Optimizer::from_config(&name.into()).is_err() {
        return Err(unknown(OPTIMIZER, name, &Optimizer::names()));
    }
    let config = arguments(OPTIMIZER, given)?;
    let json = json!({ CLASS: name, "config": config });
    let optimizer = Optimizer::from_config(&json).map_err(|e| refused(OPTIMIZER, &e))?;
    check_taken(OPTIMIZER, &config, Some(&optimizer.config()))?;
    optimizer.validate().map_err(|e| refused(OPTIMIZER, &e))?;
    Ok(json!({ CLASS: optimizer.class_name(), "config": config }))
}

fn refused(option: &str, e: &refrain::Error) -> Failure {
    Failure::new(format!("`{option}`: {e}"))
}

fn twice(option: &str, other: &str) -> Failure {
    let text = format!("both `{option}` and `{other}` give the learning rate");
    Failure::new(text).hint("Leave out one of them")
}

/// The arguments as Keras's JSON has them.
fn arguments(option: &str, given: &Given) -> Result<Config> {
    let mut config = Config::new();
    for (key, text) in given.iter().filter(|(key, _)| *key != CLASS) {
        let value = match text {
            "True" => Some(Json::from(true)),
            "False" => Some(Json::from(false)),
            "None" => Some(Json::Null),
            text => text.parse().ok().filter(|json: &Json| !json.is_object()),
        };
        let value = value.ok_or_else(|| {
            let expected = "expected a number, True, False, None or a list in brackets";
            Failure::new(format!("`{option}`: {expected}, not `{key}={text}`"))
        })?;
        if config.insert(key.to_owned(), value).is_some() {
            return Err(Failure::new(format!("`{option}`: `{key}` is there twice")));
        }
    }
    Ok(config)
}

/// Refuses arguments that what was made of them does not have, or has other values of.
fn check_taken(option: &str, given: &Config, made: Option<&Config>) -> Result<()> {
    let nothing = Config::new();
    let made = made.unwrap_or(&nothing);
    for (key, value) in given {
        match made.get(key) {
            Some(taken) if equal(taken, value) => {}
            Some(_) => {
                let text = format!("`{option}`: `{key}` cannot be `{value}`");
                return Err(Failure::new(text));
            }
            None => {
                let all: Vec<&str> = made.keys().map(String::as_str).collect();
                let text = format!("`{option}` has no argument `{key}`");
                return Err(Failure::new(text).hint(&format!("There are {}", all.join(", "))));
            }
        }
    }
    Ok(())
}

/// A number that is written as a whole one or not is the same number.
fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (a, b) => a == b || (a.is_number() && a.as_f64() == b.as_f64()),
    }
}

/// A file's optimizer, which may be there by name alone.
fn described(of_model: &Json) -> Result<Json> {
    match of_model {
        Json::String(name) => Ok(json!({ CLASS: name, "config": {} })),
        Json::Object(_) if of_model["config"].is_object() => Ok(of_model.clone()),
        _ => Err(
            Failure::new("the optimizer in the file is described in a way that is not known")
                .hint("Give `--optimizer`"),
        ),
    }
}
