//! The benchmark: eight models in refrain and in other libraries, files, sizes, threads and kernels, as a page of Markdown.

mod files;
mod footprint;
mod kernels;
mod machine;
mod notes;
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
use notes::Notes;
use page::Page;
use plan::Plan;
use program::Program;
use rounds::Rounds;
use scaling::Scaling;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// The backend that curves are compared with: the fastest of Keras's for most models.
const SCALING_PEER: &str = "jax";
/// Libraries that have a program in `bench/`, and are no backend of Keras.
const LIBRARIES: [&str; 3] = ["burn", "candle", CANDLE_MKL];
/// The same program as candle's, with products by Intel's MKL.
const CANDLE_MKL: &str = "candle-mkl";
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
    let mut notes = Notes::default();
    let python = python(plan, &mut notes);
    let python = python.as_deref();
    let own = Program::refrain()?;
    let programs = programs(plan, &own, python, &mut notes);
    let peaks = notes.kept("measuring the machine's peaks", Peak::measure());
    let rounds = Rounds::run(&plan.models, &programs, plan.rounds, plan.quick, &mut notes)?;
    let peer = programs.iter().find(|p| p.name == SCALING_PEER);
    let files = plan.files.then(|| {
        let files = files::run(python, &plan.backends, plan.rounds, &mut notes);
        notes.kept("files and start", files)
    });
    let scaling = plan.scaling.then(|| {
        let scaling = Scaling::run(&plan.models, &own, peer, &mut notes);
        notes.kept("size and threads", scaling)
    });
    let kernels = plan.kernels.then(|| {
        let kernels = Kernels::measure(python, &mut notes);
        notes.kept("kernels", kernels)
    });
    let footprint = plan
        .footprint
        .then(|| notes.kept("build", Footprint::measure()));
    let again = notes.kept("measuring the machine's peaks", Peak::measure());
    let peaks = Peak::greatest(peaks.unwrap_or_default(), again.unwrap_or_default());
    let page = Page {
        plan,
        machine,
        peaks,
        rounds,
        files: files.flatten(),
        scaling: scaling.flatten(),
        kernels: kernels.flatten(),
        footprint: footprint.flatten(),
        notes,
    };
    let text = page.markdown();
    match plan.write {
        true => fs::write(PAGE, text)?,
        false => print!("{text}"),
    }
    Ok(())
}

/// All programs that can be run, refrain first.
fn programs(plan: &Plan, own: &Program, python: Option<&Path>, notes: &mut Notes) -> Vec<Program> {
    let mut programs = vec![own.clone()];
    if let Some(python) = python {
        let backends = plan.backends.iter();
        programs.extend(backends.map(|backend| Program::keras(python, backend)));
    }
    for library in LIBRARIES {
        let program = match library == CANDLE_MKL {
            true => plan.mkl.then(Program::candle_mkl),
            false => plan.rust_peers.then(|| Program::of_library(library)),
        };
        let what = format!("building {library}");
        programs.extend(program.and_then(|program| notes.kept(&what, program)));
    }
    programs
}

/// The interpreter that has the backends that are asked for.
fn python(plan: &Plan, notes: &mut Notes) -> Option<PathBuf> {
    if plan.backends.is_empty() {
        return None;
    }
    let python = program::environment(&plan.backends);
    notes.kept("installing Keras", python)
}
