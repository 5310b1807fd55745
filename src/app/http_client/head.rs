//! Parses the head of a response: status line, fields, framing (RFC 9112 sections 2 to 6).
//!
//! Like curl, the parser accepts the heads of old servers. Such heads can have folded lines, spaces before a colon,
//! several spaces in the status line, or no reason phrase. A line that is not a valid field is skipped, unless its name
//! is Content-Length or Transfer-Encoding.

use super::failure::{FIELDS, Failure};

/// The head of a final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'h> {
    /// The whole head as received, including the empty line at its end. Folded lines are joined (RFC 9112 section 5.2).
    pub bytes: &'h [u8],
    /// The status code, 200 to 999.
    pub status: u16,
    /// The server's text for the status, which can be empty. The text is ASCII without control characters except tabs.
    pub reason: &'h str,
    /// The first `Location`, if any.
    pub location: Option<&'h [u8]>,
    /// The length of the body in bytes, if announced.
    pub length: Option<u64>,
}

/// How the body ends (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The body ends with a chunk of size 0.
    Chunked,
    /// The body ends after the given number of bytes.
    Length(u64),
    /// The body ends when the server closes the connection.
    UntilClose,
}

/// A parsed head, with the framing of its body and other facts that the client needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed<'h> {
    pub head: Head<'h>,
    pub framing: Framing,
    /// Whether the server announces that it keeps the connection open. HTTP/1.0 servers can do so too (RFC 9112
    /// appendix C.2.2).
    pub stays_open: bool,
    /// The number of lines that are not valid fields.
    pub skipped: usize,
}

/// Replaces the line endings of folded lines with spaces.
///
/// A line that begins with a space directly after the status line does not continue a field. Such a line stays
/// unchanged, and [`parse`] skips the line.
pub fn unfold(head: &mut [u8]) {
    let status_line = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
    for at in status_line + 1..head.len() {
        if let Some([cr, lf, b' ' | b'\t']) = head.get_mut(at - 1..at + 2)
            && *lf == b'\n'
        {
            // The next line begins with a space or a tab, so it continues this line.
            *lf = b' ';
            if *cr == b'\r' {
                *cr = b' ';
            }
        }
    }
}

/// Parses a complete head without folded lines.
///
/// # Errors
/// Returns [`Failure`] if the head is not HTTP/1, or if its fields are invalid or contradict each other.
pub fn parse(bytes: &[u8]) -> Result<Parsed<'_>, Failure> {
    let (status, reason) = status_line(lines(bytes).next().unwrap_or_default()).ok_or(Failure::NotHttp)?;
    // The number of lines that are not valid fields. The parser accepts such lines, because old servers send them.
    let mut skipped = 0;
    for (number, line) in fields(bytes).enumerate() {
        if number == FIELDS {
            return Err(Failure::TooManyFields);
        }
        if parse_field(line).is_none() {
            let name = split_at_colon(line).0;
            // These two fields determine the end of the body, so they cannot be skipped.
            if name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding") {
                return Err(Failure::BadField);
            }
            skipped += 1;
        }
    }
    let framing = framing(status, bytes)?;
    let length = if let Framing::Length(length) = framing { Some(length) } else { None };
    let location = values(bytes, "location").next();
    let stays_open = items(bytes, "connection").any(|item| item.eq_ignore_ascii_case(b"keep-alive"));
    Ok(Parsed { head: Head { bytes, status, reason, location, length }, framing, stays_open, skipped })
}

/// Parses `HTTP/1.x`, a status of three digits, and an optional reason phrase. Several spaces are treated as one space.
fn status_line(line: &[u8]) -> Option<(u16, &str)> {
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0' | b'1', b' ', rest @ ..] = line else { return None };
    let (digits, rest) = rest.trim_ascii_start().split_first_chunk::<3>()?;
    let status = u16::try_from(number(digits)?).ok().filter(|status| *status >= 100)?;
    if !matches!(rest, [] | [b' ' | b'\t', ..]) {
        return None;
    }
    // The reason phrase only informs the user. A reason phrase that cannot be shown is treated as missing.
    let reason = rest.trim_ascii();
    let plain = reason.iter().all(|byte| byte.is_ascii() && is_text(*byte));
    Some((status, core::str::from_utf8(reason).ok().filter(|_| plain).unwrap_or_default()))
}

/// Determines how the body of a response with this status and head ends.
///
/// # Errors
/// Returns [`Failure`] if there is a coding other than chunked, if a length is not a number, or if two lengths differ.
fn framing(status: u16, head: &[u8]) -> Result<Framing, Failure> {
    // These responses never have a body.
    if matches!(status, 100..=199 | 204 | 304) {
        return Ok(Framing::Length(0));
    }
    // `identity` means no coding (before RFC 7230, `identity` was itself a coding). Some servers name `chunked` twice,
    // but apply the coding once.
    let mut chunked = false;
    for coding in items(head, "transfer-encoding").filter(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
        if !coding.eq_ignore_ascii_case(b"chunked") {
            return Err(Failure::UnknownCoding);
        }
        chunked = true;
    }
    // If there is a transfer coding, it overrides Content-Length.
    if chunked {
        return Ok(Framing::Chunked);
    }
    // A length may be repeated, in one field or in two (RFC 9110 section 8.6).
    let mut length = None;
    for item in values(head, "content-length").flat_map(|value| value.split(|&b| b == b',')) {
        let this = number(item.trim_ascii()).ok_or(Failure::BadLength)?;
        if length.is_some_and(|other| other != this) {
            return Err(Failure::LengthsDiffer);
        }
        length = Some(this);
    }
    Ok(length.map_or(Framing::UntilClose, Framing::Length))
}

/// Returns the lines of a head, without their line endings.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Returns the lines between the status line and the empty line.
fn fields(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(head).skip(1).take_while(|line| line.iter().any(|byte| *byte != b'\r'))
}

/// Splits a line at its first colon. Returns the name without the spaces before the colon, and the rest if there is a
/// colon.
fn split_at_colon(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = line.splitn(2, |byte| *byte == b':');
    (parts.next().unwrap_or_default().trim_ascii_end(), parts.next())
}

/// Splits a field into its name and its value. Returns `None` if the name or the value has invalid characters (RFC 9110
/// section 5).
fn parse_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = split_at_colon(line);
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let value = value?.trim_ascii();
    let valid = !name.is_empty() && name.iter().all(is_token) && value.iter().copied().all(is_text);
    valid.then_some((name, value))
}

/// Returns whether a field may contain this byte: a tab, or any byte except an ASCII control character.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

/// Returns the values of the fields called `wanted`.
fn values<'h>(head: &'h [u8], wanted: &str) -> impl Iterator<Item = &'h [u8]> {
    fields(head)
        .filter_map(parse_field)
        .filter(move |(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()))
        .map(|(_, v)| v)
}

/// Returns the items of the lists in the fields called `wanted`. Empty items are skipped (RFC 9110 section 5.6.1.2).
fn items<'h>(head: &'h [u8], wanted: &str) -> impl Iterator<Item = &'h [u8]> {
    let items = values(head, wanted).flat_map(|value| value.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
    items.filter(|item| !item.is_empty())
}

/// Parses a number that consists of digits only, without sign or spaces. Returns `None` for any other text, and for a
/// number that does not fit in 64 bits.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}
