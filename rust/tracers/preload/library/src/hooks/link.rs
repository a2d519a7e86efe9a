//! Finding functions and variables of the C library in what the loader has loaded (elf(5); "DT_GNU_HASH" of the gABI's extensions).
//!
//! # Safety
//!
//! What a loaded file's dynamic section names is mapped as long as the file is: the C library and what was loaded before the program began
//! are so for good.

use core::ffi::CStr;

use crate::imports;
use crate::loader::{self, LinkMap};

const DT_NULL: usize = 0;
const DT_HASH: usize = 4;
const DT_STRTAB: usize = 5;
const DT_SYMTAB: usize = 6;
const DT_VERSYM: usize = 0x6fff_fff0;
const DT_GNU_HASH: usize = 0x6fff_fef5;

/// Of a version: not the one that programs are linked with today.
const HIDDEN: u16 = 0x8000;

/// Kinds of symbols.
const STT_OBJECT: u8 = 1;
const STT_FUNC: u8 = 2;

/// `Elf64_Sym`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Symbol {
    name: u32,
    info: u8,
    other: u8,
    section: u16,
    value: usize,
    size: usize,
}

/// The tables of a loaded file.
struct Tables {
    base: usize,
    strings: *const u8,
    symbols: *const Symbol,
    versions: *const u16,
    gnu_hash: *const u32,
    hash: *const u32,
}

/// Returns the next function of that name behind the library's own.
pub(super) fn find_function(name: &CStr) -> Option<usize> {
    find_next(name).or_else(|| {
        // What musl has no name of its own for is the same function without it.
        let bytes = name.to_bytes();
        let plain = bytes.strip_suffix(b"64").filter(|_| !bytes.ends_with(b"at64"))?;
        let mut copy = [0; 32];
        copy.get_mut(..plain.len())?.copy_from_slice(plain);
        find_next(CStr::from_bytes_until_nul(&copy).ok()?)
    })
}

fn find_next(name: &CStr) -> Option<usize> {
    let own = imports::own_dynamic();
    let hash = gnu_hash(name);
    let mut behind = loader::loaded().skip_while(|map| !map.is_at(own)).skip(1);
    behind.find_map(|map| Tables::of(map)?.find(name, hash, STT_FUNC))
}

/// Returns the first variable of that name: the one that everybody uses.
pub(super) fn find_variable(name: &CStr) -> Option<usize> {
    let own = imports::own_dynamic();
    let hash = gnu_hash(name);
    loader::loaded()
        .filter(|map| !map.is_at(own))
        .find_map(|map| Tables::of(map)?.find(name, hash, STT_OBJECT))
}

fn gnu_hash(name: &CStr) -> u32 {
    name.to_bytes().iter().fold(5381, |hash: u32, byte| hash.wrapping_mul(33).wrapping_add(u32::from(*byte)))
}

fn word(at: *const u32, index: usize) -> u32 {
    // SAFETY: within a table of a loaded file, see the module.
    unsafe { at.wrapping_add(index).read() }
}

impl Tables {
    fn of(map: &LinkMap) -> Option<Self> {
        let base = map.base;
        let mut tables = Self {
            base,
            strings: core::ptr::null(),
            symbols: core::ptr::null(),
            versions: core::ptr::null(),
            gnu_hash: core::ptr::null(),
            hash: core::ptr::null(),
        };
        let mut at = map.dynamic();
        if at.is_null() {
            return None;
        }
        loop {
            // SAFETY: pairs up to one of `DT_NULL`.
            let [tag, value] = unsafe { at.read() };
            // glibc's loader writes addresses in the place of what the file says, musl's does not.
            let address = if value < base { base.wrapping_add(value) } else { value };
            match tag {
                DT_NULL => break,
                DT_STRTAB => tables.strings = address as *const u8,
                DT_SYMTAB => tables.symbols = address as *const Symbol,
                DT_VERSYM => tables.versions = address as *const u16,
                DT_GNU_HASH => tables.gnu_hash = address as *const u32,
                DT_HASH => tables.hash = address as *const u32,
                _ => {}
            }
            at = at.wrapping_add(1);
        }
        (!tables.strings.is_null() && !tables.symbols.is_null()).then_some(tables)
    }

