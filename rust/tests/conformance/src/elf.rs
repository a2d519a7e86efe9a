//! What is asked of shared libraries for 64-bit machines of this byte order (elf(5)), from their bytes.

use std::fs;
use std::path::Path;

use crate::Result;

const SHT_DYNAMIC: u32 = 6;
const SHT_DYNSYM: u32 = 11;
const PT_TLS: u32 = 7;
const DT_NEEDED: u64 = 1;
const DT_VERNEED: u64 = 0x6fff_fffe;
const STB_WEAK: u8 = 2;

/// A shared library.
#[derive(Debug)]
pub struct Library {
    bytes: Vec<u8>,
}

/// A symbol of it that others see, or that it wants of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Whether the library has it.
    pub is_defined: bool,
    /// Whether nobody need have it.
    pub is_weak: bool,
    /// Whether it is a function.
    pub is_function: bool,
}

/// A section: type, offset, length, and the number of the section it refers to.
struct Section {
    kind: u32,
    offset: usize,
    len: usize,
    link: usize,
}

impl Library {
    /// Reads a library.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        if bytes.starts_with(b"\x7fELF\x02\x01") {
            Ok(Self { bytes })
        } else {
            Err(format!("{} is no 64-bit library", path.display()))
        }
    }

    fn number<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    fn half(&self, at: usize) -> usize {
        u16::from_le_bytes(self.number(at)).into()
    }

    fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.number(at))
    }

    fn long(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.number(at))
    }

    fn string(&self, at: usize) -> String {
        let rest = self.bytes.get(at..).unwrap_or(b"");
        String::from_utf8_lossy(rest.split(|byte| *byte == 0).next().unwrap_or(b"")).into_owned()
    }

    fn section(&self, index: usize) -> Section {
        let header = self.long(40) as usize + 64 * index;
        Section {
            kind: self.word(header + 4),
            offset: self.long(header + 24) as usize,
            len: self.long(header + 32) as usize,
            link: self.word(header + 40) as usize,
        }
    }

    fn sections(&self, kind: u32) -> impl Iterator<Item = Section> {
        (0..self.half(60)).map(|index| self.section(index)).filter(move |section| section.kind == kind)
    }

    /// Returns the symbols that the dynamic linker sees.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut symbols = Vec::new();
        for section in self.sections(SHT_DYNSYM) {
            let strings = self.section(section.link).offset;
            for at in (section.offset..section.offset + section.len).step_by(24).skip(1) {
                let info = self.number::<1>(at + 4)[0];
                symbols.push(Symbol {
                    name: self.string(strings + self.word(at) as usize),
                    is_defined: self.half(at + 6) != 0,
                    is_weak: info >> 4 == STB_WEAK,
                    is_function: info & 15 == 2,
                });
            }
        }
        symbols
    }

    fn entries(&self) -> Vec<(u64, u64, usize)> {
        let entries = |section: Section| {
            let strings = self.section(section.link).offset;
            let places = (section.offset..section.offset + section.len).step_by(16);
            places.map(|at| (self.long(at), self.long(at + 8), strings)).collect::<Vec<_>>()
        };
        self.sections(SHT_DYNAMIC).flat_map(entries).collect()
    }

    /// Returns the libraries that it is loaded with.
    pub fn needed(&self) -> Vec<String> {
        let needed = self.entries().into_iter().filter(|(tag, ..)| *tag == DT_NEEDED);
        needed.map(|(_, value, strings)| self.string(strings + value as usize)).collect()
    }

    /// Returns whether it asks for versions of symbols.
    pub fn wants_versions(&self) -> bool {
        self.entries().iter().any(|(tag, ..)| *tag == DT_VERNEED)
    }

    /// Returns whether it has memory that is each thread's own.
    pub fn has_thread_memory(&self) -> bool {
        let table = self.long(32) as usize;
        (0..self.half(56)).any(|index| self.word(table + 56 * index) == PT_TLS)
    }
}
