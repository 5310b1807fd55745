//! What a run consists of: one entry for everything that happened, and a ring that keeps the last of them.

use smoltcp::time::Instant;

use crate::lab::{HostEvent, Verdict};
use crate::stack::{Event, Next};
use crate::trace::Cause;
use crate::trace::Summary;

/// Something that happened in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The step it belongs to, from 1. What one step brought about stands in entries of the same number.
    pub step: u32,
    /// The virtual time.
    pub at: Instant,
    /// Which host: 0 the client, 1 the server. The clock belongs to all.
    pub host: usize,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A frame arrived, and the host took it in.
    Arrived {
        /// Its number.
        frame: u32,
        /// Its headers.
        summary: Summary,
        /// A fault turned a bit of it: it fails its checksum, and the host throws it away.
        damaged: bool,
    },
    /// The clock jumped to the next deadline, or to the next arrival.
    Clock,
    /// Something happened to the host from outside.
    HostEvent(HostEvent),
    /// The program on a connection ran.
    Ran(Next),
    /// The program on a UDP port ran.
    RanUdp(u16, Next),
    /// A frame was sent.
    Sent {
        /// Its number.
        frame: u32,
        /// Its headers.
        summary: Summary,
        /// Its length in bytes.
        len: usize,
        /// What made it leave.
        cause: Option<Cause>,
        /// What becomes of it.
        verdict: Verdict,
    },
    /// The stack says that something happened.
    Stack(Event),
}

impl What {
    /// The phase of the step.
    pub fn phase(&self) -> &'static str {
        match self {
            What::Arrived { .. } => "ingress",
            What::Clock => "clock",
            What::Ran(_) | What::RanUdp(..) => "session",
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

    /// Adds an entry; the oldest goes if there is no room.
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

    /// How many entries were overwritten before they were taken.
    pub fn overwritten(&self) -> u64 {
        self.overwritten
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}
