//! Where fields of the running kernel's structures are, and which types its tracepoints have: from the type information that the kernel
//! has of itself (BTF, Documentation/bpf/btf.rst).
//!
//! It is looked through at each start, all of it once. What was found is not kept for the next time: whoever could write to the place where
//! that is could have the kernel side read where he likes.
//!
//! # Safety
//!
//! The type information of the kernel that runs does not change, so that it can be looked at where the kernel has it.

use std::fs::{self, File};
use std::io;
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::ptr;

use memchr::{memchr, memmem};
use rustc_hash::{FxHashMap, FxHashSet};

/// Where the kernel has its type information.
pub(crate) const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// The kernel's type information: where the kernel has it (since Linux 6.16), or a copy.
pub(crate) enum KernelTypes {
    Shared(Shared),
    Copied(Vec<u8>),
}

pub(crate) struct Shared {
    place: *const u8,
    bytes: usize,
}

impl KernelTypes {
    pub(crate) fn open() -> io::Result<Self> {
        let file = File::open(KERNEL_BTF)?;
        let bytes = file.metadata()?.len() as usize;
        // SAFETY: a new mapping, at a place that the kernel chooses.
        let place = unsafe {
            libc::mmap(ptr::null_mut(), bytes, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
        };
        if place == libc::MAP_FAILED {
            return fs::read(KERNEL_BTF).map(Self::Copied);
        }
        Ok(Self::Shared(Shared { place: place.cast(), bytes }))
    }
}

impl Deref for KernelTypes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            // SAFETY: mapped, and what is there does not change.
            Self::Shared(Shared { place, bytes }) => unsafe { std::slice::from_raw_parts(*place, *bytes) },
            Self::Copied(bytes) => bytes,
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: mapped by `open`.
        unsafe { libc::munmap(self.place.cast_mut().cast(), self.bytes) };
    }
}

/// Kinds of types.
mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const PTR: u32 = 2;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const TYPEDEF: u32 = 8;
    pub(super) const RESTRICT: u32 = 11;
    pub(super) const FUNC: u32 = 12;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const TYPE_TAG: u32 = 18;
    pub(super) const ENUM64: u32 = 19;
}

const MAGIC: u32 = 0xeb9f;
const HEADER_BYTES: usize = 24;
const TYPE_BYTES: usize = 12;
const MEMBER_BYTES: usize = 12;

/// Bytes of a type with what belongs to it, about: what room is made for.
const MEAN_TYPE_BYTES: usize = 24;

/// Type information, with the structures and names asked for found.
pub(crate) struct Btf<'a> {
    bytes: &'a [u8],
    strings: &'a [u8],
    /// Where each type begins, by its number.
    types: Vec<u32>,
    structs: FxHashMap<&'a [u8], u32>,
    typedefs: FxHashMap<&'a [u8], u32>,
    functions: FxHashMap<&'a [u8], u32>,
}

impl<'a> Btf<'a> {
    /// Reads it; `None` if it is not what it should be. `wanted`: names of structures, and of types of other types; `functions`: of
    /// functions.
    pub(crate) fn parse(bytes: &'a [u8], wanted: &FxHashSet<&[u8]>, functions: &[&str]) -> Option<Self> {
        let header = |at| word(bytes, at).map(|value| value as usize);
        if word(bytes, 0)? & 0xffff != MAGIC {
            return None;
        }
        let (types_at, types_len, strings_at, strings_len) =
            (header(8)?, header(12)?, header(16)?, header(20)?);
        let start = header(4)?.max(HEADER_BYTES);
        let end = start + types_at + types_len;
        let strings = bytes.get(start + strings_at..start + strings_at + strings_len)?;
        let mut btf = Self {
            bytes: bytes.get(..end)?,
            strings,
            types: Vec::with_capacity(types_len / MEAN_TYPE_BYTES),
            structs: FxHashMap::default(),
            typedefs: FxHashMap::default(),
            functions: FxHashMap::default(),
        };
        // There are many functions, and each name is there once: it is faster to look for the names than at them.
        let functions: Vec<u32> = functions.iter().filter_map(|name| place_of(strings, name)).collect();
        btf.types.push(0);
        let mut at = start + types_at;
        while at < end {
            let (kind, count) = btf.info(at as u32)?;
            if matches!(kind, kind::STRUCT | kind::TYPEDEF) {
                let name = btf.string(word(bytes, at)?)?;
                if wanted.contains(name) {
                    let found = if kind == kind::STRUCT { &mut btf.structs } else { &mut btf.typedefs };
                    found.entry(name).or_insert(btf.types.len() as u32);
                }
            }
            if kind == kind::FUNC {
                let place = word(bytes, at)?;
                if functions.contains(&place) {
                    btf.functions.entry(btf.string(place)?).or_insert(btf.types.len() as u32);
                }
            }
            btf.types.push(at as u32);
            at += TYPE_BYTES + extra_bytes(kind, count as usize);
        }
        Some(btf)
    }

