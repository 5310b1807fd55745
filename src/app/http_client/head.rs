//! Parses the head of a response: status line, fields, framing (RFC 9112 sections 2 to 6).

use httparse::{EMPTY_HEADER, Header, Status};

use super::failure::{FIELDS, Failure};

/// The head of a final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'h> {
    /// The whole head as received, with the empty line at its end.
    pub bytes: &'h [u8],
    /// The status code, 200 to 999.
    pub status: u16,
    /// The server's text for the status, maybe empty. It is ASCII without control characters except tabs.
    pub reason: &'h str,
    /// The first `Location`, if any.
    pub location: Option<&'h [u8]>,
    /// The length of the body in bytes, if announced.
    pub length: Option<u64>,
}

/// How the body ends (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// With the last chunk.
    Chunked,
    /// After this number of bytes.
    Length(u64),
    /// When the server closes the connection.
    UntilClose,
}

/// Parses a complete head.
///
/// # Errors
/// [`Failure`]: the head is not HTTP/1, or contradicts itself.
pub fn parse(bytes: &[u8]) -> Result<(Head<'_>, Framing), Failure> {
    let mut fields = [EMPTY_HEADER; FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(bytes) {
        Ok(Status::Complete(len)) if len == bytes.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Failure::TooManyFields),
        Err(httparse::Error::HeaderName | httparse::Error::HeaderValue) => return Err(Failure::BadField),
        Ok(_) | Err(_) => return Err(Failure::NotHttp),
    }
    let status = response.code.filter(|code| *code >= 100).ok_or(Failure::NotHttp)?;
    let reason = response.reason.unwrap_or_default();
    let framing = framing(status, response.headers)?;
    let length = if let Framing::Length(length) = framing { Some(length) } else { None };
    let location = values(response.headers, "location").next();
    Ok((Head { bytes, status, reason, location, length }, framing))
}

fn framing(status: u16, fields: &[Header<'_>]) -> Result<Framing, Failure> {
    if matches!(status, 100..=199 | 204 | 304) {
        return Ok(Framing::Length(0));
    }
    let mut codings = values(fields, "transfer-encoding");
    match (codings.next(), codings.next()) {
        // A transfer coding overrides a length.
        (Some(coding), None) if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") => return Ok(Framing::Chunked),
        (Some(_), _) => return Err(Failure::UnknownCoding),
        (None, _) => {}
    }
    // A length may be repeated, in one field or in two (RFC 9110 section 8.6).
    let mut length = None;
    for item in values(fields, "content-length").flat_map(|value| value.split(|&b| b == b',')) {
        let this = number(item.trim_ascii()).ok_or(Failure::BadLength)?;
        if length.is_some_and(|other| other != this) {
            return Err(Failure::LengthsDiffer);
        }
        length = Some(this);
    }
    Ok(length.map_or(Framing::UntilClose, Framing::Length))
}

/// Returns the values of the fields called `name`.
fn values<'h>(fields: &[Header<'h>], name: &str) -> impl Iterator<Item = &'h [u8]> {
    fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

/// Parses a number that consists of digits only, without sign or spaces.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}
