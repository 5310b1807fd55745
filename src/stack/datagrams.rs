//! UDP ports, their programs, and the socket set that all ports share.

use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::phy::Device;
#[cfg(feature = "fragments")]
use smoltcp::phy::TxToken;
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket};
use smoltcp::time::Instant;
use smoltcp::wire::IpAddress;
#[cfg(feature = "recovery")]
use smoltcp::wire::IpEndpoint;

use super::connections::{RETRY, sooner};
#[cfg(feature = "fragments")]
use super::event::Direction;
use super::event::{Event, Io, Probe, Step};
#[cfg(feature = "recovery")]
use super::icmp_errors::IcmpError;
use super::link::Shared;
use super::ports::ephemeral_ports;
use super::{Console, Context, ListenError, MAX_PROGRAMS, Next, Port, Session, Stack, UdpSession};

/// The UDP ports, with their programs, their sockets and the next deadline.
pub(super) struct Datagrams<'a, U> {
    pub(super) set: SocketSet<'a>,
    pool: UdpPool<'a>,
    ports: &'a mut [Port<U>],
    /// The numbers of the ports that have a program.
    in_use: heapless::Vec<u16, MAX_PROGRAMS>,
    /// The index of the port whose program is considered next.
    next: usize,
    /// Whether a socket might have datagrams to send.
    may_send: bool,
    /// The next deadline. The deadline is updated after each step of the UDP ports.
    due: Option<Instant>,
    /// The time at which to poll the sockets again after the device had no room.
    retry: Option<Instant>,
}

impl<'a, U> Datagrams<'a, U> {
    /// Creates the free ports, one for each socket. Returns `None` if `ports` and `sockets` differ in length.
    pub(super) fn new(
        ports: &'a mut [Port<U>],
        sockets: &'a mut [SocketStorage<'a>],
        datagrams: &'a mut [PacketMetadata],
        payloads: &'a mut [u8],
    ) -> Option<Self> {
        (ports.len() == sockets.len()).then(|| Datagrams {
            set: SocketSet::new(sockets),
            pool: UdpPool::new(ports.len(), datagrams, payloads),
            ports,
            in_use: heapless::Vec::new(),
            next: 0,
            may_send: false,
            due: None,
            retry: None,
        })
    }

    /// Returns the numbers of the ports that have a program.
    pub(super) fn ports_in_use(&self) -> &[u16] {
        &self.in_use
    }

    /// Returns the time of the next work if no frame arrives.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Records the next hop whose hardware address the newest datagram from port `number` waits for. `hop` is `None` if
    /// the datagram does not wait.
    pub(super) fn waits(&mut self, number: u16, hop: Option<IpAddress>) {
        for port in self.ports.iter_mut().filter(|port| port.number == number && !port.has_ended) {
            port.waits_for = hop;
        }
    }

    /// Returns whether any port's datagram might be waiting for a hardware address.
    pub(super) fn any_waits(&self) -> bool {
        self.ports.iter().any(|port| port.waits_for.is_some())
    }

    /// Lets the program on port `number` run again, because its datagram that waited for a hardware address was sent.
    pub(super) fn on_kept_sent(&mut self, number: u16) {
        for port in self.ports.iter_mut().filter(|port| port.number == number && !port.has_ended) {
            port.must_run = true;
        }
    }

    /// Returns whether datagrams from port `number` wait without limit for a neighbour's hardware address. The program
    /// on such a port has its own timeout.
    pub(super) fn waits_for_neighbour(&self, number: u16) -> bool
    where
        U: UdpSession,
    {
        let mut ports = self.ports.iter().filter(|port| port.number == number && !port.has_ended);
        ports.any(|port| port.session.as_ref().is_some_and(UdpSession::waits_for_neighbour))
    }

    /// Notifies the program on port `number` that its datagram was dropped: no hardware address is known for the
    /// receiver. The program then runs.
    pub(super) fn unreachable(&mut self, number: u16)
    where
        U: UdpSession,
    {
        for port in self.ports.iter_mut().filter(|port| port.number == number && !port.has_ended) {
            if let Some(session) = &mut port.session {
                session.unreachable();
                port.must_run = true;
            }
        }
    }

    /// Queues every program to run in the next polls.
    pub(super) fn wake_programs(&mut self) {
        for port in self.ports.iter_mut() {
            port.must_run = true;
        }
    }
}

