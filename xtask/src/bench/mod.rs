//! The benchmark: eight models in refrain and in other libraries, files, sizes, threads and kernels, as a page of Markdown.

mod files;
mod footprint;
mod kernels;
mod machine;
mod page;
mod plan;
mod program;
mod rounds;
mod scaling;
mod stats;
mod table;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use footprint::Footprint;
use kernels::Kernels;
use machine::{Machine, Peak};
use page::Page;
use plan::Plan;
use program::Program;
use rounds::Rounds;
use scaling::Scaling;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// The backend that curves are compared with: the fastest of Keras's for most models.
const SCALING_PEER: &str = "jax";
/// Libraries that have a program in `bench/`, and are no backend of Keras.
const LIBRARIES: [&str; 2] = ["burn", "candle"];
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/BENCHMARKS.md");

/// Does what the words after `bench` say.
pub fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [option] if option == "--help" => println!("{}", plan::HELP),
        [option, path] if option == files::OPEN => return files::open(path),
        _ => measure(&Plan::parse(arguments)?)?,
    }
    Ok(())
}

/// Measures everything that is asked for, then prints or writes the page.
fn measure(plan: &Plan) -> Result<()> {
    let machine = Machine::look();
    let python = python(plan)?;
    let own = Program::refrain()?;
    let (programs, left_out) = programs(plan, &own, python.as_deref())?;
    let peaks = Peak::measure()?;
    let mut rounds = Rounds::run(&plan.models, &programs, plan.rounds, plan.quick)?;
    rounds.notes.extend(left_out);
    let python = python.as_deref();
    let peer = programs.iter().find(|p| p.name == SCALING_PEER);
    let page = Page {
        plan,
        machine,
        peaks,
        rounds,
        files: if_asked(plan.files, || {
            files::run(python, &plan.backends, plan.rounds)
        })?,
        scaling: if_asked(plan.scaling, || Scaling::run(&plan.models, &own, peer))?,
        kernels: if_asked(plan.kernels, || Kernels::measure(python))?,
        footprint: if_asked(plan.footprint, Footprint::measure)?,
    };
    let text = page.markdown();
    match plan.write {
        true => fs::write(PAGE, text)?,
        false => print!("{text}"),
    }
    Ok(())
}

/// All programs, refrain first, and why some are left out.
fn programs(
    plan: &Plan,
    own: &Program,
    python: Option<&Path>,
) -> Result<(Vec<Program>, Vec<String>)> {
    let mut programs = vec![own.clone()];
    let mut left_out = Vec::new();
    for backend in &plan.backends {
        let python = python.ok_or("no Python environment")?;
        programs.push(Program::keras(python, backend));
    }
    for library in LIBRARIES.iter().filter(|_| plan.rust_peers) {
        match Program::of_library(library) {
            Ok(program) => programs.push(program),
            Err(error) => left_out.push(format!("{library} could not be built: {error}")),
        }
    }
    Ok((programs, left_out))
}

fn if_asked<T>(asked: bool, run: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    match asked {
        true => run().map(Some),
        false => Ok(None),
    }
}

fn python(plan: &Plan) -> Result<Option<PathBuf>> {
    let wanted = !plan.backends.is_empty();
    if_asked(wanted, || program::environment(&plan.backends))
}
