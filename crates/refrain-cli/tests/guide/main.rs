//! The guide `docs/FROM_KERAS.md` and the README: their commands run and answer as they say, their tables are true, their links
//! lead somewhere.

mod blocks;
mod commands;
mod links;
mod tables;

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(name: &str) -> String {
    let path = root().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
