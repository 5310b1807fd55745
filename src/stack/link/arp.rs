//! ARP: resolves IPv4 addresses and defends our own (RFC 826, RFC 5227).

use smoltcp::time::Instant;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpAddress,
    Ipv4Address,
};

use super::Link;
use super::ethernet::LEN;

/// The length of a frame with an ARP message, in bytes.
pub(crate) const ARP_FRAME: usize = LEN + 28;

/// The reaction to an ARP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Heard {
    Nothing,
    /// The message is a request for our address `own`, which the stack answers.
    Answer {
        to: EthernetAddress,
        own: Ipv4Address,
        asker: Ipv4Address,
    },
    /// Another host uses our address `own`. If `defended` is set, the stack announces the address again.
    Conflict {
        own: Ipv4Address,
        by: EthernetAddress,
        defended: bool,
    },
}

impl Link<'_> {
    /// Processes an ARP message in the order of RFC 826. Returns the reaction and whether a neighbour became known.
    ///
    /// Any message updates the hardware address of a known neighbour. An unknown neighbour is added only if the message
    /// is for us.
    pub(in crate::stack) fn arp(
        &mut self,
        now: Instant,
        message: &[u8],
        is_own: impl Fn(Ipv4Address) -> bool,
    ) -> (Heard, bool) {
        let Ok(ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: hardware,
            source_protocol_addr: source,
            target_protocol_addr: target,
            ..
        }) = ArpPacket::new_checked(message).and_then(|packet| ArpRepr::parse(&packet))
        else {
            return (Heard::Nothing, false);
        };
        if Some(hardware) == self.hardware || !hardware.is_unicast() {
            return (Heard::Nothing, false);
        }
        if is_own(source) {
            return (Heard::Conflict { own: source, by: hardware, defended: self.defends(now) }, false);
        }
        // The sender of an ARP probe has no address yet (RFC 5227 section 1.1).
        let address = IpAddress::from(source);
        let learnt = address.is_unicast() && self.neighbours.learn(now, address, hardware, is_own(target));
        let heard = match operation {
            ArpOperation::Request if is_own(target) => Heard::Answer { to: hardware, own: target, asker: source },
            _ => Heard::Nothing,
        };
        (heard, learnt)
    }

    /// Writes an ARP reply to the host `asker`.
    pub(in crate::stack) fn write_answer(
        &self,
        frame: &mut [u8],
        to: EthernetAddress,
        own: Ipv4Address,
        asker: Ipv4Address,
    ) {
        let hardware = self.hardware.unwrap_or_default();
        let repr = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Reply,
            source_hardware_addr: hardware,
            source_protocol_addr: own,
            target_hardware_addr: to,
            target_protocol_addr: asker,
        };
        write(frame, to, hardware, &repr);
    }
}

/// Writes an ARP request for `target` from `source`.
///
/// If both addresses are the same, the request is an announcement (RFC 5227 section 2.3).
pub(crate) fn write_request(frame: &mut [u8], hardware: EthernetAddress, source: Ipv4Address, target: Ipv4Address) {
    let repr = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: hardware,
        source_protocol_addr: source,
        // RFC 5227 section 2.1.1: the target hardware address is all zeroes.
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: target,
    };
    write(frame, EthernetAddress::BROADCAST, hardware, &repr);
}

fn write(frame: &mut [u8], dst_addr: EthernetAddress, src_addr: EthernetAddress, repr: &ArpRepr) {
    let mut frame = EthernetFrame::new_unchecked(frame);
    EthernetRepr { src_addr, dst_addr, ethertype: EthernetProtocol::Arp }.emit(&mut frame);
    repr.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
}
