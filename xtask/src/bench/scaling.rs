//! Time against size and threads.

use std::error::Error;
use std::fmt::Write;
use xtask::measured::Measured;

use super::notes::Notes;
use super::program::Program;
use super::stats::exponent;
use super::table::{Table, number, optional};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What is varied of which model, and its values.
struct Series {
    model: &'static str,
    key: &'static str,
    values: [usize; 4],
}

const SERIES: [Series; 7] = [
    Series {
        model: "mlp",
        key: "batch",
        values: [8, 32, 128, 512],
    },
    Series {
        model: "mlp",
        key: "width",
        values: [256, 512, 1024, 2048],
    },
    Series {
        model: "mlp",
        key: "depth",
        values: [1, 2, 4, 8],
    },
    Series {
        model: "lstm",
        key: "batch",
        values: [4, 16, 64, 256],
    },
    Series {
        model: "lstm",
        key: "length",
        values: [25, 50, 100, 200],
    },
    Series {
        model: "transformer",
        key: "length",
        values: [32, 64, 128, 256],
    },
    Series {
        model: "transformer",
        key: "width",
        values: [64, 128, 256, 512],
    },
];

/// A size with what each program took.
struct Point {
    size: usize,
    own: Measured,
    peer: Option<Measured>,
}

/// A model, and what it took with so many threads.
type ByThreads = (String, Vec<(usize, Measured)>);

/// All series, and the models with different numbers of threads.
pub struct Scaling {
    /// The program beside refrain.
    peer: Option<String>,
    series: Vec<(&'static Series, Vec<Point>)>,
    threads: Vec<ByThreads>,
}

impl Scaling {
    /// Measures refrain, and a peer if there is one, always with few steps: the shape of a curve needs no more.
    pub fn run(
        models: &[String],
        own: &Program,
        peer: Option<&Program>,
        notes: &mut Notes,
    ) -> Result<Self> {
        let mut series = Vec::new();
        for of in SERIES
            .iter()
            .filter(|s| models.iter().any(|m| m == s.model))
        {
            let mut points = Vec::new();
            for size in of.values {
                let name = format!("{}@{}={size}", of.model, of.key);
                eprintln!("scaling, {name}");
                let peer = peer.and_then(|peer| {
                    let what = format!("{name} on {}", peer.name);
                    notes.kept(&what, peer.measure(&name, true, None))
                });
                points.push(Point {
                    size,
                    own: own.measure(&name, true, None)?,
                    peer,
                });
            }
            series.push((of, points));
        }
        Ok(Scaling {
            peer: peer.map(|peer| peer.name.clone()),
            series,
            threads: threads(models, own)?,
        })
    }

    /// The tables.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        type Value = fn(&Measured) -> f64;
        let columns: [(&str, Value); 2] = [
            ("train step", |m| m.train),
            ("predict a batch", |m| m.predict),
        ];
        for (title, value) in columns {
            let _ = writeln!(text, "{}", self.series_table(title, value).markdown());
        }
        let _ = writeln!(text, "{}", self.thread_table().markdown());
        text
    }

    fn series_table(&self, title: &str, value: fn(&Measured) -> f64) -> Table {
        let peer = self.peer.as_deref();
        let mut head = vec![format!("{title}, ms"), "sizes".to_owned()];
        head.extend([String::from("refrain"), String::from("exponent")]);
        head.extend(peer.map(str::to_owned));
        head.extend(peer.map(|_| String::from("exponent")));
        let mut table = Table::new(head);
        for (series, points) in &self.series {
            let sizes: Vec<String> = points.iter().map(|p| p.size.to_string()).collect();
            let name = format!("{} by {}", series.model, series.key);
            let mut row = vec![name, sizes.join(" / ")];
            let own = points.iter().map(|p| (p.size as f64, value(&p.own)));
            row.extend(curve(&own.collect::<Vec<_>>()));
            let other = points.iter().filter_map(|p| {
                let peer = p.peer.as_ref()?;
                Some((p.size as f64, value(peer)))
            });
            if peer.is_some() {
                row.extend(curve(&other.collect::<Vec<_>>()));
            }
            table.row(row);
        }
        table
    }

    fn thread_table(&self) -> Table {
        let counts = self.threads.first().map(|(_, points)| points.as_slice());
        let counts = counts.unwrap_or_default().iter().map(|(n, _)| n);
        let mut head = vec!["refrain by threads, ms".to_owned()];
        for count in counts {
            let plural = if *count == 1 { "" } else { "s" };
            head.push(format!("train, {count} thread{plural}"));
            head.push(format!("predict, {count} thread{plural}"));
        }
        head.push("speed-up of train".to_owned());
        head.push("of predict".to_owned());
        let mut table = Table::new(head);
        for (model, points) in &self.threads {
            let mut row = vec![model.clone()];
            for (_, measured) in points {
                row.extend([number(measured.train), number(measured.predict)]);
            }
            if let [(_, one), .., (_, all)] = points.as_slice() {
                row.push(number(one.train / all.train));
                row.push(number(one.predict / all.predict));
            }
            table.row(row);
        }
        table
    }
}

/// The values of a curve, and its exponent.
fn curve(points: &[(f64, f64)]) -> [String; 2] {
    let values: Vec<String> = points.iter().map(|p| number(p.1)).collect();
    [values.join(" / "), optional(exponent(points))]
}

/// refrain with 1, 2, 4, … threads, as many as there are cores.
fn threads(models: &[String], own: &Program) -> Result<Vec<ByThreads>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut counts: Vec<usize> = (0..).map(|i| 1 << i).take_while(|&n| n < cores).collect();
    counts.push(cores);
    let mut all = Vec::new();
    for model in models {
        eprintln!("threads, {model}");
        let measure = |&count: &usize| Ok((count, own.measure(model, true, Some(count))?));
        let points: Result<Vec<_>> = counts.iter().map(measure).collect();
        all.push((model.clone(), points?));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_shows_its_values_and_its_exponent() {
        let [values, exponent] = curve(&[(1.0, 2.0), (2.0, 4.0), (4.0, 8.0)]);
        assert_eq!(values, "2.00 / 4.00 / 8.00");
        assert_eq!(exponent, "1.00");
        assert_eq!(curve(&[])[1], "–");
    }
}