    /// Returns the number of a name for another type.
    pub(crate) fn typedef(&self, name: &str) -> Option<u32> {
        self.typedefs.get(name.as_bytes()).copied()
    }

    /// Returns the number of a function.
    pub(crate) fn function(&self, name: &str) -> Option<u32> {
        self.functions.get(name.as_bytes()).copied()
    }

    /// Returns of each parameter of the functions that a name is for pointers to, whether it is a pointer.
    pub(crate) fn parameters(&self, name: &str) -> Option<Vec<bool>> {
        let pointer = self.resolve(self.typedef(name)?)?;
        let function = self.resolve(word(self.bytes, pointer as usize + 8)?)?;
        let (kind::FUNC_PROTO, count) = self.info(function)? else { return None };
        let is_pointer = |index: usize| {
            let parameter = word(self.bytes, function as usize + TYPE_BYTES + index * 8 + 4)?;
            // 0 is void, which is none.
            if parameter == 0 {
                return Some(false);
            }
            Some(self.info(self.resolve(parameter)?)?.0 == kind::PTR)
        };
        (0..count as usize).map(is_pointer).collect()
    }

    /// Returns where a field is, `struct.field.field`, bytes from the beginning of the structure.
    pub(crate) fn offset(&self, path: &str) -> Option<u32> {
        let mut names = path.split('.');
        let mut id = *self.structs.get(names.next()?.as_bytes())?;
        let mut offset = 0;
        for name in names {
            let (bits, next) = self.member(id, name.as_bytes(), 0)?;
            offset = u32::checked_add(offset, bits / 8)?;
            id = next;
        }
        Some(offset)
    }

    /// Returns the place of a member in bits, and its type. Members of unnamed members count as the structure's own.
    fn member(&self, id: u32, wanted: &[u8], depth: u32) -> Option<(u32, u32)> {
        let at = self.resolve(id)?;
        let (kind, count) = self.info(at)?;
        if !matches!(kind, kind::STRUCT | kind::UNION) || depth > 16 {
            return None;
        }
        let has_bitfields = word(self.bytes, at as usize + 4)? >> 31 != 0;
        for index in 0..count as usize {
            let member = at as usize + TYPE_BYTES + index * MEMBER_BYTES;
            let name = self.string(word(self.bytes, member)?)?;
            let (inner, place) = (word(self.bytes, member + 4)?, word(self.bytes, member + 8)?);
            let place = if has_bitfields { place & 0x00ff_ffff } else { place };
            if name == wanted {
                return Some((place, inner));
            }
            if name.is_empty()
                && let Some((within, found)) = self.member(inner, wanted, depth + 1)
            {
                return Some((place.checked_add(within)?, found));
            }
        }
        None
    }

    /// Follows names and qualifiers of a type to the type itself.
    fn resolve(&self, mut id: u32) -> Option<u32> {
        for _ in 0..32 {
            let at = *self.types.get(id as usize)?;
            let (kind, _) = self.info(at)?;
            if !matches!(kind, kind::TYPEDEF..=kind::RESTRICT | kind::TYPE_TAG) {
                return Some(at);
            }
            id = word(self.bytes, at as usize + 8)?;
        }
        None
    }

    fn info(&self, at: u32) -> Option<(u32, u32)> {
        let info = word(self.bytes, at as usize + 4)?;
        Some((info >> 24 & 0x1f, info & 0xffff))
    }

    fn string(&self, at: u32) -> Option<&'a [u8]> {
        let rest = self.strings.get(at as usize..)?;
        rest.get(..memchr(0, rest)?)
    }
}

/// Returns where a string is among those of the type information.
fn place_of(strings: &[u8], name: &str) -> Option<u32> {
    let whole = [b"\0", name.as_bytes(), b"\0"].concat();
    memmem::find(strings, &whole).map(|before| before as u32 + 1)
}

fn extra_bytes(kind: u32, count: usize) -> usize {
    match kind {
        kind::INT | kind::VAR | kind::DECL_TAG => 4,
        kind::ARRAY => 12,
        kind::STRUCT | kind::UNION => MEMBER_BYTES * count,
        kind::ENUM | kind::FUNC_PROTO => 8 * count,
        kind::DATASEC | kind::ENUM64 => 12 * count,
        _ => 0,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests;
