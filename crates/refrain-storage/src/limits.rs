//! How much a file may ask for.

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $t:ty = $default:expr;)*) => {
        /// How much a file may ask for when it is read. Whatever asks for more is an error that names the limit.
        ///
        /// The defaults fit every model that fits into a workstation's memory. Lower them for files of strangers; raise them for
        /// the file that needs it. Whatever the limits, a reader never allocates for what a file only declares: opening takes at
        /// most 64 times the bytes that are really there and 1 MiB, JSON 128 times its own text.
        ///
        /// ```
        /// use refrain_storage::Limits;
        ///
        /// let careful = Limits::new().total_bytes(64 << 20).members(16);
        /// assert_eq!(careful.get_members(), 16);
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits { $($name: $t,)* }

        impl Default for Limits {
            fn default() -> Self {
                Limits { $($name: $default,)* }
            }
        }

        impl Limits {
            /// The defaults.
            pub fn new() -> Self {
                Self::default()
            }

            $($(#[$doc])*
            pub fn $name(mut self, limit: $t) -> Self {
                self.$name = limit;
                self
            })*
        }
    };
}

limits! {
    /// Bytes of all arrays of one file together, uncompressed. Default: 64 GiB.
    total_bytes: u64 = 64 * GIB;
    /// Bytes of one array, uncompressed. Default: 16 GiB.
    array_bytes: u64 = 16 * GIB;
    /// Bytes of one member of an archive, uncompressed. Default: 64 GiB.
    member_bytes: u64 = 64 * GIB;
    /// Members of an archive. Default: 10 000.
    members: usize = 10_000;
    /// How many times its compressed size something may have, beyond its first 16 MiB. Default: 200.
    compression_ratio: u64 = 200;
    /// Groups inside groups, folders inside folders. Default: 200; at most 500, whatever is asked for.
    depth: usize = 200;
    /// Groups and arrays of one file together. Default: 1 000 000.
    objects: usize = 1_000_000;
    /// Bytes of one JSON text. Default: 64 MiB.
    json_bytes: u64 = 64 * MIB;
    /// Lists and objects inside each other in JSON. Default: 256; at most 1 000, whatever is asked for.
    json_depth: usize = 256;
}

/// Small things may be compressed as well as they like.
const FREE_BYTES: u64 = 16 * MIB;

/// Each level takes some hundred bytes of the stack while JSON is read.
const MOST_JSON_DEPTH: usize = 1_000;

/// Each level takes some kilobytes of the stack while a tree is read.
const MOST_DEPTH: usize = 500;

macro_rules! getters {
    ($($name:ident: $get:ident -> $t:ty;)*) => {
        impl Limits {
            $(#[doc = concat!("The limit set by [`Limits::", stringify!($name), "`].")]
            pub fn $get(&self) -> $t {
                self.$name
            })*
        }
    };
}

getters! {
    total_bytes: get_total_bytes -> u64;
    array_bytes: get_array_bytes -> u64;
    member_bytes: get_member_bytes -> u64;
    members: get_members -> usize;
    compression_ratio: get_compression_ratio -> u64;
    objects: get_objects -> usize;
    json_bytes: get_json_bytes -> u64;
}

impl Limits {
    /// The limit set by [`Limits::depth`].
    pub fn get_depth(&self) -> usize {
        self.depth.min(MOST_DEPTH)
    }

    /// The limit set by [`Limits::json_depth`].
    pub fn get_json_depth(&self) -> usize {
        self.json_depth.min(MOST_JSON_DEPTH)
    }

    /// How many bytes this many stored bytes may stand for.
    pub(super) fn inflated(&self, stored: u64) -> u64 {
        stored
            .saturating_mul(self.compression_ratio)
            .max(FREE_BYTES)
    }
}
