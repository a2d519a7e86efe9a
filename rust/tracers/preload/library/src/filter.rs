//! Filters of system calls (seccomp(2)): what one would say of a call, worked out as the kernel does (kernel/seccomp.c, classic BPF).
//!
//! # Safety
//!
//! A filter is copied by the kernel into memory that is mapped for it; what is read of the copy is plain numbers.

use core::slice;

use syscalls::Sysno;

use crate::sys;

/// Instructions that a filter can have (BPF_MAXINSNS).
const INSTRUCTIONS_MAX: usize = 4096;

/// Bytes of `struct seccomp_data`.
const DATA_BYTES: u32 = 64;

/// Words that a filter can remember (BPF_MEMWORDS).
const MEMORY_WORDS: usize = 16;

#[cfg(target_arch = "x86_64")]
const AUDIT_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const AUDIT_ARCH: u32 = 0xc000_00b7;

/// `struct sock_filter`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    value: u32,
}

/// Returns whether the filter that is about to be installed lets every call of the library's pass: the address of its `struct sock_fprog`.
pub(crate) fn lets_pass(address: usize) -> bool {
    // What it would be for is there without it, or is asked for in another way.
    const MAY_FAIL: &[Sysno] = &[Sysno::openat2];
    let Some(filter) = Filter::copy(address) else { return false };
    let passes = sys::CALLS.iter().all(|(number, args)| match filter.verdict(*number as u32, args) {
        Verdict::Passes => true,
        Verdict::Fails => MAY_FAIL.contains(number),
        Verdict::Other => false,
    });
    filter.release();
    passes
}

/// What a filter says of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is made.
    Passes,
    /// It is not made, and an error number is returned.
    Fails,
    /// A signal, the end of the process, somebody who is asked; or nothing that is understood.
    Other,
}

/// A copy of a filter.
struct Filter {
    memory: *mut u8,
    instructions: &'static [Instruction],
}

impl Filter {
    /// Copies the filter that a `struct sock_fprog` describes.
    fn copy(address: usize) -> Option<Self> {
        let mut words = [0; 16];
        if sys::peek(address, &mut words) != words.len() {
            return None;
        }
        let (words, _) = words.as_chunks::<8>();
        let [count, start] = words else { return None };
        let (count, start) = (usize::from(u64::from_le_bytes(*count) as u16), u64::from_le_bytes(*start));
        if count == 0 || count > INSTRUCTIONS_MAX {
            return None;
        }
        let len = count * size_of::<Instruction>();
        let memory = sys::map_memory(INSTRUCTIONS_MAX * size_of::<Instruction>())?;
        // SAFETY: that much was just mapped.
        let bytes = unsafe { slice::from_raw_parts_mut(memory, len) };
        let is_whole = sys::peek(start as usize, bytes) == len;
        let kept = if is_whole { count } else { 0 };
        // SAFETY: mapped, aligned to a page, and of plain numbers.
        let instructions = unsafe { slice::from_raw_parts(memory.cast_const().cast::<Instruction>(), kept) };
        let filter = Self { memory, instructions };
        if is_whole {
            return Some(filter);
        }
        filter.release();
        None
    }

    /// Gives the memory back.
    fn release(self) {
        sys::unmap(self.memory, INSTRUCTIONS_MAX * size_of::<Instruction>());
    }

    /// Returns what it says of a call of the library's.
    fn verdict(&self, number: u32, args: &[usize; 6]) -> Verdict {
        const ACTION: u32 = 0xffff_0000;
        const ALLOW: u32 = 0x7fff_0000;
        const LOG: u32 = 0x7ffc_0000;
        const ERRNO: u32 = 0x0005_0000;
        match self.run(number, args).map(|answer| answer & ACTION) {
            Some(ALLOW | LOG) => Verdict::Passes,
            Some(ERRNO) => Verdict::Fails,
            _ => Verdict::Other,
        }
    }

    fn run(&self, number: u32, args: &[usize; 6]) -> Option<u32> {
        let mut state = State { number, args, a: 0, x: 0, memory: [0; MEMORY_WORDS] };
        let mut at = 0;
        // It only jumps forward, so that it ends.
        loop {
            let instruction = self.instructions.get(at)?;
            match state.step(instruction)? {
                Step::Next(skip) => at += 1 + skip,
                Step::Answer(answer) => return Some(answer),
            }
        }
    }
}

enum Step {
    /// On, so many left out.
    Next(usize),
    Answer(u32),
}

struct State<'a> {
    number: u32,
    args: &'a [usize; 6],
    a: u32,
    x: u32,
    memory: [u32; MEMORY_WORDS],
}

impl State<'_> {
    /// Returns a word of `struct seccomp_data`: number, architecture, address of the instruction, arguments.
    fn data(&self, offset: u32) -> Option<u32> {
        let half =
            |word: usize| if offset.is_multiple_of(8) { word as u32 } else { (word as u64 >> 32) as u32 };
        match offset {
            0 => Some(self.number),
            4 => Some(AUDIT_ARCH),
            8 | 12 => Some(half(sys::address())),
            16..DATA_BYTES if offset.is_multiple_of(4) => {
                self.args.get((offset as usize - 16) / 8).map(|word| half(*word))
            }
            _ => None,
        }
    }

    fn step(&mut self, instruction: &Instruction) -> Option<Step> {
        let Instruction { code, if_true, if_false, value } = *instruction;
        let by_x = code & 0x08 != 0;
        let operand = if by_x { self.x } else { value };
        // The class, in the lower three bits: BPF_LD, LDX, ST, STX, ALU, JMP, RET, MISC (include/uapi/linux/bpf_common.h).
        match code & 7 {
            0 => self.a = self.load(code & 0xe0, value)?,
            1 => self.x = self.load(code & 0xe0, value)?,
            2 => *self.memory.get_mut(value as usize)? = self.a,
            3 => *self.memory.get_mut(value as usize)? = self.x,
            4 => self.a = compute(code & 0xf0, self.a, operand)?,
            5 => {
                let holds = match code & 0xf0 {
                    0x00 => return Some(Step::Next(value as usize)),
                    0x10 => self.a == operand,
                    0x20 => self.a > operand,
                    0x30 => self.a >= operand,
                    0x40 => self.a & operand != 0,
                    _ => return None,
                };
                return Some(Step::Next(usize::from(if holds { if_true } else { if_false })));
            }
            6 => return Some(Step::Answer(if code & 0x18 == 0x10 { self.a } else { value })),
            _ if code & 0xf8 == 0x80 => self.a = self.x,
            _ => self.x = self.a,
        }
        Some(Step::Next(0))
    }

    fn load(&self, mode: u16, value: u32) -> Option<u32> {
        match mode {
            0x00 => Some(value),
            0x20 => self.data(value),
            0x60 => self.memory.get(value as usize).copied(),
            0x80 => Some(DATA_BYTES),
            _ => None,
        }
    }
}

fn compute(operation: u16, a: u32, by: u32) -> Option<u32> {
    Some(match operation {
        0x00 => a.wrapping_add(by),
        0x10 => a.wrapping_sub(by),
        0x20 => a.wrapping_mul(by),
        0x30 => a.checked_div(by)?,
        0x40 => a | by,
        0x50 => a & by,
        0x60 => a.checked_shl(by).unwrap_or(0),
        0x70 => a.checked_shr(by).unwrap_or(0),
        0x80 => a.wrapping_neg(),
        0xa0 => a ^ by,
        _ => return None,
    })
}
