//! Reading what all jobs of a session did to files, by numbers: each path and each hash is read once, however many jobs name it.

use std::collections::HashMap;
use std::ops::Range;
use std::thread;

use rusqlite::{Row, Rows, params};
use tracer_schema::{BLAKE3, BLAKE3_OF_NOTHING, NodeKind, Prior, Role, from_hex};

use crate::error::Result;
use crate::model::Job;
use crate::row::Coded;
use crate::sql;
use crate::store::Store;

/// Rows that are stepped over rather than sought from the top of the tree: a step costs a tenth of a search.
const STEPS_MAX: i64 = 8;

/// What a job did to a file that lists show. Paths and artifacts are numbers within a [`SessionUses`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionUse {
    /// The path.
    pub path: u32,
    /// What it was to the job.
    pub role: Role,
    /// What became of the version from before.
    pub prior: Option<Prior>,
    /// The content.
    pub artifact: Option<u32>,
    /// The content from before.
    pub prior_artifact: Option<u32>,
    /// When the file from before had last been changed, nanoseconds since 1970.
    pub since_unix_ns: Option<i64>,
}

/// What jobs did to files.
#[derive(Debug, Default)]
pub struct SessionUses {
    uses: Vec<SessionUse>,
    /// Those of each job, by its place in the list of jobs.
    of_job: Vec<Range<usize>>,
    /// Paths of the symbolic links by which a job came to inputs, by its place.
    links: HashMap<usize, Vec<u32>>,
    paths: Numbering,
    artifacts: Numbering,
    /// The content that has no bytes.
    nothing: Option<u32>,
}

impl SessionUses {
    /// Returns those of the job at that place of the list, in the order in which they were recorded.
    pub fn of_job(&self, place: usize) -> &[SessionUse] {
        self.of_job.get(place).map_or(&[], |range| &self.uses[range.clone()])
    }

    /// Returns the paths of the symbolic links by which the job at that place came to inputs.
    pub fn links_of_job(&self, place: usize) -> &[u32] {
        self.links.get(&place).map_or(&[], Vec::as_slice)
    }

    /// Returns how many paths there are.
    pub fn paths_len(&self) -> usize {
        self.paths.rows.len()
    }

    /// Returns how many artifacts there are.
    pub fn artifacts_len(&self) -> usize {
        self.artifacts.rows.len()
    }

    /// Returns the artifact that is the file without bytes.
    pub fn nothing(&self) -> Option<u32> {
        self.nothing
    }
}

impl Store {
    /// Returns what jobs did to files. The jobs are of one session. A second connection to the same state reads half of it.
    pub fn session_uses(&self, jobs: &[Job], second: Option<&mut Self>) -> Result<SessionUses> {
        let mut places: Vec<(i64, usize)> = jobs.iter().map(|job| job.key.0).zip(0..).collect();
        places.sort_unstable();
        let mut found = match second {
            Some(second) => {
                let (older, newer) = places.split_at(places.len() / 2);
                let (found, more) = thread::scope(|scope| {
                    let more = scope.spawn(move || second.uses_of(newer, jobs.len()));
                    (self.uses_of(older, jobs.len()), more.join().expect("reading does not panic"))
                });
                let mut found = found?;
                found.append(more?);
                found
            }
            None => self.uses_of(&places, jobs.len())?,
        };
        found.nothing = self.nothing()?.and_then(|row| found.artifacts.get(row));
        Ok(found)
    }

    /// Returns what the jobs at those places of a list, which are in the order of their rows, did to files.
    fn uses_of(&self, places: &[(i64, usize)], jobs_len: usize) -> Result<SessionUses> {
        let mut found = SessionUses { of_job: vec![0..0; jobs_len], ..SessionUses::default() };
        let (Some((first, _)), Some((last, _))) = (places.first(), places.last()) else {
            return Ok(found);
        };
        let failed = |source| self.failed(source);
        let mut list = self.conn.prepare(sql::USE_LIST).map_err(failed)?;
        let mut rows = list.query([first, last]).map_err(failed)?;
        found.read(&mut rows, places).map_err(failed)?;
        let mut list = self.conn.prepare(sql::LINK_LIST).map_err(failed)?;
        let mut rows = list.query([first, last]).map_err(failed)?;
        found.read_links(&mut rows, places).map_err(failed)?;
        Ok(found)
    }

