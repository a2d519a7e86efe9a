//! `create_dir_all`, `read_dir`, `remove_dir_all`: files below a removed directory are removed.

use std::fs;

fn main() -> std::io::Result<()> {
    fs::create_dir_all("new/sub")?;
    fs::write("new/sub/own", "own")?;
    let names = fs::read_dir("old")?.count();
    assert_eq!(names, 2);
    fs::remove_dir_all("new")?;
    fs::remove_dir_all("old")
}
