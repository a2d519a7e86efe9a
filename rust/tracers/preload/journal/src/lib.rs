//! The journal of the preload tracer: one file in memory, mapped by every process of a run and by the collector.
//!
//! It is a [`Head`], then [`Plans`](plans), then a log. A process makes room in the log with one atomic addition and then
//! fills in an [`Entry`]; no lock, no system call. The position of an entry is its place in the order of all entries of
//! the run. What was sealed is in the file whatever becomes of the process, the collector, or both.
//!
//! This crate says what the bytes mean and never maps, grows or waits: the library and the collector do. It needs no
//! standard library, for it lives in other people's processes. Begin reading at [`Head`] and [`Entry`].
//!
//! # Order
//!
//! An effect that others can see takes its place *before* the system call ([`State::Begun`]) and is completed after it;
//! an observation takes its place *after* the call. So whoever saw an effect stands behind it in the log.
//!
//! # Safety
//!
//! The one unsafe block of the crate is in [`log`], which turns mapped memory into references to atomics.

#![no_std]

pub mod entry;
pub mod head;
pub mod log;
pub mod plans;

pub use entry::{Entry, Flags, Kind, State};
pub use head::{FILE_BYTES, HEAD_BYTES, Head};
pub use log::{Log, Place};
