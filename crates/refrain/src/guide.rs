//! Guides: longer texts than the pages of single items.

/// From Keras to refrain and back: files, the command line, what is supported and what differs.
pub mod from_keras {
    #![doc = include_str!("../docs/FROM_KERAS.md")]
}
