//! The opcodes of CPython's versions by name.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::marshal::Layout;

/// A line for each opcode: its name, and for each version its number, after `+` the number of cache entries that follow
/// it, or `-`.
const TABLE: &str = include_str!("opcodes.txt");

/// A version of CPython.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V3_8,
    V3_9,
    V3_10,
    V3_11,
    V3_12,
    V3_13,
}

impl Version {
    /// All, in the order of the table's columns.
    const ALL: [Version; 6] = [
        Version::V3_8,
        Version::V3_9,
        Version::V3_10,
        Version::V3_11,
        Version::V3_12,
        Version::V3_13,
    ];

    /// Those whose code objects have these fields. Nothing else in a file tells them apart.
    pub(super) fn of_layout(layout: Layout) -> &'static [Version] {
        match layout {
            Layout::Separate => const { Version::ALL.split_at(3).0 },
            Layout::Together => const { Version::ALL.split_at(3).1 },
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Version::V3_8 => "3.8",
            Version::V3_9 => "3.9",
            Version::V3_10 => "3.10",
            Version::V3_11 => "3.11",
            Version::V3_12 => "3.12",
            Version::V3_13 => "3.13",
        }
    }
}

/// An opcode of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opcode {
    pub(super) name: &'static str,
    /// How many cache entries follow it.
    pub(super) caches: usize,
}

/// The opcode with this number.
pub(super) fn opcode(version: Version, number: u8) -> Option<Opcode> {
    static OPCODES: OnceLock<HashMap<(usize, u8), Opcode>> = OnceLock::new();
    let opcodes = OPCODES.get_or_init(|| TABLE.lines().flat_map(line).collect());
    opcodes.get(&(version as usize, number)).copied()
}

/// The opcodes of a line of the table, with the columns of their versions.
fn line(line: &'static str) -> Vec<((usize, u8), Opcode)> {
    let mut cells = line.split(' ');
    let name = cells.next().unwrap_or_default();
    let cells = cells.enumerate().filter_map(|(column, cell)| {
        let (number, caches) = cell.split_once('+').unwrap_or((cell, "0"));
        let caches = caches.parse().ok()?;
        Some(((column, number.parse().ok()?), Opcode { name, caches }))
    });
    cells.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_whole_lines_and_known_numbers() {
        let cells: usize = TABLE.lines().map(|l| line(l).len()).sum();
        let numbers = TABLE
            .split_ascii_whitespace()
            .filter(|c| c.parse::<u8>().is_ok() || c.contains('+'));
        assert_eq!(cells, numbers.count());
        assert!(
            TABLE
                .lines()
                .all(|l| l.split(' ').count() == 1 + Version::ALL.len())
        );
        for (version, number) in [
            (Version::V3_8, 83),
            (Version::V3_12, 83),
            (Version::V3_13, 36),
        ] {
            assert_eq!(opcode(version, number).unwrap().name, "RETURN_VALUE");
        }
        let call = Opcode {
            name: "CALL",
            caches: 3,
        };
        assert_eq!(opcode(Version::V3_12, 171), Some(call));
    }
}
