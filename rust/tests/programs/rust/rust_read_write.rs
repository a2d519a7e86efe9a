//! `std::fs::read` and `write`; what was written is read back.

use std::fs;

fn main() -> std::io::Result<()> {
    let text = fs::read_to_string("in")?;
    fs::write("out", text.to_uppercase())?;
    assert_eq!(fs::read("out")?, b"CONTENT");
    Ok(())
}
