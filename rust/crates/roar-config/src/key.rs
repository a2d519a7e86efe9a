//! The table of keys, and the settings that the program works with.

use std::fmt::Write as _;

use crate::value::{Kind, Value};

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Section and name, as `tracer.mode`.
    pub name: &'static str,
    /// Which values it takes.
    pub kind: Kind,
    /// Value that holds where nothing else is said, as [`set`](crate::set) takes it.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

impl Key {
    /// Returns the value that holds where nothing else is said.
    pub fn default_value(&self) -> Value {
        // A test parses each.
        self.kind.parse(self.default).ok().expect("the default is a good value")
    }

    /// Returns the section and the name within it.
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').expect("every key has a section")
    }

    /// Returns the index in [`KEYS`] of the key of that name.
    pub(crate) fn position(name: &str) -> Option<usize> {
        KEYS.iter().position(|key| key.name == name)
    }
}

/// Hash functions that can be asked for.
const ALGORITHMS: &[&str] = &["blake3", "sha256", "md5"];

/// Most milliseconds that a timeout can be: an hour. More is a mistake of unit.
const TIMEOUT_MAX_MS: u64 = 3_600_000;

/// A time in milliseconds; 0: do not wait.
const TIMEOUT: Kind = Kind::Integer { min: 0, max: TIMEOUT_MAX_MS };

/// A time in milliseconds in which something has to be possible.
const PATIENCE: Kind = Kind::Integer { min: 1, max: TIMEOUT_MAX_MS };

macro_rules! keys {
    ($($field:ident: $type:ty = $name:literal, $kind:expr, $default:literal, $doc:literal;)+) => {
        /// Every key, in the order in which they are listed.
        pub const KEYS: &[Key] = &[$(Key { name: $name, kind: $kind, default: $default, doc: $doc },)+];

        /// The values in force, one field for each key of [`KEYS`].
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Settings {
            $(#[doc = concat!("`", $name, "`: ", $doc)] pub $field: $type,)+
        }

        impl Settings {
            /// Takes the values in the order of the keys.
            pub(crate) fn new<'v>(mut values: impl Iterator<Item = &'v Value>) -> Self {
                Self { $($field: <$type as Setting>::of(values.next().expect("one value for each key")),)+ }
            }
        }
    };
}

keys! {
    tracer_mode: TracerMode = "tracer.mode", Kind::Choice(TracerMode::NAMES), "auto",
        "Backend that observes the command. `auto` takes the first of ebpf, preload and ptrace that works here.";
    tracer_fallback_enabled: bool = "tracer.fallback_enabled", Kind::Bool, "true",
        "Whether a backend that cannot start is passed over. If not, the run is refused with status 125.";
    tracer_preflight_timeout_ms: u64 = "tracer.preflight_timeout_ms", PATIENCE, "2000",
        "A backend that has not answered after so many milliseconds is passed over.";
    run_linger_ms: u64 = "run.linger_ms", TIMEOUT, "1000",
        "Milliseconds that descendants may outlive the command and still be observed.";
    hash_algorithms: Vec<String> = "hash.algorithms", Kind::Choices(ALGORITHMS), "blake3",
        "Hash functions of the artifacts. BLAKE3 is always computed; some exchange formats need others as well.";
    filter_system: bool = "filter.system", Kind::Bool, "true",
        "Whether files of the operating system are left out of inputs and outputs.";
    filter_packages: bool = "filter.packages", Kind::Bool, "true",
        "Whether files of installed packages are left out of inputs and outputs.";
    filter_cache: bool = "filter.cache", Kind::Bool, "true",
        "Whether caches and bookkeeping files are left out of inputs and outputs.";
    filter_temp: bool = "filter.temp", Kind::Bool, "true",
        "Whether temporary files are left out of inputs and outputs.";
    git_record_patch: bool = "git.record_patch", Kind::Bool, "true",
        "Whether changes that are not committed are kept with a job, up to 4 MiB, so that it can be reproduced.";
    env_record_values: Vec<String> = "env.record_values", Kind::Variables, "",
        "Environment variables whose values are recorded. Of all others the name alone is; what looks like a secret never is.";
    ray_store: String = "ray.store", Kind::Store, "auto",
        "Where workers of a Ray cluster leave what is seen of them. `auto`: the run's directory, for submitted jobs `ray`, which is Ray's own store.";
    ray_s3_endpoint: String = "ray.s3_endpoint", Kind::Url, "",
        "Address of the server of `s3://` stores, where that is not Amazon's.";
}

/// Which backend observes the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracerMode {
    /// The first that works.
    Auto,
    /// eBPF.
    Ebpf,
    /// A preloaded library.
    Preload,
    /// ptrace.
    Ptrace,
}

impl TracerMode {
    /// The names, in the order of the variants.
    pub const NAMES: &[&str] = &["auto", "ebpf", "preload", "ptrace"];

    /// Returns the mode of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Auto, Self::Ebpf, Self::Preload, Self::Ptrace].into_iter().find(|mode| mode.name() == name)
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// What a [`Value`] of the right kind becomes.
trait Setting {
    fn of(value: &Value) -> Self;
}

/// Says that the table pairs a field with a kind of another type, which the tests would have found.
const MISMATCH: &str = "the field has the type of its kind";

impl Setting for bool {
    fn of(value: &Value) -> Self {
        if let Value::Bool(bool) = value { Some(*bool) } else { None }.expect(MISMATCH)
    }
}

impl Setting for u64 {
    fn of(value: &Value) -> Self {
        if let Value::Integer(number) = value { Some(*number) } else { None }.expect(MISMATCH)
    }
}

impl Setting for String {
    fn of(value: &Value) -> Self {
        if let Value::Text(text) = value { Some(text.clone()) } else { None }.expect(MISMATCH)
    }
}

impl Setting for Vec<String> {
    fn of(value: &Value) -> Self {
        if let Value::List(words) = value { Some(words.clone()) } else { None }.expect(MISMATCH)
    }
}

impl Setting for TracerMode {
    fn of(value: &Value) -> Self {
        if let Value::Text(name) = value { Self::from_name(name) } else { None }.expect(MISMATCH)
    }
}

/// Returns a configuration file that says nothing: every key with its default, as comments.
pub fn template() -> String {
    let mut text =
        String::from("# Configuration of roar. Each line shows a default; remove its `#` to change it.\n");
    let mut last_section = "";
    for key in KEYS {
        let (section, name) = key.parts();
        if section != last_section {
            write!(text, "\n[{section}]\n").expect("a string takes what is written to it");
            last_section = section;
        }
        writeln!(text, "# {}\n# Takes {}.\n# {name} = {}", key.doc, key.kind, key.default_value())
            .expect("a string takes what is written to it");
    }
    text
}
