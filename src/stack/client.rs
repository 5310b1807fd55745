//! Connections that this side begins, and the end of all of them.

use smoltcp::phy::Device;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::event::{Event, Io, Probe, Tuple};
use super::{ConnectError, ConnectionId, Console, End, Phase, Session, Stack, UdpSession};

/// The ports that a client's side is given (RFC 6335 section 6).
const EPHEMERAL: core::ops::RangeInclusive<u16> = 49152..=65535;

impl<'a, S: Session + Clone, U: UdpSession> Stack<'a, S, U> {
    /// Begins a connection, to be given up unless it is established within `patience`.
    ///
    /// Its program stays after the end until [`take`](Self::take) fetches it.
    ///
    /// # Errors
    /// [`ConnectError`]: the remote cannot be, has no route, or every slot is taken.
    pub fn connect<D, C, P: Probe>(
        &mut self,
        now: Instant,
        remote: IpEndpoint,
        session: S,
        patience: Duration,
        io: &mut Io<D, C, P>,
    ) -> Result<ConnectionId, ConnectError> {
        self.connect_from(now, 0, remote, session, patience, io)
    }

    /// The same from a port of the caller's choice; from any free one if `port` is 0.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and [`ConnectError::Full`] where the port has a connection to this remote already.
    pub fn connect_from<D, C, P: Probe>(
        &mut self,
        now: Instant,
        port: u16,
        remote: IpEndpoint,
        session: S,
        patience: Duration,
        io: &mut Io<D, C, P>,
    ) -> Result<ConnectionId, ConnectError> {
        let local = self.source_for(remote)?;
        let index = self.free.front().ok_or(ConnectError::Full)?;
        let tuple = match port {
            0 => self.local_port(local, remote),
            port => {
                let tuple = Tuple { local: IpEndpoint::new(local, port), remote };
                self.table.find(self.links, &tuple).is_none().then_some(tuple)
            }
        };
        let tuple = tuple.ok_or(ConnectError::Full)?;
        self.fresh_socket(index);
        let slot = &mut self.slots[index];
        let Some((set, handle)) = &mut slot.set else { return Err(ConnectError::Full) };
        set.get_mut::<smoltcp::socket::tcp::Socket>(*handle)
            .connect(self.iface.context(), remote, tuple.local)
            .map_err(|_| ConnectError::BadRemote)?;
        slot.session = Some(session);
        slot.listener = None;
        slot.state = State::SynSent;
        slot.guard = Some(now + patience);
        self.free.remove(self.links, index);
        self.occupy(index, tuple, Phase::Connecting);
        self.enqueue(index);
        let id = self.id(index);
        io.probe.event(now, &Event::Connecting { id, tuple });
        Ok(id)
    }

    /// How a connection that this side began ended; none while it goes on.
    pub fn ended(&self, id: ConnectionId) -> Option<End> {
        match self.slots.get(id.slot())?.phase {
            Phase::Ended(end) if self.is_current(id) => Some(end),
            _ => None,
        }
    }

    /// The program of a connection.
    pub fn session(&self, id: ConnectionId) -> Option<&S> {
        self.is_current(id).then_some(self.slots.get(id.slot())?.session.as_ref()?)
    }

    /// Fetches the program of a connection that this side began and that has ended, and frees its slot.
    pub fn take(&mut self, id: ConnectionId) -> Option<(S, End)> {
        let end = self.ended(id)?;
        let index = id.slot();
        let session = self.slots[index].session.take()?;
        if self.slots[index].state == State::TimeWait {
            // Like any other in TIME-WAIT from here on: the first to go when a slot is needed.
            self.slots[index].phase = Phase::TimeWait;
            self.time_wait.push_back(self.links, index);
        } else {
            self.release(index);
        }
        Some((session, end))
    }

