//! The differential tester: random programs of file operations, run bare and under each backend, and held against one another and against a
//! model of the kernel and of what roar is to say.
//!
//! Begin with [`script`] (what a program is), then [`model`] (what is expected of it), [`lab`] (what really comes of it), [`judge`] (what is
//! wrong with that) and [`shrink`] (the least program with which it is still wrong). [`generate`] makes programs from numbers.
//!
//! It never takes its expectations from a report.
#![forbid(unsafe_code)]

pub mod generate;
pub mod judge;
pub mod lab;
pub mod model;
pub mod script;
pub mod shrink;
