//! A connection's turn: its program runs, its segments leave, its next deadline is set.

use smoltcp::iface::PollResult;
use smoltcp::phy::Device;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

use super::deadlines::sooner;
use super::lifecycle::Cause;
use super::slot::Queue;
use super::{Connections, Phase};
use crate::stack::event::{Event, Io, Probe, Step};
#[cfg(feature = "recovery")]
use crate::stack::ingress::WatchedTx;
use crate::stack::ingress::{Out, Outgoing, Sent, Watch};
use crate::stack::link::Header;
use crate::stack::{Console, End, Next, Session, Stack, UdpSession};

/// How soon a socket is polled again if it asks for that at once and sends nothing. Prevents spinning.
pub(in crate::stack) const RETRY: Duration = Duration::from_millis(10);

/// The time between two requests for a next hop. A connection that waits for its next hop is polled again after this time.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

/// The largest number of segments that one turn makes smoltcp go through because the peer has their bytes.
#[cfg(feature = "recovery")]
const WITHHELD_AT_ONCE: usize = 64;

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Does a connection's next piece of work: runs its program, or sends what it has queued.
    pub(in crate::stack) fn run_connections<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        while let Some(index) = self.connections.run_queue.front() {
            let id = self.connections.id(index);
            let slot = &mut self.connections.slots[index];
            let run = core::mem::take(&mut slot.run);
            match slot.phase {
                Phase::Serving if run => {
                    let next = self.run_session(now, index, io);
                    self.obey(now, index, next, io);
                    return Some(Step::Session(id, next));
                }
                Phase::Closing => self.connections.drain(index),
                _ => {}
            }
            match self.send(now, index, io) {
                Sending::Blocked => {
                    // Programs whose time has come are next in the queue: see `start_due`.
                    if !self.connections.next_but_one_runs() {
                        return None;
                    }
                    self.connections.move_to_back(index);
                }
                Sending::Nothing => {}
                Sending::Other => return Some(Step::Egress(None)),
                Sending::Segment => return Some(Step::Egress(Some(id))),
            }
        }
        None
    }

    /// Runs a connection's program once.
    pub(super) fn run_session<D, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        io: &mut Io<D, C, P>,
    ) -> Next {
        let run = self.with_program(now, index, &mut io.console, |session, socket, context| {
            let (unread, unsent) = (socket.recv_queue(), socket.send_queue());
            let next = session.poll(socket, context);
            (next, unread.saturating_sub(socket.recv_queue()), socket.send_queue().saturating_sub(unsent))
        });
        let (Some((next, read, written)), Some(tuple)) = (run, self.connections.tuple(index)) else {
            return Next::Close;
        };
        let id = self.connections.id(index);
        if read > 0 || written > 0 {
            // Progress, even if the queues are then as long as before.
            self.connections.slots[index].give_up_at = None;
        }
        if read > 0 {
            io.probe.event(now, &Event::Read { id, tuple, bytes: read });
        }
        if written > 0 {
            io.probe.event(now, &Event::Wrote { id, tuple, bytes: written });
        }
        next
    }

    /// Does what the program asked for.
    fn obey<D: Device, C: Console, P: Probe>(&mut self, now: Instant, index: usize, next: Next, io: &mut Io<D, C, P>) {
        let connections = &mut self.connections;
        connections.slots[index].wake_at = None;
        match next {
            Next::Wait => {}
            Next::WakeAt(at) => connections.slots[index].wake_at = Some(at),
            Next::Close => connections.close(index),
            Next::Abort => connections.abort(now, index, End::Aborted),
        }
        if self.check_state(now, index, Cause::Program, io) && self.connections.blocked {
            self.connections.schedule_blocked(now, index);
        }
    }

    /// Lets a connection send, and sets its next deadline.
    fn send<D: Device, C: Console, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) -> Sending {
        let rests = self.connections.slots[index].rests(now);
        let (changed, sent) = if rests { (false, Sent::default()) } else { self.transmit(now, index, io) };
        let current = self.check_state(now, index, Cause::Timer, io);
        self.connections.blocked = sent.exhausted;
        let current = current && self.connections.slots[index].queue == Queue::Run;
        if sent.exhausted {
            if current {
                self.connections.schedule_blocked(now, index);
            }
            return Sending::Blocked;
        }
        if current {
            let slot = &mut self.connections.slots[index];
            let poll_at = if slot.rests(now) {
                Some(slot.time_wait_until).filter(|&until| until > now)
            } else {
                slot.set().and_then(|set| self.iface.poll_at(now, set))
            };
            if sent.unresolved || changed {
                self.connections.slots[index].unresolved = !changed;
            }
            #[cfg(feature = "recovery")]
            let poll_at = sooner(poll_at, self.connections.slots[index].block_due(self.config.tcp.idle_timeout));
            self.connections.schedule(now, index, poll_at, sent.unresolved, changed);
        }
        match changed {
            true => Sending::Segment,
            false if sent.unresolved && self.ask_for(now, index, io) => Sending::Other,
            false => Sending::Nothing,
        }
    }

    /// Fills in the header of a connection's frames. Returns whether the hardware address of the next hop is known.
    fn resolve(&mut self, now: Instant, index: usize, header: &mut Header) -> bool {
        let Some(tuple) = self.connections.tuple(index) else { return false };
        match self.next_hop(tuple.remote.addr) {
            Some(hop) => self.link.resolve(now, &hop, header),
            None => self.link.hardware().is_none(),
        }
    }

    /// Sends a request for the next hop to a connection's peer. Returns whether a frame left.
    fn ask_for<D: Device, C, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) -> bool {
        let hop = self.connections.tuple(index).and_then(|tuple| self.next_hop(tuple.remote.addr));
        hop.is_some_and(|hop| self.ask(now, hop, io))
    }

    /// Lets smoltcp send one frame of a connection. Returns whether smoltcp made one.
    #[cfg(not(feature = "recovery"))]
    fn transmit<D: Device, C, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) -> (bool, Sent) {
        let mut header = None;
        let resolved = self.resolve(now, index, &mut header);
        let slot = &mut self.connections.slots[index];
        let (Some((set, _)), block) = (&mut slot.set, &mut slot.control) else { return (false, Sent::default()) };
        let mut out = Out::new(&mut io.probe, now, header);
        out.outgoing = Some(Outgoing { block });
        let mut watch = Watch::new(&mut io.device, resolved, &mut out);
        let changed = self.iface.poll_egress(now, &mut watch, set) == PollResult::SocketStateChanged;
        let sent = out.sent;
        if sent.frames > 0 {
            self.link.left(now);
        }
        (changed, sent)
    }

    /// Lets smoltcp send one frame of a connection that its peer lacks. Returns whether smoltcp made one.
    #[cfg(feature = "recovery")]
    fn transmit<D: Device, C, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) -> (bool, Sent) {
        let mut header = None;
        let resolved = self.resolve(now, index, &mut header);
        let (mut changed, mut total) = (false, Sent::default());
        self.connections.slots[index].control.expire(now);
        #[cfg(feature = "fragments")]
        let path = self.follow_path(now, index);
        #[cfg(feature = "fragments")]
        if path.needs_fragmenter() && self.fragmenter.is_busy() {
            return (false, Sent { exhausted: true, ..total });
        }
        for _ in 0..WITHHELD_AT_ONCE {
            self.rewind(now, index);
            self.show_news_between_frames(now, index, io);
            self.connections.close_now(index);
            let slot = &mut self.connections.slots[index];
            let (Some((set, _)), block) = (&mut slot.set, &mut slot.control) else { break };
            let mut out = Out::new(&mut io.probe, now, header);
            out.outgoing = Some(Outgoing { block, scratch: self.scratch, checksums: &self.checksums });
            #[cfg(feature = "fragments")]
            path.prepare(&mut out, &mut self.fragmenter);
            let mut watch = Watch::new(&mut io.device, resolved, &mut out);
            changed |= self.iface.poll_egress(now, &mut watch, set) == PollResult::SocketStateChanged;
            let Sent { frames, withheld, exhausted, unresolved, .. } = out.sent;
            total.frames += frames;
            total.withheld += withheld;
            (total.exhausted, total.unresolved) = (exhausted, unresolved);
            if withheld == 0 || frames > 0 {
                break;
            }
        }
        let block = &self.connections.slots[index].control;
        if changed && (block.recovers() || block.sends_singly()) {
            // More may leave now. smoltcp must know of it before it says when it has work.
            self.show_news_between_frames(now, index, io);
        }
        if total.frames > 0 {
            self.link.left(now);
        }
        (changed, total)
    }

    /// Shows smoltcp what it must know before it says what it sends.
    #[cfg(feature = "recovery")]
    fn show_news_between_frames<D: Device, C, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) {
        let token: Option<D::TxToken<'_>> = None;
        let mut out = Out::new(&mut io.probe, now, None);
        self.show_news(index, &mut WatchedTx { token, out: &mut out });
    }

    /// Gives a connection whose deadline has passed its turn: at most one for each call.
    pub(in crate::stack) fn start_due<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) {
        let Some((index, timer)) = self.connections.take_due(now) else { return };
        let id = self.connections.id(index);
        match timer {
            Timer::GiveUp => self.give_up(now, index, io),
            Timer::Program => self.connections.slots[index].run = true,
            #[cfg(feature = "recovery")]
            Timer::Socket
                if self.connections.slots[index].dead_at(self.config.tcp.idle_timeout).is_some_and(|at| at <= now) =>
            {
                self.give_up(now, index, io)
            }
            Timer::Socket => {}
        }
        if self.connections.is_alive(id) {
            self.connections.start(now, index);
        }
    }
}

