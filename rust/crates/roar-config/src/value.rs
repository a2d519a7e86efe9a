//! Values, and the kinds that say which values a key takes.

use std::fmt;

use serde::Serialize;
use toml::Spanned;
use toml::de::DeValue;

/// A value of the configuration. Displayed as in a TOML file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(u64),
    /// A word.
    Text(String),
    /// Words.
    List(Vec<String>),
}

/// Which values a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number, both bounds included.
    Integer {
        /// Least.
        min: u64,
        /// Greatest.
        max: u64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Some of these words, at least one.
    Choices(&'static [&'static str]),
    /// Names of environment variables.
    Variables,
    /// A place for what is seen on other machines: `auto`, `ray`, a directory or `s3://BUCKET/PREFIX`.
    Store,
    /// The address of a server, or nothing.
    Url,
}

/// Why a value was refused: what stands there, as the user wrote it.
pub(crate) struct Refused(pub(crate) String);

impl Kind {
    /// Returns the value that `text` stands for on a command line or in a variable: lists are separated by commas, or
    /// written as in TOML.
    pub(crate) fn parse(self, text: &str) -> Result<Value, Refused> {
        let text = text.trim();
        let value = match self {
            Self::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(Value::Bool(true)),
                "false" | "no" | "off" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            Self::Integer { .. } => text.parse().ok().map(Value::Integer),
            Self::Choice(_) | Self::Store | Self::Url => Some(Value::Text(text.to_owned())),
            Self::Choices(_) | Self::Variables => words(text).map(Value::List),
        };
        value.and_then(|value| self.check(value)).ok_or_else(|| Refused(format!("`{text}`")))
    }

    /// Returns the value that stands in a file.
    pub(crate) fn convert(self, found: &DeValue<'_>) -> Result<Value, Refused> {
        let value = match found {
            DeValue::Boolean(bool) => Some(Value::Bool(*bool)),
            DeValue::Integer(number) => {
                u64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Integer)
            }
            DeValue::String(text) => Some(Value::Text(text.to_string())),
            DeValue::Array(items) => list(items).map(Value::List),
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
        };
        value.and_then(|value| self.check(value)).ok_or_else(|| Refused(describe(found)))
    }

    /// Returns the value if it is of this kind, each word of a list once.
    fn check(self, value: Value) -> Option<Value> {
        let is_variable = |word: &String| !word.is_empty() && !word.contains(['=', '\0']);
        match (self, value) {
            (Self::Bool, value @ Value::Bool(_)) => Some(value),
            (Self::Integer { min, max }, Value::Integer(number)) => {
                (min..=max).contains(&number).then_some(Value::Integer(number))
            }
            (Self::Choice(choices), Value::Text(word)) => {
                choices.contains(&word.as_str()).then_some(Value::Text(word))
            }
            (Self::Choices(choices), Value::List(words)) => {
                let is_good = !words.is_empty() && words.iter().all(|word| choices.contains(&word.as_str()));
                is_good.then(|| Value::List(once_each(words)))
            }
            (Self::Variables, Value::List(words)) => {
                words.iter().all(is_variable).then(|| Value::List(once_each(words)))
            }
            (Self::Store, Value::Text(word)) => is_store(&word).then_some(Value::Text(word)),
            (Self::Url, Value::Text(word)) => {
                let is_good = word.is_empty() || word.starts_with("http://") || word.starts_with("https://");
                is_good.then_some(Value::Text(word))
            }
            (
                Self::Bool
                | Self::Integer { .. }
                | Self::Choice(_)
                | Self::Choices(_)
                | Self::Variables
                | Self::Store
                | Self::Url,
                Value::Bool(_) | Value::Integer(_) | Value::Text(_) | Value::List(_),
            ) => None,
        }
    }
}

/// Says what is expected.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("`true` or `false`"),
            Self::Integer { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Choice(choices) => write!(f, "one of `{}`", choices.join("`, `")),
            Self::Choices(choices) => write!(f, "a list of some of `{}`", choices.join("`, `")),
            Self::Variables => f.write_str("a list of names of environment variables"),
            Self::Store => {
                f.write_str("`auto`, `ray`, the path of a directory from `/` on, or `s3://BUCKET/PREFIX`")
            }
            Self::Url => f.write_str("an address that begins with `http://` or `https://`, or nothing"),
        }
    }
}

impl Value {
    /// Returns the value as [`set`](crate::set) and the variables take it: without quotes, lists separated by commas.
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(words) => words.join(","),
            Self::Bool(_) | Self::Integer(_) => self.to_string(),
        }
    }

    pub(crate) fn to_toml(&self) -> toml_edit::Value {
        match self {
            Self::Bool(bool) => (*bool).into(),
            Self::Integer(number) => i64::try_from(*number).unwrap_or(i64::MAX).into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(words) => words.iter().collect(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_toml())
    }
}

fn is_store(word: &str) -> bool {
    let bucket = word.strip_prefix("s3://").and_then(|rest| rest.split('/').next());
    ["auto", "ray"].contains(&word)
        || word.starts_with('/')
        || bucket.is_some_and(|bucket| !bucket.is_empty())
}

/// Splits a list, written as in TOML or with commas.
fn words(text: &str) -> Option<Vec<String>> {
    if text.starts_with('[') {
        let parsed = DeValue::parse(text).ok()?;
        return list(parsed.get_ref().as_array()?);
    }
    Some(text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

fn list(items: &[Spanned<DeValue<'_>>]) -> Option<Vec<String>> {
    items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
}

fn once_each(words: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        if !kept.contains(&word) {
            kept.push(word);
        }
    }
    kept
}

fn describe(found: &DeValue<'_>) -> String {
    match found {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Boolean(bool) => bool.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| describe(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => format!("a {}", found.type_str()),
    }
}
