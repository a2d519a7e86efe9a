//! `cargo xtask probe`: compiles the kernel side of the eBPF tracer, and writes down what it was made of.
//!
//! Who builds roar does not compile it: the object is in the checkout, with a manifest. `cargo xtask tidy` fails where the sources are no
//! longer those of the manifest; `cargo xtask probe --check`, which is part of `cargo xtask ci`, compiles them and compares. It takes a
//! compiler for the kernel's machine, which Debian has, and a linker from crates.io; docs/ebpf.md has the commands.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::flags::Flags;
use crate::{env, workspace};

/// Below `rust/`.
const TRACER: &str = "tracers/ebpf";
const OBJECT: &str = "object/probe.bpf";
const MANIFEST: &str = "object/MANIFEST";

/// What is hashed: every file of these.
const SOURCES: &[&str] = &["abi/Cargo.toml", "abi/src", "probe/Cargo.toml", "probe/Cargo.lock", "probe/src"];

/// Debian's compiler; the one of rustup has no library for this machine.
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";

/// What has the compiler, its library, and what strips the object.
const PACKAGES: &str = "rustc-web, cargo-web, libstd-rust-web-dev-bpf and llvm";

const LINKER_VERSION: &str = "0.13.0";

const BUILD_TARGET: &str = "bpfel-unknown-none";

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let is_check = flags.switch("--check");
    flags.finish()?;
    if is_check {
        check()?;
        return Ok(());
    }
    let shell = workspace::shell()?;
    let to = workspace::root().join(TRACER).join(OBJECT);
    let tools = Tools::get(&shell)?;
    tools.make(&shell, &to)?;
    let header = "# What probe.bpf was made by and of. `cargo xtask probe` writes this.\n";
    let manifest = [header, &tools.versions, &hashes(&shell)?].concat();
    fs::write(workspace::root().join(TRACER).join(MANIFEST), manifest)?;
    println!("{}", to.display());
    Ok(())
}

/// Makes the object anew, in the target folder. With the tools of the manifest it is the one in the checkout, byte for byte; with others
/// it is another, whose path is returned: what is tested then is that one.
pub(crate) fn check() -> Result<Option<PathBuf>> {
    let shell = workspace::shell()?;
    let changed = faults(&shell)?;
    ensure!(
        changed.is_empty(),
        "not as {TRACER}/{MANIFEST} has it: {}; `cargo xtask probe` makes object and manifest anew, to be committed",
        changed.join(", ")
    );
    let tracer = workspace::root().join(TRACER);
    let made = workspace::target("probe/probe.bpf");
    let tools = Tools::get(&shell)?;
    tools.make(&shell, &made)?;
    let manifest = fs::read_to_string(tracer.join(MANIFEST))?;
    let theirs = versions_in(&manifest);
    if fs::read(&made)? == fs::read(tracer.join(OBJECT))? {
        println!("probe: {TRACER}/{OBJECT} is what its sources make");
        return Ok(None);
    }
    ensure!(
        theirs != tools.versions,
        "{TRACER}/{OBJECT} is not what its sources make: the same tools made {} of them. Either the object was not made from these sources, \
         or it depends on the machine that it is made on. `cargo xtask probe` makes it anew: commit what that makes, and look what differs \
         (`llvm-objdump -d`) if it differs again elsewhere",
        made.display()
    );
    eprintln!(
        "probe: ATTENTION: this machine has other tools than those that made {TRACER}/{OBJECT}.\n\
         probe: there:\n{theirs}probe: here:\n{}\
         probe: what is tested is {}, made here. To renew the one in the checkout: `cargo xtask probe`",
        tools.versions,
        made.display()
    );
    Ok(Some(made))
}

/// Returns the lines of a manifest that are about tools.
fn versions_in(manifest: &str) -> String {
    let lines = manifest.split_inclusive('\n');
    lines.filter(|line| !line.starts_with('#') && !is_hash(line)).collect()
}

/// Is it a line of sha256sum(1)?
fn is_hash(line: &str) -> bool {
    line.split_once("  ").is_some_and(|(hash, _)| hash.len() == 64)
}

/// Returns what is wrong with the object, a line for each file that is not as the manifest has it.
pub(crate) fn faults(shell: &Shell) -> Result<Vec<String>> {
    let manifest = fs::read_to_string(workspace::root().join(TRACER).join(MANIFEST)).unwrap_or_default();
    let told: Vec<&str> = manifest.lines().filter(|line| is_hash(line)).collect();
    let now = hashes(shell)?;
    let now: Vec<&str> = now.lines().collect();
    let name = |line: &&str| line.split_once("  ").map_or(String::new(), |(_, name)| name.to_owned());
    let changed = now.iter().filter(|line| !told.contains(line));
    let gone = told.iter().filter(|line| !now.iter().any(|other| name(other) == name(line)));
    Ok(changed.chain(gone).map(name).collect())
}

/// Returns the SHA-256 of each file and its name, as sha256sum(1) prints them.
fn hashes(shell: &Shell) -> Result<String> {
    let tracer = workspace::root().join(TRACER);
    let mut files = vec![PathBuf::from(OBJECT)];
    for source in SOURCES {
        list(&tracer, Path::new(source), &mut files)?;
    }
    files[1..].sort();
    let _there = shell.push_dir(&tracer);
    Ok(cmd!(shell, "sha256sum {files...}").quiet().read()? + "\n")
}

