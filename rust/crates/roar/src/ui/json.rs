//! Printing data as JSON. There is no style in it that would have to be taken out.

use std::io::{self, BufWriter, Write};
use std::sync::mpsc;
use std::thread;

use serde::{Serialize, Serializer};

use super::is_read;
use crate::error::CliError;

/// JSON that is written in one call: the fewer calls, up to what stays in the processor's cache.
const BUFFER_BYTES: usize = 256 << 10;

/// Things up to which JSON is indented: of more, nobody reads it, and it would be twice as long.
pub(crate) const INDENTED_MAX: usize = 10_000;

/// Items of a [`List`] that one thread makes at a time: what is written in one call, more or less.
const ITEMS_TOGETHER: usize = 1_000;

/// Pieces that a thread makes ahead of the one that is written.
const WAITING_MAX: usize = 2;

/// Prints data as JSON.
pub(crate) fn print_json(data: &impl Serialize) -> Result<(), CliError> {
    write(|out| Ok(serde_json::to_writer_pretty(out, data)?))
}

/// Prints data as JSON, of so many things: without blanks where that is too much for a person.
pub(crate) fn print_long_json(data: &impl Serialize, things: usize) -> Result<(), CliError> {
    if things > INDENTED_MAX {
        return write(|out| Ok(serde_json::to_writer(out, data)?));
    }
    print_json(data)
}

/// A list that is made while it is written.
pub(crate) struct Lazy<F>(pub(crate) F);

impl<F, I> Serialize for Lazy<F>
where
    F: Fn() -> I,
    I: IntoIterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// A list of so many items, of which any can be made by its place while it is written.
pub(crate) struct List<F> {
    pub(crate) len: usize,
    pub(crate) item: F,
}

impl<F, T> Serialize for List<F>
where
    F: Fn(usize) -> T,
    T: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.len).map(&self.item))
    }
}

/// Prints an object without blanks: the members of its head, which has some and no list, then long lists.
pub(crate) fn print_long_lists(
    head: &impl Serialize,
    lists: impl FnOnce(&mut LongLists<'_>) -> io::Result<()>,
) -> Result<(), CliError> {
    write(|out| write_long_lists(out, head, lists))
}

fn write_long_lists(
    out: &mut dyn Write,
    head: &impl Serialize,
    lists: impl FnOnce(&mut LongLists<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    out.write_all(head.strip_suffix(b"}").unwrap_or(&head))?;
    lists(&mut LongLists { out })?;
    out.write_all(b"}")
}

/// Takes the lists of an object that is being written.
pub(crate) struct LongLists<'o> {
    out: &'o mut dyn Write,
}

impl LongLists<'_> {
    /// Writes a list: all processors make its items, and this thread writes them in their order.
    pub(crate) fn write<T: Serialize>(
        &mut self,
        name: &str,
        list: &List<impl Fn(usize) -> T + Sync>,
    ) -> io::Result<()> {
        write!(self.out, ",{}:[", serde_json::to_string(name)?)?;
        let pieces = list.len.div_ceil(ITEMS_TOGETHER);
        let threads = thread::available_parallelism().map_or(1, usize::from).min(pieces);
        thread::scope(|scope| {
            let made: Vec<mpsc::Receiver<serde_json::Result<Vec<u8>>>> = (0..threads)
                .map(|first| {
                    let (sender, receiver) = mpsc::sync_channel(WAITING_MAX);
                    scope.spawn(move || {
                        let mut pieces = (first..pieces).step_by(threads).map(|piece| make(list, piece));
                        // Where writing failed nobody takes any more.
                        pieces.try_for_each(|piece| sender.send(piece))
                    });
                    receiver
                })
                .collect();
            for piece in 0..pieces {
                let made = made[piece % threads].recv().expect("a thread makes all of its pieces");
                self.out.write_all(&made?)?;
            }
            self.out.write_all(b"]")
        })
    }
}

/// Returns a piece of a list, with the comma before each item but the list's first.
fn make<T: Serialize>(list: &List<impl Fn(usize) -> T>, piece: usize) -> serde_json::Result<Vec<u8>> {
    let start = piece * ITEMS_TOGETHER;
    let end = list.len.min(start + ITEMS_TOGETHER);
    let mut text = Vec::with_capacity(BUFFER_BYTES);
    for at in start..end {
        if at > 0 {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, &(list.item)(at))?;
    }
    Ok(text)
}

/// Writes to standard output as text comes about; that nobody reads it any more is no failure.
fn write(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), CliError> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    let written = write(&mut out).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    is_read(written).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Head {
        format: &'static str,
    }

    #[derive(Serialize)]
    struct Whole<L> {
        format: &'static str,
        few: L,
    }

    #[test]
    fn lists_that_threads_make_are_those_of_one_thread() {
        for len in [0, 1, ITEMS_TOGETHER, 2 * ITEMS_TOGETHER + 1, 11 * ITEMS_TOGETHER - 1] {
            let list = || List { len, item: |at| at as u64 * 7 };
            let mut text = Vec::new();
            write_long_lists(&mut text, &Head { format: "some" }, |lists| lists.write("few", &list()))
                .unwrap();
            let whole = serde_json::to_string(&Whole { format: "some", few: list() }).unwrap();
            assert!(text == whole.as_bytes(), "{len}");
        }
    }

    #[test]
    fn a_reader_that_leaves_ends_the_threads() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let list = List { len: 100 * ITEMS_TOGETHER, item: |at| at };
        let written = LongLists { out: &mut Gone }.write("many", &list);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
