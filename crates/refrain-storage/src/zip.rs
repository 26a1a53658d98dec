//! Zip files: read stored or deflated, written stored.

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom, Write};

use super::archive::check_name;
use super::cursor::Cursor;
use super::{Limits, beyond, damaged, unsupported};
use crate::Result;

/// Marks a size or offset that is in the extra field instead.
const ELSEWHERE: u32 = u32::MAX;
const ZIP64: u16 = 1;
/// Bytes read at a time: few enough to be in the processor's cache still when their checksum is taken.
const BLOCK: usize = 256 << 10;

/// A zip file opened for reading.
pub(super) struct Zip<R> {
    source: R,
    length: u64,
    entries: Vec<Entry>,
}

pub(super) struct Entry {
    pub name: String,
    method: u16,
    crc: u32,
    stored: u64,
    size: u64,
    offset: u64,
}

fn failed(e: std::io::Error) -> crate::Error {
    damaged(format_args!("reading the archive failed: {e}"))
}

impl<R: Read + Seek> Zip<R> {
    /// Reads the directory and checks it: names, number and sizes of members.
    pub(super) fn open(mut source: R, limits: &Limits) -> Result<Self> {
        let length = source.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut zip = Zip {
            source,
            length,
            entries: Vec::new(),
        };
        let (entries, size, offset) = zip.end()?;
        if entries > limits.get_members() as u64 {
            return Err(beyond(
                "a number of members",
                limits.get_members() as u64,
                entries,
            ));
        }
        let directory = zip.bytes(offset, size)?;
        let mut c = Cursor::new(&directory);
        let mut names = HashSet::new();
        for _ in 0..entries {
            let Some(entry) = entry(&mut c)? else {
                continue;
            };
            check_name(&entry.name, limits)?;
            if !names.insert(entry.name.to_lowercase()) {
                let name = &entry.name;
                return Err(damaged(format_args!(
                    "two members are named `{name}`, but for upper and lower case"
                )));
            }
            if entry.stored > length {
                return Err(damaged(format_args!(
                    "the member `{}` is longer than the archive",
                    entry.name
                )));
            }
            let limit = limits.get_member_bytes().min(limits.inflated(entry.stored));
            if entry.size > limit {
                return Err(beyond(
                    &format!("the member `{}`", entry.name),
                    limit,
                    entry.size,
                ));
            }
            zip.entries.push(entry);
        }
        if c.len() > 0 {
            return Err(damaged(
                "the archive's directory has more members than it counts",
            ));
        }
        Ok(zip)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// `n` bytes at an offset, which must all be there.
    fn bytes(&mut self, offset: u64, n: u64) -> Result<Vec<u8>> {
        self.bytes_seen(offset, n, |_| {})
    }

    /// The same, each block of them shown as soon as it is read.
    fn bytes_seen(&mut self, offset: u64, n: u64, mut seen: impl FnMut(&[u8])) -> Result<Vec<u8>> {
        if offset.checked_add(n).is_none_or(|end| end > self.length) {
            return Err(damaged("a part of the archive lies behind its end"));
        }
        self.source.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut out = vec![0; usize::try_from(n).map_err(damaged)?];
        for block in out.chunks_mut(BLOCK) {
            self.source.read_exact(block).map_err(failed)?;
            seen(block);
        }
        Ok(out)
    }

    /// Number of entries, size and offset of the directory.
    fn end(&mut self) -> Result<(u64, u64, u64)> {
        const END: u64 = 22;
        const LOCATOR: u64 = 20;
        const LONGEST_COMMENT: u64 = 0xffff;
        let from = self.length.saturating_sub(END + LONGEST_COMMENT);
        let tail = self.bytes(from, self.length - from)?;
        let ends = |&i: &usize| {
            let mut c = Cursor::new(tail.get(i..).unwrap_or_default());
            if !c.rest().starts_with(b"PK") {
                return false;
            }
            let comment = c
                .expect(b"PK\x05\x06")
                .and_then(|()| c.skip(16))
                .and_then(|()| c.u16());
            comment.is_ok_and(|n| usize::from(n) == c.len())
        };
        let last = tail.len().saturating_sub(END as usize);
        let found = (0..=last).rev().find(ends);
        let found = found.ok_or_else(|| damaged("the zip archive is cut off: it has no end"))?;
        let mut c = Cursor::new(tail.get(found..).unwrap_or_default());
        c.skip(10)?;
        let (entries, size, offset) = (c.u16()?, c.u32()?, c.u32()?);
        let here = from + found as u64;
        if let Some(at) = here.checked_sub(LOCATOR) {
            let locator = self.bytes(at, LOCATOR)?;
            let mut c = Cursor::new(&locator);
            if c.expect(b"PK\x06\x07").is_ok() {
                c.skip(4)?;
                let end = self.bytes(c.u64()?, 56)?;
                let mut c = Cursor::new(&end);
                c.expect(b"PK\x06\x06")?;
                c.skip(28)?;
                return Ok((c.u64()?, c.u64()?, c.u64()?));
            }
        }
        Ok((entries.into(), size.into(), offset.into()))
    }

    fn entry(&self, index: usize) -> Result<&Entry> {
        let entry = self.entries.get(index);
        entry.ok_or_else(|| damaged("there is no such member"))
    }

    /// Where a member begins that is stored as it is; `None` for one that is compressed.
    pub(super) fn plain_start(&mut self, index: usize) -> Result<Option<u64>> {
        match self.entry(index)?.method {
            STORED => self.start(index).map(Some),
            _ => Ok(None),
        }
    }

    /// Where a member's bytes begin.
    fn start(&mut self, index: usize) -> Result<u64> {
        let entry = self.entry(index)?;
        let (name, offset) = (entry.name.clone(), entry.offset);
        let head = self.bytes(offset, 30)?;
        let mut c = Cursor::new(&head);
        c.expect(b"PK\x03\x04")?;
        c.skip(22)?;
        let (name_length, extra) = (u64::from(c.u16()?), u64::from(c.u16()?));
        if self.bytes(offset + 30, name_length)? != name.as_bytes() {
            return Err(damaged(format_args!("the member `{name}` has two names")));
        }
        Ok(offset + 30 + name_length + extra)
    }

    /// A member's bytes, checked against its checksum.
    pub(super) fn read(&mut self, index: usize) -> Result<Vec<u8>> {
        let start = self.start(index)?;
        let entry = self.entry(index)?;
        let (name, method, crc) = (entry.name.clone(), entry.method, entry.crc);
        let (stored, size) = (entry.stored, entry.size);
        let mut actual = flate2::Crc::new();
        let bytes = match method {
            STORED => self.bytes_seen(start, stored, |block| actual.update(block))?,
            _ => {
                let mut out = Vec::new();
                flate2::read::DeflateDecoder::new(self.bytes(start, stored)?.as_slice())
                    .take(size.saturating_add(1))
                    .read_to_end(&mut out)
                    .map_err(failed)?;
                actual.update(&out);
                out
            }
        };
        if bytes.len() as u64 != size || actual.sum() != crc {
            return Err(damaged(format_args!(
                "the member `{name}` has another length or checksum"
            )));
        }
        Ok(bytes)
    }
}

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// An entry of the directory; `None` for a folder.
fn entry(c: &mut Cursor<'_>) -> Result<Option<Entry>> {
    const ENCRYPTED: u16 = 1;
    const LINK: u32 = 0o120_000;
    const FILE_TYPE: u32 = 0o170_000;
    c.expect(b"PK\x01\x02")?;
    c.skip(4)?;
    let (flags, method) = (c.u16()?, c.u16()?);
    c.skip(4)?;
    let (crc, stored, size) = (c.u32()?, c.u32()?, c.u32()?);
    let (name, extra, comment) = (c.u16()?, c.u16()?, c.u16()?);
    c.skip(4)?;
    let mode = c.u32()? >> 16;
    let offset = c.u32()?;
    let name = std::str::from_utf8(c.take(name.into())?);
    let name = name.map_err(|_| damaged("a member's name is not UTF-8"))?;
    let extra = c.take(extra.into())?;
    c.skip(comment.into())?;
    let long = long_fields(extra)?;
    let mut long = Cursor::new(long);
    let mut full = |short: u32| match short {
        ELSEWHERE => long.u64(),
        _ => Ok(short.into()),
    };
    let (size, stored, offset) = (full(size)?, full(stored)?, full(offset)?);
    if name.ends_with('/') {
        return Ok(None);
    }
    if flags & ENCRYPTED != 0 {
        return Err(unsupported(format!("the member `{name}` is encrypted")));
    }
    if mode & FILE_TYPE == LINK {
        return Err(unsupported(format!(
            "the member `{name}` is a link, and links are not followed"
        )));
    }
    match method {
        STORED if stored != size => {
            return Err(damaged(format_args!(
                "the stored member `{name}` has two sizes"
            )));
        }
        STORED | DEFLATED => {}
        _ => {
            return Err(unsupported(format!(
                "the member `{name}` is compressed by method {method}; only deflate is read"
            )));
        }
    }
    Ok(Some(Entry {
        name: name.to_string(),
        method,
        crc,
        stored,
        size,
        offset,
    }))
}

/// The extra field with the sizes that have no room in the entry; empty if there is none.
fn long_fields(extra: &[u8]) -> Result<&[u8]> {
    let mut c = Cursor::new(extra);
    while c.len() >= 4 {
        let (id, size) = (c.u16()?, c.u16()?);
        let data = c.take(size.into())?;
        if id == ZIP64 {
            return Ok(data);
        }
    }
    Ok(&[])
}

/// Writes an archive of stored members, in their order.
pub(super) fn write(out: &mut dyn Write, members: &[(&str, &[u8])]) -> std::io::Result<()> {
    let mut offset = 0u64;
    let mut directory = Vec::new();
    for (name, bytes) in members {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let size = bytes.len() as u64;
        let mut local = b"PK\x03\x04".to_vec();
        let extra = if short(size) == ELSEWHERE {
            vec![size, size]
        } else {
            Vec::new()
        };
        head(&mut local, name, crc.sum(), size, &extra);
        local.extend_from_slice(name.as_bytes());
        put_extra(&mut local, &extra);
        out.write_all(&local)?;
        out.write_all(bytes)?;

        let mut extra = extra;
        if short(offset) == ELSEWHERE {
            extra.push(offset);
        }
        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&MADE_BY.to_le_bytes());
        head(&mut directory, name, crc.sum(), size, &extra);
        // No comment, first disk, no attributes; readable and writable by its owner.
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&(0o100_600u32 << 16).to_le_bytes());
        directory.extend_from_slice(&short(offset).to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
        put_extra(&mut directory, &extra);
        offset += (local.len() + bytes.len()) as u64;
    }
    out.write_all(&directory)?;
    end(out, members.len() as u64, directory.len() as u64, offset)
}

