//! ARP: resolves IPv4 addresses and defends our own (RFC 826, RFC 5227).

use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, Ipv4Address};

use super::Link;
use super::ethernet::{self, LEN, write_header};
use crate::phy::EthernetAddress;

/// The length of an ARP message about Ethernet and IPv4, in bytes.
const MESSAGE: usize = 28;

/// The length of a frame that contains an ARP message, in bytes.
pub(crate) const ARP_FRAME: usize = LEN + MESSAGE;

/// The start of every ARP message about Ethernet and IPv4: the types of the two addresses, then their lengths.
const KINDS: [u8; 6] = [0, 1, 8, 0, 6, 4];

// The operations.
const REQUEST: [u8; 2] = [0, 1];
const REPLY: [u8; 2] = [0, 2];

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
        let Some((operation, hardware, source, target)) = read(message) else { return (Heard::Nothing, false) };
        // Our own message, sent back by the link, is ignored, and so is a sender without a valid hardware address.
        if Some(hardware) == self.hardware || !hardware.is_unicast() {
            return (Heard::Nothing, false);
        }
        if is_own(source) {
            // `defends` also starts the interval until the next defence.
            return (Heard::Conflict { own: source, by: hardware, defended: self.defends(now) }, false);
        }
        // The sender of an ARP probe has no address yet (RFC 5227 section 1.1), so nothing is learnt from a probe.
        let address = IpAddress::from(source);
        let learnt = address.is_unicast() && self.neighbours.learn(now, address, hardware, is_own(target));
        let heard = match operation {
            REQUEST if is_own(target) => Heard::Answer { to: hardware, own: target, asker: source },
            _ => Heard::Nothing,
        };
        (heard, learnt)
    }

    /// Writes an ARP reply to the host `asker`, whose hardware address is `to`: our address `own` has our hardware
    /// address.
    pub(in crate::stack) fn write_answer(
        &self,
        frame: &mut [u8],
        to: EthernetAddress,
        own: Ipv4Address,
        asker: Ipv4Address,
    ) {
        let hardware = self.hardware.unwrap_or_default();
        write_header(frame, to, hardware, ethernet::ARP);
        write(frame, REPLY, (hardware, own), (to, asker));
    }
}

/// Writes an ARP request for `target` from `source`.
///
/// If both addresses are the same, the request is an announcement (RFC 5227 section 2.3).
pub(crate) fn write_request(frame: &mut [u8], hardware: EthernetAddress, source: Ipv4Address, target: Ipv4Address) {
    write_header(frame, EthernetAddress::BROADCAST, hardware, ethernet::ARP);
    // RFC 5227 section 2.1.1: the target hardware address is all zeroes.
    write(frame, REQUEST, (hardware, source), (EthernetAddress::default(), target));
}

/// Reads an ARP message: its operation, its sender's two addresses, and its target's IP address. `None` if the message
/// is not about Ethernet and IPv4.
fn read(message: &[u8]) -> Option<([u8; 2], EthernetAddress, Ipv4Address, Ipv4Address)> {
    let message = message.first_chunk::<MESSAGE>()?.strip_prefix(&KINDS)?;
    let (operation, message) = message.split_first_chunk()?;
    let (hardware, message) = message.split_first_chunk()?;
    let (source, message) = message.split_first_chunk::<4>()?;
    let target = message.last_chunk::<4>()?;
    Some((*operation, EthernetAddress(*hardware), (*source).into(), (*target).into()))
}

/// Writes an ARP message after a frame's Ethernet header. The two pairs are the hardware address and the IP address of
/// the sender and of the target. A frame that is too short is not changed.
fn write(
    frame: &mut [u8],
    operation: [u8; 2],
    (hardware, source): (EthernetAddress, Ipv4Address),
    (asked, target): (EthernetAddress, Ipv4Address),
) {
    // The offsets below are those of RFC 826 for Ethernet and IPv4, in bytes.
    let Some(message) = frame.get_mut(LEN..ARP_FRAME) else { return };
    message[..6].copy_from_slice(&KINDS);
    message[6..8].copy_from_slice(&operation);
    message[8..14].copy_from_slice(&hardware.0);
    message[14..18].copy_from_slice(&source.octets());
    message[18..24].copy_from_slice(&asked.0);
    message[24..].copy_from_slice(&target.octets());
}
