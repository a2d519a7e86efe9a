//! Names that programs make at random, and lists of names.

/// Puts the pattern in the place of what is random in a path: the characters that `?` and `#` stand for. Of each part of the path the first
/// pattern counts that it is of the form of.
pub(super) fn without_random(path: &str, patterns: &[String]) -> String {
    let parts = path.split('/').map(|part| {
        patterns.iter().find_map(|pattern| masked(part, pattern)).unwrap_or_else(|| part.to_owned())
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Returns whether a path is of the form of a pattern; `*` stands for no slash.
pub(super) fn is_of_form(path: &str, pattern: &str) -> bool {
    path.split('/').count() == pattern.split('/').count()
        && path.split('/').zip(pattern.split('/')).all(|(part, pattern)| masked(part, pattern).is_some())
}

/// Returns the name with what is random in it replaced, if it is of the form of the pattern.
fn masked(name: &str, pattern: &str) -> Option<String> {
    let Some(kind) = pattern.chars().next() else {
        return name.is_empty().then(String::new);
    };
    let rest = &pattern[1..];
    match kind {
        '*' => name
            .char_indices()
            .map(|(at, _)| at)
            .chain([name.len()])
            .find_map(|at| masked(&name[at..], rest).map(|tail| format!("{}{tail}", &name[..at]))),
        '#' => {
            let digits = name.bytes().take_while(u8::is_ascii_digit).count();
            (1..=digits).rev().find_map(|len| masked(&name[len..], rest).map(|tail| format!("#{tail}")))
        }
        '?' => {
            let is_random = |char: &char| char.is_ascii_alphanumeric() || *char == '_';
            name.chars().next().filter(is_random)?;
            masked(&name[1..], rest).map(|tail| format!("?{tail}"))
        }
        literal => masked(name.strip_prefix(literal)?, rest).map(|tail| format!("{literal}{tail}")),
    }
}

/// Returns what `in/{3..5}` counts up.
pub(super) fn counted(name: &str) -> Vec<String> {
    let range = || {
        let (before, rest) = name.split_once('{')?;
        let (range, behind) = rest.split_once('}')?;
        let (first, last) = range.split_once("..")?;
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        Some((first..=last).map(|number| format!("{before}{number}{behind}")).collect())
    };
    range().unwrap_or_else(|| vec![name.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::{counted, is_of_form, without_random};

    #[test]
    fn what_is_random_is_replaced() {
        let patterns = ["cc??????.*", ".*.??????", "tmp-#"].map(str::to_owned);
        assert_eq!(without_random("/tmp/ccAbC12x.s", &patterns), "/tmp/cc??????.s");
        assert_eq!(without_random("/w/.name.AbC123", &patterns), "/w/.name.??????");
        assert_eq!(without_random("/tmp-42/x", &patterns), "/tmp-#/x");
        assert_eq!(without_random("/tmp/ccAbC12.s", &patterns), "/tmp/ccAbC12.s");
    }

    #[test]
    fn forms_are_of_as_many_parts() {
        assert!(is_of_form("/dev/shm/sem.x", "/dev/shm/sem.*"));
        assert!(!is_of_form("/dev/shm/sem.x/y", "/dev/shm/sem.*"));
    }

    #[test]
    fn names_are_counted_up() {
        assert_eq!(counted("in/{8..10}"), ["in/8", "in/9", "in/10"]);
        assert_eq!(counted("a.c"), ["a.c"]);
    }
}
