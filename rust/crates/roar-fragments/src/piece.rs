//! One piece of a stream: its name, and the bytes that it is before it is sealed.

use std::fmt;
use std::str::FromStr;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use serde::{Deserialize, Serialize};

/// Version of what pieces are.
const VERSION: u32 = 1;

/// Bytes of a file in one piece at most: what Ray's own store and every other take without a second thought.
pub(crate) const PART_BYTES_MAX: usize = 1 << 20;

/// Bytes that a piece is decompressed to at most: the part of a file, and what is said of it.
const PIECE_BYTES_MAX: usize = PART_BYTES_MAX + 4096;

/// How hard it is compressed: events shrink to a tenth, and a harder way takes longer for little more.
const COMPRESSION: u8 = 3;

/// Digits of a stream's name.
const STREAM_DIGITS: usize = 32;

/// How the name of a stream's last piece ends.
const LAST: &str = "end";

/// The name of a piece in a store: the stream, the piece's number in it, and whether it is the last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PieceName {
    /// The stream: 32 hexadecimal digits.
    pub stream: String,
    /// From 0.
    pub seq: u32,
    /// Whether no other follows.
    pub is_last: bool,
}

impl fmt::Display for PieceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, seq, is_last } = self;
        write!(f, "{stream}.{seq:08}")?;
        if *is_last { write!(f, ".{LAST}") } else { Ok(()) }
    }
}

impl FromStr for PieceName {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let mut words = name.split('.');
        let (Some(stream), Some(seq), last, None) = (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(());
        };
        let is_stream =
            stream.len() == STREAM_DIGITS && stream.bytes().all(|digit| digit.is_ascii_hexdigit());
        let is_last = last == Some(LAST);
        if !is_stream || !(is_last || last.is_none()) {
            return Err(());
        }
        Ok(Self { stream: stream.to_owned(), seq: seq.parse().ok().ok_or(())?, is_last })
    }
}

/// Where a stream comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The machine's name.
    pub host: String,
    /// What tells one start of a machine's kernel from every other: there, numbers of devices and files mean the same.
    pub boot: String,
    /// The process that carries the stream.
    pub pid: u32,
}

/// What a piece has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    /// Nothing of a file: where the stream comes from.
    Begins(Origin),
    /// The bytes of a file from there on; what the file had behind that is no more.
    Part { file: String, offset: u64 },
    /// Nothing: the stream is over.
    Ends,
}

/// What is said of a piece, sealed with its bytes: one that was stored under another name is found out.
#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    run: String,
    stream: String,
    seq: u32,
    content: Content,
}

/// Returns a piece, to be sealed.
pub(crate) fn encode(run: &str, name: &PieceName, content: &Content, bytes: &[u8]) -> Vec<u8> {
    let PieceName { stream, seq, is_last: _ } = name.clone();
    let header = Header { version: VERSION, run: run.to_owned(), stream, seq, content: content.clone() };
    let header = rmp_serde::to_vec_named(&header).expect("names and numbers can be encoded");
    let length = u32::try_from(header.len()).expect("names are short");
    let piece = [&length.to_le_bytes(), &header[..], bytes].concat();
    compress_to_vec(&piece, COMPRESSION)
}

/// Takes a piece apart that was sealed under that name; says what is wrong where it is not that piece.
pub(crate) fn decode(run: &str, name: &PieceName, piece: &[u8]) -> Result<(Content, Vec<u8>), &'static str> {
    let damaged = "it is damaged";
    let piece = decompress_to_vec_with_limit(piece, PIECE_BYTES_MAX).ok().ok_or(damaged)?;
    let (length, rest) = piece.split_first_chunk::<4>().ok_or(damaged)?;
    let (header, bytes) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(damaged)?;
    let header: Header = rmp_serde::from_slice(header).ok().ok_or(damaged)?;
    if header.version != VERSION {
        return Err("it is of another version of roar");
    }
    let is_last = header.content == Content::Ends;
    if (&*header.run, &header.stream, header.seq, is_last) != (run, &name.stream, name.seq, name.is_last) {
        return Err("it is another piece than its name says");
    }
    Ok((header.content, bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_nothing_else_is_one() {
        let name = PieceName { stream: "0123456789abcdef".repeat(2), seq: 7, is_last: false };
        for name in [PieceName { is_last: true, ..name.clone() }, name] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        let stream = "0123456789abcdef".repeat(2);
        for other in ["", "lock", "../../x.1", &format!("{stream}.1.end.end"), &format!("{stream}.x")] {
            assert_eq!(other.parse::<PieceName>(), Err(()), "{other}");
        }
    }

    #[test]
    fn a_piece_under_another_name_or_of_another_run_is_refused() {
        let name = PieceName { stream: "0123456789abcdef".repeat(2), seq: 7, is_last: false };
        let content = Content::Part { file: "events".to_owned(), offset: 5 };
        let piece = encode("run", &name, &content, b"bytes");
        assert_eq!(decode("run", &name, &piece), Ok((content, b"bytes".to_vec())));
        assert!(decode("other", &name, &piece).is_err());
        assert!(decode("run", &PieceName { seq: 8, ..name.clone() }, &piece).is_err());
        assert!(decode("run", &PieceName { is_last: true, ..name.clone() }, &piece).is_err());
        assert!(decode("run", &name, &piece[1..]).is_err());
    }
}