/// The memory for buffers that no port uses yet.
struct UdpPool<'a> {
    datagrams: &'a mut [PacketMetadata],
    payloads: &'a mut [u8],
    /// The size of one buffer, in datagrams and bytes, if all buffers have the same size.
    share: (usize, usize),
}

impl<'a> UdpPool<'a> {
    fn new(ports: usize, datagrams: &'a mut [PacketMetadata], payloads: &'a mut [u8]) -> Self {
        let buffers = 2 * ports.max(1);
        let share = (datagrams.len() / buffers, payloads.len() / buffers);
        UdpPool { datagrams, payloads, share }
    }

    /// Returns a buffer for `bytes` payload bytes, or `None` if too little memory is left.
    fn buffer(&mut self, bytes: usize) -> Option<PacketBuffer<'a>> {
        if self.datagrams.len() < self.share.0 || self.payloads.len() < bytes {
            return None;
        }
        // `share.0` is the number of datagrams in each buffer.
        let datagrams = self.datagrams.split_off_mut(..self.share.0)?;
        Some(PacketBuffer::new(datagrams, self.payloads.split_off_mut(..bytes)?))
    }

    /// Creates a socket with new buffers, or returns `None` if too little memory is left.
    fn socket(&mut self, receive: usize, send: usize) -> Option<Socket<'a>> {
        Some(Socket::new(self.buffer(receive)?, self.buffer(send)?))
    }
}

impl<'a, S: Session + Clone, U: UdpSession> Stack<'a, S, U> {
    /// Runs a program on UDP port `number`, or on any free port if `number` is 0. Returns the port.
    ///
    /// # Errors
    /// Returns [`ListenError::InUse`] if the port already has a program, and [`ListenError::Full`] if the stack cannot
    /// serve another port.
    pub fn bind(&mut self, number: u16, session: U) -> Result<u16, ListenError> {
        let (_, share) = self.datagrams.pool.share;
        self.bind_sized(number, session, share, share)
    }

    /// Like [`bind`](Self::bind), but with buffers of `receive` and `send` payload bytes.
    ///
    /// If the stack reuses the socket of a program that has ended, the socket keeps its old buffers.
    ///
    /// # Errors
    /// Returns the errors from [`bind`](Self::bind).
    pub fn bind_sized(&mut self, number: u16, session: U, receive: usize, send: usize) -> Result<u16, ListenError> {
        let number = match number {
            0 => {
                // The search for a free port starts at a random port: see ports.rs.
                let mut ports = ephemeral_ports(self.random.next() as u16);
                ports.find(|port| !self.datagrams.in_use.contains(port)).ok_or(ListenError::Full)?
            }
            number if self.datagrams.in_use.contains(&number) => return Err(ListenError::InUse),
            number => number,
        };
        let port = self.datagrams.ports.iter_mut().find(|p| p.session.is_none()).ok_or(ListenError::Full)?;
        // A free port entry can still have the socket of an earlier program.
        let handle = match port.handle {
            Some(handle) => handle,
            None => self.datagrams.set.add(self.datagrams.pool.socket(receive, send).ok_or(ListenError::Full)?),
        };
        // The entry keeps the socket even if a later step fails, so that the socket's memory is not lost.
        port.handle = Some(handle);
        self.datagrams.in_use.push(number).map_err(|_| ListenError::Full)?;
        self.datagrams.set.get_mut::<Socket>(handle).bind(number).map_err(|_| ListenError::InUse)?;
        *port = Port { session: Some(session), handle: Some(handle), number, must_run: true, ..Port::default() };
        Ok(number)
    }

