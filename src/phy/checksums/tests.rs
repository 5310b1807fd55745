use smoltcp::wire::{IpAddress, IpProtocol, Ipv4Address, Ipv4Packet, TcpPacket, UdpPacket};

use super::*;

const SOURCE: Ipv4Address = Ipv4Address::new(192, 168, 69, 100);
const DESTINATION: Ipv4Address = Ipv4Address::new(192, 168, 69, 1);

/// Builds a frame with an IPv4 packet whose checksums are right. `header` and `len` are the lengths of the
/// packet's header and payload.
fn frame(protocol: u8, header: usize, len: usize) -> Vec<u8> {
    let mut frame: Vec<u8> = (0..14 + header + len).map(|at| (at * 31) as u8).collect();
    frame[12..14].copy_from_slice(&[8, 0]);
    let mut ip = Ipv4Packet::new_unchecked(&mut frame[14..]);
    ip.set_version(4);
    ip.set_header_len(header as u8);
    ip.set_total_len((header + len) as u16);
    ip.clear_flags();
    ip.set_frag_offset(0);
    ip.set_next_header(IpProtocol::from(protocol));
    ip.set_src_addr(SOURCE);
    ip.set_dst_addr(DESTINATION);
    ip.fill_checksum();
    let (source, destination): (IpAddress, IpAddress) = (SOURCE.into(), DESTINATION.into());
    if protocol == UDP {
        let mut udp = UdpPacket::new_unchecked(ip.payload_mut());
        udp.set_len(len as u16);
        udp.fill_checksum(&source, &destination);
    } else {
        let mut tcp = TcpPacket::new_unchecked(ip.payload_mut());
        tcp.set_header_len(20);
        tcp.fill_checksum(&source, &destination);
    }
    frame
}

/// Returns the sum of the IP packet, which a driver computes while it reads the frame.
fn summed(frame: &[u8]) -> Option<u32> {
    Some(sum_of(&frame[14..]))
}

#[test]
fn right_checksums_are_accepted_and_each_flipped_bit_is_detected() {
    for (protocol, least) in [(TCP, 20), (UDP, 8)] {
        for header in [20, 24, 60] {
            for len in least..least + 9 {
                let mut frame = frame(protocol, header, len);
                assert!(is_right(&frame, None) && is_right(&frame, summed(&frame)), "{protocol} {header} {len}");
                // Skips the packet's version and length, because a changed version or length makes the frame malformed.
                for at in [15].into_iter().chain(18..frame.len()) {
                    frame[at] ^= 0x10;
                    // The driver does not detect a wrong UDP length, because the stack does.
                    if protocol == TCP || !(18 + header..20 + header).contains(&at) {
                        assert!(
                            !is_right(&frame, None) && !is_right(&frame, summed(&frame)),
                            "{protocol} {header} {len} {at}"
                        );
                    }
                    frame[at] ^= 0x10;
                }
            }
        }
    }
}

#[test]
fn filled_in_checksums_are_the_same_as_in_smoltcp() {
    for (protocol, least) in [(TCP, 20), (UDP, 8)] {
        for len in (least..least + 9).chain([1472]) {
            let good = frame(protocol, 20, len);
            let at = 34 + if protocol == UDP { 6 } else { 16 };
            for before in [[0, 0], [0xff, 0xff], [0x12, 0x34]] {
                let mut frame = good.clone();
                frame[at..at + 2].copy_from_slice(&before);
                frame[24..26].copy_from_slice(&before);
                let sum = sum_of(&frame[34..]);
                fill(&mut frame, Some(sum));
                assert_eq!(frame, good, "{protocol} {len} {before:?}");
                frame[at..at + 2].copy_from_slice(&before);
                frame[24..26].copy_from_slice(&before);
                fill(&mut frame, None);
                assert_eq!(frame, good, "{protocol} {len} {before:?}");
            }
        }
    }
}

