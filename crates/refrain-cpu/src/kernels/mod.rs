//! The loops that do the arithmetic. All `unsafe` of the crate lives here.

#![allow(unsafe_code)]

pub mod pool;
