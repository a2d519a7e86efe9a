//! One thread reads, sends descriptors through a channel; others read them.

use std::fs::File;
use std::io::Read;
use std::sync::mpsc;
use std::thread;

fn main() {
    let (sender, receiver) = mpsc::channel::<File>();
    let reader = thread::spawn(move || {
        receiver.into_iter().fold(0, |total, mut file| {
            let mut text = String::new();
            total + file.read_to_string(&mut text).expect("the file can be read")
        })
    });
    for name in ["a", "b", "c"] {
        sender.send(File::open(name).expect("the file is there")).expect("the reader is there");
    }
    drop(sender);
    assert_eq!(reader.join().expect("the reader ends"), 21);
}
