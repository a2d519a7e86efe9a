//! A sequence of frames: events, and before them the byte strings that they name.
//!
//! A byte string is a frame of kind [`EventKind::Text`] (`text`: its id, `value`: its length) and then as many frames as
//! its bytes fill, the last one padded with zeros. A reader can therefore step over what it does not know, and a stream
//! that was cut at any frame, its writer killed, is good up to the cut.

use crate::event::{BadFrame, EventKind, FRAME_BYTES, TextId, TraceEvent};

/// Longest byte string that a stream carries, bytes: argument lists can be megabytes (`ARG_MAX`), and the head of one
/// says enough.
pub const TEXT_BYTES_MAX: usize = 128 * 1024;

/// Appends the definition of a byte string to `out`, whole frames.
///
/// A string longer than [`TEXT_BYTES_MAX`] is cut there.
pub fn put_text(out: &mut Vec<u8>, id: TextId, text: &[u8]) {
    let text = &text[..text.len().min(TEXT_BYTES_MAX)];
    let mut head = TraceEvent::new(EventKind::Text, 0, 0, 0);
    head.text = id;
    head.value = text.len() as u64;
    out.extend_from_slice(&head.to_frame());
    out.extend_from_slice(text);
    out.resize(out.len().next_multiple_of(FRAME_BYTES), 0);
}

/// What a stream yields.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// The byte string of an id.
    Text(TextId, &'a [u8]),
    /// An effect.
    Event(TraceEvent),
    /// A frame of a kind from a later version: something was observed that this reader cannot take.
    Unknown(u8),
}

/// Reads a stream to its end or its cut.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Returns a reader of those frames. Bytes after the last whole frame are not looked at.
    pub fn new(frames: &'a [u8]) -> Self {
        Self { rest: frames }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let (frame, rest) = self.rest.split_first_chunk::<FRAME_BYTES>()?;
        let event = match TraceEvent::from_frame(frame) {
            Ok(event) => event,
            Err(BadFrame::Empty) => return None,
            Err(BadFrame::UnknownKind(number)) => {
                self.rest = rest;
                return Some(Item::Unknown(number));
            }
        };
        if event.kind != EventKind::Text {
            self.rest = rest;
            return Some(Item::Event(event));
        }
        let len = usize::try_from(event.value).ok().filter(|len| *len <= TEXT_BYTES_MAX)?;
        let text = rest.get(..len)?;
        self.rest = rest.get(len.next_multiple_of(FRAME_BYTES)..)?;
        Some(Item::Text(event.text, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> TraceEvent {
        let mut event = TraceEvent::new(EventKind::Rename, 7, 100, 101);
        event.text = TextId(1);
        event.text2 = TextId(2);
        event.stamp.ino = 9;
        event
    }

    #[test]
    fn what_was_put_comes_out_in_order() {
        let mut bytes = Vec::new();
        put_text(&mut bytes, TextId(1), b"/a");
        put_text(&mut bytes, TextId(2), &[b'x'; FRAME_BYTES]);
        bytes.extend_from_slice(&sample().to_frame());
        let items: Vec<_> = Reader::new(&bytes).collect();
        assert_eq!(
            items,
            [
                Item::Text(TextId(1), b"/a"),
                Item::Text(TextId(2), &[b'x'; FRAME_BYTES]),
                Item::Event(sample())
            ]
        );
    }

    #[test]
    fn a_stream_cut_anywhere_is_good_up_to_the_cut() {
        let mut bytes = Vec::new();
        put_text(&mut bytes, TextId(1), &[b'p'; 200]);
        let text_end = bytes.len();
        bytes.extend_from_slice(&sample().to_frame());
        for cut in 0..bytes.len() {
            let count = Reader::new(&bytes[..cut]).count();
            assert_eq!(count, usize::from(cut >= FRAME_BYTES + 200 && cut >= text_end), "cut at {cut}");
        }
    }

    #[test]
    fn frames_never_written_end_the_stream() {
        let mut bytes = sample().to_frame().to_vec();
        bytes.resize(10 * FRAME_BYTES, 0);
        assert_eq!(Reader::new(&bytes).count(), 1);
    }

    #[test]
    fn a_kind_from_the_future_is_told_and_stepped_over() {
        let mut frame = sample().to_frame();
        frame[16] = 200;
        let mut bytes = frame.to_vec();
        bytes.extend_from_slice(&sample().to_frame());
        assert_eq!(Reader::new(&bytes).collect::<Vec<_>>(), [Item::Unknown(200), Item::Event(sample())]);
    }

    #[test]
    fn an_impossible_length_ends_the_stream() {
        let mut head = TraceEvent::new(EventKind::Text, 0, 0, 0);
        head.value = u64::MAX;
        assert_eq!(Reader::new(&head.to_frame()).count(), 0);
    }
}
