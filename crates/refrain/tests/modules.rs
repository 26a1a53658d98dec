//! The modules of the library form levels: none uses one of a higher level.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom to the top. Those of one level may use each other: a symbolic tensor holds the call that makes it, a call its
/// layer, a layer its variables, a variable its constraint, which is made of `ops` of tensors, and `fit` runs the callbacks that
/// look at it.
const LEVELS: &[&[&str]] = &[
    &["config", "error", "names", "structure"],
    &["engine", "utils"],
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
        "random",
        "regularizers",
        "tensor",
        "trace",
        "variable",
        "warnings",
    ],
    &["losses", "models", "optimizers"],
    &["metrics"],
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

/// What begins a text and could be a name.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The items of a group `{a, b::{c, d}}` whose `{` is gone: `a` and `b::{c, d}`.
fn items(group: &str) -> Vec<&str> {
    let (mut items, mut depth, mut start) = (Vec::new(), 0, 0);
    for (i, c) in group.char_indices() {
        if depth == 0 && matches!(c, ',' | '}') {
            items.push(group[start..i].trim());
            start = i + 1;
        }
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            _ => {}
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

/// The first words of the paths `{a, b::c}`, or of `a::b`.
fn used(paths: &str) -> Vec<&str> {
    match paths.strip_prefix('{') {
        Some(group) => items(group).into_iter().map(word).collect(),
        None => vec![word(paths)],
    }
}

/// The names that the paths `{A, b::{B, C as D}}` or `A` bring.
fn brought(paths: &str) -> Vec<&str> {
    if let Some(group) = paths.strip_prefix('{') {
        return items(group).into_iter().flat_map(brought).collect();
    }
    match paths.split_once("::") {
        Some((_, rest)) => brought(rest),
        None => vec![paths.rsplit(' ').next().unwrap_or(paths)],
    }
}

/// The module behind each name that the library gives at its root.
fn exported(lib: &str) -> HashMap<&str, &str> {
    let uses = lib.split("pub use ").skip(1);
    let uses = uses.filter_map(|rest| rest.split(';').next()?.split_once("::"));
    uses.flat_map(|(module, names)| brought(names).into_iter().map(move |name| (name, module)))
        .collect()
}

#[test]
fn groups_of_paths_are_read() {
    let text = "{a::{b, c::{d}}, e, f::g as h,\n}; {z}";
    assert_eq!(used(text), ["a", "e", "f"]);
    assert_eq!(used("a::{b, c}, d"), ["a"]);
    assert_eq!(brought(text), ["b", "d", "e", "h"]);
    let lib = "pub use m::{A, n::{B, C as D},};\npub use o::E;";
    let names = [("A", "m"), ("B", "m"), ("D", "m"), ("E", "o")];
    assert_eq!(exported(lib), HashMap::from(names));
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
