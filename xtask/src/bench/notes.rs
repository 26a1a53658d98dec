//! What went wrong on the way: told in the page, which has the rest.

use std::error::Error;

/// What the page notes.
#[derive(Debug, Default)]
pub struct Notes(Vec<String>);

impl Notes {
    /// Tells it now, and keeps it for the page.
    pub fn add(&mut self, note: String) {
        eprintln!("{note}");
        self.0.push(note);
    }

    /// The result, or a note that `what` failed and why.
    pub fn kept<T>(&mut self, what: &str, result: Result<T, Box<dyn Error>>) -> Option<T> {
        result
            .map_err(|error| self.add(format!("{what} failed: {}", reason(&*error))))
            .ok()
    }

    /// The notes as a list in Markdown.
    pub fn markdown(&self) -> String {
        self.0.iter().map(|note| format!("- {note}\n")).collect()
    }
}

/// What an error says in its last line, without the paths of this machine.
pub fn reason(error: &dyn Error) -> String {
    let text = error.to_string();
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    without_paths(last.unwrap_or_default().trim())
}

/// The text with the last component in place of each absolute path; between quotes a path may have spaces.
fn without_paths(text: &str) -> String {
    let parts = text.split('"').enumerate().map(|(i, part)| match i % 2 {
        1 if is_absolute(part) => last_component(part).to_owned(),
        _ => without_words_that_are_paths(part),
    });
    parts.collect::<Vec<_>>().join("\"")
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.starts_with("~/")
}

fn last_component(path: &str) -> &str {
    let name = path.trim_end_matches('/').rsplit('/').next();
    name.unwrap_or_default()
}

fn without_words_that_are_paths(text: &str) -> String {
    let in_path = |c: char| c.is_alphanumeric() || "/._-+@~".contains(c);
    let mut short = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(in_path) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !in_path(c)).unwrap_or(from.len()));
        short += before;
        short += match is_absolute(word) {
            true => last_component(word),
            false => word,
        };
        rest = after;
    }
    short + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_have_reasons_without_paths() {
        let mut notes = Notes::default();
        let failed: Result<(), Box<dyn Error>> =
            Err("a line\n\"/home/a user/x/python3\" \"/b/run.py\" failed: exit status: 1\n".into());
        assert_eq!(notes.kept("files with jax", failed), None);
        assert_eq!(notes.kept("files", Ok(7)), Some(7));
        let text = "- files with jax failed: \"python3\" \"run.py\" failed: exit status: 1\n";
        assert_eq!(notes.markdown(), text);
    }

    #[test]
    fn only_absolute_paths_are_cut() {
        for (text, short) in [
            ("no file /var/lib/a.keras", "no file a.keras"),
            ("at ~/x/y.rs:12: 3/4 of it", "at y.rs:12: 3/4 of it"),
            ("in bench/kernels, (/var/d/)", "in bench/kernels, (d)"),
            ("loss 0.5, ±3 %", "loss 0.5, ±3 %"),
        ] {
            assert_eq!(without_paths(text), short);
        }
    }
}
