//! One run directory on its way: cut into pieces while it grows.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::piece::{Content, Origin, PART_BYTES_MAX, PieceName, encode};
use crate::seal::PublicKey;
use crate::store::{Store, StoreError};

/// How often what has grown is sent: what a lost machine can lose.
const FLUSH: Duration = Duration::from_millis(500);

/// The files of a directory, on their way to a store.
#[derive(Debug)]
pub struct Stream {
    /// The run that the directory is part of.
    pub run: String,
    /// Its name among the streams of the run: 32 hexadecimal digits.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Where the files are.
    pub directory: PathBuf,
    /// Whom pieces are sealed for.
    pub key: PublicKey,
    /// Where they go.
    pub store: Store,
}

/// How far a stream has come.
struct Sent {
    stream: Stream,
    next: u32,
    offsets: BTreeMap<String, u64>,
    /// A piece that the store has not taken yet: it comes first, and as it is.
    waiting: Option<(PieceName, Vec<u8>)>,
}

impl Sent {
    fn put(&mut self, content: &Content, bytes: &[u8]) -> Result<(), StoreError> {
        let Stream { run, name, key, .. } = &self.stream;
        let is_last = *content == Content::Ends;
        let name = PieceName { stream: name.clone(), seq: self.next, is_last };
        let sealed = key.seal(&encode(run, &name, content, bytes));
        self.next += 1;
        self.waiting = Some((name, sealed));
        self.put_waiting()
    }

    fn put_waiting(&mut self) -> Result<(), StoreError> {
        if let Some((name, sealed)) = &self.waiting {
            self.stream.store.put(name, sealed)?;
            self.waiting = None;
        }
        Ok(())
    }

    /// Sends what has come to the files since the last time. A file that is not there yet is looked for again.
    fn send(&mut self, files: &[String]) -> Result<(), StoreError> {
        self.put_waiting()?;
        for name in files {
            let Ok(file) = File::open(self.stream.directory.join(name)) else { continue };
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            let mut offset = self.offsets.get(name).copied().unwrap_or(0);
            // A file that has become shorter is another.
            offset = if length < offset { 0 } else { offset };
            while offset < length {
                let wanted = usize::try_from(length - offset).unwrap_or(PART_BYTES_MAX).min(PART_BYTES_MAX);
                let mut bytes = vec![0; wanted];
                if file.read_exact_at(&mut bytes, offset).is_err() {
                    break;
                }
                let part = Content::Part { file: name.clone(), offset };
                offset += wanted as u64;
                // Should the store not take it now, the piece waits: it is on its way all the same.
                self.offsets.insert(name.clone(), offset);
                self.put(&part, &bytes)?;
            }
        }
        Ok(())
    }
}

/// What comes last of a stream.
struct Last {
    /// Files that are sent whole, whatever of them was sent before.
    files: Vec<String>,
    until: Instant,
}

/// Sends a stream from a thread of its own.
#[derive(Debug)]
pub struct Shipper {
    tell: Sender<Last>,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Shipper {
    /// Begins to send; `growing` says which files there are to be sent, and `each` is called before each time that something is.
    pub fn start(
        stream: Stream,
        growing: impl Fn() -> Vec<String> + Send + 'static,
        each: impl Fn() + Send + 'static,
    ) -> Self {
        let (tell, told) = channel::<Last>();
        let thread = std::thread::spawn(move || {
            let origin = stream.origin.clone();
            let mut sent = Sent { stream, next: 0, offsets: BTreeMap::new(), waiting: None };
            each();
            // What the store does not take waits for the next time.
            let _waits = sent.put(&Content::Begins(origin), &[]);
            loop {
                match told.recv_timeout(FLUSH) {
                    Err(RecvTimeoutError::Timeout) => {
                        each();
                        let _waits = sent.send(&growing());
                    }
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                    Ok(last) => return finish(&mut sent, &last, &growing(), &each),
                }
            }
        });
        Self { tell, thread }
    }

    /// Sends the rest, of these files all, and says that it was the last. The store is tried again until the time is up.
    ///
    /// # Errors
    /// See [`StoreError`]: the end of the stream is missing in the store.
    pub fn finish(self, files: Vec<String>, patience: Duration) -> Result<(), StoreError> {
        let Self { tell, thread } = self;
        // A thread that is gone is found out below.
        let _gone = tell.send(Last { files, until: Instant::now() + patience });
        thread.join().unwrap_or(Ok(()))
    }
}

fn finish(sent: &mut Sent, last: &Last, growing: &[String], each: &dyn Fn()) -> Result<(), StoreError> {
    for file in &last.files {
        sent.offsets.remove(file);
    }
    let mut has_said_end = false;
    loop {
        each();
        let done = sent.send(growing).and_then(|()| sent.send(&last.files)).and_then(|()| {
            if has_said_end {
                return Ok(());
            }
            has_said_end = true;
            sent.put(&Content::Ends, &[])
        });
        match done {
            Err(_) if Instant::now() < last.until => std::thread::park_timeout(FLUSH),
            done => return done,
        }
    }
}