#[test]
fn an_absent_udp_checksum_is_accepted_and_a_zero_is_never_filled_in() {
    let mut frame = frame(UDP, 20, 12);
    frame[40..42].fill(0);
    assert!(is_right(&frame, summed(&frame)));
    // This data makes the sum 0xffff, so the checksum would be 0.
    fill(&mut frame, None);
    let rest = u16::from_be_bytes([frame[40], frame[41]]);
    let data = u16::from_be_bytes([frame[42], frame[43]]);
    let sum = u32::from(data) + u32::from(rest);
    frame[42..44].copy_from_slice(&((sum & 0xffff) as u16 + (sum >> 16) as u16).to_be_bytes());
    fill(&mut frame, None);
    assert_eq!(frame[40..42], [0xff, 0xff]);
    assert!(is_right(&frame, summed(&frame)));
}

#[test]
fn bytes_after_the_datagram_are_ignored() {
    let mut frame = frame(UDP, 20, 40);
    let mut ip = Ipv4Packet::new_unchecked(&mut frame[14..]);
    let mut udp = UdpPacket::new_unchecked(ip.payload_mut());
    udp.set_len(31);
    udp.fill_checksum(&SOURCE.into(), &DESTINATION.into());
    assert!(is_right(&frame, summed(&frame)));
    frame[34 + 30] ^= 1;
    assert!(!is_right(&frame, summed(&frame)));
}

#[test]
fn fragments_are_rejected_and_not_changed() {
    for flags in [[0x20, 0], [0, 1], [0x20, 1]] {
        let mut frame = frame(UDP, 20, 40);
        frame[20..22].copy_from_slice(&flags);
        Ipv4Packet::new_unchecked(&mut frame[14..]).fill_checksum();
        assert!(!is_right(&frame, None));
        let before = frame.clone();
        fill(&mut frame, None);
        assert_eq!(frame, before);
    }
    // This is the Don't Fragment flag: the packet is not a fragment.
    let mut frame = frame(UDP, 20, 40);
    frame[20] = 0x40;
    Ipv4Packet::new_unchecked(&mut frame[14..]).fill_checksum();
    assert!(is_right(&frame, None));
}

#[test]
fn other_protocols_and_malformed_frames_are_left_to_the_stack() {
    let good = frame(TCP, 20, 40);
    for (at, byte) in [(13, 6), (14, 0x35), (14, 0x44), (16, 0xff)] {
        let mut frame = good.clone();
        frame[at] = byte;
        assert!(is_right(&frame, None), "{at}");
    }
    let mut frame = good.clone();
    frame[23] = 1;
    assert!(!is_right(&frame, None));
    Ipv4Packet::new_unchecked(&mut frame[14..]).fill_checksum();
    assert!(is_right(&frame, None));
    frame[24..26].fill(0);
    let mut sent = frame.clone();
    fill(&mut sent, None);
    assert_eq!((&sent[..24], &sent[26..]), (&frame[..24], &frame[26..]));
    assert!(is_right(&sent, None));
    for len in 0..good.len() {
        is_right(&good[..len], None);
        fill(&mut good[..len].to_vec(), None);
    }
}

#[test]
fn udp_checksums_are_required_over_ipv6() {
    use smoltcp::wire::Ipv6Address;
    let (source, destination) = (Ipv6Address::new(0xfdaa, 0, 0, 0, 0, 0, 0, 1), Ipv6Address::LOCALHOST);
    for options in [0, 8] {
        let mut frame = vec![0; 14 + 40 + options + 21];
        frame[12..14].copy_from_slice(&[0x86, 0xdd]);
        frame[14] = 0x60;
        frame[19] = (options + 21) as u8;
        frame[20] = if options == 0 { UDP } else { 0 };
        frame[22..38].copy_from_slice(&source.octets());
        frame[38..54].copy_from_slice(&destination.octets());
        frame[54] = UDP;
        let mut udp = UdpPacket::new_unchecked(&mut frame[54 + options..]);
        udp.set_len(21);
        udp.fill_checksum(&source.into(), &destination.into());
        assert!(is_right(&frame, None), "{options}");
        let good = frame.clone();
        frame[60 + options..62 + options].fill(0);
        assert!(!is_right(&frame, None), "{options}");
        fill(&mut frame, None);
        assert_eq!(frame, good, "{options}");
    }
}
