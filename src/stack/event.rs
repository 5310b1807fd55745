//! The reports of the poll loop: a [`Step`] for each call of `step`, and typed events for a [`Probe`].

mod address;

pub use address::{AddressEvent, Denial, Hardware, Loss};

use core::fmt;

use smoltcp::phy::Device;
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::session::{End, Next};

/// Identifies a connection of one stack by a slot and a generation number, because connections reuse slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    pub(super) index: u16,
    pub(super) generation: u32,
}

impl ConnectionId {
    /// The index of the connection's slot. A slot is used for many connections, one after another.
    pub fn slot(&self) -> usize {
        self.index.into()
    }

    /// Creates the identifier of a slot's first connection, for tests without a stack.
    #[cfg(test)]
    pub(crate) fn first_of(index: u16) -> Self {
        ConnectionId { index, generation: 0 }
    }
}

/// The two endpoints of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuple {
    /// The local endpoint.
    pub local: IpEndpoint,
    /// The remote endpoint.
    pub remote: IpEndpoint,
}

impl Tuple {
    /// Returns the tuple of the same connection at the other end.
    pub(super) fn reversed(&self) -> Tuple {
        Tuple { local: self.remote, remote: self.local }
    }
}

impl fmt::Display for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <-> {}", DisplayEndpoint(self.local), DisplayEndpoint(self.remote))
    }
}

/// Displays an endpoint as `192.168.69.1:7` or `[fdaa::1]:7` (RFC 5952 section 6).
///
/// `core::net::SocketAddr` has the same format, but its code for IPv6 and padding adds 2.5 KB to a board's firmware.
#[derive(Clone, Copy, Debug)]
pub struct DisplayEndpoint(pub IpEndpoint);

impl fmt::Display for DisplayEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.0.port;
        match self.0.addr {
            IpAddress::Ipv4(address) => {
                let [a, b, c, d] = address.octets();
                write!(f, "{a}.{b}.{c}.{d}:{port}")
            }
            #[cfg(feature = "ipv6")]
            IpAddress::Ipv6(address) => write!(f, "[{address}]:{port}"),
        }
    }
}

/// The work that one call of [`Stack::step`](super::Stack::step) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Sent at least one frame from this connection. `None` means that the frame carries a datagram or a control
    /// message.
    Egress(Option<ConnectionId>),
    /// Did nothing. The stack waits for a frame until this time, or without limit if `None`. If this time is not in the
    /// future, the stack waits until the device has room to send.
    Idle(Option<Instant>),
    /// Received one frame for this connection. `None` means that the frame was for no connection.
    Ingress(Option<ConnectionId>),
    /// Ran the program of this connection.
    Session(ConnectionId, Next),
    /// Ran the program on this UDP port.
    UdpSession(u16, Next),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Egress(None) => f.write_str("sent"),
            Step::Egress(Some(id)) => write!(f, "sent on connection {}", id.slot()),
            Step::Idle(None) => f.write_str("nothing to do"),
            Step::Idle(Some(at)) => write!(f, "nothing to do before {at}"),
            Step::Ingress(None) => f.write_str("took in a frame"),
            Step::Ingress(Some(id)) => write!(f, "took in a frame for connection {}", id.slot()),
            Step::Session(id, next) => write!(f, "ran the program of connection {}: {next:?}", id.slot()),
            Step::UdpSession(port, next) => write!(f, "ran the program on UDP port {port}: {next:?}"),
        }
    }
}

/// The direction of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the device.
    In,
    /// To the device.
    Out,
}

