//! From tokens to graphs.

use std::collections::HashMap;

use cranelift_entity::EntityRef;

use super::Parsed;
use super::attrs::{Attr, Attrs};
use super::lex::{ParseError, Position, Token, tokens};
use super::literal::Elements;
use super::ops::{self, Written};
use crate::{DType, Dim, Graph, Op, ParamKind, Spec, Value};

/// Bodies inside bodies, at most: keeps the parser's recursion, and that of everything after it, off the stack's end.
const DEEPEST: usize = 32;

/// Bytes that all constants of a text may take: a splat of a few characters could ask for any amount of memory.
const CONSTANT_BYTES: usize = 1 << 30;

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        budget: CONSTANT_BYTES,
    };
    parser.word("graph")?;
    let parsed = parser.block(0)?;
    match parser.peek() {
        Token::End => Ok(parsed),
        other => parser.at().error(format!("expected the end, got {other}")),
    }
}

/// A value's name and its place.
type Name<'a> = (&'a str, Position);

enum Definition<'a> {
    Param(ParamKind, String, Spec),
    Node {
        op: Op,
        inputs: Vec<Name<'a>>,
        specs: Vec<Spec>,
        label: Option<String>,
    },
}

/// A graph whose values still have the names of the text.
#[derive(Default)]
struct Block<'a> {
    definitions: Vec<(Vec<Name<'a>>, Definition<'a>)>,
    updates: Vec<(Name<'a>, Name<'a>)>,
    results: Vec<Name<'a>>,
}

