//! System call conventions: a number means something only together with one of these.

/// A system call convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 32-bit calls on x86, made by 32-bit programs and by `int $0x80` in any program.
    X86,
    /// The x32 ABI: [`Self::X86_64`] with [`Self::X32_BIT`] in the number and 32-bit pointers.
    X32,
    /// 64-bit ARM.
    Aarch64,
}

impl Arch {
    /// Marks the numbers of the x32 ABI (`__X32_SYSCALL_BIT`, arch/x86/include/uapi/asm/unistd.h).
    pub const X32_BIT: u64 = 0x4000_0000;

    /// The conventions that a program on this machine can use, the native one first.
    #[cfg(target_arch = "x86_64")]
    pub const HERE: &'static [Self] = &[Self::X86_64, Self::X86, Self::X32];
    /// The conventions that a program on this machine can use, the native one first.
    #[cfg(target_arch = "aarch64")]
    pub const HERE: &'static [Self] = &[Self::Aarch64];

    /// Returns the `AUDIT_ARCH_*` value by which seccomp and ptrace name the convention (include/uapi/linux/audit.h).
    pub const fn audit(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
        }
    }

    /// Returns the convention of a call, and its number without marks; `None` for a convention not known here.
    pub fn of_call(audit: u32, number: u64) -> Option<(Self, u64)> {
        match audit {
            0xc000_003e if number & Self::X32_BIT != 0 => Some((Self::X32, number & !Self::X32_BIT)),
            0xc000_003e => Some((Self::X86_64, number)),
            0x4000_0003 => Some((Self::X86, number)),
            0xc000_00b7 => Some((Self::Aarch64, number)),
            _ => None,
        }
    }

    /// Returns whether pointers in memory are 4 bytes.
    pub fn has_short_pointers(self) -> bool {
        matches!(self, Self::X86 | Self::X32)
    }
}
