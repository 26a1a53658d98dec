//! Files that the documentation names are there.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{read, root};

const PAGES: [&str; 5] = [
    "README.md",
    "docs/ARCHITECTURE.md",
    "docs/BENCHMARKS.md",
    "docs/FROM_KERAS.md",
    "docs/PERFORMANCE.md",
];

/// Targets of Markdown links and of pictures that are files, without their anchors.
fn targets(text: &str) -> Vec<&str> {
    let after = |opening: &'static str, end: char| {
        let rest = text.split(opening).skip(1);
        rest.filter_map(move |rest| rest.split(end).next())
    };
    let all = after("](", ')').chain(after("src=\"", '"'));
    let files = all.filter(|target| !target.contains("://") && !target.starts_with('#'));
    files
        .filter_map(|target| target.split('#').next())
        .collect()
}

#[test]
fn links_lead_to_files() {
    let mut count = 0;
    for page in PAGES {
        let folder = root().join(page).parent().map(Path::to_owned).unwrap();
        for target in targets(&read(page)) {
            assert!(folder.join(target).exists(), "{page}: {target}");
            count += 1;
        }
    }
    assert!(count > 5);
}

#[test]
fn the_readme_has_every_example() {
    let text = read("README.md");
    let table = text.split("## Examples").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let named: BTreeSet<String> = rows
        .filter(|row| !row.starts_with("cargo"))
        .filter_map(|row| row.split('`').next().map(str::to_owned))
        .collect();
    let files = std::fs::read_dir(root().join("crates/refrain-cli/examples")).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let examples: BTreeSet<String> = files
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    assert_eq!(named, examples);
}
