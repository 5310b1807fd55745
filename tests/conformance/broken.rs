//! A network card in memory that is intact or has one defect. At least one defect breaks each conformance rule.

use std::collections::VecDeque;

use smolstep::phy::conformance::{Failure, Fault, Peer, Rule};
use smoltcp::phy::{self, Checksum, Device, DeviceCapabilities};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{Icmpv4Packet, IpAddress, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket};

use crate::{Ticks, copy, run};

#[test]
fn an_intact_card_conforms() {
    let report = run(&mut Card::new(Defect::None), &mut Wire::default()).unwrap();
    assert_eq!(
        report.to_string(),
        "MTU 1514; holds 4 frames to send and 8 frames received; 56 of a burst lost and counted"
    );
    let report = run(&mut Card::new(Defect::PadsWithZeros), &mut Wire::default());
    assert!(report.is_ok(), "{report:?}");
    let report = run(&mut Card::new(Defect::Offload(Offload::Good)), &mut Wire::default());
    assert!(report.is_ok(), "{report:?}");
}

#[test]
fn every_defect_is_found_and_named() {
    let lost = |missing, counted| Fault::Lost { missing, counted };
    let length = |sent, came| Fault::Length { sent, came };
    for (defect, rule, fault) in [
        (Defect::ClockBack, Rule::Clock, Fault::ClockBack),
        (Defect::ClockStands, Rule::Clock, Fault::ClockStands),
        (Defect::Mtu(500), Rule::Capabilities, Fault::Mtu(500)),
        (Defect::Mtu(70_000), Rule::Capabilities, Fault::Mtu(70_000)),
        (Defect::Mtu(10_000), Rule::Capabilities, Fault::Scratch(10_001)),
        (Defect::Promises(0), Rule::Capabilities, Fault::BurstOfNone),
        (Defect::ReceivesWhenIdle, Rule::Idle, Fault::Foreign),
        (Defect::NeverSends, Rule::Sending, Fault::NoToken),
        (Defect::ShortTokens, Rule::Sending, Fault::TokenLength { asked: 1513, given: 1510 }),
        (Defect::PadsWithRubbish, Rule::Sending, Fault::Padding(14)),
        (Defect::PadsTooFar, Rule::Sending, length(14, 64)),
        (Defect::CutsSent, Rule::Sending, length(1513, 1500)),
        (Defect::FlipsSent, Rule::Sending, Fault::Damaged(40)),
        (Defect::SendsTwice, Rule::Sending, Fault::Unsent),
        (Defect::Deaf, Rule::Receiving, Fault::NotReceived),
        (Defect::KeepsChecksum, Rule::Receiving, length(64, 68)),
        (Defect::Mtu(2000), Rule::Receiving, Fault::Refused(1999)),
        (Defect::LosesReply, Rule::Reply, lost(1, 0)),
        (Defect::LeaksTokens, Rule::UnusedToken, Fault::NoToken),
        (Defect::DropsWhenFull, Rule::Exhaustion, lost(60, 0)),
        (Defect::LosesHeld, Rule::Exhaustion, Fault::NotReceived),
        (Defect::StaysFull, Rule::Exhaustion, Fault::NotReceived),
        (Defect::Uncounted, Rule::Burst, lost(56, 0)),
        (Defect::LastInFirstOut, Rule::Burst, Fault::Order),
        (Defect::Promises(9), Rule::PromisedBurst, lost(1, 1)),
        (Defect::EmptyWedges, Rule::Empty, Fault::NoToken),
        (Defect::CutsLong, Rule::TooLong, length(1515, 1514)),
        (Defect::LosesLong, Rule::TooLong, lost(1, 0)),
        (Defect::Offload(Offload::NeverFills), Rule::Checksums, Fault::ChecksumWrong("IPv4")),
        (Defect::Offload(Offload::NeverVerifies), Rule::Checksums, Fault::BadChecksumPassed("IPv4")),
        (Defect::Offload(Offload::RefusesZero), Rule::Checksums, Fault::ChecksumRefused("UDP")),
        (Defect::Offload(Offload::ForgetsTcp), Rule::Checksums, Fault::ChecksumWrong("TCP")),
    ] {
        let found = run(&mut Card::new(defect), &mut Wire { defect, ..Wire::default() });
        assert_eq!(found, Err(Failure { rule, fault }), "{defect:?}");
        assert_eq!(found.unwrap_err().to_string().lines().count(), 1);
    }
}

