//! ICMP echo requests and their replies (RFC 792, RFC 4443): `ping`.

use smoltcp::iface::{SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::Device;
use smoltcp::socket::icmp::{Endpoint, PacketBuffer, PacketMetadata, Socket};
use smoltcp::time::Instant;
#[cfg(feature = "ipv6")]
use smoltcp::wire::Ipv6Packet;
use smoltcp::wire::{IpAddress, IpEndpoint, IpProtocol, IpVersion, Ipv4Packet};

use super::connections::RETRY;
use super::event::{Io, Probe, Step};
use super::icmp_errors::{Quote, Refusal};
use super::link::Shared;
use super::{ConnectError, Console, Session, Stack, UdpSession};

/// The length of an echo message's header, in bytes.
pub const ECHO_HEADER: usize = 8;
/// The largest number of replies that wait for `take_echo`. A further reply replaces the oldest reply.
const REPLIES: usize = 16;
/// The largest number of refusals that wait for `take_refusal`. A further refusal replaces the oldest refusal.
const REFUSALS: usize = 4;

/// The memory for echo requests and replies. Half of the packets and half of the bytes are for each direction.
pub struct EchoMemory<'a> {
    /// One socket.
    pub socket: &'a mut [SocketStorage<'a>],
    /// At least two packets.
    pub packets: &'a mut [PacketMetadata],
    /// At least twice the length of the longest message. A message consists of a header of 8 bytes and the data.
    pub bytes: &'a mut [u8],
}

/// A reply to an echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Echo {
    /// The address from which the reply came.
    pub from: IpAddress,
    /// The sequence number of the request.
    pub seq: u16,
    /// The number of bytes of data, excluding the 8 bytes of the header.
    pub len: usize,
    /// The time to live, or the hop limit, of the reply on arrival.
    pub hop_limit: u8,
    /// Whether the data is the same as in the request.
    pub intact: bool,
    /// The time at which the reply arrived.
    pub at: Instant,
}

/// A report that an echo request was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EchoRefusal {
    /// The sender of the report: a router, or the destination host.
    pub from: IpAddress,
    /// The receiver of the request.
    pub to: IpAddress,
    /// The sequence number of the request.
    pub seq: u16,
    /// The reason.
    pub why: Refusal,
}

/// Why an echo request cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EchoError {
    /// An earlier request still waits for a hardware address, or for room in the device.
    Waiting,
    /// No socket was opened, or the data is too long for the socket's memory.
    TooLong,
    /// The receiver's address is not valid, or there is no route to it.
    Unreachable(ConnectError),
}

/// The open socket for echo requests, with its queues.
pub(super) struct Pings<'a> {
    set: SocketSet<'a>,
    handle: SocketHandle,
    /// The identifier of this socket's requests.
    ident: u16,
    /// The largest number of data bytes in a request.
    longest: usize,
    /// Whether to let the socket send in the next step.
    may_send: bool,
    /// The time at which to let the socket send again.
    due: Option<Instant>,
    /// Whether a request waits in the socket.
    queued: bool,
    /// The receiver of the newest request.
    to: Option<IpAddress>,
    replies: heapless::Deque<Echo, REPLIES>,
    refusals: heapless::Deque<EchoRefusal, REFUSALS>,
}

impl<'a, S: Session + Clone, U: UdpSession> Stack<'a, S, U> {
    /// Opens the socket for echo requests. `ident` distinguishes the replies to these requests from replies to other
    /// programs' requests. Does nothing if `memory` contains no socket.
    pub fn open_echo(&mut self, memory: EchoMemory<'a>, ident: u16) {
        let EchoMemory { socket, packets, bytes } = memory;
        if socket.is_empty() {
            return;
        }
        let (receive, send) = packets.split_at_mut(packets.len() / 2);
        let (received, sent) = bytes.split_at_mut(bytes.len() / 2);
        let longest = sent.len().saturating_sub(ECHO_HEADER);
        let mut socket_set = SocketSet::new(socket);
        let mut socket = Socket::new(PacketBuffer::new(receive, received), PacketBuffer::new(send, sent));
        // `bind` cannot fail on a new socket.
        let _ = socket.bind(Endpoint::Ident(ident));
        let handle = socket_set.add(socket);
        self.pings = Some(Pings {
            set: socket_set,
            handle,
            ident,
            longest,
            may_send: false,
            due: None,
            queued: false,
            to: None,
            replies: heapless::Deque::new(),
            refusals: heapless::Deque::new(),
        });
    }

    /// Queues an echo request with `len` bytes of data.
    ///
    /// # Errors
    /// Returns an [`EchoError`] if the request cannot be queued.
    pub fn send_echo(&mut self, to: IpAddress, seq: u16, len: usize) -> Result<(), EchoError> {
        // Echo requests have no port. Any port except 0, which `source_for` rejects, is suitable here.
        self.source_for(IpEndpoint::new(to, 1)).map_err(EchoError::Unreachable)?;
        let hop = self.next_hop(to);
        // Without memory for pings, every request is too long.
        let pings = self.pings.as_mut().filter(|pings| len <= pings.longest).ok_or(EchoError::TooLong)?;
        // An earlier packet might still wait for the next hop's hardware address.
        if pings.queued || hop.is_some_and(|hop| self.link.holds(hop)) {
            return Err(EchoError::Waiting);
        }
        let (ident, size) = (pings.ident, ECHO_HEADER + len);
        let socket = pings.set.get_mut::<Socket>(pings.handle);
        let bytes = socket.send(size, to).map_err(|_| EchoError::Waiting)?;
        // The type of an echo request in ICMP and ICMPv6.
        let kind = match to {
            IpAddress::Ipv4(_) => 8,
            #[cfg(feature = "ipv6")]
            IpAddress::Ipv6(_) => 128,
        };
        let ([a, b], [c, d]) = (ident.to_be_bytes(), seq.to_be_bytes());
        // Type, code, checksum, identifier and sequence number. smoltcp fills in the checksum.
        let header = [kind, 0, 0, 0, a, b, c, d];
        header.into_iter().chain((0..len).map(pattern)).zip(bytes).for_each(|(byte, target)| *target = byte);
        pings.queued = true;
        pings.to = Some(to);
        pings.may_send = true;
        Ok(())
    }

