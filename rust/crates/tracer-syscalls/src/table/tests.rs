//! Each row says the truth about its call.

use super::*;

#[test]
fn every_row_is_found_by_its_number_on_every_architecture() {
    for arch in [Arch::X86_64, Arch::X86, Arch::X32, Arch::Aarch64] {
        for (index, row) in ROWS.iter().enumerate() {
            if let Some(number) = row.number(arch) {
                assert_eq!(lookup(arch, number.into()), Some(index), "{} on {arch:?}", row.name);
            }
        }
    }
}

#[test]
fn every_row_is_a_call_of_some_architecture() {
    for row in ROWS {
        let archs = [Arch::X86_64, Arch::X86, Arch::X32, Arch::Aarch64];
        assert!(archs.iter().any(|arch| row.number(*arch).is_some()), "{}", row.name);
    }
}

/// Numbers by hand, from the kernel's tables (syscall_64.tbl, syscall_32.tbl, asm-generic/unistd.h).
#[test]
fn numbers_are_those_of_the_kernel() {
    let known = [
        ("read", Some(0), Some(3), Some(63)),
        ("openat", Some(257), Some(295), Some(56)),
        ("open", Some(2), Some(5), None),
        ("mmap2", None, Some(192), None),
        ("renameat2", Some(316), Some(353), Some(276)),
        ("unlink", Some(87), Some(10), None),
        ("sendfile64", None, Some(239), None),
        ("io_uring_enter", Some(426), Some(426), Some(426)),
        ("chroot", Some(161), Some(61), Some(51)),
    ];
    for (name, x86_64, x86, aarch64) in known {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        let found = (row.number(Arch::X86_64), row.number(Arch::X86), row.number(Arch::Aarch64));
        assert_eq!(found, (x86_64, x86, aarch64), "{name}");
    }
    assert_eq!(lookup(Arch::X86_64, 9).map(|row| ROWS[row].effect), Some(Map { fd: 4, prot: 2, flags: 3 }));
    assert_eq!(lookup(Arch::X86, 90).map(|row| ROWS[row].effect), Some(MapIndirect { arguments: 0 }));
    let readv = ROWS.iter().find(|row| row.name == "readv").unwrap();
    assert_eq!(readv.number(Arch::X32), Some(515));
}

fn holds(name: &str, args: [u64; 6]) -> bool {
    ROWS.iter().find(|row| row.name == name).unwrap().when.holds(&args)
}

#[test]
fn an_open_matters_only_if_it_creates_or_empties() {
    assert!(!holds("openat", [0, 0, 0o2_000_000, 0, 0, 0]));
    assert!(!holds("openat", [0, 0, 2, 0, 0, 0]));
    assert!(holds("openat", [0, 0, O_CREAT | 1, 0, 0, 0]));
    assert!(holds("openat", [0, 0, O_TRUNC, 0, 0, 0]));
    assert!(holds("open", [0, 0o20_200_002, 0, 0, 0, 0]));
}

#[test]
fn a_map_matters_only_if_it_is_of_a_file() {
    assert!(!holds("mmap", [0, 0, 3, 0x22, 0xffff_ffff, 0]));
    assert!(!holds("mmap", [0, 0, 3, 0x22, u64::MAX, 0]));
    assert!(holds("mmap", [0, 0, 1, 2, 3, 0]));
    assert!(holds("mmap", [0, 0, 1, 0x802, 3, 0]), "the first segment of a library");
    assert!(!holds("mmap", [0, 0, 1, 0x812, 3, 0]), "a further one");
    assert!(holds("mmap", [0, 0, 1, 0x12, 3, 0]));
}

#[test]
fn tests_look_at_the_low_half_of_an_argument() {
    assert!(!holds("unlinkat", [0, 0, 0xdead_0000_0000_0200, 0, 0, 0]));
    assert!(holds("unlinkat", [0, 0, 0xdead_0000_0000_0000, 0, 0, 0]));
}

#[test]
fn only_regular_files_are_made_by_mknod() {
    assert!(holds("mknod", [0, 0o100_644, 0, 0, 0, 0]));
    assert!(holds("mknod", [0, 0o644, 0, 0, 0, 0]));
    assert!(!holds("mknod", [0, 0o010_644, 0, 0, 0, 0]));
}
