//! A folder for a test, models in it, and the command.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use refrain::activations::Activation;
use refrain::layers::{Dense, Dropout, Input, Lambda, concatenate};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Adam;
use refrain::{Literal, Model};
use refrain_storage::npz::{NpzFile, to_npz};
use serde_json::Value as Json;

/// A folder that goes when the test ends.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("refrain-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Names of all files.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Saves a model and gives it back.
    pub fn save(&self, name: &str, model: Model) -> Model {
        model.save(self.path(name)).unwrap();
        model
    }

    pub fn write_arrays(&self, name: &str, arrays: &[(&str, &Literal)]) {
        std::fs::write(self.path(name), to_npz(arrays).unwrap()).unwrap();
    }

    pub fn array(&self, file: &str, name: &str) -> Literal {
        NpzFile::open(self.path(file)).unwrap().read(name).unwrap()
    }

    pub fn json(&self, name: &str) -> Json {
        std::fs::read_to_string(self.path(name))
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Runs the command here; arguments are the words of the line.
    pub fn run(&self, line: &str) -> Run {
        self.run_with(line, &[])
    }

    /// Runs the command here with more arguments, which may hold spaces.
    pub fn run_with(&self, line: &str, more: &[&str]) -> Run {
        let output = self.command(line).args(more).output().unwrap();
        Run {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_refrain"));
        command
            .args(line.split_whitespace())
            .current_dir(&self.0)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// What the command answered.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    /// It did its work; gives what it printed.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.out
    }

    /// It failed with one line on standard error, which holds these words.
    #[track_caller]
    pub fn failed(self, words: &[&str]) {
        self.ended(1, words);
    }

    /// It ended with this code and one line on standard error, which holds these words.
    #[track_caller]
    pub fn ended(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert_eq!(self.err.trim_end().lines().count(), 1, "{self:#?}");
        assert!(self.err.starts_with("refrain: "), "{self:#?}");
        for word in words {
            assert!(self.err.contains(word), "`{word}` is not in: {}", self.err);
        }
        assert_eq!(self.out, "", "{self:#?}");
    }

    /// It was used wrongly.
    #[track_caller]
    pub fn misused(self, word: &str) {
        assert_eq!(self.code, Some(2), "{self:#?}");
        assert!(self.err.contains(word), "{self:#?}");
        assert_eq!(self.out, "", "{self:#?}");
    }
}

/// Numbers between -1 and 1 that look random.
pub fn numbers(dims: &[usize], seed: usize) -> Literal {
    let count: usize = dims.iter().product();
    let value = |i: usize| ((i * 37 + seed * 101) % 97) as f32 / 48.0 - 1.0;
    Literal::new(dims, (0..count).map(value).collect()).unwrap()
}

/// Labels 0 and 1.
pub fn labels(count: usize) -> Literal {
    Literal::new(
        [count, 1],
        (0..count).map(|i| i64::from(i % 3 == 0)).collect(),
    )
    .unwrap()
}

/// Two inputs `left` and `right` of 4 numbers through one layer; not compiled.
pub fn siamese() -> Model {
    let left = Input::new([4]).name("left").tensor();
    let right = Input::new([4]).name("right").tensor();
    let shared = Dense::new(3).activation(Activation::Relu).name("shared");
    let both = concatenate([shared.call(&left).unwrap(), shared.call(&right).unwrap()]).unwrap();
    let dropped = Dropout::new(0.2).name("drop").call(&both).unwrap();
    let output = Dense::new(1)
        .activation(Activation::Sigmoid)
        .name("same")
        .call(&dropped)
        .unwrap();
    Model::with_name("siamese", [&left, &right], &output).unwrap()
}

/// The same, compiled.
pub fn compiled() -> Model {
    let model = siamese();
    model
        .compile(Adam::new(0.01), Loss::BinaryCrossentropy)
        .metrics([Metric::Accuracy])
        .run()
        .unwrap();
    model
}

/// One input of 4 numbers, two outputs `a` and `b`; not compiled.
pub fn two_outputs() -> Model {
    let x = Input::new([4]).name("x").tensor();
    let a = Dense::new(2).name("a").call(&x).unwrap();
    let b = Dense::new(1).name("b").call(&x).unwrap();
    Model::with_name("two", &x, [&a, &b]).unwrap()
}

/// A Lambda layer `distance` between two inputs of 4 numbers, whose function is not in the file.
pub fn with_lambda() -> Model {
    let left = Input::new([4]).name("left").tensor();
    let right = Input::new([4]).name("right").tensor();
    let distance = Lambda::of_list(|x| (&x[0] - &x[1]).abs()).name("distance");
    let distance = distance.call([&left, &right]).unwrap();
    let output = Dense::new(1).name("out").call(&distance).unwrap();
    Model::with_name("with_lambda", [&left, &right], &output).unwrap()
}

/// Files that a model of [`siamese`] is trained on.
pub fn write_pairs(folder: &Folder, name: &str, count: usize) {
    let (left, right) = (numbers(&[count, 4], 1), numbers(&[count, 4], 2));
    folder.write_arrays(
        name,
        &[("x0", &left), ("x1", &right), ("y0", &labels(count))],
    );
}
