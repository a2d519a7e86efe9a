//! `cargo xtask probe`: compiles the kernel side of the eBPF tracer, and writes down what it was made of.
//!
//! Who builds roar does not compile it: the object is in the checkout, with a manifest. `cargo xtask tidy` fails where the sources are no
//! longer those of the manifest. It takes a compiler for the kernel's machine, which Debian has, and a linker from crates.io; docs/ebpf.md
//! has the commands.

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

const LINKER_VERSION: &str = "0.13.0";

const BUILD_TARGET: &str = "bpfel-unknown-none";

pub(crate) fn run(flags: Flags) -> Result<()> {
    flags.finish()?;
    let shell = workspace::shell()?;
    let linker = linker(&shell)?;
    let object = compile(&shell, &linker)?;
    let tracer = workspace::root().join(TRACER);
    fs::create_dir_all(tracer.join("object"))?;
    let to = tracer.join(OBJECT);
    cmd!(shell, "llvm-objcopy --strip-debug {object} {to}")
        .run()
        .context("llvm-objcopy is in Debian's package llvm")?;
    let compiler = cmd!(shell, "{RUSTC} -vV").read()?;
    let mut manifest =
        String::from("# What probe.bpf was made by and of. `cargo xtask probe` writes this.\n");
    for line in compiler.lines().filter(|line| line.starts_with("rustc ") || line.starts_with("LLVM version"))
    {
        manifest += line;
        manifest.push('\n');
    }
    manifest += "bpf-linker ";
    manifest += LINKER_VERSION;
    manifest.push('\n');
    manifest += &hashes(&shell)?;
    fs::write(tracer.join(MANIFEST), manifest)?;
    println!("{}", to.display());
    Ok(())
}

/// Returns what is wrong with the object, a line for each file that is not as the manifest has it.
pub(crate) fn faults(shell: &Shell) -> Result<Vec<String>> {
    let manifest = fs::read_to_string(workspace::root().join(TRACER).join(MANIFEST)).unwrap_or_default();
    let is_hash = |line: &&str| line.split_once("  ").is_some_and(|(hash, _)| hash.len() == 64);
    let told: Vec<&str> = manifest.lines().filter(is_hash).collect();
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

/// Returns the linker, installed below the target folder.
fn linker(shell: &Shell) -> Result<PathBuf> {
    ensure!(
        Path::new(CARGO).is_file() && Path::new(RUSTC).is_file(),
        "no compiler for the kernel's machine: install Debian's packages rustc-web, cargo-web, libstd-rust-web-dev-bpf and llvm"
    );
    let tools = workspace::target("probe/tools");
    let linker = tools.join("bin/bpf-linker");
    if !linker.is_file() {
        // It looks for the library of the very LLVM that the compiler is linked with, by a name that only a larger package has.
        let compiler = cmd!(shell, "{RUSTC} -vV").read()?;
        let version =
            compiler.lines().find_map(|line| line.strip_prefix("LLVM version: ")).unwrap_or_default();
        let (major, minor) = version.split_once('.').map_or((version, ""), |(major, rest)| (major, rest));
        let minor = minor.split('.').next().unwrap_or_default();
        let library = cmd!(shell, "sh -c 'ls /usr/lib/*/libLLVM.so.'$0 {major}.{minor}").read()?;
        let prefix = workspace::target("probe/llvm");
        shell.create_dir(prefix.join("lib"))?;
        let link = prefix.join("lib/libLLVM.so");
        cmd!(shell, "ln -sf {library} {link}").run()?;
        let feature = format!("llvm-{major}");
        let _llvm = shell.push_env("LLVM_PREFIX", &prefix);
        cmd!(
            shell,
            "cargo install bpf-linker --version {LINKER_VERSION} --locked --no-default-features --features {feature} --root {tools}"
        )
        .run()?;
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
    .run()?;
    Ok(target.join(BUILD_TARGET).join("release/tracer-ebpf-probe"))
}
