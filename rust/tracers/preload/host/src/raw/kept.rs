//! What was found in images, kept among the user's caches: an image is scanned once for as long as it stays what it is.
//!
//! The file is a row of records of one length, to whose end each run adds at once what it had to find out itself. It is believed only
//! where nobody else could have written it, and begun anew when it has become long.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustc_hash::FxHashMap;
use tracer_schema::FileStamp;

use super::calls::Calls;
use crate::plans::{is_own, kept_in};

/// Name of the file; the number is raised whenever something else would be found, or be written otherwise.
const NAME: &str = "raw-calls-1";

/// Length of a record: five numbers of the key, the calls, and a sum.
const RECORD_BYTES: usize = 56;

/// A longer file is begun anew: it is read in every run, which takes some 200 µs then.
const RECORDS_MAX: usize = 2048;

/// What makes an image another one. All of it changes when the content does; the kernel alone sets the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key([u64; 5]);

impl Key {
    pub(crate) fn of(file: &FileStamp) -> Self {
        let FileStamp { dev, ino, size, mtime_ns, ctime_ns, mode: _, nlink: _ } = *file;
        Self([dev, ino, size, mtime_ns as u64, ctime_ns as u64])
    }
}

/// What is known of images.
#[derive(Debug)]
pub(crate) struct Kept {
    place: Option<PathBuf>,
    known: FxHashMap<Key, Calls>,
    /// Records that the file has not.
    added: Vec<u8>,
    /// Records that the file has; `None`: it is not to be gone on with.
    count: Option<usize>,
}

fn sum(words: &[u64]) -> u64 {
    // FNV-1a, over words: it tells records from what a full disk or a crash leaves of them.
    words.iter().fold(0xcbf2_9ce4_8422_2325, |sum, word| (sum ^ word).wrapping_mul(0x0000_0100_0000_01b3))
}

fn to_record(key: Key, calls: Calls) -> [u8; RECORD_BYTES] {
    let [a, b, c, d] = calls.0.map(u64::from);
    let mut words = [0; RECORD_BYTES / 8];
    words[..5].copy_from_slice(&key.0);
    words[5] = a | b << 16 | c << 32 | d << 48;
    words[6] = sum(&words[..6]);
    let mut record = [0; RECORD_BYTES];
    for (bytes, word) in record.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    record
}

fn from_record(record: &[u8; RECORD_BYTES]) -> Option<(Key, Calls)> {
    let mut words = [0; RECORD_BYTES / 8];
    for (word, bytes) in words.iter_mut().zip(record.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let [dev, ino, size, mtime, ctime, calls, said] = words;
    let calls = Calls([0, 16, 32, 48].map(|shift| (calls >> shift) as u16));
    (said == sum(&words[..6])).then_some((Key([dev, ino, size, mtime, ctime]), calls))
}

impl Kept {
    /// Reads what earlier runs kept.
    pub(crate) fn read() -> Self {
        Self::read_from(kept_in().map(|place| place.join(NAME)))
    }

    fn read_from(place: Option<PathBuf>) -> Self {
        let mut bytes = Vec::new();
        if let Some(path) = place.as_ref().filter(|path| is_own(path)) {
            let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path);
            let max = (RECORDS_MAX * 2 * RECORD_BYTES) as u64;
            // What cannot be read is found out again.
            let _unread = file.and_then(|file| file.take(max).read_to_end(&mut bytes));
        }
        let (records, rest) = bytes.as_chunks();
        let known: FxHashMap<Key, Calls> = records.iter().filter_map(from_record).collect();
        let is_sound = rest.is_empty() && records.len() < RECORDS_MAX && known.len() * 2 >= records.len();
        Self { place, known, added: Vec::new(), count: is_sound.then_some(records.len()) }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Calls> {
        self.known.get(key).copied()
    }

    pub(crate) fn add(&mut self, key: Key, calls: Calls) {
        self.known.insert(key, calls);
        self.added.extend_from_slice(&to_record(key, calls));
    }

    /// Writes what was added.
    pub(crate) fn write(&mut self) {
        let Self { place: Some(place), added, count, .. } = self else { return };
        if added.is_empty() {
            return;
        }
        // Without it the next run finds out the same.
        let _unkept = match count {
            Some(_) => append(place, added),
            None => replace(place, added),
        };
        added.clear();
    }
}

/// Adds records in one call, so that those of another run are before or behind them.
fn append(place: &PathBuf, records: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let mut file: File = options.open(place)?;
    file.write_all(records)
}

/// Begins a new file with what this run needed.
fn replace(place: &PathBuf, records: &[u8]) -> std::io::Result<()> {
    let draft = place.with_extension(std::process::id().to_string());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(&draft)?.write_all(records)?;
    fs::rename(&draft, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        Key([number, 2, 3, 4, 5])
    }

    #[test]
    fn what_is_written_is_read_again() {
        let place = tempfile::tempdir().unwrap();
        let path = Some(place.path().join("kept"));
        for number in 0..3 {
            let mut kept = Kept::read_from(path.clone());
            assert_eq!(kept.get(&key(number)), None);
            kept.add(key(number), Calls([number as u16, 0, 0, 7]));
            kept.write();
        }
        let kept = Kept::read_from(path);
        assert_eq!(kept.known.len(), 3);
        assert_eq!(kept.get(&key(2)), Some(Calls([2, 0, 0, 7])));
    }

    #[test]
    fn a_torn_or_foreign_file_is_not_gone_on_with() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("kept");
        let whole = to_record(key(1), Calls::default());
        fs::write(&path, [&whole[..], &whole[..20]].concat()).unwrap();
        let mut kept = Kept::read_from(Some(path.clone()));
        assert_eq!(kept.get(&key(1)), Some(Calls::default()));
        kept.add(key(2), Calls::default());
        kept.write();
        assert_eq!(fs::metadata(&path).unwrap().len(), RECORD_BYTES as u64);

        let mut wrong = whole;
        wrong[3] ^= 1;
        fs::write(&path, wrong).unwrap();
        assert_eq!(Kept::read_from(Some(path)).known.len(), 0);
    }

    #[test]
    fn a_file_that_others_may_write_is_not_believed() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("kept");
        fs::write(&path, to_record(key(1), Calls::default())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(Kept::read_from(Some(path)).known.len(), 0);
    }

    #[test]
    fn a_long_file_is_begun_anew() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("kept");
        let records: Vec<u8> =
            (0..RECORDS_MAX as u64).flat_map(|number| to_record(key(number), Calls::default())).collect();
        fs::write(&path, records).unwrap();
        let mut kept = Kept::read_from(Some(path.clone()));
        assert_eq!(kept.known.len(), RECORDS_MAX);
        kept.add(key(1 << 40), Calls::default());
        kept.write();
        assert_eq!(fs::metadata(&path).unwrap().len(), RECORD_BYTES as u64);
    }
}
