//! The machine that measures: what it is, and the most it can do.

use std::error::Error;
use std::fs;
use std::process::Command;

use serde_json::Value as Json;

use super::program::{PEER_FLAGS, build, built, json_line, output};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// The program in `bench/` that finds the peaks.
const PROGRAM: &str = "bench-machine";

/// What a program could reach at most.
#[derive(Clone, Copy, Debug)]
pub struct Peak {
    pub threads: usize,
    /// Floating-point operations a second: multiply-adds on registers, each counted as two.
    pub flops: f64,
    /// Bytes a second that are read from and written to memory.
    pub bandwidth: f64,
}

impl Peak {
    /// Measures with one thread and with all.
    pub fn measure() -> Result<Vec<Peak>> {
        build(&["build", "--package", PROGRAM], PEER_FLAGS)?;
        let text = output(&mut Command::new(built(PROGRAM)))?;
        let json: Json = serde_json::from_str(&json_line(&text))?;
        let rows = json["peaks"].as_array().ok_or("no peaks")?;
        let peak = |row: &Json| {
            let number = |key: &str| row[key].as_f64().ok_or_else(|| format!("no {key}"));
            Ok(Peak {
                threads: number("threads")? as usize,
                flops: number("flops")?,
                bandwidth: number("bandwidth")?,
            })
        };
        rows.iter().map(peak).collect()
    }

    /// The greater of two measurements, since other work on the machine only takes away.
    pub fn greatest(first: Vec<Peak>, second: Vec<Peak>) -> Vec<Peak> {
        let mut peaks = first;
        for peak in second {
            match peaks.iter_mut().find(|p| p.threads == peak.threads) {
                Some(known) => {
                    known.flops = known.flops.max(peak.flops);
                    known.bandwidth = known.bandwidth.max(peak.bandwidth);
                }
                None => peaks.push(peak),
            }
        }
        peaks
    }

    /// The least seconds in which so much can be done: the roofline.
    pub fn least_seconds(&self, flops: f64, bytes: f64) -> f64 {
        (flops / self.flops).max(bytes / self.bandwidth)
    }
}

/// A list of what the machine is.
pub struct Machine {
    lines: Vec<(&'static str, String)>,
}

impl Machine {
    /// Looks it up, before anything loads it.
    pub fn look() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = refrain_cpu::Pool::global();
        let simd = format!("{}, {} threads", pool.simd().level(), pool.threads());
        let mut lines = vec![
            ("processor", processor_name()),
            ("cores", threads.to_string()),
            ("instructions and threads of refrain", simd),
            ("caches", caches()),
            ("memory", memory()),
            ("system", system()),
            ("compiler", tool("rustc", &["--version"])),
            ("date", tool("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ];
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: Vec<&str> = load.split_whitespace().take(3).collect();
        lines.push(("load before, over 1, 5 and 15 minutes", load.join(" ")));
        let commit = tool("git", &["describe", "--always", "--dirty"]);
        lines.push(("refrain at", commit));
        lines.retain(|(_, value)| !value.is_empty());
        Machine { lines }
    }

    /// As a list in Markdown.
    pub fn markdown(&self) -> String {
        let lines = self.lines.iter();
        lines
            .map(|(name, value)| format!("- {name}: {value}\n"))
            .collect()
    }
}

fn processor_name() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        let value = line.and_then(|line| line.split_once(':'));
        value.map(|(_, value)| value.trim().to_owned())
    };
    let name = value("model name").unwrap_or_default();
    match value("cpu family").zip(value("model\t")) {
        Some((family, model)) => format!("{name}, family {family}, model {model}"),
        None => name,
    }
}

fn caches() -> String {
    let read = |index: usize, file: &str| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}");
        let text = fs::read_to_string(path).ok()?;
        Some(text.trim().to_owned())
    };
    let one = |index| {
        let kind = read(index, "type")?;
        (kind != "Instruction").then_some(())?;
        Some(format!(
            "L{} {}",
            read(index, "level")?,
            read(index, "size")?
        ))
    };
    /// More indices than any processor has.
    const INDICES: usize = 8;
    let all: Vec<String> = (0..INDICES).filter_map(one).collect();
    all.join(", ")
}

fn memory() -> String {
    const KIB_PER_GIB: f64 = 1024.0 * 1024.0;
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.split_whitespace().nth(1);
    let total = total.and_then(|kib| kib.parse::<f64>().ok());
    total.map_or_else(String::new, |kib| format!("{:.1} GiB", kib / KIB_PER_GIB))
}

fn system() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let name = name.unwrap_or_default().trim_matches('"');
    format!("{name}, Linux {}", kernel.trim())
}

fn tool(name: &str, arguments: &[&str]) -> String {
    let text = output(Command::new(name).args(arguments)).unwrap_or_default();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_measurements_the_greater_counts() {
        let peak = |threads, flops, bandwidth| Peak {
            threads,
            flops,
            bandwidth,
        };
        let all = Peak::greatest(
            vec![peak(1, 90.0, 12.0)],
            vec![peak(1, 100.0, 10.0), peak(2, 190.0, 20.0)],
        );
        assert_eq!((all[0].flops, all[0].bandwidth), (100.0, 12.0));
        assert_eq!((all.len(), all[1].threads), (2, 2));
    }

    #[test]
    fn the_roofline_is_the_slower_of_two() {
        let peak = Peak {
            threads: 1,
            flops: 100.0,
            bandwidth: 10.0,
        };
        assert_eq!(peak.least_seconds(200.0, 10.0), 2.0);
        assert_eq!(peak.least_seconds(200.0, 50.0), 5.0);
    }
}
