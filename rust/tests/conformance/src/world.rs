//! A fresh directory for one run of one case, and everything that the case puts there.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use crate::Result;
use crate::case::{Case, DetailedFile, FileSpec};
use crate::env;
use crate::pattern;
use crate::program::Programs;

/// Held while a file that may be executed is open for writing here, and while a child is started: a child that inherits
/// such a descriptor for a moment makes the execution fail with ETXTBSY.
pub static WRITE_OR_SPAWN: Mutex<()> = Mutex::new(());

/// The directories of one run: the world itself (`w`), a home and a place for temporary files beside it.
#[derive(Debug)]
pub struct World {
    base: PathBuf,
    /// Removes the base when dropped, unless it is kept.
    _guard: Option<TempDir>,
}

impl World {
    /// Makes the directories, outside of any repository.
    pub fn new() -> Result<Self> {
        Self::below(&std::env::temp_dir())
    }

    /// Makes the directories below another.
    pub fn below(parent: &Path) -> Result<Self> {
        let guard = tempfile::Builder::new()
            .prefix("roar-conformance-")
            .tempdir_in(parent)
            .map_err(|error| error.to_string())?;
        let base = guard.path().canonicalize().map_err(|error| error.to_string())?;
        // With a place for records of its own, whatever there is above it.
        for name in ["w", "w/.roar", "home", "tmp"] {
            fs::create_dir(base.join(name)).map_err(|error| format!("{name}: {error}"))?;
        }
        let guard = if env::is_kept() {
            // Kept for a person to look at; the message of a failure names it.
            drop(guard.keep());
            None
        } else {
            Some(guard)
        };
        Ok(Self { base, _guard: guard })
    }

    /// Returns the directory that holds the others; what the harness itself needs lies there.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Returns the world: the working directory of the command, and all that is compared.
    pub fn root(&self) -> PathBuf {
        self.base.join("w")
    }

    /// Returns a word that no other run has.
    pub fn id(&self) -> String {
        self.base.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned())
    }

    /// Makes everything that the case wants to be there, and runs its `before`.
    pub fn set_up(
        &self,
        case: &Case,
        programs: &Programs,
        fill: &dyn Fn(&str) -> Result<String>,
    ) -> Result<()> {
        let root = self.root();
        let place = |name: &str| -> Result<PathBuf> {
            let path = root.join(OsStr::from_bytes(&pattern::unescape(name)?));
            let parent = path.parent().unwrap_or(&root);
            fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
            Ok(path)
        };
        let failed = |name: &str, error: io::Error| format!("set-up of {name}: {error}");
        for name in &case.dirs {
            fs::create_dir_all(place(name)?).map_err(|error| failed(name, error))?;
        }
        for (names, spec) in &case.files {
            for name in pattern::expand_range(names)? {
                write_file(&place(&name)?, spec, programs, fill)
                    .map_err(|error| format!("set-up of {name}: {error}"))?;
            }
        }
        for (name, target) in &case.symlinks {
            symlink(fill(target)?, place(name)?).map_err(|error| failed(name, error))?;
        }
        for (name, old) in &case.hardlinks {
            fs::hard_link(place(old)?, place(name)?).map_err(|error| failed(name, error))?;
        }
        for name in &case.fifos {
            make_fifo(&place(name)?).map_err(|error| failed(name, error))?;
        }
        Ok(())
    }

    /// Runs a script of the case in the world, untraced.
    pub fn run_script(&self, script: &str, environment: &[(String, String)]) -> Result<()> {
        let mut command = Command::new("sh");
        command.args(["-ec", script]).current_dir(self.root()).env_clear().stdin(Stdio::null());
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let (out, err) = (self.base.join("script.out"), self.base.join("script.err"));
        command.stdout(create(&out)?).stderr(create(&err)?);
        let status = {
            let mut child = spawn(&mut command)?;
            child.wait().map_err(|error| error.to_string())?
        };
        if status.success() {
            return Ok(());
        }
        let words =
            |path| fs::read(path).map_or(String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
        Err(format!("`{script}` ended with {status}\n{}{}", words(&out), words(&err)))
    }
}

/// Starts a child; see [`WRITE_OR_SPAWN`].
pub fn spawn(command: &mut Command) -> Result<std::process::Child> {
    let _alone = WRITE_OR_SPAWN.lock().map_err(|error| error.to_string())?;
    command.spawn().map_err(|error| format!("{command:?}: {error}"))
}

/// Opens a file as a shell's redirection would: `name` is `>`, `>>name` appends, `<>name` reads and writes.
pub fn redirect(root: &Path, text: &str) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    let name = if let Some(name) = text.strip_prefix(">>") {
        options.append(true);
        name
    } else if let Some(name) = text.strip_prefix("<>") {
        options.read(true).truncate(false);
        name
    } else {
        options.truncate(true);
        text
    };
    options.open(root.join(name)).map_err(|error| format!("{name}: {error}"))
}

/// Makes an empty file.
pub fn create(path: &Path) -> Result<File> {
    File::create(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Makes a FIFO.
pub fn make_fifo(path: &Path) -> io::Result<()> {
    Ok(mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?)
}

fn write_file(
    path: &Path,
    spec: &FileSpec,
    programs: &Programs,
    fill: &dyn Fn(&str) -> Result<String>,
) -> Result<()> {
    let detailed = match spec {
        FileSpec::Text(text) => DetailedFile { text: Some(text.clone()), ..DetailedFile::default() },
        FileSpec::Detailed(detailed) => detailed.clone(),
    };
    let DetailedFile { text, size, program, copy, mode } = detailed;
    let original = match (program, copy) {
        (Some(program), _) => Some(programs.file(&program)?),
        (None, copy) => copy.map(PathBuf::from),
    };
    let _alone = WRITE_OR_SPAWN.lock().map_err(|error| error.to_string())?;
    if let Some(original) = original {
        fs::copy(&original, path).map_err(|error| format!("copy of {}: {error}", original.display()))?;
    } else {
        let mut content = fill(text.as_deref().unwrap_or(""))?.into_bytes();
        content.extend((0..size.unwrap_or(0)).map(|index| b'a' + (index % 26) as u8));
        fs::write(path, content).map_err(|error| error.to_string())?;
    }
    if let Some(mode) = mode {
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(|error| error.to_string())?;
    }
    Ok(())
}
