//! What the programs do in places where it depends on the kernel: the instructions that [`stand_in`] stands in for.

use std::os::fd::{AsRawFd, BorrowedFd};

use aya_obj::generated::{
    BPF_ALU, BPF_ALU64, BPF_CALL, BPF_DW, BPF_IMM, BPF_JMP, BPF_K, BPF_LD, BPF_MOV, BPF_PSEUDO_KFUNC_CALL,
    BPF_PSEUDO_MAP_VALUE, BPF_X, bpf_insn,
};
use tracer_ebpf_abi::stand_in;

/// Functions of the kernel that programs are to call, by their types; `None`: they do without.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Functions {
    /// `bpf_rdonly_cast`: takes an address, and returns it as a pointer to read through. To the processor it is nothing at all.
    pub(crate) cast: Option<u32>,
    /// `bpf_preempt_disable` and `bpf_preempt_enable`.
    pub(crate) preemption: Option<[u32; 2]>,
}

const CALL: u8 = (BPF_JMP | BPF_CALL) as u8;
const MOVE: u8 = (BPF_ALU64 | BPF_MOV | BPF_X) as u8;
const SET: u8 = (BPF_ALU64 | BPF_MOV | BPF_K) as u8;

const SET_NARROW: u8 = (BPF_ALU | BPF_MOV | BPF_K) as u8;

/// Of a number of 64 bits, the upper half of which is in the next.
const WIDE: u8 = (BPF_LD | BPF_IMM | BPF_DW) as u8;

/// BPF_FUNC_probe_read_kernel (include/uapi/linux/bpf.h).
const PROBE_READ_KERNEL: i32 = 113;

/// Puts what this kernel is to run in the place of what stands in for it.
pub(crate) fn fit(instructions: &mut [bpf_insn], functions: &Functions) {
    for at in 0..instructions.len() {
        let call = &mut instructions[at];
        if call.code != CALL || call.src_reg() != 0 {
            continue;
        }
        let preemption = functions.preemption.unwrap_or_default();
        match (call.imm, functions) {
            (stand_in::READ, Functions { cast: None, .. }) => call.imm = PROBE_READ_KERNEL,
            (stand_in::READ, Functions { cast: Some(cast), .. }) => {
                let block = at.checked_sub(3).and_then(|start| instructions.get_mut(start..start + 5));
                if let Some(block) = block.and_then(|block| block.try_into().ok()) {
                    read_through(block, *cast);
                }
            }
            (stand_in::PREEMPT_DISABLE | stand_in::PREEMPT_ENABLE, Functions { preemption: None, .. }) => {
                *call = instruction(SET, 0, 0, 0);
            }
            (stand_in::PREEMPT_DISABLE, _) => *call = kernel_call(preemption[0]),
            (stand_in::PREEMPT_ENABLE, _) => *call = kernel_call(preemption[1]),
            _ => {}
        }
    }
}

/// Reads from the address in r1 without a helper.
fn read_through(block: &mut [bpf_insn; 5], cast: u32) {
    let load = block[4];
    block[0] = instruction(MOVE, 1, 1, 0);
    // What it points to: anything.
    block[1] = instruction(SET, 2, 0, 0);
    block[2] = kernel_call(cast);
    block[3] = instruction(load.code, 0, 0, 0);
    block[4] = instruction(MOVE, 0, 0, 0);
}

/// Puts numbers in the place of those that stand in for them, which begin with `first`.
pub(crate) fn number(instructions: &mut [bpf_insn], first: u32, numbers: &[u32]) {
    for instruction in instructions.iter_mut().filter(|one| one.code == SET_NARROW) {
        let place = (instruction.imm as u32).checked_sub(first).map(|place| place as usize);
        if let Some(number) = place.and_then(|place| numbers.get(place)) {
            instruction.imm = *number as i32;
        }
    }
}

/// Puts addresses in the place of the numbers that stand in for them: each of the value of a map.
pub(crate) fn place(instructions: &mut [bpf_insn], maps: &[(u64, BorrowedFd<'_>)]) {
    for at in 1..instructions.len() {
        let [low, high] = [instructions[at - 1], instructions[at]];
        if low.code != WIDE || low.src_reg() != 0 {
            continue;
        }
        let number = u64::from(high.imm as u32) << 32 | u64::from(low.imm as u32);
        if let Some((_, map)) = maps.iter().find(|(stand_in, _)| *stand_in == number) {
            instructions[at - 1].set_src_reg(BPF_PSEUDO_MAP_VALUE as u8);
            instructions[at - 1].imm = map.as_raw_fd();
            // From its beginning.
            instructions[at].imm = 0;
        }
    }
}

fn kernel_call(function: u32) -> bpf_insn {
    instruction(CALL, 0, BPF_PSEUDO_KFUNC_CALL as u8, function as i32)
}

fn instruction(code: u8, to: u8, from: u8, imm: i32) -> bpf_insn {
    let mut instruction =
        bpf_insn { code, _bitfield_align_1: [], _bitfield_1: Default::default(), off: 0, imm };
    instruction.set_dst_reg(to);
    instruction.set_src_reg(from);
    instruction
}

#[cfg(test)]
mod tests;
