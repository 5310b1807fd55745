//! A host's name, checked.

use super::rules::{self, LONGEST, NameError};

/// A host's name in the form in which it is sent: each part after its length, and a 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    wire: heapless::Vec<u8, LONGEST>,
}

impl Name {
    /// Checks a name: letters, digits, hyphens and underscores between dots; a dot at the end changes nothing.
    ///
    /// # Errors
    /// [`NameError`]: it cannot be the name of a host.
    pub fn new(text: &str) -> Result<Name, NameError> {
        rules::check(text)?;
        let mut wire = heapless::Vec::new();
        for label in text.strip_suffix('.').unwrap_or(text).split('.') {
            wire.push(label.len() as u8).map_err(|_| NameError::TooLong)?;
            wire.extend_from_slice(label.as_bytes()).map_err(|_| NameError::TooLong)?;
        }
        wire.push(0).map_err(|_| NameError::TooLong)?;
        Ok(Name { wire })
    }

    /// As it is sent.
    pub(super) fn wire(&self) -> &[u8] {
        &self.wire
    }
}
