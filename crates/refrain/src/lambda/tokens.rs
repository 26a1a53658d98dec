//! The words of an expression.

use crate::config::short;
use crate::error::{Error, ErrorKind, Result};

/// One word, with where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) word: Word,
    /// In characters from the start of the text, from 1.
    pub(super) position: usize,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// A name, with its dots: `x`, `tf.math.abs`.
    Name(String),
    Int(i64),
    Float(f64),
    Text(String),
    Symbol(&'static str),
    End,
}

impl Word {
    /// As an error names it.
    pub(super) fn described(&self) -> String {
        match self {
            Word::Name(name) => format!("`{}`", short(name)),
            Word::Int(n) => format!("`{n}`"),
            Word::Float(n) => format!("`{n:?}`"),
            Word::Text(_) => "a string".to_owned(),
            Word::Symbol(symbol) => format!("`{symbol}`"),
            Word::End => "the end".to_owned(),
        }
    }
}

/// All symbols; one that begins with another comes first.
const SYMBOLS: [&str; 25] = [
    "...", "**", "//", "<=", ">=", "==", "!=", "<", ">", "|", "^", "&", "+", "-", "*", "/", "%",
    "@", "~", "(", ")", "[", "]", ",", ":",
];

const ASSIGN: &str = "=";

/// An error at a place of the text.
pub(super) fn error_at(position: usize, message: impl std::fmt::Display) -> Error {
    let message = format!("at character {position} of the expression: {message}");
    Error::new(ErrorKind::Config, message)
}

/// The words of a text; the last one is [`Word::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let chars: Vec<char> = text.chars().collect();
    let mut reader = Reader { chars, at: 0 };
    let mut tokens = Vec::new();
    loop {
        reader.take_while(char::is_whitespace);
        let position = reader.at + 1;
        let word = reader.word()?;
        let ended = word == Word::End;
        tokens.push(Token { word, position });
        if ended {
            return Ok(tokens);
        }
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let rest = self.chars.get(self.at..).unwrap_or(&[]);
        let taken: String = rest.iter().copied().take_while(|&c| belongs(c)).collect();
        self.at += taken.chars().count();
        taken
    }

    fn word(&mut self) -> Result<Word> {
        let Some(c) = self.peek(0) else {
            return Ok(Word::End);
        };
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        if c.is_ascii_digit() || (c == '.' && digit(self.peek(1))) {
            return self.number();
        }
        if c.is_alphabetic() || c == '_' {
            let belongs = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
            return Ok(Word::Name(self.take_while(belongs)));
        }
        if c == '\'' || c == '"' {
            return self.text(c);
        }
        let starts = |s: &&str| s.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c));
        let symbol = SYMBOLS.into_iter().chain([ASSIGN]).find(starts);
        let Some(symbol) = symbol else {
            return Err(error_at(self.at + 1, format!("`{c}` means nothing here")));
        };
        self.at += symbol.len();
        Ok(Word::Symbol(symbol))
    }

    /// `12`, `1_000`, `1.5`, `.5`, `1e-7`.
    fn number(&mut self) -> Result<Word> {
        let start = self.at;
        let digits = |c: char| c.is_ascii_digit() || c == '_';
        let mut text = self.take_while(digits);
        let mut whole = true;
        if self.peek(0) == Some('.') {
            whole = false;
            self.at += 1;
            text = text + "." + &self.take_while(digits);
        }
        if matches!(self.peek(0), Some('e' | 'E')) {
            whole = false;
            self.at += 1;
            let sign = self.peek(0).filter(|c| matches!(c, '+' | '-'));
            self.at += usize::from(sign.is_some());
            let exponent = self.take_while(digits);
            text = format!(
                "{text}e{}{exponent}",
                sign.map_or(String::new(), String::from)
            );
        }
        let joined = self
            .peek(0)
            .is_some_and(|c| c.is_alphanumeric() || c == '.');
        let text = text.replace('_', "");
        let word = match whole {
            true => text.parse().ok().map(Word::Int),
            false => text.parse().ok().map(Word::Float),
        };
        let word = word.filter(|_| !joined);
        word.ok_or_else(|| error_at(start + 1, "not a number that fits 64 bits"))
    }

    fn text(&mut self, quote: char) -> Result<Word> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let c = self.peek(0);
            self.at += 1;
            match c {
                Some(c) if c == quote => return Ok(Word::Text(text)),
                Some('\\') => {
                    match self.peek(0) {
                        Some('n') => text.push('\n'),
                        Some(c @ ('\\' | '\'' | '"')) => text.push(c),
                        _ => return Err(error_at(self.at, "an unknown escape in a string")),
                    }
                    self.at += 1;
                }
                None | Some('\n') => return Err(error_at(start + 1, "a string without an end")),
                Some(c) => text.push(c),
            }
        }
    }
}
