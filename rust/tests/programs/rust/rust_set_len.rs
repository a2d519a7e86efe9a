//! `File::set_len`, to nothing and to more.

use std::fs::OpenOptions;

fn main() -> std::io::Result<()> {
    OpenOptions::new().write(true).open("emptied")?.set_len(0)?;
    OpenOptions::new().write(true).open("longer")?.set_len(100)
}
