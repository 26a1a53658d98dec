//! Files: opening a large model, and the `refrain` command from its start to its written output, beside Keras.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use refrain::activations::Activation;
use refrain::layers::Dense;
use refrain::{Model, input};
use refrain_cli::npz::to_npz;
use serde_json::{Value as Json, json};

use super::{models, peers};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-files");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench_files.py");

/// A square matrix of 4 MiB: this many of them make 100 MB.
const UNITS: usize = 1024;
const LAYERS: usize = 24;

/// Processes of refrain; the best counts, since other work on the machine only adds.
const RUNS: usize = 10;
/// Those of Keras take seconds each.
const PEER_RUNS: usize = 3;

/// What was measured of one program.
struct Row {
    program: String,
    open: Opening,
    /// Milliseconds from the start of a process to its end, its output written.
    predict: f64,
}

/// Opening the large file.
struct Opening {
    seconds: f64,
    /// Memory beyond the weights at the peak, as a share of the file's size.
    memory: f64,
}

/// The files that everything is measured on.
struct Files {
    large: PathBuf,
    siamese: PathBuf,
    inputs: PathBuf,
    output: PathBuf,
}

/// Measures refrain and the backends, and prints the table.
pub fn run(python: Option<&Path>, backends: &[String]) -> Result<()> {
    let files = Files::write()?;
    eprintln!("files: refrain");
    let mut rows = vec![files.refrain()?];
    for backend in backends {
        eprintln!("files: Keras on {backend}");
        rows.push(files.keras(python.ok_or("no Python environment")?, backend)?);
    }
    print(&rows, fs::metadata(&files.large)?.len());
    Ok(())
}

/// Opens a file in a process of its own and prints what it took.
pub fn open(path: &str) -> Result<()> {
    let before = memory("VmRSS")?;
    // Forgets the peak so far.
    fs::write("/proc/self/clear_refs", "5")?;
    let start = Instant::now();
    let model = refrain::load_model(path)?;
    let seconds = start.elapsed().as_secs_f64();
    let grown = memory("VmHWM")?.saturating_sub(before);
    let weights = model.weights();
    let bytes = weights.iter().map(|w| w.numel() * size_of::<f32>());
    println!(
        "{}",
        json!({"seconds": seconds, "weights": bytes.sum::<usize>(), "grown": grown})
    );
    Ok(())
}

/// Bytes of this process, from Linux.
fn memory(field: &str) -> Result<u64> {
    const KIB: u64 = 1024;
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(field));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    let number = number.ok_or_else(|| format!("no {field}"))?;
    Ok(number.parse::<u64>()? * KIB)
}

impl Files {
    fn write() -> Result<Self> {
        let folder = Path::new(FOLDER);
        fs::create_dir_all(folder)?;
        let files = Files {
            large: folder.join("large.keras"),
            siamese: folder.join("siamese.keras"),
            inputs: folder.join("inputs.npz"),
            output: folder.join("output.npz"),
        };
        refrain::clear_session();
        refrain::initializers::set_random_seed(1);
        large()?.save(&files.large)?;
        let case = models::CASES.iter().find(|case| case.name == "siamese");
        let case = case.ok_or("no model siamese")?;
        (case.build)()?.save(&files.siamese)?;
        let samples = (case.data)(1);
        let x = samples.inputs();
        let names: Vec<String> = (0..x.len()).map(|i| format!("x{i}")).collect();
        let named: Vec<_> = names.iter().map(String::as_str).zip(x).collect();
        fs::write(&files.inputs, to_npz(&named)?)?;
        Ok(files)
    }

    fn refrain(&self) -> Result<Row> {
        let own = std::env::current_exe()?;
        let command = refrain_command(&own)?;
        let open = || {
            let mut open = Command::new(&own);
            open.args(["bench", OPEN]).arg(&self.large);
            open
        };
        let predict = || {
            let mut predict = Command::new(&command);
            predict.arg("predict").arg(&self.siamese);
            predict.arg("--inputs").arg(&self.inputs);
            predict.arg("--output").arg(&self.output);
            predict
        };
        self.row("refrain", RUNS, open, predict)
    }

    fn keras(&self, python: &Path, backend: &str) -> Result<Row> {
        let script = |task: &str| {
            let mut script = Command::new(python);
            script.args([SCRIPT, backend, task]);
            script
        };
        let open = || {
            let mut open = script("open");
            open.arg(&self.large);
            open
        };
        let predict = || {
            let mut predict = script("predict");
            predict.args([&self.siamese, &self.inputs, &self.output]);
            predict
        };
        self.row(backend, PEER_RUNS, open, predict)
    }

    /// The best of several runs of two commands.
    fn row(
        &self,
        program: &str,
        runs: usize,
        open: impl Fn() -> Command,
        predict: impl Fn() -> Command,
    ) -> Result<Row> {
        let size = fs::metadata(&self.large)?.len() as f64;
        let mut best = Row {
            program: program.to_owned(),
            open: Opening {
                seconds: f64::INFINITY,
                memory: f64::INFINITY,
            },
            predict: f64::INFINITY,
        };
        for _ in 0..runs {
            let text = peers::output(&mut open())?;
            let line = text.lines().rfind(|line| line.starts_with('{'));
            let json: Json = serde_json::from_str(line.unwrap_or_default())?;
            let number = |key: &str| json[key].as_f64().ok_or(format!("no {key} in {json}"));
            let beyond = (number("grown")? - number("weights")?) / size;
            best.open.seconds = best.open.seconds.min(number("seconds")?);
            best.open.memory = best.open.memory.min(beyond);
            // An output that an earlier program left would hide that this one wrote none.
            let _ = fs::remove_file(&self.output);
            let start = Instant::now();
            peers::output(&mut predict())?;
            best.predict = best.predict.min(start.elapsed().as_secs_f64() * 1e3);
            fs::metadata(&self.output)?;
        }
        Ok(best)
    }
}

/// The argument of `bench` that opens a file in a process of its own.
pub const OPEN: &str = "--open-file";

/// 100 MB of weights.
fn large() -> refrain::Result<Model> {
    let x = input([UNITS]);
    let mut y = x.clone();
    for _ in 0..LAYERS {
        y = Dense::new(UNITS).activation(Activation::Relu).call(&y)?;
    }
    Model::new(&x, &y)
}

/// The `refrain` command, built beside this program.
fn refrain_command(own: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--quiet", "--package", "refrain-cli"]);
    peers::output(build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")))?;
    let command = own.with_file_name("refrain");
    match command.exists() {
        true => Ok(command),
        false => Err(format!("no {}", command.display()).into()),
    }
}

fn print(rows: &[Row], size: u64) {
    println!("\nfiles, and how many times faster refrain is");
    print!("{:34}", "");
    rows.iter().for_each(|row| print!("{:>22}", row.program));
    println!();
    let open = format!("open {:.0} MB .keras, seconds", size as f64 / 1e6);
    line(&open, rows, |row| row.open.seconds);
    line("predict one sample, process, ms", rows, |row| row.predict);
    print!("{:34}", "memory beyond weights / file size");
    rows.iter()
        .for_each(|row| print!("{:22.2}", row.open.memory));
    println!();
}

fn line(title: &str, rows: &[Row], value: impl Fn(&Row) -> f64) {
    print!("{title:34}");
    let own = rows.first().map_or(f64::NAN, &value);
    for (i, row) in rows.iter().map(value).enumerate() {
        match i {
            0 => print!("{row:22.4}"),
            _ => print!("{row:12.4} ({:6.1}×)", row / own),
        }
    }
    println!();
}