struct Parser<'a> {
    tokens: Vec<(Token<'a>, Position)>,
    next: usize,
    budget: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &Token<'a> {
        self.tokens.get(self.next).map_or(&Token::End, |(t, _)| t)
    }

    /// The place of the next token.
    fn at(&self) -> Position {
        let token = self.tokens.get(self.next).or(self.tokens.last());
        token.map_or(Position { line: 1, column: 1 }, |(_, at)| *at)
    }

    fn expected<T>(&self, wanted: &str) -> Result<T, ParseError> {
        self.at()
            .error(format!("expected {wanted}, got {}", self.peek()))
    }

    /// Takes the next token if it is this one.
    fn eat(&mut self, token: Token) -> bool {
        let found = *self.peek() == token;
        self.next += usize::from(found);
        found
    }

    fn mark(&mut self, mark: char) -> Result<(), ParseError> {
        if self.eat(Token::Mark(mark)) {
            return Ok(());
        }
        self.expected(&format!("{mark:?}"))
    }

    fn word(&mut self, word: &str) -> Result<(), ParseError> {
        if self.eat(Token::Word(word)) {
            return Ok(());
        }
        self.expected(&format!("`{word}`"))
    }

    fn any_word(&mut self, wanted: &str) -> Result<&'a str, ParseError> {
        let &Token::Word(word) = self.peek() else {
            return self.expected(wanted);
        };
        self.next += 1;
        Ok(word)
    }

    fn text(&mut self, wanted: &str) -> Result<String, ParseError> {
        let Token::Text(text) = self.peek() else {
            return self.expected(wanted);
        };
        let text = text.clone();
        self.next += 1;
        Ok(text)
    }

    fn value(&mut self) -> Result<Name<'a>, ParseError> {
        let at = self.at();
        let &Token::Value(name) = self.peek() else {
            return self.expected("a value");
        };
        self.next += 1;
        Ok((name, at))
    }

    /// Values with commas between them; none if there is no first.
    fn values(&mut self) -> Result<Vec<Name<'a>>, ParseError> {
        let mut values = Vec::new();
        if matches!(self.peek(), Token::Value(_)) {
            values.push(self.value()?);
            while self.eat(Token::Mark(',')) {
                values.push(self.value()?);
            }
        }
        Ok(values)
    }

    fn block(&mut self, depth: usize) -> Result<Parsed, ParseError> {
        if depth > DEEPEST {
            return self
                .at()
                .error(format!("expected at most {DEEPEST} nested bodies"));
        }
        self.mark('{')?;
        let mut block = Block::default();
        loop {
            match self.peek() {
                Token::Value(_) => block.definitions.push(self.definition(depth)?),
                Token::Word("update") => {
                    self.next += 1;
                    let variable = self.value()?;
                    self.mark('=')?;
                    block.updates.push((variable, self.value()?));
                }
                Token::Word("return") => break,
                _ => return self.expected("a statement"),
            }
        }
        self.word("return")?;
        block.results = self.values()?;
        self.mark('}')?;
        block.graph()
    }

    fn definition(&mut self, depth: usize) -> Result<(Vec<Name<'a>>, Definition<'a>), ParseError> {
        let outputs = self.values()?;
        self.mark('=')?;
        let at = self.at();
        let name = self.any_word("a primitive, `input` or `variable`")?;
        let kind = match name {
            "input" => ParamKind::Input,
            "variable" => ParamKind::Variable,
            _ => return Ok((outputs.clone(), self.node(at, name, outputs.len(), depth)?)),
        };
        if outputs.len() != 1 {
            return at.error(format!(
                "expected one value for {name}, got {}",
                outputs.len()
            ));
        }
        let name = self.text("the parameter's name in quotes")?;
        self.mark(':')?;
        Ok((outputs, Definition::Param(kind, name, self.spec()?)))
    }

    /// A primitive after its name.
    fn node(
        &mut self,
        at: Position,
        name: &'a str,
        outputs: usize,
        depth: usize,
    ) -> Result<Definition<'a>, ParseError> {
        let elements = match name {
            "constant" => Some(self.elements()?),
            _ => None,
        };
        let inputs = self.values()?;
        let attrs = Attrs {
            at,
            entries: self.attrs()?,
        };
        let body = match self.eat(Token::Word("body")) {
            true => Some(self.block(depth + 1)?.graph),
            false => None,
        };
        self.mark(':')?;
        let mut specs = vec![self.spec()?];
        while self.eat(Token::Mark(',')) {
            specs.push(self.spec()?);
        }
        if specs.len() != outputs {
            return at.error(format!(
                "expected {outputs} specs of results, got {}",
                specs.len()
            ));
        }
        let label = match self.eat(Token::Mark('@')) {
            true => Some(self.text("the scope's label in quotes")?),
            false => None,
        };
        let written = Written {
            at,
            name,
            elements,
            attrs,
            body,
            specs: specs.clone(),
        };
        let op = ops::op(written, &mut self.budget)?;
        Ok(Definition::Node {
            op,
            inputs,
            specs,
            label,
        })
    }

    fn spec(&mut self) -> Result<Spec, ParseError> {
        let at = self.at();
        let name = self.any_word("a spec")?;
        let Ok(dtype) = name.parse::<DType>() else {
            return at.error(format!("expected an element type, got `{name}`"));
        };
        self.mark('[')?;
        let dims = self.listed(']', |p| p.dim())?;
        Ok(Spec::new(dims, dtype))
    }

    fn dim(&mut self) -> Result<Dim, ParseError> {
        let dim = match self.peek() {
            Token::Mark('?') => None,
            Token::Number(number) => match number.parse() {
                Ok(size) => Some(size),
                Err(_) => return self.expected("a size"),
            },
            _ => return self.expected("a size or `?`"),
        };
        self.next += 1;
        Ok(dim)
    }

    /// Items with commas between them up to a closing mark, the opening one taken already.
    fn listed<T>(
        &mut self,
        close: char,
        item: impl Fn(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let mut items = Vec::new();
        while !self.eat(Token::Mark(close)) {
            if !items.is_empty() {
                self.mark(',')?;
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn elements(&mut self) -> Result<Elements<'a>, ParseError> {
        if self.eat(Token::Mark('[')) {
            return Ok(Elements::List(self.listed(']', |p| p.element())?));
        }
        let element = self.element()?;
        Ok(match element.strip_prefix("0x") {
            Some(digits) => Elements::Bytes(digits),
            None => Elements::Fill(element),
        })
    }

    fn element(&mut self) -> Result<&'a str, ParseError> {
        let (&Token::Number(element) | &Token::Word(element)) = self.peek() else {
            return self.expected("an element");
        };
        self.next += 1;
        Ok(element)
    }

    fn attrs(&mut self) -> Result<Vec<(&'a str, Position, Attr<'a>)>, ParseError> {
        if !self.eat(Token::Mark('{')) {
            return Ok(Vec::new());
        }
        self.listed('}', |p| {
            let at = p.at();
            let key = p.any_word("an attribute")?;
            let attr = match p.eat(Token::Mark('=')) {
                true => p.attr()?,
                false => Attr::Flag,
            };
            Ok((key, at, attr))
        })
    }

    /// A scalar, a list, or lists with `x` and `->` between them.
    fn attr(&mut self) -> Result<Attr<'a>, ParseError> {
        let list = |p: &mut Self| p.listed(']', Self::list_item).map(Attr::List);
        if !self.eat(Token::Mark('[')) {
            return self.scalar();
        }
        let mut lists = vec![list(self)?];
        while self.eat(Token::Word("x")) || self.eat(Token::Arrow) {
            self.mark('[')?;
            lists.push(list(self)?);
        }
        match lists.len() {
            1 => Ok(lists.remove(0)),
            _ => Ok(Attr::Lists(lists)),
        }
    }

    fn list_item(&mut self) -> Result<Attr<'a>, ParseError> {
        match self.eat(Token::Mark('[')) {
            true => Ok(Attr::List(self.listed(']', Self::scalar)?)),
            false => self.scalar(),
        }
    }

    fn scalar(&mut self) -> Result<Attr<'a>, ParseError> {
        let attr = match self.peek() {
            Token::Mark('?') => Attr::Unknown,
            Token::Word(word) => Attr::Word(word),
            Token::Number(number) => Attr::Number(number),
            _ => return self.expected("the value of an attribute"),
        };
        self.next += 1;
        Ok(attr)
    }
}

