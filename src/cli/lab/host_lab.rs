//! The lab as the command line runs it.

use crate::cli::replay::ENTRIES;
use crate::lab::SetupLab;
use crate::stack::Console;

/// The largest number of bytes that a host's programs may print in a run. Further output is dropped.
const PRINTED: usize = 1 << 16;

/// The lab as the command line runs it, with two hosts.
pub type HostLab<'a> = SetupLab<'a, Printed, 2, ENTRIES>;

/// The console of a host's programs, which keeps their output.
pub struct Printed(pub Vec<u8>);

impl Console for Printed {
    fn print(&mut self, bytes: &[u8]) {
        let room = PRINTED.saturating_sub(self.0.len());
        self.0.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }
}
