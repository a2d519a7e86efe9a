//! Where the system calls of a C library are, and how each can be made to pass elsewhere.
//!
//! The whole code is decoded once, so that it is known where every instruction begins and where every direct branch goes.

use iced_x86::{Code as Op, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, Register};
use memchr::memmem;

use crate::elf::{self, Segment};

/// How a site is patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// So many bytes of instructions before it are moved into the thunk: there is room for a long jump then.
    Move(u8),
    /// A short jump to padding at that address, where there is room for a long one.
    Hop(u32),
    /// So many bytes of instructions behind it are moved into the thunk, and run there when the call has been made.
    Follow(u8),
    /// It is no system call but a jump (or with the flag a call) to the function at that address, which makes cancellable
    /// ones: see [`FUNNEL`].
    Cancellable { function: u32, is_call: bool },
}

/// A system call instruction. Addresses are as in the file: relative to where its first segment is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// Address of the first byte that changes.
    pub(crate) address: u32,
    /// The number of the call, or -1 where it is not fixed.
    pub(crate) number: i16,
    /// How it is patched.
    pub(crate) way: Way,
}

/// What was found in a file.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    /// Calls of interest, each with the way to patch it.
    pub(crate) sites: Vec<Site>,
    /// Calls of interest that cannot be patched: their addresses and numbers.
    pub(crate) unpatched: Vec<(u64, Option<u32>)>,
}

/// Instructions back from a call at which its number is looked for.
const LOOK_BACK: usize = 24;

/// rt_sigreturn: debuggers and unwinders know its code by its bytes.
const RT_SIGRETURN: u32 = 15;

/// Bytes of a jump to anywhere.
const JUMP_BYTES: u64 = 5;

/// Code, decoded from its first byte to its last.
pub(crate) struct Decoded {
    pub(crate) instructions: Vec<Instruction>,
    /// Where direct branches go, sorted.
    targets: Vec<u64>,
    holes: Vec<(u64, u64)>,
}

impl Decoded {
    pub(crate) fn is_target(&self, address: u64) -> bool {
        self.targets.binary_search(&address).is_ok()
    }

    fn has_target_within(&self, start: u64, end: u64) -> bool {
        let first = self.targets.partition_point(|target| *target < start);
        self.targets.get(first).is_some_and(|target| *target < end)
    }
}

pub(crate) fn decode(code: &[u8], address: u64) -> Decoded {
    let mut decoder = Decoder::with_ip(64, code, address, DecoderOptions::NONE);
    let mut instructions = Vec::with_capacity(code.len() / 4);
    let mut targets = Vec::new();
    while decoder.can_decode() {
        let instruction = decoder.decode();
        let target = instruction.near_branch_target();
        if target != 0 {
            targets.push(target);
        }
        instructions.push(instruction);
    }
    targets.sort_unstable();
    targets.dedup();
    let holes = holes(&instructions);
    Decoded { instructions, targets, holes }
}

/// Returns where there is padding that nobody runs: behind an instruction that does not go on to the next.
fn holes(instructions: &[Instruction]) -> Vec<(u64, u64)> {
    let is_padding =
        |instruction: &Instruction| matches!(instruction.mnemonic(), Mnemonic::Nop | Mnemonic::Int3);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(instruction) = instructions.get(at) {
        at += 1;
        let ends = matches!(
            instruction.flow_control(),
            FlowControl::Return
                | FlowControl::UnconditionalBranch
                | FlowControl::IndirectBranch
                | FlowControl::Exception
        );
        if !ends {
            continue;
        }
        let start = instruction.next_ip();
        while instructions.get(at).is_some_and(is_padding) {
            at += 1;
        }
        let end = instructions.get(at).map_or(start, Instruction::ip);
        if end >= start + JUMP_BYTES {
            found.push((start, end));
        }
    }
    found
}

