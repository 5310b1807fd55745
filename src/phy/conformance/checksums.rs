//! Checks that the device computes and verifies the checksums that its capabilities promise.

use smoltcp::phy::{Checksum, Device, Medium, RxToken, TxToken};
use smoltcp::wire::{Icmpv4Message, Icmpv4Packet, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket};

use super::Peer;
use super::bench::Bench;
use super::frames::{DESTINATION, SOURCE, ethernet, header};
use super::report::Fault;
use crate::phy::{EthernetAddress, is_ethernet};

const IP_HEADER: usize = 20;
/// The length of a test packet's payload, in bytes: the longest transport header, and an odd number of data bytes.
const PAYLOAD: usize = 20 + 27;

/// A protocol with a checksum.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Icmp,
    Ip,
    Tcp,
    Udp,
}

/// The value in the checksum field of a test packet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sum {
    Good,
    Wrong,
    Zero,
}

impl<D: Device, P: Peer<D>> Bench<'_, D, P> {
    /// Checks [`Rule::Checksums`](super::Rule::Checksums) for each protocol: the device computes and verifies the
    /// checksums that its capabilities promise.
    pub fn checksums(&mut self) -> Result<(), Fault> {
        let sums = self.device.capabilities().checksum;
        self.checksum(Protocol::Ip, sums.ipv4)?;
        self.checksum(Protocol::Udp, sums.udp)?;
        self.checksum(Protocol::Tcp, sums.tcp)?;
        self.checksum(Protocol::Icmp, sums.icmpv4)
    }

    /// Checks the checksum of one protocol. `stack` says whether the stack computes and verifies this checksum. If the
    /// stack does not, the device must.
    fn checksum(&mut self, protocol: Protocol, stack: Checksum) -> Result<(), Fault> {
        // smoltcp writes 0 into a checksum field that the device must fill in.
        if !self.sends_right(protocol, if stack.tx() { Sum::Good } else { Sum::Zero })? {
            return Err(Fault::ChecksumWrong(protocol.name()));
        }
        if !self.delivers(protocol, Sum::Good)? {
            return Err(Fault::ChecksumRefused(protocol.name()));
        }
        // Wrong checksums are tested only if the device verifies checksums and the peer can send wrong ones.
        if stack.rx() || !self.peer.forges() {
            return Ok(());
        }
        if self.delivers(protocol, Sum::Wrong)? {
            return Err(Fault::BadChecksumPassed(protocol.name()));
        }
        // RFC 768 lets a sender omit the checksum, so the device must deliver such a datagram.
        if protocol == Protocol::Udp && !self.delivers(protocol, Sum::Zero)? {
            return Err(Fault::ChecksumRefused(protocol.name()));
        }
        self.quiet()
    }

    /// Sends a packet through the device, with the checksum that `sum` selects. Returns whether the packet has the
    /// right checksum when the peer receives it.
    fn sends_right(&mut self, protocol: Protocol, sum: Sum) -> Result<bool, Fault> {
        let now = self.now()?;
        let (medium, to) = (self.frames.medium, self.frames.to);
        let token = self.device.transmit(now).ok_or(Fault::NoToken)?;
        token.consume(length(medium), |frame| protocol.write(medium, to, sum, frame));
        // Wait until the packet arrives, or the peer has tried often enough.
        let mut tries = self.peer.tries();
        while tries > 0 {
            let Some(came) = self.peer.observe(self.device, self.scratch) else {
                tries -= 1;
                continue;
            };
            match self.scratch.get(..came).and_then(|frame| protocol.is_right(medium, frame)) {
                Some(right) => return Ok(right),
                // A foreign frame does not count as an attempt.
                None => self.count_foreign()?,
            }
        }
        Err(Fault::Lost { missing: 1, counted: 0 })
    }

    /// Makes the peer send a packet to the device, with the checksum that `sum` selects. Returns whether the device
    /// delivers the packet.
    fn delivers(&mut self, protocol: Protocol, sum: Sum) -> Result<bool, Fault> {
        let (medium, to, len) = (self.frames.medium, self.frames.to, length(self.frames.medium));
        let frame = self.scratch.get_mut(..len).ok_or(Fault::Scratch(len))?;
        protocol.write(medium, to, sum, frame);
        if !self.peer.inject(self.device, frame) {
            return Err(Fault::Refused(len));
        }
        let mut tries = self.peer.tries();
        while tries > 0 {
            let now = self.now()?;
            let Some((token, _)) = self.device.receive(now) else {
                tries -= 1;
                continue;
            };
            // A test packet counts as delivered even if its checksum is wrong.
            if token.consume(|frame| protocol.is_right(medium, frame)).is_some() {
                return Ok(true);
            }
            // A foreign frame does not count as an attempt.
            self.count_foreign()?;
        }
        Ok(false)
    }
}

