//! A stack on an Ethernet cable with a virtual clock. The test acts as the peer, and builds each frame that the peer
//! sends.

pub mod dhcp;
pub mod router;

use smolstep::host::{HeapPool, Sizes};
use smolstep::names::Resolver;
use smolstep::phy::{Cable, CableEnd};
use smolstep::stack::{
    AddressEvent, Config, ConnectionId, Context, Direction, DropReason, End, Event, Io, Memory, Next, NullConsole,
    Probe, Seed, Session, Stack, UdpSession,
};
use smoltcp::phy::{ChecksumCapabilities, Device, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpCidr,
    IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

pub const OURS: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
pub const THEIRS: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 9]);

/// The cable between a stack and its peer.
pub type Wire = Cable<16, 1514>;

type Far<'w> = CableEnd<'w, 16, 1514>;

/// The memory of a [`World`]: the cable and the stack's buffers.
pub struct Ground<'w> {
    cable: Wire,
    pool: HeapPool<'w, Idle, Resolver>,
}

impl Ground<'_> {
    pub fn new() -> Self {
        let sizes = Sizes { connections: 4, receive: 512, send: 512, ports: 1, datagrams: 16, payload: 16_384 };
        Ground { cable: Cable::with_medium(Medium::Ethernet), pool: HeapPool::new(sizes) }
    }
}

pub struct World<'w, S = Idle, U = Resolver, P = Told> {
    pub now: Instant,
    pub stack: Stack<'w, S, U>,
    pub io: Io<Far<'w>, NullConsole, P>,
    /// The peer's end of the cable.
    pub far: Far<'w>,
    start: Instant,
}

impl World<'static> {
    /// Creates a stack with the given addresses. `set` changes the configuration. The stack's memory is never freed.
    pub fn new(addresses: &[&str], set: impl FnOnce(&mut Config)) -> Self {
        World::on(Box::leak(Box::new(Ground::new())), addresses, set)
    }
}

impl<'w> World<'w> {
    /// Creates a stack like [`new`](Self::new), but in the caller's memory.
    pub fn on(ground: &'w mut Ground<'w>, addresses: &[&str], set: impl FnOnce(&mut Config)) -> Self {
        World::with(&mut ground.cable, ground.pool.memory(), Told::default(), addresses, set)
    }

    /// Returns the events since the previous call, one line each.
    pub fn take_events(&mut self) -> Vec<String> {
        std::mem::take(&mut self.io.probe.lines)
    }
}

impl<'w, S: Session + Clone, U: UdpSession, P: Probe> World<'w, S, U, P> {
    /// Creates a stack with the caller's memory, programs and probe.
    pub fn with(
        cable: &'w mut Wire,
        memory: Memory<'w, S, U>,
        probe: P,
        addresses: &[&str],
        set: impl FnOnce(&mut Config),
    ) -> Self {
        let (device, far) = cable.ends();
        let now = Instant::from_secs(1);
        let mut io = Io { device, console: NullConsole, probe };
        let addresses: Vec<IpCidr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let mut config = Config::new(OURS.into(), Seed([5; 32]), &addresses);
        set(&mut config);
        let stack = Stack::new(config, &mut io.device, memory, now).unwrap();
        World { now, stack, io, far, start: now }
    }

    /// Runs the stack for `seconds` seconds.
    ///
    /// `peer` receives each frame from the stack, and returns the frames that the peer sends back.
    ///
    /// # Panics
    /// Panics if the stack repeatedly requests a poll that does no work.
    pub fn run(&mut self, seconds: u64, mut peer: impl FnMut(&[u8]) -> Vec<Vec<u8>>) {
        let until = self.now + Duration::from_secs(seconds);
        let mut idle = 0;
        loop {
            let next = self.stack.poll(self.now, &mut self.io);
            let mut frames = 0;
            while let Some(frame) = self.receive() {
                frames += 1;
                for reply in peer(&frame) {
                    self.inject(&reply);
                }
            }
            idle = if frames == 0 { idle + 1 } else { 0 };
            assert!(idle < 20 + 2 * seconds, "the stack spins at {}", self.seconds());
            if frames > 0 {
                continue;
            }
            if next.is_none_or(|next| next >= until) {
                self.now = until;
                return;
            }
            self.now = next.unwrap_or(until).max(self.now);
        }
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        let (frame, _) = self.far.receive(self.now)?;
        Some(frame.consume(<[u8]>::to_vec))
    }

    /// Sends a frame from the peer to the stack.
    ///
    /// # Panics
    /// Panics if the cable is full.
    pub fn inject(&mut self, frame: &[u8]) {
        let token = self.far.transmit(self.now).expect("the cable has room");
        token.consume(frame.len(), |place| place.copy_from_slice(frame));
    }

    /// Returns the time since the start, in whole seconds.
    pub fn seconds(&self) -> u64 {
        (self.now - self.start).secs()
    }

