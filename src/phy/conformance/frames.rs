//! The test frames. The length and number of a frame determine all its bytes, so no frame needs to be stored.

use smoltcp::phy::Medium;
use smoltcp::wire::{Ipv4Address, Ipv4Packet};

use super::report::Fault;
use crate::phy::{ETHERNET_HEADER, EthernetAddress, is_ethernet};

/// The EtherType of the test frames: local experimental EtherType 1 (IEEE Std 802).
const ETHERTYPE: u16 = 0x88b5;
/// The IP protocol of the test packets. It is reserved for experimentation and testing (RFC 3692).
const PROTOCOL: u8 = 253;
/// The source address of the test packets, in TEST-NET-1, which no network uses (RFC 5737).
pub(super) const SOURCE: Ipv4Address = Ipv4Address::new(192, 0, 2, 1);
/// The destination address of the test packets, in TEST-NET-1.
pub(super) const DESTINATION: Ipv4Address = Ipv4Address::new(192, 0, 2, 2);
/// The source hardware address of the test frames, a locally administered address.
pub(super) const SENDER: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0x88, 0xb5]);

/// The length of the shortest Ethernet frame, excluding its checksum, in bytes.
pub(super) const MINIMUM: usize = 60;

/// Writes and reads the test frames for a medium and a destination address.
#[derive(Clone, Copy)]
pub(super) struct Frames {
    pub medium: Medium,
    pub to: EthernetAddress,
}

impl Frames {
    /// Returns the length of the header with which every test frame begins, in bytes.
    pub fn header(&self) -> usize {
        if is_ethernet(self.medium) { ETHERNET_HEADER } else { 20 }
    }

    /// Fills `frame` with the content of test frame `number` of the same length.
    pub fn write(&self, number: u16, frame: &mut [u8]) {
        let header = self.header_bytes(frame.len());
        let len = frame.len();
        for (at, byte) in frame.iter_mut().enumerate() {
            *byte = self.byte(&header, number, len, at);
        }
    }

    /// Returns the number of a received frame, or `None` if the frame is foreign.
    ///
    /// `len` is the frame's length when it was sent. A frame too short to contain its number has number 0.
    ///
    /// # Errors
    /// Returns a [`Fault`] if the received frame differs from the sent frame.
    pub fn read(&self, frame: &[u8], len: usize) -> Result<Option<u16>, Fault> {
        if !self.is_ours(frame) {
            return Ok(None);
        }
        // A short Ethernet frame may be padded to the minimum length. `padded` is the longest allowed length.
        let padded = if is_ethernet(self.medium) { len.max(MINIMUM) } else { len };
        if frame.len() < len || frame.len() > padded {
            return Err(Fault::Length { sent: len, came: frame.len() });
        }
        // The number is in the two bytes after the header, if the frame has room for both of them.
        let start = self.header();
        let number = match (frame.get(start), frame.get(start + 1)) {
            (Some(&low), Some(&high)) if len >= start + 2 => u16::from_le_bytes([low, high]),
            _ => 0,
        };
        // Bytes up to `len` must be as sent, and the padding after them must be 0.
        let header = self.header_bytes(len);
        for (at, &byte) in frame.iter().enumerate() {
            if at >= len && byte != 0 {
                return Err(Fault::Padding(at));
            }
            if at < len && byte != self.byte(&header, number, len, at) {
                return Err(Fault::Damaged(at));
            }
        }
        Ok(Some(number))
    }

    /// Returns whether a frame is a test frame. On Ethernet, a test frame has the EtherType `ETHERTYPE`. Without
    /// Ethernet, a test frame is an IPv4 packet with a 20-byte header and the protocol `PROTOCOL`.
    fn is_ours(&self, frame: &[u8]) -> bool {
        if is_ethernet(self.medium) {
            frame.get(12..14) == Some(&ETHERTYPE.to_be_bytes())
        } else {
            // 0x45: version 4, and a header of five 4-byte words.
            frame.first() == Some(&0x45) && frame.get(9) == Some(&PROTOCOL)
        }
    }

    /// Returns the header of a test frame of `len` bytes. An Ethernet header uses only the first 14 of the 20 bytes.
    fn header_bytes(&self, len: usize) -> [u8; 20] {
        let mut header = [0; 20];
        if is_ethernet(self.medium) {
            ethernet(&mut header, self.to, ETHERTYPE);
        } else {
            let mut packet = Ipv4Packet::new_unchecked(&mut header);
            packet.set_version(4);
            packet.set_header_len(20);
            packet.set_total_len(len as u16);
            packet.set_hop_limit(64);
            packet.set_next_header(PROTOCOL.into());
            packet.set_src_addr(SOURCE);
            packet.set_dst_addr(DESTINATION);
            packet.fill_checksum();
        }
        header
    }

    /// Returns the byte at offset `at` of test frame `number`, which is `len` bytes long.
    fn byte(&self, header: &[u8; 20], number: u16, len: usize, at: usize) -> u8 {
        let [low, high] = number.to_le_bytes();
        match (at.checked_sub(self.header()), header.get(at)) {
            (None, Some(&byte)) => byte,
            // The number is written only if both of its bytes fit. A frame of 15 bytes has room for only one byte.
            (Some(0), _) if len >= self.header() + 2 => low,
            (Some(1), _) => high,
            // A data byte is never 0, so that it differs from padding. Data bytes also differ from frame to frame, and
            // the factor 7 makes neighbouring bytes differ.
            (Some(at), _) => (at as u8).wrapping_mul(7).wrapping_add(low) | 1,
            // Cannot happen: `header` contains the whole header.
            (None, None) => 0,
        }
    }
}

/// Returns the length of the link header before an IP packet, in bytes.
pub(super) fn header(medium: Medium) -> usize {
    if is_ethernet(medium) { ETHERNET_HEADER } else { 0 }
}

/// Writes an Ethernet header to the start of `frame`.
pub(super) fn ethernet(frame: &mut [u8], to: EthernetAddress, ethertype: u16) {
    let bytes = to.0.into_iter().chain(SENDER.0).chain(ethertype.to_be_bytes());
    frame.iter_mut().zip(bytes).for_each(|(byte, value)| *byte = value);
}