impl Protocol {
    /// Returns the protocol's name, for messages.
    fn name(self) -> &'static str {
        match self {
            Protocol::Icmp => "ICMPv4",
            Protocol::Ip => "IPv4",
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
        }
    }

    /// Returns the protocol number in the IP header of a test packet.
    fn number(self) -> IpProtocol {
        match self {
            Protocol::Icmp => IpProtocol::Icmp,
            // A packet must name a protocol. No device computes a checksum for protocol 253.
            Protocol::Ip => IpProtocol::Unknown(253),
            Protocol::Tcp => IpProtocol::Tcp,
            Protocol::Udp => IpProtocol::Udp,
        }
    }

    /// Writes a packet of [`length`] bytes to `frame`, with `sum` in the checksum field of this protocol.
    fn write(self, medium: Medium, to: EthernetAddress, sum: Sum, frame: &mut [u8]) {
        // The data of the packet: each byte is its offset. The headers are written over it.
        frame.iter_mut().enumerate().for_each(|(at, byte)| *byte = at as u8);
        if is_ethernet(medium) {
            ethernet(frame, to, 0x0800);
        }
        let Some(packet) = frame.get_mut(header(medium)..) else { return };
        let mut ip = Ipv4Packet::new_unchecked(packet);
        ip.set_version(4);
        ip.set_header_len(IP_HEADER as u8);
        ip.set_dscp(0);
        ip.set_ecn(0);
        ip.set_total_len((IP_HEADER + PAYLOAD) as u16);
        ip.set_ident(0);
        ip.clear_flags();
        ip.set_frag_offset(0);
        ip.set_hop_limit(64);
        ip.set_next_header(self.number());
        ip.set_src_addr(SOURCE);
        ip.set_dst_addr(DESTINATION);
        ip.fill_checksum();
        // For each protocol, first compute the right checksum, and then replace it with the value that `sum` selects.
        if self == Protocol::Ip {
            let good = ip.checksum();
            return ip.set_checksum(sum.of(good));
        }
        let (source, destination) = (SOURCE.into(), DESTINATION.into());
        let payload = ip.payload_mut();
        match self {
            Protocol::Icmp => {
                let mut icmp = Icmpv4Packet::new_unchecked(payload);
                // A stack does not answer an echo reply.
                icmp.set_msg_type(Icmpv4Message::EchoReply);
                icmp.set_msg_code(0);
                icmp.fill_checksum();
                let good = icmp.checksum();
                icmp.set_checksum(sum.of(good));
            }
            // The method has already returned: see above.
            Protocol::Ip => {}
            Protocol::Tcp => {
                let mut tcp = TcpPacket::new_unchecked(payload);
                tcp.set_header_len(20);
                tcp.clear_flags();
                // A stack does not answer a segment whose RST flag is set.
                tcp.set_rst(true);
                tcp.fill_checksum(&source, &destination);
                let good = tcp.checksum();
                tcp.set_checksum(sum.of(good));
            }
            Protocol::Udp => {
                let mut udp = UdpPacket::new_unchecked(payload);
                udp.set_len(PAYLOAD as u16);
                udp.fill_checksum(&source, &destination);
                let good = udp.checksum();
                udp.set_checksum(sum.of(good));
            }
        }
    }

    /// Returns whether the checksum in a test packet of this protocol is right. Returns `None` for any other packet,
    /// which is foreign.
    fn is_right(self, medium: Medium, frame: &[u8]) -> Option<bool> {
        let ip = Ipv4Packet::new_checked(frame.get(header(medium)..length(medium))?).ok()?;
        let ours = ip.src_addr() == SOURCE && ip.dst_addr() == DESTINATION && ip.next_header() == self.number();
        if !ours {
            return None;
        }
        let (source, destination) = (SOURCE.into(), DESTINATION.into());
        let payload = ip.payload();
        Some(match self {
            Protocol::Icmp => Icmpv4Packet::new_checked(payload).is_ok_and(|icmp| icmp.verify_checksum()),
            Protocol::Ip => ip.verify_checksum(),
            Protocol::Tcp => TcpPacket::new_checked(payload).is_ok_and(|t| t.verify_checksum(&source, &destination)),
            Protocol::Udp => {
                let udp = UdpPacket::new_checked(payload);
                // A checksum of 0 means that there is none, so the packet counts as wrong.
                udp.is_ok_and(|u| u.checksum() != 0 && u.verify_checksum(&source, &destination))
            }
        })
    }
}

impl Sum {
    /// Returns the value for the checksum field of a packet whose right checksum is `good`.
    fn of(self, good: u16) -> u16 {
        match self {
            Sum::Good => good,
            // Inverts one bit in each byte.
            Sum::Wrong => good ^ 0x0101,
            Sum::Zero => 0,
        }
    }
}

/// Returns the length of a test frame, in bytes.
fn length(medium: Medium) -> usize {
    header(medium) + IP_HEADER + PAYLOAD
}
