//! Looks for system call instructions in an image.

use std::fs::File;
use std::io;
use std::ops::Range;

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic};
use memchr::memmem;
use tracer_syscalls::Arch;

use super::arguments::{arguments, is_among_code};
use super::calls::{Call, Calls};
use super::functions::{FUNCTION_BYTES_MAX, Functions, Surroundings};
use super::image::{Image, Machine};
use crate::sites::{decode, number_at};

/// What is looked at at once: little enough to stay in a processor's cache while it is searched for each pattern.
const CHUNK_BYTES: u64 = 256 * 1024;

/// `syscall`, `int $0x80`, `sysenter`.
const PATTERNS: [&[u8]; 3] = [b"\x0f\x05", b"\xcd\x80", b"\x0f\x34"];

/// Returns the calls that an image makes of its own and that may do something to files.
///
/// # Errors
/// The file cannot be read, or is not what it says.
pub(crate) fn scan(file: &File) -> io::Result<Calls> {
    let mut calls = Calls::default();
    let Some(image) = Image::open(file)? else { return Ok(calls) };
    match image.machine {
        Machine::X86_64 => scan_x86_64(&image, &mut calls)?,
        Machine::Aarch64 => super::aarch64::scan(&image, &mut calls)?,
    }
    Ok(calls)
}

fn scan_x86_64(image: &Image<'_>, calls: &mut Calls) -> io::Result<()> {
    let mut functions = None;
    let (mut places, mut bytes) = (Vec::new(), Vec::new());
    for section in &image.code {
        places.clear();
        find_places(image, section, &mut places)?;
        let mut rest = places.as_slice();
        while let Some(first) = rest.first() {
            let functions = match &mut functions {
                Some(functions) => functions,
                none => none.insert(Functions::read(image)?),
            };
            let around = functions.around(image, *first, section);
            let count = rest.partition_point(|place| *place < around.code.end).max(1);
            let (together, others) = rest.split_at(count);
            look_at(image, &around, together, &mut bytes, calls)?;
            rest = others;
            if calls.is_full() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Finds where the bytes of system calls are, instructions or not; in order.
fn find_places(image: &Image<'_>, section: &Range<u64>, places: &mut Vec<u64>) -> io::Result<()> {
    let finders = PATTERNS.map(memmem::Finder::new);
    let mut chunk = Vec::new();
    let mut at = section.start;
    while at < section.end {
        // A pattern may lie across the end.
        image.read_into(at, (CHUNK_BYTES + 1).min(section.end - at), &mut chunk)?;
        for finder in &finders {
            places.extend(finder.find_iter(&chunk).map(|place| at + place as u64));
        }
        at += CHUNK_BYTES;
    }
    places.sort_unstable();
    places.dedup();
    Ok(())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "there are thousands of instructions")]
fn is_call(instruction: &Instruction) -> bool {
    match instruction.mnemonic() {
        Mnemonic::Syscall | Mnemonic::Sysenter => true,
        Mnemonic::Int => instruction.immediate8() == 0x80,
        _ => false,
    }
}

/// Decodes what surrounds some places, and looks whether they are calls.
fn look_at(
    image: &Image<'_>,
    around: &Surroundings,
    places: &[u64],
    bytes: &mut Vec<u8>,
    calls: &mut Calls,
) -> io::Result<()> {
    let Surroundings { code, is_function } = around;
    let len = code.end.saturating_sub(code.start).min(FUNCTION_BYTES_MAX);
    image.read_into(code.start, len, bytes)?;
    // Most places are none: it is not worth keeping the instructions before that is known.
    if !has_call(bytes, code.start, places) {
        return Ok(());
    }
    let decoded = decode(bytes, code.start);
    for (index, instruction) in decoded.instructions.iter().enumerate() {
        let is_it = is_call(instruction) && places.binary_search(&instruction.ip()).is_ok();
        if !is_it || !(*is_function || is_among_code(&decoded, index)) {
            continue;
        }
        let number = number_at(&decoded, index);
        calls.add(if instruction.mnemonic() == Mnemonic::Int {
            Call { arch: Arch::X86, number, arguments: [None; 6] }
        } else {
            Call { arch: Arch::X86_64, number, arguments: arguments(&decoded, index) }
        });
    }
    Ok(())
}

/// Returns whether a call begins at one of the places, as far as decoding from the start of the code says.
fn has_call(code: &[u8], start: u64, places: &[u64]) -> bool {
    let mut decoder = Decoder::with_ip(64, code, start, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    places.iter().any(|place| {
        while decoder.can_decode() && decoder.ip() < *place {
            decoder.decode_out(&mut instruction);
        }
        if decoder.ip() != *place || !decoder.can_decode() {
            return false;
        }
        decoder.decode_out(&mut instruction);
        is_call(&instruction)
    })
}
