//! What a program says of a model.

use std::error::Error;

use serde_json::{Value as Json, json};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What one process of a program says of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Milliseconds of a train step.
    pub train: f64,
    /// Milliseconds to predict a batch.
    pub predict: f64,
    /// Milliseconds to predict one sample.
    pub one: f64,
    /// Most bytes of the process while it trained.
    pub memory: f64,
    /// Numbers in the model that training changes.
    pub params: u64,
    /// The loss at first and at last.
    pub losses: (f64, f64),
    /// Floating-point operations of a train step and of a batch that is predicted, where they are known.
    pub flops: Option<(f64, f64)>,
    /// Which program of which version.
    pub version: String,
}

impl Measured {
    /// As a line of a program.
    pub fn json(&self) -> Json {
        json!({
            "train_ms": self.train, "predict_ms": self.predict, "one_ms": self.one, "memory": self.memory,
            "params": self.params, "losses": [self.losses.0, self.losses.1], "flops": self.flops, "version": self.version,
        })
    }

    /// From a line of a program.
    pub fn parse(line: &str) -> Result<Self> {
        let row: Json = serde_json::from_str(line)?;
        let number = |value: &Json, key: &str| {
            let number = value.as_f64();
            number.ok_or_else(|| format!("no {key} in {line}"))
        };
        let of = |key: &str| number(&row[key], key);
        let flops = &row["flops"];
        Ok(Measured {
            train: of("train_ms")?,
            predict: of("predict_ms")?,
            one: of("one_ms")?,
            memory: of("memory")?,
            params: of("params")? as u64,
            losses: (
                number(&row["losses"][0], "losses")?,
                number(&row["losses"][1], "losses")?,
            ),
            flops: flops[0].as_f64().zip(flops[1].as_f64()),
            version: row["version"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Measured {
        Measured {
            train: 1.5,
            predict: 0.5,
            one: 0.25,
            memory: 1e6,
            params: 7,
            losses: (2.0, 1.0),
            flops: Some((30.0, 10.0)),
            version: "library 1.0".to_owned(),
        }
    }

    #[test]
    fn a_line_says_all() {
        let text = format!("a warning\n{}\n", measured().json());
        assert_eq!(
            Measured::parse(text.lines().last().unwrap()).unwrap(),
            measured()
        );
    }

    #[test]
    fn operations_may_lack_and_times_may_not() {
        let mut without = measured();
        without.flops = None;
        let line = without.json().to_string();
        assert_eq!(Measured::parse(&line).unwrap(), without);
        let broken = line.replace("one_ms", "two_ms");
        let error = Measured::parse(&broken).unwrap_err().to_string();
        assert!(error.contains("no one_ms"), "{error}");
    }
}
