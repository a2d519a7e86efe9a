//! What the library takes from the loader and the C library: weak symbols of no version, so that it loads wherever there is a loader at
//! all. Each may be missing.

use core::arch::naked_asm;

core::arch::global_asm!(".weak _r_debug", ".weak _dl_debug_addr", ".weak environ", ".hidden _DYNAMIC",);

/// Returns the address of a weak symbol, 0 if there is none.
macro_rules! address_of {
    ($name:ident, $symbol:literal) => {
        #[cfg(target_arch = "x86_64")]
        #[unsafe(naked)]
        extern "C" fn $name() -> usize {
            naked_asm!(concat!("mov rax, qword ptr [rip + ", $symbol, "@GOTPCREL]"), "ret")
        }
        #[cfg(target_arch = "aarch64")]
        #[unsafe(naked)]
        extern "C" fn $name() -> usize {
            naked_asm!(
                concat!("adrp x0, :got:", $symbol),
                concat!("ldr x0, [x0, :got_lo12:", $symbol, "]"),
                "ret"
            )
        }
    };
}

address_of!(glibc_debug, "_r_debug");
address_of!(musl_debug, "_dl_debug_addr");
address_of!(environ_address, "environ");

/// Returns the loader's `struct r_debug`, null if it is not announced in a way that is known.
pub(crate) fn debug() -> *mut u8 {
    let glibc = glibc_debug();
    if glibc != 0 {
        return glibc as *mut u8;
    }
    let musl = musl_debug() as *const *mut u8;
    // SAFETY: musl's `_dl_debug_addr` is a pointer to it.
    unsafe { musl.as_ref() }.map_or(core::ptr::null_mut(), |debug| *debug)
}

/// Returns whether the loader is glibc's, which gives initializers the arguments of `main`.
pub(crate) fn is_glibc() -> bool {
    glibc_debug() != 0
}

/// Returns where the C library has the environment, null if that is not known.
pub(crate) fn environment_place() -> *mut *const *const u8 {
    environ_address() as *mut *const *const u8
}

/// Returns the environment as the C library has it.
pub(crate) fn environment() -> *const *const u8 {
    // SAFETY: null, or the C library's `environ`.
    unsafe { environment_place().as_ref() }.map_or(core::ptr::null(), |environ| *environ)
}

/// Returns the address of the library's own dynamic section.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub(crate) extern "C" fn own_dynamic() -> usize {
    naked_asm!("lea rax, [rip + _DYNAMIC]", "ret")
}

/// Returns the address of the library's own dynamic section.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub(crate) extern "C" fn own_dynamic() -> usize {
    naked_asm!("adrp x0, _DYNAMIC", "add x0, x0, :lo12:_DYNAMIC", "ret")
}
