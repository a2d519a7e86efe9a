//! Copies a file.

#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    std::fs::write("out/rust", std::fs::read("in/0")?)
}
