//! A tiny machine for the tests: files with inode numbers, processes with descriptors, and a backend that tells of them.
//!
//! [`Machine`] performs one line of the case language at a time ([`Machine::perform`]), changes its [`Files`] as a kernel
//! would and puts on its [`Tape`] the frames that a backend would. Cases and generated tests share it.

pub(crate) mod files;
mod machine;
mod tape;

pub(crate) use machine::{Machine, Refused};
pub(crate) use tape::Form;
