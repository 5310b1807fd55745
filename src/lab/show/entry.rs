//! The entries of a run, one for each event, and a ring that keeps the last of them.

use smoltcp::time::Instant;

use crate::lab::{HostEvent, Verdict};
use crate::stack::{Event, Next, Tuple};
use crate::trace::{Cause, Mark, Summary};

/// One event of a run, with its step, time and host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of the step, from 1. All entries of one step have the same number.
    pub step: u32,
    /// The virtual time.
    pub at: Instant,
    /// The host: 0 is the client, 1 the server. It has no meaning for [`What::Clock`].
    pub host: usize,
    /// The event.
    pub what: What,
}

/// The event of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A frame arrived, and the host took it in.
    Arrived {
        /// The frame's number.
        frame: u32,
        /// The frame's headers.
        summary: Summary,
        /// Whether a fault inverted one of its bits. The host drops it, because its checksum is wrong.
        damaged: bool,
        /// What the segment is to its receiver, unless it is the next one in order.
        mark: Option<Mark>,
    },
    /// The clock jumped to the next deadline or arrival.
    Clock,
    /// The host was unplugged or restarted.
    HostEvent(HostEvent),
    /// The program on a connection ran. The connection may be over then.
    Ran(Next, Option<Tuple>),
    /// The program on a UDP port ran.
    RanUdp(u16, Next),
    /// A frame was sent.
    Sent {
        /// The frame's number.
        frame: u32,
        /// The frame's headers.
        summary: Summary,
        /// The frame's length in bytes.
        len: usize,
        /// Why the frame was sent; `None` if it carries new data or acknowledges data that just arrived.
        cause: Option<Cause>,
        /// What happens to the frame.
        verdict: Verdict,
    },
    /// The stack reported an event.
    Stack(Event),
}

impl What {
    /// The phase of the step.
    pub fn phase(&self) -> &'static str {
        match self {
            What::Arrived { .. } => "ingress",
            What::Clock => "clock",
            What::Ran(..) | What::RanUdp(..) => "session",
            What::Sent { .. } => "egress",
            What::HostEvent(_) | What::Stack(_) => "event",
        }
    }
}

/// The last `N` entries.
#[derive(Clone, Debug)]
pub struct Ring<const N: usize> {
    entries: heapless::Deque<Entry, N>,
    overwritten: u64,
}

impl<const N: usize> Ring<N> {
    /// An empty ring.
    pub const fn new() -> Self {
        Ring { entries: heapless::Deque::new(), overwritten: 0 }
    }

    /// Adds an entry. If there is no room, the oldest is overwritten.
    pub fn push(&mut self, entry: Entry) {
        if self.entries.is_full() {
            self.entries.pop_front();
            self.overwritten += 1;
        }
        let _ = self.entries.push_back(entry);
    }

    /// Takes the oldest entry.
    pub fn pop(&mut self) -> Option<Entry> {
        self.entries.pop_front()
    }

    /// The entries, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The number of entries that were overwritten before they were taken.
    pub fn overwritten(&self) -> u64 {
        self.overwritten
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}
