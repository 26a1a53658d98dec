//! The heap of an HDF5 file's texts.

/// A collection is at least this long, in bytes: HDF5 refuses shorter ones.
const SMALLEST: usize = 4096;
/// A collection is begun when the last one has this many bytes, so that texts are found in short collections.
const FULL: usize = 1 << 16;
/// Of a collection and of an object in it.
const HEAD: usize = 16;

/// A text's length is a number of 32 bits.
pub(super) const MOST_TEXT: usize = u32::MAX as usize;

/// All texts, in the order of the attributes.
#[derive(Default)]
pub(super) struct Heap<'a> {
    collections: Vec<Collection<'a>>,
    /// Collection, index and length of each; an empty text is nowhere.
    places: Vec<Option<(usize, u32, u32)>>,
}

#[derive(Default)]
struct Collection<'a> {
    texts: Vec<&'a str>,
    used: usize,
}

impl Collection<'_> {
    fn size(&self) -> usize {
        (HEAD + self.used).max(SMALLEST)
    }
}

impl<'a> Heap<'a> {
    /// Adds a text of at most [`MOST_TEXT`] bytes.
    pub(super) fn add(&mut self, text: &'a str) {
        let length = text.len() as u32;
        if text.is_empty() {
            return self.places.push(None);
        }
        if self.collections.last().is_none_or(|c| c.used >= FULL) {
            self.collections.push(Collection::default());
        }
        if let Some(collection) = self.collections.last_mut() {
            collection.texts.push(text);
            collection.used += HEAD + text.len().next_multiple_of(8);
            let index = collection.texts.len() as u32;
            self.places
                .push(Some((self.collections.len() - 1, index, length)));
        }
    }

    /// Bytes of all collections.
    pub(super) fn size(&self) -> usize {
        self.collections.iter().map(Collection::size).sum()
    }

    /// A reference to each text, if the heap begins at an address.
    pub(super) fn references(&self, address: usize) -> impl Iterator<Item = [u8; 16]> {
        let starts = self.collections.iter().scan(address, |next, c| {
            let start = *next;
            *next += c.size();
            Some(start as u64)
        });
        let starts: Vec<u64> = starts.collect();
        self.places.iter().map(move |place| {
            let mut out = [0; 16];
            if let Some((collection, index, length)) = place {
                let start = starts.get(*collection).copied().unwrap_or(0);
                out[..4].copy_from_slice(&length.to_le_bytes());
                out[4..12].copy_from_slice(&start.to_le_bytes());
                out[12..].copy_from_slice(&index.to_le_bytes());
            }
            out
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for collection in &self.collections {
            let end = out.len() + collection.size();
            out.extend_from_slice(b"GCOL\x01\0\0\0");
            out.extend_from_slice(&(collection.size() as u64).to_le_bytes());
            for (i, text) in collection.texts.iter().enumerate() {
                object(i as u16 + 1, text.len(), out);
                out.extend_from_slice(text.as_bytes());
                out.resize(out.len().next_multiple_of(8), 0);
            }
            let free = end - out.len();
            if free >= HEAD {
                object(0, free, out);
            }
            out.resize(end, 0);
        }
    }
}

/// The head of an object: index, one reference, size.
fn object(index: u16, size: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&index.to_le_bytes());
    out.extend_from_slice(&[1, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&(size as u64).to_le_bytes());
}
