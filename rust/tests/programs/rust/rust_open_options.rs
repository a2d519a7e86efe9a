//! Every combination of `OpenOptions` that programs use.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};

fn main() -> std::io::Result<()> {
    OpenOptions::new().append(true).open("append")?.write_all(b"more")?;
    OpenOptions::new().write(true).open("write")?.write_all(b"NEW")?;
    OpenOptions::new().write(true).create_new(true).open("create_new")?;
    let mut both = OpenOptions::new().read(true).write(true).create(true).truncate(true).open("truncate")?;
    both.write_all(b"own")?;
    both.seek(SeekFrom::Start(0))?;
    let mut text = String::new();
    both.read_to_string(&mut text)?;
    assert_eq!(text, "own");
    drop(OpenOptions::new().read(true).write(true).open("unused")?);
    Ok(())
}
