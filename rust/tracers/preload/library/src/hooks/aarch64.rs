//! 64-bit Arm: the code of a hook, and how the arguments of a function are laid out (AAPCS64, 6.8 and appendix B).

use core::arch::naked_asm;

use super::ARGUMENTS;

/// Registers that arguments are passed in.
const REGISTERS: usize = 8;

/// The code of a hook: jumps to what its slot holds, or to the dispatcher with the address of the slot in `x16`.
macro_rules! jump {
    ($slots:ident, $id:expr) => {
        core::arch::naked_asm!(
            "adrp x16, {slots} + {offset}",
            "add x16, x16, :lo12:{slots} + {offset}",
            "ldr x17, [x16]",
            "cbz x17, 2f",
            "br x17",
            "2: b {enter}",
            slots = sym $slots,
            offset = const $id as usize * size_of::<crate::hooks::Slot>(),
            enter = sym crate::hooks::stub::enter,
        )
    };
}
pub(super) use jump;

/// A call of a hook. The code below lays it out like this.
#[derive(Clone, Debug)]
#[repr(C, align(16))]
pub(crate) struct Frame {
    /// Arguments in general registers.
    pub(super) args: [usize; REGISTERS],
    vectors: [u128; 8],
    /// What the call results in; before, where a result that is in memory goes.
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
            // SAFETY: whoever asks for it knows that the caller has given it.
            None => unsafe { self.stack.wrapping_add(index - REGISTERS).read() },
        }
    }

    /// Returns the arguments of most functions.
    pub(super) fn all(&self) -> [usize; ARGUMENTS] {
        self.args
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
    stack: *const usize,
    general_end: *const usize,
    vector_end: *const u128,
    general_offset: i32,
    vector_offset: i32,
}

impl VaList {
    /// Returns the arguments of a call behind the first `fixed`, of which all are in general registers.
    pub(super) fn new(frame: &Frame, fixed: usize) -> Self {
        Self {
            stack: frame.stack,
            general_end: frame.args.as_ptr_range().end,
            vector_end: frame.vectors.as_ptr_range().end,
            general_offset: -(((REGISTERS - fixed) * size_of::<usize>()) as i32),
            vector_offset: -(size_of::<[u128; 8]>() as i32),
        }
    }
}

/// From a hook: lays out a frame and goes where the dispatcher says.
#[unsafe(naked)]
pub(super) extern "C" fn enter() {
    naked_asm!(
        ".cfi_startproc",
        "stp x29, x30, [sp, #-16]!",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset x29, -16",
        ".cfi_offset x30, -8",
        "mov x29, sp",
        ".cfi_def_cfa_register x29",
        "sub sp, sp, #{bytes}",
        "stp x0, x1, [sp]",
        "stp x2, x3, [sp, #16]",
        "stp x4, x5, [sp, #32]",
        "stp x6, x7, [sp, #48]",
        "stp q0, q1, [sp, #64]",
        "stp q2, q3, [sp, #96]",
        "stp q4, q5, [sp, #128]",
        "stp q6, q7, [sp, #160]",
        "stp x8, x16, [sp, #192]",
        "add x9, x29, #16",
        "str x9, [sp, #208]",
        "mov x0, sp",
        "bl {dispatch}",
        "cbz x0, 2f",
        "mov x16, x0",
        "ldp x0, x1, [sp]",
        "ldp x2, x3, [sp, #16]",
        "ldp x4, x5, [sp, #32]",
        "ldp x6, x7, [sp, #48]",
        "ldp q0, q1, [sp, #64]",
        "ldp q2, q3, [sp, #96]",
        "ldp q4, q5, [sp, #128]",
        "ldp q6, q7, [sp, #160]",
        "ldr x8, [sp, #192]",
        ".cfi_remember_state",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        ".cfi_def_cfa sp, 0",
        "br x16",
        ".cfi_restore_state",
        "2: ldr x0, [sp, #192]",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        ".cfi_def_cfa sp, 0",
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
        "mov x0, #{flags}",
        "mov x1, #0",
        "mov x2, #0",
        "mov x3, #0",
        "mov x4, #0",
        "mov x8, #{clone}",
        "svc #0",
        "cbz x0, 2f",
        "b {after}",
        "2: ret",
        flags = const super::programs::VFORK | 17,
        clone = const syscalls::Sysno::clone as u32,
        after = sym super::programs::after_vfork,
    )
}

const _: () = {
    assert!(size_of::<Frame>() == 224);
    assert!(core::mem::offset_of!(Frame, vectors) == 64);
    assert!(core::mem::offset_of!(Frame, result) == 192);
    assert!(core::mem::offset_of!(Frame, slot) == 200);
    assert!(core::mem::offset_of!(Frame, stack) == 208);
};
