//! As much of git's configuration files (git-config(1), "Syntax") as is needed to find a remote. Files that it includes
//! and `url.….insteadOf` are not followed.

/// One assignment: section and key in lower case, subsection as written.
#[derive(Debug, PartialEq, Eq)]
struct Assignment {
    section: String,
    subsection: String,
    key: String,
    value: String,
}

/// Returns the URL of the remote of `branch`, else of `origin`, else of the only one; without credentials.
pub(crate) fn remote_url(text: &str, branch: Option<&str>) -> Option<String> {
    let assignments = parse(text);
    let value = |section: &str, subsection: &str, key: &str| {
        let is_it = |found: &&Assignment| {
            (&*found.section, &*found.subsection, &*found.key) == (section, subsection, key)
        };
        // The last assignment wins, but the first of several URLs is the one fetched from.
        let mut found = assignments.iter().filter(is_it).map(|found| found.value.as_str());
        if key == "url" { found.next() } else { found.next_back() }
    };
    let remotes = || assignments.iter().filter(|found| found.section == "remote" && found.key == "url");
    let own = branch
        .and_then(|branch| value("branch", branch, "remote"))
        .and_then(|name| value("remote", name, "url"));
    let only = || remotes().next().filter(|_| remotes().count() == 1).map(|remote| remote.value.as_str());
    own.or_else(|| value("remote", "origin", "url")).or_else(only).map(without_credentials)
}

/// Returns the URL without password, without the user of an HTTP URL (often a token), and without its query.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let path =
        if scheme.starts_with("http") { path.split(['?', '#']).next().unwrap_or_default() } else { path };
    let Some((user, host)) = authority.rsplit_once('@') else {
        return format!("{scheme}://{authority}{path}");
    };
    match user.split(':').next() {
        Some(name) if scheme.ends_with("ssh") && !name.is_empty() => {
            format!("{scheme}://{name}@{host}{path}")
        }
        _ => format!("{scheme}://{host}{path}"),
    }
}

fn parse(text: &str) -> Vec<Assignment> {
    let mut assignments = Vec::new();
    let mut section = (String::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim().to_owned();
        if let Some((header, rest)) = split_header(&line) {
            section = header;
            line = rest;
        }
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((&line, "true"));
        let (section, subsection) = section.clone();
        let key = key.trim().to_ascii_lowercase();
        assignments.push(Assignment { section, subsection, key, value: unquote(value, &mut lines) });
    }
    assignments
}

/// Splits `[section "subsection"]` from what follows it on the line.
fn split_header(line: &str) -> Option<((String, String), String)> {
    let inner = line.strip_prefix('[')?;
    let name_bytes = inner.find(|letter: char| letter == ']' || letter == '"' || letter.is_whitespace())?;
    let (name, rest) = inner.split_at(name_bytes);
    let Some(quoted) = rest.trim_start().strip_prefix('"') else {
        // The old form is `[section.subsection]`.
        let (name, subsection) = name.split_once('.').unwrap_or((name, ""));
        let rest = rest.trim_start().strip_prefix(']')?.trim();
        return Some(((name.to_ascii_lowercase(), subsection.to_owned()), rest.to_owned()));
    };
    let mut subsection = String::new();
    let mut letters = quoted.chars();
    loop {
        match letters.next()? {
            '"' => break,
            '\\' => subsection.push(letters.next()?),
            letter => subsection.push(letter),
        }
    }
    let rest = letters.as_str().trim_start().strip_prefix(']')?.trim();
    Some(((name.to_ascii_lowercase(), subsection), rest.to_owned()))
}

/// Takes quotes, escapes and comments out of a value, which a backslash continues on the next line.
fn unquote<'t>(value: &str, lines: &mut impl Iterator<Item = &'t str>) -> String {
    let mut text = String::new();
    let mut is_quoted = false;
    // Length up to the last letter that is not white space, or that is quoted.
    let mut kept = 0;
    let mut rest = value.trim_start().to_owned();
    loop {
        let mut letters = rest.chars();
        let mut is_continued = false;
        while let Some(letter) = letters.next() {
            match letter {
                '"' => is_quoted = !is_quoted,
                '#' | ';' if !is_quoted => break,
                '\\' => match letters.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(other) => text.push(other),
                    None => is_continued = true,
                },
                letter => text.push(letter),
            }
            if is_quoted || !letter.is_whitespace() {
                kept = text.len();
            }
        }
        let next = if is_continued { lines.next() } else { None };
        match next {
            Some(line) => line.clone_into(&mut rest),
            None => break,
        }
    }
    text.truncate(kept);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remote_of_the_branch_comes_before_origin_and_the_only_one() {
        let text = "[remote \"origin\"]\n\turl = o\n[Remote \"my.fork\"]\n\tURL = f\n[branch \"a/b\"]\n\tremote = my.fork\n";
        assert_eq!(remote_url(text, Some("a/b")).as_deref(), Some("f"));
        assert_eq!(remote_url(text, Some("main")).as_deref(), Some("o"));
        assert_eq!(remote_url(text, None).as_deref(), Some("o"));
        assert_eq!(remote_url("[remote \"x\"] url = only", None).as_deref(), Some("only"));
        assert_eq!(remote_url("[remote \"x\"]\nurl=1\n[remote \"y\"]\nurl=2", None), None);
        assert_eq!(remote_url("", Some("main")), None);
    }

    #[test]
    fn quotes_escapes_comments_and_continued_lines_are_understood() {
        let url = |value: &str| {
            remote_url(&format!("# c\n[remote \"origin\"]\n ; c\n url = {value}\n x = y"), None).unwrap()
        };
        assert_eq!(url("a # comment"), "a");
        assert_eq!(url("\"a # b\" ; comment"), "a # b");
        assert_eq!(url("a\\\\b\\\"c"), "a\\b\"c");
        assert_eq!(url("a\\\n b"), "a b");
        assert_eq!(url("a b  "), "a b");
        assert_eq!(remote_url("[remote.origin]\nurl = old", None).as_deref(), Some("old"));
    }

    #[test]
    fn no_credentials_are_left_in_a_url() {
        for (url, expected) in [
            ("https://host/x.git", "https://host/x.git"),
            ("https://user:secret@host/x.git", "https://host/x.git"),
            ("https://token@host:8443/x.git?private_token=t#f", "https://host:8443/x.git"),
            ("https://a@b:c@host/x@y", "https://host/x@y"),
            ("https://user:secret@host", "https://host"),
            ("ssh://git:secret@host:22/x", "ssh://git@host:22/x"),
            ("git+ssh://git@host/x", "git+ssh://git@host/x"),
            ("git@host:x/y.git", "git@host:x/y.git"),
            ("/srv/git/x.git", "/srv/git/x.git"),
            ("../x", "../x"),
        ] {
            assert_eq!(without_credentials(url), expected);
        }
    }
}
