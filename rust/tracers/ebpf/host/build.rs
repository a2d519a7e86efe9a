//! Says which kernel side is compiled in: the object in the source tree, or another that `cargo xtask ci` has just made.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ROAR_PROBE_OBJECT");
    let object = env::var("ROAR_PROBE_OBJECT").unwrap_or_else(|_| {
        let host = env::var("CARGO_MANIFEST_DIR").expect("cargo says it");
        format!("{host}/../object/probe.bpf")
    });
    println!("cargo::rustc-env=PROBE_OBJECT={object}");
}
