//! The program that a command starts, as far as a tracer has to know it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::Fact;
use crate::env;
use crate::programs::{elf_loader, has_privilege, interpreter};

/// Name of the fact.
const NAME: &str = "program";

/// Scripts whose interpreters are scripts that the kernel follows (BINPRM_MAX_RECURSION in fs/exec.c).
const SCRIPTS_MAX: usize = 5;

/// Machine of the ELF files that run here (e_machine in elf(5)).
const MACHINE: u16 = if cfg!(target_arch = "x86_64") { 62 } else { 183 };

/// What sort of program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It is linked to a C library when it begins, by a loader.
    Dynamic,
    /// It is whole: no loader is there to bring anything along.
    Static,
    /// It is for another machine, or for the 32-bit half of this one.
    Foreign,
    /// It is neither an ELF file nor a script; whatever runs it is not known.
    Other,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What was found for the name.
    pub path: PathBuf,
    /// What runs in the end: of a script, its interpreter.
    pub program: PathBuf,
    /// What sort of program that is.
    pub nature: Nature,
    /// Whether it would run with more than this user's privilege.
    pub is_privileged: bool,
}

impl Target {
    /// Finds the program of a command, as execvp(3) would.
    ///
    /// # Errors
    /// There is none; the fact says so.
    pub fn find(name: &OsStr) -> Result<Self, Fact> {
        Self::find_in(name, &env::search_path())
    }

    /// Finds the program of a command in such a `PATH`.
    ///
    /// # Errors
    /// There is none; the fact says so.
    pub fn find_in(name: &OsStr, search_path: &OsStr) -> Result<Self, Fact> {
        let path = if name.as_bytes().contains(&b'/') {
            PathBuf::from(name)
        } else {
            let found = std::env::split_paths(search_path)
                .map(|folder| folder.join(name))
                .find(|path| is_executable(path));
            let words = || format!("there is no {} in PATH", name.to_string_lossy());
            found.ok_or_else(|| absent(words(), "check the spelling, and that its directory is in PATH"))?
        };
        if !is_executable(&path) {
            return Err(match fs::metadata(&path) {
                Ok(_) => absent(
                    format!("{} is not executable", path.display()),
                    "make it executable with `chmod +x`",
                ),
                Err(error) => {
                    absent(format!("{}: {error}", path.display()), "check the spelling of the path")
                }
            });
        }
        let mut program = path.clone();
        for _ in 0..SCRIPTS_MAX {
            let Some(next) = File::open(&program).ok().and_then(|file| interpreter(&file)) else { break };
            program = OsString::from_vec(next).into();
        }
        let is_privileged = has_privilege(&program);
        Ok(Self { nature: nature(&program), path, program, is_privileged })
    }

    /// Returns the words for it.
    pub fn words(&self) -> String {
        let Self { path, program, nature, is_privileged } = self;
        let script =
            if path == program { String::new() } else { format!("{} is a script of ", path.display()) };
        let nature = match nature {
            Nature::Dynamic => "dynamically linked",
            Nature::Static => "statically linked",
            Nature::Foreign => "for another architecture",
            Nature::Other => "neither ELF nor a script",
        };
        let privileged = if *is_privileged { ", with privileges of its own" } else { "" };
        format!("{script}{}, {nature}{privileged}", program.display())
    }

    /// Returns the fact about it.
    pub fn fact(&self, is_seen: bool, needed: &str, remedy: &str) -> Fact {
        Fact::deciding(NAME, is_seen, self.words(), needed, remedy)
    }
}

fn absent(found: String, remedy: &str) -> Fact {
    Fact::deciding(NAME, false, found, "a program", remedy)
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn nature(program: &Path) -> Nature {
    let Ok(file) = File::open(program) else { return Nature::Other };
    let mut head = [0; 20];
    if file.read_exact_at(&mut head, 0).is_err() || !head.starts_with(b"\x7fELF") {
        return Nature::Other;
    }
    let is_wide = head[4] == 2;
    if !is_wide || u16::from_le_bytes([head[18], head[19]]) != MACHINE {
        return Nature::Foreign;
    }
    if elf_loader(&file).is_some() { Nature::Dynamic } else { Nature::Static }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(folder: &Path, name: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_script_is_what_interprets_it_and_what_is_not_there_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str();
        let own = std::env::current_exe().unwrap();
        make(folder.path(), "script", format!("#! {}\n", own.display()).as_bytes(), 0o755);
        make(
            folder.path(),
            "of-script",
            format!("#!{}/script -x\n", folder.path().display()).as_bytes(),
            0o755,
        );
        let found = Target::find_in("of-script".as_ref(), path).unwrap();
        assert_eq!(found.program, own);
        assert_eq!(found.nature, Nature::Dynamic);
        assert!(found.words().contains("of-script is a script of"));
        let fact = Target::find_in("nothing".as_ref(), path).unwrap_err();
        assert!(fact.found.contains("no nothing in PATH"));
        let plain = make(folder.path(), "plain", b"", 0o644);
        let fact = Target::find_in(plain.as_os_str(), path).unwrap_err();
        assert!(fact.found.ends_with("is not executable"));
    }

    #[test]
    fn a_foreign_program_and_a_static_one_are_known_by_their_heads() {
        let folder = tempfile::tempdir().unwrap();
        let mut head = [0; 64];
        head[..4].copy_from_slice(b"\x7fELF");
        head[4] = 2;
        head[18..20].copy_from_slice(&MACHINE.to_le_bytes());
        let nature_of = |head: &[u8]| nature(&make(folder.path(), "program", head, 0o755));
        assert_eq!(nature_of(&head), Nature::Static);
        head[18] = 40;
        assert_eq!(nature_of(&head), Nature::Foreign);
        assert_eq!(nature_of(b"text"), Nature::Other);
    }
}
