//! A connection's life: accepted, served, closed, over.

use smoltcp::phy::Device;
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::time::{Duration, Instant};

use super::event::{Event, Io, Probe, Tuple};
use super::memory::Queue;
use super::{ConnectionId, Console, End, Phase, Session, Stack, UdpSession};

/// How long RST may take to leave: as long as one attempt to learn the peer's hardware address.
const RESET_PATIENCE: Duration = Duration::from_secs(1);

/// A connection that asks for keep-alive probes does so this many times within its idle timeout.
const PROBES: u32 = 4;

/// Why a connection's state may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its program did something.
    Program,
    /// A segment arrived.
    Segment { rst: bool },
    /// It had a chance to send: a timer may have run out.
    Timer,
}

impl<'a, S: Session + Clone, U: UdpSession> Stack<'a, S, U> {
    /// Draws the consequences of whatever the socket's state is now; false if the connection has not its slot any more.
    pub(super) fn settle<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        cause: Cause,
        io: &mut Io<D, C, P>,
    ) -> bool {
        // Nothing follows from this, and most of the time it is so.
        let slot = &self.slots[index];
        let established = slot.state == State::Established && slot.peek().is_some_and(|s| s.state() == slot.state);
        if established && slot.phase == Phase::Serving {
            return true;
        }
        let id = self.id(index);
        self.follow(now, id, cause, io);
        self.is_current(id)
    }

    /// Draws the consequences of a change.
    #[inline(never)]
    fn follow<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        id: ConnectionId,
        cause: Cause,
        io: &mut Io<D, C, P>,
    ) {
        let index = id.slot();
        let Some(socket) = self.slots[index].peek() else { return };
        let Some(tuple) = self.links[index].tuple else { return };
        let (state, silent) = (socket.state(), socket.remote_endpoint().is_none());
        let slot = &mut self.slots[index];
        let before = core::mem::replace(&mut slot.state, state);
        if state != before {
            io.probe.event(now, &Event::State { id, tuple, from: before, to: state });
            if matches!(slot.phase, Phase::Serving | Phase::Closing) {
                slot.guard = None;
            }
        }
        match (slot.phase, state) {
            (Phase::HalfOpen, State::SynReceived) | (Phase::Connecting, State::SynSent | State::SynReceived) => {}
            // The interface did not take the SYN, so there never was a connection.
            (Phase::HalfOpen, State::Listen) if before == State::Listen => self.release(index),
            (Phase::HalfOpen, State::Listen) => self.drop_unserved(now, index, End::Reset, &mut io.probe),
            (Phase::HalfOpen, State::Closed) => {
                let gone = !self.iface.has_ip_addr(tuple.local.addr);
                let end = if gone { End::AddressGone } else { End::TimedOut };
                self.drop_unserved(now, index, end, &mut io.probe);
            }
            (Phase::HalfOpen, _) => self.accept(now, index, tuple, io),
            (Phase::Connecting, State::Closed) => {
                let end = match cause {
                    Cause::Segment { rst: true } => End::Refused,
                    _ if !self.iface.has_ip_addr(tuple.local.addr) => End::AddressGone,
                    _ => self.silence(index),
                };
                self.finish(now, index, end, io);
            }
            (Phase::Connecting, _) => {
                slot.guard = None;
                slot.phase = Phase::Serving;
                slot.run = true;
                io.probe.event(now, &Event::Connected { id, tuple });
                self.enqueue(index);
            }
            (Phase::Backlog | Phase::Serving | Phase::Closing, State::Closed) => {
                let end = match cause {
                    Cause::Segment { rst: true } => End::Reset,
                    Cause::Segment { .. } => End::Closed,
                    Cause::Program => End::Aborted,
                    Cause::Timer if before == State::TimeWait => End::Closed,
                    Cause::Timer if !self.iface.has_ip_addr(tuple.local.addr) => End::AddressGone,
                    Cause::Timer => End::TimedOut,
                };
                if end == End::Closed && self.slots[index].phase == Phase::Serving {
                    self.read_the_rest(now, index, io);
                }
                if silent { self.finish(now, index, end, io) } else { self.abort(now, index, end) }
            }
            (Phase::Closing, State::TimeWait) => self.finish(now, index, End::Closed, io),
            (Phase::Aborting(end), _) if silent => self.finish(now, index, end, io),
            (Phase::TimeWait, State::Closed) => self.release(index),
            (Phase::Ended(_), State::Closed) => self.forget(index),
            _ => {}
        }
    }

    /// A half-open connection is established: serve it, or let it wait.
    fn accept<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        tuple: Tuple,
        io: &mut Io<D, C, P>,
    ) {
        self.leave_phase(index);
        let id = self.id(index);
        io.probe.event(now, &Event::Accepted { id, tuple });
        let slot = &mut self.slots[index];
        slot.guard = None;
        slot.phase = Phase::Backlog;
        if let Some(listening) = slot.listener.and_then(|l| self.listeners.get_mut(usize::from(l))) {
            listening.waiting.push_back(self.links, index);
        }
        self.serve_waiting(self.slots[index].listener);
    }

    /// Serves whoever waits, as many as the listener serves at once.
    pub(super) fn serve_waiting(&mut self, listener: Option<u8>) {
        let Some(number) = listener else { return };
        while let Some(listening) = self.listeners.get_mut(usize::from(number))
            && listening.serving < listening.listener.serve_at_once
            && let Some(index) = listening.waiting.pop_front(self.links)
        {
            listening.serving += 1;
            let slot = &mut self.slots[index];
            slot.session = Some(listening.listener.session.clone());
            slot.phase = Phase::Serving;
            slot.run = true;
            self.enqueue(index);
        }
    }

    /// The program is done with a connection: FIN follows what it has sent.
    pub(super) fn close(&mut self, index: usize) {
        if let Some(socket) = self.slots[index].socket() {
            socket.close();
        }
        self.leave_phase(index);
        let slot = &mut self.slots[index];
        slot.phase = Phase::Closing;
        slot.guard = None;
        slot.wake = None;
        let listener = slot.listener;
        self.drain(index);
        self.serve_waiting(listener);
    }

    /// Gives a connection up with RST.
    pub(super) fn abort(&mut self, now: Instant, index: usize, end: End) {
        if let Some(socket) = self.slots[index].socket() {
            socket.abort();
        }
        self.leave_phase(index);
        let slot = &mut self.slots[index];
        slot.phase = Phase::Aborting(end);
        slot.guard = Some(now + RESET_PATIENCE);
        slot.wake = None;
        let listener = slot.listener;
        self.enqueue(index);
        self.serve_waiting(listener);
    }

    /// Throws away what arrives after the program is done, so that the peer's FIN can arrive too.
    pub(super) fn drain(&mut self, index: usize) {
        if let Some(socket) = self.slots[index].socket() {
            while socket.recv(|data| (data.len(), data.len())).is_ok_and(|len| len > 0) {}
        }
    }

    /// The connection is over: tell its program, and free the slot unless something still needs it.
    pub(super) fn finish<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        end: End,
        io: &mut Io<D, C, P>,
    ) {
        let Some(tuple) = self.links[index].tuple else { return };
        self.leave_phase(index);
        let slot = &mut self.slots[index];
        let id = ConnectionId { index: index as super::Index, generation: slot.generation };
        io.probe.event(now, &Event::Ended { id, tuple, end });
        self.with_program(now, index, &mut io.console, |session, _, context| session.ended(end, context));
        let slot = &mut self.slots[index];
        let listener = slot.listener;
        slot.wake = None;
        slot.guard = None;
        slot.run = false;
        match (listener, slot.state) {
            (None, state) => {
                slot.phase = Phase::Ended(end);
                if state != State::TimeWait {
                    self.forget(index);
                }
            }
            (Some(_), State::TimeWait) => {
                slot.session = None;
                slot.phase = Phase::TimeWait;
                self.time_wait.push_back(self.links, index);
            }
            (Some(_), _) => self.release(index),
        }
        self.serve_waiting(listener);
    }

    /// Ends a connection that no program has, silently: its socket is simply used anew.
    pub(super) fn drop_unserved<P: Probe>(&mut self, now: Instant, index: usize, end: End, probe: &mut P) {
        if let (Phase::HalfOpen, Some(tuple)) = (self.slots[index].phase, self.links[index].tuple) {
            probe.event(now, &Event::HalfOpenEnded { id: self.id(index), tuple, end });
        }
        self.release(index);
    }

    /// The guard has run out.
    pub(super) fn give_up<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        io: &mut Io<D, C, P>,
    ) {
        match self.slots[index].phase {
            Phase::HalfOpen => self.drop_unserved(now, index, End::TimedOut, &mut io.probe),
            Phase::Connecting => self.finish(now, index, self.silence(index), io),
            Phase::Aborting(end) => self.finish(now, index, end, io),
            Phase::Serving | Phase::Closing | Phase::Backlog => {
                self.abort(now, index, End::TimedOut);
                self.settle(now, index, Cause::Timer, io);
            }
            Phase::Ended(_) | Phase::Free | Phase::TimeWait => self.slots[index].guard = None,
        }
    }

    /// How a connection ends that nobody answered: its SYN may not even have left.
    fn silence(&self, index: usize) -> End {
        if self.slots[index].unresolved { End::Unreachable } else { End::TimedOut }
    }

    /// The peer has closed and acknowledged everything, and the socket is gone: the program reads what is left.
    fn read_the_rest<D: Device, C: Console, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) {
        let mut left = self.slots[index].socket().map_or(0, |socket| socket.recv_queue());
        while left > 0 {
            let _ = self.run_session(now, index, io);
            let now_left = self.slots[index].socket().map_or(0, |socket| socket.recv_queue());
            if now_left >= left {
                return;
            }
            left = now_left;
        }
    }

    /// Takes a slot out of its phase's list and count; the caller gives it the next phase.
    fn leave_phase(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let phase = core::mem::replace(&mut slot.phase, Phase::Free);
        let listening = slot.listener.and_then(|l| self.listeners.get_mut(usize::from(l)));
        match (phase, listening) {
            (Phase::HalfOpen, _) => self.half_open.remove(self.links, index),
            (Phase::Backlog, Some(listening)) => listening.waiting.remove(self.links, index),
            (Phase::Serving, Some(listening)) => listening.serving -= 1,
            (Phase::TimeWait, _) => self.time_wait.remove(self.links, index),
            _ => {}
        }
    }

    /// Frees a slot.
    pub(super) fn release(&mut self, index: usize) {
        self.leave_phase(index);
        self.forget(index);
        let slot = &mut self.slots[index];
        slot.session = None;
        slot.guard = None;
        slot.wake = None;
        slot.run = false;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push_front(self.links, index);
    }

    /// Takes a slot out of the table and the queues: no segment and no timer reaches it any more.
    fn forget(&mut self, index: usize) {
        self.dequeue(index);
        self.deadlines.set(self.links, index, None);
        self.table.remove(self.links, index);
        self.links[index].tuple = None;
    }

    /// Gives a slot its two ends.
    pub(super) fn occupy(&mut self, index: usize, tuple: Tuple, phase: Phase) {
        let slot = &mut self.slots[index];
        slot.phase = phase;
        slot.progress = (0, 0);
        slot.queue = Queue::None;
        slot.unresolved = false;
        self.links[index].tuple = Some(tuple);
        self.table.insert(self.links, index);
    }

    /// A socket as good as new.
    ///
    /// smoltcp gives no socket's buffers back, so the socket is used again. `listen` and `connect` reset most of it; the
    /// congestion controller and the timestamp generator are replaced here. What remains is harmless: the duplicate-ACK
    /// counter starts anew at the first acknowledgement with another number, and the last sequence number only chooses
    /// among SACK ranges. The set remembers besides that a socket waits for a neighbour's hardware address, and would keep
    /// silent a second for the sake of the last peer: only a socket that is added anew has nobody to wait for.
    pub(super) fn fresh_socket(&mut self, index: usize) -> Option<&mut Socket<'a>> {
        let settings = &self.settings;
        let slot = self.slots.get_mut(index)?;
        if let Some((set, handle)) = &mut slot.set
            && let smoltcp::socket::Socket::Tcp(socket) = set.remove(*handle)
        {
            *handle = set.add(socket);
        }
        let socket = slot.socket()?;
        socket.abort();
        socket.set_congestion_control(settings.congestion);
        socket.set_tsval_generator(None);
        socket.set_nagle_enabled(settings.nagle);
        socket.set_ack_delay(settings.ack_delay);
        socket.set_timeout(Some(settings.idle_timeout));
        socket.set_keep_alive(Some((settings.idle_timeout / PROBES).max(Duration::from_millis(1))));
        Some(socket)
    }

    pub(super) fn id(&self, index: usize) -> ConnectionId {
        ConnectionId { index: index as super::Index, generation: self.slots[index].generation }
    }

    /// Whether a connection still has its slot.
    pub(super) fn is_current(&self, id: ConnectionId) -> bool {
        self.slots.get(id.slot()).is_some_and(|slot| slot.generation == id.generation && slot.phase != Phase::Free)
    }
}
