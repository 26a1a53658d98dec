//! Tokens of the text form.

use std::fmt;

/// A place in the text, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct ParseError {
    pub(super) at: Position,
    pub(super) message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.at;
        write!(f, "line {line}, column {column}: {}", self.message)
    }
}

impl Position {
    pub(super) fn error<T>(self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError {
            at: self,
            message: message.into(),
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// A name: letters, digits and `_`, not starting with a digit.
    Word(&'a str),
    /// A number, not yet read.
    Number(&'a str),
    /// A quoted string, without its quotes and escapes.
    Text(String),
    /// A value's name, without `%`.
    Value(&'a str),
    /// `->`
    Arrow,
    /// Any other character.
    Mark(char),
    /// The end of the text.
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(word) => write!(f, "`{word}`"),
            Token::Number(number) => write!(f, "`{number}`"),
            Token::Text(text) => write!(f, "{text:?}"),
            Token::Value(name) => write!(f, "`%{name}`"),
            Token::Arrow => f.write_str("`->`"),
            Token::Mark(mark) => write!(f, "{mark:?}"),
            Token::End => f.write_str("the end"),
        }
    }
}

/// The text's tokens with their places, the last of them [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token<'_>, Position)>, ParseError> {
    let mut lexer = Lexer {
        rest: text,
        at: Position { line: 1, column: 1 },
    };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let at = lexer.at;
        let token = lexer.token()?;
        let ended = token == Token::End;
        tokens.push((token, at));
        if ended {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    at: Position,
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl<'a> Lexer<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        if c == '\n' {
            self.at.line += 1;
            self.at.column = 1;
        } else {
            self.at.column += 1;
        }
        Some(c)
    }

    /// Takes characters while they and the one before them satisfy `more`, after a `head` of ASCII characters.
    fn take(&mut self, head: usize, more: impl Fn(char, char) -> bool) -> &'a str {
        let start = self.rest;
        let mut before = ' ';
        let mut taken = 0;
        while let Some(c) = self.peek() {
            if taken >= head && !more(before, c) {
                break;
            }
            self.next();
            before = c;
            taken += 1;
        }
        &start[..start.len() - self.rest.len()]
    }

    fn skip_blanks(&mut self) {
        while let Some(c) = self.peek() {
            if c == ';' {
                self.take(0, |_, c| c != '\n');
            } else if c.is_whitespace() {
                self.next();
            } else {
                return;
            }
        }
    }

    fn token(&mut self) -> Result<Token<'a>, ParseError> {
        let Some(c) = self.peek() else {
            return Ok(Token::End);
        };
        let second = self.rest[c.len_utf8()..].chars().next();
        match c {
            'a'..='z' | 'A'..='Z' | '_' => Ok(Token::Word(self.take(0, |_, c| in_word(c)))),
            '0' if second == Some('x') => {
                Ok(Token::Number(self.take(2, |_, c| c.is_ascii_hexdigit())))
            }
            '0'..='9' => Ok(self.number(0)),
            '-' if second.is_some_and(|c| c.is_ascii_alphanumeric()) => Ok(self.number(1)),
            '-' if second == Some('>') => {
                self.take(2, |_, _| false);
                Ok(Token::Arrow)
            }
            '%' => {
                let at = self.at;
                self.next();
                match self.take(0, |_, c| in_word(c) || c == '.') {
                    "" => at.error("expected a name after `%`"),
                    name => Ok(Token::Value(name)),
                }
            }
            '"' => self.string(),
            mark => {
                self.next();
                Ok(Token::Mark(mark))
            }
        }
    }

    fn number(&mut self, head: usize) -> Token<'a> {
        Token::Number(self.take(head, |before, c| {
            let exponent_sign = matches!(before, 'e' | 'E') && matches!(c, '+' | '-');
            in_word(c) || c == '.' || exponent_sign
        }))
    }

    fn string(&mut self) -> Result<Token<'a>, ParseError> {
        let start = self.at;
        self.next();
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.next() {
                None => return start.error("expected a closing quote"),
                Some('"') => return Ok(Token::Text(text)),
                Some('\\') => match self.escape() {
                    Some(c) => text.push(c),
                    None => {
                        return at.error("expected one of \\\" \\\\ \\' \\n \\r \\t \\0 \\u{…}");
                    }
                },
                Some(c) => text.push(c),
            }
        }
    }

    /// The character that an escape stands for, its backslash taken already.
    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            c @ ('"' | '\\' | '\'') => c,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            'u' => {
                if self.next() != Some('{') {
                    return None;
                }
                let digits = self.take(0, |_, c| c.is_ascii_hexdigit());
                let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
                if self.next() != Some('}') {
                    return None;
                }
                c
            }
            _ => return None,
        })
    }
}
