//! A child with an empty environment, started in another directory with arguments and a file as its standard input.

use std::fs::File;
use std::process::Command;

fn main() -> std::io::Result<()> {
    let mut command = Command::new("/bin/sh");
    command.env_clear().current_dir("d").args(["-c", "/bin/cat > out"]).stdin(File::open("in")?);
    assert!(command.status()?.success());
    Ok(())
}