/// Returns the number of the call at `index`, if the code before it says.
#[expect(clippy::wildcard_enum_match_arm, reason = "there are thousands of instructions")]
pub(crate) fn number_at(decoded: &Decoded, index: usize) -> Option<u32> {
    if decoded.is_target(decoded.instructions[index].ip()) {
        return None;
    }
    for (back, instruction) in decoded.instructions[..index].iter().enumerate().rev().take(LOOK_BACK) {
        let writes = writes(instruction, Register::RAX);
        match instruction.code() {
            Op::Mov_r32_imm32 | Op::Mov_rm64_imm32 if writes => return Some(instruction.immediate32()),
            Op::Mov_r8_imm8 if writes => {
                let is_zero =
                    instruction.op0_register() == Register::AL && number_at(decoded, back) == Some(0);
                return is_zero.then(|| instruction.immediate8().into());
            }
            // How compilers write it that are asked for short code.
            Op::Pop_r64 if writes && !decoded.is_target(instruction.ip()) => {
                let before = decoded.instructions.get(back.checked_sub(1)?)?;
                return (before.code() == Op::Pushq_imm8).then(|| before.immediate8to64() as u32);
            }
            Op::Xor_r32_rm32 | Op::Xor_rm32_r32 if writes && instruction.op1_register() == Register::EAX => {
                return Some(0);
            }
            Op::Mov_r32_rm32 | Op::Mov_rm32_r32 | Op::Mov_r64_rm64 | Op::Mov_rm64_r64 if writes => {
                return constant_of(decoded, back, instruction.op1_register());
            }
            _ => {}
        }
        let is_straight =
            matches!(instruction.flow_control(), FlowControl::Next | FlowControl::ConditionalBranch);
        if !is_straight || writes || decoded.is_target(instruction.ip()) {
            return None;
        }
    }
    None
}

/// Returns whether an instruction sets a register as its first operand.
pub(crate) fn writes(instruction: &Instruction, register: Register) -> bool {
    let reads_only = matches!(instruction.mnemonic(), Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Push);
    instruction.op_count() > 0 && !reads_only && instruction.op0_register().full_register() == register
}

/// Calls that do nothing to files, and whose number compilers keep in a register around a loop: futex, exit, tgkill and their like.
const HARMLESS: &[u32] = &[13, 14, 24, 60, 186, 202, 234, 449];

/// Instructions back at which it is looked for what a register was set to.
const REGISTER_LOOK_BACK: usize = 600;

/// Returns what a register holds at `index`, as far as the last instruction before it says that sets it. That could be another branch's: it is
/// believed only of calls that do nothing to files, and what does something is taken for a call of unknown number.
fn constant_of(decoded: &Decoded, index: usize, register: Register) -> Option<u32> {
    let register = register.full_register();
    let last = decoded
        .instructions
        .get(..index)?
        .iter()
        .rev()
        .take(REGISTER_LOOK_BACK)
        .find(|instruction| writes(instruction, register) && instruction.mnemonic() != Mnemonic::Pop)?;
    let number = (last.code() == Op::Mov_r32_imm32).then(|| last.immediate32())?;
    HARMLESS.contains(&number).then_some(number)
}

/// Finds the calls of a file whose numbers are wanted or not known.
pub(crate) fn find(elf: &[u8], is_wanted: &dyn Fn(u32) -> bool) -> Option<Sites> {
    let segment = elf::segments(elf).into_iter().find(|segment| segment.is_executable)?;
    let Segment { offset, address, len, .. } = segment;
    let code = elf.get(offset as usize..(offset + len) as usize)?;
    if memmem::find(code, b"\x0f\x05").is_none() {
        return Some(Sites::default());
    }
    let mut decoded = decode(code, address);
    let mut found = Sites::default();
    let calls: Vec<usize> = decoded
        .instructions
        .iter()
        .enumerate()
        .filter(|(_, instruction)| instruction.mnemonic() == Mnemonic::Syscall)
        .map(|(index, _)| index)
        .collect();
    // What is moved for one call is not moved for the next.
    let mut free_from = 0;
    for index in calls {
        let number = number_at(&decoded, index);
        if number == Some(RT_SIGRETURN) || !number.is_none_or(is_wanted) {
            continue;
        }
        if number.is_none() && takes_number_second(&decoded, index) {
            match callers(&decoded, code, index) {
                Some(callers) => found.sites.extend(callers),
                None => found.unpatched.push((decoded.instructions[index].ip(), None)),
            }
            continue;
        }
        match form(&mut decoded, index, number, free_from) {
            Some((site, end)) => {
                free_from = end;
                found.sites.push(site);
            }
            None => found.unpatched.push((decoded.instructions[index].ip(), number)),
        }
    }
    Some(found)
}

