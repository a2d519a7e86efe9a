//! The calls that were found in an image.

use std::fmt::Write as _;

use tracer_syscalls::{Arch, Effect, ROWS, Test, When, lookup};

use crate::plans;

/// A system call instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) arch: Arch,
    /// Its number, where the code says.
    pub(crate) number: Option<u32>,
    /// Its arguments, where the code says.
    pub(crate) arguments: [Option<u32>; 6],
}

/// How many different calls are told of an image.
const CALLS_MAX: usize = 4;

/// Different calls of an image that may do something to files, each packed into 2 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls(pub(crate) [u16; CALLS_MAX]);

/// Packs a call: 2 bits for the convention, of which 0 is none, and the number or all ones.
const NUMBER_BITS: u32 = 14;
const NUMBER_MASK: u16 = (1 << NUMBER_BITS) - 1;

/// Calls of the tables of [`plans`] that matter there for what the library keeps in mind, and do nothing to files: processes and threads
/// are made, waited for and ended. What a process does that was made so is told by the library within it.
const OF_PROCESSES: &[&str] = &["fork", "vfork", "clone", "clone3", "exit_group", "wait4", "waitid", "prctl"];

/// Returns the name of a call.
fn name(arch: Arch, number: u32) -> Option<&'static str> {
    let number = number as usize;
    match arch {
        Arch::X86_64 | Arch::X32 => syscalls::x86_64::Sysno::new(number).map(|call| call.name()),
        Arch::X86 => syscalls::x86::Sysno::new(number).map(|call| call.name()),
        Arch::Aarch64 => syscalls::aarch64::Sysno::new(number).map(|call| call.name()),
    }
}

/// Returns whether a call whose arguments are partly known can have its effect.
fn can_hold(when: &When, arguments: &[Option<u32>; 6]) -> bool {
    let can_pass = |test: &Test| {
        let argument = arguments.get(usize::from(test.arg)).copied().flatten();
        argument.is_none_or(|value| test.passes(&[value.into(); 6]))
    };
    match when {
        When::Always => true,
        When::All(tests) => tests.iter().all(can_pass),
        When::Any(tests) => tests.iter().any(can_pass),
    }
}

impl Call {
    /// Returns whether it may do something to files, or to what descriptors and paths mean.
    fn matters(self) -> bool {
        let Self { arch, number, arguments } = self;
        let Some(number) = number else { return true };
        let is_also = || {
            name(arch, number).is_some_and(|name| !OF_PROCESSES.contains(&name) && plans::also_matters(name))
        };
        let is_effect = |row: usize| {
            let row = &ROWS[row];
            !matches!(row.effect, Effect::List { .. }) && can_hold(&row.when, &arguments)
        };
        lookup(arch, number.into()).is_some_and(is_effect) || is_also()
    }

    fn pack(self) -> u16 {
        let arch = match self.arch {
            Arch::X86_64 | Arch::X32 => 1,
            Arch::X86 => 2,
            Arch::Aarch64 => 3,
        };
        let number = self.number.map_or(NUMBER_MASK, |number| number.min(NUMBER_MASK.into()) as u16);
        arch << NUMBER_BITS | number
    }

    fn unpack(packed: u16) -> Option<(Arch, Option<u32>)> {
        let arch = match packed >> NUMBER_BITS {
            0 => return None,
            1 => Arch::X86_64,
            2 => Arch::X86,
            _ => Arch::Aarch64,
        };
        let number = packed & NUMBER_MASK;
        Some((arch, (number != NUMBER_MASK).then_some(number.into())))
    }
}

impl Calls {
    /// Adds a call, unless it does nothing to files or is there.
    pub(crate) fn add(&mut self, call: Call) {
        let packed = call.pack();
        if call.matters()
            && !self.0.contains(&packed)
            && let Some(place) = self.0.iter_mut().find(|place| **place == 0)
        {
            *place = packed;
        }
    }

    pub(crate) fn is_full(self) -> bool {
        !self.0.contains(&0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == [0; CALLS_MAX]
    }

    /// Returns their names.
    pub(crate) fn names(self) -> String {
        let mut names = String::new();
        let mut has_unnamed = false;
        for (arch, number) in self.0.into_iter().filter_map(Call::unpack) {
            let Some(name) = number.and_then(|number| name(arch, number)) else {
                has_unnamed = true;
                continue;
            };
            let comma = if names.is_empty() { "" } else { ", " };
            // Writing into a string does not fail.
            let _written = write!(names, "{comma}{name}");
        }
        match (names.is_empty(), has_unnamed) {
            (true, _) => "any".to_owned(),
            (false, true) => names + " and any others",
            (false, false) if self.is_full() => names + " and perhaps others",
            (false, false) => names,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_kept_once_and_named() {
        let mut calls = Calls::default();
        let call = |arch, number| Call { arch, number, arguments: [None; 6] };
        for number in [257, 257, 202, 57] {
            calls.add(call(Arch::X86_64, Some(number)));
        }
        assert_eq!(calls.names(), "openat");
        calls.add(call(Arch::X86, None));
        calls.add(call(Arch::X86, Some(3)));
        assert_eq!(calls.names(), "openat, read and any others");
        assert!(!calls.is_full());
    }

    #[test]
    fn calls_whose_arguments_say_that_they_do_nothing_to_files_are_left_out() {
        let mut calls = Calls::default();
        const TIOCGWINSZ: u32 = 0x5413;
        const MAP_PRIVATE_ANONYMOUS: u32 = 0x22;
        let arguments = [None, Some(TIOCGWINSZ), None, None, None, None];
        calls.add(Call { arch: Arch::X86_64, number: Some(16), arguments });
        let arguments = [None, None, None, Some(MAP_PRIVATE_ANONYMOUS), None, None];
        calls.add(Call { arch: Arch::X86_64, number: Some(9), arguments });
        assert!(calls.is_empty());
        calls.add(Call { arch: Arch::X86_64, number: Some(9), arguments: [None; 6] });
        assert_eq!(calls.names(), "mmap");
    }
}
