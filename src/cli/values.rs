//! Values of the command line: whole numbers and durations.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A value parser for a whole number in `range`; `example` is one.
pub fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
    example: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let (least, most) = (range.start(), range.end());
        let number = text.parse().ok().filter(|number| range.contains(number)).and_then(|n| T::try_from(n).ok());
        number.ok_or_else(|| match *most {
            u64::MAX => format!("it is a whole number from {least}, as in {example}"),
            most => format!("it is a whole number from {least} to {most}, as in {example}"),
        })
    }
}

/// A duration of the command line that may not be zero.
///
/// # Errors
/// What is wrong with it.
pub fn positive(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it must be longer than nothing, as in 10s".into()),
        time => Ok(time),
    }
}

/// A duration of the command line, at most a year: what is added to it must not overflow.
///
/// # Errors
/// What is wrong with it.
pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time > Duration::from_secs(31_557_600) => Err("a year is the longest".into()),
        Ok(time) => Ok(time),
        Err(_) => Err("it is a time with its unit, not negative, as in 10s, 500ms or 5min".into()),
    }
}
