//! Durations of the command line.

use std::time::Duration;

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