#[test]
fn a_failure_is_described_in_one_line() {
    let failure = run(&mut Card::new(Defect::Uncounted), &mut Wire::default()).unwrap_err();
    assert_eq!(failure.to_string(), "a burst longer than the queue: 56 frames lost, 0 counted");
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Defect {
    #[default]
    None,
    ClockBack,
    ClockStands,
    CutsLong,
    CutsSent,
    Deaf,
    DropsWhenFull,
    EmptyWedges,
    FlipsSent,
    KeepsChecksum,
    LastInFirstOut,
    LeaksTokens,
    LosesHeld,
    LosesLong,
    LosesReply,
    Mtu(usize),
    NeverSends,
    Offload(Offload),
    PadsTooFar,
    PadsWithRubbish,
    PadsWithZeros,
    Promises(usize),
    ReceivesWhenIdle,
    SendsTwice,
    ShortTokens,
    StaysFull,
    Uncounted,
}

/// How a card with checksum offload computes and verifies checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offload {
    ForgetsTcp,
    Good,
    NeverFills,
    NeverVerifies,
    RefusesZero,
}

/// A network card that can store 4 frames to send and 8 received frames.
struct Card {
    defect: Defect,
    rx: VecDeque<Vec<u8>>,
    tx: VecDeque<Vec<u8>>,
    lost: u64,
    leaked: usize,
    full: bool,
    wedged: bool,
}

const ROOM: usize = 4;
const MTU: usize = 1514;

impl Card {
    fn new(defect: Defect) -> Card {
        Card { defect, rx: VecDeque::new(), tx: VecDeque::new(), lost: 0, leaked: 0, full: false, wedged: false }
    }

    /// Returns whether the card accepts a frame to send. Some defects make it refuse frames for ever, or accept frames
    /// when it is full.
    fn has_room(&mut self) -> bool {
        self.full |= self.tx.len() == ROOM;
        let stuck = self.wedged || self.leaked > 32 || (self.defect == Defect::StaysFull && self.full);
        !stuck && (self.tx.len() < ROOM || self.defect == Defect::DropsWhenFull) && self.defect != Defect::NeverSends
    }

    /// Receives a frame from the wire.
    fn arrive(&mut self, frame: &[u8]) {
        let mut frame = frame.to_vec();
        match self.defect {
            Defect::Deaf => return,
            Defect::CutsLong => frame.truncate(MTU),
            Defect::LosesLong if frame.len() > MTU => return,
            Defect::Offload(offload) if !offload.accepts(&frame) => return,
            Defect::KeepsChecksum if frame.len() >= 60 => frame.extend([1, 2, 3, 4]),
            _ => {}
        }
        if self.rx.len() == 8 || frame.len() > MTU && self.defect != Defect::CutsLong {
            self.lost += u64::from(self.defect != Defect::Uncounted);
            return;
        }
        match self.defect {
            Defect::LastInFirstOut => self.rx.push_front(frame),
            _ => self.rx.push_back(frame),
        }
    }

    /// Queues a frame to be sent.
    fn queue(&mut self, mut frame: Vec<u8>) {
        let len = frame.len();
        match self.defect {
            Defect::CutsSent => frame.truncate(1500),
            Defect::EmptyWedges if frame.is_empty() => self.wedged = true,
            Defect::FlipsSent if len > 40 => frame[40] ^= 4,
            Defect::Offload(offload) => offload.fill_checksums(&mut frame),
            Defect::PadsTooFar => frame.resize(len.max(64), 0),
            Defect::PadsWithRubbish => frame.resize(len.max(60), 0xaa),
            Defect::PadsWithZeros => frame.resize(len.max(60), 0),
            Defect::SendsTwice => self.tx.push_back(frame.clone()),
            _ => {}
        }
        if self.tx.len() < ROOM {
            self.tx.push_back(frame);
        }
    }
}