fn list(tracer: &Path, source: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let path = tracer.join(source);
    if path.is_file() {
        files.push(source.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(&path).with_context(|| path.display().to_string())? {
        list(tracer, &source.join(entry?.file_name()), files)?;
    }
    Ok(())
}

/// What the object is made by.
struct Tools {
    linker: PathBuf,
    /// A line for each tool whose version may change the object.
    versions: String,
}

impl Tools {
    /// Finds them; the linker is installed below the target folder.
    fn get(shell: &Shell) -> Result<Self> {
        let compiler = cmd!(shell, "{RUSTC} -vV").quiet().ignore_stderr().read().unwrap_or_default();
        let sysroot =
            cmd!(shell, "{RUSTC} --print sysroot").quiet().ignore_stderr().read().unwrap_or_default();
        let library = Path::new(&sysroot).join("lib/rustlib").join(BUILD_TARGET);
        let stripper =
            cmd!(shell, "llvm-objcopy --version").quiet().ignore_stderr().read().unwrap_or_default();
        ensure!(
            library.is_dir() && Path::new(CARGO).is_file() && !stripper.is_empty(),
            "no compiler for the kernel's machine: install Debian's packages {PACKAGES}"
        );
        let version_after = |text: &str, words: &str| {
            let line = text.lines().find_map(|line| line.split_once(words)).unwrap_or_default().1;
            line.trim().to_owned()
        };
        let llvm = version_after(&compiler, "LLVM version: ");
        let versions = format!(
            "rustc {}\nLLVM version: {llvm}\nbpf-linker {LINKER_VERSION}\nllvm-objcopy {}\n",
            version_after(&compiler, "rustc "),
            version_after(&stripper, "LLVM version "),
        );
        Ok(Self { linker: install_linker(shell, &llvm)?, versions })
    }

    /// Makes the object.
    fn make(&self, shell: &Shell, to: &Path) -> Result<()> {
        let compiled = compile(shell, &self.linker)?;
        cmd!(shell, "llvm-objcopy --strip-debug {compiled} {to}").run()?;
        Ok(())
    }
}

/// Returns the linker for this version of LLVM.
fn install_linker(shell: &Shell, llvm: &str) -> Result<PathBuf> {
    let (major, rest) = llvm.split_once('.').unwrap_or((llvm, ""));
    let minor = rest.split('.').next().unwrap_or_default();
    let tools = workspace::target(&format!("probe/bpf-linker-{LINKER_VERSION}-llvm-{major}.{minor}"));
    let linker = tools.join("bin/bpf-linker");
    if !linker.is_file() {
        // It looks for the library of the very LLVM that the compiler is linked with, by a name that only a larger package has.
        let library = cmd!(shell, "sh -c 'ls /usr/lib/*/libLLVM.so.'$0 {major}.{minor}").read()?;
        let prefix = tools.join("llvm");
        shell.create_dir(prefix.join("lib"))?;
        let link = prefix.join("lib/libLLVM.so");
        cmd!(shell, "ln -sf {library} {link}").run()?;
        let feature = format!("llvm-{major}");
        let _llvm = shell.push_env(env::LLVM_PREFIX, &prefix);
        cmd!(
            shell,
            "cargo install bpf-linker --version {LINKER_VERSION} --locked --no-default-features --features {feature} --root {tools}"
        )
        .run()
        .with_context(|| format!("bpf-linker {LINKER_VERSION} for LLVM {llvm}: is there a newer one, that knows it? Then it belongs in xtask/src/probe.rs"))?;
    }
    Ok(linker)
}

fn compile(shell: &Shell, linker: &Path) -> Result<PathBuf> {
    let target = workspace::target("probe/build");
    let root = workspace::root().display();
    let home = env::rust_homes().next().map(|(_, home)| PathBuf::from(home)).unwrap_or_default();
    let home = home.display();
    // Without paths of this machine the object is the same everywhere.
    let flags = format!(
        r#"target.{BUILD_TARGET}.rustflags=["-Clink-arg=--btf","-Ctarget-cpu=v3","--remap-path-prefix={root}=/roar","--remap-path-prefix={home}=/cargo"]"#
    );
    let linker = format!(r#"target.{BUILD_TARGET}.linker="{}""#, linker.display());
    let _place = shell.push_dir(workspace::root().join(TRACER).join("probe"));
    // aya-ebpf declares a feature of the compiler that is not stable yet.
    let _unstable = shell.push_env("RUSTC_BOOTSTRAP", "1");
    let _compiler = shell.push_env("RUSTC", RUSTC);
    cmd!(
        shell,
        "{CARGO} build --locked --release --target {BUILD_TARGET} --target-dir {target} --config {linker} --config {flags}"
    )
    .env_remove(env::RELEASE_LTO)
    .run()?;
    Ok(target.join(BUILD_TARGET).join("release/tracer-ebpf-probe"))
}

#[cfg(test)]
mod tests {
    use super::versions_in;

    #[test]
    fn versions_are_what_is_neither_remark_nor_hash() {
        let hash = "a".repeat(64);
        let manifest = format!("# Remark.\nrustc 1.2\nLLVM version: 3\n{hash}  object/probe.bpf\n");
        assert_eq!(versions_in(&manifest), "rustc 1.2\nLLVM version: 3\n");
    }
}