    /// Returns the host's addresses.
    pub fn addresses(&self) -> Vec<String> {
        self.stack.addresses().iter().map(ToString::to_string).collect()
    }

    /// Returns the end of a connection, or `None` if the connection is still open.
    pub fn end(&self, id: ConnectionId) -> Option<End> {
        self.stack.ended(id)
    }
}

/// A peer that never answers.
pub fn silence(_frame: &[u8]) -> Vec<Vec<u8>> {
    vec![]
}

/// Returns the target address of an ARP request.
///
/// Returns `None` for other frames and for ARP announcements.
pub fn arp_asks(frame: &[u8]) -> Option<Ipv4Address> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Arp {
        return None;
    }
    match ArpRepr::parse(&ArpPacket::new_checked(frame.payload()).ok()?).ok()? {
        ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request, source_protocol_addr, target_protocol_addr, ..
        } if source_protocol_addr != target_protocol_addr => Some(target_protocol_addr),
        _ => None,
    }
}

/// Builds an ARP reply to the host at `to`, which says that the peer has `address`.
pub fn arp_has(address: Ipv4Address, to: Ipv4Address) -> Vec<u8> {
    let arp = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr: THEIRS,
        source_protocol_addr: address,
        target_hardware_addr: OURS,
        target_protocol_addr: to,
    };
    framed(OURS, EthernetProtocol::Arp, arp.buffer_len(), |payload| arp.emit(&mut ArpPacket::new_unchecked(payload)))
}

/// Builds a frame from the peer with a UDP datagram.
pub fn udp(from: (Ipv4Address, u16), to: (Ipv4Address, u16), data: &[u8]) -> Vec<u8> {
    let checksums = ChecksumCapabilities::default();
    let udp = UdpRepr { src_port: from.1, dst_port: to.1 };
    let ip = Ipv4Repr {
        src_addr: from.0,
        dst_addr: to.0,
        next_header: IpProtocol::Udp,
        payload_len: 8 + data.len(),
        hop_limit: 64,
    };
    framed(OURS, EthernetProtocol::Ipv4, 28 + data.len(), |payload| {
        let mut packet = Ipv4Packet::new_unchecked(payload);
        ip.emit(&mut packet, &checksums);
        let mut packet = UdpPacket::new_unchecked(packet.payload_mut());
        let emit = |bytes: &mut [u8]| bytes.copy_from_slice(data);
        udp.emit(&mut packet, &from.0.into(), &to.0.into(), data.len(), emit, &checksums);
    })
}

/// Returns the source port, the destination port and the data of a UDP datagram over IPv4.
pub fn datagram(frame: &[u8]) -> Option<(u16, u16, &[u8])> {
    let frame = EthernetFrame::new_checked(frame).ok().filter(|f| f.ethertype() == EthernetProtocol::Ipv4)?;
    let ip = Ipv4Packet::new_checked(frame.payload()).ok().filter(|ip| ip.next_header() == IpProtocol::Udp)?;
    let udp = UdpPacket::new_checked(ip.payload()).ok()?;
    assert!(ip.verify_checksum() && udp.verify_checksum(&ip.src_addr().into(), &ip.dst_addr().into()));
    Some((udp.src_port(), udp.dst_port(), udp.payload()))
}

/// Builds a frame from the peer.
pub fn framed(to: EthernetAddress, ethertype: EthernetProtocol, len: usize, emit: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = vec![0; 14 + len];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    EthernetRepr { src_addr: THEIRS, dst_addr: to, ethertype }.emit(&mut frame);
    emit(frame.payload_mut());
    bytes
}

/// A [`Probe`] that collects address events and drop reasons, and counts the frames that the stack sends.
#[derive(Default)]
pub struct Told {
    lines: Vec<String>,
    pub sent: usize,
    drops: Vec<DropReason>,
}

impl Told {
    /// Returns the number of frames dropped for `reason`.
    pub fn dropped(&self, reason: DropReason) -> usize {
        self.drops.iter().filter(|drop| **drop == reason).count()
    }
}

impl Probe for Told {
    fn frame(&mut self, _now: Instant, direction: Direction, _frame: &[u8]) {
        self.sent += usize::from(direction == Direction::Out);
    }

    fn event(&mut self, _now: Instant, event: &Event) {
        match event {
            Event::Address(AddressEvent::Added(address)) => self.lines.push(format!("+{address}")),
            Event::Address(AddressEvent::Removed(address)) => self.lines.push(format!("-{address}")),
            Event::Address(what) => self.lines.push(what.to_string()),
            Event::Dropped(reason) => self.drops.push(*reason),
            _ => {}
        }
    }
}

/// A program that keeps its connection open and sends nothing.
#[derive(Clone)]
pub struct Idle;

impl Session for Idle {
    fn poll(&mut self, _socket: &mut tcp::Socket<'_>, _cx: &mut Context<'_>) -> Next {
        Next::Wait
    }
}
