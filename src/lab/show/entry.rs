//! The entries of a run, one for each event, and a ring that keeps the latest entries.

use smoltcp::time::Instant;

use crate::lab::{HostEvent, Verdict};
use crate::stack::{Event, Next, Tuple};
use crate::trace::{Carries, Cause, Mark, Summary};

/// One event of a run, with its step, time and host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of the step, from 1. All entries of one step have the same number.
    pub step: u32,
    /// The virtual time.
    pub at: Instant,
    /// The host: 0 is the client, 1 the server, 2 and 3 are further hosts, and 4 is the wire itself. This field has no
    /// meaning for [`What::Clock`].
    pub host: usize,
    /// The event.
    pub what: What,
}

/// The event that an entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A frame arrived, and the host processed it.
    Arrived {
        /// The frame's number.
        frame: u32,
        /// The frame's headers.
        summary: Summary,
        /// Whether a fault inverted one bit of the frame. The host then drops the frame: a checksum is wrong or, in an
        /// ARP frame, the target address.
        damaged: bool,
        /// The receiver's view of the segment, or `None` if the segment is in order.
        mark: Option<Mark>,
    },
    /// The clock jumped to the next deadline or arrival.
    Clock,
    /// The host was unplugged or restarted.
    HostEvent(HostEvent),
    /// The program on a connection ran. The tuple is `None` if the connection has ended in the same step.
    Ran(Next, Option<Tuple>, Transfer),
    /// The program on a UDP port ran.
    RanUdp(u16, Next, Transfer),
    /// A frame was sent.
    Sent {
        /// The frame's number.
        frame: u32,
        /// The frame's headers.
        summary: Summary,
        /// The frame's length in bytes.
        len: usize,
        /// Why the frame was sent, or `None` if it carries new data or acknowledges data that just arrived.
        cause: Option<Cause>,
        /// What happens to the frame.
        verdict: Verdict,
    },
    /// The stack reported an event.
    Stack(Event),
}

/// The number of bytes that a program read and wrote when it ran once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[doc(hidden)]
pub struct Transfer {
    /// The bytes taken from the receive buffer, or from datagrams.
    pub read: usize,
    /// The bytes put into the send buffer, or into datagrams.
    pub written: usize,
}

impl What {
    /// Returns whether the entry is only the clock, or a frame of ARP or of IPv6 neighbour discovery. `--frames` hides
    /// such entries.
    #[doc(hidden)]
    pub fn is_background(&self) -> bool {
        match self {
            What::Clock => true,
            // ICMPv6 types 133 to 137 are messages of neighbour discovery (RFC 4861 section 4).
            What::Arrived { summary, .. } | What::Sent { summary, .. } => {
                matches!(summary.carries, Carries::ArpReply | Carries::ArpRequest | Carries::Icmpv6(133..=137, _))
            }
            _ => false,
        }
    }

    /// Returns the name of the phase in which the event happened: the field `phase` of a line of JSON.
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

/// A ring that keeps the last `N` entries.
#[derive(Clone, Debug)]
pub struct Ring<const N: usize> {
    entries: heapless::Deque<Entry, N>,
    overwritten: u64,
}

impl<const N: usize> Ring<N> {
    /// Makes an empty ring.
    pub const fn new() -> Self {
        Ring { entries: heapless::Deque::new(), overwritten: 0 }
    }

    /// Adds an entry. If the ring is full, overwrites the oldest entry and counts it: see
    /// [`overwritten`](Self::overwritten).
    pub fn push(&mut self, entry: Entry) {
        if self.entries.is_full() {
            self.entries.pop_front();
            self.overwritten += 1;
        }
        // The oldest entry has made room.
        let _ = self.entries.push_back(entry);
    }

    /// Removes and returns the oldest entry.
    pub fn pop(&mut self) -> Option<Entry> {
        self.entries.pop_front()
    }

    /// Returns the entries, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Returns how many entries were overwritten before [`pop`](Self::pop) returned them.
    pub fn overwritten(&self) -> u64 {
        self.overwritten
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}