    /// Stops listening and closes every connection: FIN where a program works, RST where none does yet. Keep polling until
    /// [`is_quiet`](Self::is_quiet).
    pub fn shut_down<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) {
        for listening in self.listeners.iter_mut() {
            // The listeners keep their numbers, which connections refer to; port 0 receives nothing.
            listening.listener.port = 0;
            listening.listener.serve_at_once = 0;
        }
        for index in 0..self.slots.len() {
            match self.slots[index].phase {
                Phase::HalfOpen => self.drop_unserved(now, index, End::Aborted, &mut io.probe),
                Phase::Connecting => self.finish(now, index, End::Aborted, io),
                Phase::Backlog => self.abort(now, index, End::Aborted),
                Phase::Serving => {
                    self.with_program(now, index, &mut io.console, |session, socket, context| {
                        session.shut_down(socket, context)
                    });
                    self.close(index);
                    self.enqueue(index);
                }
                _ => {}
            }
        }
    }

    /// Gives up every connection that is still closing, with RST: so its peer learns that no more will come. Poll once more.
    pub fn abort_all(&mut self, now: Instant) {
        for index in 0..self.slots.len() {
            if matches!(self.slots[index].phase, Phase::Serving | Phase::Closing | Phase::Backlog) {
                self.abort(now, index, End::Aborted);
            }
        }
    }

    /// Forgets every connection silently, as a loss of power would: no segment leaves, and no program is told.
    pub fn forget_connections(&mut self) {
        for index in 0..self.slots.len() {
            if self.slots[index].phase != Phase::Free {
                self.release(index);
            }
        }
    }

    /// Whether no connection is left but those in TIME-WAIT.
    pub fn is_quiet(&self) -> bool {
        self.slots.iter().all(|slot| matches!(slot.phase, Phase::Free | Phase::TimeWait | Phase::Ended(_)))
    }

    /// The own address that `remote` would be reached from.
    ///
    /// # Errors
    /// [`ConnectError`]: the remote cannot be, or has no route.
    pub fn source_for(&self, remote: IpEndpoint) -> Result<IpAddress, ConnectError> {
        if remote.port == 0 || !remote.addr.is_unicast() {
            return Err(ConnectError::BadRemote);
        }
        let addresses = self.iface.ip_addrs();
        let routed = addresses.iter().any(|a| a.contains_addr(&remote.addr))
            || self.gateways.iter().any(|g| g.version() == remote.addr.version());
        let family = addresses.iter().any(|a| a.address().version() == remote.addr.version());
        let own = addresses.iter().any(|a| a.address() == remote.addr);
        match self.iface.get_source_address(&remote.addr) {
            Some(source) if routed && family && !own && leaves_link(source, remote.addr) => Ok(source),
            _ => Err(ConnectError::NoRoute),
        }
    }

    /// Who has to answer ARP or NDP for a packet to `remote` to leave: `remote` itself on the link, else a router. `None` where
    /// there is no route.
    pub fn next_hop(&self, remote: IpAddress) -> Option<IpAddress> {
        let router = self.gateways.iter().copied().find(|router| router.version() == remote.version());
        if self.is_on_link(remote) { Some(remote) } else { router }
    }

    /// A local port that no other connection to the same remote has (RFC 6056 section 3.3.1: random, then the next ones).
    fn local_port(&mut self, local: IpAddress, remote: IpEndpoint) -> Option<Tuple> {
        let start = self.random() as u16;
        let count = EPHEMERAL.end() - EPHEMERAL.start() + 1;
        (0..count)
            .map(|next| EPHEMERAL.start() + start.wrapping_add(next) % count)
            .map(|port| Tuple { local: IpEndpoint::new(local, port), remote })
            .find(|tuple| self.table.find(self.links, tuple).is_none())
    }

    /// A number that peers cannot guess without the seed (xorshift64*; Vigna 2016).
    pub(super) fn random(&mut self) -> u32 {
        // The generator would stay at 0 for ever.
        let mut x = self.random | 1;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.random = x;
        (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    }

    /// A UDP port that no program has.
    pub(super) fn free_udp_port(&mut self) -> Option<u16> {
        let start = self.random() as u16;
        let count = EPHEMERAL.end() - EPHEMERAL.start() + 1;
        (0..count)
            .map(|next| EPHEMERAL.start() + start.wrapping_add(next) % count)
            .find(|port| !self.udp_ports.contains(port))
    }
}

/// Whether a packet between these gets to its destination: no router forwards one from a link-local address (RFC 4291 section
/// 2.5.6). For a while an interface has no other, though a router is there already.
fn leaves_link(_source: IpAddress, _destination: IpAddress) -> bool {
    #[cfg(feature = "ipv6")]
    if let (IpAddress::Ipv6(source), IpAddress::Ipv6(destination)) = (_source, _destination) {
        return !source.is_unicast_link_local() || destination.is_unicast_link_local();
    }
    true
}
