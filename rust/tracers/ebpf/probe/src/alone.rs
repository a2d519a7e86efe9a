//! Not being interrupted.
//!
//! What a program has under way is in memory of the processor. Since Linux 7 the kernel may interrupt it there by another one of ours.

use core::arch::asm;

use tracer_ebpf_abi::stand_in;

/// No other program runs on this processor as long as this lives.
pub(crate) struct Alone;

impl Alone {
    #[inline(always)]
    pub(crate) fn begin() -> Self {
        call::<{ stand_in::PREEMPT_DISABLE }>();
        Self
    }
}

impl Drop for Alone {
    #[inline(always)]
    fn drop(&mut self) {
        call::<{ stand_in::PREEMPT_ENABLE }>();
    }
}

/// Calls what the user side puts in the place of that number.
#[inline(always)]
fn call<const NUMBER: i32>() {
    // SAFETY: the functions take nothing; what a call may change is named.
    unsafe {
        asm!(
            "call {number}",
            number = const NUMBER,
            lateout("r0") _,
            lateout("r1") _,
            lateout("r2") _,
            lateout("r3") _,
            lateout("r4") _,
            lateout("r5") _,
        );
    }
}
