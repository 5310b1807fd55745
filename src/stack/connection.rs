//! A connection's turn: its program runs, its segments leave, its next deadline is noted.

use smoltcp::iface::PollResult;
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::time::{Duration, Instant};

use super::deadlines::sooner;
use super::event::{Event, Io, Probe, Step};
use super::frame::Watch;
use super::life::Cause;
use super::memory::Queue;
use super::{Console, Context, End, Next, Phase, Session, Stack, UdpSession};

/// How soon a socket is asked again that wants to be polled at once and sends nothing: a guard against spinning.
pub(super) const RETRY: Duration = Duration::from_millis(10);

impl<'a, S: Session + Clone, U: UdpSession> Stack<'a, S, U> {
    /// Does the next piece of work that a connection has: run its program, or send what it has to send.
    pub(super) fn connections<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        while let Some(index) = self.ready.front() {
            let slot = &mut self.slots[index];
            let run = core::mem::take(&mut slot.run);
            let id = self.id(index);
            match self.slots[index].phase {
                Phase::Serving if run => {
                    let next = self.run_session(now, index, io);
                    self.obey(now, index, next, io);
                    return Some(Step::Session(id, next));
                }
                Phase::Closing => self.drain(index),
                _ => {}
            }
            match self.send(now, index, io) {
                Sending::Blocked => {
                    // Programs whose time has come stand right behind: see `start_due`.
                    if self.ready.second(self.links).is_none_or(|behind| !self.slots[behind].run) {
                        return None;
                    }
                    self.ready.remove(self.links, index);
                    self.ready.push_back(self.links, index);
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
        let (Some((next, read, written)), Some(tuple)) = (run, self.links[index].tuple) else { return Next::Close };
        let id = self.id(index);
        if read > 0 {
            io.probe.event(now, &Event::Read { id, tuple, bytes: read });
        }
        if written > 0 {
            io.probe.event(now, &Event::Wrote { id, tuple, bytes: written });
        }
        next
    }

    /// Has a connection's program do something, and then all others if it wants that. `None` where there is no program. Never
    /// inlined: that takes 100 bytes more of a board's flash.
    #[inline(never)]
    pub(super) fn with_program<R>(
        &mut self,
        now: Instant,
        index: usize,
        console: &mut dyn Console,
        act: impl FnOnce(&mut S, &mut Socket<'a>, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let slot = &mut self.slots[index];
        let (Some((set, handle)), Some(session)) = (&mut slot.set, &mut slot.session) else { return None };
        let mut context = Context {
            now,
            console,
            scratch: self.scratch,
            udp_ports: &self.udp_ports,
            addresses: self.iface.ip_addrs(),
            wake: false,
        };
        let result = act(session, set.get_mut(*handle), &mut context);
        if context.wake {
            self.wake_programs();
        }
        Some(result)
    }

    /// Does what the program asked for.
    fn obey<D: Device, C: Console, P: Probe>(&mut self, now: Instant, index: usize, next: Next, io: &mut Io<D, C, P>) {
        let slot = &mut self.slots[index];
        slot.wake = None;
        match next {
            Next::Wait => {}
            Next::WakeAt(at) => slot.wake = Some(at),
            Next::Close => self.close(index),
            Next::Abort => self.abort(now, index, End::Aborted),
        }
        if self.settle(now, index, Cause::Program, io) && self.blocked {
            self.schedule_blocked(now, index);
        }
    }

    /// Lets a connection send, and notes when it has work again.
    fn send<D: Device, C: Console, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) -> Sending {
        let Some((set, _)) = &mut self.slots[index].set else { return Sending::Nothing };
        let mut watch = Watch::new(&mut io.device, &mut io.probe);
        let changed = self.iface.poll_egress(now, &mut watch, set) == PollResult::SocketStateChanged;
        let sent = watch.sent;
        let current = self.settle(now, index, Cause::Timer, io);
        self.blocked = sent.exhausted;
        let current = current && self.slots[index].queue == Queue::Ready;
        if sent.exhausted {
            if current {
                self.schedule_blocked(now, index);
            }
            return Sending::Blocked;
        }
        if current {
            if sent.asked > 0 {
                // A token was asked for and no segment left: the neighbour's hardware address is not known yet.
                self.slots[index].unresolved = !changed;
            }
            self.schedule(now, index, sent.asked > 0 && !changed, changed);
        }
        #[cfg(feature = "dhcp")]
        if sent.asked > sent.frames
            && !changed
            && let Some(tuple) = self.links[index].tuple
            && self.solicit(now, tuple.local.addr, tuple.remote.addr, io)
        {
            return Sending::Other;
        }
        match (changed, sent.frames) {
            (true, _) => Sending::Segment,
            (false, 0) => Sending::Nothing,
            (false, _) => Sending::Other,
        }
    }

    /// Decides when a connection that just had its turn has the next one.
    fn schedule(&mut self, now: Instant, index: usize, unresolved: bool, sent: bool) {
        self.dequeue(index);
        self.watch_progress(now, index);
        let slot = &mut self.slots[index];
        let Some((set, _)) = &slot.set else { return };
        let mut at = self.iface.poll_at(now, set);
        if slot.run || (sent && at.is_some_and(|at| at <= now)) {
            self.enqueue(index);
        } else if at.is_some_and(|at| at <= now) {
            at = Some(now + RETRY);
        }
        if unresolved && self.slots[index].queue == Queue::None {
            self.slots[index].queue = Queue::Neighbour;
            self.neighbour.push_back(self.links, index);
        }
        let slot = &self.slots[index];
        let due = sooner(at, sooner(slot.wake, slot.guard));
        self.deadlines.set(self.links, index, due);
    }

    /// The same for one that keeps its turn, because the device has no room: its times come all the same.
    fn schedule_blocked(&mut self, now: Instant, index: usize) {
        self.watch_progress(now, index);
        let slot = &self.slots[index];
        let due = sooner(slot.wake, slot.guard).map(|at| at.max(now + RETRY));
        self.deadlines.set(self.links, index, due);
    }

    /// Bounds how long a connection may close, or stay half-closed, without progress.
    fn watch_progress(&mut self, now: Instant, index: usize) {
        let slot = &mut self.slots[index];
        let limit = match (slot.phase, slot.state) {
            (Phase::Closing, _) => self.settings.linger,
            (Phase::Serving | Phase::Backlog, State::Established) => return,
            (Phase::Serving, _) if slot.wake.is_none() => self.settings.idle_timeout,
            _ => return,
        };
        let progress = slot.socket().map_or((0, 0), |socket| (socket.send_queue(), socket.recv_queue()));
        if slot.guard.is_none() || slot.progress != progress {
            slot.guard = Some(now + limit);
            slot.progress = progress;
        }
    }

    /// Gives a connection its turn if its deadline has come: at most one a call.
    pub(super) fn start_due<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) {
        let Some(index) = self.deadlines.past(self.links, now) else { return };
        self.deadlines.set(self.links, index, None);
        let id = self.id(index);
        let slot = &mut self.slots[index];
        if slot.guard.is_some_and(|at| at <= now) {
            self.give_up(now, index, io);
        } else if slot.wake.is_some_and(|at| at <= now) {
            slot.wake = None;
            slot.run = true;
        }
        if self.is_current(id) {
            self.enqueue(index);
            // Whoever is first keeps its turn while nothing can leave, and must hold up neither the others' programs nor their times.
            if self.blocked {
                if self.slots[index].run {
                    self.ready.remove(self.links, index);
                    self.ready.push_front(self.links, index);
                }
                self.schedule_blocked(now, index);
            }
        }
    }

    /// Puts a connection at the end of the queue for a turn, unless it stands there already.
    pub(super) fn enqueue(&mut self, index: usize) {
        match core::mem::replace(&mut self.slots[index].queue, Queue::Ready) {
            Queue::Neighbour => self.neighbour.remove(self.links, index),
            Queue::None => {}
            Queue::Ready => return,
        }
        self.ready.push_back(self.links, index);
    }

    pub(super) fn dequeue(&mut self, index: usize) {
        match core::mem::replace(&mut self.slots[index].queue, Queue::None) {
            Queue::Neighbour => self.neighbour.remove(self.links, index),
            Queue::None => {}
            Queue::Ready => self.ready.remove(self.links, index),
        }
    }

    /// A frame came that may name a hardware address: whoever waits for one tries again.
    pub(super) fn neighbours_may_be_known(&mut self) {
        while let Some(index) = self.neighbour.front() {
            self.enqueue(index);
        }
    }
}

/// What a connection's turn to send came to.
enum Sending {
    /// The device has no room.
    Blocked,
    Nothing,
    /// A frame left that was none of its segments: an ARP request or neighbour solicitation.
    Other,
    Segment,
}
