//! Parses the numbers, times, rates and percentages in a file.

use smoltcp::time::Duration;

use crate::lab::Moment;

/// Describes a valid duration, for errors.
pub(super) const DURATION: &str = "a time with a unit (us, ms, s, min or h), as in 20ms";

/// Describes a valid time that can depend on the latency of the wire, for errors.
pub(super) const MOMENT: &str = "a time, as in 2s, 300ms, 1.5rtt or 3rtt+200ms";

/// Parses a time without round trips, such as `300ms`. The time can be at most a year.
pub(crate) fn duration(word: &str) -> Option<Duration> {
    let split = word.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = word.split_at(split);
    let micros = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "min" => 60_000_000,
        "h" => 3_600_000_000,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    Some(Duration::from_micros(number.checked_mul(micros)?)).filter(|time| *time <= Moment::LONGEST)
}

/// Parses a time without round trips. A time of 0 needs no unit.
pub(super) fn duration_or_zero(word: &str) -> Option<Duration> {
    if word == "0" { Some(Duration::ZERO) } else { duration(word) }
}

/// Parses a time that can contain round trips, such as `3rtt+200ms` or `1.5rtt`.
pub(super) fn moment(word: &str) -> Option<Moment> {
    Moment::parse(word, duration_or_zero)
}

/// Parses a rate of at least 1 kbit/s, such as `10Mbit` or `56kbit/s`. Returns bits per second.
pub(crate) fn rate(word: &str) -> Option<u64> {
    let split = word.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = word.split_at(split);
    let unit = unit.strip_suffix("/s").unwrap_or(unit);
    let factors = [("bit", 1), ("kbit", 1_000), ("mbit", 1_000_000), ("gbit", 1_000_000_000)];
    let (_, factor) = factors.into_iter().find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
    number.parse::<u64>().ok()?.checked_mul(factor).filter(|rate| *rate >= 1000)
}

/// Parses a percentage with at most four digits after the point. Returns parts per million.
pub(crate) fn percent(word: &str) -> Option<u32> {
    let number = word.strip_suffix('%')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 4 || !is_number(whole) || !is_number(part) {
        return None;
    }
    let mut parts = whole.parse::<u32>().ok().filter(|whole| *whole <= 100)? * 10_000;
    // One percent is 10,000 parts per million, so the first digit after the point is worth 1,000.
    for (digit, weight) in part.bytes().zip([1000, 100, 10, 1]) {
        parts += u32::from(digit - b'0') * weight;
    }
    // The check of the whole part accepts a percentage such as 100.5%.
    (parts <= 1_000_000).then_some(parts)
}

/// Returns a parser for a whole number in `range`.
pub(super) fn whole(range: core::ops::RangeInclusive<u64>) -> impl Fn(&str) -> Option<u64> {
    move |word| word.parse().ok().filter(|number| range.contains(number))
}
