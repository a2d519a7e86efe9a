//! Links the library so that it needs nothing of the system it will be loaded on.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if os == "macos" {
        // What it is called in itself; the linker would take the path that it happens to be built at.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libroar_preload.dylib");
    }
    if os != "linux" {
        return;
    }
    for argument in [
        // No start files and no C library: what is needed of it is looked up when the library is there.
        "-nostartfiles",
        "-nostdlib",
        // Before the initializers of all others, those of the C library included: their calls are seen as well.
        "-Wl,-z,initfirst",
        // Few segments and no lazy binding: each costs every process of a run some microseconds.
        "-Wl,-z,noseparate-code",
        "-Wl,-z,norelro",
        "-Wl,-z,now",
        "-Wl,--hash-style=gnu",
        "-Wl,--build-id=none",
        "-Wl,-soname,libroar_preload.so",
    ] {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
}
