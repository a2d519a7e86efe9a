//! Hashes files and says how long it took: `hash [--with sha256,md5] FILE…`, to be held against `b3sum FILE…`.

#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use roar_hash::{Algorithm, NoCache, Outcome, Request, Unwatched, hash_files};
use tracer_schema::{BLAKE3, NodeKind, to_hex};

fn main() -> io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut algorithms = vec![Algorithm::Blake3];
    if arguments.first().is_some_and(|first| first == "--with") {
        algorithms.extend(arguments[1].split(',').filter_map(Algorithm::from_name));
        arguments.drain(..2);
    }
    let paths: Vec<PathBuf> = arguments.into_iter().map(PathBuf::from).collect();
    let request = |path| Request { path, expect: None, kind: NodeKind::File, moved: false };
    let requests: Vec<_> = paths.iter().map(|path| request(path.as_path())).collect();
    let begun = Instant::now();
    let mut lines = Vec::new();
    let mut bytes = 0;
    let mut each = |index: usize, outcome| match outcome {
        Outcome::Hashed { hashes, stamp, .. } => {
            bytes += stamp.size;
            let hash = hashes.get(BLAKE3).map(to_hex).unwrap_or_default();
            lines.push(format!("{hash}  {}", paths[index].display()));
        }
        other @ (Outcome::Changed { .. } | Outcome::Gone | Outcome::Unreadable { .. }) => {
            lines.push(format!("{other:?}  {}", paths[index].display()))
        }
    };
    hash_files(&requests, &algorithms, &NoCache, &mut each, &Unwatched);
    let seconds = begun.elapsed().as_secs_f64();
    let gib_per_s = bytes as f64 / seconds / f64::from(1 << 30);
    writeln!(io::stderr(), "{} files, {seconds:.6} s, {gib_per_s:.2} GiB/s", requests.len())?;
    if requests.len() <= 16 {
        writeln!(io::stdout(), "{}", lines.join("\n"))?;
    }
    Ok(())
}
