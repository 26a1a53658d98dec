//! What was compared, and how far apart it was.

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Predictions of Keras's file.
    Predictions,
    /// Predictions of the copies that refrain wrote of it, read again.
    Copies,
    /// Predictions after reading other forms of the file.
    Forms,
    /// Losses of the next steps of training.
    Losses,
    /// Weights after these steps.
    Weights,
    /// The error of a file that must be refused.
    Refusal,
}

impl What {
    fn tolerance(self) -> f64 {
        match self {
            What::Losses | What::Weights => 1e-4,
            _ => 1e-5,
        }
    }
}

/// All comparisons.
#[derive(Default)]
pub struct Table {
    rows: Vec<(String, What, Result<f64, String>)>,
}

impl Table {
    /// One more: the largest difference, or why there is none.
    pub fn add(&mut self, case: &str, what: What, result: Result<f64, String>) {
        self.rows.push((case.to_owned(), what, result));
    }

    fn misses(&self) -> impl Iterator<Item = &(String, What, Result<f64, String>)> {
        let passes = |what: What, result: &Result<f64, String>| {
            result.as_ref().is_ok_and(|&d| d <= what.tolerance())
        };
        self.rows
            .iter()
            .filter(move |(_, what, r)| !passes(*what, r))
    }

    /// How many miss.
    pub fn failed(&self) -> usize {
        self.misses().count()
    }

    /// A line for each kind of comparison, and one for each that misses.
    pub fn print(&self) {
        println!(
            "{:<12} {:>5} {:>5} {:>10} {:>10}",
            "compared", "cases", "fail", "worst", "allowed"
        );
        for what in [
            What::Predictions,
            What::Copies,
            What::Forms,
            What::Losses,
            What::Weights,
            What::Refusal,
        ] {
            let of_kind = self.rows.iter().filter(|(_, w, _)| *w == what);
            let failed = self.misses().filter(|(_, w, _)| *w == what).count();
            let worst = of_kind
                .clone()
                .filter_map(|(_, _, r)| r.as_ref().ok().copied());
            let worst = worst.fold(0.0, f64::max);
            let name = format!("{what:?}").to_lowercase();
            let (count, allowed) = (of_kind.count(), what.tolerance());
            println!("{name:<12} {count:>5} {failed:>5} {worst:>10.1e} {allowed:>10.0e}");
        }
        for (case, what, result) in self.misses() {
            match result {
                Ok(difference) => println!("FAIL {case}: {what:?} off by {difference:.2e}"),
                Err(error) => println!("FAIL {case}: {what:?}: {error}"),
            }
        }
    }
}
