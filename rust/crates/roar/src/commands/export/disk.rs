//! What of the exported artifacts is there, and hashes that were not recorded.

use roar_export::Lineage;
use roar_hash::{Algorithm, NoCache, Outcome, Request, Unwatched, hash_files};
use tracer_schema::{BLAKE3, NodeKind, PathBytes, to_hex};

/// The algorithm that formats ask for.
pub(super) const SHA256: &str = "sha256";

/// Looks which artifacts are still where they were, and gives these their SHA-256 where it was not recorded: what has the recorded
/// BLAKE3 hash is the recorded content.
pub(super) fn compare(lineage: &mut Lineage) {
    let paths: Vec<PathBytes> =
        lineage.artifacts.iter().map(|artifact| PathBytes::from(artifact.path.as_slice())).collect();
    let hashed: Vec<usize> =
        (0..paths.len()).filter(|index| lineage.artifacts[*index].hashes.contains_key(BLAKE3)).collect();
    let request = |index: &usize| Request {
        path: paths[*index].as_path(),
        expect: None,
        kind: if lineage.artifacts[*index].is_link { NodeKind::Symlink } else { NodeKind::File },
        moved: false,
    };
    let requests: Vec<Request<'_>> = hashed.iter().map(request).collect();
    let mut found = Vec::new();
    let mut each = |index: usize, outcome| match outcome {
        Outcome::Hashed { hashes, .. } => found.push((hashed[index], hashes)),
        Outcome::Changed { .. } | Outcome::Gone | Outcome::Unreadable { .. } => {}
    };
    hash_files(&requests, &[Algorithm::Sha256], &NoCache, &mut each, &Unwatched);
    for (index, hashes) in found {
        let artifact = &mut lineage.artifacts[index];
        let is_same = |algorithm: &str, hash: &[u8]| artifact.hashes.get(algorithm) == Some(&to_hex(hash));
        if hashes.get(BLAKE3).is_some_and(|hash| is_same(BLAKE3, hash)) {
            artifact.is_on_disk = true;
            if let Some(hash) = hashes.get(SHA256) {
                artifact.hashes.insert(SHA256.to_owned(), to_hex(hash));
            }
        }
    }
}
