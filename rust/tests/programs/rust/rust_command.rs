//! `std::process::Command`: a pipeline of two children, and one whose output is a file.

use std::fs::File;
use std::process::{Command, Stdio};

fn main() -> std::io::Result<()> {
    let mut cat = Command::new("cat").arg("in").stdout(Stdio::piped()).spawn()?;
    let pipe = cat.stdout.take().expect("it was asked for");
    let sort = Command::new("sort").stdin(pipe).stdout(File::create("sorted")?).status()?;
    assert!(sort.success() && cat.wait()?.success());
    let listed = Command::new("cat").current_dir("d").arg("in").output()?;
    assert_eq!(listed.stdout, b"content");
    Ok(())
}
