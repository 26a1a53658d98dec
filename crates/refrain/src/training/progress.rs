//! The progress display of a run.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::history::Logs;
use crate::callbacks::Callback;

/// The progress display of `fit` and `evaluate`, on the standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Verbose {
    /// A progress bar on a terminal, nothing elsewhere.
    #[default]
    Auto,
    /// Nothing.
    Silent,
    /// A progress bar on a terminal, a line for each epoch elsewhere.
    Progress,
    /// A line for each epoch.
    Lines,
}

/// Keras's bar.
const TEMPLATE: &str = "{bold}{pos:>{digits}}/{len}{reset} {bar:20.green/white} {msg}";
/// Bars are drawn no sooner than this after the last time, as in Keras.
const REFRESH: Duration = Duration::from_millis(50);

/// The display of passes over data.
pub(crate) struct Progress {
    shows: Shows,
    /// Steps of a pass, if they are known.
    steps: Option<usize>,
    begun: Instant,
    first_step: Duration,
    drawn: Instant,
    /// Whether the bar is drawn after this step.
    due: bool,
    text: String,
    headline: String,
}

enum Shows {
    Nothing,
    Lines,
    Bar(ProgressBar),
}

impl Progress {
    pub(crate) fn new(verbose: Verbose, steps: Option<usize>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let shows = match (verbose, terminal) {
            (Verbose::Silent, _) | (Verbose::Auto, false) => Shows::Nothing,
            (Verbose::Lines, _) | (Verbose::Progress, false) => Shows::Lines,
            (Verbose::Auto | Verbose::Progress, true) => Shows::Bar(ProgressBar::hidden()),
        };
        Progress {
            shows,
            steps,
            begun: Instant::now(),
            first_step: Duration::ZERO,
            drawn: Instant::now(),
            due: false,
            text: String::new(),
            headline: String::new(),
        }
    }

    pub(crate) fn silent() -> Self {
        Progress::new(Verbose::Silent, None)
    }

    /// Sets the number of steps of the next passes.
    pub(crate) fn expect(&mut self, steps: Option<usize>) {
        self.steps = steps;
    }

    /// The number of steps, or Keras's word for one that is not known.
    fn length(&self) -> String {
        self.steps.map_or("Unknown".to_owned(), |n| n.to_string())
    }

    /// Begins a pass with a headline such as `Epoch 1/5`: above the bar, or in front of the line.
    pub(crate) fn begin(&mut self, headline: Option<String>) {
        self.begun = Instant::now();
        match (&self.shows, headline) {
            (Shows::Lines, headline) => {
                self.headline = headline.map_or(String::new(), |h| format!("{h} - "));
            }
            (Shows::Bar(_), Some(headline)) => eprintln!("{headline}"),
            _ => {}
        }
        let length = self.length();
        if let Shows::Bar(bar) = &mut self.shows {
            let digits = length.len();
            let template = TEMPLATE
                .replace("{len}", &length)
                .replace("{digits}", &digits.to_string())
                .replace("{bold}", "\x1b[1m")
                .replace("{reset}", "\x1b[0m");
            let target = ProgressDrawTarget::stderr();
            *bar = ProgressBar::with_draw_target(self.steps.map(|n| n as u64), target);
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style.progress_chars("━━━"));
            }
        }
    }

    /// Whether someone reads the logs after `done` steps. Where nobody does, means stay in the memory of their engine.
    pub(crate) fn reads(&mut self, done: usize, callbacks: &[Box<dyn Callback + '_>]) -> bool {
        let bar = matches!(self.shows, Shows::Bar(_));
        self.due = bar && (done <= 1 || self.drawn.elapsed() >= REFRESH);
        self.due || !callbacks.is_empty()
    }

    /// After `done` steps, for which [`reads`](Progress::reads) was asked.
    pub(crate) fn step(&mut self, done: usize, logs: &Logs) {
        if done == 1 {
            self.first_step = self.begun.elapsed();
        }
        let per_step = self.per_step(done);
        if let (Shows::Bar(bar), true) = (&self.shows, self.due) {
            self.drawn = Instant::now();
            bar.set_position(done as u64);
            // The time left, or the time so far where it is not known how much is left.
            let time = match self.steps {
                Some(steps) => per_step * steps.saturating_sub(done) as u32,
                None => self.begun.elapsed(),
            };
            let clock = format!("\x1b[1m{}\x1b[0m", clock(time));
            let message = message(&mut self.text, &clock, per_step, logs);
            bar.set_message(message.to_owned());
        }
    }

    /// At the end of a pass.
    pub(crate) fn end(&mut self, done: usize, logs: &Logs) {
        let took = clock(self.begun.elapsed());
        let per_step = self.per_step(done);
        match &self.shows {
            Shows::Nothing => {}
            Shows::Lines => {
                let message = message(&mut self.text, &took, per_step, logs);
                let steps = self.steps.unwrap_or(done);
                eprintln!("{}{done}/{steps} - {message}", self.headline);
            }
            Shows::Bar(bar) => {
                let took = format!("\x1b[1m{took}\x1b[0m");
                let message = message(&mut self.text, &took, per_step, logs);
                bar.set_position(done as u64);
                bar.finish_with_message(message.to_owned());
            }
        }
    }

    /// Mean time of a step; the first, in which the program is made, does not count.
    fn per_step(&self, done: usize) -> Duration {
        let total = self.begun.elapsed();
        match done {
            0 | 1 => total,
            n => total.saturating_sub(self.first_step) / (n as u32 - 1),
        }
    }
}

fn message<'t>(text: &'t mut String, clock: &str, per_step: Duration, logs: &Logs) -> &'t str {
    text.clear();
    // Writing to a string does not fail.
    let _ = write!(text, "{clock} {}/step", short(per_step));
    for (name, value) in logs.iter() {
        let _ = write!(text, " - {name}: {}", number(value));
    }
    text
}

/// Keras's spelling: `12s`, `3:07`, `1:02:03`.
fn clock(time: Duration) -> String {
    let s = time.as_secs();
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}:{:02}", s / 60, s % 60),
        _ => format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60),
    }
}

fn short(time: Duration) -> String {
    let s = time.as_secs_f64();
    match s {
        s if s >= 1.0 => format!("{s:.0}s"),
        s if s >= 1e-3 => format!("{:.0}ms", s * 1e3),
        s => format!("{:.0}us", s * 1e6),
    }
}

/// Keras's spelling: four digits, with an exponent below a thousandth.
pub(crate) fn number(value: f64) -> String {
    if value.abs() > 1e-3 || value == 0.0 || !value.is_finite() {
        return format!("{value:.4}");
    }
    let text = format!("{value:.4e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(e) => ('-', e),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelt_as_in_keras() {
        assert_eq!(number(0.12345), "0.1235");
        assert_eq!(number(0.0001), "1.0000e-04");
        assert_eq!(number(-12.5), "-12.5000");
    }

    #[test]
    fn times_are_spelt_as_in_keras() {
        assert_eq!(clock(Duration::from_secs(59)), "59s");
        assert_eq!(clock(Duration::from_secs(187)), "3:07");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
    }
}
