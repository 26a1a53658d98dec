//! The page that a run writes.

use std::fmt::Write;

use super::LIBRARIES;
use super::files;
use super::footprint::Footprint;
use super::kernels::Kernels;
use super::machine::{Machine, Peak};
use super::notes::Notes;
use super::plan::Plan;
use super::rounds::{COLUMNS, Column, MEMORY, OWN, Rounds};
use super::scaling::Scaling;
use super::stats::{Ratio, geometric_mean, median};
use super::table::{Table, number, optional};

/// All that was measured.
pub struct Page<'a> {
    pub plan: &'a Plan,
    pub machine: Machine,
    pub peaks: Vec<Peak>,
    pub rounds: Rounds,
    pub files: Option<files::Report>,
    pub scaling: Option<Scaling>,
    pub kernels: Option<Kernels>,
    pub footprint: Option<Footprint>,
    pub notes: Notes,
}

impl Page<'_> {
    /// The whole text.
    pub fn markdown(&self) -> String {
        let mut text = String::from("# Benchmarks\n\n");
        text += "Written by `cargo xtask bench --write`; `cargo xtask bench --help` tells what else it can do.\n\n";
        let models = !self.rounds.models.is_empty();
        if models {
            section(&mut text, "Aims", &self.aims().markdown());
            self.models(&mut text);
        }
        let notes = self.notes.markdown();
        if !notes.is_empty() {
            section(&mut text, "To be noted", &notes);
        }
        if let Some(files) = &self.files {
            let intro = "Medians; in brackets how many times refrain's. Each is a process of its own: opening a file of 24 dense layers, \
                 and a prediction of the siamese model from the start of the process to its written output.\n\n";
            let table = files.table().markdown();
            section(&mut text, "Files and start", &format!("{intro}{table}"));
        }
        if models {
            section(&mut text, "Share of the peak", &self.shares());
        }
        if let Some(scaling) = &self.scaling {
            let intro = "One run each with few steps. The exponent is the slope of a line through the logarithms: with 1, twice the size \
                 takes twice the time.\n\n";
            let tables = scaling.markdown();
            section(&mut text, "Size and threads", &format!("{intro}{tables}"));
        }
        if let Some(kernels) = &self.kernels {
            section(&mut text, "Kernels", &kernels.markdown(self.peaks.first()));
        }
        if let Some(footprint) = &self.footprint {
            let body = format!(
                "`cargo build --release` of the library and all that it needs, in an empty folder: {} s. The `refrain` command: {} MB.\n",
                number(footprint.build),
                number(footprint.command as f64 / 1e6)
            );
            section(&mut text, "Build", &body);
        }
        section(&mut text, "Machine", &self.machine_list());
        if models {
            section(&mut text, "Method", &self.method());
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    fn models(&self, text: &mut String) {
        for column in COLUMNS {
            let unit = column.unit;
            let mut body = format!(
                "Medians in {unit}, refrain's with half of its spread, and how many times refrain's the others' is; in brackets the least and \
                 the greatest of the rounds.\n\n"
            );
            body += &column_table(&self.rounds, column).markdown();
            section(text, column.title, &body);
        }
    }

    /// What is wanted, and what was seen.
    fn aims(&self) -> Table {
        let keras = |peer: &str| !LIBRARIES.contains(&peer);
        let mut table = Table::new(["aim", "wanted", "seen", "where"]);
        if let Some((peer, ratio)) = self.files.as_ref().and_then(files::Report::start_ratio) {
            let seen = format!("{}×", number(ratio.value));
            let title = "start of the process to the first prediction, against Keras";
            table.row([title, "≥ 50×", &seen, peer]);
        }
        let mut least = |title: &str, wanted: &str, column, among: &dyn Fn(&str) -> bool| {
            if let Some(least) = least(&self.rounds, column, among) {
                let seen = format!("{}×", number(least.ratio.value));
                table.row([
                    title,
                    wanted,
                    &seen,
                    &format!("{} / {}", least.model, least.peer),
                ]);
            }
        };
        let title = "memory while training, best backend of Keras / refrain";
        least(title, "≥ 2×", MEMORY, &keras);
        let title = "memory while training, Burn / refrain";
        least(title, "≥ 1×", MEMORY, &|peer| peer == "burn");
        for column in &COLUMNS[..3] {
            let title = format!(
                "{}, least ratio to the best peer",
                column.title.to_lowercase()
            );
            least(&title, "≥ 1.1×", *column, &|_| true);
        }
        self.mean_aims(&mut table, &keras);
        table
    }

    /// Geometric means over the models of the ratios to the best peer.
    fn mean_aims(&self, table: &mut Table, keras: &dyn Fn(&str) -> bool) {
        let mut mean = |title: &str, wanted: &str, column, among: &dyn Fn(&str) -> bool| {
            let models = self.rounds.models.iter();
            let best = models.filter_map(|model| self.rounds.best_peer(model, column, among));
            let ratios: Vec<f64> = best.map(|(_, ratio)| ratio.value).collect();
            if let Some(mean) = geometric_mean(&ratios) {
                let seen = format!("{}×", number(mean));
                table.row([title, wanted, &seen, "geometric mean"]);
            }
        };
        for column in &COLUMNS[..3] {
            let title = format!("{}, ratio to the best peer", column.title.to_lowercase());
            mean(&title, "≥ 2×", *column, &|_| true);
        }
        let title = "predict one sample, ratio to the best backend of Keras";
        mean(title, "≥ 5×", COLUMNS[2], keras);
    }

    /// Rates of the models, of what the machine could do.
    fn shares(&self) -> String {
        let peak = self.peaks.last().map_or(f64::NAN, |peak| peak.flops);
        let mut table = Table::new([
            "model",
            "train, GFLOP",
            "GFLOP/s",
            "of the peak",
            "predict, GFLOP",
            "GFLOP/s",
            "of the peak",
        ]);
        for model in &self.rounds.models {
            let flops = self.rounds.of(model, OWN).first().and_then(|m| m.flops);
            let mut row = vec![model.clone()];
            for (i, column) in COLUMNS[..2].iter().enumerate() {
                let flops = flops.map_or(f64::NAN, |flops| if i == 0 { flops.0 } else { flops.1 });
                let ms = self
                    .rounds
                    .own(model, *column)
                    .map_or(f64::NAN, |own| own.0);
                let rate = flops / (ms / 1e3);
                row.extend([number(flops / 1e9), number(rate / 1e9)]);
                row.push(format!("{} %", number(100.0 * rate / peak)));
            }
            table.row(row);
        }
        format!(
            "Operations are those of the compiled program: two for each multiply-add of products and convolutions, one for each other \
             operation, which is why models of elementwise work stay far below. The peak is that of multiply-adds on registers with all \
             threads, {} GFLOP/s.\n\n{}",
            number(peak / 1e9),
            table.markdown()
        )
    }

    fn machine_list(&self) -> String {
        let mut text = self.machine.markdown();
        for peak in &self.peaks {
            let _ = writeln!(
                text,
                "- measured peak with {} thread{}: {} GFLOP/s of multiply-adds on registers, {} GB/s from and to memory",
                peak.threads,
                if peak.threads == 1 { "" } else { "s" },
                number(peak.flops / 1e9),
                number(peak.bandwidth / 1e9)
            );
        }
        let versions = self.rounds.versions();
        if !versions.is_empty() {
            let _ = writeln!(text, "- programs: {}", versions.join("; "));
        }
        text
    }

    fn method(&self) -> String {
        let steps = match self.plan.quick {
            true => "Quick: three tenths of the steps. ",
            false => "",
        };
        let burn = match self.plan.rust_peers {
            true => {
                "Burn runs on its backend flex, candle on its CPU backend, candle-mkl is the same program with its products by Intel's \
                MKL (candle's feature `mkl`; `--mkl`); these programs (`bench/`) are built with \
                `-C target-cpu=native`, which favours them: refrain is built as its users get it and looks for instructions at run time. \
                Their LSTMs are written with one product for all four gates, as Keras has them. "
            }
            false => "Burn and candle were not run (`--rust-peers` does it). ",
        };
        format!(
            "The same models, batches, losses and Adam in every program. Rounds: {}. In each every program in turn is a process of its \
             own that trains (`fit`, without shuffling), predicts batches (`predict`) and single samples (`predict_on_batch`), each three \
             times, and takes the best, since other work only adds. Single samples: the same number of calls in every program, as many as take \
             half a second by the first, from 10 to 200; so a slow program does not hold up a round, and a fast one is not \
             measured by the clock's resolution. The tables have the median over the rounds. Memory is the most that \
             the process had from building the model to the end of training, compiling, the data and the program's own code included; \
             every program holds one library and the models, nothing else. {steps}{burn}Start with a quiet machine; absolute times from \
             two runs do not compare.\n\n{}",
            self.plan.rounds,
            self.checks().markdown()
        )
    }

    /// That all programs train the same models.
    fn checks(&self) -> Table {
        let programs = || std::iter::once(OWN).chain(self.rounds.peers.iter().map(String::as_str));
        let head = ["weights; loss at first and at last"];
        let mut table = Table::new(head.into_iter().chain(programs()));
        for model in &self.rounds.models {
            let cell = |program| match self.rounds.of(model, program).first() {
                Some(m) => {
                    let (first, last) = m.losses;
                    format!("{}; {} → {}", m.params, number(first), number(last))
                }
                None => "–".to_owned(),
            };
            table.row(std::iter::once(model.clone()).chain(programs().map(cell)));
        }
        table
    }
}

fn section(text: &mut String, title: &str, body: &str) {
    let _ = writeln!(text, "## {title}\n\n{}\n", body.trim_end());
}

/// The models' figures of one kind, with the means and the least below.
fn column_table(rounds: &Rounds, column: Column) -> Table {
    let mut head = vec!["model".to_owned(), OWN.to_owned()];
    head.extend(rounds.peers.iter().cloned());
    head.push("best peer".to_owned());
    let mut table = Table::new(head);
    for model in &rounds.models {
        let own = rounds.own(model, column);
        let mut row = vec![model.clone()];
        row.push(own.map_or_else(String::new, |(middle, spread)| {
            format!("{} ±{:.0} %", number(middle), 50.0 * spread)
        }));
        for peer in &rounds.peers {
            let middle = median(&rounds.values(model, peer, column));
            let both = middle.zip(rounds.ratio(model, peer, column));
            row.push(both.map_or_else(|| "–".to_owned(), peer_cell));
        }
        let best = rounds.best_peer(model, column, |_| true);
        row.push(best.map_or_else(String::new, |(peer, ratio)| {
            format!("{peer} {}", number(ratio.value))
        }));
        table.row(row);
    }
    let mut means = vec!["geometric mean".to_owned(), String::new()];
    for peer in &rounds.peers {
        let ratios = rounds
            .models
            .iter()
            .filter_map(|model| rounds.ratio(model, peer, column));
        means.push(mean(ratios));
    }
    let best = rounds
        .models
        .iter()
        .filter_map(|model| rounds.best_peer(model, column, |_| true));
    means.push(mean(best.map(|(_, ratio)| ratio)));
    table.row(means);
    if let Some(least) = self::least(rounds, column, &|_| true) {
        let cell = format!(
            "{}: {} {}",
            least.model,
            least.peer,
            number(least.ratio.value)
        );
        let empty = vec![String::new(); rounds.peers.len() + 1];
        let row = std::iter::once("least".to_owned()).chain(empty);
        table.row(row.chain([cell]));
    }
    table
}

fn mean(ratios: impl Iterator<Item = Ratio>) -> String {
    let values: Vec<f64> = ratios.map(|ratio| ratio.value).collect();
    optional(geometric_mean(&values))
}

fn peer_cell((middle, ratio): (f64, Ratio)) -> String {
    let (least, greatest) = ratio.rounds;
    let rounds = format!("{}–{}", number(least), number(greatest));
    format!("{}: {}× ({rounds})", number(middle), number(ratio.value))
}

/// Where refrain is worst.
struct Least {
    model: String,
    peer: String,
    ratio: Ratio,
}

/// Of the best of some peers for every model, the one whose ratio is least.
fn least(rounds: &Rounds, column: Column, among: &dyn Fn(&str) -> bool) -> Option<Least> {
    let cells = rounds.models.iter().filter_map(|model| {
        let (peer, ratio) = rounds.best_peer(model, column, among)?;
        Some(Least {
            model: model.clone(),
            peer: peer.to_owned(),
            ratio,
        })
    });
    cells.min_by(|a, b| a.ratio.value.total_cmp(&b.ratio.value))
}

#[cfg(test)]
mod tests {
    use super::super::rounds::tests::example;
    use super::*;

    #[test]
    fn a_column_has_ratios_means_and_the_least() {
        let text = column_table(&example(), COLUMNS[0]).markdown();
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(lines[0], "| model | refrain | jax | candle | best peer |");
        let mlp = "| mlp | 1.00 ±50 % | 4.00: 4.00× (2.50–4.00) | 2.00: 2.00× (1.00–2.00) | candle 2.00 |";
        assert_eq!(lines[2], mlp);
        let lstm = "| lstm | 2.00 ±0 % | 1.00: 0.500× (0.500–0.500) | – | jax 0.500 |";
        assert_eq!(lines[3], lstm);
        assert_eq!(lines[4], "| geometric mean | | 1.41 | 2.00 | 1.00 |");
        assert_eq!(lines[5], "| least | | | | lstm: jax 0.500 |");
    }

    #[test]
    fn a_blank_line_follows_every_section() {
        let mut text = String::new();
        section(&mut text, "One", "a line\n\n");
        section(&mut text, "Two", "a line");
        assert_eq!(text, "## One\n\na line\n\n## Two\n\na line\n\n");
    }

    #[test]
    fn the_least_is_of_the_best_peer_of_each_model() {
        let rounds = example();
        let least = |among: &dyn Fn(&str) -> bool| {
            least(&rounds, COLUMNS[0], among).map(|l| (l.model, l.peer))
        };
        let named = |model: &str, peer: &str| Some((model.to_owned(), peer.to_owned()));
        assert_eq!(least(&|_| true), named("lstm", "jax"));
        assert_eq!(least(&|peer| peer == "candle"), named("mlp", "candle"));
        assert_eq!(least(&|_| false), None);
    }
}
