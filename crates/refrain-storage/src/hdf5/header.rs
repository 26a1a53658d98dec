//! Object headers: the messages that describe a group or an array.

use super::super::array_file::Budget;
use super::super::cursor::Cursor;
use super::super::unsupported;
use crate::Result;

/// Types of messages.
pub(super) mod kind {
    pub const DATASPACE: u16 = 0x01;
    pub const LINK_INFO: u16 = 0x02;
    pub const DATATYPE: u16 = 0x03;
    pub const LINK: u16 = 0x06;
    pub const EXTERNAL_FILES: u16 = 0x07;
    pub const LAYOUT: u16 = 0x08;
    pub const FILTERS: u16 = 0x0b;
    pub const ATTRIBUTE: u16 = 0x0c;
    pub const CONTINUATION: u16 = 0x10;
    pub const SYMBOL_TABLE: u16 = 0x11;
    pub const ATTRIBUTE_INFO: u16 = 0x15;
}

pub(super) struct Message<'a> {
    pub kind: u16,
    flags: u8,
    pub data: &'a [u8],
}

impl Message<'_> {
    /// Whether the data is only a reference to what it stands for.
    pub(super) fn is_shared(&self) -> bool {
        self.flags & 2 != 0
    }
}

/// The first message of a kind.
pub(super) fn find<'m, 'a>(messages: &'m [Message<'a>], kind: u16) -> Option<&'m Message<'a>> {
    messages.iter().find(|m| m.kind == kind)
}

/// How one version of headers writes its messages.
#[derive(Clone, Copy)]
enum Form {
    Old,
    New { creation_order: bool },
}

/// The checksum behind each block of the new form.
const CHECKSUM: usize = 4;

/// All messages of the header at an address.
pub(super) fn messages<'a>(
    file: &'a [u8],
    address: u64,
    budget: &mut Budget<'_>,
) -> Result<Vec<Message<'a>>> {
    let mut c = Cursor::at(file, address)?;
    let (form, block) = if c.rest().starts_with(b"OHDR") {
        new_form(&mut c)?
    } else {
        let version = c.u8()?;
        if version != 1 {
            return Err(unsupported(format!(
                "HDF5 object headers of version {version} are not read"
            )));
        }
        // Reserved, number of messages, references; then, behind the size, a gap up to a multiple of 8.
        c.skip(7)?;
        let size = c.u32()?;
        c.skip(4)?;
        (Form::Old, c.take_u64(size.into())?)
    };
    let (mut out, mut blocks) = (Vec::new(), vec![block]);
    while let Some(block) = blocks.pop() {
        budget.step()?;
        for message in Messages::new(block, form) {
            let message = message?;
            budget.step()?;
            if message.kind != kind::CONTINUATION {
                out.push(message);
                continue;
            }
            let mut c = Cursor::new(message.data);
            let (address, length) = (c.u64()?, c.u64()?);
            let mut c = Cursor::at(file, address)?;
            let mut block = Cursor::new(c.take_u64(length)?);
            if let Form::New { .. } = form {
                block.expect(b"OCHK")?;
                let length = block.len();
                block = Cursor::new(block.take(length.saturating_sub(CHECKSUM))?);
            }
            blocks.push(block.rest());
        }
    }
    Ok(out)
}

fn new_form<'a>(c: &mut Cursor<'a>) -> Result<(Form, &'a [u8])> {
    c.expect(b"OHDR")?;
    let version = c.u8()?;
    if version != 2 {
        return Err(unsupported(format!(
            "HDF5 object headers of version {version} are not read"
        )));
    }
    let flags = c.u8()?;
    // Four times of 4 bytes, and two numbers of attributes of 2 bytes.
    c.skip(if flags & 0x20 != 0 { 16 } else { 0 })?;
    c.skip(if flags & 0x10 != 0 { 4 } else { 0 })?;
    let size = c.sized(flags)?;
    let creation_order = flags & 4 != 0;
    Ok((Form::New { creation_order }, c.take_u64(size)?))
}

struct Messages<'a> {
    c: Cursor<'a>,
    form: Form,
}

impl<'a> Messages<'a> {
    fn new(block: &'a [u8], form: Form) -> Self {
        Messages {
            c: Cursor::new(block),
            form,
        }
    }

    fn message(&mut self) -> Result<Message<'a>> {
        let c = &mut self.c;
        let (kind, size, flags) = match self.form {
            Form::Old => {
                let head = (c.u16()?, c.u16()?, c.u8()?);
                c.skip(3)?;
                head
            }
            Form::New { creation_order } => {
                let head = (c.u8()?.into(), c.u16()?, c.u8()?);
                c.skip(if creation_order { 2 } else { 0 })?;
                head
            }
        };
        let data = c.take(size.into())?;
        Ok(Message { kind, flags, data })
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        // Whatever is shorter than a message's head is a gap.
        let head = match self.form {
            Form::Old => 8,
            Form::New { creation_order } => 4 + if creation_order { 2 } else { 0 },
        };
        (self.c.len() >= head).then(|| {
            let message = self.message();
            if message.is_err() {
                self.c = Cursor::new(&[]);
            }
            message
        })
    }
}
