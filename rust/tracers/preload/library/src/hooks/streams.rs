//! Streams: what is read from them and written to them. The first of each is told, its bytes are not counted; what is written is told when it
//! is given to the stream, which may keep it until the process ends.

use core::ffi::CStr;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::body::{Happened, Stream};
use super::{ARGUMENTS, Frame, Real, calls, link};
use crate::descriptors::{self, Side, Told};
use crate::transfers;

/// A function or variable of the C library that is not hooked.
pub(super) struct Known {
    name: &'static CStr,
    /// 0: not looked up yet.
    address: AtomicUsize,
}

impl Known {
    pub(super) const fn new(name: &'static CStr) -> Self {
        Self { name, address: AtomicUsize::new(0) }
    }

    fn address(&self, find: fn(&CStr) -> Option<usize>) -> Option<usize> {
        let known = self.address.load(Ordering::Relaxed);
        if known != 0 {
            return Some(known);
        }
        let found = find(self.name)?;
        self.address.store(found, Ordering::Relaxed);
        Some(found)
    }

    /// Calls the function.
    pub(super) fn call(&self, first: usize) -> Option<usize> {
        let mut args = [0; ARGUMENTS];
        args[0] = first;
        Some(Real(self.address(link::find_function)?).call(args))
    }

    /// Returns the pointer that the variable holds.
    pub(super) fn pointer(&self) -> Option<usize> {
        // SAFETY: a variable of the C library's, of the size of a pointer.
        self.address(link::find_variable).map(|place| unsafe { (place as *const usize).read() })
    }
}

static FILENO: Known = Known::new(c"fileno_unlocked");
static FEOF: Known = Known::new(c"feof_unlocked");
static STDIN: Known = Known::new(c"stdin");
static STDOUT: Known = Known::new(c"stdout");

/// Returns the descriptor of a stream, -1 if it has none. `errno` is as before.
pub(super) fn descriptor(stream: usize) -> i32 {
    if stream == 0 {
        return -1;
    }
    let errno = calls::errno();
    let fd = FILENO.call(stream).map_or(-1, |fd| fd as i32);
    if fd < 0 {
        calls::set_errno(errno);
    }
    fd
}

fn find(stream: Stream, frame: &Frame) -> usize {
    match stream {
        Stream::At(position) => frame.args.get(usize::from(position)).copied().unwrap_or(0),
        Stream::Stdin => STDIN.pointer().unwrap_or(0),
        Stream::Stdout => STDOUT.pointer().unwrap_or(0),
    }
}

fn has_happened(happened: Happened, result: usize, frame: &Frame) -> bool {
    let number = result as i32;
    match happened {
        Happened::Count | Happened::Pointer => result != 0,
        Happened::NotEnd => number != -1,
        Happened::NotNegative => number >= 0,
        Happened::Positive => number > 0,
        Happened::Success => number == 0,
        // SAFETY: a string that the function has just written.
        Happened::Text => number >= 0 && unsafe { (frame.args[0] as *const u8).read() } != 0,
        // SAFETY: likewise, of wide characters.
        Happened::WideText => number >= 0 && unsafe { (frame.args[0] as *const u32).read() } != 0,
    }
}

/// Reads from a stream.
pub(super) fn read(real: Real, stream: Stream, happened: Happened, frame: &Frame) -> usize {
    let stream = find(stream, frame);
    let result = real.call(frame.all());
    let fd = descriptor(stream);
    if fd < 0 || descriptors::told(fd, Side::Read) != Told::Nothing {
        return result;
    }
    // To be at the end of a file it must have been read.
    if has_happened(happened, result, frame) || FEOF.call(stream).is_some_and(|at_end| at_end as i32 != 0) {
        transfers::tell_uncounted(fd, Side::Read);
    }
    result
}

/// Writes to a stream.
pub(super) fn write(real: Real, stream: Stream, happened: Happened, frame: &Frame) -> usize {
    write_to(real, descriptor(find(stream, frame)), happened, frame)
}

/// Writes to descriptor A.
pub(super) fn write_descriptor(real: Real, frame: &Frame) -> usize {
    write_to(real, frame.args[0] as i32, Happened::Positive, frame)
}

fn write_to(real: Real, fd: i32, happened: Happened, frame: &Frame) -> usize {
    if fd < 0 || descriptors::told(fd, Side::Write) != Told::Nothing {
        return real.call(frame.all());
    }
    let transfer = transfers::prepare(None, Some(fd));
    let result = real.call(frame.all());
    if let Some(transfer) = transfer {
        let has_happened = has_happened(happened, result, frame);
        transfers::leave(transfer.uncounted(), if has_happened { 0 } else { -1 });
    }
    result
}

/// Something is about to be written to the standard error.
pub(super) fn complain() {
    const STDERR: i32 = 2;
    if descriptors::told(STDERR, Side::Write) == Told::Nothing {
        transfers::tell_uncounted(STDERR, Side::Write);
    }
}
