//! An ELF file of which only what is asked for is read: code can be hundreds of megabytes, and a mapping of a file that somebody shortens is
//! a signal.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use crate::elf::{self, Segment};

/// Longest tables that are read, bytes: a program header is 56, a section header 64, and there are at most 65535.
const TABLE_BYTES_MAX: u64 = 4 << 20;

/// Length of the ELF header.
const HEADER_BYTES: u64 = 64;

/// What system calls look like in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    X86_64,
    Aarch64,
}

/// A program or library.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    file: &'a File,
    pub(crate) machine: Machine,
    segments: Vec<Segment>,
    /// The header and the program headers, as if these followed it at once.
    headers: Vec<u8>,
    /// Addresses of code, in order.
    pub(crate) code: Vec<Range<u64>>,
}

fn half(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |half| u16::from_le_bytes(*half).into())
}

pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|long| u64::from_le_bytes(*long))
}

fn read(file: &File, at: u64, len: u64) -> io::Result<Vec<u8>> {
    if len > TABLE_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

impl<'a> Image<'a> {
    /// Returns `None` for a file that is no program or library of 64 bits.
    pub(crate) fn open(file: &'a File) -> io::Result<Option<Self>> {
        const EM_X86_64: u64 = 62;
        const EM_AARCH64: u64 = 183;
        let mut headers = vec![0; HEADER_BYTES as usize];
        match file.read_exact_at(&mut headers, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let machine = match half(&headers, 18) {
            EM_X86_64 => Machine::X86_64,
            EM_AARCH64 => Machine::Aarch64,
            _ => return Ok(None),
        };
        let (Some(at), true) = (long(&headers, 32), headers.starts_with(b"\x7fELF\x02\x01")) else {
            return Ok(None);
        };
        // Tools that edit libraries put the table anywhere.
        let table = read(file, at, half(&headers, 56) * 56)?;
        headers[32..40].copy_from_slice(&HEADER_BYTES.to_le_bytes());
        headers.extend_from_slice(&table);
        let segments = elf::segments(&headers);
        // A file may have no sections, or call them what it likes: then it is its segments that hold code.
        let sections = sections_of_code(file, &headers).unwrap_or_default();
        let mut code: Vec<Range<u64>> = if sections.is_empty() {
            let executable = segments.iter().filter(|segment| segment.is_executable);
            executable.map(|segment| segment.address..segment.address + segment.len).collect()
        } else {
            sections
        };
        code.sort_unstable_by_key(|range| range.start);
        Ok(Some(Self { file, machine, segments, headers, code }))
    }

    /// Returns what is at an address; less than asked for, where the segment ends.
    pub(crate) fn bytes(&self, address: u64, len: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_into(address, len, &mut bytes)?;
        Ok(bytes)
    }

    /// As [`Self::bytes`], in the place of what was in `bytes`.
    pub(crate) fn read_into(&self, address: u64, len: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
        let within = |segment: &&Segment| (segment.address..segment.address + segment.len).contains(&address);
        let segment = self.segments.iter().find(within).ok_or(io::ErrorKind::InvalidData)?;
        let into = address - segment.address;
        bytes.resize(len.min(segment.len - into) as usize, 0);
        self.file.read_exact_at(bytes, segment.offset + into)
    }

    /// Returns the address and length of the table of functions.
    pub(crate) fn function_table(&self) -> Option<(u64, u64)> {
        elf::function_table(&self.headers)
    }
}

/// Returns the addresses of sections that hold code.
fn sections_of_code(file: &File, header: &[u8]) -> io::Result<Vec<Range<u64>>> {
    const SHF_ALLOC_EXECINSTR: u64 = 2 | 4;
    const SHT_NOBITS: u32 = 8;
    let table = read(file, long(header, 40).unwrap_or(0), half(header, 60) * 64)?;
    let of_section = |section: &[u8]| {
        let (flags, address, len) = (long(section, 8)?, long(section, 16)?, long(section, 32)?);
        let is_code = flags & SHF_ALLOC_EXECINSTR == SHF_ALLOC_EXECINSTR && word(section, 4)? != SHT_NOBITS;
        is_code.then(|| address..address.saturating_add(len))
    };
    Ok(table.chunks_exact(64).filter_map(of_section).collect())
}
