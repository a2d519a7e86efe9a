//! The environment of a run: all names, the values that the configuration asks for, never a secret.

use std::ffi::OsString;

use tracer_schema::PathBytes;

/// Parts of names that stand for secrets wherever they occur, without separators.
const SECRET_PARTS: &[&str] = &[
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "PRIVATE",
    "APIKEY",
    "ACCESSKEY",
    "COOKIE",
    "SESSION",
    "CONNECTIONSTRING",
    "CONNSTR",
    "BEARER",
    "SIGNATURE",
    "OAUTH",
    "KEYFILE",
    "ENCRYPTION",
    "WEBHOOK",
];

/// Words of names that stand for secrets as whole words only: `AUTH` is one, `AUTHOR` and `PWD` alone are not.
const SECRET_WORDS: &[&str] = &[
    "AUTH",
    "AUTHENTICATION",
    "AUTHORIZATION",
    "CERT",
    "CREDS",
    "CRED",
    "DSN",
    "KEY",
    "KEYS",
    "LICENSE",
    "PASS",
    "PAT",
    "PGPASSFILE",
    "PIN",
    "PSK",
    "SALT",
    "SAS",
    "SID",
];

/// Last words of names that stand for secrets where another word goes before: `DB_PWD`.
const SECRET_ENDINGS: &[&str] = &["PWD", "PW"];

/// Beginnings of values that only secrets have: tokens of well-known services, JSON web tokens, private keys.
const SECRET_BEGINNINGS: &[&str] = &[
    "-----BEGIN",
    "AIza",
    "AKIA",
    "ASIA",
    "Basic ",
    "Bearer ",
    "dckr_pat_",
    "dop_v1_",
    "eyJ",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "hf_",
    "npm_",
    "pypi-",
    "rk_live_",
    "sk-",
    "sk_live_",
    "sk_test_",
    "xoxa-",
    "xoxb-",
    "xoxp-",
    "xoxr-",
    "xoxs-",
    "ya29.",
];

/// What goes before a secret within a value, in lower case: parameters of URLs and connection strings.
const SECRET_PARAMETERS: &[&str] = &[
    "password=",
    "passwd=",
    "pwd=",
    "token=",
    "secret=",
    "accountkey=",
    "apikey=",
    "api_key=",
    "access_key=",
    "sharedaccesskey=",
    "signature=",
    "sig=",
    "authorization:",
    "password:",
    "private_key",
    "client_secret",
];

/// A variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable {
    /// Its name.
    pub name: PathBytes,
    /// What was kept of its value.
    pub value: Recorded,
}

/// What was kept of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recorded {
    /// Nothing: nobody asked for it.
    NameOnly,
    /// All of it.
    Value(PathBytes),
    /// Nothing, although it was asked for: it looks like a secret.
    Redacted,
}

/// Returns the variables, by name, with the values of those that `record_values` names.
pub fn record_variables(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    record_values: &[String],
) -> Vec<Variable> {
    let record = |(name, value): (OsString, OsString)| {
        let recorded = record_values.iter().any(|wanted| name == wanted.as_str());
        let value = if !recorded {
            Recorded::NameOnly
        } else if is_secret_name(&name.to_string_lossy()) || is_secret_value(&value.to_string_lossy()) {
            Recorded::Redacted
        } else {
            Recorded::Value(value.into())
        };
        Variable { name: name.into(), value }
    };
    let mut variables: Vec<Variable> = environment.into_iter().map(record).collect();
    variables.sort();
    variables
}

fn is_secret_name(name: &str) -> bool {
    let upper = name.to_uppercase();
    let is_letter = |letter: char| letter.is_alphanumeric();
    let bare: String = upper.chars().filter(|letter| is_letter(*letter)).collect();
    let words: Vec<&str> = upper.split(|letter| !is_letter(letter)).filter(|word| !word.is_empty()).collect();
    let ends_so = |word: &&str| words.len() > 1 && SECRET_ENDINGS.contains(word);
    SECRET_PARTS.iter().any(|part| bare.contains(part))
        || words.iter().any(|word| SECRET_WORDS.contains(word))
        || words.last().is_some_and(ends_so)
}

fn is_secret_value(value: &str) -> bool {
    let trimmed = value.trim_start();
    let lower = value.to_lowercase();
    SECRET_BEGINNINGS.iter().any(|beginning| trimmed.starts_with(beginning))
        || SECRET_PARAMETERS.iter().any(|parameter| lower.contains(parameter))
        || value.contains("PRIVATE KEY-----")
        || value.match_indices("://").any(|(at, separator)| has_password(&value[at + separator.len()..]))
}

/// Returns whether what follows `://` begins with `user:password@`, or with a user that is long enough to be a token.
fn has_password(rest: &str) -> bool {
    /// Shorter than any token of a service, longer than most names.
    const TOKEN_LETTERS_MIN: usize = 16;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':') || user.len() >= TOKEN_LETTERS_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_speak_of_secrets_are_known() {
        for name in [
            "GITHUB_TOKEN",
            "aws_secret_access_key",
            "DbPassword",
            "PGPASSWORD",
            "MYSQL_PWD",
            "SSH_AUTH_SOCK",
            "OPENAI_API_KEY",
            "apiKey",
            "AWS_ACCESS_KEY_ID",
            "GPG_PRIVATE",
            "COOKIE_JAR",
            "XDG_SESSION_ID",
            "SIGNING_KEY",
            "SENTRY_DSN",
            "AZURE_STORAGE_CONNECTION_STRING",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "DB_PASS",
            "NPM_AUTH",
            "KEY",
            "tls.key",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "PWD",
            "OLDPWD",
            "LANG",
            "KEYBOARD",
            "GIT_AUTHOR_NAME",
            "CUDA_VISIBLE_DEVICES",
            "PYTHONPATH",
            "COMPASS",
            "MONKEY",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn values_that_look_like_secrets_are_known() {
        for value in [
            "postgres://me:pw@host/db",
            "a https://x:y@z b",
            "https://0123456789abcdef0123@host/",
            "ghp_abc",
            " sk-abc",
            "eyJhbGciOi.x.y",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "host=x Password=y",
            "Endpoint=x;SharedAccessKey=z",
            "https://host/?sig=abc",
            "{\"client_secret\": 1}",
            "Bearer x",
        ] {
            assert!(is_secret_value(value), "{value}");
        }
        for value in [
            "",
            "0,1",
            "/usr/bin:/bin",
            "https://host/path",
            "https://me@host/",
            "http://host/a:b@c",
            "en_US.UTF-8",
            "skylark",
        ] {
            assert!(!is_secret_value(value), "{value}");
        }
    }

    #[test]
    fn only_values_that_were_asked_for_are_recorded_and_no_secret() {
        let environment = [("B", "2"), ("A", "1"), ("MY_TOKEN", "t"), ("URL", "https://a:b@c/"), ("C", "3")];
        let environment = environment.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let asked_for = ["A", "MY_TOKEN", "URL", "ABSENT"].map(str::to_owned);
        let variables = record_variables(environment, &asked_for);
        let expected = [
            ("A", Recorded::Value(PathBytes::from("1"))),
            ("B", Recorded::NameOnly),
            ("C", Recorded::NameOnly),
            ("MY_TOKEN", Recorded::Redacted),
            ("URL", Recorded::Redacted),
        ];
        let expected = expected.map(|(name, value)| Variable { name: PathBytes::from(name), value });
        assert_eq!(variables, expected);
    }
}
