//! The reports of the poll loop: a [`Step`] for each call to `step`, and typed events for a [`Probe`].

mod address;
mod drop_reason;

pub use address::{AddressEvent, Denial, Hardware, Loss};
pub use drop_reason::DropReason;

use core::fmt;

use smoltcp::phy::Device;
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::session::{End, Next};

/// Identifies a connection of one stack by a slot and a generation number, because connections reuse slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConnectionId {
    pub(super) index: u16,
    pub(super) generation: u32,
}

impl ConnectionId {
    /// Returns the index of the connection's slot. A slot is used for many connections, one after another.
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tuple {
    /// The local endpoint.
    pub local: IpEndpoint,
    /// The remote endpoint.
    pub remote: IpEndpoint,
}

impl Tuple {
    /// Returns the same connection's tuple as the other side sees it.
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

/// The work that one call to [`Stack::step`](super::Stack::step) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Step {
    /// Sent at least one frame from this connection. `None` means that the frame carries a datagram or a control
    /// message.
    Egress(Option<ConnectionId>),
    /// Did nothing. The stack waits for a frame until this time, or without limit if `None`. If this time is not in the
    /// future, the stack waits until the device has room to send.
    Idle(Option<Instant>),
    /// Received one frame for this connection. `None` means that the frame did not belong to a connection.
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Direction {
    /// From the device.
    In,
    /// To the device.
    Out,
}

/// Something that happened in the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event {
    /// An event about the interface's addresses or routers.
    Address(AddressEvent),
    /// A connection from a peer is established. The connection gets its program immediately, or waits in the backlog
    /// first.
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
    /// A connection in SYN-RECEIVED has ended before it was established.
    HandshakeEnded {
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
        /// The connection's two endpoints.
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
    /// Returns the endpoints of the event's connection, if there is one.
    pub fn tuple(&self) -> Option<Tuple> {
        match *self {
            Event::Accepted { tuple, .. }
            | Event::Connected { tuple, .. }
            | Event::Connecting { tuple, .. }
            | Event::Ended { tuple, .. }
            | Event::HandshakeEnded { tuple, .. }
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
    /// Whether the probe uses events. If not, the stack prepares no event that takes much work.
    #[doc(hidden)]
    const LISTENS: bool = true;

    /// Called with each frame that the device receives or sends.
    fn frame(&mut self, _now: Instant, _direction: Direction, _frame: &[u8]) {}

    /// Called with each event.
    fn event(&mut self, _now: Instant, _event: &Event) {}
}

/// A [`Probe`] that ignores all frames and events.
impl Probe for () {
    const LISTENS: bool = false;
}

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

/// An optional [`Probe`]. `None` ignores all frames and events.
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
