//! Fenced blocks of Markdown, and output compared with what a text shows.

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block<'t> {
    pub language: &'t str,
    /// The line that the code begins on, from 1.
    pub line: usize,
    pub code: String,
}

const FENCE: &str = "```";

/// All fenced blocks of a text.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (i, line) in text.lines().enumerate() {
        match (line.strip_prefix(FENCE), open.take()) {
            (Some(language), None) => {
                open = Some(Block {
                    language,
                    line: i + 2,
                    code: String::new(),
                });
            }
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some(mut block)) => {
                block.code.push_str(line);
                block.code.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end: {open:?}");
    blocks
}

/// Stands for lines that are not shown.
const LEFT_OUT: &str = "…";

/// Numbers are sums over many samples, whose last digits differ between processors.
const TOLERANCE: f64 = 1e-3;

/// Compares output with what is shown: words exactly, numbers with a point about, spaces and lines `…` not at all.
pub fn same_output(shown: &str, output: &str) -> Result<(), String> {
    let mut lines = output
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let mut skipping = false;
    for expected in shown.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if expected == LEFT_OUT {
            skipping = true;
            continue;
        }
        let found = match skipping {
            true => lines.any(|line| same_line(expected, line)),
            false => lines.next().is_some_and(|line| same_line(expected, line)),
        };
        if !found {
            return Err(format!("not as shown: {expected}"));
        }
        skipping = false;
    }
    match lines.next().filter(|_| !skipping) {
        Some(more) => Err(format!("not shown: {more}")),
        None => Ok(()),
    }
}

fn same_line(shown: &str, line: &str) -> bool {
    let (shown, line) = (pieces(shown), pieces(line));
    shown.len() == line.len() && shown.iter().zip(&line).all(|(a, b)| same_piece(a, b))
}

fn same_piece(shown: &str, piece: &str) -> bool {
    let fraction = |text: &str| text.parse().ok().filter(|_| text.contains('.'));
    match (fraction(shown), fraction(piece)) {
        (Some(a), Some(b)) => {
            let (a, b): (f64, f64) = (a, b);
            (a - b).abs() <= TOLERANCE * a.abs().max(1.0)
        }
        _ => shown == piece,
    }
}

/// Words, with the numbers in them apart.
fn pieces(line: &str) -> Vec<&str> {
    let number = |c: char| c.is_ascii_digit() || ".e-".contains(c);
    let mut pieces = Vec::new();
    for word in line.split_whitespace() {
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c| number(c) != number(first));
            let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
            pieces.push(piece);
            rest = after;
        }
    }
    pieces
}

#[test]
fn blocks_are_found() {
    let found = blocks("a\n```sh\nb\nc\n```\nd\n```text\n```\n");
    let block = |language, line, code: &str| Block {
        language,
        line,
        code: code.to_owned(),
    };
    assert_eq!(found, [block("sh", 3, "b\nc\n"), block("text", 8, "")]);
}

#[test]
fn output_is_compared() {
    let same = |shown, output| same_output(shown, output).is_ok();
    assert!(same("loss: 0.5012, n 3", "loss:  0.5013, n 3\n"));
    assert!(!same("loss: 0.5012", "loss: 0.6012"));
    assert!(!same("n 3", "n 4"));
    assert!(!same("a", "a\nb"));
    assert!(!same("a\nb", "a"));
    assert!(same("a\n…\nd", "a\nb\nc\nd"));
    assert!(!same("a\n…\nd", "a\nb\nc"));
    assert!(same("a\n…", "a\nb"));
    assert!(same("at most 1.234e-1", "at most 1.235e-1"));
}
