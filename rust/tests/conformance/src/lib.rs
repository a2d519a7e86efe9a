//! The conformance harness: small programs that do one thing each, run under every backend, and the report of `roar run`
//! compared with what the observation model says about them.
//!
//! It never trusts a report: what is expected is written by hand in `cases/*.toml`, and every program is also run
//! without roar (backend `bare`), so that a program that does not do what its case says cannot pass.
//!
//! ```text
//! cargo nextest run -p conformance                     all that can run here
//! cargo nextest run -p conformance ptrace::            one backend; `bare::` is without roar, `meta::` the harness itself
//! cargo test -p conformance --test conformance mmap    by name
//! ROAR_REQUIRE=ptrace,kernel cargo nextest run …       nothing may be skipped for want of anything; see [`env`]
//! ```
//!
//! Begin with [`case::Case`] (what a case may say), then [`compare::compare`]; [`observation`] is the other half: what the
//! traced program sees.
#![forbid(unsafe_code)]

pub mod agreement;
pub mod backend;
pub mod case;
pub mod compare;
pub mod elf;
pub mod env;
pub mod expectation;
pub mod fault;
pub mod flood;
pub mod observation;
pub mod pattern;
pub mod process;
pub mod program;
pub mod report;
pub mod run;
pub mod world;

/// What went wrong, in words for the person who reads the test's output.
pub type Result<T> = std::result::Result<T, String>;
