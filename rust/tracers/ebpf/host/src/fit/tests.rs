//! Instructions are written as the kernel has them in memory: operation, registers (the source in the upper half), offset, number.

use aya_obj::generated::bpf_insn;
use tracer_ebpf_abi::stand_in;

use super::{Functions, fit, instruction};

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
