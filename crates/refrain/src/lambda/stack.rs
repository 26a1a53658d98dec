//! The stack of CPython with terms in place of values.

use super::bytecode::{Pool, refused};
use super::functions::Callee;
use super::names;
use super::opcodes::Version;
use super::operators::{Infix, Prefix};
use super::term::{Literal, Node, Term};
use crate::config::short;
use crate::error::Result;

/// What lies on the stack.
enum Item {
    Term(Term),
    /// A module by its path.
    Module(String),
    Function(Callee),
    /// What CPython puts beside a function that is not a method.
    Null,
}

/// Steps through bytecode.
pub(super) struct Machine<'a> {
    version: Version,
    pool: Pool<'a>,
    stack: Vec<Item>,
    /// The names of the last arguments of the next call, in 3.11 and 3.12.
    keywords: Vec<String>,
    started: bool,
}

impl<'a> Machine<'a> {
    pub(super) fn new(version: Version, pool: Pool<'a>) -> Self {
        Machine {
            version,
            pool,
            stack: Vec::new(),
            keywords: Vec::new(),
            // Until 3.10 nothing stands before the first instruction.
            started: version < Version::V3_11,
        }
    }

    /// One instruction; gives the result when it returns.
    pub(super) fn step(&mut self, name: &str, argument: usize) -> Result<Option<Term>> {
        match name {
            "RESUME" => self.started = argument == 0,
            "COPY_FREE_VARS" if !self.started => (),
            _ if !self.started => return Err(refused("it has no start".to_owned())),
            "NOP" | "PRECALL" => (),
            "RETURN_VALUE" => return self.result().map(Some),
            _ => {
                let known = self.load(name, argument)?
                    || self.operate(name, argument)?
                    || self.build(name, argument)?
                    || self.calls(name, argument)?;
                if !known {
                    return Err(refused(format!("instruction {name}")));
                }
            }
        }
        Ok(None)
    }

    fn result(&mut self) -> Result<Term> {
        let term = self.term()?;
        match self.stack.is_empty() && self.keywords.is_empty() && term.is_value() {
            true => Ok(term),
            false => Err(refused("it leaves more than its result".to_owned())),
        }
    }

    fn pop(&mut self) -> Result<Item> {
        let item = self.stack.pop();
        item.ok_or_else(|| refused("it takes more than there is".to_owned()))
    }

    fn term(&mut self) -> Result<Term> {
        match self.pop()? {
            Item::Term(term) => Ok(term),
            Item::Module(path) => Err(refused(format!("module `{path}` is used as a value"))),
            Item::Function(callee) => Err(refused(format!(
                "function `{}` is used as a value",
                callee.name()
            ))),
            Item::Null => Err(refused("a value is missing".to_owned())),
        }
    }

    /// The last terms, in the order in which they were put down.
    fn terms(&mut self, count: usize) -> Result<Vec<Term>> {
        if count > self.stack.len() {
            return Err(refused("it takes more than there is".to_owned()));
        }
        let mut terms: Vec<Term> = (0..count).map(|_| self.term()).collect::<Result<_>>()?;
        terms.reverse();
        Ok(terms)
    }

    fn push(&mut self, node: Node) -> Result<()> {
        let term = Term::new(node)?;
        self.stack.push(Item::Term(term));
        Ok(())
    }

