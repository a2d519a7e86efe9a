//! Says which kernel side is compiled in: the object in the source tree, or another that `cargo xtask ci` has just made.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ROAR_PROBE_OBJECT");
    // As `src/probe.rs` sees it: a checkout may be moved.
    let object = env::var("ROAR_PROBE_OBJECT").unwrap_or_else(|_| "../../object/probe.bpf".to_owned());
    println!("cargo::rustc-env=PROBE_OBJECT={object}");
}
