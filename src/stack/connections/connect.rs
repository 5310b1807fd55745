//! Active opens, and the shutdown of all connections.

use smoltcp::phy::Device;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::Phase;
use crate::stack::event::{ConnectionId, Event, Io, Probe, Tuple};
use crate::stack::{ConnectError, Console, End, Session, Stack, UdpSession};

impl<'a, S: Session + Clone, U: UdpSession> Stack<'a, S, U> {
    /// Starts a connection to `remote`. The stack abandons the connection if it is not established within `patience`.
    ///
    /// When the connection ends, the stack keeps its program until [`take`](Self::take) returns the program.
    ///
    /// # Errors
    /// Returns [`ConnectError::BadRemote`] if `remote` is not valid, and [`ConnectError::NoRoute`] if no route leads to
    /// `remote`. Returns [`ConnectError::Full`] if no slot or no local port is free.
    pub fn connect<D, C, P: Probe>(
        &mut self,
        now: Instant,
        remote: IpEndpoint,
        session: S,
        patience: Duration,
        io: &mut Io<D, C, P>,
    ) -> Result<ConnectionId, ConnectError> {
        // 0 selects any free local port.
        self.connect_from(now, 0, remote, session, patience, io)
    }

    /// Starts a connection from the local port `port`, or from any free port if `port` is 0.
    ///
    /// # Errors
    /// Returns the errors from [`connect`](Self::connect). Also returns [`ConnectError::Full`] if `port` already has a
    /// connection to `remote`.
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
        let tuple = |port| Tuple { local: IpEndpoint::new(local, port), remote };
        let is_free = |tuple: &Tuple| {
            self.connections.find(tuple).is_none() && !self.connections.time_wait_records.holds(now, tuple)
        };
        // Port 0 selects an ephemeral port. The choice hashes the endpoints with the local port 0.
        let tuple = match port {
            0 => self.ports.choose(&tuple(0), |port| is_free(&tuple(port))).map(tuple),
            port => Some(tuple(port)).filter(is_free),
        };
        let tuple = tuple.ok_or(ConnectError::Full)?;
        let index = self.connections.slot_or_time_wait(now).ok_or(ConnectError::Full)?;
        let mss = mss(self.mtu_to(now, remote.addr), local);
        // smoltcp draws the ISN from this interface: see isn.rs.
        let mut iface = self.interface_for(now, self.isn(now, &tuple));
        let connections = &mut self.connections;
        let socket = connections.fresh_socket(index, mss).ok_or(ConnectError::Full)?;
        socket.connect(iface.context(), remote, tuple.local).map_err(|_| ConnectError::BadRemote)?;
        let slot = &mut connections.slots[index];
        slot.session = Some(session);
        // Without a listener, the slot keeps the program after the connection's end: see `take`.
        slot.listener = None;
        slot.state = State::SynSent;
        // `occupy` also queues the connection for a turn, in which smoltcp sends the SYN.
        connections.occupy(index, tuple, Phase::Connecting, now + patience);
        let id = connections.id(index);
        io.probe.event(now, &Event::Connecting { id, tuple });
        Ok(id)
    }

    /// Returns how a connection that [`connect`](Self::connect) started has ended, or `None` if it has not ended.
    pub fn ended(&self, id: ConnectionId) -> Option<End> {
        match self.connections.slots.get(id.slot())?.phase {
            Phase::Ended(end) if self.connections.is_current(id) => Some(end),
            _ => None,
        }
    }

    /// Returns the program of a connection, or `None` if the stack no longer has the connection or its program.
    pub fn session(&self, id: ConnectionId) -> Option<&S> {
        self.connections.is_current(id).then_some(self.connections.slots.get(id.slot())?.session.as_ref()?)
    }

    /// Takes the program of a connection that [`connect`](Self::connect) started, and frees the connection's slot.
    /// Returns the program and how the connection ended, or `None` if the connection has not ended.
    pub fn take(&mut self, id: ConnectionId) -> Option<(S, End)> {
        let end = self.ended(id)?;
        let index = id.slot();
        let slot = &mut self.connections.slots[index];
        let session = slot.session.take()?;
        // A connection in TIME-WAIT keeps its slot until another connection needs the slot.
        let phase = if slot.state == State::TimeWait { Phase::TimeWait } else { Phase::Free };
        self.connections.enter(index, phase, None);
        Some((session, end))
    }

    /// Stops listening and closes every connection.
    ///
    /// The stack calls [`Session::shut_down`] for each running program. The program's connection then sends its queued
    /// data and FIN. A connection in a backlog sends RST. A connection that is not established yet ends without a
    /// segment.
    ///
    /// Call [`poll`](Self::poll) until [`is_quiet`](Self::is_quiet) returns true.
    pub fn shut_down<D: Device, C: Console, P: Probe>(&mut self, now: Instant, io: &mut Io<D, C, P>) {
        self.connections.stop_listening();
        for index in 0..self.connections.slots.len() {
            match self.connections.slots[index].phase {
                Phase::Handshake => self.connections.drop_unserved(now, index, End::Aborted, &mut io.probe),
                Phase::Connecting => self.finish(now, index, End::Aborted, io),
                Phase::Backlog => self.connections.abort(now, index, End::Aborted),
                Phase::Serving => {
                    self.with_program(now, index, &mut io.console, |session, socket, context| {
                        session.shut_down(socket, context)
                    });
                    self.connections.close(index);
                    self.connections.enqueue(index);
                }
                // The other slots are free, or their connections are closing or have ended.
                _ => {}
            }
        }
    }

    /// Aborts, with RST, every connection that is served, closing or in a backlog. Call [`poll`](Self::poll) to send
    /// the RSTs. Connections that are not established yet are not changed.
    pub fn abort_all(&mut self, now: Instant) {
        for index in 0..self.connections.slots.len() {
            if matches!(self.connections.slots[index].phase, Phase::Serving | Phase::Closing | Phase::Backlog) {
                self.connections.abort(now, index, End::Aborted);
            }
        }
    }

    /// Forgets every connection, as a power failure would. Sends no segment and calls no program. The lab calls this to
    /// simulate the reboot of a host.
    pub fn forget_connections(&mut self) {
        for index in 0..self.connections.slots.len() {
            if self.connections.slots[index].phase != Phase::Free {
                self.connections.enter(index, Phase::Free, None);
            }
        }
        self.connections.time_wait_records.clear();
    }

    /// Returns whether every connection has ended or is in TIME-WAIT.
    pub fn is_quiet(&self) -> bool {
        let is_over = |phase| matches!(phase, Phase::Free | Phase::TimeWait | Phase::Ended(_));
        self.connections.slots.iter().all(|slot| is_over(slot.phase))
    }

    /// Returns the local address from which packets to `remote` are sent.
    ///
    /// # Errors
    /// Returns [`ConnectError::BadRemote`] if `remote` is not valid, and [`ConnectError::NoRoute`] if no route leads to
    /// `remote`.
    pub fn source_for(&self, remote: IpEndpoint) -> Result<IpAddress, ConnectError> {
        if remote.port == 0 || !remote.addr.is_unicast() || self.is_broadcast(remote.addr) {
            return Err(ConnectError::BadRemote);
        }
        // smoltcp selects a source address even if there is no route, or no address of the same IP version. The stack
        // therefore checks both itself.
        let addresses = self.iface.ip_addrs();
        let routed = addresses.iter().any(|a| a.contains_addr(&remote.addr))
            || self.config.gateways.iter().any(|g| g.version() == remote.addr.version());
        let family = addresses.iter().any(|a| a.address().version() == remote.addr.version());
        // This host cannot connect to itself, because nothing returns its own packets.
        let own = addresses.iter().any(|a| a.address() == remote.addr);
        let source = self.iface.get_source_address(&remote.addr).map(|source| self.preferred(source));
        match source {
            Some(source) if routed && family && !own && can_reach(source, remote.addr) => Ok(source),
            _ => Err(ConnectError::NoRoute),
        }
    }

    /// Returns the neighbour to which packets for `remote` are sent. ARP or NDP finds this neighbour's hardware
    /// address.
    ///
    /// The neighbour is `remote` itself if it is on the link, otherwise a router. `None` if there is no route.
    pub fn next_hop(&self, remote: IpAddress) -> Option<IpAddress> {
        let router = self.config.gateways.iter().copied().find(|router| router.version() == remote.version());
        if self.is_on_link(remote) { Some(remote) } else { router }
    }
}

/// Returns the largest number of payload bytes in a segment that fits into a packet of `mtu` bytes, if neither the IP
/// header nor the TCP header has options.
pub(in crate::stack) fn mss(mtu: usize, address: IpAddress) -> usize {
    let header = match address {
        IpAddress::Ipv4(_) => 20,
        #[cfg(feature = "ipv6")]
        IpAddress::Ipv6(_) => 40,
    };
    // The TCP header takes 20 bytes.
    mtu.saturating_sub(header + 20)
}

/// Returns whether a packet from `source` can reach its destination, directly or through routers. Routers do not
/// forward packets from link-local addresses (RFC 4291 section 2.5.6). This matters because an interface can learn of a
/// router before it has any address except its link-local address.
fn can_reach(_source: IpAddress, _destination: IpAddress) -> bool {
    #[cfg(feature = "ipv6")]
    if let (IpAddress::Ipv6(source), IpAddress::Ipv6(destination)) = (_source, _destination) {
        return !source.is_unicast_link_local() || destination.is_unicast_link_local();
    }
    true
}
