//! Two hosts with memory on the heap. The hosts keep the output of their programs.

use alloc::vec::Vec;

use crate::lab::{CONNECTIONS, Setup, SetupLab};
use crate::stack::{Console, Sizes};

/// The largest number of entries that one step can add to the trace.
pub const ENTRIES: usize = 64;

/// The maximum number of bytes of output that are kept for each host in a run. Further output is dropped.
const PRINTED: usize = 1 << 16;

/// A lab with two hosts, as the command line and sessions run it.
pub type HostLab<'a> = SetupLab<'a, Printed, 2, ENTRIES>;

/// The console of a host's programs, which keeps their output.
pub struct Printed(pub Vec<u8>);

impl Console for Printed {
    fn print(&mut self, bytes: &[u8]) {
        let room = PRINTED.saturating_sub(self.0.len());
        self.0.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }
}

/// Returns the sizes of the memory that host number `host` needs in a run of `setup`. Only the buffers of connections
/// depend on the set-up.
pub fn sizes(setup: &Setup<'_>, host: usize) -> Sizes {
    let buffers = setup.buffers_of(host);
    Sizes {
        connections: CONNECTIONS,
        receive: buffers.receive,
        send: buffers.send,
        // A run has at most four UDP programs.
        ports: 4,
        // Each port can store 16 datagrams and 16 KiB in each direction.
        datagrams: 16,
        payload: 16_384,
    }
}
