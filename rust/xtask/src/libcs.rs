//! `cargo xtask libcs`: the conformance suite with the C libraries of other releases.
//!
//! Each release gets a root directory in `target/libcs`, of packages that apt fetches; nothing is installed, and no script of a package
//! runs. Cases run there by chroot(2), with the programs of that release and ours compiled by its compilers, for glibc and for musl. What is mounted
//! there is mounted in a namespace of this task's own, and is gone with it.
//!
//! The library of the preload tracer is the one that `cargo build --release` makes here. roar and its tracers are static, so
//! that they run in all.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::debian::{Archive, USERLAND};
use crate::flags::Flags;
use crate::suite::{self, Outcome};
use crate::{env, workspace};

/// The releases, the oldest first: one that has no updates any more, the stable one, and what is coming.
const RELEASES: &[&str] = &["bullseye", "trixie", "sid"];

/// What compiles for both C libraries, and what cases and their harness run there beside the usual.
const COMPILERS: &[&str] = &["gcc", "libc6-dev", "libc-bin", "make", "mount", "musl-tools"];

/// The C libraries: name, compiler, and the command that says its version. Headers of the kernel are where those of glibc are.
const LIBCS: &[(&str, &str, &str)] = &[
    ("glibc", "gcc", "getconf GNU_LIBC_VERSION"),
    (
        "musl",
        "musl-gcc -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu",
        "/lib/ld-musl-x86_64.so.1 2>&1",
    ),
];

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// What is linked with no C library, so that it runs with any.
const STATIC: &[&str] = &["--package=roar", "--package=tracer-ptrace", "--package=tracer-preload"];

const LIBRARY: &str = "libroar_preload.so";

/// Mounts what programs expect, and the checkout and the places for temporary files where they are here; then runs a command.
const MOUNT: &str = r#"
root=$1 checkout=$2
shift 2
# On itself: only what is mounted can become the root directory of a namespace.
mount --bind "$root" "$root"
for place in /proc /sys /dev /tmp "$checkout"; do
    mkdir -p "$root$place"
    mount --rbind "$place" "$root$place"
done
exec "$@"
"#;

/// What packages do when they are installed.
const CONFIGURE: &str = r#"
[ -e "$1/bin/sh" ] || ln -s dash "$1/bin/sh"
[ -e "$1/bin/awk" ] || ln -s mawk "$1/bin/awk"
[ -e "$1/bin/cc" ] || ln -s gcc "$1/bin/cc"
printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/nonexistent:/bin/false > "$1/etc/passwd"
"#;

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let only: Option<String> = flags.value("--release")?;
    let case = flags.value::<String>("--case")?.unwrap_or_default();
    flags.finish()?;
    let chosen = |release: &&&str| only.as_deref().is_none_or(|only| only == **release);
    ensure!(RELEASES.iter().any(|release| chosen(&release)), "the releases are {}", RELEASES.join(", "));

    let shell = workspace::shell()?;
    workspace::build_programs(&shell)?;
    let roar = build_static(&shell)?;
    let suite = suite::program(cmd!(shell, "cargo test --locked"), "roots")?;
    let mut lines = Vec::new();
    let mut total = Outcome::default();
    for release in RELEASES.iter().filter(chosen) {
        let root = make_root(&shell, release)?;
        for (libc, compiler, version) in LIBCS {
            let enter = format!("chroot {}", root.display());
            let version = version_of(&shell, &enter, version)?;
            println!("Debian {release}: {version}");
            let run = within(&shell, &root, &suite)
                .args((!case.is_empty()).then_some(&case))
                .env(env::ROAR, &roar)
                .env(env::ROOT, &root)
                .env(env::ROOT_LIBC, libc)
                .env(env::ROOT_COMPILER, format!("{enter} {compiler}"));
            let outcome = suite::run(run)?;
            total.add(&outcome);
            lines.push(format!("{version} (Debian {release}): {outcome}"));
        }
    }
    lines.iter().for_each(|line| println!("{line}"));
    println!("{total}");
    ensure!(total.passed + total.failed > 0, "no case ran");
    ensure!(total.failed == 0, "{} cases failed", total.failed);
    Ok(())
}

/// Returns the root directory of a release, made once.
fn make_root(shell: &Shell, release: &'static str) -> Result<PathBuf> {
    let folder = workspace::target("libcs");
    let root = folder.join(release);
    let archive = Archive::open(shell, release, "amd64", folder.join(format!("apt-{release}")))?;
    let packages: Vec<String> = USERLAND.iter().chain(COMPILERS).map(|&package| package.to_owned()).collect();
    archive.unpack_with_dependencies(&packages, &root)?;
    cmd!(shell, "sh -ec {CONFIGURE} sh {root}").quiet().run()?;
    Ok(root)
}

/// Builds the programs without need of a C library, puts the released library beside them, and returns the path of roar.
fn build_static(shell: &Shell) -> Result<PathBuf> {
    let build = workspace::target("libcs/build");
    cmd!(shell, "cargo build --locked --release --target {TARGET} {STATIC...}")
        .env(env::CARGO_TARGET_DIR, &build)
        .env(env::RUST_FLAGS, "-Ctarget-feature=+crt-static")
        .run()?;
    let built = build.join(TARGET).join("release");
    shell.copy_file(workspace::roar().with_file_name(LIBRARY), built.join(LIBRARY))?;
    Ok(built.join("roar"))
}

/// Returns a command that runs another where a root directory is ready to be entered.
fn within<'a>(shell: &'a Shell, root: &Path, program: &Path) -> xshell::Cmd<'a> {
    let checkout = workspace::checkout();
    cmd!(shell, "unshare --mount --propagation private sh -ec {MOUNT} sh {root} {checkout} {program}")
}

/// Returns what a C library calls itself.
fn version_of(shell: &Shell, enter: &str, command: &str) -> Result<String> {
    let script = format!("{enter} {command}");
    let said = cmd!(shell, "sh -c {script}").quiet().ignore_status().read()?;
    let words: Vec<&str> = said.split_whitespace().filter(|word| !word.contains('(')).collect();
    Ok(match words.as_slice() {
        ["musl", "libc", "Version", number, ..] => format!("musl {number}"),
        _ => words.join(" "),
    })
}
