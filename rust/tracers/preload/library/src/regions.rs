//! What is mapped where, as the kernel says it (proc_pid_maps(5)).

use tracer_preload_journal::entry::{Flags, Stamp};
use tracer_preload_journal::{Kind, State};

use crate::journal::{self, Draft};
use crate::names::Text;
use crate::{sys, transfers};

/// What is mapped shared and has had a name is a regular file, or of no account.
const S_IFREG: u32 = 0o100_000;

/// What a line of `/proc/self/maps` is cut to: its numbers, and the longest path that is told, four times as long where every byte is
/// escaped.
const LINE_MAX: usize = 128 + 4 * 4096;

/// Tells of the files that are mapped, shared, in memory that was made writable.
pub(crate) fn tell_writable(start: usize, length: usize) {
    const O_RDONLY_CLOEXEC: usize = sys::O_CLOEXEC;
    let fd = sys::open_at(sys::AT_FDCWD, c"/proc/self/maps".as_ptr().cast(), O_RDONLY_CLOEXEC);
    if fd < 0 {
        return;
    }
    // The line is gathered where it will be told from: there is no memory of ours to put it in.
    let end = start.saturating_add(length);
    let mut chunk = [0; 512];
    let mut line: Option<Line> = None;
    loop {
        let got = usize::try_from(sys::read(fd as i32, &mut chunk)).unwrap_or(0);
        let Some(bytes) = chunk.get(..got).filter(|bytes| !bytes.is_empty()) else { break };
        for byte in bytes {
            let current = line.get_or_insert_with(Line::new);
            if *byte == b'\n' {
                current.tell(start, end);
                line = None;
            } else {
                current.take(*byte);
            }
        }
    }
    sys::close(fd as i32);
}

/// What the kernel adds to the name of a file that has none any more (d_path in fs/d_path.c), with the NUL that is added here.
const GONE: &[u8] = b" (deleted)\0";

/// A line of `/proc/self/maps`: `start-end perms offset dev inode path`.
struct Line {
    numbers: [u64; 3],
    /// Major and minor number.
    device: [u64; 2],
    is_minor: bool,
    is_shared: bool,
    field: usize,
    in_field: usize,
    path: Option<(Draft, Text)>,
    escape: Option<(u32, u8)>,
}

impl Line {
    fn new() -> Self {
        Self {
            numbers: [0; 3],
            device: [0; 2],
            is_minor: false,
            is_shared: false,
            field: 0,
            in_field: 0,
            path: None,
            escape: None,
        }
    }

    /// Takes the next byte.
    fn take(&mut self, byte: u8) {
        if self.path.is_some() {
            self.take_path(byte);
            return;
        }
        match byte {
            b' ' if self.in_field == 0 => {}
            b' ' => (self.field, self.in_field) = (self.field + 1, 0),
            b':' if self.field == 4 => self.is_minor = true,
            b'-' if self.field == 0 => (self.field, self.in_field) = (1, 0),
            b'/' if self.field >= 6 && self.is_shared => {
                self.path = Draft::new(Kind::MapWrite, LINE_MAX).map(|draft| {
                    let mut text = Text::new(&draft, 0);
                    text.push(b"/");
                    (draft, text)
                });
            }
            byte => {
                self.in_field += 1;
                let digit = u64::from((byte as char).to_digit(16).unwrap_or(0));
                match self.field {
                    0 | 1 => self.push(self.field, 16, digit),
                    2 => self.is_shared |= byte == b's',
                    4 => {
                        let [major, minor] = &mut self.device;
                        let part = if self.is_minor { minor } else { major };
                        *part = part.wrapping_mul(16).wrapping_add(digit);
                    }
                    5 => self.push(2, 10, digit),
                    _ => {}
                }
            }
        }
    }

    fn push(&mut self, number: usize, base: u64, digit: u64) {
        if let Some(number) = self.numbers.get_mut(number) {
            *number = number.wrapping_mul(base).wrapping_add(digit);
        }
    }

    /// A newline in a path is given as `\012` (proc_pid_maps(5)).
    fn take_path(&mut self, byte: u8) {
        let Some((_, text)) = &mut self.path else { return };
        match self.escape {
            None if byte == b'\\' => self.escape = Some((0, 0)),
            None => text.push(&[byte]),
            Some((count, value)) => {
                let value = value.wrapping_mul(8).wrapping_add(byte.wrapping_sub(b'0'));
                self.escape = if count == 2 { None } else { Some((count + 1, value)) };
                if count == 2 {
                    text.push(&[value]);
                }
            }
        }
    }

    /// Tells of the file, if its mapping and `start..end` have something in common.
    fn tell(&mut self, start: usize, end: usize) {
        let [from, to, inode] = self.numbers;
        let Some((mut draft, mut text)) = self.path.take() else { return };
        text.push(b"\0");
        let len = text.len - 1;
        draft.set_texts(len, 0);
        let stamp = sys::lstat_at(sys::AT_FDCWD, text.bytes().as_ptr()).unwrap_or_default();
        let is_touched = (from as usize) < end && start < to as usize;
        let is_there = stamp.ino == inode && transfers::is_regular(&stamp);
        let is_gone = !is_there && text.bytes().ends_with(GONE);
        let is_told = is_touched && (is_there || is_gone);
        if is_told {
            journal::change();
        }
        if is_told && is_gone {
            draft.set_texts(0, 0);
            draft.flag(Flags::NAMELESS).stamp(&Stamp {
                dev: self.dev(),
                ino: inode,
                mode: S_IFREG,
                ..Stamp::default()
            });
        } else if is_told {
            draft.stamp(&stamp);
        }
        draft.seal(if is_told { State::Done } else { State::Void });
    }

    /// Returns the device as stat(2) has it (include/linux/kdev_t.h, `new_encode_dev`).
    fn dev(&self) -> u64 {
        let [major, minor] = self.device;
        (minor & 0xff) | major << 8 | (minor & !0xff) << 12
    }
}
