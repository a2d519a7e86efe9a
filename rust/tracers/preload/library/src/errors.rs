//! Error numbers that decide something here, negative as the kernel gives them, and are the same in every Unix: those up to 34 are of
//! its seventh edition (intro(2) there). The others are beside the calls of each system.

pub(crate) const EPERM: isize = -1;
pub(crate) const ENOENT: isize = -2;
pub(crate) const E2BIG: isize = -7;
pub(crate) const EACCES: isize = -13;
pub(crate) const EFAULT: isize = -14;
pub(crate) const EEXIST: isize = -17;
pub(crate) const ENOTDIR: isize = -20;
pub(crate) const EINVAL: isize = -22;
pub(crate) const ENFILE: isize = -23;
pub(crate) const EMFILE: isize = -24;
pub(crate) const ERANGE: isize = -34;
