//! What the standard streams of the command are: whoever runs it again must open the same files.

use std::io::{stderr, stdin, stdout};

use roar_store::{Stream, StreamKind};
use rustix::fd::AsFd;
use rustix::fs::{FileType, OFlags, Stat, fcntl_getfl, fstat, major, minor, readlink, tell};
use rustix::termios::isatty;
use tracer_schema::PathBytes;

/// Device number of `/dev/null` (Linux, Documentation/admin-guide/devices.txt).
const NULL_DEVICE: (u32, u32) = (1, 3);

/// Returns what the standard streams of this process are, which are those of the command.
pub(crate) fn standard_streams() -> Vec<Stream> {
    vec![stream(0, stdin()), stream(1, stdout()), stream(2, stderr())]
}

fn stream(fd: u8, file: impl AsFd) -> Stream {
    let flags = fcntl_getfl(&file).unwrap_or(OFlags::empty());
    let is_append = flags.contains(OFlags::APPEND);
    let found = fstat(&file).map_or(StreamKind::Other, |stat| kind_of(&stat, isatty(&file)));
    // In the middle of a file that others read or write as well, such as the log of a script: not the command's own.
    let is_shared = found == StreamKind::File && !is_append && tell(&file).is_ok_and(|at| at > 0);
    let kind = if is_shared { StreamKind::Other } else { found };
    let path = match kind {
        StreamKind::File => readlink(format!("/proc/self/fd/{fd}"), Vec::new()).ok(),
        StreamKind::Null | StreamKind::Pipe | StreamKind::Terminal | StreamKind::Other => None,
    };
    let path = path.map(|path| PathBytes::from(path.to_bytes()));
    Stream { fd, kind, path, is_append: kind == StreamKind::File && is_append }
}

fn kind_of(stat: &Stat, is_terminal: bool) -> StreamKind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => StreamKind::File,
        FileType::Fifo | FileType::Socket => StreamKind::Pipe,
        FileType::CharacterDevice if (major(stat.st_rdev), minor(stat.st_rdev)) == NULL_DEVICE => {
            StreamKind::Null
        }
        FileType::CharacterDevice if is_terminal => StreamKind::Terminal,
        FileType::CharacterDevice
        | FileType::Directory
        | FileType::Symlink
        | FileType::BlockDevice
        | FileType::Unknown => StreamKind::Other,
    }
}
