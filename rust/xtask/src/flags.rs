//! The arguments of one task, taken out one by one.

use std::str::FromStr;

use anyhow::{Context, Result, bail};

/// What is left of a task's arguments.
pub(crate) struct Flags {
    words: Vec<String>,
}

impl Flags {
    pub(crate) fn new(words: impl Iterator<Item = String>) -> Self {
        Self { words: words.collect() }
    }

    /// Takes `name` out and tells whether it was there.
    pub(crate) fn switch(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() < before
    }

    /// Takes `name VALUE` out.
    pub(crate) fn value<T>(&mut self, name: &str) -> Result<Option<T>>
    where
        T: FromStr,
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        let Some(at) = self.words.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if at + 1 == self.words.len() {
            bail!("`{name}` needs a value");
        }
        let value = self.words.remove(at + 1);
        self.words.remove(at);
        let value = value.parse().with_context(|| format!("`{name} {value}`"))?;
        Ok(Some(value))
    }

    /// Returns what is left, which must hold no option.
    pub(crate) fn words(self) -> Result<Vec<String>> {
        match self.words.iter().find(|word| word.starts_with('-')) {
            Some(option) => bail!("no option `{option}` here"),
            None => Ok(self.words),
        }
    }

    /// Returns what is left as it is, for another program.
    pub(crate) fn raw(self) -> Vec<String> {
        self.words
    }

    /// Fails unless everything was taken.
    pub(crate) fn finish(self) -> Result<()> {
        match self.words.first() {
            Some(word) => bail!("unexpected argument `{word}`"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Flags;

    fn flags(line: &str) -> Flags {
        Flags::new(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_taken_wherever_they_stand() {
        let mut flags = flags("read --json out.json --quick stat");
        assert_eq!(flags.value::<String>("--json").unwrap().as_deref(), Some("out.json"));
        assert!(flags.switch("--quick"));
        assert_eq!(flags.words().unwrap(), ["read", "stat"]);
    }

    #[test]
    fn an_option_without_its_value_is_an_error() {
        assert!(flags("--repeat").value::<u32>("--repeat").is_err());
        assert!(flags("--repeat many").value::<u32>("--repeat").is_err());
        assert!(flags("--unknown").words().is_err());
    }
}