impl Device for Card {
    type RxToken<'a> = Rx;
    type TxToken<'a> = Tx<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Rx, Tx<'_>)> {
        if self.defect == Defect::ReceivesWhenIdle && self.rx.is_empty() {
            return Some((Rx(Vec::new()), Tx(self, false)));
        }
        if !self.has_room() {
            if self.defect == Defect::LosesHeld {
                self.rx.pop_front();
            }
            return None;
        }
        let frame = self.rx.pop_front()?;
        self.leaked += usize::from(self.defect == Defect::LeaksTokens);
        Some((Rx(frame), Tx(self, true)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Tx<'_>> {
        self.has_room().then_some(Tx(self, false))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = MTU;
        match self.defect {
            Defect::Mtu(mtu) => capabilities.max_transmission_unit = mtu,
            Defect::Promises(frames) => capabilities.max_burst_size = Some(frames),
            Defect::Offload(_) => {
                capabilities.checksum.ipv4 = Checksum::None;
                capabilities.checksum.udp = Checksum::None;
                capabilities.checksum.tcp = Checksum::None;
                capabilities.checksum.icmpv4 = Checksum::None;
            }
            _ => {}
        }
        capabilities
    }
}

struct Rx(Vec<u8>);

impl phy::RxToken for Rx {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// The card, and whether `receive` returned the token together with a frame.
struct Tx<'a>(&'a mut Card, bool);

impl phy::TxToken for Tx<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.0.leaked -= usize::from(self.1 && self.0.defect == Defect::LeaksTokens);
        let mut frame = vec![0; len];
        let short = if self.0.defect == Defect::ShortTokens { len.min(1510) } else { len };
        let result = f(&mut frame[..short]);
        if !self.1 || self.0.defect != Defect::LosesReply {
            self.0.queue(frame);
        }
        result
    }
}

/// The network on the other side of a card.
#[derive(Default)]
struct Wire {
    defect: Defect,
    ticks: Ticks,
}

impl Peer<Card> for Wire {
    fn inject(&mut self, device: &mut Card, frame: &[u8]) -> bool {
        // This network carries frames up to one byte longer than the MTU, to test frames that are too long.
        let fits = frame.len() <= MTU + 1;
        if fits {
            device.arrive(frame);
        }
        fits
    }

    fn observe(&mut self, device: &mut Card, buffer: &mut [u8]) -> Option<usize> {
        copy(&device.tx.pop_front()?, buffer)
    }

    fn now(&mut self) -> Instant {
        let now = self.ticks.now();
        match self.defect {
            Defect::ClockBack => Instant::from_secs(10) - (now - Instant::ZERO),
            Defect::ClockStands => Instant::ZERO,
            _ => now + Duration::from_secs(1),
        }
    }

    fn lost(&mut self, device: &mut Card) -> u64 {
        device.lost
    }
}

impl Offload {
    /// Fills in the checksums of a frame to send, except those that the defect leaves out.
    fn fill_checksums(self, frame: &mut [u8]) {
        let Some(mut ip) = self.packet(frame).filter(|_| self != Offload::NeverFills) else { return };
        let (protocol, ours) = (ip.next_header(), addresses(&ip));
        ip.fill_checksum();
        let payload = ip.payload_mut();
        match protocol {
            IpProtocol::Icmp => Icmpv4Packet::new_unchecked(payload).fill_checksum(),
            IpProtocol::Tcp if self == Offload::ForgetsTcp => {}
            IpProtocol::Tcp => TcpPacket::new_unchecked(payload).fill_checksum(&ours.0, &ours.1),
            IpProtocol::Udp => UdpPacket::new_unchecked(payload).fill_checksum(&ours.0, &ours.1),
            _ => {}
        }
    }

    /// Returns whether the card accepts a received frame after it has verified the checksums.
    fn accepts(self, frame: &[u8]) -> bool {
        let mut copy = frame.to_vec();
        let Some(ip) = self.packet(&mut copy).filter(|_| self != Offload::NeverVerifies) else { return true };
        let (protocol, ours) = (ip.next_header(), addresses(&ip));
        let (sum, payload) = (ip.verify_checksum(), &ip.into_inner()[20..]);
        sum && match protocol {
            IpProtocol::Icmp => Icmpv4Packet::new_unchecked(payload).verify_checksum(),
            IpProtocol::Tcp => TcpPacket::new_unchecked(payload).verify_checksum(&ours.0, &ours.1),
            IpProtocol::Udp if self == Offload::RefusesZero && payload[6..8] == [0, 0] => false,
            IpProtocol::Udp => UdpPacket::new_unchecked(payload).verify_checksum(&ours.0, &ours.1),
            _ => true,
        }
    }

    /// Returns the IPv4 packet of a frame, or `None` for other frames.
    fn packet(self, frame: &mut [u8]) -> Option<Ipv4Packet<&mut [u8]>> {
        (frame.get(12..14) == Some(&[8, 0])).then(|| Ipv4Packet::new_unchecked(&mut frame[14..]))
    }
}

/// Returns the source and the destination of a packet.
fn addresses(ip: &Ipv4Packet<&mut [u8]>) -> (IpAddress, IpAddress) {
    (ip.src_addr().into(), ip.dst_addr().into())
}
