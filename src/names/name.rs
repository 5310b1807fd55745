//! A valid host name.

use super::rules::{self, LONGEST, NameError};

/// A host name in wire format: each label after its length, and a 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    wire: heapless::Vec<u8, LONGEST>,
}

impl Name {
    /// Checks a name: letters, digits, hyphens and underscores between dots. A trailing dot is ignored.
    ///
    /// # Errors
    /// [`NameError`]: it is not a valid host name.
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

    /// The name in wire format.
    pub(super) fn wire(&self) -> &[u8] {
        &self.wire
    }
}
