//! Type information made by hand, right and wrong.

use rustc_hash::FxHashSet;

use super::{Btf, MAGIC, kind};

/// Put where a kind with that number has flags: its members may be bitfields (`kind_flag`, Documentation/bpf/btf.rst).
const BITFIELDS: u32 = 1 << 31;

const CONST: u32 = 10;

/// Type information as it grows.
struct Blob {
    types: Vec<u32>,
    strings: Vec<u8>,
    count: u32,
}

impl Blob {
    fn new() -> Self {
        Self { types: Vec::new(), strings: vec![0], count: 0 }
    }

    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32;
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        at
    }

    /// Adds a type and returns its number. `last`: its size, or the type that it is of.
    fn add(&mut self, name: &str, info: u32, last: u32, more: &[u32]) -> u32 {
        let name = self.name(name);
        self.types.extend([name, info, last]);
        self.types.extend(more);
        self.count += 1;
        self.count
    }

    fn int(&mut self) -> u32 {
        self.add("int", kind::INT << 24, 4, &[32])
    }

    /// Members: name, type, and place in bits.
    fn structure(&mut self, name: &str, flags: u32, members: &[(&str, u32, u32)]) -> u32 {
        let info = flags | members.len() as u32;
        let words: Vec<u32> =
            members.iter().flat_map(|&(name, inner, place)| [self.name(name), inner, place]).collect();
        self.add(name, info, 64, &words)
    }

    fn bytes(&self) -> Vec<u8> {
        let types = self.types.len() as u32 * 4;
        let header = [MAGIC | 1 << 16, 24, 0, types, types, self.strings.len() as u32];
        let words = header.iter().chain(&self.types).flat_map(|word| word.to_le_bytes());
        words.chain(self.strings.iter().copied()).collect()
    }
}

const STRUCT: u32 = kind::STRUCT << 24;
const UNION: u32 = kind::UNION << 24;

/// Structures with all that the kernel's have: unnamed members within each other, bitfields, names for types, and one of
/// each other kind before them.
fn kernel() -> Blob {
    let mut blob = Blob::new();
    let int = blob.int();
    let pointer = blob.add("", kind::PTR << 24, int, &[]);
    blob.add("", kind::ARRAY << 24, 0, &[int, int, 3]);
    blob.add("color", kind::ENUM << 24 | 2, 4, &[0, 0, 0, 1]);
    blob.add("wide", kind::ENUM64 << 24 | 1, 8, &[0, 0, 1]);
    let prototype = blob.add("", kind::FUNC_PROTO << 24 | 2, 0, &[0, int, 0, pointer]);
    let variable = blob.add("counter", kind::VAR << 24, int, &[1]);
    blob.add(".data", kind::DATASEC << 24 | 1, 4, &[variable, 0, 4]);
    blob.add("tag", kind::DECL_TAG << 24, int, &[0]);
    let hook = blob.add("", kind::PTR << 24, prototype, &[]);
    blob.add("btf_trace_hook", kind::TYPEDEF << 24, hook, &[]);
    let innermost = blob.structure("", STRUCT, &[("low", int, 0), ("high", int, 32)]);
    let either = blob.structure("", UNION, &[("whole", pointer, 0), ("", innermost, 0)]);
    let inner = blob.structure("inner", STRUCT, &[("first", int, 0), ("", either, 64)]);
    let renamed = blob.add("inner_t", kind::TYPEDEF << 24, inner, &[]);
    let constant = blob.add("", CONST << 24, renamed, &[]);
    let tagged = blob.add("user", kind::TYPE_TAG << 24, constant, &[]);
    blob.structure("outer", STRUCT, &[("pad", int, 0), ("tagged", tagged, 128), ("pointer", pointer, 320)]);
    // A bitfield has its size in the upper eight bits of its place.
    blob.add("do_it", kind::FUNC << 24, prototype, &[]);
    blob.structure("flags", STRUCT | BITFIELDS, &[("plain", int, 32), ("narrow", int, 3 << 24 | 64)]);
    blob
}

/// Functions that are asked for.
const FUNCTIONS: &[&str] = &["do_it", "do_it_not"];

