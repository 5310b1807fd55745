//! What can happen to a host from outside.

use core::fmt;

/// What can happen to a host from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Its plug is pulled, for good.
    Cut,
    /// It restarts: it knows nothing of its connections any more, and goes on listening.
    Reboot,
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Happening::Cut => "the plug is pulled",
            Happening::Reboot => "the host restarts",
        })
    }
}