    /// Returns whether the newest request still waits for a hardware address, or for room in the device.
    pub fn echo_waits(&self) -> bool {
        let Some(pings) = &self.pings else { return false };
        pings.queued || pings.to.and_then(|to| self.next_hop(to)).is_some_and(|hop| self.link.holds(hop))
    }

    /// Removes and returns the oldest reply, or returns `None` if no reply has arrived.
    pub fn take_echo(&mut self) -> Option<Echo> {
        self.pings.as_mut()?.replies.pop_front()
    }

    /// Removes and returns the oldest report of a request that was not delivered. `None` if there is no report.
    pub fn take_refusal(&mut self) -> Option<EchoRefusal> {
        self.pings.as_mut()?.refusals.pop_front()
    }

    /// Sends the queued echo request, if it is time to send. Returns `None` if no frame was sent.
    pub(super) fn run_pings<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        io: &mut Io<D, C, P>,
    ) -> Option<Step> {
        let pings = self.pings.as_mut()?;
        if pings.due.is_some_and(|due| due <= now) {
            pings.due = None;
            pings.may_send = true;
        }
        if !pings.may_send {
            return None;
        }
        let sent = self.transmit_shared(now, Shared::Pings, io);
        let pings = self.pings.as_mut()?;
        // If the request was sent, it is no longer queued.
        if sent == Some(true) {
            pings.queued = false;
        }
        // If the device had no room, try again later.
        if sent.is_none() {
            pings.due = Some(now + RETRY);
        }
        if sent? {
            return Some(Step::Egress(None));
        }
        pings.may_send = false;
        // Nothing was sent. smoltcp knows when to try again, but the socket waits at least `RETRY`.
        pings.due = self.iface.poll_at(now, &pings.set).map(|at| at.max(now + RETRY));
        None
    }
}

impl<'a> Pings<'a> {
    /// Returns the time at which the socket can send again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Returns the socket set that receives ICMP messages.
    pub(super) fn set(&mut self) -> &mut SocketSet<'a> {
        &mut self.set
    }

    /// Lets the socket send its queued request in the next step.
    #[cfg(feature = "fragments")]
    pub(super) fn try_again(&mut self) {
        self.may_send = true;
    }

    /// Stores an ICMP error. Returns false if the quoted packet is not an echo request from this socket.
    pub(super) fn refused(&mut self, quote: &Quote) -> bool {
        let Some((to, seq)) = quote.echo(self.ident) else { return false };
        let refusal = EchoRefusal { from: quote.error.from, to, seq, why: quote.error.why };
        if self.refusals.is_full() {
            self.refusals.pop_front();
        }
        // The queue has room now.
        self.refusals.push_back(refusal).is_ok()
    }

    /// Stores the replies that the socket has received. `hop_limit` is the hop limit of the packet that carried the
    /// replies.
    pub(super) fn arrived(&mut self, now: Instant, hop_limit: u8) {
        let ident = self.ident;
        let socket = self.set.get_mut::<Socket>(self.handle);
        while let Ok((bytes, from)) = socket.recv() {
            let Some(echo) = read(bytes, from, ident, hop_limit, now) else { continue };
            if self.replies.is_full() {
                self.replies.pop_front();
            }
            // The queue has room, because a full queue has just lost its oldest entry.
            let _ = self.replies.push_back(echo);
        }
    }
}

/// Returns the hop limit of a packet that carries ICMP, or `None` for other packets. smoltcp's socket does not report
/// the hop limit of a reply.
pub(super) fn icmp_hop_limit(packet: &[u8]) -> Option<u8> {
    if packet.is_empty() {
        return None;
    }
    match IpVersion::of_packet(packet).ok()? {
        IpVersion::Ipv4 => {
            let packet = Ipv4Packet::new_checked(packet).ok()?;
            (packet.next_header() == IpProtocol::Icmp).then(|| packet.hop_limit())
        }
        #[cfg(feature = "ipv6")]
        IpVersion::Ipv6 => {
            let packet = Ipv6Packet::new_checked(packet).ok()?;
            (packet.next_header() == IpProtocol::Icmpv6).then(|| packet.hop_limit())
        }
    }
}

/// Reads an echo reply. `None` if the message is not an echo reply with the identifier `ident`.
fn read(bytes: &[u8], from: IpAddress, ident: u16, hop_limit: u8, at: Instant) -> Option<Echo> {
    // The type of a reply is 0 in ICMP (RFC 792) and 129 in ICMPv6 (RFC 4443).
    let kind = match from {
        IpAddress::Ipv4(_) => 0,
        #[cfg(feature = "ipv6")]
        IpAddress::Ipv6(_) => 129,
    };
    let (&[first, _, _, _, a, b, c, d], data) = bytes.split_first_chunk::<ECHO_HEADER>()?;
    if first != kind || u16::from_be_bytes([a, b]) != ident {
        return None;
    }
    let intact = data.iter().enumerate().all(|(at, &byte)| byte == pattern(at));
    Some(Echo { from, seq: u16::from_be_bytes([c, d]), len: data.len(), hop_limit, intact, at })
}

/// Returns the byte at the index `at` of a request's data. Each byte is the low 8 bits of its index.
fn pattern(at: usize) -> u8 {
    at as u8
}
