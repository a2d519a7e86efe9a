//! x86-64: the code of a hook, and how the arguments of a function are laid out (System V ABI, 3.2.3 and 3.5.7).

use core::arch::naked_asm;

use super::ARGUMENTS;

/// Registers that arguments are passed in.
const REGISTERS: usize = 6;

/// The code of a hook: jumps to what its slot holds, or to the dispatcher with the address of the slot in `r11`.
macro_rules! jump {
    ($slots:ident, $id:expr) => {
        core::arch::naked_asm!(
            "lea r11, [rip + {slots} + {offset}]",
            "mov r10, [r11]",
            "test r10, r10",
            "jz {enter}",
            "jmp r10",
            slots = sym $slots,
            offset = const $id as usize * size_of::<crate::hooks::Slot>(),
            enter = sym crate::hooks::stub::enter,
        )
    };
}
pub(super) use jump;

/// A call of a hook. The code below lays it out like this; the first two are what a `va_list` calls the register save area.
#[derive(Clone, Debug)]
#[repr(C, align(16))]
pub(crate) struct Frame {
    /// Arguments in general registers.
    pub(super) args: [usize; REGISTERS],
    vectors: [u128; 8],
    /// How many vector registers hold arguments; what the call results in.
    pub(super) result: usize,
    /// The hook's slot.
    pub(super) slot: usize,
    /// Further arguments.
    stack: *const usize,
    spare: usize,
}

impl Frame {
    /// Returns an argument.
    pub(super) fn arg(&self, index: usize) -> usize {
        match self.args.get(index) {
            Some(arg) => *arg,
            // SAFETY: whoever asks for it knows that the caller has given it, or that there is a stack there.
            None => unsafe { self.stack.wrapping_add(index - REGISTERS).read() },
        }
    }

    /// Returns the arguments of most functions.
    pub(super) fn all(&self) -> [usize; ARGUMENTS] {
        let [a, b, c, d, e, f] = self.args;
        [a, b, c, d, e, f, self.arg(6), self.arg(7)]
    }

    /// Returns the frame with arguments of its own.
    pub(super) fn clone_registers(&self) -> Self {
        self.clone()
    }
}

/// `va_list`.
#[derive(Debug)]
#[repr(C)]
pub(super) struct VaList {
    general: u32,
    vector: u32,
    overflow: *const usize,
    saved: *const Frame,
}

impl VaList {
    /// Returns the arguments of a call behind the first `fixed`, of which all are in general registers.
    pub(super) fn new(frame: &Frame, fixed: usize) -> Self {
        Self {
            general: (fixed * size_of::<usize>()) as u32,
            vector: (REGISTERS * size_of::<usize>()) as u32,
            overflow: frame.stack,
            saved: frame,
        }
    }
}

/// From a hook: lays out a frame and goes where the dispatcher says.
#[unsafe(naked)]
pub(super) extern "C" fn enter() {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "sub rsp, {bytes}",
        "mov [rsp], rdi",
        "mov [rsp + 8], rsi",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], rcx",
        "mov [rsp + 32], r8",
        "mov [rsp + 40], r9",
        "movaps [rsp + 48], xmm0",
        "movaps [rsp + 64], xmm1",
        "movaps [rsp + 80], xmm2",
        "movaps [rsp + 96], xmm3",
        "movaps [rsp + 112], xmm4",
        "movaps [rsp + 128], xmm5",
        "movaps [rsp + 144], xmm6",
        "movaps [rsp + 160], xmm7",
        "mov [rsp + 176], rax",
        "mov [rsp + 184], r11",
        "lea rax, [rbp + 16]",
        "mov [rsp + 192], rax",
        "mov rdi, rsp",
        "call {dispatch}",
        "test rax, rax",
        "jz 2f",
        "mov r11, rax",
        "mov rdi, [rsp]",
        "mov rsi, [rsp + 8]",
        "mov rdx, [rsp + 16]",
        "mov rcx, [rsp + 24]",
        "mov r8, [rsp + 32]",
        "mov r9, [rsp + 40]",
        "movaps xmm0, [rsp + 48]",
        "movaps xmm1, [rsp + 64]",
        "movaps xmm2, [rsp + 80]",
        "movaps xmm3, [rsp + 96]",
        "movaps xmm4, [rsp + 112]",
        "movaps xmm5, [rsp + 128]",
        "movaps xmm6, [rsp + 144]",
        "movaps xmm7, [rsp + 160]",
        "mov rax, [rsp + 176]",
        ".cfi_remember_state",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "jmp r11",
        ".cfi_restore_state",
        "2: mov rax, [rsp + 176]",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
        bytes = const size_of::<Frame>(),
        dispatch = sym super::dispatch,
    )
}

/// vfork(2), which must have nothing on the stack when it comes back the first time: the child goes on with it.
#[unsafe(naked)]
pub(super) extern "C" fn vfork() {
    naked_asm!(
        ".cfi_startproc",
        "pop rdx",
        ".cfi_def_cfa_offset 0",
        ".cfi_register rip, rdx",
        "mov eax, {vfork}",
        "syscall",
        "push rdx",
        ".cfi_def_cfa_offset 8",
        ".cfi_offset rip, -8",
        "test rax, rax",
        "jz 2f",
        "mov rdi, rax",
        "jmp {after}",
        "2: ret",
        ".cfi_endproc",
        vfork = const syscalls::Sysno::vfork as u32,
        after = sym super::programs::after_vfork,
    )
}

const _: () = {
    assert!(size_of::<Frame>() == 208);
    assert!(core::mem::offset_of!(Frame, vectors) == 48);
    assert!(core::mem::offset_of!(Frame, result) == 176);
    assert!(core::mem::offset_of!(Frame, slot) == 184);
    assert!(core::mem::offset_of!(Frame, stack) == 192);
};
