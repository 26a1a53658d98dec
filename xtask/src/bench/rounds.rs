//! Every program in turn on every model, several times.

use std::collections::BTreeMap;
use xtask::measured::Measured;

use super::notes::{Notes, reason};
use super::program::Program;
use super::stats::{Ratio, median, spread};

/// A figure of what was measured, less of which is better.
#[derive(Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    pub unit: &'static str,
    pub value: fn(&Measured) -> f64,
}

/// The figures of the tables.
pub const COLUMNS: [Column; 4] = [
    Column {
        title: "Train step",
        unit: "ms",
        value: |m| m.train,
    },
    Column {
        title: "Predict a batch",
        unit: "ms",
        value: |m| m.predict,
    },
    Column {
        title: "Predict one sample",
        unit: "ms",
        value: |m| m.one,
    },
    MEMORY,
];

/// The most memory of a process that trains.
pub const MEMORY: Column = Column {
    title: "Peak memory while training",
    unit: "MB",
    value: |m| m.memory / 1e6,
};

/// All that was measured, by model and program.
#[derive(Default)]
pub struct Rounds {
    pub models: Vec<String>,
    /// The programs beside refrain.
    pub peers: Vec<String>,
    measured: BTreeMap<(String, String), Vec<Measured>>,
    /// In which rounds that was, since a process may fail.
    numbers: BTreeMap<(String, String), Vec<usize>>,
}

impl Rounds {
    /// Measures. A peer that fails leaves its cell empty; refrain must not fail.
    pub fn run(
        models: &[String],
        programs: &[Program],
        rounds: usize,
        quick: bool,
        notes: &mut Notes,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let peers = programs.iter().map(|p| p.name.clone());
        let mut all = Rounds {
            models: models.to_vec(),
            peers: peers.filter(|name| name != OWN).collect(),
            ..Rounds::default()
        };
        for model in models {
            for round in 0..rounds {
                for program in programs {
                    match program.measure(model, quick, None) {
                        Ok(measured) => all.add(model, &program.name, round, measured),
                        Err(error) if program.name == OWN => return Err(error),
                        Err(error) => {
                            let (name, round, reason) = (&program.name, round + 1, reason(&*error));
                            notes.add(format!(
                                "{model} on {name} failed in round {round}: {reason}"
                            ));
                        }
                    }
                }
            }
            all.compare(model)
                .into_iter()
                .for_each(|note| notes.add(note));
        }
        Ok(all)
    }

    /// Which programs train another model than refrain, or do not learn.
    fn compare(&self, model: &str) -> Vec<String> {
        let Some(own) = self.of(model, OWN).first().map(|own| own.params) else {
            return Vec::new();
        };
        let programs = std::iter::once(OWN).chain(self.peers.iter().map(String::as_str));
        let mut notes = Vec::new();
        for program in programs {
            let Some(first) = self.of(model, program).first() else {
                continue;
            };
            if first.params != own {
                let params = first.params;
                notes.push(format!(
                    "{model} on {program} has {params} weights, not {own}"
                ));
            }
            // Written so that a loss that is no number is noted too.
            let falls = first.losses.1 < first.losses.0;
            if !falls {
                notes.push(format!("{model} on {program}: the loss does not fall"));
            }
        }
        notes
    }

    /// Takes what a process said, with a line of progress, which is what a run that is cut short leaves.
    pub fn add(&mut self, model: &str, program: &str, round: usize, measured: Measured) {
        eprintln!(
            "round {}, {model} on {program}: train {:.4} ms, predict {:.4} ms, one sample {:.4} ms, {:.0} MB, loss {:.3} to {:.3}",
            round + 1,
            measured.train,
            measured.predict,
            measured.one,
            (MEMORY.value)(&measured),
            measured.losses.0,
            measured.losses.1,
        );
        let key = (model.to_owned(), program.to_owned());
        self.numbers.entry(key.clone()).or_default().push(round);
        self.measured.entry(key).or_default().push(measured);
    }

    /// The rounds of a program.
    pub fn of(&self, model: &str, program: &str) -> &[Measured] {
        let key = (model.to_owned(), program.to_owned());
        self.measured.get(&key).map_or(&[], Vec::as_slice)
    }

    /// One figure of every round of a program.
    pub fn values(&self, model: &str, program: &str, column: Column) -> Vec<f64> {
        let rounds = self.of(model, program).iter();
        rounds.map(column.value).collect()
    }

    /// How much of the figure refrain has, and its spread.
    pub fn own(&self, model: &str, column: Column) -> Option<(f64, f64)> {
        let values = self.values(model, OWN, column);
        Some((median(&values)?, spread(&values)?))
    }

