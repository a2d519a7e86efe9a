//! Times for people and for reports.

const NS_PER_S: i64 = 1_000_000_000;
const S_PER_DAY: i64 = 86_400;

/// Returns that time as RFC 3339 in UTC with nine digits of a second: `2026-01-31T12:00:00.123456789Z`.
pub fn rfc3339(unix_ns: i64) -> String {
    let (seconds, nanoseconds) = (unix_ns.div_euclid(NS_PER_S), unix_ns.rem_euclid(NS_PER_S));
    let (days, second) = (seconds.div_euclid(S_PER_DAY), seconds.rem_euclid(S_PER_DAY));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanoseconds:09}Z")
}

/// Returns year, month and day of the day with that number since 1970-01-01 (Howard Hinnant's `civil_from_days`: years
/// begin in March, so that the leap day is their last).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_nine_digits() {
        // The seconds are those of `date -u -d … +%s`.
        for (unix_ns, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400 * NS_PER_S, "2000-02-29T00:00:00.000000000Z"),
            (951_868_799 * NS_PER_S + 7, "2000-02-29T23:59:59.000000007Z"),
            (1_769_860_800 * NS_PER_S + 123_456_789, "2026-01-31T12:00:00.123456789Z"),
            (4_107_542_400 * NS_PER_S, "2100-03-01T00:00:00.000000000Z"),
        ] {
            assert_eq!(rfc3339(unix_ns), text);
        }
    }
}
