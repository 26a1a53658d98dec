//! Little-endian numbers out of untrusted bytes.

use super::damaged;
use crate::Result;

/// A place in bytes that only moves forward and never past their end.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor { rest: bytes }
    }

    /// At an offset of a file.
    pub(super) fn at(file: &'a [u8], offset: u64) -> Result<Self> {
        let rest = usize::try_from(offset).ok().and_then(|o| file.get(o..));
        rest.map(Cursor::new)
            .ok_or_else(|| damaged(format_args!("offset {offset} is past its end")))
    }

    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, tail) = self
            .rest
            .split_at_checked(n)
            .ok_or_else(|| damaged("a structure is cut off"))?;
        self.rest = tail;
        Ok(head)
    }

    /// As many bytes as the file itself says.
    pub(super) fn take_u64(&mut self, n: u64) -> Result<&'a [u8]> {
        self.take(usize::try_from(n).unwrap_or(usize::MAX))
    }

    pub(super) fn skip(&mut self, n: usize) -> Result<()> {
        self.take(n).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A number of 1, 2, 4 or 8 bytes, given as the logarithm of that.
    pub(super) fn sized(&mut self, log: u8) -> Result<u64> {
        Ok(match log & 3 {
            0 => self.u8()?.into(),
            1 => self.u16()?.into(),
            2 => self.u32()?.into(),
            _ => self.u64()?,
        })
    }

    /// A number of up to 8 bytes.
    pub(super) fn uint(&mut self, bytes: usize) -> Result<u64> {
        let mut out = [0; size_of::<u64>()];
        let taken = self.take(bytes)?;
        let kept = out.get_mut(..bytes);
        kept.ok_or_else(|| damaged("a number is too long"))?
            .copy_from_slice(taken);
        Ok(u64::from_le_bytes(out))
    }

    pub(super) fn expect(&mut self, signature: &[u8]) -> Result<()> {
        if self.take(signature.len())? == signature {
            return Ok(());
        }
        let name = String::from_utf8_lossy(signature);
        Err(damaged(format_args!("no `{name}` where one must be")))
    }
}
