//! What the poll loop says of itself: a [`Step`] a call, and typed events for whoever watches.

mod address;

pub use address::{AddressEvent, Denial, Hardware, Loss};

use core::fmt;

use smoltcp::phy::Device;
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::session::{End, Next};

/// A connection of one stack: its slot, and a count that tells the slot's users apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    pub(super) index: u16,
    pub(super) generation: u32,
}

impl ConnectionId {
    /// The slot's position, 0 to the number of slots less one. A slot serves many connections, one after another.
    pub fn slot(&self) -> usize {
        self.index.into()
    }

    /// The first connection of a slot, for tests without a stack.
    #[cfg(test)]
    pub(crate) fn first_of(index: u16) -> Self {
        ConnectionId { index, generation: 0 }
    }
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuple {
    /// This side.
    pub local: IpEndpoint,
    /// The other side.
    pub remote: IpEndpoint,
}

impl fmt::Display for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <-> {}", DisplayEndpoint(self.local), DisplayEndpoint(self.remote))
    }
}

/// Displays an endpoint as `192.168.69.1:7` or `[fdaa::1]:7` (RFC 5952 section 6).
///
/// `core::net::SocketAddr` does the same, but adds 2.5 KB of code for IPv6 and padding to a board.
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

/// What one call of [`Stack::step`](super::Stack::step) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sent one frame or more of a socket: a segment of this connection, or datagrams and control messages where there is none.
    Egress(Option<ConnectionId>),
    /// There is nothing to do until a frame arrives or this time comes; a time that is not in the future cannot be, and
    /// where the device has no room to send, that room is what is waited for.
    Idle(Option<Instant>),
    /// Took in one frame, for this connection or for none.
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

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the device.
    In,
    /// To the device.
    Out,
}

/// Why the stack dropped a frame, or a connection, instead of serving it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The listener's backlog is full.
    BacklogFull,
    /// A TCP segment inside IP fragments.
    FragmentedTcp,
    /// A source or destination that cannot be (RFC 1122 section 3.2.1.3): our own address as source, loopback, broadcast TCP.
    Martian,
    /// Every connection slot is taken.
    SlotsFull,
    /// A datagram that could not be sent in time, since its receiver's hardware address stayed unknown.
    Unreachable,
    /// A TCP segment behind IPv6 extension headers.
    UnsupportedHeader,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DropReason::BacklogFull => "backlog full",
            DropReason::FragmentedTcp => "TCP in IP fragments",
            DropReason::Martian => "impossible source or destination",
            DropReason::SlotsFull => "all connection slots taken",
            DropReason::Unreachable => "receiver does not answer ARP or NDP",
            DropReason::UnsupportedHeader => "TCP behind IPv6 extension headers",
        })
    }
}

/// Something that happened in the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The interface's addresses changed, or those who give them out did something.
    Address(AddressEvent),
    /// A connection is established and waits for its turn, or is served at once.
    Accepted {
        /// The connection.
        id: ConnectionId,
        /// Its ends.
        tuple: Tuple,
    },
    /// This side has begun to connect.
    Connecting {
        /// The connection.
        id: ConnectionId,
        /// Its ends.
        tuple: Tuple,
    },
    /// A connection that this side began is established.
    Connected {
        /// The connection.
        id: ConnectionId,
        /// Its ends.
        tuple: Tuple,
    },
    /// A frame or a connection attempt was dropped.
    Dropped(DropReason),
    /// A connection is over.
    Ended {
        /// The connection.
        id: ConnectionId,
        /// Its ends.
        tuple: Tuple,
        /// How.
        end: End,
    },
    /// A half-open connection is over: it never was established.
    HalfOpenEnded {
        /// The connection.
        id: ConnectionId,
        /// Its ends.
        tuple: Tuple,
        /// How.
        end: End,
    },
    /// A program read so many bytes of a connection.
    Read {
        /// The connection.
        id: ConnectionId,
        /// Its ends.
        tuple: Tuple,
        /// How many bytes.
        bytes: usize,
    },
    /// A connection attempt was answered with RST.
    Refused {
        /// The ends it would have had.
        tuple: Tuple,
        /// Why.
        why: DropReason,
    },
    /// A connection's TCP state changed.
    State {
        /// The connection.
        id: ConnectionId,
        /// Its ends; the remote one is not known in LISTEN.
        tuple: Tuple,
        /// The state before.
        from: State,
        /// The state now.
        to: State,
    },
    /// The program on a UDP port read or queued datagrams.
    Udp {
        /// The port.
        port: u16,
        /// Who sent the first datagram read; none if there was none.
        from: Option<IpEndpoint>,
        /// How many bytes of datagrams were read.
        read: usize,
        /// How many bytes of datagrams were queued to be sent.
        sent: usize,
    },
    /// A program queued so many bytes of a connection to be sent.
    Wrote {
        /// The connection.
        id: ConnectionId,
        /// Its ends.
        tuple: Tuple,
        /// How many bytes.
        bytes: usize,
    },
}

impl Event {
    /// The ends of the connection it is about.
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

/// Whoever watches a stack: told of every frame and every event. Does nothing by default, and then costs nothing.
pub trait Probe {
    /// A frame as the device delivered it or takes it.
    fn frame(&mut self, _now: Instant, _direction: Direction, _frame: &[u8]) {}

    /// Something happened.
    fn event(&mut self, _now: Instant, _event: &Event) {}
}

/// Watches nothing.
impl Probe for () {}

/// Two probes, told one after the other.
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

/// What a stack works with and does not own: handed to every call.
#[derive(Clone, Debug)]
pub struct Io<D, C, P = ()> {
    /// Frames in and out.
    pub device: D,
    /// The programs' standard input and output.
    pub console: C,
    /// Told of what happens.
    pub probe: P,
}

impl<D: Device, C> Io<D, C> {
    /// A device and a console, unwatched.
    pub fn new(device: D, console: C) -> Self {
        Io { device, console, probe: () }
    }
}
