//! `cargo xtask parity`: refrain against real Keras, file by file, both ways.
//!
//! `zoo.py` saves models with what Keras computes from them; [`cases`] loads each, compares, trains on, and writes it back;
//! `keras2.py` saves models of Keras 2. `check.py` opens in Keras what was written, and `guide.py` follows the guide from Keras
//! to refrain and back.

mod arrays;
mod cases;
mod keras2;
mod made;
mod table;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::python::{check, environment};
use table::Table;

/// Where the environment and the models are made.
const ENVIRONMENT: &str = "target/parity-env";
const ZOO: &str = "target/parity-zoo";
/// The scripts that run in Keras.
const SCRIPTS: &str = "xtask/parity";
const GUIDE: &str = "docs/FROM_KERAS.md";

/// What the command line asks for.
#[derive(Default)]
struct Options {
    /// A zoo that exists already.
    zoo: Option<PathBuf>,
    only: Option<String>,
    no_keras: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut options = Options::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next().cloned();
                value.ok_or_else(|| format!("`{argument}` needs a value"))
            };
            match argument.as_str() {
                "--zoo" => options.zoo = Some(value()?.into()),
                "--only" => options.only = Some(value()?),
                "--no-keras" => options.no_keras = true,
                other => return Err(format!("unknown option `{other}`").into()),
            }
        }
        Ok(options)
    }
}

/// Runs it all; an error if anything misses.
pub fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let options = Options::parse(arguments)?;
    made::own_cells::register_all();
    let scripts = Path::new(SCRIPTS);
    let zoo = options.zoo.clone().unwrap_or_else(|| ZOO.into());
    let only: Vec<&str> = options.only.as_deref().into_iter().collect();
    let python = match options.no_keras {
        true => None,
        false => {
            let requirements = scripts.join("requirements.txt");
            let requirements = requirements.to_string_lossy();
            Some(environment(ENVIRONMENT.as_ref(), &["-r", &requirements])?)
        }
    };
    if let (Some(python), None) = (&python, &options.zoo) {
        std::fs::remove_dir_all(&zoo).ok();
        eprintln!("making models in Keras …");
        check(
            Command::new(python)
                .arg(scripts.join("zoo.py"))
                .arg(&zoo)
                .args(&only),
        )?;
    }
    let keras2 = zoo.join("keras2");
    if options.zoo.is_none() && !options.no_keras {
        keras2::make(&keras2, &only)?;
    }
    let mut table = Table::default();
    cases::check_all(&zoo, options.only.as_deref(), &mut table)?;
    if keras2.exists() {
        keras2::check_all(&keras2, &mut table)?;
    }
    if options.only.is_none() {
        made::write_all(&zoo.join("rust_made"))?;
    }
    table.print();
    if let Some(python) = &python {
        check(Command::new(python).arg(scripts.join("check.py")).arg(&zoo))?;
        if options.only.is_none() {
            follow_guide(python)?;
        }
    }
    match table.failed() {
        0 => Ok(()),
        n => Err(format!("{n} comparisons miss").into()),
    }
}

/// Runs the guide's Python blocks in Keras and its commands with the `refrain` command, which is built beside this program.
fn follow_guide(python: &Path) -> Result<(), Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    check(Command::new(cargo).args(["build", "--release", "--quiet", "--package", "refrain-cli"]))?;
    let own = std::env::current_exe()?;
    let folder = own.parent().ok_or("this program is in no folder")?;
    let script = Path::new(SCRIPTS).join("guide.py");
    check(Command::new(python).arg(script).arg(GUIDE).arg(folder))
}
