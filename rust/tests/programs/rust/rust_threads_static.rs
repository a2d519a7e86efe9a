//! Threads and a child in a static program.

use std::process::Command;
use std::{fs, thread};

fn main() {
    let writers: Vec<_> = (1..=4)
        .map(|number| thread::spawn(move || fs::write(format!("out{number}"), "new")))
        .collect();
    for writer in writers {
        writer.join().expect("the thread ends").expect("the directory can be written");
    }
    assert!(Command::new("cp").args(["in", "copy"]).status().expect("cp is there").success());
}
