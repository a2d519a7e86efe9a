//! Directories that are carried in pieces, whole and with losses.

use std::time::Duration;

use super::*;
use crate::stream::{Shipper, Stream};

const STREAM: &str = "0123456789abcdef0123456789abcdef";

/// A directory on its way, and the place where it is made again.
struct Carried {
    folder: tempfile::TempDir,
    key: PrivateKey,
}

impl Carried {
    /// Sends a directory with a file that grows and one that is written at the end.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["from", "pieces"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let key = PrivateKey::generate();
        let from = folder.path().join("from");
        fs::write(from.join("events"), vec![b'x'; 3 << 20]).unwrap();
        fs::write(from.join("report"), "of /secret/path").unwrap();
        let stream = Stream {
            run: "run".to_owned(),
            name: STREAM.to_owned(),
            origin: Origin { host: "here".to_owned(), boot: "1".to_owned(), pid: 7 },
            directory: from,
            key: key.public(),
            store: Store::Directory(folder.path().join("pieces")),
        };
        let shipper = Shipper::start(stream, || vec!["events".to_owned()], || {});
        shipper.finish(vec!["report".to_owned()], Duration::ZERO).unwrap();
        Self { folder, key }
    }

    /// Returns where a piece is: 0 is the beginning, 1 to 3 are the events, 4 is the report, 5 the end.
    fn piece(&self, seq: u32) -> PathBuf {
        let name = PieceName { stream: STREAM.to_owned(), seq, is_last: seq == 5 };
        self.folder.path().join("pieces").join(name.to_string())
    }

    fn assemble(&self) -> Assembled {
        let store = Store::Directory(self.folder.path().join("pieces"));
        let into = |stream: &str| self.folder.path().join("into").join(stream);
        let is_wanted = |name: &str| ["events", "report"].contains(&name);
        let [made] = &assemble(&store, "run", &self.key, &into, &is_wanted).unwrap()[..] else {
            panic!("one stream");
        };
        made.clone()
    }
}

fn length(made: &Assembled, name: &str) -> Option<u64> {
    fs::metadata(made.path.join(name)).ok().map(|found| found.len())
}

#[test]
fn what_was_sent_is_made_again_however_often() {
    let carried = Carried::new();
    for _ in 0..2 {
        let made = carried.assemble();
        assert_eq!(made.origin.as_ref().map(|origin| &*origin.host), Some("here"));
        assert!(made.has_ended);
        assert_eq!(made.faults, Vec::<String>::new());
        assert_eq!(length(&made, "events"), Some(3 << 20));
        assert_eq!(fs::read_to_string(made.path.join("report")).unwrap(), "of /secret/path");
    }
}

#[test]
fn a_store_has_no_word_of_what_it_keeps() {
    let carried = Carried::new();
    for entry in fs::read_dir(carried.folder.path().join("pieces")).unwrap() {
        let kept = fs::read(entry.unwrap().path()).unwrap();
        for word in [&b"secret"[..], b"events", b"report", b"here"] {
            assert!(!kept.windows(word.len()).any(|bytes| bytes == word));
        }
    }
}

#[test]
fn a_piece_that_is_missing_is_named_and_what_came_before_is_kept() {
    let carried = Carried::new();
    fs::remove_file(carried.piece(2)).unwrap();
    let made = carried.assemble();
    assert_eq!(made.faults, ["piece 2 is missing"]);
    assert_eq!(length(&made, "events"), Some(1 << 20));
    assert_eq!(length(&made, "report"), Some(15));
    fs::remove_file(carried.piece(3)).unwrap();
    fs::remove_file(carried.piece(5)).unwrap();
    let made = carried.assemble();
    assert_eq!(made.faults, ["pieces 2 to 3 are missing"]);
    assert!(!made.has_ended);
}

#[test]
fn a_piece_that_was_changed_or_forged_is_refused_and_named() {
    let carried = Carried::new();
    let mut changed = fs::read(carried.piece(1)).unwrap();
    changed[50] ^= 1;
    fs::write(carried.piece(1), changed).unwrap();
    fs::write(carried.piece(4), "forged").unwrap();
    let made = carried.assemble();
    let refused = "is refused: it was not sealed for this run, or was changed since";
    assert_eq!(made.faults, [format!("piece 1 {refused}"), format!("piece 4 {refused}")]);
    assert_eq!((length(&made, "events"), length(&made, "report")), (Some(0), None));
}

#[test]
fn a_piece_of_a_file_that_does_not_belong_there_is_refused() {
    let carried = Carried::new();
    let name = PieceName { stream: STREAM.to_owned(), seq: 4, is_last: false };
    let content = Content::Part { file: "../../escaped".to_owned(), offset: 0 };
    let piece = crate::piece::encode("run", &name, &content, b"x");
    fs::write(carried.piece(4), carried.key.public().seal(&piece)).unwrap();
    let made = carried.assemble();
    assert_eq!(made.faults, ["piece 4 is refused: it is of no file that belongs here"]);
    assert!(fs::symlink_metadata(carried.folder.path().join("escaped")).is_err());
}
