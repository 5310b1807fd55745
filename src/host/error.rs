//! The errors that end the loop.

use core::fmt;
use std::io;

use crate::phy::linux::Fault;

/// Why [`drive`](super::drive) ended early. Its text is one line for the user.
#[derive(Debug)]
#[non_exhaustive]
pub enum DriveError {
    /// The device failed. Open it again, in a new stack.
    Device(Fault),
    /// The console cannot print.
    Console(io::Error),
    /// The system cannot wait for the files.
    Wait(io::Error),
}

impl fmt::Display for DriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DriveError::Device(fault) => write!(f, "{fault}"),
            DriveError::Console(error) => write!(f, "standard output: {error}"),
            DriveError::Wait(error) => write!(f, "waiting: {error}"),
        }
    }
}

impl core::error::Error for DriveError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            DriveError::Device(fault) => Some(fault),
            DriveError::Console(error) | DriveError::Wait(error) => Some(error),
        }
    }
}
