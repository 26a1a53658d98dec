//! The shell blocks of the guide, in order, with the files that its Python blocks made in Keras, and those of the README, with
//! nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::blocks::{Block, blocks, same_output};
use crate::{read, root};

/// What Keras made from the Python blocks; `xtask/parity/guide.py` writes it.
const FIXTURES: &str = "crates/refrain-cli/tests/fixtures/guide";

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("refrain-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn with_fixtures(self) -> Self {
        for entry in std::fs::read_dir(root().join(FIXTURES)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), self.0.join(entry.file_name())).unwrap();
        }
        self
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// The exit code that a block says its last command has: `# exit code 1`.
fn exit_code(code: &str) -> i32 {
    let said = code.split_once("# exit code ").map(|(_, rest)| rest);
    said.map_or(0, |rest| rest.trim().parse().expect("a number"))
}

/// Runs a block as a shell would; gives what it printed to both streams.
fn run(folder: &Folder, block: &Block<'_>) -> Result<String, String> {
    let bin = Path::new(env!("CARGO_BIN_EXE_refrain")).parent().unwrap();
    let old = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&old));
    let path = std::env::join_paths(folders).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-euc", &block.code]).env("PATH", path);
    let output = shell.current_dir(&folder.0).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    match output.status.code() == Some(exit_code(&block.code)) {
        // Of the error stream, readers are shown what is about errors.
        true if output.status.success() => Ok(out),
        true => Ok(out + &err),
        false => Err(format!("{}\n{out}{err}", output.status)),
    }
}

/// Runs all blocks of a text and compares what each prints with the block of text after it, if there is one.
fn follow(name: &str, folder: &Folder) -> usize {
    let text = read(name);
    let blocks = blocks(&text);
    let mut count = 0;
    for (i, block) in blocks
        .iter()
        .enumerate()
        .filter(|(_, b)| b.language == "sh")
    {
        let place = format!("{name}:{}", block.line);
        let output = run(folder, block).unwrap_or_else(|e| panic!("{place}: {e}"));
        if let Some(shown) = blocks.get(i + 1).filter(|b| b.language == "text") {
            let compared = same_output(&shown.code, &output);
            compared.unwrap_or_else(|e| panic!("{place}: {e}\n{output}"));
        }
        count += 1;
    }
    count
}

#[test]
fn the_guide_runs() {
    let folder = Folder::new("guide").with_fixtures();
    assert!(follow("docs/FROM_KERAS.md", &folder) > 0);
}

#[test]
fn the_readme_runs() {
    assert!(follow("README.md", &Folder::new("readme")) > 0);
}
