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
pub(crate) fn number_at(decoded: &Decoded, index: usize) -> Option<u32> {
    if decoded.is_target(decoded.instructions[index].ip()) {
        return None;
    }
    for (back, instruction) in decoded.instructions[..index].iter().enumerate().rev().take(LOOK_BACK) {
        let writes = writes(instruction, Register::RAX);
        match instruction.code() {
            Op::Mov_r32_imm32 | Op::Mov_rm64_imm32 if writes => return Some(instruction.immediate32()),
            Op::Xor_r32_rm32 | Op::Xor_rm32_r32 if writes && instruction.op1_register() == Register::EAX => {
                return Some(0);
            }
            Op::Mov_r32_rm32 | Op::Mov_rm32_r32 if writes => {
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
    for index in calls {
        let number = number_at(&decoded, index);
        if number == Some(RT_SIGRETURN) || !number.is_none_or(is_wanted) {
            continue;
        }
        match form(&mut decoded, index, number) {
            Some(site) => found.sites.push(site),
            None => found.unpatched.push((decoded.instructions[index].ip(), number)),
        }
    }
    Some(found)
}

fn form(decoded: &mut Decoded, index: usize, number: Option<u32>) -> Option<Site> {
    let call = decoded.instructions[index];
    let number = number.map_or(-1, |number| number as i16);
    if let Some(moved) = movable(decoded, index) {
        let address = u32::try_from(call.ip() - moved).ok()?;
        return Some(Site { address, number, way: Way::Move(moved as u8) });
    }
    let hole = take_hole(decoded, call.next_ip())?;
    let (address, hole) = (u32::try_from(call.ip()).ok()?, u32::try_from(hole).ok()?);
    Some(Site { address, number, way: Way::Hop(hole) })
}

/// Returns how many bytes before a call can be moved elsewhere, so that with the call there is room for a jump: whole instructions
/// that mean the same anywhere, with nobody jumping to what is behind the first of them.
fn movable(decoded: &Decoded, index: usize) -> Option<u64> {
    let call = decoded.instructions.get(index)?;
    let mut moved = 0;
    for instruction in decoded.instructions.get(..index)?.iter().rev() {
        let means_the_same = instruction.flow_control() == FlowControl::Next
            && !instruction.is_ip_rel_memory_operand()
            && !instruction.is_stack_instruction()
            && instruction.code() != Op::INVALID
            && instruction.next_ip() == call.ip() - moved;
        if !means_the_same {
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