    /// Returns the row of the file without bytes.
    pub(crate) fn nothing(&self) -> Result<Option<i64>> {
        let hash = from_hex(BLAKE3_OF_NOTHING).expect("it is hex");
        let values = params![hash, BLAKE3, Coded(NodeKind::File)];
        match self.conn.query_row(sql::ARTIFACT_FIND, values, |row| row.get(0)) {
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            found => found.map(Some).map_err(|source| self.failed(source)),
        }
    }

    /// Tells each path by its number.
    pub fn each_path(&self, uses: &SessionUses, mut tell: impl FnMut(u32, &[u8])) -> Result<()> {
        self.each_row(sql::PATH_LIST_FROM, &uses.paths, |number, row| {
            tell(number, row.get_ref(1)?.as_blob()?);
            Ok(())
        })
    }

    /// Tells each artifact by its number: the hash that names it, and its kind.
    pub fn each_artifact(
        &self,
        uses: &SessionUses,
        mut tell: impl FnMut(u32, &[u8], NodeKind),
    ) -> Result<()> {
        self.each_row(sql::ARTIFACT_LIST_FROM, &uses.artifacts, |number, row| {
            tell(number, row.get_ref(1)?.as_blob()?, row.get::<_, Coded<_>>(2)?.0);
            Ok(())
        })
    }

