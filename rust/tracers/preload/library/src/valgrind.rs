//! Valgrind, which runs a program on a processor of its own making and stands between it and the kernel.
//!
//! Of calls that it does not know it complains on the standard error, and `/proc/self/exe` is the program's only for those who read the link.
//!
//! # Safety
//!
//! The instructions are Valgrind's way to be asked ("The Client Request mechanism", Valgrind's manual, 3.1): on any other processor
//! they rotate a register once around and exchange another with itself.

/// Returns whether the program runs under Valgrind.
#[cfg(target_arch = "x86_64")]
pub(crate) fn is_here() -> bool {
    /// VG_USERREQ__RUNNING_ON_VALGRIND (valgrind.h), and five arguments.
    static REQUEST: [u64; 6] = [0x1001, 0, 0, 0, 0, 0];
    let mut answer = 0_u64;
    // SAFETY: as the module says; the request is read, and the answer is in a register.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") &raw const REQUEST,
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer != 0
}

/// Returns whether the program runs under Valgrind: there it is not asked.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn is_here() -> bool {
    false
}