/// Why the stack dropped a frame or refused a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// Data after the peer's FIN.
    AfterFin,
    /// The listener's backlog is full.
    BacklogFull,
    /// An acknowledgement of data that was never sent, or that was acknowledged long ago (RFC 5961 section 5.2).
    BadAck,
    /// An IP fragment that is not valid, or does not fit its datagram.
    ///
    /// The fragment overlaps another fragment (RFC 5722 section 4), or completes a datagram whose fragments contradict each
    /// other about congestion (RFC 3168 section 5.3).
    BadFragment,
    /// An ICMP error that quotes no packet in flight or reports an impossible path MTU (RFC 5927 section 4.1).
    BadIcmp,
    /// An RST without the expected sequence number (RFC 5961 section 3.2), or in TIME-WAIT (RFC 1337).
    BadReset,
    /// A SYN for an established connection (RFC 5961 section 4.2).
    BadSyn,
    /// A wrong TCP or IPv4 checksum.
    Checksum,
    /// A DHCP server's refusal (DHCPNAK) that answers no request of this host to that server.
    #[cfg(feature = "dhcp")]
    DhcpNak,
    /// A DHCP message whose options are missing or not valid.
    #[cfg(feature = "dhcp")]
    DhcpOptions,
    /// A DHCP message without the address of a server that can be its sender.
    #[cfg(feature = "dhcp")]
    DhcpServer,
    /// A DHCP message that answers a request of another transaction.
    #[cfg(feature = "dhcp")]
    DhcpTransaction,
    /// A DHCP message that this host does not expect: a copy, or another server's offer.
    #[cfg(feature = "dhcp")]
    DhcpUnexpected,
    /// An ARP or NDP message of another host that uses one of our addresses.
    DuplicateAddress,
    /// A TCP segment inside IP fragments, on a stack without memory for fragments.
    FragmentedTcp,
    /// A datagram that lacks fragments. The datagram's time limit expired, or a newer datagram replaced it.
    LostFragments,
    /// An invalid source or destination (RFC 1122 section 3.2.1.3), such as this host's own address as the source.
    Martian,
    /// A segment without ACK (RFC 9293 section 3.10.7.4, fifth step).
    NoAck,
    /// A segment without data whose acknowledgement is older than the newest acknowledgement.
    OldAck,
    /// Every connection slot is taken.
    SlotsFull,
    /// A datagram that is longer than the MTU of the link or the path, on a stack without memory for fragments.
    TooLong,
    /// A router advertisement that exceeds the limit per second, or whose router does not fit the list of routers.
    TooManyAdvertisements,
    /// A datagram that could not be sent in time, because the receiver's hardware address is unknown.
    Unreachable,
    /// An IPv6 packet with an unsupported extension header or without a payload (next header 59).
    UnsupportedHeader,
}

impl DropReason {
    /// All reasons.
    pub const ALL: &'static [DropReason] = &[
        DropReason::AfterFin,
        DropReason::BacklogFull,
        DropReason::BadAck,
        DropReason::BadFragment,
        DropReason::BadIcmp,
        DropReason::BadReset,
        DropReason::BadSyn,
        DropReason::Checksum,
        #[cfg(feature = "dhcp")]
        DropReason::DhcpNak,
        #[cfg(feature = "dhcp")]
        DropReason::DhcpOptions,
        #[cfg(feature = "dhcp")]
        DropReason::DhcpServer,
        #[cfg(feature = "dhcp")]
        DropReason::DhcpTransaction,
        #[cfg(feature = "dhcp")]
        DropReason::DhcpUnexpected,
        DropReason::DuplicateAddress,
        DropReason::FragmentedTcp,
        DropReason::LostFragments,
        DropReason::Martian,
        DropReason::NoAck,
        DropReason::OldAck,
        DropReason::SlotsFull,
        DropReason::TooLong,
        DropReason::TooManyAdvertisements,
        DropReason::Unreachable,
        DropReason::UnsupportedHeader,
    ];
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DropReason::AfterFin => "data after FIN",
            DropReason::BacklogFull => "backlog full",
            DropReason::BadAck => "acknowledgement of what was never sent",
            DropReason::BadFragment => "bad IP fragment",
            DropReason::BadIcmp => "ICMP error about nothing in flight",
            DropReason::BadReset => "RST without the expected sequence number",
            DropReason::BadSyn => "SYN for an established connection",
            DropReason::Checksum => "wrong checksum",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpNak => "DHCP refusal of no request",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpOptions => "DHCP reply with bad options",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpServer => "DHCP reply without a server",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpTransaction => "DHCP reply to another request",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpUnexpected => "DHCP reply that is not needed",
            DropReason::DuplicateAddress => "own address used by another host",
            DropReason::FragmentedTcp => "TCP in IP fragments",
            DropReason::LostFragments => "lost IP fragments",
            DropReason::Martian => "impossible source or destination",
            DropReason::NoAck => "segment without ACK",
            DropReason::OldAck => "old acknowledgement",
            DropReason::SlotsFull => "all connection slots taken",
            DropReason::TooLong => "longer than the MTU",
            DropReason::TooManyAdvertisements => "too many router advertisements",
            DropReason::Unreachable => "receiver does not answer ARP or NDP",
            DropReason::UnsupportedHeader => "IPv6 extension header refused",
        })
    }
}

