//! Environment variables as a layer. The variables are passed in.

use std::ffi::{OsStr, OsString};

use crate::key::{KEYS, Key};
use crate::nearest;

/// Begins the name of every variable of ours.
const PREFIX: &str = "ROAR_";

/// Most letters by which a variable may differ from a key's to be taken for a slip of the pen.
const SLIP_MAX: usize = 2;

/// A variable that is none of ours but nearly is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Its name.
    pub variable: String,
    /// What may have been meant.
    pub nearest: String,
}

impl Key {
    /// Returns the name of the variable that sets the key: `ROAR_TRACER_MODE` for `tracer.mode`.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_ascii_uppercase().replace('.', "_"))
    }
}

/// What the environment says.
#[derive(Default)]
pub(crate) struct Variables {
    /// Index in [`KEYS`], name and value.
    pub(crate) values: Vec<(usize, String, OsString)>,
    pub(crate) suspects: Vec<Suspect>,
}

/// Picks our variables. An empty one counts as not set, and one that is no key's is left to whoever it belongs to.
pub(crate) fn read(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Variables {
    let mut variables = Variables::default();
    let ours = environment.into_iter().filter(|(name, value)| is_ours(name) && !value.is_empty());
    for (name, value) in ours {
        // A name that is not text is no key's.
        let Ok(name) = name.into_string() else { continue };
        match KEYS.iter().position(|key| key.variable() == name) {
            Some(position) => variables.values.push((position, name, value)),
            None => variables.suspects.extend(suspect(name)),
        }
    }
    variables
}

fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

fn suspect(variable: String) -> Option<Suspect> {
    let names = KEYS.iter().map(Key::variable);
    let (distance, nearest) = names.map(|name| (nearest::distance(&variable, &name), name)).min()?;
    (distance <= SLIP_MAX).then_some(Suspect { variable, nearest })
}
