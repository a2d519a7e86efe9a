//! Strings that a program gives to execve(2), before the kernel has looked at them: they may lead to addresses where nothing is.
//!
//! # Safety
//!
//! Bytes are read only from pages of which the kernel has just read one. Another thread that takes the memory away in between would
//! make the call fail as well.

use core::slice;

use crate::{sandbox, sys};

const PAGE: usize = 4096;

/// Most strings that are looked at: more cannot be given to a program (MAX_ARG_STRINGS would be far above what its stack can hold).
const STRINGS_MAX: usize = 1 << 20;

/// Pages that are known to be there: the strings and the pointers to them are nearly always side by side.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    known: [usize; 4],
    next: usize,
}

impl Pages {
    /// Returns whether a byte can be read.
    pub(crate) fn has(&mut self, address: usize) -> bool {
        let page = address / PAGE;
        // In a sandbox nobody may be asked.
        if self.known.contains(&page) || sandbox::is_entered() {
            return page != 0;
        }
        if page == 0 || sys::peek(address, &mut [0]) != 1 {
            return false;
        }
        if let Some(place) = self.known.get_mut(self.next % 4) {
            *place = page;
        }
        self.next += 1;
        true
    }

    /// Returns a string without its NUL; `None` if it leads to where nothing is.
    fn string(&mut self, start: usize) -> Option<&'static [u8]> {
        let mut at = start;
        while self.has(at) {
            let end = (at / PAGE + 1) * PAGE;
            // SAFETY: in a page that is there.
            let rest = unsafe { slice::from_raw_parts(at as *const u8, end - at) };
            if let Some(len) = rest.iter().position(|byte| *byte == 0) {
                // SAFETY: all pages up to there were looked at.
                return Some(unsafe { slice::from_raw_parts(start as *const u8, at - start + len) });
            }
            at = end;
        }
        None
    }
}

/// The strings of an array that a null pointer ends; `None` of one that leads to where nothing is, and nothing after it.
pub(crate) struct Strings<'a> {
    at: usize,
    left: usize,
    pages: &'a mut Pages,
}

impl<'a> Strings<'a> {
    /// Returns the strings of the array at that address, none for address 0 (execve(2)).
    pub(crate) fn new(at: usize, pages: &'a mut Pages) -> Self {
        Self { at, left: if at == 0 { 0 } else { STRINGS_MAX }, pages }
    }

    fn next_string(&mut self) -> Option<Option<&'static [u8]>> {
        const LAST: usize = size_of::<usize>() - 1;
        if !self.pages.has(self.at) || !self.pages.has(self.at.wrapping_add(LAST)) {
            return Some(None);
        }
        // SAFETY: in pages that are there.
        let pointer = unsafe { (self.at as *const usize).read_unaligned() };
        if pointer == 0 {
            return None;
        }
        self.at = self.at.wrapping_add(size_of::<usize>());
        Some(self.pages.string(pointer))
    }
}

impl Iterator for Strings<'_> {
    type Item = Option<&'static [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let string = self.next_string();
        if !matches!(string, Some(Some(_))) {
            self.left = 0;
        }
        string
    }
}
