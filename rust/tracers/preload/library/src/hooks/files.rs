//! Functions that open and close files by ways of their own.

use core::mem::MaybeUninit;

use syscalls::Sysno;
use tracer_syscalls::constants::{O_CREAT, O_EXCL, O_TMPFILE, O_TRUNC};

use super::body::Body;
use super::streams::{Known, descriptor};
use super::{Frame, Real};
use crate::calls::{self, Call, Pending};
use crate::descriptors::{self, Side};
use crate::names::{PATH_MAX, PathArgument};
use crate::opens::{self, Opening};
use crate::sys::{self, Link};
use crate::transfers;

const O_WRONLY: u64 = 1;
const O_RDWR: u64 = 2;

static DIRFD: Known = Known::new(c"dirfd");

fn path(address: usize) -> PathArgument {
    PathArgument { pointer: address as *const u8 }
}

/// Returns the flags of open(2) for a mode of fopen(3).
fn flags(mode: usize) -> u64 {
    let mut flags = 0;
    for index in 0.. {
        // SAFETY: a string that the function is about to read.
        let byte = unsafe { (mode as *const u8).wrapping_add(index).read() };
        match byte {
            0 | b',' => break,
            b'w' if index == 0 => flags |= O_WRONLY | O_CREAT | O_TRUNC,
            b'a' if index == 0 => flags |= O_WRONLY | O_CREAT,
            b'+' => flags = flags & !O_WRONLY | O_RDWR,
            b'x' => flags |= O_EXCL,
            _ => {}
        }
    }
    flags
}

/// fopen(3).
pub(super) fn open_stream(real: Real, frame: &Frame) -> usize {
    let [name, mode, ..] = frame.args;
    let opening = opens::prepare_as_asked(sys::AT_FDCWD, path(name), flags(mode));
    opened(real, frame, opening)
}

/// freopen(3). Without a path it opens the file again that the stream has.
pub(super) fn reopen_stream(real: Real, frame: &Frame) -> usize {
    let [name, mode, stream, ..] = frame.args;
    let fd = descriptor(stream);
    let link = Link::new(fd);
    let name = if name == 0 { link.pointer() as usize } else { name };
    let opening = opens::prepare_as_asked(sys::AT_FDCWD, path(name), flags(mode));
    descriptors::forget(fd);
    opened(real, frame, opening)
}

fn opened(real: Real, frame: &Frame, opening: Opening) -> usize {
    let stream = real.call(frame.all());
    opens::leave(opening, descriptor(stream) as isize);
    stream
}

/// tmpfile(3).
pub(super) fn temporary_stream(real: Real, frame: &Frame) -> usize {
    opened(real, frame, opens::unforeseen(O_RDWR | O_TMPFILE))
}

/// mkstemp(3) and its kin.
pub(super) fn temporary_file(real: Real, frame: &Frame) -> usize {
    let opening = opens::unforeseen(O_RDWR | O_CREAT | O_EXCL);
    let fd = real.call(frame.all());
    opens::leave(opening, fd as i32 as isize);
    fd
}

/// A stream or directory is about to be closed, or all streams.
pub(super) fn forget(body: Body, frame: &Frame) {
    if matches!(body, Body::CloseStream) {
        descriptors::forget(descriptor(frame.args[0]));
    } else if matches!(body, Body::CloseDirectory) {
        if let Some(fd) = DIRFD.call(frame.args[0]) {
            descriptors::forget(fd as i32);
        }
    } else {
        // Which they are only the C library knows.
        descriptors::forget_range(0, u32::MAX);
    }
}

