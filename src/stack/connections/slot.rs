//! The slot of one connection, and its phases.

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, State};
#[cfg(feature = "recovery")]
use smoltcp::time::Duration;
use smoltcp::time::Instant;

#[cfg(feature = "recovery")]
use super::deadlines::sooner;
use crate::stack::control::Block;
#[cfg(feature = "recovery")]
use crate::stack::icmp_errors::IcmpError;
use crate::stack::session::End;

/// How long a peer must be silent before RST tells it that its data was discarded. In this time the peer may still read the
/// program's data.
#[cfg(feature = "recovery")]
const LOSS_NOTICE: Duration = Duration::from_millis(500);

/// Room for one connection: its own socket set, and its program.
pub struct Slot<'a, S> {
    pub(in crate::stack) set: Option<(SocketSet<'a>, SocketHandle)>,
    pub(in crate::stack) session: Option<S>,
    pub(in crate::stack) phase: Phase,
    /// The listener's number; `None` if this side began the connection.
    pub(in crate::stack) listener: Option<u8>,
    /// How many connections have used this slot.
    pub(in crate::stack) generation: u32,
    /// The state last reported.
    pub(in crate::stack) state: State,
    pub(in crate::stack) control: Block,
    /// Whether the program is to run.
    pub(in crate::stack) run: bool,
    pub(super) queue: Queue,
    /// Whether the last segment could not leave because the neighbour's hardware address is unknown.
    pub(in crate::stack) unresolved: bool,
    /// The last ICMP error about a segment in flight, and when it came.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) icmp_error: Option<(IcmpError, Instant)>,
    /// Whether data was discarded that the program had not read when it finished.
    #[cfg(feature = "recovery")]
    pub(super) discarded: bool,
    /// When the program asked to run.
    pub(super) wake_at: Option<Instant>,
    /// When the connection is given up unless it makes progress.
    pub(super) give_up_at: Option<Instant>,
    /// When TIME-WAIT ends.
    pub(in crate::stack) time_wait_until: Instant,
    /// The bytes queued to send and to read when progress was last made.
    pub(super) progress: (usize, usize),
}

/// A slot that was never used. It is no constant, because a board would keep the constant's bytes in flash.
impl<S> Default for Slot<'_, S> {
    fn default() -> Self {
        Slot {
            set: None,
            session: None,
            phase: Phase::Free,
            listener: None,
            generation: 0,
            state: State::Closed,
            control: Block::EMPTY,
            run: false,
            queue: Queue::None,
            unresolved: false,
            #[cfg(feature = "recovery")]
            icmp_error: None,
            #[cfg(feature = "recovery")]
            discarded: false,
            wake_at: None,
            give_up_at: None,
            time_wait_until: Instant::ZERO,
            progress: (0, 0),
        }
    }
}

impl<'a, S> Slot<'a, S> {
    pub(in crate::stack) fn set(&mut self) -> Option<&mut SocketSet<'a>> {
        self.set.as_mut().map(|(set, _)| set)
    }

    pub(in crate::stack) fn socket(&mut self) -> Option<&mut Socket<'a>> {
        let (set, handle) = self.set.as_mut()?;
        Some(set.get_mut(*handle))
    }

    pub(in crate::stack) fn peek(&self) -> Option<&Socket<'a>> {
        let (set, handle) = self.set.as_ref()?;
        Some(set.get(*handle))
    }
}

impl<S> Slot<'_, S> {
    /// When the control block next has work, or gives the connection up; never once the socket is closed.
    #[cfg(feature = "recovery")]
    pub(super) fn block_due(&self, patience: Duration) -> Option<Instant> {
        let is_open = self.peek().is_some_and(|socket| socket.state() != State::Closed);
        if is_open { sooner(self.control.due(), self.dead_at(patience)) } else { None }
    }

    /// When an established connection is given up. Either the peer has acknowledged nothing for `patience`, or RST must tell the
    /// peer that its data was discarded.
    #[cfg(feature = "recovery")]
    pub(super) fn dead_at(&self, patience: Duration) -> Option<Instant> {
        let is_established = matches!(self.phase, Phase::Backlog | Phase::Serving | Phase::Closing);
        let patience = if self.owes_reset() { LOSS_NOTICE } else { patience };
        // In TIME-WAIT a peer has nothing to say.
        (is_established && self.state != State::TimeWait).then(|| self.control.heard_at() + patience)
    }

    /// Whether the socket must stay in TIME-WAIT without a turn: smoltcp's own time is shorter, and at its end smoltcp throws away
    /// what the program has not read.
    pub(super) fn rests(&self, now: Instant) -> bool {
        let reads = || {
            let is_unread = self.peek().is_some_and(|socket| socket.recv_queue() > 0);
            self.phase == Phase::Serving && (is_unread || self.wake_at.is_some())
        };
        self.state == State::TimeWait && !self.control.owes_ack() && (now < self.time_wait_until || reads())
    }

    /// How a connection ends if no answer came: unreachable if not even its SYN could leave.
    pub(super) fn silence(&self) -> End {
        if self.unresolved { End::Unreachable } else { self.timed_out() }
    }

    /// Returns whether RST must tell the peer that data was discarded (RFC 9293 section 3.6.1). It is true only in FIN-WAIT-2, where
    /// the peer has acknowledged all of the program's data and the FIN, but has not closed its own side.
    #[cfg(feature = "recovery")]
    pub(super) fn owes_reset(&self) -> bool {
        self.phase == Phase::Closing && self.state == State::FinWait2 && self.discarded
    }

    /// How a connection ends whose time is over. An ICMP error counts if it came after the peer was last heard.
    pub(super) fn timed_out(&self) -> End {
        #[cfg(feature = "recovery")]
        if self.owes_reset() {
            return End::Aborted;
        }
        #[cfg(feature = "recovery")]
        if let Some((error, _)) = self.icmp_error.filter(|&(_, at)| at >= self.control.heard_at()) {
            return End::Undelivered(error);
        }
        End::TimedOut
    }
}

/// The phase of the connection in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Aborted; RST has not left yet.
    Aborting(End),
    /// Established, waiting to be served.
    Backlog,
    /// The program is done. The queued data, then FIN, are being sent.
    Closing,
    /// Begun by this side, not established yet.
    Connecting,
    /// A connection that this side began has ended. The slot keeps its program until the caller takes the program.
    Ended(End),
    /// Unused.
    Free,
    /// Begun by the peer, not established yet.
    HalfOpen,
    /// The program runs.
    Serving,
    /// Ended; late segments are still answered.
    TimeWait,
}

/// The queue that a slot is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// Waiting for the neighbour's hardware address.
    Neighbour,
    None,
    /// Waiting for a turn.
    Run,
}
