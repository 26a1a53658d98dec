//! `cargo xtask parity`: refrain against real Keras, file by file, both ways.

mod arrays;
mod cases;

use std::path::Path;

/// Runs all cases below a folder; gives the lines of those that miss.
pub fn run(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    if arguments.first().is_some_and(|a| a == "dbg") { return cases::dbg(Path::new(&arguments[1])); }
    if arguments.first().is_some_and(|a| a == "dbg") { return cases::dbg(Path::new(&arguments[1])); }
    let zoo = Path::new(arguments.first().ok_or("which folder?")?);
    let only = arguments.get(1);
    let mut folders: Vec<_> = std::fs::read_dir(zoo)?.filter_map(|e| Some(e.ok()?.path())).collect();
    folders.retain(|f| f.is_dir());
    folders.sort();
    let (mut passed, mut failed) = (0, 0);
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if only.is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        for (what, result) in cases::check(&folder) {
            match result {
                Ok(d) if d <= what.tolerance() => passed += 1,
                Ok(d) => { failed += 1; println!("{name:45} {what:?} {d:.2e} FAIL"); }
                Err(e) => { failed += 1; println!("{name:45} {what:?} {e} FAIL"); }
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed > 0 { return Err("some cases miss".into()); }
    Ok(())
}