/// Version 4.5 of the format, on Unix.
const MADE_BY: u16 = 3 << 8 | VERSION;
const VERSION: u16 = 45;

fn short(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(ELSEWHERE)
}

/// What a member's own head and its entry in the directory have in common.
fn head(out: &mut Vec<u8>, name: &str, crc: u32, size: u64, extra: &[u64]) {
    const UTF8: u16 = 0x800;
    /// The first day of MS-DOS.
    const DATE: u16 = 1 << 5 | 1;
    let flags = if name.is_ascii() { 0 } else { UTF8 };
    for field in [VERSION, flags, STORED, 0, DATE] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    for field in [crc, short(size), short(size)] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    let extra = if extra.is_empty() {
        0
    } else {
        4 + 8 * extra.len()
    };
    for field in [name.len(), extra] {
        out.extend_from_slice(&(field as u16).to_le_bytes());
    }
}

fn put_extra(out: &mut Vec<u8>, extra: &[u64]) {
    if extra.is_empty() {
        return;
    }
    out.extend_from_slice(&ZIP64.to_le_bytes());
    out.extend_from_slice(&(8 * extra.len() as u16).to_le_bytes());
    for field in extra {
        out.extend_from_slice(&field.to_le_bytes());
    }
}

/// The end of the directory, in both forms where the short one does not reach.
fn end(out: &mut dyn Write, entries: u64, size: u64, offset: u64) -> std::io::Result<()> {
    let few = u16::try_from(entries).unwrap_or(u16::MAX);
    if few == u16::MAX || short(size) == ELSEWHERE || short(offset) == ELSEWHERE {
        out.write_all(b"PK\x06\x06")?;
        out.write_all(&44u64.to_le_bytes())?;
        out.write_all(&MADE_BY.to_le_bytes())?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&[0; 8])?;
        for field in [entries, entries, size, offset] {
            out.write_all(&field.to_le_bytes())?;
        }
        out.write_all(b"PK\x06\x07\0\0\0\0")?;
        out.write_all(&(offset + size).to_le_bytes())?;
        out.write_all(&1u32.to_le_bytes())?;
    }
    out.write_all(b"PK\x05\x06\0\0\0\0")?;
    out.write_all(&few.to_le_bytes())?;
    out.write_all(&few.to_le_bytes())?;
    out.write_all(&short(size).to_le_bytes())?;
    out.write_all(&short(offset).to_le_bytes())?;
    out.write_all(&[0; 2])
}