impl Block<'_> {
    /// Gives values their numbers: those of their place, so that names may come before their definition.
    fn graph(self) -> Result<Parsed, ParseError> {
        let mut numbers: HashMap<&str, Value> = HashMap::new();
        for &(name, at) in self.definitions.iter().flat_map(|(outputs, _)| outputs) {
            let value = Value::new(numbers.len());
            if numbers.insert(name, value).is_some() {
                return at.error(format!("expected one definition of %{name}, got a second"));
            }
        }
        let number = |&(name, at): &Name| match numbers.get(name) {
            Some(&value) => Ok(value),
            None => at.error(format!("expected a defined value, got %{name}")),
        };
        let (mut graph, mut lines) = (Graph::new(), Vec::new());
        let mut scopes = HashMap::new();
        for (outputs, definition) in self.definitions {
            let (op, inputs, specs, label) = match definition {
                Definition::Param(kind, name, spec) => {
                    graph.param(kind, name, spec);
                    continue;
                }
                Definition::Node {
                    op,
                    inputs,
                    specs,
                    label,
                } => (op, inputs, specs, label),
            };
            let inputs: Vec<Value> = inputs.iter().map(number).collect::<Result<_, _>>()?;
            let scope = label.map(|label| {
                let add = |label: &String| graph.add_scope(label.clone());
                *scopes.entry(label).or_insert_with_key(add)
            });
            graph.set_scope(scope);
            graph.push_unchecked(op, &inputs, specs);
            lines.extend(outputs.first().map(|(_, at)| at.line));
        }
        graph.set_scope(None);
        for (variable, value) in &self.updates {
            graph.update(number(variable)?, number(value)?);
        }
        for result in &self.results {
            graph.result(number(result)?);
        }
        Ok(Parsed { graph, lines })
    }
}
