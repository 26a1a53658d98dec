//! CPython's marshal format, read as plain data: what a file keeps of a lambda's code.

use crate::error::{Error, ErrorKind, Result};

/// How deep objects may be nested.
const MAX_DEPTH: usize = 64;

/// How many objects there may be. Each takes at least one byte of the data, so that the data bounds them too.
const MAX_OBJECTS: usize = 65_536;

/// How long the data may be, in bytes. Code of one expression takes a few hundred.
const MAX_BYTES: usize = 1 << 20;

/// The place of an object among all that were read. References make one object part of several others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(usize);

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    None,
    Bool(bool),
    Ellipsis,
    Int(i64),
    /// An integer of more than 64 bits.
    BigInt,
    Float(f64),
    Complex,
    Bytes(Vec<u8>),
    Text(String),
    Tuple(Vec<Id>),
    /// A list, a dict or a set, which code does not use as constants of expressions.
    Other(&'static str),
    Code(Box<Code>),
}

/// Which fields a code object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// CPython 3.8 to 3.10: variables by their sort.
    Separate,
    /// CPython 3.11 to 3.13: all variables in one tuple, with their sorts beside.
    Together,
}

/// A code object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Code {
    pub(super) layout: Layout,
    pub(super) positional: usize,
    pub(super) positional_only: usize,
    pub(super) keyword_only: usize,
    pub(super) flags: u32,
    pub(super) code: Id,
    pub(super) constants: Id,
    pub(super) names: Id,
    /// The arguments and local variables; with [`Layout::Together`] all variables.
    pub(super) variables: Id,
    /// With [`Layout::Separate`] the names of variables of the surrounding function.
    pub(super) free: Id,
    /// With [`Layout::Separate`] the names of variables that inner functions use; else the sorts of the variables.
    pub(super) cells: Id,
    /// The function's name.
    pub(super) name: Id,
}

/// All objects of the data.
#[derive(Debug)]
pub(super) struct Objects {
    objects: Vec<Object>,
    root: Id,
}

impl Objects {
    pub(super) fn get(&self, id: Id) -> &Object {
        self.objects.get(id.0).unwrap_or(&Object::None)
    }

    /// The code object that the data consists of.
    pub(super) fn code(&self) -> Result<&Code> {
        match self.get(self.root) {
            Object::Code(code) => Ok(code),
            other => Err(bad(format!("it holds {}", described(other)))),
        }
    }

    /// All code objects: that of the function and those of the functions in it.
    pub(super) fn codes(&self) -> impl Iterator<Item = &Code> {
        self.objects.iter().filter_map(|object| match object {
            Object::Code(code) => Some(&**code),
            _ => None,
        })
    }

    /// The name of the function whose code this is.
    pub(super) fn name(&self) -> Option<&str> {
        match self.get(self.code().ok()?.name) {
            Object::Text(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn tuple(&self, id: Id) -> Result<&[Id]> {
        match self.get(id) {
            Object::Tuple(items) => Ok(items),
            other => Err(bad(format!("{} where a tuple belongs", described(other)))),
        }
    }

    pub(super) fn bytes(&self, id: Id) -> Result<&[u8]> {
        match self.get(id) {
            Object::Bytes(bytes) => Ok(bytes),
            other => Err(bad(format!("{} where bytes belong", described(other)))),
        }
    }

    /// A tuple of strings.
    pub(super) fn texts(&self, id: Id) -> Result<Vec<&str>> {
        let text = |id: &Id| match self.get(*id) {
            Object::Text(text) => Ok(text.as_str()),
            other => Err(bad(format!("{} where a name belongs", described(other)))),
        };
        self.tuple(id)?.iter().map(text).collect()
    }
}

fn bad(why: String) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the code is not marshal data of CPython 3.8 to 3.13: {why}"),
    )
}

/// As an error names an object.
pub(super) fn described(object: &Object) -> &'static str {
    match object {
        Object::None => "None",
        Object::Bool(_) => "a truth value",
        Object::Ellipsis => "an ellipsis",
        Object::Int(_) | Object::BigInt => "an integer",
        Object::Float(_) => "a float",
        Object::Complex => "a complex number",
        Object::Bytes(_) => "bytes",
        Object::Text(_) => "a string",
        Object::Tuple(_) => "a tuple",
        Object::Other(name) => name,
        Object::Code(_) => "the code of a function",
    }
}

