//! The sockets that all frames share: UDP ports and their programs.

use smoltcp::iface::{PollResult, SocketSet, SocketStorage};
use smoltcp::phy::Device;
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket};
use smoltcp::time::{Duration, Instant};

use super::connection::RETRY;
use super::event::{Drop, Event, Io, Probe, Step};
use super::frame::Watch;
use super::{Console, Context, ListenError, Next, Port, Session, Stack, UdpSession};

/// How long a datagram may wait for its receiver's hardware address: one request, one second (RFC 1122 section 2.3.2.1).
const UNREACHABLE: Duration = Duration::from_secs(1);

/// Whose turn it is among the ports, and when they have work without a frame arriving.
#[derive(Default)]
pub(super) struct Turn {
    next: usize,
    send: bool,
    due: Option<Instant>,
    /// Since when something waits to be sent that has no bytes: an empty datagram.
    empty: Option<Instant>,
}

/// Divides the memory among the ports, one socket each.
pub(super) fn sockets<'a, U>(
    ports: &mut [Port<U>],
    storage: &'a mut [SocketStorage<'a>],
    datagrams: &'a mut [PacketMetadata],
    payloads: &'a mut [u8],
) -> SocketSet<'a> {
    let mut set = SocketSet::new(storage);
    let halves = 2 * ports.len().max(1);
    let mut datagrams = datagrams.chunks_exact_mut((datagrams.len() / halves).max(1));
    let mut payloads = payloads.chunks_exact_mut((payloads.len() / halves).max(1));
    let mut buffer = || Some(PacketBuffer::new(datagrams.next()?, payloads.next()?));
    for port in ports {
        if let (Some(receive), Some(send)) = (buffer(), buffer()) {
            port.handle = Some(set.add(Socket::new(receive, send)));
        }
    }
    set
}

impl<'a, S: Session + Clone, U: UdpSession> Stack<'a, S, U> {
    /// Runs a program on a UDP port; on any free one if `number` is 0. Returns the port.
    ///
    /// # Errors
    /// [`ListenError`]: the port has a program, or there is no room for another.
    pub fn bind(&mut self, number: u16, session: U) -> Result<u16, ListenError> {
        let number = match number {
            0 => self.free_udp_port().ok_or(ListenError::Full)?,
            number if self.udp_ports.contains(&number) => return Err(ListenError::InUse),
            number => number,
        };
        let port = self.ports.iter_mut().find(|p| p.session.is_none()).ok_or(ListenError::Full)?;
        let handle = port.handle.ok_or(ListenError::Full)?;
        self.udp_ports.push(number).map_err(|_| ListenError::Full)?;
        self.shared.get_mut::<Socket>(handle).bind(number).map_err(|_| ListenError::InUse)?;
        *port = Port { session: Some(session), handle: Some(handle), number, run: true, ..Port::EMPTY };
        Ok(number)
    }

    /// The program on a UDP port, if it has ended: the port is free then. It stays until it is fetched.
    pub fn take_udp(&mut self, number: u16) -> Option<U> {
        let port = self.ports.iter_mut().find(|p| p.number == number && p.over)?;
        port.over = false;
        port.session.take()
    }

