//! Parses the times of a script: `0.1`, `+0.1`, `0.1~0.3`, `+0.1~+0.3` and `*`.

use smoltcp::time::Duration;

use super::scan::{Error, Scanner};

/// The time of a line, as a range. A single time is both the start and the end of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// At any time.
    Any,
    /// A range of times since the start of the script.
    Since(Duration, Duration),
    /// A range of times since the previous line.
    After(Duration, Duration),
}

/// The latest time in a script, in seconds.
const LATEST: u64 = 86_400;

/// Describes a valid time, for errors.
pub(super) const EXPECTED: &str = "a time in seconds up to 86400: 0.1, +0.1, 0.1~0.3, +0.1~+0.3 or *";

/// Reads the time with which a line begins.
pub(super) fn when(scanner: &mut Scanner<'_>) -> Result<When, Error> {
    if scanner.eat("*") {
        return Ok(When::Any);
    }
    let relative = scanner.eat("+");
    let first = seconds(scanner)?;
    let mut last = first;
    if scanner.eat("~") {
        if relative {
            scanner.need("+", "+ and a time, as in +0.1~+0.3")?;
        }
        let mut at_last = *scanner;
        last = seconds(scanner)?;
        // A range can begin and end at the same time.
        if last < first {
            return Err(at_last.expected("later than the start of the range"));
        }
    }
    Ok(if relative { When::After(first, last) } else { When::Since(first, last) })
}

/// Reads a time in seconds, such as `5`, `0.25` or `.25`. Digits after the sixth decimal are ignored.
pub(super) fn seconds(scanner: &mut Scanner<'_>) -> Result<Duration, Error> {
    let rest = scanner.rest();
    // Counts the digits from byte `from` on.
    let digits = |from: usize| rest.get(from..).map_or(0, |text| text.bytes().take_while(u8::is_ascii_digit).count());
    let whole = digits(0);
    let fraction = if rest.get(whole..).is_some_and(|text| text.starts_with('.')) { digits(whole + 1) } else { 0 };
    if whole + fraction == 0 {
        return Err(scanner.expected(EXPECTED));
    }
    let seconds = rest.get(..whole).filter(|text| !text.is_empty()).map_or(Ok(0), str::parse);
    let Some(seconds) = seconds.ok().filter(|seconds| *seconds <= LATEST) else {
        return Err(scanner.expected(EXPECTED));
    };
    let decimals = rest.get(whole + 1..whole + 1 + fraction).unwrap_or_default();
    // Zeros fill the decimals up to six digits, which are the number of microseconds.
    let micros =
        decimals.bytes().chain(core::iter::repeat(b'0')).take(6).fold(0, |sum, c| sum * 10 + u64::from(c - b'0'));
    // A point without digits after it is not part of the time.
    scanner.advance(if fraction == 0 { whole } else { whole + 1 + fraction });
    Ok(Duration::from_micros(seconds * 1_000_000 + micros))
}
