//! A connection's turn: its program runs, its segments are sent, and its next deadline is set. transmit.rs sends the
//! segments.

use smoltcp::phy::Device;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

use super::deadlines::sooner;
use super::lifecycle::Cause;
use super::slot::Queue;
use super::{Connections, Phase};
use crate::stack::event::{Event, Io, Probe, Step};
use crate::stack::ingress::Sent;
use crate::stack::{Console, End, Next, Session, Stack, UdpSession};

/// The time before a socket is polled again after it sent nothing. Without this time, a socket that requests an
/// immediate poll would cause a busy loop.
pub(in crate::stack) const RETRY: Duration = Duration::from_millis(10);

/// The time between two ARP or NDP requests for a next hop. A connection awaiting address resolution is polled again
/// after this time.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Runs the turns of queued connections until a program has run or a frame is sent. Returns `None` if neither
    /// happens.
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
                    // The device is full, but the program of the next connection in the queue might have to run: see
                    // `start`. A program needs no room in the device.
                    if !self.connections.second_must_run() {
                        return None;
                    }
                    self.connections.move_to_back(index);
                }
                // `send` has taken the connection from the front of the queue, so the loop goes on with the next
                // connection.
                Sending::Nothing => {}
                Sending::Other => return Some(Step::Egress(None)),
                Sending::Segment => return Some(Step::Egress(Some(id))),
            }
        }
        None
    }

    /// Runs a connection's program once and returns the program's decision.
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
        // A connection without a program or without endpoints is closed.
        let Some((next, read, written)) = run else { return Next::Close };
        let Some(tuple) = &self.connections.index[index].tuple else { return Next::Close };
        if read == 0 && written == 0 {
            return next;
        }
        let (id, tuple) = (self.connections.id(index), *tuple);
        // Every read or write is progress, even if the queues have the same lengths as before.
        self.connections.slots[index].give_up_at = None;
        if read > 0 {
            io.probe.event(now, &Event::Read { id, tuple, bytes: read });
        }
        if written > 0 {
            io.probe.event(now, &Event::Wrote { id, tuple, bytes: written });
        }
        next
    }

    /// Carries out the program's decision, `next`.
    fn obey<D: Device, C: Console, P: Probe>(&mut self, now: Instant, index: usize, next: Next, io: &mut Io<D, C, P>) {
        let connections = &mut self.connections;
        // The decision replaces the time that the program requested before.
        connections.slots[index].wake_at = None;
        match next {
            Next::Wait => {}
            Next::WakeAt(at) => connections.slots[index].wake_at = Some(at),
            Next::Close => connections.close(index),
            Next::Abort => connections.abort(now, index, End::Aborted),
        }
        let is_alive = self.check_state(now, index, Cause::Program, io);
        // While the device is full, the connection might get no turn, so its deadline is set here.
        if is_alive && self.connections.blocked {
            self.connections.schedule_blocked(now, index);
        }
    }

    /// Lets a connection send a segment and sets the connection's next deadline.
    #[cfg_attr(feature = "recovery", inline(never))]
    fn send<D: Device, C: Console, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) -> Sending {
        // With `recovery`, never inlined: this large function would make every step slower, even a step without a turn.
        // `changed` says whether smoltcp built a frame, and `current` whether the connection still needs a deadline.
        let rests = self.connections.slots[index].rests(now);
        let (changed, sent) = if rests { (false, Sent::default()) } else { self.transmit(now, index, io) };
        let current = self.check_state(now, index, Cause::Timer, io);
        self.connections.blocked = sent.exhausted;
        // Only a connection in the run queue needs a new deadline.
        let current = current && self.connections.slots[index].queue == Queue::Run;
        if sent.exhausted {
            if current {
                self.connections.schedule_blocked(now, index);
            }
            return Sending::Blocked;
        }
        if current {
            let slot = &mut self.connections.slots[index];
            // The time of smoltcp's next work. Usually this time is known without asking smoltcp. `Some(None)` means
            // that smoltcp's work is later than the control block's.
            #[cfg(feature = "recovery")]
            let known = match sent.idle_until {
                None if changed && slot.only_waits(now) => Some(None),
                until => until.map(Some),
            };
            #[cfg(not(feature = "recovery"))]
            let known: Option<Option<Instant>> = None;
            let poll_at = match known {
                Some(poll_at) => poll_at,
                None if slot.rests(now) => Some(slot.time_wait_until).filter(|&until| until > now),
                None => slot.set().and_then(|set| self.iface.poll_at(now, set)),
            };
            // The newest attempt to send shows whether the next hop's hardware address is known.
            if sent.unresolved || changed {
                slot.unresolved = !changed;
            }
            #[cfg(feature = "recovery")]
            let poll_at = {
                slot.socket_at = poll_at.filter(|at| *at > now);
                sooner(poll_at, slot.block_due(self.config.tcp.idle_timeout))
            };
            self.connections.schedule(now, index, poll_at, sent.unresolved, changed);
        }
        match changed {
            true => Sending::Segment,
            // Instead of the segment, a request for the next hop's hardware address is sent.
            false if sent.unresolved && self.ask_for(now, index, io) => Sending::Other,
            false => Sending::Nothing,
        }
    }

    /// Handles the earliest deadline that has passed, and queues its connection for a turn. Handles one deadline per
    /// call.
    pub(in crate::stack) fn start_due<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) {
        let connections = &mut self.connections;
        let Some(index) = connections.deadlines.past(connections.index, now) else { return };
        let timer = connections.take_due(now, index);
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
        // `give_up` might have ended the connection.
        if self.connections.is_alive(id) {
            self.connections.start(now, index);
        }
    }
}

