//! Can this tracer be used here?

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tracer_host::preflight::{CheckArguments, Checklist, Fact, Machine, Nature, Target};
use tracer_host::programs::elf_loader;

use crate::{LIBRARY, run};

/// What sees programs that this tracer does not.
const OTHERS: &str = "use `--tracer ptrace` or `--tracer ebpf`";

/// A program that is nearly everywhere.
const SHELL: &str = "/bin/sh";

/// Answers on standard output.
pub(crate) fn check(
    question: &CheckArguments,
    library: io::Result<PathBuf>,
    mask: &libc::sigset_t,
) -> ExitCode {
    let mut list = Checklist::begin(io::stdout(), "preload");
    let is_known = cfg!(target_arch = "x86_64");
    list.tell(&Fact::explaining("architecture", is_known, std::env::consts::ARCH, "x86_64", OTHERS));
    list.tell(&library_fact(&library));
    list.tell(&libc_fact());
    Machine::read().filter_fact().iter().for_each(|fact| list.tell(fact));
    if let Ok(library) = library {
        list.try_out(question, OTHERS, |arguments| run::trace(arguments, None, &library, mask));
    }
    list.target(question, judge);
    list.end()
}

fn library_fact(library: &io::Result<PathBuf>) -> Fact {
    let needed = "beside the tracer, readable by whoever is traced";
    let found = match library {
        Ok(path) => File::open(path)
            .map(|_| path.display().to_string())
            .map_err(|error| format!("{}: {error}", path.display())),
        Err(error) => Err(format!("{LIBRARY}: {error}")),
    };
    let remedy = "install it beside `roar` again: roar, its tracers and this library belong together";
    let is_met = found.is_ok();
    Fact::deciding("library", is_met, found.unwrap_or_else(|words| words), needed, remedy)
}

/// Which C library the programs of this system have, by the loader of the shell.
fn libc_fact() -> Fact {
    let loader = File::open(SHELL).ok().and_then(|shell| elf_loader(&shell));
    let loader = loader.map(|name| String::from_utf8_lossy(&name).into_owned());
    let needed = "programs that are dynamically linked, with glibc or musl";
    let found = match &loader {
        Some(name) if name.contains("ld-musl") => format!("musl ({name})"),
        Some(name) if name.contains("ld-linux") => format!("glibc ({name})"),
        Some(name) => format!("another ({name})"),
        None if Path::new(SHELL).is_file() => format!("none: {SHELL} is statically linked"),
        None => format!("there is no {SHELL} to see it by"),
    };
    Fact::explaining("C library", loader.is_some(), found, needed, OTHERS)
}

fn judge(target: &Target) -> Fact {
    let is_entered = matches!(target.nature, Nature::Dynamic | Nature::Other);
    target.fact(
        is_entered && !target.is_privileged,
        "one that is dynamically linked, for this architecture and without privileges of its own",
        OTHERS,
    )
}