    /// Like [`bind`](Self::bind), but no [`Event::Udp`] reports the program's datagrams. Use this function for programs
    /// such as a name look-up.
    ///
    /// # Errors
    /// Returns the errors from [`bind`](Self::bind).
    pub fn bind_unreported(&mut self, number: u16, session: U) -> Result<u16, ListenError> {
        let number = self.bind(number, session)?;
        for port in self.datagrams.ports.iter_mut().filter(|port| port.session.is_some() && port.number == number) {
            port.unreported = true;
        }
        Ok(number)
    }

    /// Returns the program on UDP port `number`, or `None` if no program runs there.
    pub fn udp_program(&mut self, number: u16) -> Option<&mut U> {
        self.datagrams.ports.iter_mut().find(|p| p.number == number && !p.has_ended)?.session.as_mut()
    }

    /// Returns the ended program of UDP port `number`, or `None` if there is none. The stack keeps an ended program
    /// until this call, but the program's port is already free.
    pub fn take_udp(&mut self, number: u16) -> Option<U> {
        let port = self.datagrams.ports.iter_mut().find(|p| p.number == number && p.has_ended)?;
        port.has_ended = false;
        port.session.take()
    }

    /// Sends the ports' queued datagrams, or runs the next program that must run. Returns `None` if there was no work,
    /// or if the device had no room to send.
    pub(super) fn run_datagrams<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        let due = self.datagrams.due.is_some_and(|due| due <= now);
        if !due && !self.datagrams.may_send && !self.datagrams.ports.iter().any(|port| port.must_run) {
            return None;
        }
        // A program has asked to run now, or an attempt to send must be repeated.
        if due {
            self.datagrams.retry = None;
            self.datagrams.may_send = true;
            for port in self.datagrams.ports.iter_mut().filter(|p| p.wake_at.is_some_and(|at| at <= now)) {
                port.wake_at = None;
                port.must_run = true;
            }
        }
        let step = self.send_or_run(now, io);
        self.datagrams.due = self.next_due();
        step
    }

    /// Sends queued datagrams. If no datagram is queued, runs the next program that must run.
    ///
    /// Returns `None` if there was no work, or if the device had no room to send.
    fn send_or_run<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) -> Option<Step> {
        if self.datagrams.may_send {
            let sent = self.transmit_shared(now, Shared::Datagrams, io);
            // Programs whose datagrams have all been sent run again.
            self.note_sent();
            let Some(sent) = sent else {
                // The device has no room, or the fragmenter is busy.
                self.datagrams.retry = Some(now + RETRY);
                return None;
            };
            if sent {
                return Some(Step::Egress(None));
            }
            self.datagrams.may_send = false;
        }
        // The programs take turns: the search starts after the program that ran most recently.
        let count = self.datagrams.ports.len();
        let index =
            (0..count).map(|k| (self.datagrams.next + k) % count).find(|&k| self.datagrams.ports[k].must_run)?;
        self.datagrams.next = index + 1;
        self.run_port(now, index, io)
    }

    /// Sends the next part of the packet in the fragmenter. Returns `None` if the fragmenter is empty, or if the device
    /// has no room.
    #[cfg(feature = "fragments")]
    pub(super) fn send_fragment<D: Device, C, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) -> Option<Step> {
        let len = self.fragmenter.lend().next_len()?;
        let Some(token) = io.device.transmit(now) else {
            self.fragmenter.blocked(Some(now + RETRY));
            return None;
        };
        token.consume(len, |frame| {
            self.fragmenter.lend().write_next(frame);
            io.probe.frame(now, Direction::Out, frame);
        });
        self.fragmenter.blocked(None);
        if !self.fragmenter.is_busy() {
            // Other datagrams might have waited for the fragmenter.
            self.datagrams.may_send = true;
            #[cfg(feature = "ping")]
            if let Some(pings) = &mut self.pings {
                pings.try_again();
            }
        }
        Some(Step::Egress(None))
    }

    /// Lets programs run if their sockets have received datagrams.
    pub(super) fn datagrams_arrived(&mut self) {
        for port in self.datagrams.ports.iter_mut() {
            port.must_run |= port.handle.is_some_and(|handle| self.datagrams.set.get::<Socket>(handle).can_recv());
        }
    }

    /// Returns the time to retry or the time at which the next program has asked to run, whichever is earlier.
    fn next_due(&self) -> Option<Instant> {
        let ports = self.datagrams.ports.iter().filter(|port| port.session.is_some());
        ports.fold(self.datagrams.retry, |due, port| sooner(due, port.wake_at))
    }

    /// Runs the program of port entry `index` once and reports the datagrams that the program read and queued.
    ///
    /// Returns `None` if the entry has no program, or if the program has ended.
    fn run_port<D, C: Console, P: Probe>(&mut self, now: Instant, index: usize, io: &mut Io<D, C, P>) -> Option<Step> {
        let port = &mut self.datagrams.ports[index];
        port.must_run = false;
        let (Some(session), Some(handle), false) = (&mut port.session, port.handle, port.has_ended) else {
            return None;
        };
        let socket = self.datagrams.set.get_mut::<Socket>(handle);
        let (unread, unsent) = (socket.recv_queue(), socket.send_queue());
        // Whether the program's newest datagram still waits for a hardware address.
        let held_back = port.waits_for.is_some_and(|hop| self.link.holds(hop));
        // Only the event needs the sender, so the stack looks for the sender only if the probe uses events.
        let from = if P::LISTENS { socket.peek().ok().map(|(_, meta)| meta.endpoint) } else { None };
        let mut context = Context {
            now,
            console: &mut io.console,
            scratch: self.scratch,
            udp_ports: &self.datagrams.in_use,
            addresses: self.iface.ip_addrs(),
            held_back,
            wake: false,
        };
        let next = session.poll(socket, &mut context);
        let wake = context.wake;
        let read = unread.saturating_sub(socket.recv_queue());
        let sent = socket.send_queue().saturating_sub(unsent);
        if (read > 0 || sent > 0) && !port.unreported {
            io.probe.event(now, &Event::Udp { port: port.number, from, read, sent });
        }
        port.wake_at = None;
        let number = port.number;
        match next {
            Next::Close | Next::Abort => {
                socket.close();
                port.has_ended = true;
                port.has_unsent = false;
                self.datagrams.in_use.retain(|&p| p != number);
            }
            Next::Wait | Next::WakeAt(_) => {
                if let Next::WakeAt(at) = next {
                    port.wake_at = Some(at);
                }
                // The queue's length in bytes does not show whether an empty datagram is queued, so the stack always
                // tries to send.
                self.datagrams.may_send = true;
                if socket.send_queue() > 0 {
                    // The program runs again once its datagrams are sent: see `note_sent`.
                    port.has_unsent = true;
                } else {
                    // A program might read only one datagram in each run.
                    port.must_run |= read > 0 && socket.can_recv();
                }
            }
        }
        if wake {
            self.wake_programs();
        }
        Some(Step::UdpSession(number, next))
    }

    /// Passes an ICMP error about a datagram to the program that sent the datagram, from port `local` to `remote`. Returns
    /// whether the error concerns that program, or false if no program runs on the port.
    #[cfg(feature = "recovery")]
    pub(super) fn datagram_undelivered(&mut self, local: u16, remote: IpEndpoint, error: &IcmpError) -> bool {
        let mut ports = self.datagrams.ports.iter_mut().filter(|port| port.number == local && !port.has_ended);
        let Some((run, session)) = ports.find_map(|port| Some((&mut port.must_run, port.session.as_mut()?))) else {
            return false;
        };
        let concerned = session.undelivered(remote, error);
        // The program runs after each error that concerns it.
        *run |= concerned;
        concerned
    }

    /// Lets programs run again after all their queued datagrams have been sent.
    ///
    /// A program might be waiting for room in its socket. A [`Respond`](crate::stack::Respond) waits, too: it handles
    /// no received datagram while its previous answer is unsent.
    fn note_sent(&mut self) {
        for port in self.datagrams.ports.iter_mut() {
            let (true, Some(handle), Some(session)) = (port.has_unsent, port.handle, &port.session) else { continue };
            let socket = self.datagrams.set.get::<Socket>(handle);
            if socket.send_queue() == 0 {
                port.has_unsent = false;
                port.must_run |= session.waits_for_room() || socket.can_recv();
            }
        }
    }
}