/// Something that happened in the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An event of the interface's addresses or routers.
    Address(AddressEvent),
    /// A connection from a peer is established. The connection is served immediately or waits in the backlog.
    Accepted {
        /// The connection.
        id: ConnectionId,
        /// The connection's endpoints.
        tuple: Tuple,
    },
    /// This side has started to connect.
    Connecting {
        /// The connection.
        id: ConnectionId,
        /// The connection's endpoints.
        tuple: Tuple,
    },
    /// A connection that this side started is established.
    Connected {
        /// The connection.
        id: ConnectionId,
        /// The connection's endpoints.
        tuple: Tuple,
    },
    /// A frame or a connection attempt was dropped.
    Dropped(DropReason),
    /// A connection has ended.
    Ended {
        /// The connection.
        id: ConnectionId,
        /// The connection's endpoints.
        tuple: Tuple,
        /// How the connection ended.
        end: End,
    },
    /// A half-open connection has ended before it was established.
    HalfOpenEnded {
        /// The connection.
        id: ConnectionId,
        /// The connection's endpoints.
        tuple: Tuple,
        /// How the connection ended.
        end: End,
    },
    /// A program read `bytes` bytes from a connection.
    Read {
        /// The connection.
        id: ConnectionId,
        /// The connection's endpoints.
        tuple: Tuple,
        /// The number of bytes.
        bytes: usize,
    },
    /// A connection attempt was answered with RST.
    Refused {
        /// The endpoints that the connection would have had.
        tuple: Tuple,
        /// The reason.
        why: DropReason,
    },
    /// A connection's TCP state changed.
    State {
        /// The connection.
        id: ConnectionId,
        /// The connection's endpoints. In LISTEN the remote endpoint is not known.
        tuple: Tuple,
        /// The previous state.
        from: State,
        /// The new state.
        to: State,
    },
    /// The program on a UDP port read or queued datagrams.
    Udp {
        /// The port.
        port: u16,
        /// The sender of the first datagram read, if any was read.
        from: Option<IpEndpoint>,
        /// The number of payload bytes read.
        read: usize,
        /// The number of payload bytes queued to be sent.
        sent: usize,
    },
    /// A program queued `bytes` bytes to be sent on a connection.
    Wrote {
        /// The connection.
        id: ConnectionId,
        /// The connection's endpoints.
        tuple: Tuple,
        /// The number of bytes.
        bytes: usize,
    },
}

impl Event {
    /// The endpoints of the event's connection, if it has one.
    pub fn tuple(&self) -> Option<Tuple> {
        match *self {
            Event::Accepted { tuple, .. }
            | Event::Connected { tuple, .. }
            | Event::Connecting { tuple, .. }
            | Event::Ended { tuple, .. }
            | Event::HalfOpenEnded { tuple, .. }
            | Event::Read { tuple, .. }
            | Event::Refused { tuple, .. }
            | Event::State { tuple, .. }
            | Event::Wrote { tuple, .. } => Some(tuple),
            Event::Address(_) | Event::Dropped(_) | Event::Udp { .. } => None,
        }
    }
}

/// Receives every frame and every event of a stack. The default methods do nothing and cost nothing.
pub trait Probe {
    /// Called with each frame that the device receives or sends.
    fn frame(&mut self, _now: Instant, _direction: Direction, _frame: &[u8]) {}

    /// Called with each event.
    fn event(&mut self, _now: Instant, _event: &Event) {}
}

/// A [`Probe`] that ignores all frames and events.
impl Probe for () {}

/// Two [`Probe`]s. Each frame and each event goes to the first [`Probe`], then to the second.
impl<A: Probe, B: Probe> Probe for (A, B) {
    fn frame(&mut self, now: Instant, direction: Direction, frame: &[u8]) {
        self.0.frame(now, direction, frame);
        self.1.frame(now, direction, frame);
    }

    fn event(&mut self, now: Instant, event: &Event) {
        self.0.event(now, event);
        self.1.event(now, event);
    }
}

impl<P: Probe> Probe for Option<P> {
    fn frame(&mut self, now: Instant, direction: Direction, frame: &[u8]) {
        if let Some(probe) = self {
            probe.frame(now, direction, frame);
        }
    }

    fn event(&mut self, now: Instant, event: &Event) {
        if let Some(probe) = self {
            probe.event(now, event);
        }
    }
}

/// The device, console and [`Probe`] that a stack uses but does not own. The caller passes an `Io` to every call.
#[derive(Clone, Debug)]
pub struct Io<D, C, P = ()> {
    /// Receives and sends frames.
    pub device: D,
    /// The programs' standard input and output.
    pub console: C,
    /// The [`Probe`] that the stack calls for every frame and event.
    pub probe: P,
}

impl<D: Device, C> Io<D, C> {
    /// Creates an `Io` from a device and a console, without a [`Probe`].
    pub fn new(device: D, console: C) -> Self {
        Io { device, console, probe: () }
    }
}
