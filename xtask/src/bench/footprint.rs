//! What refrain costs before it runs: a clean build and the size of the command.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use super::files::refrain_command;
use super::program::{cargo, output};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-clean-build");

/// A clean build and a size.
pub struct Footprint {
    /// Seconds to build the library and all that it needs.
    pub build: f64,
    /// Bytes of the `refrain` command.
    pub command: u64,
}

impl Footprint {
    /// Builds in an empty folder, the sources of the dependencies being there already.
    pub fn measure() -> Result<Self> {
        eprintln!("a clean build of the library");
        let folder = Path::new(FOLDER);
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        let mut build = cargo();
        build.args(["build", "--release", "--quiet", "--package", "refrain"]);
        build.env("CARGO_TARGET_DIR", folder);
        build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let start = Instant::now();
        output(&mut build)?;
        let seconds = start.elapsed().as_secs_f64();
        fs::remove_dir_all(folder)?;
        Ok(Footprint {
            build: seconds,
            command: fs::metadata(refrain_command()?)?.len(),
        })
    }
}
