//! The environment: every variable that a task reads or sets, and the arguments it was given.

use std::ffi::OsString;
use std::path::Path;

/// How many tests nextest runs at a time, unless an argument says so.
pub(crate) const TEST_THREADS: &str = "NEXTEST_TEST_THREADS";

/// Turns the skip of a test into a failure where a backend cannot run here, or something else is missing: `ROAR_REQUIRE=ptrace,preload`.
pub(crate) const REQUIRED: &str = "ROAR_REQUIRE";

/// How many moments the parts of a run are killed at, and what the moments follow from.
pub(crate) const FAULT_ROUNDS: &str = "ROAR_FAULT_ROUNDS";
pub(crate) const FAULT_SEED: &str = "ROAR_FAULT_SEED";

/// What rustdoc is run with; the only way to make its warnings errors.
pub(crate) const RUSTDOC_FLAGS: &str = "RUSTDOCFLAGS";

/// Where a user's configuration is looked for.
pub(crate) const HOME: &str = "HOME";

/// Where cargo keeps what it has fetched, and rustup its toolchains, and where both are below the home directory otherwise.
const RUST_HOMES: [(&str, &str); 2] = [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")];

/// The compiler that cargo runs.
pub(crate) const RUSTC: &str = "RUSTC";

/// Where cargo builds; apart from the usual place, since another compiler would make it build everything again.
pub(crate) const CARGO_TARGET_DIR: &str = "CARGO_TARGET_DIR";

/// The linker, and the flags of the compiler, for 64-bit Arm.
pub(crate) const ARM_LINKER: &str = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER";
pub(crate) const ARM_RUST_FLAGS: &str = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS";

/// Makes a released compiler accept what is not stable: building `core` is not.
pub(crate) const RUSTC_BOOTSTRAP: &str = "RUSTC_BOOTSTRAP";

/// Whether released programs are stripped, whatever the profile says.
pub(crate) const RELEASE_STRIP: &str = "CARGO_PROFILE_RELEASE_STRIP";

/// Whether released programs are optimised as a whole, whatever the profile says. CI does without: linking `roar` takes two minutes of it.
pub(crate) const RELEASE_LTO: &str = "CARGO_PROFILE_RELEASE_LTO";

/// The oldest macOS that what is linked will run on, and where Apple's SDK is.
pub(crate) const MACOS_OLDEST: &str = "MACOSX_DEPLOYMENT_TARGET";
pub(crate) const MACOS_SDK: &str = "SDKROOT";

/// Where zig, and the program between cargo and zig, keep what they make.
pub(crate) const ZIG_CACHE: &str = "ZIG_GLOBAL_CACHE_DIR";
pub(crate) const ZIGBUILD_CACHE: &str = "CARGO_ZIGBUILD_CACHE_DIR";

/// The LLVM that bpf-linker is linked with.
pub(crate) const LLVM_PREFIX: &str = "LLVM_PREFIX";

/// The kernel side that is compiled into the eBPF tracer, in place of the one in the checkout (tracers/ebpf/host/build.rs).
pub(crate) const PROBE_OBJECT: &str = "ROAR_PROBE_OBJECT";

/// Where programs are looked for.
pub(crate) const PATH: &str = "PATH";

/// The flags of the compiler.
pub(crate) const RUST_FLAGS: &str = "RUSTFLAGS";

/// The roar that the suite tests, the root directory in which it does, the C library there, and what compiles for it.
pub(crate) const ROAR: &str = "ROAR_BIN";
pub(crate) const ROOT: &str = "ROAR_ROOT";
pub(crate) const ROOT_LIBC: &str = "ROAR_ROOT_LIBC";
pub(crate) const ROOT_COMPILER: &str = "ROAR_ROOT_CC";

/// Makes the suite run many cases in one run.
pub(crate) const TOGETHER: &str = "ROAR_TOGETHER";

/// The profile of the programs that a wheel is made of.
pub(crate) const WHEEL_PROFILE: &str = "ROAR_WHEEL_PROFILE";

/// Where the dynamic linker looks first.
pub(crate) const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";

/// Returns the arguments after the program's name. One that is not UTF-8 cannot name a task or a case.
pub(crate) fn arguments() -> impl Iterator<Item = String> {
    std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned())
}

/// Returns the folders where programs are looked for, with another before them.
pub(crate) fn path_with(folder: &Path) -> OsString {
    let mut path = OsString::from(folder);
    path.push(":");
    path.push(std::env::var_os(PATH).unwrap_or_default());
    path
}

/// Returns where programs are looked for.
pub(crate) fn search_path() -> String {
    std::env::var(PATH).unwrap_or_default()
}

/// Returns the variables by which a command with another home finds the user's toolchains.
pub(crate) fn rust_homes() -> impl Iterator<Item = (&'static str, OsString)> {
    let home = std::env::home_dir().unwrap_or_default();
    RUST_HOMES.into_iter().map(move |(variable, usual)| {
        (variable, std::env::var_os(variable).unwrap_or_else(|| home.join(usual).into_os_string()))
    })
}
