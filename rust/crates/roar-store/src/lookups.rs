//! What a job looked up that is no file of it.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tracer_schema::{Found, Listing, Lookup, LookupKind, Lookups, from_hex, to_hex};

use crate::error::Result;
use crate::job_insert::PathStatements;
use crate::model::JobKey;
use crate::row::{Bytes, List, Unsigned, list_blob};
use crate::sql;
use crate::store::Store;

/// The bits of `job_lookups.kinds`.
const KINDS: &[(LookupKind, i64)] = &[(LookupKind::Absent, 1), (LookupKind::Listing, 2)];

/// Adds what a job looked up, if anything is known of that.
pub(crate) fn add_lookups(conn: &Connection, key: JobKey, lookups: &Lookups) -> rusqlite::Result<()> {
    let Lookups { kinds, found, left_out } = lookups;
    if lookups.is_empty() {
        return Ok(());
    }
    let bits: i64 = KINDS.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, bit)| bit).sum();
    conn.execute(sql::LOOKUPS_ADD, params![key.0, bits, Unsigned(*left_out)])?;
    let mut paths = PathStatements::new(conn)?;
    let mut find_listing = conn.prepare(sql::LISTING_FIND)?;
    let mut add_listing = conn.prepare(sql::LISTING_ADD)?;
    let mut add = conn.prepare(sql::LOOKUP_ADD)?;
    for (seq, Lookup { path, found, program }) in (0_i64..).zip(found) {
        let (mut listing, mut link) = (None, None);
        match found {
            Found::Absent => {}
            Found::Link { target } => link = Some(target.as_bytes()),
            Found::Listing(Listing { count, names, blake3 }) => {
                let hash = from_hex(blake3);
                let id: i64 = match find_listing.query_row([&hash], |row| row.get(0)).optional()? {
                    Some(id) => id,
                    None => {
                        let names = names.as_deref().map(list_blob);
                        add_listing.insert(params![hash, Unsigned(*count), names])?
                    }
                };
                listing = Some(id);
            }
        }
        add.execute(params![key.0, seq, paths.intern(path)?, paths.intern(program)?, listing, link])?;
    }
    Ok(())
}

impl Store {
    /// Returns what a job looked up, by path and kind; nothing and no kinds where nothing is known of that.
    pub fn lookups(&self, key: JobKey) -> Result<Lookups> {
        Ok(self.lookups_of_jobs([key])?.pop().unwrap_or_default())
    }

    /// Returns what each of those jobs looked up.
    pub fn lookups_of_jobs(&self, keys: impl IntoIterator<Item = JobKey>) -> Result<Vec<Lookups>> {
        let read = || {
            let mut head = self.conn.prepare(sql::LOOKUPS_GET)?;
            let mut list = self.conn.prepare(sql::LOOKUP_LIST)?;
            keys.into_iter()
                .map(|key| {
                    let read_head = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Unsigned>(1)?.0));
                    let Some((bits, left_out)) = head.query_row([key.0], read_head).optional()? else {
                        return Ok(Lookups::default());
                    };
                    let kinds =
                        KINDS.iter().filter(|(_, bit)| bits & bit != 0).map(|(kind, _)| *kind).collect();
                    let found = list.query_map([key.0], read_lookup)?.collect::<rusqlite::Result<_>>()?;
                    Ok(Lookups { kinds, found, left_out })
                })
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|source| self.failed(source))
    }
}

fn read_lookup(row: &Row<'_>) -> rusqlite::Result<Lookup> {
    let found = match (row.get::<_, Option<Unsigned>>(2)?, row.get::<_, Option<Bytes>>(5)?) {
        (None, None) => Found::Absent,
        (None, Some(Bytes(target))) => Found::Link { target },
        (Some(Unsigned(count)), _) => Found::Listing(Listing {
            count,
            names: row.get::<_, Option<List>>(3)?.map(|List(names)| names),
            blake3: to_hex(&row.get::<_, Vec<u8>>(4)?),
        }),
    };
    Ok(Lookup { path: row.get::<_, Bytes>(0)?.0, found, program: row.get::<_, Bytes>(1)?.0 })
}
