//! The hooks as the library's sources list them: the symbols that macOS has, and the table that Linux has, too.

use anyhow::{Context, Result, ensure};
use xshell::Shell;

const SOURCES: &str = "tracers/preload/library/src";

/// Functions of libsystem_kernel that are in the table and not interposed, and why.
pub(super) const LEFT_OUT: &[(&str, &str)] = &[
    ("shm_open", "shared memory is no file on macOS"),
    ("shm_unlink", "shared memory is no file on macOS"),
    ("sendfile", "its arguments are others; what it sends goes uncounted"),
    ("ioctl", "no request of macOS's changes a file"),
    ("aio_read", "what it reads is not told"),
    ("aio_write", "what it writes is not told"),
    ("lio_listio", "what it reads and writes is not told"),
    ("mknodat", "newer than the oldest macOS"),
    ("dup3", "newer than the oldest macOS"),
    ("pivot_root", "private to macOS's own installers"),
    ("recvmsg", "nothing is known of a descriptor that was closed, whatever comes in its place"),
    ("posix_spawn_file_actions_addopen", "the child tells of its descriptors when it uses them"),
    ("posix_spawn_file_actions_init", "with posix_spawn_file_actions_addopen"),
    ("posix_spawn_file_actions_destroy", "with posix_spawn_file_actions_addopen"),
    ("__vfork", "it comes back twice, which no function in its place can"),
    ("syscall", "the numbers of macOS's calls are nobody's to use"),
];

/// What the sources list.
pub(super) struct Hooks {
    /// Symbols, without the underscore of C, and how many arguments each has before those of a variable number; 0: it has no such.
    pub(super) symbols: Vec<(String, u8)>,
    /// Names of the table.
    pub(super) table: Vec<String>,
}

impl Hooks {
    pub(super) fn read(shell: &Shell) -> Result<Self> {
        let read = |file: &str| shell.read_file(format!("{SOURCES}/{file}"));
        let symbols: Vec<_> = read("macos/symbols.rs")?.lines().filter_map(symbol).collect();
        let table: Vec<_> = read("hooks/table.rs")?.lines().filter_map(name).collect();
        ensure!(!symbols.is_empty() && !table.is_empty(), "no lists of hooks in {SOURCES}");
        for (left_out, _) in LEFT_OUT {
            table
                .iter()
                .find(|name| name == left_out)
                .with_context(|| format!("the table has no {left_out}"))?;
        }
        Ok(Self { symbols, table })
    }
}

/// Reads `name "symbol" [fixed] = …;`.
fn symbol(line: &str) -> Option<(String, u8)> {
    let (left, _) = line.strip_prefix("    ")?.split_once(" = ")?;
    let (_, rest) = left.split_once(" \"")?;
    let (symbol, fixed) = rest.split_once('"')?;
    Some((symbol.to_owned(), fixed.trim().parse().unwrap_or(0)))
}

/// Reads `name = …;` of the table.
fn name(line: &str) -> Option<String> {
    let (name, _) = line.trim_start().strip_suffix(';')?.split_once(" = ")?;
    name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{name, symbol};

    #[test]
    fn lines_of_both_lists_are_read() {
        assert_eq!(
            symbol("    open \"open$NOCANCEL\" 2 = body_of(\"open\");"),
            Some(("open$NOCANCEL".into(), 2))
        );
        assert_eq!(symbol("    read \"read\" = body_of(\"read\");"), Some(("read".into(), 0)));
        assert_eq!(symbol("    let a = \"b\";"), None);
        assert_eq!(name("            vdprintf = WriteDescriptor;"), Some("vdprintf".into()));
        assert_eq!(name("    let a = 1;"), None);
    }
}
