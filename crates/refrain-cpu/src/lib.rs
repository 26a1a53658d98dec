//! The CPU compiler of refrain.
