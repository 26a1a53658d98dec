//! What the tests against golden values share.
#![allow(dead_code)] // each test file uses its part

pub mod cells;
pub mod compare;
pub mod config;
pub mod gradient;
pub mod layer_case;
pub mod npz;