/// The action for a connection whose deadline has passed.
enum Timer {
    /// Ends the connection, because its time limit has expired.
    GiveUp,
    /// Runs the program, at the time that the program requested.
    Program,
    /// Lets smoltcp send.
    Socket,
}

impl<S: Session + Clone> Connections<'_, S> {
    /// Sets a connection's next deadline at the end of its turn. `poll_at` is the time of the socket's next work,
    /// unless a frame arrives earlier. `unresolved` is true if the next hop's hardware address is unknown. `sent` is
    /// true if the turn sent a frame.
    fn schedule(&mut self, now: Instant, index: usize, poll_at: Option<Instant>, unresolved: bool, sent: bool) {
        self.dequeue(index);
        self.watch_progress(now, index);
        let mut at = poll_at;
        if self.slots[index].run || (sent && at.is_some_and(|at| at <= now)) {
            // The program must run, or the socket has more to send. The connection waits for another turn.
            self.enqueue(index);
        } else if at.is_some_and(|at| at <= now) {
            // The socket asks for another poll now, although it sent nothing.
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

    /// Sets the deadline of a connection that waits for room in the device. The connection's timers still run.
    fn schedule_blocked(&mut self, now: Instant, index: usize) {
        self.watch_progress(now, index);
        let slot = &self.slots[index];
        let due = sooner(slot.wake_at, slot.give_up_at).map(|at| at.max(now + RETRY));
        self.deadlines.set(self.index, index, due);
    }

    /// Limits how long a closing or half-closed connection may go without progress.
    fn watch_progress(&mut self, now: Instant, index: usize) {
        let slot = &mut self.slots[index];
        // A half-closed connection whose program has asked to run later gets no new limit, except in TIME-WAIT.
        let limit = match (slot.phase, slot.state) {
            (Phase::Closing, _) => self.tcp.linger,
            (Phase::Serving | Phase::Backlog, State::Established) => return,
            (Phase::Serving, State::TimeWait) => self.tcp.idle_timeout,
            (Phase::Serving, _) if slot.wake_at.is_none() => self.tcp.idle_timeout,
            _ => return,
        };
        // The lengths of the send queue and of the receive queue. A change of a length is progress.
        let progress = slot.peek().map_or((0, 0), |socket| (socket.send_queue(), socket.recv_queue()));
        if slot.give_up_at.is_none() || slot.progress != progress {
            slot.give_up_at = Some(now + limit);
            slot.progress = progress;
        }
        // A peer that acknowledges anything, such as a window probe, is alive (RFC 9293 section 3.8.6.1). An answer to
        // a keep-alive probe does not count, because such a probe is sent only while no data is queued. A FIN in flight
        // is treated as queued data.
        #[cfg(feature = "recovery")]
        if progress.0 > 0 || slot.control.flight() > 0 {
            slot.give_up_at = slot.give_up_at.max(Some(slot.control.heard_at() + slot.control.interval() + limit));
        }
    }

    /// Removes a connection's deadline, which has passed, and returns the timer that expired.
    fn take_due(&mut self, now: Instant, index: usize) -> Timer {
        self.deadlines.set(self.index, index, None);
        let slot = &mut self.slots[index];
        if slot.give_up_at.is_some_and(|at| at <= now) {
            Timer::GiveUp
        } else if slot.wake_at.take_if(|at| *at <= now).is_some() {
            // `take_if` has cleared the time that the program requested.
            Timer::Program
        } else {
            Timer::Socket
        }
    }

    /// Queues a connection for its turn.
    fn start(&mut self, now: Instant, index: usize) {
        self.enqueue(index);
        // While the device is full, the first connection in the queue cannot send. A program needs no room in the
        // device, so a connection whose program must run moves to the front.
        if self.blocked {
            if self.slots[index].run {
                self.move_to_front(index);
            }
            self.schedule_blocked(now, index);
        }
    }

    /// Returns whether the program of the second connection in the run queue must run.
    fn second_must_run(&self) -> bool {
        self.run_queue.second(self.index).is_some_and(|behind| self.slots[behind].run)
    }
}

/// The result of a connection's turn to send.
enum Sending {
    /// The device has no room.
    Blocked,
    /// No frame was sent.
    Nothing,
    /// A request for the next hop was sent.
    Other,
    /// A segment from the connection was sent, or withheld.
    Segment,
}
