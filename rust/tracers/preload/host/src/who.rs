//! Who did something.

/// A thread, by a number of its own that is not the kernel's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub(crate) pid: u32,
    pub(crate) tid: u32,
}
