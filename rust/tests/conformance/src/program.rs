//! The programs of `programs/`: where they are, and how they are built.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::Result;

/// What a program is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `c/NAME.c`, built by the C compiler; static if the name ends in `_static`.
    C,
    /// `rust/NAME.rs`, built by `rustc -O`; static if the name ends in `_static`.
    Rust,
    /// `python/NAME.py`, run by `python3`.
    Python,
    /// `shell/NAME.sh`, run by `sh`.
    Shell,
}

const LANGUAGES: [(Language, &str, &str); 4] = [
    (Language::C, "c", "c"),
    (Language::Rust, "rust", "rs"),
    (Language::Python, "python", "py"),
    (Language::Shell, "shell", "sh"),
];

/// The compiler of this machine's C library.
const CC: &[&str] = &["cc"];

/// The compiler of musl. Headers of the kernel are where those of the machine's C library are; musl's own come first.
const MUSL_CC: &[&str] = if cfg!(target_arch = "aarch64") {
    &["musl-gcc", "-idirafter", "/usr/include", "-idirafter", "/usr/include/aarch64-linux-gnu"]
} else {
    &["musl-gcc", "-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"]
};

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// One program.
#[derive(Debug)]
pub struct Program {
    /// Name without extension.
    pub name: String,
    /// What it is written in.
    pub language: Language,
    /// Its source.
    pub source: PathBuf,
    built: OnceLock<Result<PathBuf>>,
}

/// Every program, by name.
#[derive(Debug)]
pub struct Programs {
    by_name: BTreeMap<String, Program>,
    /// The C compiler, with what it needs to find the kernel's headers.
    compiler: Vec<String>,
    out_dir: PathBuf,
    /// When the newest header was changed; all C programs are built again after that.
    headers_changed: SystemTime,
}

impl Programs {
    /// Finds the programs below `source_dir`; they will be built into `out_dir`.
    pub fn find(source_dir: &Path, out_dir: &Path) -> Result<Self> {
        let mut by_name = BTreeMap::new();
        let mut headers_changed = SystemTime::UNIX_EPOCH;
        for (language, directory, extension) in LANGUAGES {
            let directory = source_dir.join(directory);
            let entries =
                fs::read_dir(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
            for entry in entries {
                let source = entry.map_err(|error| error.to_string())?.path();
                let kind = source.extension().and_then(|kind| kind.to_str());
                if kind == Some("h") {
                    headers_changed = headers_changed.max(modified(&source)?);
                }
                let Some(name) =
                    source.file_stem().and_then(|stem| stem.to_str()).filter(|_| kind == Some(extension))
                else {
                    continue;
                };
                let name = name.to_owned();
                let program = Program { name: name.clone(), language, source, built: OnceLock::new() };
                if by_name.insert(name.clone(), program).is_some() {
                    return Err(format!("there are two programs named {name}"));
                }
            }
        }
        fs::create_dir_all(out_dir).map_err(|error| format!("{}: {error}", out_dir.display()))?;
        Ok(Self { by_name, compiler: owned(CC), out_dir: out_dir.to_owned(), headers_changed })
    }

    /// Returns them with the C programs built for musl.
    pub fn for_musl(self) -> Self {
        self.compiled_by(owned(MUSL_CC))
    }

    /// Returns them with the C programs built by another compiler.
    pub fn compiled_by(self, compiler: Vec<String>) -> Self {
        Self { compiler, ..self }
    }

    /// Returns every program.
    pub fn all(&self) -> impl Iterator<Item = &Program> {
        self.by_name.values()
    }

    /// Returns the program of that name.
    pub fn get(&self, name: &str) -> Result<&Program> {
        self.by_name.get(name).ok_or_else(|| format!("there is no program {name:?}"))
    }

    /// Returns the file to run or copy for that program, built if need be: a binary, or the script itself.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        let program = self.get(name)?;
        program.built.get_or_init(|| self.build(program)).clone()
    }

    /// Returns the words that run that program.
    pub fn command(&self, name: &str) -> Result<Vec<String>> {
        let file = path_text(&self.file(name)?)?;
        Ok(match self.get(name)?.language {
            Language::C | Language::Rust => vec![file],
            // -I: no user site directory and no environment, -B: no bytecode written beside imported modules.
            Language::Python => ["python3", "-I", "-B", &file].map(str::to_owned).to_vec(),
            Language::Shell => ["sh", &file].map(str::to_owned).to_vec(),
        })
    }

    fn build(&self, program: &Program) -> Result<PathBuf> {
        let mut changed = modified(&program.source)?;
        match program.language {
            Language::Python | Language::Shell => return Ok(program.source.clone()),
            Language::C => changed = changed.max(self.headers_changed),
            Language::Rust => {}
        }
        let binary = self.out_dir.join(&program.name);
        let is_new = || modified(&binary).is_ok_and(|built| built > changed);
        if is_new() {
            return Ok(binary);
        }
        // Each test is a process of its own: one builds, and the others wait for it. A program that runs is never replaced.
        let building = self.out_dir.join(format!(".{}.building", program.name));
        let alone = File::create(&building).and_then(|file| file.lock().map(|()| file));
        let _alone = alone.map_err(|error| format!("{}: {error}", building.display()))?;
        if is_new() {
            return Ok(binary);
        }
        // Built aside and moved into place, so that nobody runs half a program.
        let aside = self.out_dir.join(format!(".{}.build", program.name));
        fs::create_dir_all(&aside).map_err(|error| format!("{}: {error}", aside.display()))?;
        let outcome = compile(program, &self.compiler, &aside.join(&program.name)).and_then(|()| {
            fs::rename(aside.join(&program.name), &binary)
                .map_err(|error| format!("{}: {error}", binary.display()))
        });
        drop(fs::remove_dir_all(&aside));
        outcome.map(|()| binary)
    }
}

fn compile(program: &Program, compiler: &[String], binary: &Path) -> Result<()> {
    let is_static = program.name.ends_with("_static");
    let mut command = match program.language {
        Language::Rust => {
            let mut rustc = Command::new("rustc");
            rustc.args(["-O", "--edition", "2024", "--crate-name", &program.name]);
            rustc.args(is_static.then_some(["-C", "target-feature=+crt-static"]).into_iter().flatten());
            rustc
        }
        Language::C | Language::Python | Language::Shell => {
            let mut cc = Command::new(&compiler[0]);
            cc.args(&compiler[1..]);
            cc.args(["-std=gnu17", "-Wall", "-Wextra", "-O1", "-D_GNU_SOURCE", "-pthread"]);
            cc.args(is_static.then_some("-static"));
            cc
        }
    };
    let source = fs::read_to_string(&program.source)
        .map_err(|error| format!("{}: {error}", program.source.display()))?;
    command.arg("-o").arg(binary).arg(&program.source).args(own_flags(&source));
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{} does not compile:\n{}",
        program.source.display(),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// Returns the compiler flags that a source asks for in a line `// build: FLAGS`.
fn own_flags(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| line.strip_prefix("// build: ")).flat_map(str::split_whitespace)
}

fn modified(path: &Path) -> Result<SystemTime> {
    let metadata = fs::metadata(path).and_then(|metadata| metadata.modified());
    metadata.map_err(|error| format!("{}: {error}", path.display()))
}

fn path_text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{} is not UTF-8", path.display()))
}
