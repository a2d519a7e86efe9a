//! Writing a file in whole: a temporary beside it, synced, renamed, and the directory synced.

use std::fs::{self, File};
use std::io::Write;

fn main() -> std::io::Result<()> {
    let before = fs::read_to_string("config")?;
    let mut file = File::create(".config.tmp")?;
    write!(file, "{before}more")?;
    file.sync_all()?;
    fs::rename(".config.tmp", "config")?;
    File::open(".")?.sync_all()
}
