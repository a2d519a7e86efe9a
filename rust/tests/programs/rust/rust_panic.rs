//! A panic after a write: buffers are flushed while it unwinds, and the status is 101.

use std::fs::File;
use std::io::{BufWriter, Write};

fn main() {
    let mut out = BufWriter::new(File::create("out").expect("the directory can be written"));
    out.write_all(b"new").expect("it is buffered");
    panic!("as it should");
}
