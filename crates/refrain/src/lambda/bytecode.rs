//! The bytecode of a lambda of one expression, followed step by step with terms in place of values.
//!
//! A file does not say which version of CPython its code belongs to. Each version that could have written it is tried;
//! those that make sense of it must agree.

use std::collections::BTreeMap;

use super::marshal::{Code, Id, Layout, Object, Objects, described};
use super::opcodes::{Version, opcode};
use super::stack::Machine;
use super::term::{Literal, MAX_PARTS, Node, Term};
use crate::config::short;
use crate::error::{Error, ErrorKind, Result};

/// How long bytecode may be, in bytes.
const MAX_CODE: usize = 16 * 1024;

/// Values that a configuration gives for a lambda's further variables.
pub(super) struct Bindings {
    /// Of the last parameters.
    pub(super) defaults: Vec<Term>,
    /// Of the variables of surrounding functions.
    pub(super) closure: Vec<Term>,
    /// Of parameters by name.
    pub(super) arguments: BTreeMap<String, Term>,
}

/// The expression of a lambda.
pub(super) fn decode(objects: &Objects, bindings: &Bindings) -> Result<Term> {
    let code = objects.code()?;
    let names = objects.texts(code.names)?;
    let variables = variables(objects, code, bindings)?;
    let bytes = objects.bytes(code.code)?;
    if bytes.len() > MAX_CODE {
        return Err(refused(format!("it has {} bytes of bytecode", bytes.len())));
    }
    let (mut found, mut failed): (Option<Term>, Option<Failure>) = (None, None);
    for &version in Version::of_layout(code.layout) {
        let pool = Pool {
            objects,
            constants: objects.tuple(code.constants)?,
            names: &names,
            variables: &variables,
            free: &bindings.closure,
            left: MAX_PARTS,
        };
        match run(bytes, version, pool) {
            Ok(term) if found.as_ref().is_some_and(|f| *f != term) => {
                return Err(refused(
                    "versions of CPython differ in its meaning".to_owned(),
                ));
            }
            Ok(term) => found = Some(term),
            Err(failure) if failed.as_ref().is_none_or(|f| f.sense() <= failure.sense()) => {
                failed = Some(failure);
            }
            Err(_) => (),
        }
    }
    match (found, failed) {
        (Some(term), _) => Ok(term),
        (None, Some(failure)) => Err(failure.error),
        (None, None) => Err(refused("it is empty".to_owned())),
    }
}

/// Why code makes no expression as a version of CPython reads it.
struct Failure {
    /// Whether the version has the instruction.
    known: bool,
    at: usize,
    error: Error,
}

impl Failure {
    /// How much sense the version made of the code: more of it for the version that wrote it.
    fn sense(&self) -> (bool, usize) {
        (self.known, self.at)
    }
}

/// An error that says why code is not decoded.
pub(super) fn refused(why: String) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("the Python code is not decoded: {why}"),
    )
}

/// The values of the variables that a lambda may read, in the order of CPython's numbers for them.
fn variables(objects: &Objects, code: &Code, bindings: &Bindings) -> Result<Vec<Variable>> {
    /// `*args`, `**kwargs`, and what makes generators and coroutines.
    const OTHER_KINDS: u32 = 0x04 | 0x08 | 0x20 | 0x80 | 0x200;
    let names = objects.texts(code.variables)?;
    let parameters = names.get(..code.positional).unwrap_or_default();
    let several = code.flags & OTHER_KINDS != 0 || code.keyword_only > 0;
    let Some((first, further)) = parameters.split_first().filter(|_| !several) else {
        let why = "it is not a lambda of plain parameters";
        return Err(refused(why.to_owned()));
    };
    let mut unknown = bindings.arguments.keys();
    if let Some(name) = unknown.find(|n| !further.contains(&n.as_str())) {
        return Err(refused(format!(
            "it has no parameter `{}` beside `{}`",
            short(name),
            short(first)
        )));
    }
    let mut variables = vec![Variable::Value(Term::input())];
    for (i, name) in further.iter().enumerate() {
        if ["mask", "training"].contains(name) {
            return Err(refused(format!("Keras gives its parameter `{name}`")));
        }
        // Defaults belong to the last parameters.
        let from_end = further.len() - i;
        let place = bindings.defaults.len().checked_sub(from_end);
        let default = place.and_then(|p| bindings.defaults.get(p));
        let value = bindings.arguments.get(*name).or(default);
        let value =
            value.ok_or_else(|| refused(format!("its parameter `{}` has no value", short(name))));
        variables.push(Variable::Value(value?.clone()));
    }
    variables.extend(others(objects, code, names.len())?);
    Ok(variables)
}

/// The variables after the parameters.
fn others(objects: &Objects, code: &Code, named: usize) -> Result<Vec<Variable>> {
    const FREE: u8 = 0x80;
    if code.layout == Layout::Separate {
        return match objects.tuple(code.cells)?.is_empty() {
            true => Ok(Vec::new()),
            false => Err(refused("it has an inner function".to_owned())),
        };
    }
    let sorts = objects.bytes(code.cells)?;
    let sorts = sorts.get(..named).unwrap_or(sorts);
    let mut free = 0..;
    let sorts = sorts.iter().skip(code.positional);
    let others = sorts.map(|sort| match sort & FREE {
        0 => Variable::Local,
        _ => free.next().map_or(Variable::Local, Variable::Free),
    });
    Ok(others.collect())
}

