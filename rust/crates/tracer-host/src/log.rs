//! The debug log of a run: what was chosen and why, then every event in words. It is for whoever has to find out why a record is as it is,
//! and may be sent along: paths, arguments of programs and numbers, but nothing that is in a file, and no variable's value.
//!
//! A line that begins with `#` is a remark; any other is an event:
//!
//! ```text
//! SECONDS PID TID KIND flags=… fd=… value=… dev=… ino=… size=… TEXT TEXT
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tracer_schema::{TextId, TraceEvent};

/// Name of the debug log in the run directory.
pub const LOG_FILE: &str = "tracer.log";

/// Longest log, bytes: some 100,000 events. What goes wrong mostly does so at the beginning, and a person cannot read more.
const LOG_BYTES_MAX: u64 = 16 << 20;

/// A debug log that is being written.
#[derive(Debug)]
pub struct Log {
    file: BufWriter<File>,
    texts: Vec<Box<[u8]>>,
    room: u64,
    left_out: u64,
}

impl Log {
    /// Opens the log of a run, behind what others have written to it.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn open(run_dir: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(run_dir.join(LOG_FILE))?;
        let room = LOG_BYTES_MAX.saturating_sub(file.metadata()?.len());
        Ok(Self { file: BufWriter::new(file), texts: Vec::new(), room, left_out: 0 })
    }

    /// Writes a remark.
    pub fn note(&mut self, words: &str) {
        for line in words.lines() {
            self.line(&format!("# {line}"));
        }
    }

    /// Takes note of the text with the next id.
    pub(crate) fn define(&mut self, text: &[u8]) {
        self.texts.push(text.into());
    }

    /// Writes an event.
    pub(crate) fn write(&mut self, event: &TraceEvent) {
        let text = |id: TextId| {
            let text = (id.0 as usize).checked_sub(1).and_then(|index| self.texts.get(index));
            text.map(|text| text.escape_ascii().to_string()).unwrap_or_default()
        };
        let TraceEvent { time_ns, pid, tid, kind, flags, fd, text: first, text2, value, stamp, .. } = event;
        let (first, second) = (text(*first), text(*text2));
        let seconds = *time_ns as f64 / 1e9;
        let line = format!(
            "{seconds:>12.6} {pid} {tid} {kind:?} flags={:#x} fd={fd} value={value} dev={:#x} ino={} size={} {first} {second}",
            flags.0, stamp.dev, stamp.ino, stamp.size,
        );
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        let bytes = line.len() as u64 + 1;
        if bytes > self.room {
            self.room = 0;
            self.left_out += 1;
            return;
        }
        self.room -= bytes;
        // A log that cannot be written is not worth a run.
        let _unlogged = writeln!(self.file, "{line}");
    }

    /// Hands what was written to the kernel.
    pub fn flush(&mut self) {
        // See `line`.
        let _unlogged = self.file.flush();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if self.left_out > 0 {
            // See `line`.
            let _unlogged = writeln!(self.file, "# {} lines are left out: the log is full", self.left_out);
        }
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_log_goes_on_where_another_program_left_it_and_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        Log::open(folder.path()).unwrap().note("one\ntwo");
        let mut log = Log::open(folder.path()).unwrap();
        log.note("three");
        log.room = 10;
        for _ in 0..3 {
            log.note("far too long a line");
        }
        log.note("short");
        drop(log);
        let path = folder.path().join(LOG_FILE);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "# one\n# two\n# three\n# 4 lines are left out: the log is full\n");
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
