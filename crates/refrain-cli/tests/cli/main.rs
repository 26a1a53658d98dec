//! The built command, run on models that the tests make.

mod converting;
mod fitting;
mod looking;
mod options;
mod refusing;
mod running;
mod support;
mod unfollowed;
