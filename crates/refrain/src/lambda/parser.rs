//! The grammar of expressions: Python's, as far as it goes without statements, branches and methods.

use super::functions::Callee;
use super::names;
use super::operators::{Binding, Infix, Prefix};
use super::term::{Literal, Node, Term};
use super::tokens::{Token, Word, error_at, tokens};
use crate::config::short;
use crate::error::{Error, ErrorKind, Result};

/// How long the text of an expression may be, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// How deep brackets, signs and powers may be nested in a text. Each level takes a few calls of the parser.
const MAX_NESTING: usize = 64;

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Result<Term> {
    if text.len() > MAX_LENGTH {
        return Err(Error::mismatch(
            ErrorKind::Unsupported,
            format!("an expression of at most {MAX_LENGTH} bytes"),
            text.len().to_string(),
        ));
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        nesting: 0,
    };
    let term = parser.listed_bare()?;
    match &parser.token().word {
        Word::End => Ok(term),
        Word::Name(name) if ["if", "and", "or", "for", "in", "is", "not"].contains(&&**name) => {
            Err(parser.error(format!("`{}` is not part of expressions", short(name))))
        }
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    nesting: usize,
}

const END: Token = Token {
    word: Word::End,
    position: 0,
};

impl Parser {
    fn token(&self) -> &Token {
        // The last token is the end, which nothing passes.
        self.tokens.get(self.at).unwrap_or(&END)
    }

    fn error(&self, message: impl std::fmt::Display) -> Error {
        error_at(self.token().position, message)
    }

    fn unexpected(&self, expected: &str) -> Error {
        let received = self.token().word.described();
        self.error(format!("expected {expected}, got {received}"))
    }

    fn next_is(&self, symbol: &str) -> bool {
        matches!(&self.token().word, Word::Symbol(s) if *s == symbol)
    }

    /// Passes a symbol if it comes next.
    fn skip(&mut self, symbol: &str) -> bool {
        let found = self.next_is(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        match self.skip(symbol) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{symbol}`"))),
        }
    }

    /// Makes a term; what is wrong with it gets the present position.
    fn term(&self, node: Node) -> Result<Term> {
        Term::new(node).map_err(|e| self.error(e))
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting == MAX_NESTING {
            return Err(self.error(format!("more than {MAX_NESTING} levels of nesting")));
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    /// An expression, or several with commas between them: a tuple without parentheses.
    fn listed_bare(&mut self) -> Result<Term> {
        let first = self.expression()?;
        match self.next_is(",") {
            true => Err(self.error("several results; a Lambda layer gives one tensor")),
            false => Ok(first),
        }
    }

    fn expression(&mut self) -> Result<Term> {
        self.nested(|p| p.infix(Binding::Compare))
    }

    /// Operators that bind at least so tightly, and their operands.
    fn infix(&mut self, least: Binding) -> Result<Term> {
        if least == Binding::Prefix {
            return self.prefix();
        }
        let mut left = self.infix(least.tighter())?;
        let mut compared = false;
        while let Some(operator) = self.operator(least) {
            if compared {
                return Err(self.error("chained comparisons are not part of expressions"));
            }
            compared = least == Binding::Compare;
            self.at += 1;
            let right = self.infix(least.tighter())?;
            left = self.term(Node::Infix(operator, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn operator(&self, binding: Binding) -> Option<Infix> {
        let mut operators = Infix::ALL.iter().copied();
        operators.find(|o| o.binding() == binding && self.next_is(o.symbol()))
    }

    fn prefix(&mut self) -> Result<Term> {
        let mut operators = Prefix::ALL.into_iter();
        let Some(operator) = operators.find(|o| self.next_is(o.symbol())) else {
            return self.power();
        };
        self.at += 1;
        let operand = self.nested(Self::prefix)?;
        self.term(Node::Prefix(operator, Box::new(operand)))
    }

    fn power(&mut self) -> Result<Term> {
        let base = self.postfix()?;
        if !self.skip(Infix::Power.symbol()) {
            return Ok(base);
        }
        let exponent = self.nested(Self::prefix)?;
        self.term(Node::Infix(
            Infix::Power,
            Box::new(base),
            Box::new(exponent),
        ))
    }

    /// An atom with its indices.
    fn postfix(&mut self) -> Result<Term> {
        let mut term = self.atom()?;
        while self.skip("[") {
            let key = self.key()?;
            self.expect("]")?;
            term = self.term(Node::Index(Box::new(term), Box::new(key)))?;
        }
        match self.next_is("(") {
            true => Err(self.error("only functions can be called")),
            false => Ok(term),
        }
    }

    /// What stands in the brackets of an index.
    fn key(&mut self) -> Result<Term> {
        let first = self.part()?;
        if !self.next_is(",") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.skip(",") && !self.next_is("]") {
            parts.push(self.part()?);
        }
        self.term(Node::Tuple(parts))
    }

    /// An expression or a slice.
    fn part(&mut self) -> Result<Term> {
        let mut bounds = [self.bound()?, None, None];
        if !self.next_is(":") {
            let [single, ..] = bounds;
            let single = single.map(|b| *b);
            return single.ok_or_else(|| self.unexpected("an index"));
        }
        for bound in bounds.iter_mut().skip(1) {
            if self.skip(":") {
                *bound = self.bound()?;
            }
        }
        self.term(Node::Slice(bounds))
    }

    fn bound(&mut self) -> Result<Option<Box<Term>>> {
        if [":", ",", "]"].into_iter().any(|s| self.next_is(s)) {
            return Ok(None);
        }
        Ok(Some(Box::new(self.expression()?)))
    }

    fn atom(&mut self) -> Result<Term> {
        let token = self.token().clone();
        if token.word != Word::End {
            self.at += 1;
        }
        let literal = match token.word {
            Word::Name(name) => return self.name(&name, token.position),
            Word::Int(n) => Literal::Int(n),
            Word::Float(n) => Literal::Float(n),
            Word::Text(text) => Literal::Text(text),
            Word::Symbol("...") => Literal::Ellipsis,
            Word::Symbol("(") => return self.parenthesised(),
            Word::Symbol("[") => {
                let (items, _) = self.items("]")?;
                return self.term(Node::List(items));
            }
            word => {
                let message = format!("expected a value, got {}", word.described());
                return Err(error_at(token.position, message));
            }
        };
        Ok(Term::literal(literal))
    }

    fn parenthesised(&mut self) -> Result<Term> {
        let (mut items, comma) = self.items(")")?;
        match items.pop() {
            Some(only) if items.is_empty() && !comma => Ok(only),
            last => {
                items.extend(last);
                self.term(Node::Tuple(items))
            }
        }
    }

    /// Expressions up to a closing bracket, and whether a comma stood before it.
    fn items(&mut self, close: &str) -> Result<(Vec<Term>, bool)> {
        let mut items = Vec::new();
        let mut comma = false;
        while !self.skip(close) {
            if !items.is_empty() && !comma {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
            items.push(self.expression()?);
            comma = self.skip(",");
        }
        Ok((items, comma))
    }

    fn name(&mut self, name: &str, position: usize) -> Result<Term> {
        if self.next_is("(") {
            let callee = Callee::find(name).map_err(|e| error_at(position, e))?;
            self.at += 1;
            return self.call(callee);
        }
        names::value(name).map_err(|e| error_at(position, e))
    }

    fn call(&mut self, callee: Callee) -> Result<Term> {
        let (mut arguments, mut keywords) = (Vec::new(), Vec::new());
        let mut comma = true;
        while !self.skip(")") {
            if !comma {
                return Err(self.unexpected("`,` or `)`"));
            }
            match self.keyword() {
                Some(name) => keywords.push((name, self.expression()?)),
                None if keywords.is_empty() => arguments.push(self.expression()?),
                None => return Err(self.error("an argument without a name after one with a name")),
            }
            comma = self.skip(",");
        }
        self.term(Node::Call(callee, arguments, keywords))
    }

    /// Passes `name=` if it comes next.
    fn keyword(&mut self) -> Option<String> {
        let Word::Name(name) = &self.token().word else {
            return None;
        };
        let assigned = self.tokens.get(self.at + 1);
        assigned.filter(|t| t.word == Word::Symbol("="))?;
        let name = name.clone();
        self.at += 2;
        Some(name)
    }
}
