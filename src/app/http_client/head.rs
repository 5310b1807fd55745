//! The head of a response: status line and fields, and what they say of the body (RFC 9112 sections 2 to 6).

use httparse::{EMPTY_HEADER, Header, Status};

use super::failure::{FIELDS, Failure};

/// The head of a final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'h> {
    /// All of it, as it came, with the empty line at its end.
    pub bytes: &'h [u8],
    /// 200 to 999.
    pub status: u16,
    /// What the server calls the status; it may be empty. ASCII without control characters, but for tabs.
    pub reason: &'h str,
    /// The first `Location`, where there is one.
    pub location: Option<&'h [u8]>,
    /// How many bytes the body has, where it is known beforehand.
    pub length: Option<u64>,
}

/// How the end of the body is found (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By the coding.
    Chunked,
    /// Its length in bytes.
    Length(u64),
    /// The server closes the connection.
    UntilClose,
}

/// Reads a head whose end has been found.
///
/// # Errors
/// [`Failure`]: it is no head of HTTP/1, or contradicts itself.
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
        // It overrides a length.
        (Some(coding), None) if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") => return Ok(Framing::Chunked),
        (Some(_), _) => return Err(Failure::UnknownCoding),
        (None, _) => {}
    }
    // The same length said twice, in one field or in two, is one (RFC 9110 section 8.6).
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

/// The values of the fields of this name.
fn values<'h>(fields: &[Header<'h>], name: &str) -> impl Iterator<Item = &'h [u8]> {
    fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

/// Digits alone: no sign, no space.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}
