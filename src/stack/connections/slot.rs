//! The slot of one connection and the phases of a connection.

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

/// The time for which a peer must be silent before an RST reports that the peer's data was discarded. During this time,
/// the peer can still read the program's data.
#[cfg(feature = "recovery")]
const LOSS_NOTICE: Duration = Duration::from_millis(500);

/// The memory for one connection: its socket set, its program and its state.
pub struct Slot<'a, S> {
    pub(in crate::stack) set: Option<(SocketSet<'a>, SocketHandle)>,
    pub(in crate::stack) session: Option<S>,
    pub(in crate::stack) phase: Phase,
    /// The listener's number. `None` if this side started the connection.
    pub(in crate::stack) listener: Option<u8>,
    /// The number of connections that have used this slot.
    pub(in crate::stack) generation: u32,
    /// The TCP state that was most recently reported to the [`Probe`](crate::stack::Probe).
    pub(in crate::stack) state: State,
    pub(in crate::stack) control: Block,
    /// Whether the program must run in the next turn.
    pub(in crate::stack) run: bool,
    pub(super) queue: Queue,
    /// Whether the newest segment could not be sent, because the next hop's hardware address is unknown.
    pub(in crate::stack) unresolved: bool,
    /// The newest ICMP error about a segment in flight, with the error's time of arrival.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) icmp_error: Option<(IcmpError, Instant)>,
    /// Whether the stack discarded received data that the program had not read when the program finished.
    #[cfg(feature = "recovery")]
    pub(super) discarded: bool,
    /// The time at which the program has asked to run.
    pub(super) wake_at: Option<Instant>,
    /// The time at which the stack abandons the connection, unless the connection makes progress.
    pub(super) give_up_at: Option<Instant>,
    /// The time of smoltcp's next work for this socket, as of the most recent turn. Only a snapshot shows this time.
    #[cfg(feature = "recovery")]
    pub(super) socket_at: Option<Instant>,
    /// The time at which TIME-WAIT ends.
    pub(in crate::stack) time_wait_until: Instant,
    /// The lengths of the send and receive queues when the connection most recently made progress.
    pub(super) progress: (usize, usize),
}

/// Creates an unused slot. This is not a constant, because a board would keep the constant's bytes in flash.
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
            #[cfg(feature = "recovery")]
            socket_at: None,
            time_wait_until: Instant::ZERO,
            progress: (0, 0),
        }
    }
}

impl<'a, S> Slot<'a, S> {
    /// Returns the socket set, which contains only this slot's socket.
    pub(in crate::stack) fn set(&mut self) -> Option<&mut SocketSet<'a>> {
        self.set.as_mut().map(|(set, _)| set)
    }

    /// Returns the slot's socket, or `None` if the slot has none.
    pub(in crate::stack) fn socket(&mut self) -> Option<&mut Socket<'a>> {
        let (set, handle) = self.set.as_mut()?;
        Some(set.get_mut(*handle))
    }

    /// Returns the socket for reading only.
    pub(in crate::stack) fn peek(&self) -> Option<&Socket<'a>> {
        let (set, handle) = self.set.as_ref()?;
        Some(set.get(*handle))
    }
}

impl<S> Slot<'_, S> {
    /// Returns whether the connection is established and its program runs. Returns false if the stack has not yet
    /// processed the latest change of the TCP state.
    #[inline(always)]
    pub(super) fn is_established(&self) -> bool {
        let established = self.state == State::Established && self.peek().is_some_and(|s| s.state() == self.state);
        established && matches!(self.phase, Phase::Serving)
    }

    /// Returns whether smoltcp, which has just sent a segment, has no work until an ACK arrives or the control block's
    /// timer expires.
    #[cfg(feature = "recovery")]
    pub(super) fn only_waits(&self, now: Instant) -> bool {
        let serves = matches!((self.phase, self.state), (Phase::Serving, State::Established));
        serves && self.peek().is_some_and(|socket| self.control.only_waits(now, socket.send_queue()))
    }

    /// Returns the time at which the control block's next timer expires or a silent peer's time limit ends, whichever
    /// is earlier. `None` once the socket is closed. The state in the slot must be the socket's state.
    #[cfg(feature = "recovery")]
    pub(super) fn block_due(&self, timeout: Duration) -> Option<Instant> {
        if self.state != State::Closed { sooner(self.control.due(), self.dead_at(timeout)) } else { None }
    }

    /// Returns the time at which the stack abandons an established connection if its peer stays silent. The peer may be
    /// silent for `timeout`, or for [`LOSS_NOTICE`] if an RST must report discarded data.
    #[cfg(feature = "recovery")]
    pub(super) fn dead_at(&self, timeout: Duration) -> Option<Instant> {
        let is_established = matches!(self.phase, Phase::Backlog | Phase::Serving | Phase::Closing);
        let timeout = if self.owes_reset() { LOSS_NOTICE } else { timeout };
        // In TIME-WAIT, the peer is expected to be silent.
        (is_established && self.state != State::TimeWait).then(|| self.control.heard_at() + timeout)
    }

    /// Returns whether the socket must not be polled, so that the socket stays in TIME-WAIT. A poll could end smoltcp's
    /// own TIME-WAIT, which is shorter, and discard unread data.
    #[cfg_attr(feature = "recovery", inline(always))]
    pub(super) fn rests(&self, now: Instant) -> bool {
        // The program might still read from the socket.
        let reads = || {
            let is_unread = self.peek().is_some_and(|socket| socket.recv_queue() > 0);
            matches!(self.phase, Phase::Serving) && (is_unread || self.wake_at.is_some())
        };
        self.state == State::TimeWait && !self.control.owes_ack() && (now < self.time_wait_until || reads())
    }

    /// Returns the [`End`] of a connection whose peer did not answer. The result is `Unreachable` if the newest segment
    /// could not be sent, because the next hop's hardware address is unknown. Otherwise, the result is that of
    /// [`timed_out`](Self::timed_out).
    pub(super) fn silence(&self) -> End {
        if self.unresolved { End::Unreachable } else { self.timed_out() }
    }

    /// Returns whether an RST must report discarded data to the peer (RFC 9293 section 3.6.1). RST is sent only in
    /// FIN-WAIT-2, when the peer has acknowledged all data and the FIN but has not closed its own side.
    #[cfg(feature = "recovery")]
    pub(super) fn owes_reset(&self) -> bool {
        matches!(self.phase, Phase::Closing) && self.state == State::FinWait2 && self.discarded
    }

    /// Returns the [`End`] of a connection whose time limit has expired. The result is `Aborted` if an RST must report
    /// discarded data. Otherwise, the result contains the newest ICMP error if it arrived after the peer's most recent
    /// acknowledgement. Without such an error, the result is `TimedOut`.
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Phase {
    /// The connection is aborted, but its RST has not been sent yet.
    Aborting(End),
    /// The connection is established and waits to be served.
    Backlog,
    /// The program has finished. The stack sends the queued data, then FIN.
    Closing,
    /// This side started the connection. The connection is not established yet.
    Connecting,
    /// A connection that this side started has ended. The slot keeps the program until the caller takes the program.
    Ended(End),
    /// The slot has no connection.
    Free,
    /// The peer started the connection. The connection is not established yet.
    Handshake,
    /// The connection is established, and its program runs.
    Serving,
    /// The connection is in TIME-WAIT: it has ended, but late segments are still answered.
    TimeWait,
}

/// The queue that a slot is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// The queue of connections awaiting address resolution.
    Neighbour,
    None,
    /// The queue of connections that are ready for a turn.
    Run,
}
