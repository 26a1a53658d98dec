//! Programs that are measured: refrain, Keras on its backends, and those of `bench/`. All answer alike.

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::measured::Measured;

use crate::python;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// The Keras that refrain is measured against.
const KERAS: &str = "keras==3.15.1";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench_peers.py");
const ENVIRONMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-env");
/// Intel's MKL as packages of Python: archives, headers and the library for threads.
const MKL: [&str; 3] = ["mkl-static", "mkl-include", "intel-openmp"];
const MKL_ENVIRONMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-mkl");
/// Gets the best that the machine has; refrain, as its users build it, looks at run time.
pub const PEER_FLAGS: &str = "-C target-cpu=native";

/// A program that measures the model whose name comes as its last argument but `quick`.
#[derive(Clone, Debug)]
pub struct Program {
    pub name: String,
    /// What to start, and its first arguments.
    pub command: Vec<OsString>,
}

impl Program {
    /// refrain's, which like the others' holds nothing but a library and its models. Built beside this program.
    pub fn refrain() -> Result<Self> {
        const NAME: &str = "bench-refrain";
        let mut build = cargo();
        build.args(["build", "--release", "--quiet", "--package", "xtask"]);
        build.args(["--bin", NAME]);
        output(build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")))?;
        let program = std::env::current_exe()?.with_file_name(NAME);
        match program.exists() {
            true => Ok(Program {
                name: "refrain".to_owned(),
                command: vec![program.into()],
            }),
            false => Err(format!("no {}", program.display()).into()),
        }
    }

    /// Keras on a backend.
    pub fn keras(python: &Path, backend: &str) -> Self {
        Program {
            name: backend.to_owned(),
            command: vec![python.into(), SCRIPT.into(), backend.into()],
        }
    }

    /// A program of `bench/`, built if need be.
    pub fn of_library(name: &str) -> Result<Self> {
        let package = format!("bench-{name}");
        build(&["build", "--package", &package], PEER_FLAGS)?;
        Ok(Program {
            name: name.to_owned(),
            command: vec![built(&package).into()],
        })
    }

    /// candle with its products by MKL, which is installed and built beside candle if need be.
    pub fn candle_mkl() -> Result<Self> {
        let python = python::environment(MKL_ENVIRONMENT.as_ref(), &MKL)?;
        let root = python.ancestors().nth(2).ok_or("no environment")?;
        let target = library_target().join("mkl");
        let arguments = ["build", "--package", "bench-candle", "--features", "mkl"];
        let mut command = in_bench(&arguments, PEER_FLAGS)?;
        command.env("CARGO_TARGET_DIR", &target);
        python::check(command.env("MKLROOT", root))?;
        // The library for threads is linked when the program starts.
        let mut libraries = OsString::from("LD_LIBRARY_PATH=");
        libraries.push(root.join("lib"));
        let program = target.join("release/bench-candle");
        Ok(Program {
            name: super::CANDLE_MKL.to_owned(),
            command: vec!["env".into(), libraries, program.into()],
        })
    }

    /// Runs it for a model.
    pub fn measure(&self, model: &str, quick: bool, threads: Option<usize>) -> Result<Measured> {
        let (start, arguments) = self.command.split_first().ok_or("an empty command")?;
        let mut command = Command::new(start);
        command.args(arguments).arg(model);
        if quick {
            command.arg("quick");
        }
        if let Some(threads) = threads {
            command.env("REFRAIN_NUM_THREADS", threads.to_string());
        }
        Measured::parse(&json_line(&output(&mut command)?))
    }
}

/// The last line that is a JSON object, among what libraries print.
pub fn json_line(text: &str) -> String {
    let line = text.lines().rfind(|line| line.starts_with('{'));
    line.unwrap_or_default().to_owned()
}

/// What a command prints.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} failed: {reason}").into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Python with these backends, installed if need be.
pub fn environment(backends: &[String]) -> Result<PathBuf> {
    let mut packages = vec![KERAS, "numpy"];
    for backend in backends {
        packages.push(match backend.as_str() {
            "jax" => "jax",
            "tensorflow" => "tensorflow-cpu",
            "torch" => "torch",
            other => {
                let known = "there are jax, tensorflow, torch";
                return Err(format!("no backend {other}; {known}").into());
            }
        });
    }
    python::environment(ENVIRONMENT.as_ref(), &packages)
}

/// Runs cargo in the workspace of other libraries, whose builds lie apart from refrain's.
pub fn build(arguments: &[&str], flags: &str) -> Result<()> {
    python::check(&mut in_bench(arguments, flags)?)
}

/// cargo in the workspace of other libraries.
fn in_bench(arguments: &[&str], flags: &str) -> Result<Command> {
    eprintln!("cargo {} in bench/", arguments.join(" "));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../bench");
    let (verb, rest) = arguments.split_first().ok_or("no command of cargo")?;
    let mut command = cargo();
    command.arg(verb).args(["--quiet"]);
    if *verb == "build" {
        command.arg("--release");
    }
    command.args(rest).env("RUSTFLAGS", flags);
    command.env("CARGO_TARGET_DIR", library_target());
    // The page alone is printed on the standard output.
    command.current_dir(folder).stdout(std::io::stderr());
    Ok(command)
}

/// The cargo that runs this.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Where the programs of `bench/` are built: beside the folder that holds this program.
pub fn library_target() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let target = own.ancestors().nth(2).map(Path::to_path_buf);
    target.unwrap_or_default().join("bench-libraries")
}

/// A program that has been built there.
pub fn built(name: &str) -> PathBuf {
    library_target().join("release").join(name)
}