    /// Returns the address of the symbol, in its newest version.
    fn find(&self, name: &CStr, hash: u32, kind: u8) -> Option<usize> {
        let mut second = None;
        let mut take = |index: usize| {
            let (address, is_hidden) = self.matching(index, name, kind)?;
            if is_hidden {
                second = second.or(Some(address));
                return None;
            }
            Some(address)
        };
        let found = if self.gnu_hash.is_null() {
            self.walk_hash(name, &mut take)
        } else {
            self.walk_gnu_hash(hash, &mut take)
        };
        found.or(second)
    }

    /// Returns the symbol's address if it is the one, and whether it is an old version of it.
    fn matching(&self, index: usize, name: &CStr, kind: u8) -> Option<(usize, bool)> {
        // SAFETY: the hash table names symbols that there are.
        let symbol = unsafe { self.symbols.wrapping_add(index).read() };
        if symbol.section == 0 || symbol.info & 15 != kind || symbol.value == 0 {
            return None;
        }
        // SAFETY: a string of the table.
        let own = unsafe { CStr::from_ptr(self.strings.wrapping_add(symbol.name as usize).cast()) };
        if own != name {
            return None;
        }
        let is_hidden = !self.versions.is_null() && {
            // SAFETY: as many as there are symbols.
            let version = unsafe { self.versions.wrapping_add(index).read() };
            version & HIDDEN != 0
        };
        Some((self.base.wrapping_add(symbol.value), is_hidden))
    }

    fn walk_gnu_hash(&self, hash: u32, take: &mut dyn FnMut(usize) -> Option<usize>) -> Option<usize> {
        let [buckets, first, bloom_words, bloom_shift] = [0, 1, 2, 3].map(|at| word(self.gnu_hash, at));
        if buckets == 0 || bloom_words == 0 {
            return None;
        }
        let bloom = self.gnu_hash.wrapping_add(4).cast::<u64>();
        let place = (hash / 64) % bloom_words;
        // SAFETY: as many words as the table says.
        let bits = unsafe { bloom.wrapping_add(place as usize).read() };
        let wanted = 1_u64 << (hash % 64) | 1_u64 << ((hash.wrapping_shr(bloom_shift)) % 64);
        if bits & wanted != wanted {
            return None;
        }
        let bucket = bloom.wrapping_add(bloom_words as usize).cast::<u32>();
        let chain = bucket.wrapping_add(buckets as usize);
        let mut index = word(bucket, (hash % buckets) as usize);
        if index < first {
            return None;
        }
        loop {
            let entry = word(chain, (index - first) as usize);
            if (entry ^ hash) >> 1 == 0
                && let Some(found) = take(index as usize)
            {
                return Some(found);
            }
            if entry & 1 != 0 {
                return None;
            }
            index += 1;
        }
    }

    fn walk_hash(&self, name: &CStr, take: &mut dyn FnMut(usize) -> Option<usize>) -> Option<usize> {
        if self.hash.is_null() {
            return None;
        }
        let hash = name.to_bytes().iter().fold(0, |hash: u32, byte| {
            let hash = (hash << 4).wrapping_add(u32::from(*byte));
            let high = hash & 0xf000_0000;
            (hash ^ high >> 24) & !high
        });
        let buckets = word(self.hash, 0);
        if buckets == 0 {
            return None;
        }
        let chain = self.hash.wrapping_add(2 + buckets as usize);
        let mut index = word(self.hash, 2 + (hash % buckets) as usize);
        while index != 0 {
            if let Some(found) = take(index as usize) {
                return Some(found);
            }
            index = word(chain, index as usize);
        }
        None
    }
}
