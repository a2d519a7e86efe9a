//! Packages, and which path belongs to which, remembered between runs.

use rusqlite::{Connection, OptionalExtension, Statement, params};
use tracer_schema::PathBytes;

use crate::error::{Error, Result};
use crate::model::{Package, PackageKind};
use crate::row::Coded;
use crate::sql;
use crate::store::Store;

impl Store {
    /// Returns for each path what is remembered of its package: nothing, that it belongs to none, or which.
    ///
    /// `stamp` names the state of the package manager's database; what was remembered under another is not given back.
    pub fn package_cache_lookup(
        &self,
        kind: PackageKind,
        stamp: &str,
        paths: &[PathBytes],
    ) -> Result<Vec<Option<Option<Package>>>> {
        let failed = |source| self.failed(source);
        let transaction = self.conn.unchecked_transaction().map_err(failed)?;
        let mut find = transaction.prepare(sql::PACKAGE_CACHE_FIND).map_err(failed)?;
        let mut found = Vec::with_capacity(paths.len());
        for path in paths {
            let row = find.query_row(params![Coded(kind), path.as_bytes(), stamp], |row| {
                let Some(name) = row.get(0)? else {
                    return Ok(None);
                };
                Ok(Some(Package { kind, name, version: row.get(1)?, arch: row.get(2)? }))
            });
            found.push(row.optional().map_err(failed)?);
        }
        Ok(found)
    }

    /// Remembers which package each path belongs to, or that it belongs to none.
    pub fn package_cache_put(
        &mut self,
        kind: PackageKind,
        stamp: &str,
        paths: &[(PathBytes, Option<Package>)],
    ) -> Result<()> {
        let path = self.path.clone();
        let failed = |source| Error::sqlite(&path, source);
        let transaction = self.write()?;
        put(&transaction, kind, stamp, paths).map_err(failed)?;
        transaction.commit().map_err(failed)
    }
}

fn put(
    conn: &Connection,
    kind: PackageKind,
    stamp: &str,
    paths: &[(PathBytes, Option<Package>)],
) -> rusqlite::Result<()> {
    let mut packages = PackageStatements::new(conn)?;
    let mut put = conn.prepare(sql::PACKAGE_CACHE_PUT)?;
    for (path, package) in paths {
        let package = package.as_ref().map(|package| packages.intern(package)).transpose()?;
        put.execute(params![Coded(kind), path.as_bytes(), stamp, package])?;
    }
    Ok(())
}

/// Gives packages their rows.
pub(crate) struct PackageStatements<'c> {
    find: Statement<'c>,
    add: Statement<'c>,
}

impl<'c> PackageStatements<'c> {
    pub(crate) fn new(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self { find: conn.prepare(sql::PACKAGE_FIND)?, add: conn.prepare(sql::PACKAGE_ADD)? })
    }

    pub(crate) fn intern(&mut self, package: &Package) -> rusqlite::Result<i64> {
        let Package { kind, name, version, arch } = package;
        let values = params![Coded(*kind), name, version, arch];
        match self.find.query_row(values, |row| row.get(0)).optional()? {
            Some(id) => Ok(id),
            None => self.add.insert(values),
        }
    }
}
