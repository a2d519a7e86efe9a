//! How values stand in rows.

use std::fmt;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use tracer_schema::{Act, EventKind, Exit, NodeKind, PathBytes, Pid, Prior, Role};

use crate::model::{JobKind, JobState, PackageKind, StreamKind};

/// A number without sign, kept bit for bit in a signed one.
#[derive(Clone, Copy)]
pub(crate) struct Unsigned(pub(crate) u64);

impl ToSql for Unsigned {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.cast_signed().into())
    }
}

impl FromSql for Unsigned {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(|number| Self(number.cast_unsigned()))
    }
}

/// A byte string.
pub(crate) struct Bytes(pub(crate) PathBytes);

impl FromSql for Bytes {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_blob().map(|bytes| Self(PathBytes::from(bytes)))
    }
}

/// A list of byte strings: a NUL after each, since none can hold one.
pub(crate) struct List(pub(crate) Vec<PathBytes>);

/// Returns the blob of a list.
pub(crate) fn list_blob(list: &[PathBytes]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(list.iter().map(|bytes| bytes.0.len() + 1).sum());
    for bytes in list {
        blob.extend_from_slice(&bytes.0);
        blob.push(0);
    }
    blob
}

impl FromSql for List {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let blob = value.as_blob()?;
        let mut list = Vec::with_capacity(blob.iter().filter(|byte| **byte == 0).count());
        list.extend(list_items(blob).map(PathBytes::from));
        Ok(Self(list))
    }
}

/// Returns the items of the blob of a list.
pub(crate) fn list_items(blob: &[u8]) -> impl Iterator<Item = &[u8]> {
    blob.split_inclusive(|byte| *byte == 0).map(|item| item.strip_suffix(&[0]).unwrap_or(item))
}

/// A list of processes: four bytes each.
pub(crate) struct Pids(pub(crate) Vec<Pid>);

/// Returns the blob of a list of processes.
pub(crate) fn pids_blob(pids: &[Pid]) -> Vec<u8> {
    pids.iter().flat_map(|pid| pid.to_le_bytes()).collect()
}

impl FromSql for Pids {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let (pids, _) = value.as_blob()?.as_chunks::<4>();
        Ok(Self(pids.iter().map(|bytes| Pid::from_le_bytes(*bytes)).collect()))
    }
}

/// An enumeration that is a number or a name in rows.
pub(crate) struct Coded<T>(pub(crate) T);

/// The values of an enumeration, each at its number.
trait Numbered: Sized + Copy + PartialEq + 'static {
    const VALUES: &[Self];
}

impl Numbered for Role {
    const VALUES: &[Self] = &[Self::Input, Self::Output, Self::Temporary, Self::Deleted];
}

impl Numbered for NodeKind {
    const VALUES: &[Self] = &[Self::File, Self::Symlink, Self::Object];
}

impl Numbered for Prior {
    const VALUES: &[Self] = &[Self::Kept, Self::Replaced];
}

/// The values of an enumeration, with their names.
trait Named: Sized + Copy + 'static {
    const VALUES: &[Self];
    fn name(self) -> &'static str;
}

impl Named for JobKind {
    const VALUES: &[Self] = &[Self::Run, Self::Build];
    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for JobState {
    const VALUES: &[Self] = &[Self::Recorded, Self::Interrupted];
    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for PackageKind {
    const VALUES: &[Self] = Self::ALL;
    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for StreamKind {
    const VALUES: &[Self] = Self::ALL;
    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for tracer_schema::GapKind {
    const VALUES: &[Self] = Self::ALL;
    fn name(self) -> &'static str {
        self.name()
    }
}

macro_rules! numbered {
    ($($name:ty),+) => {$(
        impl ToSql for Coded<$name> {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let number = <$name as Numbered>::VALUES.iter().position(|value| *value == self.0);
                Ok((number.expect("every value is in the list") as i64).into())
            }
        }

        impl FromSql for Coded<$name> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let number = value.as_i64()?;
                let value = usize::try_from(number).ok().and_then(|at| <$name as Numbered>::VALUES.get(at));
                value.map(|value| Self(*value)).ok_or(FromSqlError::OutOfRange(number))
            }
        }
    )+};
}

macro_rules! named {
    ($($name:ty),+) => {$(
        impl ToSql for Coded<$name> {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(Named::name(self.0).into())
            }
        }

        impl FromSql for Coded<$name> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let text = value.as_str()?;
                let value = <$name as Named>::VALUES.iter().find(|value| Named::name(**value) == text);
                value.map(|value| Self(*value)).ok_or_else(|| UnknownName(text.to_owned()).into())
            }
        }
    )+};
}

numbered!(Role, NodeKind, Prior);
named!(JobKind, JobState, PackageKind, StreamKind, tracer_schema::GapKind);

/// A name that this version does not know.
#[derive(Debug)]
struct UnknownName(String);

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not known", self.0)
    }
}

impl std::error::Error for UnknownName {}

impl From<UnknownName> for FromSqlError {
    fn from(error: UnknownName) -> Self {
        Self::Other(Box::new(error))
    }
}

/// An act, as the three columns `act`, `act_pid` and `act_ns`.
pub(crate) type ActColumns = (Option<u8>, Option<Pid>, Option<Unsigned>);

/// Returns the columns of an act.
pub(crate) fn act_columns(act: Option<Act>) -> ActColumns {
    match act {
        None => (None, None, None),
        Some(Act { kind, pid, time_ns }) => (Some(kind as u8), Some(pid), Some(Unsigned(time_ns))),
    }
}

/// Returns the act; `None` also for one of a kind that a later version knows.
pub(crate) fn act_from_columns((kind, pid, time_ns): ActColumns) -> Option<Act> {
    let (kind, pid, Unsigned(time_ns)) = (EventKind::from_number(kind?)?, pid?, time_ns?);
    Some(Act { kind, pid, time_ns })
}

/// How a process ended, as the three columns `exit_code`, `exit_signal` and `core_dumped`.
pub(crate) type ExitColumns = (Option<i32>, Option<i32>, Option<bool>);

/// Returns the columns for how a process ended.
pub(crate) fn exit_columns(exit: Option<Exit>) -> ExitColumns {
    match exit {
        None => (None, None, None),
        Some(Exit::Code { code }) => (Some(code), None, None),
        Some(Exit::Signal { signal, core }) => (None, Some(signal), Some(core)),
    }
}

/// Returns how a process ended.
pub(crate) fn exit_from_columns(columns: ExitColumns) -> Option<Exit> {
    match columns {
        (_, Some(signal), core) => Some(Exit::Signal { signal, core: core.unwrap_or(false) }),
        (Some(code), None, _) => Some(Exit::Code { code }),
        (None, None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_empty_items_apart_from_no_items() {
        for list in [vec![], vec![""], vec!["", ""], vec!["a", "", "b c"]] {
            let list: Vec<PathBytes> = list.into_iter().map(PathBytes::from).collect();
            let blob = list_blob(&list);
            assert_eq!(List::column_result(ValueRef::Blob(&blob)).unwrap().0, list);
        }
    }

    #[test]
    fn unknown_names_and_numbers_are_refused() {
        assert!(Coded::<JobKind>::column_result(ValueRef::Text(b"replay")).is_err());
        assert!(Coded::<Role>::column_result(ValueRef::Integer(4)).is_err());
        assert!(Coded::<Role>::column_result(ValueRef::Integer(-1)).is_err());
    }
}
