//! What a person means by a word: a step, a job, an artifact or a path.

use tracer_schema::PathBytes;

use crate::artifacts::Artifact;
use crate::error::Result;
use crate::job_rows::row_limit;
use crate::model::Job;
use crate::row::Bytes;
use crate::sql;
use crate::store::Store;

/// Fewest digits of a hash or a job's id that are taken as one.
const PREFIX_MIN: usize = 6;

/// Candidates that an answer lists: what a person reads.
const CANDIDATES_MAX: usize = 20;

/// Paths that a misspelt one is compared with: some 100 ms of work.
const COMPARED_PATHS_MAX: usize = 200_000;

/// Most edits between a path's last part and a misspelt one that is still near.
const EDITS_MAX: usize = 2;

/// Names of near paths that an answer lists.
const NEAREST_MAX: usize = 3;

/// Something that a word can stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A job.
    Job(Job),
    /// An artifact.
    Artifact(Artifact),
    /// A path that some job used.
    Path(PathBytes),
}

/// What a word stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One thing.
    One(Box<Target>),
    /// Several things, at least two; the first twenty of them.
    Ambiguous(Vec<Target>),
    /// Nothing; these are near, best first.
    Unknown(Vec<Target>),
}

impl Store {
    /// Returns what a word stands for: `@N`, `@last`, a job's id or the first digits of one, the first digits of a
    /// hash, or a path.
    ///
    /// `paths` are the absolute paths that the word can stand for: the store knows no working directory.
    pub fn find_target(&self, word: &str, paths: &[PathBytes]) -> Result<Found> {
        if let Some(step) = word.strip_prefix('@') {
            let job = match step {
                "last" => self.last_job()?,
                number => match number.parse() {
                    Ok(number) => self.job_by_step(number)?,
                    Err(_) => None,
                },
            };
            return Ok(match job {
                Some(job) => Found::One(Box::new(Target::Job(job))),
                None => Found::Unknown(self.last_job()?.map(Target::Job).into_iter().collect()),
            });
        }
        let mut found = Vec::new();
        if word.len() >= PREFIX_MIN {
            let prefix = word.to_ascii_lowercase();
            let limit = CANDIDATES_MAX;
            found.extend(self.jobs_by_prefix(&prefix, limit)?.into_iter().map(Target::Job));
            found.extend(self.artifacts_by_prefix(&prefix, limit)?.into_iter().map(Target::Artifact));
        }
        found.extend(self.used_path(paths)?.map(Target::Path));
        if found.is_empty() {
            // An object, without the server that it is on.
            found.extend(self.object_paths(word, CANDIDATES_MAX)?.into_iter().map(Target::Path));
        }
        found.truncate(CANDIDATES_MAX);
        match found.len() {
            0 => Ok(Found::Unknown(self.near_paths(paths)?)),
            1 => Ok(Found::One(Box::new(found.remove(0)))),
            _ => Ok(Found::Ambiguous(found)),
        }
    }

    /// Returns the first of the paths that some job used.
    pub fn used_path(&self, paths: &[PathBytes]) -> Result<Option<PathBytes>> {
        let failed = |source| self.failed(source);
        for path in paths {
            let is_used: bool = self
                .conn
                .query_row(sql::PATH_IS_USED, [path.as_bytes()], |row| row.get(0))
                .map_err(failed)?;
            if is_used {
                return Ok(Some(path.clone()));
            }
        }
        Ok(None)
    }

    /// Returns paths of the open session whose last part is the one wanted, or nearly.
    fn near_paths(&self, wanted: &[PathBytes]) -> Result<Vec<Target>> {
        let failed = |source| self.failed(source);
        let (Some(wanted), Some(session)) = (wanted.first(), self.session()?) else {
            return Ok(Vec::new());
        };
        let wanted = last_part(wanted);
        let mut list = self.conn.prepare(sql::PATH_LIST_OF_SESSION).map_err(failed)?;
        let values = rusqlite::params![session.key.0, row_limit(COMPARED_PATHS_MAX)];
        let paths = list.query_map(values, |row| Ok(row.get::<_, Bytes>(0)?.0)).map_err(failed)?;
        let mut near = Vec::new();
        for path in paths {
            let path = path.map_err(failed)?;
            if let Some(edits) = edits(wanted, last_part(&path)) {
                near.push((edits, path));
            }
        }
        near.sort();
        near.truncate(NEAREST_MAX);
        Ok(near.into_iter().map(|(_, path)| Target::Path(path)).collect())
    }
}

fn last_part(path: &PathBytes) -> &[u8] {
    let bytes = path.as_bytes();
    bytes.rsplit(|byte| *byte == b'/').next().unwrap_or(bytes)
}

/// Returns how many bytes must be put in, taken out or changed to make one name of the other, if it is at most
/// [`EDITS_MAX`] and less than half of the name.
fn edits(wanted: &[u8], name: &[u8]) -> Option<usize> {
    let allowed = EDITS_MAX.min(wanted.len().saturating_sub(1) / 2);
    if wanted.len().abs_diff(name.len()) > allowed {
        return None;
    }
    // Levenshtein's distance, one row of its table at a time.
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for (at, byte) in wanted.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, other) in name.iter().enumerate() {
            let changed = diagonal + usize::from(byte != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().filter(|edits| *edits <= allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_near_within_two_edits_and_less_than_half_of_it() {
        let near = |wanted: &str, name: &str| edits(wanted.as_bytes(), name.as_bytes());
        assert_eq!(near("model.bin", "model.bin"), Some(0));
        assert_eq!(near("modle.bin", "model.bin"), Some(2));
        assert_eq!(near("model.bi", "model.bin"), Some(1));
        assert_eq!(near("model.bin", "other.csv"), None);
        assert_eq!(near("ab", "ac"), None);
        assert_eq!(near("", ""), Some(0));
    }
}
