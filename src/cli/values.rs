//! Parses whole numbers and durations from the command line and formats fractions.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Returns a parser for a whole number in `range`. Error messages show `example`.
pub fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
    example: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let (least, most) = (range.start(), range.end());
        let number = text.parse().ok().filter(|number| range.contains(number)).and_then(|n| T::try_from(n).ok());
        number.ok_or_else(|| match *most {
            // A range up to the largest number of the type has no real limit, so the message mentions none.
            u64::MAX => format!("it must be a whole number from {least}, as in {example}"),
            most => format!("it must be a whole number from {least} to {most}, as in {example}"),
        })
    }
}

/// Parses a duration that must not be zero.
///
/// # Errors
/// The error is one line that describes the problem.
pub fn positive(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it must be longer than zero, as in 10s".into()),
        time => Ok(time),
    }
}

/// Parses a duration of at most a year, so that adding it to a time cannot overflow.
///
/// # Errors
/// The error is one line that describes the problem.
pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        // A year of 365.25 days, in seconds.
        Ok(time) if time > Duration::from_secs(31_557_600) => Err("the longest time is a year".into()),
        Ok(time) => Ok(time),
        Err(_) => Err("it must be a time with a unit, not negative, as in 10s, 500ms or 5min".into()),
    }
}

/// Formats `random` / 2^64, which is less than 1, with up to 16 digits after the point, as Python does. `call --random`
/// sends such texts.
pub fn fraction(random: u64) -> String {
    // The first 16 digits after the point, without rounding.
    let digits = format!("{:016}", (u128::from(random) * 10u128.pow(16)) >> 64);
    let digits = digits.trim_end_matches('0');
    format!("0.{}", if digits.is_empty() { "0" } else { digits })
}

#[cfg(test)]
mod tests {
    use super::fraction;

    /// Digits after the 16th are cut, not rounded, so that the text is always less than 1.
    #[test]
    fn fractions_are_formatted_as_in_python() {
        for (random, want) in [
            (0, "0.0"),
            (u64::MAX, "0.9999999999999999"),
            (1 << 63, "0.5"),
            (1 << 40, "0.0000000596046447"),
            (1, "0.0"),
            (0x6e21_965a_c7b3_d1f0, "0.430200001872165"),
        ] {
            assert_eq!(fraction(random), want);
            assert!((0.0..1.0).contains(&fraction(random).parse::<f64>().unwrap()));
        }
    }
}
