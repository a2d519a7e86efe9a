//! The known key nearest to a misspelt one.

use crate::key::KEYS;

/// Returns the nearest key: by the whole name, or by its last part where only that was given.
pub(crate) fn nearest_key(name: &str) -> Option<&'static str> {
    let nearness = |key: &&'static str| {
        let last = key.rsplit('.').next().unwrap_or(key);
        distance(name, key).min(distance(name, last) + 1)
    };
    let nearest = KEYS.iter().map(|key| key.name).min_by_key(nearness)?;
    // With more than half of the letters wrong, it is not a slip of the pen.
    (2 * nearness(&nearest) <= name.chars().count().max(2)).then_some(nearest)
}

/// Returns how many letters must be inserted, removed or replaced to make one text of the other (Levenshtein).
pub(crate) fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (count, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], count + 1);
        for (at, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters_to_change() {
        for (from, to, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("mode", "mdoe", 2),
            ("é", "e", 1),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
            assert_eq!(distance(to, from), expected, "{to} {from}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_finds_its_key_and_nonsense_finds_none() {
        assert_eq!(nearest_key("tracer.mdoe"), Some("tracer.mode"));
        assert_eq!(nearest_key("linger_ms"), Some("run.linger_ms"));
        assert_eq!(nearest_key("filter.package"), Some("filter.packages"));
        assert_eq!(nearest_key("colour"), None);
        assert_eq!(nearest_key("x"), None);
    }
}
