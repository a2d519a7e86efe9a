//! 64-bit Arm: calls of the library's own. Sites are not patched there.

use core::arch::naked_asm;

/// Makes a system call.
///
/// # Safety
/// As the call asks for.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn raw(
    number: usize,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> isize {
    naked_asm!(
        "mov x8, x0",
        "mov x0, x1",
        "mov x1, x2",
        "mov x2, x3",
        "mov x3, x4",
        "mov x4, x5",
        "mov x5, x6",
        "svc #0",
        "ret"
    )
}

/// Returns a number that tells threads apart: where their own memory is.
#[unsafe(naked)]
pub(crate) extern "C" fn thread() -> usize {
    naked_asm!("mrs x0, tpidr_el0", "ret")
}
