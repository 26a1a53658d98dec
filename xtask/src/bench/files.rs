//! Files: opening a large model, and the `refrain` command from its start to its written output, beside Keras.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use refrain::activations::Activation;
use refrain::layers::Dense;
use refrain::{Model, input};
use refrain_storage::npz::to_npz;
use serde_json::{Value as Json, json};
use xtask::{memory, models};

use super::notes::Notes;
use super::program::{cargo, json_line, output};
use super::rounds::OWN;
use super::stats::{Ratio, median, spread};
use super::table::{Table, number};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-files");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench_files.py");

/// A square matrix of 4 MiB: this many of them make 100 MB.
const UNITS: usize = 1024;
const LAYERS: usize = 24;

/// What was measured of one program, a number for each round.
struct Row {
    program: String,
    /// Seconds to open the large file.
    open: Vec<f64>,
    /// Memory beyond the weights at the peak of that, as a share of the file's size.
    memory: Vec<f64>,
    /// Milliseconds from the start of a process to its end, its output written.
    predict: Vec<f64>,
}

/// All programs, refrain first.
pub struct Report {
    rows: Vec<Row>,
    /// Bytes of the large file.
    size: u64,
}

/// The files that everything is measured on.
struct Files {
    large: PathBuf,
    siamese: PathBuf,
    inputs: PathBuf,
    output: PathBuf,
}

/// Measures refrain and the backends in turn.
pub fn run(
    python: Option<&Path>,
    backends: &[String],
    rounds: usize,
    notes: &mut Notes,
) -> Result<Report> {
    let files = Files::write()?;
    let command = refrain_command()?;
    let backends = backends.iter().filter(|_| python.is_some());
    let programs = std::iter::once(OWN).chain(backends.map(String::as_str));
    let mut rows: Vec<Row> = programs.map(Row::new).collect();
    for round in 0..rounds {
        for row in &mut rows {
            eprintln!("round {}, files with {}", round + 1, row.program);
            let (open, predict) = match row.program.as_str() {
                OWN => files.refrain(&command)?,
                backend => files.keras(python.ok_or("no Python environment")?, backend),
            };
            let measured = files.measure(row, open, predict);
            let what = format!("files with {} in round {}", row.program, round + 1);
            match row.program == OWN {
                true => measured?,
                false => notes.kept(&what, measured).unwrap_or_default(),
            }
        }
    }
    let size = fs::metadata(&files.large)?.len();
    Ok(Report { rows, size })
}

/// Opens a file in a process of its own and prints what it took.
pub fn open(path: &str) -> Result<()> {
    let before = memory::now()?;
    memory::forget_peak()?;
    let start = Instant::now();
    let model = refrain::load_model(path)?;
    let seconds = start.elapsed().as_secs_f64();
    let grown = memory::peak()?.saturating_sub(before);
    let weights = model.weights();
    let bytes = weights.iter().map(|w| w.numel() * size_of::<f32>());
    println!(
        "{}",
        json!({"seconds": seconds, "weights": bytes.sum::<usize>(), "grown": grown})
    );
    Ok(())
}

impl Row {
    fn new(program: &str) -> Self {
        Row {
            program: program.to_owned(),
            open: Vec::new(),
            memory: Vec::new(),
            predict: Vec::new(),
        }
    }
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
        let case = models::case("siamese")?;
        case.build()?.save(&files.siamese)?;
        let samples = case.samples(1);
        let x = samples.inputs();
        let names: Vec<String> = (0..x.len()).map(|i| format!("x{i}")).collect();
        let named: Vec<_> = names.iter().map(String::as_str).zip(x).collect();
        fs::write(&files.inputs, to_npz(&named)?)?;
        Ok(files)
    }

    /// What opens the large file, and what predicts.
    fn refrain(&self, command: &Path) -> Result<(Command, Command)> {
        let mut open = Command::new(std::env::current_exe()?);
        open.args(["bench", OPEN]).arg(&self.large);
        let mut predict = Command::new(command);
        predict.arg("predict").arg(&self.siamese);
        predict.arg("--inputs").arg(&self.inputs);
        predict.arg("--output").arg(&self.output);
        Ok((open, predict))
    }

    fn keras(&self, python: &Path, backend: &str) -> (Command, Command) {
        let script = |task: &str| {
            let mut script = Command::new(python);
            script.args([SCRIPT, backend, task]);
            script
        };
        let mut open = script("open");
        open.arg(&self.large);
        let mut predict = script("predict");
        predict.args([&self.siamese, &self.inputs, &self.output]);
        (open, predict)
    }

    fn measure(&self, row: &mut Row, mut open: Command, mut predict: Command) -> Result<()> {
        let line = json_line(&output(&mut open)?);
        let json: Json = serde_json::from_str(&line)?;
        let number = |key: &str| json[key].as_f64().ok_or(format!("no {key} in {json}"));
        let size = fs::metadata(&self.large)?.len() as f64;
        row.open.push(number("seconds")?);
        row.memory
            .push((number("grown")? - number("weights")?) / size);
        // An output that an earlier program left would hide that this one wrote none.
        let _ = fs::remove_file(&self.output);
        let start = Instant::now();
        output(&mut predict)?;
        row.predict.push(start.elapsed().as_secs_f64() * 1e3);
        fs::metadata(&self.output)?;
        Ok(())
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
pub fn refrain_command() -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--release", "--quiet", "--package", "refrain-cli"]);
    output(build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")))?;
    let command = std::env::current_exe()?.with_file_name("refrain");
    match command.exists() {
        true => Ok(command),
        false => Err(format!("no {}", command.display()).into()),
    }
}

impl Report {
    /// How many times longer a prediction takes from the start of the process, with the fastest of the peers.
    pub fn start_ratio(&self) -> Option<(&str, Ratio)> {
        let (own, peers) = self.rows.split_first()?;
        let ratios = peers.iter().filter_map(|peer| {
            let ratio = Ratio::of(&peer.predict, &own.predict)?;
            Some((peer.program.as_str(), ratio))
        });
        ratios.min_by(|a, b| a.1.value.total_cmp(&b.1.value))
    }

    /// The table.
    pub fn table(&self) -> Table {
        let head = self.rows.iter().map(|row| row.program.clone());
        let mut table = Table::new(std::iter::once(String::new()).chain(head));
        let title = format!("open a `.keras` of {:.0} MB, s", self.size as f64 / 1e6);
        type Values = fn(&Row) -> &[f64];
        let lines: [(String, Values); 3] = [
            (title, |row| &row.open),
            ("predict one sample, whole process, ms".to_owned(), |row| {
                &row.predict
            }),
            (
                "memory beyond the weights / size of the file".to_owned(),
                |row| &row.memory,
            ),
        ];
        for (title, values) in lines {
            let own = self.rows.first().map(values).unwrap_or_default();
            let cells = self.rows.iter().map(|row| cell(values(row), own));
            table.row(std::iter::once(title).chain(cells));
        }
        table
    }
}

/// The median with its spread, and how many times refrain's it is.
fn cell(values: &[f64], own: &[f64]) -> String {
    let Some(middle) = median(values).map(number) else {
        return "–".to_owned();
    };
    match Ratio::of(values, own) {
        Some(ratio) if values != own => format!("{middle} ({}×)", number(ratio.value)),
        _ => format!(
            "{middle} ±{:.0} %",
            50.0 * spread(values).unwrap_or_default()
        ),
    }
}
