//! Checks host names. The build script, in src/board/build, also includes this file.

use core::fmt;

/// The maximum length of a name in wire format, in bytes (RFC 1035 section 2.3.4).
pub const LONGEST: usize = 255;
/// The maximum length of a label, in bytes.
const LONGEST_LABEL: usize = 63;

/// Checks a name: letters, digits, hyphens and underscores between dots. A trailing dot is ignored.
///
/// # Errors
/// Returns [`NameError`] if the text is not a valid host name.
pub fn check(text: &str) -> Result<(), NameError> {
    let text = text.strip_suffix('.').unwrap_or(text);
    for label in text.split('.') {
        if label.is_empty() {
            return Err(NameError::EmptyPart);
        }
        if !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err(NameError::BadCharacter);
        }
        if label.len() > LONGEST_LABEL {
            return Err(NameError::TooLong);
        }
    }
    // According to RFC 1123 section 2.1, the final label of a host name is not a number. A text that ends in a number
    // is a mistyped IP address.
    if text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(NameError::Number);
    }
    // The wire format adds a length byte before the first label, and a 0 at the end.
    if text.len() + 2 > LONGEST { Err(NameError::TooLong) } else { Ok(()) }
}

/// Why a text is not a valid host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NameError {
    /// The text contains a character that host names cannot contain.
    BadCharacter,
    /// A label is empty: the text is empty, begins with a dot, or has two dots in a row.
    EmptyPart,
    /// The final label is a number, as in an IPv4 address.
    Number,
    /// The text is longer than 253 characters, or a label is longer than 63 characters.
    TooLong,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameError::BadCharacter => "a host's name has letters, digits, hyphens and dots; write others as xn--...",
            NameError::EmptyPart => "a host's name has no empty parts before or between dots",
            NameError::Number => "it is neither an IP address nor a host's name",
            NameError::TooLong => "a host's name has at most 253 characters, and 63 between two dots",
        })
    }
}

impl core::error::Error for NameError {}
