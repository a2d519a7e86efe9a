//! The seccomp filter, made from the table of system calls: a call that cannot have an effect never stops.
//!
//! For each architecture a chain of comparisons with the numbers of the table, the rows with tests on arguments first:
//! those are the calls that are mostly allowed. A call in no row is allowed by its number alone, which the kernel finds
//! out when the filter is installed and then no longer runs the filter for it (kernel/seccomp.c, "seccomp_cache").

use tracer_syscalls::{Arch, Comparison, ROWS, Row, Test, When};

/// One instruction of classic BPF (struct sock_filter).
pub(crate) type Instruction = libc::sock_filter;

/// The 16 bits that come with a stop for a call of an architecture that the table does not know.
pub(crate) const UNKNOWN_ARCH: u16 = u16::MAX;

/// Offsets in struct seccomp_data (include/uapi/linux/seccomp.h).
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARGS: u32 = 16;

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP: u16 = 0x05; // BPF_JMP | BPF_JA
const JUMP_EQ: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const TRACE: u32 = libc::SECCOMP_RET_TRACE;

fn op(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

fn jump_eq(k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code: JUMP_EQ, jt, jf, k }
}

/// Offset of the low half of an argument on a little-endian machine.
fn low_half(arg: u8) -> u32 {
    ARGS + 8 * u32::from(arg)
}

/// Emits a test that falls through when it passes and jumps over `skip` more instructions when it does not.
fn emit_test(out: &mut Vec<Instruction>, test: &Test, skip: u8) {
    out.push(op(LOAD, low_half(test.arg)));
    if test.mask != u32::MAX {
        out.push(op(AND, test.mask));
    }
    out.push(match test.comparison {
        Comparison::Eq => jump_eq(test.value, 0, skip),
        Comparison::Ne => jump_eq(test.value, skip, 0),
    });
}

fn test_len(test: &Test) -> u8 {
    if test.mask == u32::MAX { 2 } else { 3 }
}

/// Returns what decides a row once its number has matched.
fn body(index: u16, when: &When) -> Vec<Instruction> {
    let trace = op(RETURN, TRACE | u32::from(index));
    let mut out = Vec::new();
    match when {
        When::Always => out.push(trace),
        When::All(tests) => {
            for (position, test) in tests.iter().enumerate() {
                // Over the tests that follow and the return, to the `ALLOW` behind them.
                let rest: u8 = tests[position + 1..].iter().map(test_len).sum();
                emit_test(&mut out, test, rest + 1);
            }
            out.push(trace);
            out.push(op(RETURN, ALLOW));
        }
        When::Any(tests) => {
            for test in *tests {
                emit_test(&mut out, test, 1);
                out.push(trace);
            }
            out.push(op(RETURN, ALLOW));
        }
    }
    out
}

/// Returns what decides a call of one architecture. The number is loaded here.
fn chain(arch: Arch) -> Vec<Instruction> {
    let mut rows: Vec<(usize, &Row, u32)> = ROWS
        .iter()
        .enumerate()
        .filter_map(|(index, row)| row.number(arch).map(|number| (index, row, number)))
        .collect();
    rows.sort_by_key(|(_, row, _)| row.when == When::Always);
    let mark = if arch == Arch::X32 { Arch::X32_BIT as u32 } else { 0 };
    let mut out = vec![op(LOAD, NUMBER)];
    for (index, row, number) in rows {
        let body = body(u16::try_from(index).expect("the table is small"), &row.when);
        let skip = u8::try_from(body.len()).expect("a row has few tests");
        out.push(jump_eq(number | mark, 0, skip));
        out.extend(body);
    }
    out
}

/// Returns the filter for the architectures that programs on this machine can use.
pub(crate) fn program() -> Vec<Instruction> {
    program_for(Arch::HERE)
}

fn program_for(archs: &[Arch]) -> Vec<Instruction> {
    let mut out = vec![op(LOAD, ARCH)];
    // Conventions that share an audit number (x86-64 and x32) share a block: their numbers differ.
    let mut audits: Vec<u32> = archs.iter().map(|arch| arch.audit()).collect();
    audits.dedup();
    audits.sort_unstable();
    audits.dedup();
    for audit in audits {
        let mut block: Vec<Instruction> =
            archs.iter().filter(|arch| arch.audit() == audit).flat_map(|arch| chain(*arch)).collect();
        block.push(op(RETURN, ALLOW));
        out.push(jump_eq(audit, 1, 0));
        out.push(op(JUMP, u32::try_from(block.len()).expect("a filter has at most 4096 instructions")));
        out.extend(block);
    }
    out.push(op(RETURN, TRACE | u32::from(UNKNOWN_ARCH)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracer_syscalls::lookup;

    /// Runs a filter as bpf(4) describes, on the words of struct seccomp_data.
    fn run(program: &[Instruction], number: u32, audit: u32, args: [u64; 6]) -> u32 {
        let load = |offset: u32| match offset {
            NUMBER => number,
            ARCH => audit,
            offset => args[((offset - ARGS) / 8) as usize] as u32,
        };
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let Instruction { code, jt, jf, k } = program[at];
            at += 1;
            match code {
                LOAD => accumulator = load(k),
                AND => accumulator &= k,
                JUMP => at += k as usize,
                JUMP_EQ => at += usize::from(if accumulator == k { jt } else { jf }),
                RETURN => return k,
                _ => panic!("unexpected instruction {code:#x}"),
            }
        }
    }

    const ALL: &[Arch] = &[Arch::X86_64, Arch::X86, Arch::X32, Arch::Aarch64];

    /// Argument values that tell every test of the table from its opposite.
    const VALUES: [u64; 10] =
        [0, 1, 2, 3, 0o101, 0o1000, 0x200, 0xffff_ffff, 0x4004_9409, 0xdead_beef_0000_0008];

    #[test]
    fn the_filter_says_for_every_call_what_the_table_says() {
        let program = program_for(ALL);
        assert!(program.len() <= 4096, "BPF_MAXINSNS");
        for arch in ALL {
            for number in 0..600_u32 {
                let row = lookup(*arch, number.into());
                let mark = if *arch == Arch::X32 { Arch::X32_BIT as u32 } else { 0 };
                for value in VALUES {
                    for position in 0..6 {
                        let mut args = [0; 6];
                        args[position] = value;
                        let expected = match row {
                            Some(row) if ROWS[row].when.holds(&args) => TRACE | row as u32,
                            _ => ALLOW,
                        };
                        let got = run(&program, number | mark, arch.audit(), args);
                        assert_eq!(got, expected, "{arch:?} {number} args {args:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_call_of_an_unknown_architecture_stops() {
        assert_eq!(run(&program_for(ALL), 0, 0x28, [0; 6]), TRACE | u32::from(UNKNOWN_ARCH));
    }
}