    fn load(&mut self, name: &str, argument: usize) -> Result<bool> {
        let term = match name {
            "LOAD_CONST" => self.pool.constant(argument)?,
            "LOAD_FAST" => self.pool.variable(argument)?,
            "LOAD_FAST_LOAD_FAST" => {
                let first = self.pool.variable(argument >> 4)?;
                self.stack.push(Item::Term(first));
                self.pool.variable(argument & 0xF)?
            }
            "LOAD_DEREF" if self.version < Version::V3_11 => self.pool.free(argument)?,
            "LOAD_DEREF" => self.pool.variable(argument)?,
            "PUSH_NULL" => {
                self.stack.push(Item::Null);
                return Ok(true);
            }
            "LOAD_GLOBAL" => {
                let (index, null) = self.flagged(argument, Version::V3_11);
                let global = global(self.pool.name(index)?)?;
                self.push_callee(global, null);
                return Ok(true);
            }
            "LOAD_ATTR" | "LOAD_METHOD" => {
                let method = name == "LOAD_METHOD";
                let (index, null) = match method {
                    true => (argument, true),
                    false => self.flagged(argument, Version::V3_12),
                };
                let owner = self.pop()?;
                let item = attribute(owner, self.pool.name(index)?)?;
                self.push_callee(item, null);
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.stack.push(Item::Term(term));
        Ok(true)
    }

    /// An index that from a version on has a flag in its lowest bit.
    fn flagged(&self, argument: usize, since: Version) -> (usize, bool) {
        match self.version >= since {
            true => (argument >> 1, argument & 1 == 1),
            false => (argument, false),
        }
    }

    /// Puts down a function, with the null that says that it is no method on its side.
    fn push_callee(&mut self, item: Item, null: bool) {
        let after = self.version >= Version::V3_13;
        self.stack.extend((null && !after).then_some(Item::Null));
        self.stack.push(item);
        self.stack.extend((null && after).then_some(Item::Null));
    }

    fn operate(&mut self, name: &str, argument: usize) -> Result<bool> {
        let unknown = || refused(format!("instruction {name} with argument {argument}"));
        let prefix = match (name, argument) {
            ("UNARY_NEGATIVE", _) => Some(Prefix::Negative),
            ("UNARY_POSITIVE", _) | ("CALL_INTRINSIC_1", POSITIVE) => Some(Prefix::Positive),
            ("UNARY_INVERT", _) => Some(Prefix::Invert),
            _ => None,
        };
        if let Some(operator) = prefix {
            let operand = self.term()?;
            self.push(Node::Prefix(operator, Box::new(operand)))?;
            return Ok(true);
        }
        let infix = match name {
            "BINARY_OP" => Some(Infix::numbered(argument).ok_or_else(unknown)?),
            "COMPARE_OP" => {
                let shift = match self.version {
                    Version::V3_13 => 5,
                    Version::V3_12 => 4,
                    _ => 0,
                };
                let comparison = Infix::COMPARISONS.get(argument >> shift);
                Some(*comparison.ok_or_else(unknown)?)
            }
            name => name.strip_prefix("BINARY_").and_then(|ending| {
                let mut operators = Infix::ALL.iter().copied();
                operators.find(|o| o.opcode() == ending && !ending.is_empty())
            }),
        };
        let Some(operator) = infix else {
            return Ok(false);
        };
        let (b, a) = (self.term()?, self.term()?);
        self.push(Node::Infix(operator, Box::new(a), Box::new(b)))?;
        Ok(true)
    }

    fn build(&mut self, name: &str, argument: usize) -> Result<bool> {
        let node = match name {
            "BUILD_TUPLE" => Node::Tuple(self.terms(argument)?),
            "BUILD_LIST" => Node::List(self.terms(argument)?),
            "LIST_EXTEND" if argument == 1 => {
                let (more, list) = (self.term()?, self.term()?);
                match (list.into_node(), more.into_node()) {
                    (Node::List(mut items), Node::Tuple(more)) => {
                        items.extend(more);
                        Node::List(items)
                    }
                    _ => return Err(refused("a list is made of other values".to_owned())),
                }
            }
            "BUILD_SLICE" if argument == 2 || argument == 3 => slice(self.terms(argument)?),
            "BINARY_SUBSCR" => {
                let (key, of) = (self.term()?, self.term()?);
                Node::Index(Box::new(of), Box::new(key))
            }
            "BINARY_SLICE" => {
                let key = Term::new(slice(self.terms(2)?))?;
                Node::Index(Box::new(self.term()?), Box::new(key))
            }
            _ => return Ok(false),
        };
        self.push(node)?;
        Ok(true)
    }

    fn calls(&mut self, name: &str, argument: usize) -> Result<bool> {
        match name {
            "KW_NAMES" => {
                let names = self.pool.constant(argument)?;
                self.keywords = texts(names)?;
            }
            "CALL_FUNCTION" | "CALL_METHOD" | "CALL" => {
                let keywords = std::mem::take(&mut self.keywords);
                self.call(argument, keywords, name != "CALL_FUNCTION")?;
            }
            "CALL_FUNCTION_KW" | "CALL_KW" => {
                let names = self.term()?;
                self.call(argument, texts(names)?, name == "CALL_KW")?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A call with so many arguments, the last of them by name.
    fn call(&mut self, count: usize, names: Vec<String>, null: bool) -> Result<()> {
        let mut arguments = self.terms(count)?;
        let after = self.version >= Version::V3_13;
        if null && after {
            self.null()?;
        }
        let callee = match self.pop()? {
            Item::Function(callee) => callee,
            Item::Module(path) => return Err(refused(format!("module `{path}` is called"))),
            Item::Term(_) | Item::Null => {
                return Err(refused("a value is called".to_owned()));
            }
        };
        if null && !after {
            self.null()?;
        }
        let positional = arguments.len().checked_sub(names.len());
        let positional = positional.ok_or_else(|| refused("arguments are missing".to_owned()))?;
        let named = arguments.split_off(positional);
        let keywords = names.into_iter().zip(named).collect();
        self.push(Node::Call(callee, arguments, keywords))
    }

    fn null(&mut self) -> Result<()> {
        match self.pop()? {
            Item::Null => Ok(()),
            _ => Err(refused("a method is called".to_owned())),
        }
    }
}

/// The number of the intrinsic function that is the sign `+`.
const POSITIVE: usize = 5;

/// Two or three bounds as a slice.
fn slice(bounds: Vec<Term>) -> Node {
    let mut bounds = bounds.into_iter().map(|b| Some(Box::new(b)));
    let mut next = || bounds.next().flatten();
    Node::Slice([next(), next(), next()])
}

fn texts(tuple: Term) -> Result<Vec<String>> {
    let bad = || refused("names of arguments are missing".to_owned());
    let Node::Tuple(items) = tuple.into_node() else {
        return Err(bad());
    };
    let texts = items.into_iter().map(|item| match item.into_node() {
        Node::Literal(Literal::Text(text)) => Ok(text),
        _ => Err(bad()),
    });
    texts.collect()
}

/// Python's own functions that mean the same on tensors.
const BUILT_IN: [&str; 1] = ["abs"];

/// A global name: a module that is commonly imported under it, or a function of Python's own.
fn global(name: &str) -> Result<Item> {
    if names::is_module(name) {
        return Ok(Item::Module(name.to_owned()));
    }
    if BUILT_IN.contains(&name) {
        return Callee::find(name).map(Item::Function);
    }
    Err(refused(format!("global `{}`", short(name))))
}

fn attribute(owner: Item, name: &str) -> Result<Item> {
    let Item::Module(module) = owner else {
        return Err(refused(format!("attribute `{}`", short(name))));
    };
    let path = format!("{module}.{name}");
    if names::is_module(&path) {
        return Ok(Item::Module(path));
    }
    if let Some(term) = names::constant(&path) {
        return Ok(Item::Term(term));
    }
    if CHANGED.contains(&path.trim_start_matches("keras.")) {
        return Err(refused(format!("Keras 2 and Keras 3 differ in `{path}`")));
    }
    Callee::find(&path).map(Item::Function)
}

/// Functions of which code does not tell whose they are.
const CHANGED: [&str; 1] = ["activations.hard_sigmoid"];