    /// How many times more a peer has of it, in the rounds in which it did not fail.
    pub fn ratio(&self, model: &str, peer: &str, column: Column) -> Option<Ratio> {
        let rounds = self.numbers.get(&(model.to_owned(), peer.to_owned()))?;
        let own = self.values(model, OWN, column);
        let own: Vec<f64> = rounds.iter().filter_map(|&i| own.get(i).copied()).collect();
        Ratio::of(&self.values(model, peer, column), &own)
    }

    /// The peer that has least of it, of those that `among` names.
    pub fn best_peer<'a>(
        &'a self,
        model: &str,
        column: Column,
        among: impl Fn(&str) -> bool,
    ) -> Option<(&'a str, Ratio)> {
        let peers = self.peers.iter().filter(|peer| among(peer));
        let ratios =
            peers.filter_map(|peer| Some((peer.as_str(), self.ratio(model, peer, column)?)));
        ratios.min_by(|a, b| a.1.value.total_cmp(&b.1.value))
    }

    /// The versions of all programs.
    pub fn versions(&self) -> Vec<String> {
        let mut versions: Vec<String> = Vec::new();
        for measured in self.measured.values().flatten() {
            if !versions.contains(&measured.version) {
                versions.push(measured.version.clone());
            }
        }
        versions.sort();
        versions
    }
}

/// The name of the program that all others are compared with.
pub const OWN: &str = "refrain";

#[cfg(test)]
pub mod tests {
    use super::*;

    fn measured(train: f64) -> Measured {
        Measured {
            train,
            predict: 1.0,
            one: 1.0,
            memory: 2e6,
            params: 3,
            losses: (1.0, 0.5),
            flops: None,
            version: "library 1".to_owned(),
        }
    }

    /// Two models, one of which the second peer cannot do.
    pub fn example() -> Rounds {
        let mut rounds = Rounds {
            models: vec!["mlp".to_owned(), "lstm".to_owned()],
            peers: vec!["jax".to_owned(), "candle".to_owned()],
            ..Rounds::default()
        };
        let figures = [
            ("mlp", OWN, [1.0, 1.0, 2.0]),
            ("mlp", "jax", [4.0, 3.0, 5.0]),
            ("mlp", "candle", [2.0, 2.0, 2.0]),
            ("lstm", OWN, [2.0, 2.0, 2.0]),
            ("lstm", "jax", [1.0, 1.0, 1.0]),
        ];
        for (model, program, trains) in figures {
            for (round, train) in trains.into_iter().enumerate() {
                rounds.add(model, program, round, measured(train));
            }
        }
        rounds
    }

    #[test]
    fn the_best_peer_is_the_fastest_that_there_is() {
        let rounds = example();
        let best = |model| {
            let best = rounds.best_peer(model, COLUMNS[0], |_| true);
            best.map(|(peer, ratio)| (peer, ratio.value))
        };
        assert_eq!(best("mlp"), Some(("candle", 2.0)));
        assert_eq!(best("lstm"), Some(("jax", 0.5)));
        assert_eq!(best("resnet"), None);
        let keras = rounds.best_peer("mlp", COLUMNS[0], |peer| peer != "candle");
        assert_eq!(keras.unwrap().1.rounds, (2.5, 4.0));
    }

    #[test]
    fn other_models_and_losses_that_do_not_fall_are_noted() {
        let mut rounds = example();
        assert_eq!(rounds.compare("mlp"), Vec::<String>::new());
        let mut other = measured(1.0);
        other.params = 4;
        other.losses.1 = f64::NAN;
        let key = ("mlp".to_owned(), "jax".to_owned());
        rounds.measured.insert(key, vec![other]);
        let expected = [
            "mlp on jax has 4 weights, not 3",
            "mlp on jax: the loss does not fall",
        ];
        assert_eq!(rounds.compare("mlp"), expected);
    }

    #[test]
    fn a_round_that_failed_leaves_out_its_pair() {
        let mut rounds = example();
        let key = ("mlp".to_owned(), "jax".to_owned());
        rounds.measured.remove(&key);
        rounds.numbers.remove(&key);
        rounds.add("mlp", "jax", 2, measured(6.0));
        let ratio = rounds.ratio("mlp", "jax", COLUMNS[0]).unwrap();
        assert_eq!((ratio.value, ratio.rounds), (3.0, (3.0, 3.0)));
    }

    #[test]
    fn medians_and_versions() {
        let rounds = example();
        assert_eq!(rounds.own("mlp", COLUMNS[0]), Some((1.0, 1.0)));
        assert_eq!(rounds.versions(), ["library 1"]);
    }
}