    /// Reads the rows that have numbers, by a statement that gives all rows from one on, in their order.
    fn each_row(
        &self,
        statement: &str,
        numbering: &Numbering,
        mut read: impl FnMut(u32, &Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let mut wanted: Vec<(i64, u32)> = numbering.rows.iter().copied().zip(0..).collect();
        wanted.sort_unstable();
        let mut list = self.conn.prepare(statement).map_err(|source| self.failed(source))?;
        let mut wanted = wanted.as_slice();
        while let [(first, _), ..] = wanted {
            let rows = list.query([first]);
            let run = rows.and_then(|mut rows| read_run(&mut rows, wanted, &mut read));
            let read = run.map_err(|source| self.failed(source))?;
            if read == 0 {
                return Err(self.bad_row(format!("a file names row {first}, which is not there")));
            }
            wanted = &wanted[read..];
        }
        Ok(())
    }
}

/// Reads rows as long as the next one that is wanted is near, and returns how many of those were read.
fn read_run(
    rows: &mut Rows<'_>,
    wanted: &[(i64, u32)],
    read: &mut impl FnMut(u32, &Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<usize> {
    let mut done = 0;
    while let Some((next, number)) = wanted.get(done) {
        let Some(row) = rows.next()? else { break };
        let id: i64 = row.get(0)?;
        match id.cmp(next) {
            std::cmp::Ordering::Less if next.saturating_sub(id) <= STEPS_MAX => {}
            std::cmp::Ordering::Equal => {
                read(*number, row)?;
                done += 1;
            }
            std::cmp::Ordering::Less | std::cmp::Ordering::Greater => break,
        }
    }
    Ok(done)
}

impl SessionUses {
    /// Adds what other jobs of the same list did.
    fn append(&mut self, other: Self) {
        let Self { uses, of_job, links, paths, artifacts, nothing: _ } = other;
        let paths = self.paths.numbers(&paths);
        let artifacts = self.artifacts.numbers(&artifacts);
        let artifact = |number: Option<u32>| number.map(|number| artifacts[number as usize]);
        let start = self.uses.len();
        self.uses.extend(uses.into_iter().map(|file| SessionUse {
            path: paths[file.path as usize],
            artifact: artifact(file.artifact),
            prior_artifact: artifact(file.prior_artifact),
            ..file
        }));
        self.links.extend(
            links
                .into_iter()
                .map(|(place, links)| (place, links.into_iter().map(|path| paths[path as usize]).collect())),
        );
        let theirs = self.of_job.iter_mut().zip(of_job).filter(|(_, range)| !range.is_empty());
        for (range, added) in theirs {
            *range = start + added.start..start + added.end;
        }
    }

    /// Reads rows of links.
    fn read_links(&mut self, rows: &mut Rows<'_>, places: &[(i64, usize)]) -> rusqlite::Result<()> {
        while let Some(row) = rows.next()? {
            let job: i64 = row.get(0)?;
            if let Ok(at) = places.binary_search_by_key(&job, |(key, _)| *key) {
                let path = self.paths.number(row.get(1)?);
                self.links.entry(places[at].1).or_default().push(path);
            }
        }
        Ok(())
    }

    /// Reads rows, which come job by job; those of jobs that are not among the places are left out.
    fn read(&mut self, rows: &mut Rows<'_>, places: &[(i64, usize)]) -> rusqlite::Result<()> {
        let mut places = places.iter().peekable();
        while let Some(row) = rows.next()? {
            let job: i64 = row.get(0)?;
            while places.peek().is_some_and(|(key, _)| *key < job) {
                places.next();
            }
            let Some((_, place)) = places.peek().filter(|(key, _)| *key == job) else { continue };
            let number = |numbering: &mut Numbering, row: Option<i64>| row.map(|row| numbering.number(row));
            let file = SessionUse {
                path: self.paths.number(row.get(1)?),
                role: row.get::<_, Coded<_>>(2)?.0,
                prior: row.get::<_, Option<Coded<_>>>(3)?.map(|Coded(prior)| prior),
                artifact: number(&mut self.artifacts, row.get(4)?),
                prior_artifact: number(&mut self.artifacts, row.get(5)?),
                since_unix_ns: row.get(6)?,
            };
            let range = &mut self.of_job[*place];
            if range.end == 0 {
                range.start = self.uses.len();
            }
            self.uses.push(file);
            range.end = self.uses.len();
        }
        Ok(())
    }
}

/// Rows of a page of [`Numbering`].
const PAGE_ROWS: usize = 1 << 12;

/// Stands for no number.
const NONE: u32 = u32::MAX;

/// Numbers rows of a table as they come up. Their keys are mostly near to each other: pages of them are found by hash, the rest by place.
#[derive(Debug, Default)]
struct Numbering {
    /// The rows by number.
    rows: Vec<i64>,
    page_of: HashMap<i64, usize>,
    pages: Vec<Box<[u32; PAGE_ROWS]>>,
    /// The page that was asked for last.
    last: Option<(i64, usize)>,
}

impl Numbering {
    fn number(&mut self, row: i64) -> u32 {
        let (key, place) = split(row);
        let page = match self.last {
            Some((last, page)) if last == key => page,
            Some(_) | None => *self.page_of.entry(key).or_insert_with(|| {
                self.pages.push(Box::new([NONE; PAGE_ROWS]));
                self.pages.len() - 1
            }),
        };
        self.last = Some((key, page));
        let number = &mut self.pages[page][place];
        if *number == NONE {
            *number = u32::try_from(self.rows.len()).expect("the rows of a table fit into memory");
            self.rows.push(row);
        }
        *number
    }

    /// Returns the numbers here of all rows of another numbering, by their numbers there.
    fn numbers(&mut self, other: &Self) -> Vec<u32> {
        other.rows.iter().map(|row| self.number(*row)).collect()
    }

    fn get(&self, row: i64) -> Option<u32> {
        let (key, place) = split(row);
        let number = self.pages[*self.page_of.get(&key)?][place];
        (number != NONE).then_some(number)
    }
}

/// Returns which page a row is on, and where there.
fn split(row: i64) -> (i64, usize) {
    let rows = PAGE_ROWS as i64;
    (row.div_euclid(rows), row.rem_euclid(rows) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_as_they_come_up_however_far_apart() {
        let mut numbering = Numbering::default();
        let rows = [7, 1, i64::MAX, 7, i64::MIN, 5000, 1, -1];
        let numbers = rows.map(|row| numbering.number(row));
        assert_eq!(numbers, [0, 1, 2, 0, 3, 4, 1, 5]);
        assert_eq!(numbering.rows, [7, 1, i64::MAX, i64::MIN, 5000, -1]);
        assert_eq!(
            (numbering.get(i64::MIN), numbering.get(8), numbering.get(1 << 40)),
            (Some(3), None, None)
        );
    }
}
