//! Eight threads, each of which copies a file; a scope waits for them.

use std::fs;
use std::sync::Barrier;
use std::thread;

fn main() {
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for number in 1..=8 {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                let text = fs::read(format!("in{number}")).expect("the file is there");
                fs::write(format!("out{number}"), text).expect("the directory can be written");
            });
        }
    });
}
