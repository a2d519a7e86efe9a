//! A log in ordinary memory.

extern crate std;

use std::vec;
use std::vec::Vec;

use super::*;
use crate::entry::{SEALS_DIFFER_WITHIN, seal};

/// Enough for what the tests look at; the file is never longer than they say it is used.
fn memory() -> Vec<u64> {
    vec![0; (HEAD_BYTES as usize + 8192) / 8]
}

fn log(memory: &mut [u64]) -> Log<'_> {
    let bytes = size_of_val(memory) as u64;
    // SAFETY: all of the memory.
    unsafe { Log::new(NonNull::from(memory).cast(), bytes) }
}

fn put(memory: &mut [u64], position: u64, state: State, path: &[u8]) -> u64 {
    let len = Entry::room(path.len(), 0);
    let at = position as usize / 8;
    memory[at] = seal(position, len, state);
    memory[at + 3] = u64::from(Kind::Path as u8) | (path.len() as u64) << 16;
    for (index, byte) in path.iter().enumerate() {
        let place = size_of::<Entry>() + index;
        memory[at + place / 8] |= u64::from(*byte) << (8 * (place % 8));
    }
    position + u64::from(len)
}

#[test]
fn entries_stand_one_after_the_other() {
    let mut memory = memory();
    let second = put(&mut memory, HEAD_BYTES, State::Done, b"/a");
    let end = put(&mut memory, second, State::Begun, b"/second/path");
    let log = log(&mut memory);
    let Place::Entry(told) = log.look(HEAD_BYTES) else { panic!("no entry") };
    assert_eq!((told.path, told.state, told.next), (&b"/a"[..], State::Done, second));
    let Place::Entry(told) = log.look(second) else { panic!("no entry") };
    assert_eq!((told.path, told.state, told.next), (&b"/second/path"[..], State::Begun, end));
    assert_eq!(told.kind, Some(Kind::Path));
    assert!(matches!(log.look(end), Place::Empty));
}

#[test]
fn an_entry_of_unknown_length_is_stepped_over() {
    let mut memory = memory();
    let after_hole = HEAD_BYTES + 480;
    let end = put(&mut memory, after_hole, State::Done, b"/a");
    let log = log(&mut memory);
    assert!(matches!(log.look(HEAD_BYTES), Place::Empty));
    assert_eq!(log.resume(HEAD_BYTES, end), Some(after_hole));
    assert_eq!(log.resume(HEAD_BYTES, after_hole), None);
}

#[test]
fn a_seal_is_good_at_its_own_place_only() {
    let here = seal(HEAD_BYTES, 128, State::Done);
    assert_eq!(unseal(HEAD_BYTES, here), Some((128, State::Done)));
    for step in 1..SEALS_DIFFER_WITHIN {
        assert_eq!(unseal(HEAD_BYTES + step * Entry::ALIGN, here), None);
    }
    assert_eq!(unseal(HEAD_BYTES, 0), None);
    assert_eq!(unseal(HEAD_BYTES, seal(HEAD_BYTES, 16, State::Done)), None);
}

#[test]
fn texts_longer_than_their_entry_are_not_read() {
    let mut memory = memory();
    put(&mut memory, HEAD_BYTES, State::Done, b"/a");
    memory[HEAD_BYTES as usize / 8 + 3] |= 0xffff << 16;
    let Place::Entry(told) = log(&mut memory).look(HEAD_BYTES) else { panic!("no entry") };
    assert_eq!((told.kind, told.path), (None, &b""[..]));
}
