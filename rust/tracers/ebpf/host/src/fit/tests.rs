//! Instructions are written as the kernel has them in memory: operation, registers (the source in the upper half), offset, number.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

use aya_obj::generated::bpf_insn;
use tracer_ebpf_abi::stand_in;

use super::{Functions, fit, instruction, number, place};

fn made(code: u8, registers: u8, off: i16, imm: i32) -> bpf_insn {
    let mut made = instruction(code, registers & 0xf, registers >> 4, imm);
    made.off = off;
    made
}

fn words(instructions: &[bpf_insn]) -> Vec<(u8, u8, i16, i32)> {
    let word = |one: &bpf_insn| (one.code, one.src_reg() << 4 | one.dst_reg(), one.off, one.imm);
    instructions.iter().map(word).collect()
}

/// `r3 = r1; r1 = r7; r2 = 4; call; r0 = *(u32 *)(r7 + 0)`.
fn read() -> [bpf_insn; 5] {
    [
        made(0xbf, 0x13, 0, 0),
        made(0xbf, 0x71, 0, 0),
        made(0xb7, 0x02, 0, 4),
        made(0x85, 0x00, 0, stand_in::READ),
        made(0x61, 0x70, 0, 0),
    ]
}

#[test]
fn without_the_function_a_helper_reads() {
    let mut instructions = read();
    fit(&mut instructions, &Functions::default());
    let mut expected = read();
    expected[3].imm = 113;
    assert_eq!(words(&instructions), words(&expected));
}

#[test]
fn with_the_function_the_address_itself_is_read_from() {
    let mut instructions = read();
    fit(&mut instructions, &Functions { cast: Some(4711), preemption: None });
    let expected = [
        (0xbf, 0x11, 0, 0),
        (0xb7, 0x02, 0, 0),
        // BPF_PSEUDO_KFUNC_CALL is 2.
        (0x85, 0x20, 0, 4711),
        // As many bytes as before.
        (0x61, 0x00, 0, 0),
        (0xbf, 0x00, 0, 0),
    ];
    assert_eq!(words(&instructions), expected);
}

#[test]
fn a_stand_in_without_what_belongs_before_it_is_left_alone() {
    let mut instructions = read()[2..].to_vec();
    let before = words(&instructions);
    fit(&mut instructions, &Functions { cast: Some(4711), preemption: None });
    assert_eq!(words(&instructions), before);
}

#[test]
fn preemption_is_switched_off_and_on_where_there_is_need() {
    let program = [
        made(0x85, 0x00, 0, stand_in::PREEMPT_DISABLE),
        // A function of the program, that happens to be as far away as the number says.
        made(0x85, 0x10, 0, stand_in::PREEMPT_DISABLE),
        made(0x85, 0x00, 0, stand_in::PREEMPT_ENABLE),
    ];
    let mut instructions = program;
    fit(&mut instructions, &Functions { cast: None, preemption: Some([7, 8]) });
    let untouched = (0x85, 0x10, 0, stand_in::PREEMPT_DISABLE);
    assert_eq!(words(&instructions), [(0x85, 0x20, 0, 7), untouched, (0x85, 0x20, 0, 8)]);
    let mut instructions = program;
    fit(&mut instructions, &Functions::default());
    assert_eq!(words(&instructions), [(0xb7, 0x00, 0, 0), untouched, (0xb7, 0x00, 0, 0)]);
}

#[test]
fn the_value_of_a_map_takes_the_place_of_its_number_and_of_no_other() {
    let map = File::open("/dev/null").unwrap();
    let number = stand_in::TRACKED;
    let wide = |registers, number: u64| {
        [made(0x18, registers, 0, number as u32 as i32), made(0x00, 0x00, 0, (number >> 32) as i32)]
    };
    let mut instructions = [wide(0x03, number), wide(0x04, number + 1), wide(0x15, number)].concat();
    place(&mut instructions, &[(number, map.as_fd())]);
    let fd = u64::from(map.as_raw_fd() as u32);
    // BPF_PSEUDO_MAP_VALUE is 2; 1, of a map, is not of the numbers that stand in for something.
    let expected = [wide(0x23, fd), wide(0x04, number + 1), wide(0x15, number)].concat();
    assert_eq!(words(&instructions), words(&expected));
}

#[test]
fn numbers_take_the_places_of_those_that_stand_in_for_them_and_of_no_others() {
    // Moves of 32 bits, one of 64, and one to and from registers.
    let mut instructions =
        [made(0xb4, 1, 0, 99), made(0xb4, 2, 0, 100), made(0xb4, 3, 0, 101), made(0xb4, 4, 0, 102)].to_vec();
    instructions.extend([made(0xb7, 1, 0, 100), made(0xbc, 0x21, 0, 100)]);
    number(&mut instructions, 100, &[7, u32::MAX]);
    let expected = [
        (0xb4, 1, 0, 99),
        (0xb4, 2, 0, 7),
        (0xb4, 3, 0, -1),
        (0xb4, 4, 0, 102),
        (0xb7, 1, 0, 100),
        (0xbc, 0x21, 0, 100),
    ];
    assert_eq!(words(&instructions), expected);
}