/// Returns how to patch a call, without touching what is before `free_from`, and where what is changed ends.
fn form(decoded: &mut Decoded, index: usize, number: Option<u32>, free_from: u64) -> Option<(Site, u64)> {
    let call = decoded.instructions[index];
    let number = number.map_or(-1, |number| number as i16);
    if let Some(moved) = movable(decoded, index).filter(|moved| call.ip() - moved >= free_from) {
        let address = u32::try_from(call.ip() - moved).ok()?;
        return Some((Site { address, number, way: Way::Move(moved as u8) }, call.next_ip()));
    }
    let address = u32::try_from(call.ip()).ok()?;
    if let Some(hole) = take_hole(decoded, call.next_ip()) {
        let way = Way::Hop(u32::try_from(hole).ok()?);
        return Some((Site { address, number, way }, call.next_ip()));
    }
    let len = followed(decoded, index)?;
    Some((Site { address, number, way: Way::Follow(len as u8) }, call.next_ip() + len))
}

/// The body of the function through which all cancellable calls of a C library go: musl's `__syscall_cp_asm`, and
/// `__syscall_cancel_arch` of glibc from 2.41 on. Both are written in assembly, and alike: (flags, number, six arguments).
///
/// Whoever cancels a thread asks whether its program counter is within this function, before the end of its `syscall`: then the call has done
/// nothing yet, or has been interrupted, and the thread may end there. A call that were made elsewhere would never be given up. So the
/// function is left as it is, and who calls it, which is one place in each library, calls the gate, which calls the function.
const FUNNEL: &[u8] = &[
    0x49, 0x89, 0xfb, // mov %rdi, %r11
    0x48, 0x89, 0xf0, // mov %rsi, %rax
    0x48, 0x89, 0xd7, // mov %rdx, %rdi
    0x48, 0x89, 0xce, // mov %rcx, %rsi
    0x4c, 0x89, 0xc2, // mov %r8, %rdx
    0x4d, 0x89, 0xca, // mov %r9, %r10
    0x4c, 0x8b, 0x44, 0x24, 0x08, // mov 8(%rsp), %r8
    0x4c, 0x8b, 0x4c, 0x24, 0x10, // mov 16(%rsp), %r9
    0x4c, 0x89, 0x5c, 0x24, 0x08, // mov %r11, 8(%rsp)
    0x0f, 0x05, // syscall
    0xc3, // ret
];

/// Bytes of what looks at the flags, before it: a load, a test, a branch, and a mark for indirect branches.
const FUNNEL_HEAD_MAX: u64 = 16;

/// Returns whether the number of a call is the second argument of the function that makes it and the call's first argument the third, as
/// nothing but a [`FUNNEL`] has it.
fn takes_number_second(decoded: &Decoded, index: usize) -> bool {
    let before = decoded.instructions.get(..index).unwrap_or_default();
    let comes_from = |register, from| {
        let sets = before.iter().rev().take(LOOK_BACK).find(|instruction| writes(instruction, register));
        sets.is_some_and(|instruction| {
            matches!(instruction.code(), Op::Mov_r64_rm64 | Op::Mov_rm64_r64)
                && instruction.op1_register() == from
        })
    };
    comes_from(Register::RAX, Register::RSI) && comes_from(Register::RDI, Register::RDX)
}

