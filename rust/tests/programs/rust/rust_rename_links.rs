//! `rename`, `hard_link`, `symlink` and `remove_file`.

use std::fs;

fn main() -> std::io::Result<()> {
    fs::rename("a", "b")?;
    fs::hard_link("c", "hard")?;
    std::os::unix::fs::symlink("c", "soft")?;
    fs::remove_file("gone")
}
