//! What the code before a call says of it: the arguments, and whether it is code at all.

use iced_x86::{Code as Op, FlowControl, Instruction, Mnemonic, Register};

use crate::sites::{Decoded, writes};

/// The arguments of a call of x86-64, in order (syscall(2)).
const REGISTERS: [Register; 6] =
    [Register::RDI, Register::RSI, Register::RDX, Register::R10, Register::R8, Register::R9];

/// Instructions back at which it is looked for what an argument was set to.
const LOOK_BACK: usize = 100;

/// Returns the lower halves of the arguments of the call at `index`, as far as the last instructions before it say that set them. That could
/// be other branches', seldom.
pub(crate) fn arguments(decoded: &Decoded, index: usize) -> [Option<u32>; 6] {
    REGISTERS.map(|register| {
        for instruction in decoded.instructions.get(..index)?.iter().rev().take(LOOK_BACK) {
            if writes(instruction, register) && instruction.mnemonic() != Mnemonic::Pop {
                return constant(instruction);
            }
            if !matches!(instruction.flow_control(), FlowControl::Next | FlowControl::ConditionalBranch)
                && instruction.mnemonic() != Mnemonic::Syscall
            {
                return None;
            }
        }
        None
    })
}

/// Returns what an instruction sets its first operand to.
#[expect(clippy::wildcard_enum_match_arm, reason = "there are thousands of instructions")]
fn constant(instruction: &Instruction) -> Option<u32> {
    match instruction.code() {
        Op::Mov_r32_imm32 | Op::Mov_rm32_imm32 | Op::Mov_rm64_imm32 => Some(instruction.immediate32()),
        Op::Xor_r32_rm32 | Op::Xor_rm32_r32 => {
            (instruction.op0_register() == instruction.op1_register()).then_some(0)
        }
        Op::Or_rm32_imm8 | Op::Or_rm64_imm8 => (instruction.immediate8() == 0xff).then_some(u32::MAX),
        _ => None,
    }
}

/// Instructions before and behind a call that are looked at.
const NEAR: usize = 8;

/// Returns whether the call at `index` is among code: bytes between functions can be tables, of which some decode as a call. Around true
/// calls there is little but moves, comparisons and branches.
pub(crate) fn is_among_code(decoded: &Decoded, index: usize) -> bool {
    let instructions = &decoded.instructions;
    let before = instructions.get(index.saturating_sub(NEAR)..index).unwrap_or(&[]);
    let behind = instructions.get(index + 1..).unwrap_or(&[]);
    let ends = |instruction: &Instruction| {
        matches!(
            instruction.flow_control(),
            FlowControl::Return | FlowControl::UnconditionalBranch | FlowControl::IndirectBranch
        )
    };
    let begins = before.iter().rposition(ends).map_or(0, |end| end + 1);
    let len = behind.iter().take(NEAR).position(ends).map_or(NEAR, |end| end + 1);
    let is_target = decoded.is_target(instructions[index].ip());
    let mut near = before[begins..].iter().chain(behind.iter().take(len));
    let is_set = before[begins..].iter().any(|instruction| writes(instruction, Register::RAX));
    near.all(is_usual) && (is_set || is_target || before.is_empty())
}

/// Returns whether an instruction is of those that stand around calls.
fn is_usual(instruction: &Instruction) -> bool {
    use Mnemonic as M;
    let is_branch = matches!(
        instruction.flow_control(),
        FlowControl::ConditionalBranch
            | FlowControl::UnconditionalBranch
            | FlowControl::Call
            | FlowControl::Return
    );
    let is_usual = matches!(
        instruction.mnemonic(),
        M::Mov
            | M::Movzx
            | M::Movsx
            | M::Movsxd
            | M::Movaps
            | M::Movups
            | M::Movdqa
            | M::Movdqu
            | M::Movq
            | M::Lea
            | M::Xor
            | M::Or
            | M::And
            | M::Add
            | M::Sub
            | M::Neg
            | M::Not
            | M::Inc
            | M::Dec
            | M::Shl
            | M::Shr
            | M::Sar
            | M::Cmp
            | M::Test
            | M::Push
            | M::Pop
            | M::Nop
            | M::Endbr64
            | M::Xchg
            | M::Cdqe
            | M::Syscall
            | M::Ud2
            | M::Hlt
            | M::Int3
            | M::Int
            | M::Pxor
            | M::Leave
            | M::Jmp
    );
    let is_far =
        matches!(instruction.segment_prefix(), Register::CS | Register::DS | Register::ES | Register::SS);
    (is_branch || is_usual) && !is_far && !instruction.has_lock_prefix()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sites::decode;

    fn call_in(code: &[u8]) -> (Decoded, usize) {
        let decoded = decode(code, 0x1000);
        let is_call = |instruction: &Instruction| instruction.mnemonic() == Mnemonic::Syscall;
        let index = decoded.instructions.iter().position(is_call).unwrap();
        (decoded, index)
    }

    #[test]
    fn constant_arguments_are_found() {
        // xor edi, edi; mov esi, 0x5413; mov eax, 16; syscall; ret
        let (decoded, index) = call_in(b"\x31\xff\xbe\x13\x54\x00\x00\xb8\x10\x00\x00\x00\x0f\x05\xc3");
        assert_eq!(arguments(&decoded, index)[..3], [Some(0), Some(0x5413), None]);
        assert!(is_among_code(&decoded, index));
    }

    #[test]
    fn tables_are_no_code() {
        // From the tables of a library of cryptography, as they decode.
        let table = b"\x2a\xac\x25\x3f\x07\x1f\x02\x0f\x05\x0b\xe6\x92\x6d\xe4\x11\x9c\xe6\x01\x02";
        let (decoded, index) = call_in(table);
        assert!(!is_among_code(&decoded, index));
    }
}
