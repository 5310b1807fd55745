//! Cuts a TCP segment that is longer than its path MTU into several segments.

use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket};

use super::State;
use crate::stack::link;

/// Returns the length of a TCP segment's IP header and of its IP and TCP headers together. `None` for other packets.
pub(super) fn headers(packet: &[u8]) -> Option<(usize, usize)> {
    let (ip, protocol) = match packet.first()? >> 4 {
        4 => {
            let packet = Ipv4Packet::new_checked(packet).ok()?;
            (packet.header_len().into(), packet.next_header())
        }
        // The stack sends only IPv4 and IPv6, so this is IPv6.
        _ => {
            let packet = Ipv6Packet::new_checked(packet).ok()?;
            (packet.header_len(), packet.next_header())
        }
    };
    if protocol != IpProtocol::Tcp {
        return None;
    }
    let tcp = TcpPacket::new_checked(packet.get(ip..)?).ok()?;
    Some((ip, ip + usize::from(tcp.header_len())))
}

impl State {
    /// Writes the next `chunk` bytes of the segment in `packet` to `frame`, as a TCP segment of its own, and counts
    /// them as sent. `ip` and `header` are the two lengths that [`headers`] returns.
    pub(super) fn write_segment(
        &mut self,
        (ip, header): (usize, usize),
        chunk: usize,
        packet: &[u8],
        frame: &mut [u8],
    ) {
        let (_, out) = frame.split_at_mut(link::len(self.header));
        let from = header + self.sent;
        let is_last = from + chunk == self.len;
        // The headers are copied first. Then the fields that differ between the segments are corrected.
        let (head, payload) = out.split_at_mut(header);
        head.copy_from_slice(&packet[..header]);
        payload.copy_from_slice(&packet[from..from + chunk]);
        let ends = if self.is_v6(packet) {
            let mut ip_packet = Ipv6Packet::new_unchecked(&mut *out);
            ip_packet.set_payload_len((header - ip + chunk) as u16);
            (ip_packet.src_addr().into(), ip_packet.dst_addr().into())
        } else {
            let mut ip_packet = Ipv4Packet::new_unchecked(&mut *out);
            ip_packet.set_total_len((header + chunk) as u16);
            if self.checksum {
                ip_packet.fill_checksum();
            }
            (ip_packet.src_addr().into(), ip_packet.dst_addr().into())
        };
        let mut tcp = TcpPacket::new_unchecked(&mut out[ip..]);
        tcp.set_seq_number(tcp.seq_number() + self.sent);
        // Only the final segment carries FIN and PSH.
        if !is_last {
            tcp.set_fin(false);
            tcp.set_psh(false);
        }
        if self.tcp_checksum {
            tcp.fill_checksum(&ends.0, &ends.1);
        }
        link::write(self.header, frame);
        self.sent += chunk;
        if is_last {
            // The buffer is empty again.
            self.len = 0;
        }
    }
}
