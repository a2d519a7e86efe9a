//! The symbols that are interposed, and the section from which dyld learns of them.

use syscalls::Sysno;

use super::body::Gives::Int;
use super::body::{A, B, C, CWD, D, E, call};
use super::{Deed, Function, Hook, clones, replace, tabled};

/// One entry of `__interpose` (mach-o/dyld-interposing.h).
#[repr(C)]
struct Pair {
    replacement: *const (),
    replacee: Function,
}

// SAFETY: addresses of code.
unsafe impl Sync for Pair {}

/// Gives the replacement of a function: with a number, that of one which has so many arguments before those of a variable number.
macro_rules! replacement {
    ($name:ident) => {
        replacements::$name as *const ()
    };
    ($name:ident $fixed:literal) => {
        shims::$name as *const ()
    };
}

/// The code between a caller and the replacement of a function that takes a variable number of arguments: on 64-bit Arm, Apple's callers put
/// the first of those on the stack, and a Rust function looks for it in a register. Where there is none, whatever stands there is passed on.
macro_rules! shim {
    ($name:ident) => {};
    ($name:ident $fixed:literal) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            core::arch::naked_asm!(
                #[cfg(target_arch = "aarch64")]
                concat!("ldr x", $fixed, ", [sp]"),
                #[cfg(target_arch = "aarch64")]
                "b {replacement}",
                #[cfg(target_arch = "x86_64")]
                "jmp {replacement}",
                replacement = sym super::replacements::$name,
            )
        }
    };
}

/// Gives what a replacement calls: the function itself, or another.
macro_rules! real {
    ($name:ident) => {
        real::$name
    };
    ($name:ident $other:ident) => {
        real::$other
    };
}

/// `name "symbol" [fixed arguments] [by what is called in its place] = what it does;`
macro_rules! interpose {
    ($($name:ident $symbol:literal $($fixed:literal)? $(by $other:ident)? = $deed:expr;)+) => {
        mod real {
            unsafe extern "C" {
                $(#[link_name = $symbol] pub(super) fn $name();)+
                $($(pub(super) fn $other();)?)+
            }
        }

        #[expect(non_camel_case_types, reason = "the names are libSystem's")]
        #[repr(usize)]
        enum Place { $($name,)+ }

        const COUNT: usize = [$(stringify!($name)),+].len();

        static HOOKS: [Hook; COUNT] =
            [$(Hook { deed: $deed, real: real!($name $($other)?), fixed: 0 $(+ $fixed)? },)+];

        mod replacements {
            $(
                pub(super) unsafe extern "C" fn $name(
                    a: usize, b: usize, c: usize, d: usize, e: usize, f: usize,
                ) -> usize {
                    super::replace(&super::HOOKS[super::Place::$name as usize], [a, b, c, d, e, f])
                }
            )+
        }

        mod shims {
            $(shim!($name $($fixed)?);)+
        }

        #[used]
        // SAFETY: dyld reads pairs of pointers there, and calls the first in the place of the second.
        #[unsafe(link_section = "__DATA,__interpose")]
        static INTERPOSE: [Pair; COUNT] = [$(
            Pair { replacement: replacement!($name $($fixed)?), replacee: real::$name },
        )+];
    };
}

interpose! {
    open "open" 2 = tabled("open");
    open_nocancel "open$NOCANCEL" 2 = tabled("open");
    __open "__open" = tabled("__open");
    __open_nocancel "__open_nocancel" = tabled("__open_nocancel");
    openat "openat" 3 = tabled("openat");
    openat_nocancel "openat$NOCANCEL" 3 = tabled("openat");
    __openat "__openat" = tabled("openat");
    __openat_nocancel "__openat_nocancel" = tabled("openat");

    read "read" = tabled("read");
    read_nocancel "read$NOCANCEL" = tabled("read");
    __read_nocancel "__read_nocancel" = tabled("__read_nocancel");
    pread "pread" = tabled("pread");
    pread_nocancel "pread$NOCANCEL" = tabled("pread");
    __pread_nocancel "__pread_nocancel" = tabled("pread");
    readv "readv" = tabled("readv");
    readv_nocancel "readv$NOCANCEL" = tabled("readv");
    __readv_nocancel "__readv_nocancel" = tabled("readv");
    preadv "preadv" = tabled("preadv");
    preadv_nocancel "preadv$NOCANCEL" = tabled("preadv");
    write "write" = tabled("write");
    write_nocancel "write$NOCANCEL" = tabled("write");
    __write_nocancel "__write_nocancel" = tabled("__write_nocancel");
    pwrite "pwrite" = tabled("pwrite");
    pwrite_nocancel "pwrite$NOCANCEL" = tabled("pwrite");
    __pwrite_nocancel "__pwrite_nocancel" = tabled("pwrite");
    writev "writev" = tabled("writev");
    writev_nocancel "writev$NOCANCEL" = tabled("writev");
    __writev_nocancel "__writev_nocancel" = tabled("writev");
    pwritev "pwritev" = tabled("pwritev");
    pwritev_nocancel "pwritev$NOCANCEL" = tabled("pwritev");

    mmap "mmap" = tabled("mmap");
    __mmap "__mmap" = tabled("__mmap");
    mprotect "mprotect" = tabled("mprotect");
    __mprotect "__mprotect" = tabled("__mprotect");

    rename "rename" = tabled("rename");
    renameat "renameat" = tabled("renameat");
    renamex_np "renamex_np" = Deed::Tabled(call(Sysno::renameat2, [CWD, A, CWD, B, C], Int));
    renameatx_np "renameatx_np" = Deed::Tabled(call(Sysno::renameat2, [A, B, C, D, E], Int));
    link "link" = tabled("link");
    linkat "linkat" = tabled("linkat");
    symlink "symlink" = tabled("symlink");
    symlinkat "symlinkat" = tabled("symlinkat");
    unlink "unlink" = tabled("unlink");
    unlinkat "unlinkat" = tabled("unlinkat");
    mknod "mknod" = tabled("mknod");
    clonefile "clonefile" = Deed::Clone(clones::BY_PATH);
    clonefileat "clonefileat" = Deed::Clone(clones::BY_PATH_AT);
    fclonefileat "fclonefileat" = Deed::Clone(clones::BY_DESCRIPTOR);
    truncate "truncate" = tabled("truncate");
    ftruncate "ftruncate" = tabled("ftruncate");
    chdir "chdir" = tabled("chdir");
    fchdir "fchdir" = tabled("fchdir");
    chroot "chroot" = tabled("chroot");

    close "close" = tabled("close");
    close_nocancel "close$NOCANCEL" = tabled("close");
    __close_nocancel "__close_nocancel" = tabled("__close_nocancel");
    dup "dup" = tabled("dup");
    dup2 "dup2" = tabled("dup2");
    fcntl "fcntl" 2 = tabled("fcntl");
    fcntl_nocancel "fcntl$NOCANCEL" 2 = tabled("fcntl");
    __fcntl "__fcntl" = tabled("__fcntl");
    __fcntl_nocancel "__fcntl_nocancel" = tabled("__fcntl");

    execve "execve" = tabled("execve");
    posix_spawn "posix_spawn" = tabled("posix_spawn");
    vfork "vfork" by fork = tabled("vfork");
    __fork "__fork" = tabled("__fork");
    wait4 "wait4" = tabled("wait4");
    __wait4_nocancel "__wait4_nocancel" = tabled("wait4");
    waitid "waitid" = tabled("waitid");
    waitid_nocancel "waitid$NOCANCEL" = tabled("waitid");
    _exit "_exit" = tabled("_exit");
}