/// A variable of a lambda.
pub(super) enum Variable {
    Value(Term),
    /// The variable of a surrounding function with this place in the closure.
    Free(usize),
    /// One that only the lambda itself could set.
    Local,
}

/// What instructions refer to by number.
pub(super) struct Pool<'a> {
    objects: &'a Objects,
    constants: &'a [Id],
    names: &'a [&'a str],
    variables: &'a [Variable],
    free: &'a [Term],
    /// How many parts of terms may still be made of constants.
    left: usize,
}

impl Pool<'_> {
    pub(super) fn name(&self, index: usize) -> Result<&str> {
        let name = self.names.get(index).copied();
        name.ok_or_else(|| refused("it names nothing".to_owned()))
    }

    pub(super) fn constant(&mut self, index: usize) -> Result<Term> {
        let id = self.constants.get(index).copied();
        self.term(id.ok_or_else(|| refused("a constant is missing".to_owned()))?)
    }

    fn spend(&mut self, parts: usize) -> Result<()> {
        let left = self.left.checked_sub(parts);
        self.left = left.ok_or_else(|| refused("its values are too large".to_owned()))?;
        Ok(())
    }

    fn term(&mut self, id: Id) -> Result<Term> {
        self.spend(1)?;
        let literal = match self.objects.get(id) {
            Object::None => Literal::None,
            Object::Ellipsis => Literal::Ellipsis,
            Object::Bool(b) => Literal::Bool(*b),
            Object::Int(n) => Literal::Int(*n),
            Object::Float(n) if !n.is_nan() => Literal::Float(*n),
            Object::Text(text) => Literal::Text(text.clone()),
            Object::Tuple(items) => {
                let items = items.iter().map(|&id| self.term(id));
                let items = items.collect::<Result<_>>()?;
                return Term::new(Node::Tuple(items));
            }
            other => {
                let what = described(other);
                return Err(refused(format!("a constant is {what}")));
            }
        };
        Ok(Term::literal(literal))
    }

    pub(super) fn variable(&mut self, index: usize) -> Result<Term> {
        let variable = self.variables.get(index);
        match variable {
            Some(Variable::Value(term)) => {
                let term = term.clone();
                self.spend(term.parts())?;
                Ok(term)
            }
            Some(Variable::Free(place)) => self.free(*place),
            _ => Err(refused("it uses a local variable".to_owned())),
        }
    }

    /// A variable of a surrounding function by its place in the closure.
    pub(super) fn free(&mut self, place: usize) -> Result<Term> {
        let value = self.free.get(place).cloned();
        let value = value.ok_or_else(|| refused("a value of its closure is missing".to_owned()))?;
        self.spend(value.parts())?;
        Ok(value)
    }
}

/// Follows bytecode as a version of CPython reads it.
fn run(bytes: &[u8], version: Version, pool: Pool<'_>) -> Result<Term, Failure> {
    const UNIT: usize = 2;
    let mut machine = Machine::new(version, pool);
    let mut units = bytes.chunks_exact(UNIT).enumerate();
    let mut extended = 0;
    while let Some((place, unit)) = units.next() {
        let [number, low] = *unit else { break };
        let at = place * UNIT;
        let failure = |known: bool, why: &str| Failure {
            known,
            at,
            error: refused(format!("{why} (byte {at} as CPython {})", version.name())),
        };
        let Some(opcode) = opcode(version, number) else {
            return Err(failure(false, &format!("opcode {number} is unknown")));
        };
        let argument = extended << 8 | usize::from(low);
        if opcode.name == "EXTENDED_ARG" {
            extended = argument & MAX_EXTENDED;
            continue;
        }
        extended = 0;
        for _ in 0..opcode.caches {
            if units.next().is_none_or(|(_, unit)| unit != [0; UNIT]) {
                let why = format!("instruction {} without its cache", opcode.name);
                return Err(failure(false, &why));
            }
        }
        let step = machine.step(opcode.name, argument);
        let returned = step.map_err(|e| failure(true, &without_lead(&e)))?;
        if let Some(term) = returned {
            return match units.next() {
                None => Ok(term),
                Some(_) => Err(failure(true, "it goes on after its result")),
            };
        }
    }
    Err(Failure {
        known: true,
        at: bytes.len(),
        error: refused("it ends without a result".to_owned()),
    })
}

/// Arguments of more bits than this are not in code of one expression.
const MAX_EXTENDED: usize = 0xFFFF;

/// The reason of an error that [`refused`] made, or a whole other error, to stand in another sentence.
fn without_lead(error: &Error) -> String {
    let text = error.to_string();
    let text = text.strip_suffix('.').unwrap_or(&text);
    let lead = refused(String::new()).to_string();
    let lead = lead.trim_end_matches('.');
    text.strip_prefix(lead).unwrap_or(text).to_owned()
}
