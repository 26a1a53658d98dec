//! refrain-cpu's kernels beside the crate `gemm` and PyTorch's operators, all with one thread.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use super::machine::Peak;
use super::notes::Notes;
use super::program::{build, library_target, output};
use super::rounds::OWN;
use super::stats::geometric_mean;
use super::table::{Table, number, optional};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench_operators.py");
/// What PyTorch's rows are called; most of its operators are oneDNN's.
const PYTORCH: &str = "torch";
/// The crate beside refrain, for products.
const GEMM: &str = "gemm";

/// Columns before those that are ratios.
const MEANS_AT: usize = 5;

/// One kernel with its work, and the median seconds of each program.
#[derive(Clone, Debug, Default, PartialEq)]
struct Kernel {
    flops: f64,
    bytes: f64,
    seconds: BTreeMap<String, f64>,
}

impl Kernel {
    /// How many times refrain's time a program takes.
    fn ratio(&self, program: &str) -> Option<f64> {
        Some(self.seconds.get(program)? / self.seconds.get(OWN)?)
    }
}

/// All kernels by name.
pub struct Kernels {
    kernels: BTreeMap<String, Kernel>,
}

impl Kernels {
    /// Runs the benches of `bench/kernels`, then PyTorch on what they measured.
    pub fn measure(python: Option<&Path>, notes: &mut Notes) -> Result<Self> {
        let home = library_target().join("criterion");
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        // No flags: refrain and gemm as their users get them; both look for instructions at run time.
        build(&["bench", "--package", "bench-kernels"], "")?;
        let mut kernels = BTreeMap::new();
        collect(&home, &mut kernels)?;
        let mut all = Kernels { kernels };
        if let Some(python) = python {
            let measured = all.measure_pytorch(python);
            notes.kept("PyTorch's operators", measured);
        }
        Ok(all)
    }

    fn measure_pytorch(&mut self, python: &Path) -> Result<()> {
        eprintln!("PyTorch's operators");
        let mut script = Command::new(python);
        script.arg(SCRIPT).args(self.kernels.keys());
        for line in output(&mut script)?.lines() {
            let row: Json = serde_json::from_str(line)?;
            let name = row["kernel"].as_str().unwrap_or_default();
            let seconds = row["seconds"].as_f64();
            if let Some((kernel, seconds)) = self.kernels.get_mut(name).zip(seconds) {
                kernel.seconds.insert(PYTORCH.to_owned(), seconds);
            }
        }
        Ok(())
    }

    /// The table, with the share of the roofline of one thread.
    pub fn markdown(&self, peak: Option<&Peak>) -> String {
        let mut table = Table::new([
            "kernel",
            "refrain, µs",
            "GFLOP/s",
            "GB/s",
            "share of the roofline",
            "gemm",
            "PyTorch",
        ]);
        for (name, kernel) in &self.kernels {
            let own = kernel.seconds.get(OWN).copied();
            let ratio = |program| times(kernel.ratio(program));
            let least = peak.map(|peak| peak.least_seconds(kernel.flops, kernel.bytes));
            let share = least.zip(own).map(|(least, own)| 100.0 * least / own);
            table.row([
                name.clone(),
                optional(own.map(|own| own * 1e6)),
                optional(own.map(|own| kernel.flops / own / 1e9)),
                optional(own.map(|own| kernel.bytes / own / 1e9)),
                format!("{} %", optional(share)),
                ratio(GEMM),
                ratio(PYTORCH),
            ]);
        }
        let mean = |program| {
            let ratios = self.kernels.values().filter_map(|k| k.ratio(program));
            times(geometric_mean(&ratios.collect::<Vec<_>>()))
        };
        let mut means = vec!["geometric mean".to_owned()];
        means.resize(MEANS_AT, String::new());
        means.extend([mean(GEMM), mean(PYTORCH)]);
        table.row(means);
        format!(
            "One thread, medians. The roofline is the least time in which the measured peaks of arithmetic and of memory allow the \
             operations and the bytes of inputs and outputs; more than 100 % means that the data stay in the caches. gemm and PyTorch: \
             how many times refrain's time they take. PyTorch has images in \
             the faster of its two layouts for each kernel.\n\n{}",
            table.markdown()
        )
    }
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{}×", number(ratio)))
}

/// Reads what criterion left below a folder.
fn collect(folder: &Path, kernels: &mut BTreeMap<String, Kernel>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let about = path.join("benchmark.json");
        match path.ends_with("new") && about.exists() {
            true => {
                let estimates = fs::read_to_string(path.join("estimates.json"))?;
                add(&fs::read_to_string(about)?, &estimates, kernels)?;
            }
            false => collect(&path, kernels)?,
        }
    }
    Ok(())
}

fn add(about: &str, estimates: &str, kernels: &mut BTreeMap<String, Kernel>) -> Result<()> {
    const NANOSECONDS: f64 = 1e9;
    let about: Json = serde_json::from_str(about)?;
    let estimates: Json = serde_json::from_str(estimates)?;
    let text = |key: &str| about[key].as_str().ok_or_else(|| format!("no {key}"));
    let work = &about["throughput"]["ElementsAndBytes"];
    let median = estimates["median"]["point_estimate"].as_f64();
    let kernel = kernels.entry(text("group_id")?.to_owned()).or_default();
    kernel.flops = work["elements"].as_f64().ok_or("no operations")?;
    kernel.bytes = work["bytes"].as_f64().ok_or("no bytes")?;
    let seconds = median.ok_or("no median")? / NANOSECONDS;
    kernel
        .seconds
        .insert(text("function_id")?.to_owned(), seconds);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: &str = r#"{"group_id": "product 2x3x4", "function_id": "refrain",
        "throughput": {"ElementsAndBytes": {"elements": 48, "bytes": 104}}}"#;
    const ESTIMATES: &str = r#"{"median": {"point_estimate": 2000.0}}"#;

    #[test]
    fn estimates_of_criterion() {
        let mut kernels = BTreeMap::new();
        add(ABOUT, ESTIMATES, &mut kernels).unwrap();
        add(&ABOUT.replace("refrain", "gemm"), ESTIMATES, &mut kernels).unwrap();
        let kernel = &kernels["product 2x3x4"];
        assert_eq!((kernel.flops, kernel.bytes), (48.0, 104.0));
        assert_eq!(kernel.seconds["refrain"], 2e-6);
        assert_eq!(kernel.seconds.len(), 2);
        assert!(add("{}", ESTIMATES, &mut kernels).is_err());
    }

    #[test]
    fn shares_and_ratios() {
        let seconds = [("refrain".to_owned(), 1e-6), ("torch".to_owned(), 3e-6)];
        let kernel = Kernel {
            flops: 50_000.0,
            bytes: 10.0,
            seconds: seconds.into(),
        };
        let kernels = [("exp 5".to_owned(), kernel)].into();
        let peak = Peak {
            threads: 1,
            flops: 1e11,
            bandwidth: 1e10,
        };
        let text = Kernels { kernels }.markdown(Some(&peak));
        let rows: Vec<&str> = text.lines().rev().take(2).collect();
        let [means, row] = rows[..] else {
            panic!("two rows in {text}");
        };
        assert!(means.ends_with("|    – |   3.00× |"), "{means}");
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(
            cells,
            [
                "", "exp 5", "1.00", "50.0", "0.0100", "50.0 %", "–", "3.00×", ""
            ]
        );
    }
}
