//! `BufReader` by lines into `BufWriter`, flushed when it is dropped.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};

fn main() -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create("out")?);
    for line in BufReader::new(File::open("in")?).lines() {
        writeln!(out, "{}", line?.len())?;
    }
    Ok(())
}
