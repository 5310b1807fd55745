//! The phases of a connection: accepted, served, closed, ended.

use smoltcp::phy::Device;
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::time::{Duration, Instant};

use super::{Connections, Phase};
use crate::stack::event::{ConnectionId, Event, Io, Probe, Tuple};
use crate::stack::{Console, Context, End, Next, Session, Stack, UdpSession};

/// The longest time for which a connection waits for its RST to be sent. The peer's hardware address might have to be
/// resolved first.
const RESET_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a connection's state might have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Cause {
    /// The connection's program ran.
    Program,
    /// A segment arrived.
    Segment { rst: bool },
    /// The socket had a turn to send. One of its timers might have expired.
    Timer,
}

impl<S: Session + Clone> Connections<'_, S> {
    /// Assigns a free slot to the connection `tuple`. The stack abandons the connection if it is not established by
    /// `give_up_at`.
    pub(in crate::stack) fn occupy(&mut self, index: usize, tuple: Tuple, phase: Phase, give_up_at: Instant) {
        self.enter(index, phase, Some(give_up_at));
        let slot = &mut self.slots[index];
        // The slot still has the values of its previous connection.
        (slot.progress, slot.unresolved) = ((0, 0), false);
        #[cfg(feature = "recovery")]
        {
            (slot.icmp_error, slot.discarded) = (None, false);
        }
        self.index[index].tuple = Some(tuple);
        self.table.insert(self.index, index);
    }

    /// Moves a connection to the phase `phase`. If the connection is still in this phase at `give_up_at`, the stack
    /// abandons the connection.
    ///
    /// Only this function changes the lists, the listener's counts and the timers that depend on the phase.
    #[inline(never)]
    pub(in crate::stack) fn enter(&mut self, index: usize, phase: Phase, give_up_at: Option<Instant>) {
        let slot = &mut self.slots[index];
        let before = core::mem::replace(&mut slot.phase, phase);
        (slot.give_up_at, slot.wake_at, slot.run) = (give_up_at, None, phase == Phase::Serving);
        let (state, listener) = (slot.state, slot.listener);
        let mut listening = listener.and_then(|number| self.listeners.get_mut(usize::from(number)));
        // The connection leaves the list or count of the old phase.
        match (before, &mut listening) {
            (Phase::Free, _) => self.free.remove(self.index, index),
            (Phase::Handshake, _) => self.handshakes.remove(self.index, index),
            (Phase::Backlog, Some(listening)) => listening.backlog.remove(self.index, index),
            (Phase::Serving, Some(listening)) => listening.serving -= 1,
            (Phase::TimeWait, _) => self.time_wait.remove(self.index, index),
            _ => {}
        }
        // The connection enters the list or count of the new phase.
        match (phase, &mut listening) {
            (Phase::Handshake, _) => self.handshakes.push_back(self.index, index),
            (Phase::Backlog, Some(listening)) => listening.backlog.push_back(self.index, index),
            (Phase::Serving, Some(listening)) => {
                listening.serving += 1;
                slot.session = Some(listening.listener.session.clone());
            }
            (Phase::TimeWait, _) => {
                slot.session = None;
                self.time_wait.push_back(self.index, index);
            }
            (Phase::Free, _) => {
                slot.session = None;
                // From now on, no `ConnectionId` of the old connection refers to this slot.
                slot.generation = slot.generation.wrapping_add(1);
                self.free.push_front(self.index, index);
            }
            _ => {}
        }
        match phase {
            // An RST or a SYN must be sent, or the program must run.
            Phase::Aborting(_) | Phase::Connecting | Phase::Serving => self.enqueue(index),
            // In TIME-WAIT, the slot still answers late segments.
            Phase::Ended(_) if state == State::TimeWait => {}
            Phase::Ended(_) | Phase::Free => self.forget(index),
            _ => {}
        }
        // A connection has entered the backlog, or has made room for a connection in the backlog.
        if phase == Phase::Backlog || before == Phase::Serving {
            self.serve_waiting(listener);
        }
    }

    /// Starts to serve connections from the backlog, oldest first, up to the listener's limit.
    fn serve_waiting(&mut self, listener: Option<u8>) {
        while let Some(listening) = listener.and_then(|number| self.listeners.get(usize::from(number)))
            && listening.serving < listening.listener.serve_at_once
            && let Some(index) = listening.backlog.front()
        {
            // `enter` takes the connection from the backlog and counts it in `serving`.
            self.enter(index, Phase::Serving, None);
        }
    }

    /// Removes a slot from the table and the queues. Segments and timers no longer reach the slot.
    fn forget(&mut self, index: usize) {
        self.dequeue(index);
        self.deadlines.set(self.index, index, None);
        self.table.remove(self.index, index);
        self.index[index].tuple = None;
    }

    /// Closes a connection whose program has finished. FIN is sent after the queued data.
    pub(in crate::stack) fn close(&mut self, index: usize) {
        self.enter(index, Phase::Closing, None);
        self.drain(index);
        self.close_now(index);
    }

    /// Closes the socket of a closing connection. With `recovery`, a socket in CLOSE-WAIT is closed only once the
    /// peer's window has room for all queued data.
    ///
    /// In LAST-ACK, smoltcp ignores window updates, so a socket that was closed earlier might never send the rest of
    /// its data.
    pub(super) fn close_now(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        if !matches!(slot.phase, Phase::Closing) {
            return;
        }
        let Some((set, handle)) = &mut slot.set else { return };
        let socket = set.get_mut::<Socket>(*handle);
        let closes = match socket.state() {
            #[cfg(not(feature = "recovery"))]
            State::CloseWait => true,
            #[cfg(feature = "recovery")]
            State::CloseWait => slot.control.has_window_for(socket.send_queue()),
            State::Established | State::SynReceived | State::SynSent | State::Listen => true,
            // In the other states, the socket is already closed on this side.
            _ => false,
        };
        if closes {
            socket.close();
        }
    }

    /// Aborts a connection with RST.
    pub(in crate::stack) fn abort(&mut self, now: Instant, index: usize, end: End) {
        if let Some(socket) = self.slots[index].socket() {
            socket.abort();
        }
        self.enter(index, Phase::Aborting(end), Some(now + RESET_TIMEOUT));
    }

    /// Discards the data that a finished program did not read. The empty receive buffer keeps the window open for the
    /// peer's FIN.
    pub(super) fn drain(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let Some((set, handle)) = &mut slot.set else { return };
        let socket = set.get_mut::<Socket>(*handle);
        // Each call discards the bytes up to the end of the ring buffer.
        while socket.recv(|data| (data.len(), data.len())).is_ok_and(|len| len > 0) {
            #[cfg(feature = "recovery")]
            {
                // An RST later reports the loss to the peer: see `Slot::owes_reset`.
                slot.discarded = true;
            }
        }
    }

    /// Ends a connection that no program serves and frees the connection's slot. Sends no segment and calls no program.
    pub(in crate::stack) fn drop_unserved<P: Probe>(&mut self, now: Instant, index: usize, end: End, probe: &mut P) {
        if let (Phase::Handshake, Some(tuple)) = (self.slots[index].phase, self.tuple(index)) {
            probe.event(now, &Event::HandshakeEnded { id: self.id(index), tuple, end });
        }
        self.enter(index, Phase::Free, None);
    }
}