/// Returns the places that call the [`FUNNEL`] whose system call is at `index`; `None` if it is not known well enough.
fn callers(decoded: &Decoded, code: &[u8], index: usize) -> Option<Vec<Site>> {
    let start = decoded.instructions.first()?.ip();
    let body = decoded.instructions.get(index)?.next_ip() + 1 - FUNNEL.len() as u64;
    let at = (body - start) as usize;
    if code.get(at..at + FUNNEL.len())? != FUNNEL {
        return None;
    }
    let before = decoded.targets.partition_point(|target| *target < body);
    let function = *decoded.targets.get(before.checked_sub(1)?)?;
    if body - function > FUNNEL_HEAD_MAX {
        return None;
    }
    let calls = |instruction: &&Instruction| instruction.near_branch_target() == function;
    let sites: Option<Vec<Site>> = decoded
        .instructions
        .iter()
        .filter(calls)
        .map(|instruction| {
            let is_call = instruction.code() == Op::Call_rel32_64;
            let address = u32::try_from(instruction.ip()).ok()?;
            let way = Way::Cancellable { function: u32::try_from(function).ok()?, is_call };
            (is_call || instruction.code() == Op::Jmp_rel32_64).then_some(Site { address, number: -1, way })
        })
        .collect();
    sites.filter(|sites| !sites.is_empty())
}

/// Returns how many bytes behind a call can be moved elsewhere: whole instructions that mean the same anywhere, to which nobody jumps.
fn followed(decoded: &Decoded, index: usize) -> Option<u64> {
    let call = decoded.instructions.get(index)?;
    let mut moved = 0;
    for instruction in decoded.instructions.get(index + 1..)? {
        let is_movable = means_the_same(instruction) && !instruction.is_stack_instruction();
        if !is_movable || instruction.ip() != call.next_ip() + moved {
            return None;
        }
        moved += instruction.len() as u64;
        if moved + 2 >= JUMP_BYTES {
            return (!decoded.has_target_within(call.next_ip(), instruction.next_ip())).then_some(moved);
        }
    }
    None
}

fn means_the_same(instruction: &Instruction) -> bool {
    instruction.flow_control() == FlowControl::Next
        && !instruction.is_ip_rel_memory_operand()
        && instruction.code() != Op::INVALID
        && instruction.mnemonic() != Mnemonic::Syscall
}

/// Returns how many bytes before a call can be moved elsewhere, so that with the call there is room for a jump: whole instructions
/// that mean the same anywhere, with nobody jumping to what is behind the first of them.
fn movable(decoded: &Decoded, index: usize) -> Option<u64> {
    let call = decoded.instructions.get(index)?;
    let mut moved = 0;
    for instruction in decoded.instructions.get(..index)?.iter().rev() {
        if !means_the_same(instruction) || instruction.next_ip() != call.ip() - moved {
            return None;
        }
        moved += instruction.len() as u64;
        if moved + 2 >= JUMP_BYTES {
            return (!decoded.has_target_within(instruction.ip() + 1, call.next_ip())).then_some(moved);
        }
    }
    None
}

/// Takes five bytes of padding that a short jump reaches.
fn take_hole(decoded: &mut Decoded, from: u64) -> Option<u64> {
    let reaches = |hole: u64| (-128..=127).contains(&(hole as i64 - from as i64));
    let targets = &decoded.targets;
    let is_free = |start: u64, end: u64| {
        let first = targets.partition_point(|target| *target < start);
        targets.get(first).is_none_or(|target| *target >= end)
    };
    let hole = decoded.holes.iter_mut().find(|(start, end)| {
        *end - *start >= JUMP_BYTES && reaches(*start) && is_free(*start, *start + JUMP_BYTES)
    })?;
    let start = hole.0;
    hole.0 += JUMP_BYTES;
    Some(start)
}
