//! The objects of object stores that a job used: beside the rows of files that stand for them, what only such a store knows.

use rusqlite::{Connection, params};
use tracer_schema::{FileRecord, Hashes, NodeKind, ObjectRecord, PathBytes, Role, to_hex};

use crate::error::Result;
use crate::job_rows::{list, row_limit};
use crate::model::JobKey;
use crate::row::{Bytes, Coded, Pids, Unsigned};
use crate::sql;
use crate::store::Store;

/// Stands in place of a hash's algorithm where an object store has named the content.
const ETAG: &str = "etag";

/// Returns the file that stands for an object among those of its job.
pub fn file_of_object(object: &ObjectRecord) -> FileRecord {
    let hash = object.content().map(|content| [(ETAG, content)].into_iter().collect::<Hashes>());
    let is_written = matches!(object.role, Role::Output | Role::Temporary);
    FileRecord {
        path: object.path(),
        role: object.role,
        read: object.role == Role::Input,
        written: is_written,
        executed: false,
        created: false,
        deleted: matches!(object.role, Role::Deleted | Role::Temporary),
        prior: None,
        kind: NodeKind::Object,
        renamed_from: None,
        bytes_read: None,
        bytes_written: None,
        pids: object.pids.clone(),
        size: object.size,
        hash,
        prior_hash: None,
        filtered: false,
        note: None,
        first: None,
        since_unix_ns: None,
    }
}

/// Returns what a content is called: its hash in lowercase hex, or what an object store calls it, which is never hex.
pub fn content_name(kind: NodeKind, name: &[u8]) -> String {
    match kind {
        NodeKind::File | NodeKind::Symlink => to_hex(name),
        NodeKind::Object => String::from_utf8_lossy(name).into_owned(),
    }
}

/// Adds what is known of objects whose rows among the files are there.
pub(crate) fn add_objects(conn: &Connection, key: JobKey, objects: &[ObjectRecord]) -> rusqlite::Result<()> {
    if objects.is_empty() {
        return Ok(());
    }
    let mut add = conn.prepare(sql::OBJECT_ADD)?;
    for ObjectRecord { file, url, endpoint, role: _, version, etag, size: _, pids: _, tasks: _ } in objects {
        add.execute(params![key.0, Unsigned(*file), url, endpoint, version, etag])?;
    }
    Ok(())
}

impl Store {
    /// Returns the objects of a job, in the order in which they were recorded.
    pub fn objects(&self, key: JobKey) -> Result<Vec<ObjectRecord>> {
        let failed = |source| self.failed(source);
        let mut objects = list(&self.conn, sql::OBJECT_LIST, key, |row| {
            Ok(ObjectRecord {
                file: row.get::<_, Unsigned>(0)?.0,
                url: row.get(1)?,
                endpoint: row.get(2)?,
                role: row.get::<_, Coded<_>>(3)?.0,
                version: row.get(4)?,
                etag: row.get(5)?,
                size: row.get::<_, Option<Unsigned>>(6)?.map(|Unsigned(size)| size),
                pids: row.get::<_, Pids>(7)?.0,
                tasks: Vec::new(),
            })
        })
        .map_err(failed)?;
        if objects.is_empty() {
            return Ok(objects);
        }
        let tasks = list(&self.conn, sql::OBJECT_TASK_LIST, key, |row| {
            Ok((row.get::<_, Unsigned>(0)?.0, row.get::<_, String>(2)?))
        })
        .map_err(failed)?;
        for (file, task) in tasks {
            if let Ok(at) = objects.binary_search_by_key(&file, |object| object.file) {
                objects[at].tasks.push(task);
            }
        }
        Ok(objects)
    }

    /// Returns the names of objects with that URL, on whichever server.
    pub(crate) fn object_paths(&self, url: &str, limit: usize) -> Result<Vec<PathBytes>> {
        let failed = |source| self.failed(source);
        let mut find = self.conn.prepare(sql::OBJECT_PATH_LIST).map_err(failed)?;
        let rows = find.query_map(params![url, row_limit(limit)], |row| Ok(row.get::<_, Bytes>(0)?.0));
        rows.map_err(failed)?.collect::<rusqlite::Result<_>>().map_err(failed)
    }
}