    /// Sends what the ports have queued, or runs the next program that may have something to do.
    pub(super) fn datagrams<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        if self.datagrams_due().is_some_and(|due| due <= now) {
            self.datagrams.due = None;
            self.drop_unreachable(now, &mut io.probe);
            self.datagrams.send = true;
            for port in self.ports.iter_mut().filter(|p| p.wake.is_some_and(|at| at <= now)) {
                port.wake = None;
                port.run = true;
            }
        }
        if self.datagrams.send {
            let mut watch = Watch::new(&mut io.device, &mut io.probe);
            // The rest of a fragmented datagram leaves before another datagram can take its buffer.
            let fragments = self.iface.poll_at(now, &self.none).is_some_and(|at| at <= now);
            let set = if fragments { &mut self.none } else { &mut self.shared };
            let changed = self.iface.poll_egress(now, &mut watch, set) == PollResult::SocketStateChanged;
            let sent = watch.sent;
            self.note_sent();
            if sent.exhausted {
                return None;
            }
            if changed || sent.frames > 0 || fragments {
                return Some(Step::Egress(None));
            }
            self.datagrams.send = false;
            let due = self.iface.poll_at(now, &self.shared);
            self.datagrams.due = due.map(|at| at.max(now + RETRY));
            let empty = due.is_some() && self.ports.iter().all(|port| port.waiting.is_none());
            self.datagrams.empty = empty.then(|| self.datagrams.empty.unwrap_or(now));
        }
        let count = self.ports.len();
        let index = (0..count).map(|k| (self.datagrams.next + k) % count).find(|&k| self.ports[k].run)?;
        self.datagrams.next = index + 1;
        self.run_port(now, index, io)
    }

    /// A frame went to the shared sockets: a program may have a datagram.
    pub(super) fn datagrams_arrived(&mut self) {
        // A neighbour's hardware address may be known now, too.
        self.datagrams.send = true;
        for port in self.ports.iter_mut() {
            port.run |= port.handle.is_some_and(|handle| self.shared.get::<Socket>(handle).can_recv());
        }
    }

    pub(super) fn datagrams_due(&self) -> Option<Instant> {
        let ports = self.ports.iter().filter(|p| p.session.is_some());
        let times = ports.flat_map(|p| [p.wake, p.waiting.map(|since| since + UNREACHABLE)]);
        times.chain([self.datagrams.due, self.datagrams.empty.map(|since| since + UNREACHABLE)]).flatten().min()
    }

    fn run_port<D, C: Console, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) -> Option<Step> {
        let port = &mut self.ports[index];
        port.run = false;
        let (Some(session), Some(handle), false) = (&mut port.session, port.handle, port.over) else { return None };
        let socket = self.shared.get_mut::<Socket>(handle);
        let before = (socket.recv_queue(), socket.send_queue());
        let from = socket.peek().ok().map(|(_, meta)| meta.endpoint);
        let mut context = Context {
            now,
            console: &mut io.console,
            scratch: self.scratch,
            udp_ports: &self.udp_ports,
            addresses: self.iface.ip_addrs(),
        };
        let next = session.poll(socket, &mut context);
        let read = before.0.saturating_sub(socket.recv_queue());
        let sent = socket.send_queue().saturating_sub(before.1);
        if (read > 0 || sent > 0) && !session.is_chore() {
            io.probe.event(now, &Event::Udp { port: port.number, from, read, sent });
        }
        port.wake = None;
        match next {
            Next::Wait => {}
            Next::WakeAt(at) => port.wake = Some(at),
            Next::Close | Next::Abort => {
                socket.close();
                port.over = true;
                port.waiting = None;
                let number = port.number;
                self.udp_ports.retain(|&p| p != number);
                return Some(Step::UdpSession(number, next));
            }
        }
        // An empty datagram does not show in the queue's length.
        self.datagrams.send = true;
        if socket.send_queue() > 0 {
            port.waiting.get_or_insert(now);
        } else {
            port.run |= read > 0 && socket.can_recv();
        }
        Some(Step::UdpSession(port.number, next))
    }

    /// Drops a datagram that has waited in vain for its receiver's hardware address.
    ///
    /// smoltcp would keep it at the head of its queue for ever, and no other client would be answered. There is no call to
    /// remove one datagram, so the socket starts anew; before its next attempt, which would silence it for another second.
    fn drop_unreachable<P: Probe>(&mut self, now: Instant, probe: &mut P) {
        let late = |since: Option<Instant>| since.is_some_and(|since| now >= since + UNREACHABLE);
        let all = late(self.datagrams.empty);
        if all {
            self.datagrams.empty = None;
        }
        for port in self.ports.iter_mut().filter(|p| !p.over && (all || late(p.waiting))) {
            let (Some(handle), Some(session)) = (port.handle, &mut port.session) else { continue };
            let socket = self.shared.get_mut::<Socket>(handle);
            socket.close();
            // Cannot fail: the socket is closed and had this very port.
            let _ = socket.bind(port.number);
            session.unreachable();
            port.waiting = None;
            port.run = true;
            probe.event(now, &Event::Dropped(Drop::Unreachable));
        }
    }

    /// Lets the programs go on whose datagram has left.
    fn note_sent(&mut self) {
        for port in self.ports.iter_mut() {
            if let (Some(_), Some(handle)) = (port.waiting, port.handle)
                && self.shared.get::<Socket>(handle).send_queue() == 0
            {
                port.waiting = None;
                port.run = true;
            }
        }
    }
}
