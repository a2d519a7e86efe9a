//! Layers of configuration, each value with its origin: the built-in defaults, the user's file, the repository's file,
//! environment variables, flags. Later wins.
//!
//! One table, [`KEYS`], has every key; reading, writing, variable names and documentation follow from it. The crate
//! never reads the environment itself, never prints, and writes only in [`set`] and [`unset`].
//!
//! Begin reading at [`KEYS`], then [`Config::load`].

#![forbid(unsafe_code)]

mod edit;
mod env;
mod error;
mod file;
mod key;
mod layers;
mod nearest;
mod value;

pub use edit::{Edit, set, unset};
pub use env::Suspect;
pub use error::{ConfigError, Place};
pub use key::{KEYS, Key, Settings, TracerMode, template};
pub use layers::{Config, Entry, Origin, Override, Sources};
pub use value::{Kind, Value};