/// A timer of a connection.
enum Timer {
    /// Gives the connection up.
    GiveUp,
    /// Runs the program, at the time it asked for.
    Program,
    /// Lets smoltcp send.
    Socket,
}

impl<S: Session + Clone> Connections<'_, S> {
    /// Sets the time of a connection's next turn, just after a turn. `poll_at` is when its socket has work, unless a frame arrives
    /// earlier.
    fn schedule(&mut self, now: Instant, index: usize, poll_at: Option<Instant>, unresolved: bool, sent: bool) {
        self.dequeue(index);
        self.watch_progress(now, index);
        let mut at = poll_at;
        if self.slots[index].run || (sent && at.is_some_and(|at| at <= now)) {
            self.enqueue(index);
        } else if at.is_some_and(|at| at <= now) {
            at = Some(now + if unresolved { ASK_INTERVAL } else { RETRY });
        }
        if unresolved && self.slots[index].queue == Queue::None {
            self.slots[index].queue = Queue::Neighbour;
            self.neighbour_queue.push_back(self.index, index);
        }
        let slot = &self.slots[index];
        let due = sooner(at, sooner(slot.wake_at, slot.give_up_at));
        self.deadlines.set(self.index, index, due);
    }

    /// Sets the deadline of a connection that keeps its turn because the device has no room: its timers run all the same.
    fn schedule_blocked(&mut self, now: Instant, index: usize) {
        self.watch_progress(now, index);
        let slot = &self.slots[index];
        let due = sooner(slot.wake_at, slot.give_up_at).map(|at| at.max(now + RETRY));
        self.deadlines.set(self.index, index, due);
    }

    /// Limits how long a connection may close, or stay half-closed, without progress.
    fn watch_progress(&mut self, now: Instant, index: usize) {
        let slot = &mut self.slots[index];
        let limit = match (slot.phase, slot.state) {
            (Phase::Closing, _) => self.tcp.linger,
            (Phase::Serving | Phase::Backlog, State::Established) => return,
            (Phase::Serving, State::TimeWait) => self.tcp.idle_timeout,
            (Phase::Serving, _) if slot.wake_at.is_none() => self.tcp.idle_timeout,
            _ => return,
        };
        let progress = slot.peek().map_or((0, 0), |socket| (socket.send_queue(), socket.recv_queue()));
        if slot.give_up_at.is_none() || slot.progress != progress {
            slot.give_up_at = Some(now + limit);
            slot.progress = progress;
        }
        // A peer that acknowledges anything, such as a probe of its closed window, is alive (RFC 9293 section 3.8.6.1).
        // An answer to a keep-alive does not count: nothing waits to be delivered. A FIN in flight does wait.
        #[cfg(feature = "recovery")]
        if progress.0 > 0 || slot.control.flight() > 0 {
            slot.give_up_at = slot.give_up_at.max(Some(slot.control.heard_at() + slot.control.interval() + limit));
        }
    }

    /// The connection with the earliest passed deadline, and the timer that expired.
    fn take_due(&mut self, now: Instant) -> Option<(usize, Timer)> {
        let index = self.deadlines.past(self.index, now)?;
        self.deadlines.set(self.index, index, None);
        let slot = &mut self.slots[index];
        let timer = if slot.give_up_at.is_some_and(|at| at <= now) {
            Timer::GiveUp
        } else if slot.wake_at.take_if(|at| *at <= now).is_some() {
            Timer::Program
        } else {
            Timer::Socket
        };
        Some((index, timer))
    }

    /// Queues a connection for its turn.
    fn start(&mut self, now: Instant, index: usize) {
        self.enqueue(index);
        // The device is full, so the first in the queue keeps its turn. A program needs no room: this one runs before it.
        if self.blocked {
            if self.slots[index].run {
                self.move_to_front(index);
            }
            self.schedule_blocked(now, index);
        }
    }

    /// Whether the program of the second connection in the queue is to run.
    fn next_but_one_runs(&self) -> bool {
        self.run_queue.second(self.index).is_some_and(|behind| self.slots[behind].run)
    }
}

/// The result of a connection's turn to send.
enum Sending {
    /// The device has no room.
    Blocked,
    Nothing,
    /// A request for the next hop left.
    Other,
    Segment,
}