/// Reads marshal data that holds a code object.
pub(super) fn read(bytes: &[u8]) -> Result<Objects> {
    if bytes.len() > MAX_BYTES {
        return Err(bad(format!("{} bytes are too many", bytes.len())));
    }
    let mut reader = Reader {
        bytes,
        at: 0,
        objects: Vec::new(),
        references: Vec::new(),
        layout: layout(bytes),
    };
    let root = reader.object(0)?;
    if reader.at != bytes.len() {
        return Err(bad(format!("{} bytes too many", bytes.len() - reader.at)));
    }
    Ok(Objects {
        objects: reader.objects,
        root,
    })
}

/// The bit of a type's byte that says that the object can be referred to.
const REFERABLE: u8 = 0x80;

/// From 3.11 on there is a number less before the bytecode, so that the type of the bytecode stands in another place.
/// There, earlier versions have the lowest byte of the flags, where this value would be a generator's.
fn layout(bytes: &[u8]) -> Layout {
    const TYPE: usize = 1;
    const NUMBERS: usize = 5;
    let place = TYPE + NUMBERS * size_of::<u32>();
    match bytes.get(place).map(|b| b & !REFERABLE) {
        Some(b's') => Layout::Together,
        _ => Layout::Separate,
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Vec<Object>,
    /// The objects that can be referred to, in the order of their beginnings; `None` before they are complete.
    references: Vec<Option<Id>>,
    layout: Layout,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8]> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| bad(format!("it ends at byte {}", self.bytes.len())))?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| bad("it ends".to_owned()))
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    /// A count of 32 bits, which may not be more than there are bytes left.
    fn count(&mut self) -> Result<usize> {
        let count = self.i32()?;
        let left = self.bytes.len() - self.at;
        let count = usize::try_from(count).ok().filter(|&n| n <= left);
        count.ok_or_else(|| bad(format!("a count at byte {} is too large", self.at)))
    }

    fn add(&mut self, object: Object) -> Result<Id> {
        if self.objects.len() == MAX_OBJECTS {
            return Err(bad(format!("more than {MAX_OBJECTS} objects")));
        }
        self.objects.push(object);
        Ok(Id(self.objects.len() - 1))
    }

    fn object(&mut self, depth: usize) -> Result<Id> {
        if depth == MAX_DEPTH {
            return Err(bad(format!("more than {MAX_DEPTH} levels of nesting")));
        }
        let byte = self.u8()?;
        let kind = byte & !REFERABLE;
        if kind == b'r' {
            let index = usize::try_from(self.i32()?).ok();
            let known = index
                .and_then(|i| self.references.get(i))
                .copied()
                .flatten();
            return known.ok_or_else(|| bad("a reference to nothing complete".to_owned()));
        }
        let reference = (byte & REFERABLE != 0).then_some(self.references.len());
        self.references.extend(reference.map(|_| None));
        let object = match kind {
            b'c' => Object::Code(Box::new(self.code(depth)?)),
            b'(' | b')' | b'[' | b'<' | b'>' | b'{' => self.collection(kind, depth)?,
            b'u' | b't' | b'a' | b'A' | b'z' | b'Z' => Object::Text(self.text(kind)?),
            _ => self.atom(kind)?,
        };
        let id = self.add(object)?;
        if let Some(place) = reference.and_then(|i| self.references.get_mut(i)) {
            *place = Some(id);
        }
        Ok(id)
    }

    fn atom(&mut self, kind: u8) -> Result<Object> {
        Ok(match kind {
            b'N' => Object::None,
            b'T' => Object::Bool(true),
            b'F' => Object::Bool(false),
            b'.' => Object::Ellipsis,
            b'i' => Object::Int(self.i32()?.into()),
            b'I' => Object::Int(i64::from_le_bytes(self.array()?)),
            b'l' => self.long()?,
            b'g' => Object::Float(f64::from_le_bytes(self.array()?)),
            b'f' => Object::Float(self.decimal()?),
            b'y' => {
                self.take(2 * size_of::<f64>())?;
                Object::Complex
            }
            b'x' => {
                self.decimal()?;
                self.decimal()?;
                Object::Complex
            }
            b's' => {
                let count = self.count()?;
                Object::Bytes(self.take(count)?.to_vec())
            }
            kind => {
                let message = format!("an object of unknown type {kind:#04x} at byte {}", self.at);
                return Err(bad(message));
            }
        })
    }

    /// An integer in digits of 15 bits, lowest first; a negative count of them means a negative number.
    fn long(&mut self) -> Result<Object> {
        const DIGIT_BITS: u32 = 15;
        /// Digits that always fit in 127 bits.
        const FITTING: usize = 8;
        let signed = self.i32()?;
        let count = signed.unsigned_abs() as usize;
        let digits = self.take(count.saturating_mul(2))?;
        if count > FITTING {
            return Ok(Object::BigInt);
        }
        let pairs = digits.chunks_exact(2).rev();
        let magnitude = pairs.fold(0i128, |sum, pair| {
            let digit = pair.iter().rev().fold(0, |d, &b| d << 8 | i128::from(b));
            (sum << DIGIT_BITS) + (digit & ((1 << DIGIT_BITS) - 1))
        });
        let value = if signed < 0 { -magnitude } else { magnitude };
        Ok(i64::try_from(value).map_or(Object::BigInt, Object::Int))
    }

    /// A float as text, after its length in one byte.
    fn decimal(&mut self) -> Result<f64> {
        let count = self.u8()?.into();
        let text = std::str::from_utf8(self.take(count)?).ok();
        let number = text.and_then(|t| t.parse().ok());
        number.ok_or_else(|| bad("a float that is none".to_owned()))
    }

    fn text(&mut self, kind: u8) -> Result<String> {
        let count = match kind {
            b'z' | b'Z' => self.u8()?.into(),
            _ => self.count()?,
        };
        let text = std::str::from_utf8(self.take(count)?);
        let text = text.map_err(|_| bad("a string that is not UTF-8".to_owned()))?;
        Ok(text.to_owned())
    }

    fn collection(&mut self, kind: u8, depth: usize) -> Result<Object> {
        if kind == b'{' {
            return Err(bad("a dict".to_owned()));
        }
        let count = match kind {
            b')' => self.u8()?.into(),
            _ => self.count()?,
        };
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(self.object(depth + 1)?);
        }
        Ok(match kind {
            b'(' | b')' => Object::Tuple(items),
            b'[' => Object::Other("a list"),
            _ => Object::Other("a set"),
        })
    }

    fn code(&mut self, depth: usize) -> Result<Code> {
        let positional = self.number()?;
        let positional_only = self.number()?;
        let keyword_only = self.number()?;
        if self.layout == Layout::Separate {
            self.i32()?; // the number of local variables
        }
        self.i32()?; // the size of the stack
        let flags = u32::from_le_bytes(self.array()?);
        let mut next = || self.object(depth + 1);
        let (code, constants, names) = (next()?, next()?, next()?);
        let (variables, second) = (next()?, next()?);
        let (free, cells) = match self.layout {
            Layout::Separate => (second, self.object(depth + 1)?),
            Layout::Together => (second, second),
        };
        self.object(depth + 1)?; // the file's name
        let name = self.object(depth + 1)?;
        if self.layout == Layout::Together {
            self.object(depth + 1)?; // the name with those of the surrounding functions
        }
        self.i32()?; // the line in the file
        self.object(depth + 1)?; // the table of lines
        if self.layout == Layout::Together {
            self.object(depth + 1)?; // the table of exceptions
        }
        Ok(Code {
            layout: self.layout,
            positional,
            positional_only,
            keyword_only,
            flags,
            code,
            constants,
            names,
            variables,
            free,
            cells,
            name,
        })
    }

    /// A number of arguments.
    fn number(&mut self) -> Result<usize> {
        let number = self.i32()?;
        usize::try_from(number).map_err(|_| bad("a negative number of arguments".to_owned()))
    }
}