/// shm_open(3) and shm_unlink(3): files of /dev/shm.
pub(super) fn shared_memory(real: Real, is_removal: bool, frame: &Frame) -> usize {
    const DIRECTORY: &[u8] = b"/dev/shm/";
    let mut place = MaybeUninit::<[u8; PATH_MAX]>::uninit();
    let start = place.as_mut_ptr().cast::<u8>();
    let mut len = 0;
    let mut push = |byte: u8| {
        if len < PATH_MAX {
            // SAFETY: within the place.
            unsafe { start.wrapping_add(len).write(byte) };
            len += 1;
        }
    };
    DIRECTORY.iter().for_each(|byte| push(*byte));
    let mut name = frame.args[0] as *const u8;
    // SAFETY: a string that the function is about to read.
    while unsafe { name.read() } == b'/' {
        name = name.wrapping_add(1);
    }
    loop {
        // SAFETY: as above.
        let byte = unsafe { name.read() };
        push(byte);
        if byte == 0 {
            break;
        }
        name = name.wrapping_add(1);
    }
    if len == PATH_MAX {
        return real.call(frame.all());
    }
    if is_removal {
        let mut call = Call {
            number: Sysno::unlinkat as usize,
            args: [sys::AT_FDCWD as usize, start as usize, 0, 0, 0, 0],
        };
        let mut pending = Pending::Nothing;
        // The way is of no matter: the function is called.
        let _way = calls::enter(&mut call, &mut pending);
        let result = real.call(frame.all());
        calls::leave(&mut pending, result as i32 as isize);
        return result;
    }
    let flags = u64::from(frame.args[1] as u32);
    let opening = opens::prepare_as_asked(sys::AT_FDCWD, path(start as usize), flags);
    let fd = real.call(frame.all());
    opens::leave(opening, fd as i32 as isize);
    fd
}

/// `struct aiocb` begins with the descriptor and the operation, in every C library.
fn control(block: usize, index: usize) -> i32 {
    let mut words = [0; 8];
    if sys::peek(block, &mut words) != words.len() {
        return -1;
    }
    let both = u64::from_le_bytes(words);
    (both >> (32 * index)) as i32
}

/// aio_read(3) and aio_write(3): told when they are taken.
pub(super) fn aio(real: Real, side: Side, frame: &Frame) -> usize {
    let fd = control(frame.args[0], 0);
    let result = real.call(frame.all());
    if result as i32 == 0 {
        transfers::tell_uncounted(fd, side);
    }
    result
}

/// lio_listio(3).
pub(super) fn aio_list(real: Real, frame: &Frame) -> usize {
    const LIO_READ: i32 = 0;
    const LIO_WRITE: i32 = 1;
    let [_, list, count, ..] = frame.args;
    let result = real.call(frame.all());
    for index in 0..usize::try_from(count as i32).unwrap_or(0) {
        let mut word = [0; 8];
        if sys::peek(list.wrapping_add(8 * index), &mut word) != word.len() {
            break;
        }
        let block = usize::from_le_bytes(word);
        match control(block, 1) {
            LIO_READ if block != 0 => transfers::tell_uncounted(control(block, 0), Side::Read),
            LIO_WRITE if block != 0 => transfers::tell_uncounted(control(block, 0), Side::Write),
            _ => {}
        }
    }
    result
}

/// A descriptor of which nothing is known.
pub(super) fn fresh(real: Real, frame: &Frame) -> usize {
    let fd = real.call(frame.all());
    descriptors::forget(fd as i32);
    fd
}

/// recvmsg(2) and recvmmsg(2): of descriptors that come with messages nothing is known.
pub(super) fn received(real: Real, are_many: bool, frame: &Frame) -> usize {
    /// `struct mmsghdr`: a `struct msghdr` and a length.
    const MANY_BYTES: usize = 64;
    let result = real.call(frame.all());
    let count = usize::try_from(result as isize as i32).unwrap_or(0);
    let messages = if are_many { count } else { 1 };
    if (result as i32) < 0 {
        return result;
    }
    for index in 0..messages {
        forget_received(frame.args[1].wrapping_add(index * MANY_BYTES));
    }
    result
}

fn forget_received(message: usize) {
    // `struct msghdr`: the address of control messages, and their length, after four words; `struct cmsghdr`: length, level, type.
    const SOL_SOCKET: u64 = 1;
    const SCM_RIGHTS: u64 = 1;
    const HEAD_BYTES: usize = 16;
    let long = |address: usize| {
        let mut word = [0; 8];
        if sys::peek(address, &mut word) == word.len() { u64::from_le_bytes(word) } else { 0 }
    };
    let (mut at, len) = (long(message.wrapping_add(32)) as usize, long(message.wrapping_add(40)) as usize);
    let end = at.wrapping_add(len);
    while at != 0 && at.wrapping_add(HEAD_BYTES) <= end {
        let bytes = (long(at) as usize).min(end - at);
        if bytes < HEAD_BYTES {
            break;
        }
        if long(at.wrapping_add(8)) == SOL_SOCKET | SCM_RIGHTS << 32 {
            for fd in 0..(bytes - HEAD_BYTES) / 4 {
                descriptors::forget(control(at.wrapping_add(HEAD_BYTES + 4 * fd), 0));
            }
        }
        at = at.wrapping_add(bytes.next_multiple_of(8));
    }
}