impl<'a, S: Session + Clone, U: UdpSession> Stack<'a, S, U> {
    /// Moves a connection to another phase if a change of its socket's TCP state requires this. Returns false if the
    /// connection needs no more work.
    #[inline(always)]
    pub(in crate::stack) fn check_state<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        cause: Cause,
        io: &mut Io<D, C, P>,
    ) -> bool {
        // Inlined: a board calls this function three times for each echo. Usually the state has not changed, so there
        // is nothing to do.
        if self.connections.slots[index].is_established() {
            return true;
        }
        self.on_state_change(now, index, cause, io)
    }

    /// Moves a connection to the phase that its TCP state requires, and reports a change of this state. `cause` says
    /// what might have changed the state.
    ///
    /// Returns false if the connection has ended and is not in TIME-WAIT. [`check_state`](Self::check_state) usually
    /// skips this call, so the function is not inlined there.
    #[inline(never)]
    fn on_state_change<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        cause: Cause,
        io: &mut Io<D, C, P>,
    ) -> bool {
        let id = self.connections.id(index);
        // This call can end the connection and free its slot.
        self.change_phase(now, id, cause, io);
        self.connections.is_alive(id)
    }

    /// Moves a connection to the phase that its TCP state requires. Reports each change of the state.
    fn change_phase<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        id: ConnectionId,
        cause: Cause,
        io: &mut Io<D, C, P>,
    ) {
        let (index, connections) = (id.slot(), &mut self.connections);
        let Some(tuple) = connections.tuple(index) else { return };
        let slot = &mut connections.slots[index];
        let Some(socket) = slot.peek() else { return };
        // A closed socket has a remote endpoint until its RST is sent.
        let (state, reset_sent) = (socket.state(), socket.remote_endpoint().is_none());
        let before = core::mem::replace(&mut slot.state, state);
        if state != before {
            io.probe.event(now, &Event::State { id, tuple, from: before, to: state });
            if state == State::TimeWait {
                slot.time_wait_until = now + self.config.tcp.time_wait;
            }
            if matches!(slot.phase, Phase::Serving | Phase::Closing) {
                slot.give_up_at = None;
            }
        }
        match (slot.phase, state) {
            (Phase::Handshake, State::SynReceived) | (Phase::Connecting, State::SynSent | State::SynReceived) => {}
            // smoltcp did not accept the SYN, so there never was a connection.
            (Phase::Handshake, State::Listen) if before == State::Listen => connections.enter(index, Phase::Free, None),
            (Phase::Handshake, State::Listen) => connections.drop_unserved(now, index, End::Reset, &mut io.probe),
            (Phase::Handshake, State::Closed) => {
                let end = self.end_by_timer(tuple, End::TimedOut);
                self.connections.drop_unserved(now, index, end, &mut io.probe);
            }
            (Phase::Handshake, _) => {
                io.probe.event(now, &Event::Accepted { id, tuple });
                connections.time_wait_records.forget(now, &tuple);
                connections.enter(index, Phase::Backlog, None);
            }
            (Phase::Connecting, State::Closed) => {
                let end = match cause {
                    Cause::Segment { rst: true } => End::Refused,
                    _ => self.end_by_timer(tuple, self.connections.slots[index].silence()),
                };
                self.finish(now, index, end, io);
            }
            (Phase::Connecting, _) => {
                io.probe.event(now, &Event::Connected { id, tuple });
                connections.enter(index, Phase::Serving, None);
            }
            (Phase::Backlog | Phase::Serving | Phase::Closing, State::Closed) => {
                let end = match cause {
                    // The connection has already ended, but its program is still reading (see below).
                    _ if before == State::Closed => End::Closed,
                    Cause::Segment { rst: true } => End::Reset,
                    Cause::Segment { .. } => End::Closed,
                    Cause::Program => End::Aborted,
                    Cause::Timer if before == State::TimeWait => End::Closed,
                    Cause::Timer => self.end_by_timer(tuple, self.connections.slots[index].timed_out()),
                };
                if end == End::Closed && self.connections.slots[index].phase == Phase::Serving {
                    self.read_the_rest(now, index, io);
                    // A program that has asked to be woken reads the remaining data later.
                    let slot = &self.connections.slots[index];
                    if slot.wake_at.is_some() && slot.peek().is_some_and(|socket| socket.recv_queue() > 0) {
                        return;
                    }
                }
                if reset_sent { self.finish(now, index, end, io) } else { self.connections.abort(now, index, end) }
            }
            (Phase::Closing, State::TimeWait) => self.finish(now, index, End::Closed, io),
            (Phase::Aborting(end), _) if reset_sent => self.finish(now, index, end, io),
            (Phase::TimeWait, State::Closed) => connections.enter(index, Phase::Free, None),
            (Phase::Ended(_), State::Closed) => connections.forget(index),
            _ => {}
        }
    }

    /// Returns the [`End`] of a connection that smoltcp closed. The result is `timed_out`, or [`End::AddressGone`] if
    /// the local address is gone.
    fn end_by_timer(&self, tuple: Tuple, timed_out: End) -> End {
        if self.iface.has_ip_addr(tuple.local.addr) { timed_out } else { End::AddressGone }
    }

    /// Ends a connection and notifies its program. Frees the slot unless TIME-WAIT or [`Stack::take`] needs the slot.
    pub(in crate::stack) fn finish<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        end: End,
        io: &mut Io<D, C, P>,
    ) {
        let Some(tuple) = self.connections.tuple(index) else { return };
        let id = self.connections.id(index);
        io.probe.event(now, &Event::Ended { id, tuple, end });
        self.with_program(now, index, &mut io.console, |session, _, context| session.ended(end, context));
        let slot = &self.connections.slots[index];
        // If this host started the connection, the slot keeps the program until `take` returns it.
        let phase = match (slot.listener, slot.state) {
            (None, _) => Phase::Ended(end),
            (Some(_), State::TimeWait) => Phase::TimeWait,
            (Some(_), _) => Phase::Free,
        };
        self.connections.enter(index, phase, None);
    }

    /// Ends a connection whose time limit has expired. An established connection sends an RST first.
    pub(in crate::stack) fn give_up<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        io: &mut Io<D, C, P>,
    ) {
        match self.connections.slots[index].phase {
            Phase::Handshake => self.connections.drop_unserved(now, index, End::TimedOut, &mut io.probe),
            Phase::Connecting => self.finish(now, index, self.connections.slots[index].silence(), io),
            Phase::Aborting(end) => self.finish(now, index, end, io),
            Phase::Serving | Phase::Closing | Phase::Backlog => {
                self.connections.abort(now, index, self.connections.slots[index].timed_out());
                self.on_state_change(now, index, Cause::Timer, io);
            }
            // `give_up_at` limits none of these phases. TIME-WAIT ends at `time_wait_until`.
            Phase::Ended(_) | Phase::Free | Phase::TimeWait => self.connections.slots[index].give_up_at = None,
        }
    }

    /// Runs the program of a closed connection until the program has read all data or stops reading. Stores the time at
    /// which the program asks to run again, if any, and ignores its other decisions.
    fn read_the_rest<D: Device, C: Console, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) {
        let unread = |stack: &Self| stack.connections.slots[index].peek().map_or(0, |socket| socket.recv_queue());
        let mut left = unread(self);
        while left > 0 {
            let next = self.run_session(now, index, io);
            self.connections.slots[index].wake_at = match next {
                Next::WakeAt(at) => Some(at),
                _ => None,
            };
            let now_left = unread(self);
            // The program has read nothing in this run.
            if now_left >= left {
                return;
            }
            left = now_left;
        }
    }

    /// Calls `act` with a connection's program, socket and [`Context`]. Returns the result of `act`, or `None` if the
    /// connection has no program.
    ///
    /// Wakes all programs afterwards if the program called [`Context::wake_programs`]. The function is never inlined,
    /// which saves 100 bytes of a board's flash.
    #[inline(never)]
    pub(in crate::stack) fn with_program<R>(
        &mut self,
        now: Instant,
        index: usize,
        console: &mut dyn Console,
        act: impl FnOnce(&mut S, &mut Socket<'a>, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let slot = &mut self.connections.slots[index];
        #[cfg(feature = "recovery")]
        let held_back = slot.control.is_held_back(now);
        #[cfg(not(feature = "recovery"))]
        let held_back = false;
        let (Some((set, handle)), Some(session)) = (&mut slot.set, &mut slot.session) else { return None };
        let mut context = Context {
            now,
            console,
            scratch: self.scratch,
            udp_ports: self.datagrams.ports_in_use(),
            addresses: self.iface.ip_addrs(),
            held_back,
            wake: false,
        };
        let result = act(session, set.get_mut(*handle), &mut context);
        if context.wake {
            self.wake_programs();
        }
        Some(result)
    }
}