/// All that may be asked, of anything.
fn ask(bytes: &[u8]) -> Vec<Option<u32>> {
    let wanted = ["outer", "inner", "flags", "cycle", "btf_trace_hook"].map(str::as_bytes);
    let wanted: FxHashSet<&[u8]> = wanted.into_iter().collect();
    let Some(btf) = Btf::parse(bytes, &wanted, FUNCTIONS) else { return Vec::new() };
    // What comes out of these is asked for elsewhere.
    btf.parameters("btf_trace_hook");
    let paths = ["inner.first", "inner.whole", "inner.high", "outer.tagged.high", "outer.pointer"];
    let more =
        ["flags.narrow", "outer.absent", "absent.field", "cycle.field", "outer.pad.deeper", "outer", ""];
    let offsets = paths.into_iter().chain(more).map(|path| btf.offset(path));
    offsets.chain([btf.typedef("btf_trace_hook"), btf.typedef("inner_t")]).collect()
}

#[test]
fn fields_are_found_through_unnamed_members_names_and_qualifiers() {
    let found = ask(&kernel().bytes());
    assert_eq!(found[..5], [Some(0), Some(8), Some(12), Some(28), Some(40)]);
}

#[test]
fn the_size_of_a_bitfield_is_no_part_of_its_place() {
    assert_eq!(ask(&kernel().bytes())[5], Some(8));
}

#[test]
fn what_is_not_there_is_not_found() {
    let found = ask(&kernel().bytes());
    assert_eq!(found[6..10], [None; 4], "fields that no structure has, or that are not asked of a structure");
    assert_eq!(found[10], Some(0), "a structure is where it is");
    assert_eq!(found[11], None);
}

#[test]
fn only_names_that_were_asked_for_are_kept() {
    let found = ask(&kernel().bytes());
    assert_eq!(found[12..], [Some(11), None]);
}

#[test]
fn functions_and_what_they_take_are_found() {
    let bytes = kernel().bytes();
    let wanted: FxHashSet<&[u8]> = [&b"btf_trace_hook"[..]].into_iter().collect();
    let btf = Btf::parse(&bytes, &wanted, FUNCTIONS).unwrap();
    assert_eq!(btf.function("do_it"), Some(19));
    assert_eq!(btf.function("do_it_not"), None);
    assert_eq!(btf.parameters("btf_trace_hook"), Some(vec![false, true]));
    assert_eq!(btf.parameters("do_it"), None);
}

#[test]
fn another_magic_number_is_refused() {
    let bytes = kernel().bytes();
    let swapped = [&[bytes[1], bytes[0]], &bytes[2..]].concat();
    assert_eq!(ask(&swapped), []);
    assert_eq!(ask(&[]), []);
}

#[test]
fn a_header_may_be_longer_than_the_one_that_is_known() {
    let bytes = kernel().bytes();
    let longer = [&bytes[..4], &32_u32.to_le_bytes(), &bytes[8..24], &[7; 8], &bytes[24..]].concat();
    assert_eq!(ask(&longer), ask(&bytes));
}

#[test]
fn what_is_cut_short_is_refused() {
    let bytes = kernel().bytes();
    for end in 0..bytes.len() {
        assert_eq!(ask(&bytes[..end]), [], "cut at {end}");
    }
}

#[test]
fn what_goes_in_circles_comes_to_an_end() {
    let mut blob = Blob::new();
    let own = 1;
    blob.structure("cycle", STRUCT, &[("", own, 0)]);
    assert_eq!(ask(&blob.bytes())[8], None);
    let mut blob = Blob::new();
    let name = blob.add("", kind::TYPEDEF << 24, 1, &[]);
    blob.structure("cycle", STRUCT, &[("", name, 0)]);
    assert_eq!(ask(&blob.bytes())[8], None);
}

#[test]
fn offsets_that_are_too_large_are_not_found() {
    let mut blob = Blob::new();
    let int = blob.int();
    let inner = blob.structure("", STRUCT, &[("field", int, u32::MAX)]);
    blob.structure("cycle", STRUCT, &[("", inner, u32::MAX)]);
    assert_eq!(ask(&blob.bytes())[8], None);
}

/// Nothing that is damaged makes it panic; what it finds then is another matter.
#[test]
fn damage_anywhere_is_survived() {
    let bytes = kernel().bytes();
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at].wrapping_add(1)] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            ask(&damaged);
        }
    }
    for at in (0..bytes.len() - 4).step_by(4) {
        for word in [0, 1, 24, 0xffff, u32::MAX, u32::MAX / 2, bytes.len() as u32] {
            let mut damaged = bytes.clone();
            damaged[at..at + 4].copy_from_slice(&word.to_le_bytes());
            ask(&damaged);
        }
    }
}
