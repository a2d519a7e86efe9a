//! `std::io::copy` between files, from a file to a pipe, and `Read::read_vectored`.

use std::fs::File;
use std::io::{self, IoSliceMut, Read, Write};
use std::process::{Command, Stdio};

fn main() -> io::Result<()> {
    io::copy(&mut File::open("a")?, &mut File::create("b")?)?;
    let mut child = Command::new("sh").args(["-c", "cat > c"]).stdin(Stdio::piped()).spawn()?;
    let mut pipe = child.stdin.take().expect("it was asked for");
    io::copy(&mut File::open("in")?, &mut pipe)?;
    pipe.flush()?;
    drop(pipe);
    assert!(child.wait()?.success());
    let (mut first, mut second) = ([0; 2], [0; 2]);
    let mut parts = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
    assert_eq!(File::open("vectored")?.read_vectored(&mut parts)?, 4);
    Ok(())
}
