//! refrain command
fn main() {}
