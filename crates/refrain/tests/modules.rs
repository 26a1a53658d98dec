//! The modules of the library form levels: none uses one of a higher level.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom to the top. Those of one level may use each other: a symbolic tensor holds the call that makes it, a call its
/// layer, a layer its variables, and `fit` runs the callbacks that look at it.
const LEVELS: &[&[&str]] = &[
    &["config", "engine", "error", "names", "structure", "utils"],
    &[
        "activations",
        "constraints",
        "data",
        "initializers",
        "inputs",
        "lambda",
        "layers",
        "objects",
        "ops",
        "regularizers",
        "tensor",
        "trace",
        "variable",
        "warnings",
    ],
    &["losses", "metrics", "models", "optimizers"],
    &["callbacks", "training"],
    &["saving"],
    &["guide", "lib", "on_warning", "prelude", "testing"],
];

fn level(module: &str) -> usize {
    let found = LEVELS.iter().position(|level| level.contains(&module));
    found.unwrap_or_else(|| panic!("module `{module}` stands in no level"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the library") {
        let path = entry.expect("a file of the library").path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// The code without comments and tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a file of the library");
    let text = text.split("\n#[cfg(test)]\nmod tests {").next();
    let lines = text.unwrap_or_default().lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The words of `{a, b::c}` or of `a::b` that follow `crate::` at once.
fn used(rest: &str) -> Vec<&str> {
    let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_');
    match rest.strip_prefix('{') {
        Some(group) => {
            let group = group.split(';').next().unwrap_or_default();
            let items = group.split(',').map(str::trim_start);
            items
                .map(|item| &item[..word(item).unwrap_or(item.len())])
                .collect()
        }
        None => vec![&rest[..word(rest).unwrap_or(rest.len())]],
    }
}

/// The module behind each name that the library gives at its root.
fn exported(lib: &str) -> HashMap<&str, &str> {
    let uses = lib.split("pub use ").skip(1);
    let uses = uses.filter_map(|rest| rest.split(';').next()?.split_once("::"));
    let names = uses.flat_map(|(module, names)| {
        let names = names.trim_matches(['{', '}']).split(',');
        names.map(move |name| (name.trim(), module))
    });
    names.collect()
}

#[test]
fn no_module_uses_one_of_a_higher_level() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = code(&source.join("lib.rs"));
    let exported = exported(&lib);
    let mut paths = Vec::new();
    files(&source, &mut paths);
    let mut wrong = Vec::new();
    for path in paths {
        let inside = path.strip_prefix(&source).expect("a file of the library");
        let inside = inside.to_string_lossy().into_owned();
        let module = inside.split(['/', '.']).next().unwrap_or_default();
        if module == "lib" || inside.ends_with("/tests.rs") {
            continue;
        }
        let text = code(&path);
        let uses = text.split("crate::").zip(text.split("crate::").skip(1));
        let uses = uses.filter(|(before, _)| !before.ends_with('$'));
        for name in uses.flat_map(|(_, rest)| used(rest)) {
            let name = exported.get(name).copied().unwrap_or(name);
            let known = LEVELS.iter().any(|level| level.contains(&name));
            if known && level(name) > level(module) {
                wrong.push(format!("{inside} uses `{name}`"));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_level() {
    let lib = code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    let modules = lib.lines().filter_map(|line| {
        let name = line.trim_start_matches("pub ").strip_prefix("mod ")?;
        name.strip_suffix(';')
    });
    assert!(modules.map(level).count() > 20);
}
