//! The eBPF tracer with file capabilities, in the hands of a user who has no rights and wants some: each attempt is a test.
//!
//! They need root, to set the capabilities up and to be somebody else, and a kernel that takes the programs. With `ebpf` in
//! `ROAR_REQUIRE` it is a failure where they cannot be made, else a word.

#![forbid(unsafe_code)]

#[cfg(test)]
mod attempts;
#[cfg(test)]
mod world;
