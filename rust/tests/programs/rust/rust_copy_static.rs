//! As `rust_read_write`, in a static program.

use std::fs;

fn main() -> std::io::Result<()> {
    fs::write("out", fs::read("in")?)?;
    fs::rename("a", "b")
}
