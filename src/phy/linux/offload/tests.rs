use smoltcp::phy::{Medium, PacketMeta};
use smoltcp::wire::{IpAddress, IpProtocol, Ipv4Address, Ipv4Packet, Ipv6Address, Ipv6Packet, TcpPacket, UdpPacket};

use super::{Bad, DATA_VALID, GSO_TCPV4, GSO_TCPV6, HEADER, NEEDS_CSUM, accept, complete, prepare, tcp_of};
use crate::testing::random::Random;

const SOURCE: Ipv4Address = Ipv4Address::new(192, 0, 2, 1);
const DESTINATION: Ipv4Address = Ipv4Address::new(192, 0, 2, 2);

/// Builds an IPv4 packet with right checksums.
fn packet(protocol: IpProtocol, payload: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..40 + payload).map(|at| at as u8).collect();
    let len = bytes.len() as u16;
    let mut ip = Ipv4Packet::new_unchecked(&mut bytes[..]);
    ip.set_version(4);
    ip.set_header_len(20);
    ip.set_total_len(len);
    ip.clear_flags();
    ip.set_frag_offset(0);
    ip.set_next_header(protocol);
    ip.set_src_addr(SOURCE);
    ip.set_dst_addr(DESTINATION);
    ip.fill_checksum();
    if protocol == IpProtocol::Tcp {
        let mut tcp = TcpPacket::new_unchecked(&mut bytes[20..]);
        tcp.set_header_len(20);
        tcp.fill_checksum(&SOURCE.into(), &DESTINATION.into());
    } else {
        let mut udp = UdpPacket::new_unchecked(&mut bytes[20..]);
        udp.set_len(len - 20);
        udp.fill_checksum(&SOURCE.into(), &DESTINATION.into());
    }
    bytes
}

/// Builds an IPv6 packet with right checksums.
fn packet_v6(protocol: IpProtocol, payload: usize) -> Vec<u8> {
    let source = Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
    let mut bytes = [&[0; 20], &packet(protocol, payload)[..]].concat();
    let mut ip = Ipv6Packet::new_unchecked(&mut bytes[..]);
    ip.set_version(6);
    ip.set_payload_len(20 + payload as u16);
    ip.set_next_header(protocol);
    ip.set_src_addr(source);
    ip.set_dst_addr(source);
    if protocol == IpProtocol::Tcp {
        TcpPacket::new_unchecked(&mut bytes[40..]).fill_checksum(&source.into(), &source.into());
    } else {
        UdpPacket::new_unchecked(&mut bytes[40..]).fill_checksum(&source.into(), &source.into());
    }
    bytes
}

fn has_right_tcp_checksum(bytes: &[u8]) -> bool {
    let (source, destination): (IpAddress, IpAddress) = (SOURCE.into(), DESTINATION.into());
    TcpPacket::new_checked(&bytes[20..]).unwrap().verify_checksum(&source, &destination)
}

#[test]
fn a_checksum_left_to_the_kernel_can_be_completed() {
    for payload in [0, 1, 2, 3, 1460, 65_494, 65_495] {
        let mut bytes = packet(IpProtocol::Tcp, payload);
        let right = bytes.clone();
        let mut meta = PacketMeta::default();
        meta.segmentation_offload_size = core::num::NonZeroU16::new(1460);
        let header = prepare(meta, &mut bytes, Medium::Ip);
        assert_eq!(header[0], NEEDS_CSUM);
        assert_eq!(header[1], if payload > 1460 { GSO_TCPV4 } else { 0 });
        assert_eq!(accept(&header, &mut bytes, Medium::Ip), Ok(()));
        complete(&mut bytes, Medium::Ip);
        assert!(bytes == right && has_right_tcp_checksum(&bytes), "{payload} bytes");
    }
}

#[test]
fn an_unverified_tcp_checksum_is_verified() {
    for mut bytes in [packet(IpProtocol::Tcp, 100), packet_v6(IpProtocol::Tcp, 100)] {
        assert_eq!(accept(&[0; HEADER], &mut bytes, Medium::Ip), Ok(()));
        bytes[80] ^= 1;
        assert_eq!(accept(&[0; HEADER], &mut bytes, Medium::Ip), Err(Bad::Checksum));
        let mut vouched = [0; HEADER];
        vouched[0] = DATA_VALID;
        assert_eq!(accept(&vouched, &mut bytes, Medium::Ip), Ok(()));
    }
}

#[test]
fn a_partial_udp_checksum_is_filled_in() {
    let right = packet(IpProtocol::Udp, 33);
    let mut bytes = right.clone();
    // A partial checksum is the sum of the pseudo-header.
    let len = (bytes.len() - 20) as u16;
    let pseudo = [SOURCE.octets(), DESTINATION.octets(), [0, 17, (len >> 8) as u8, len as u8]].concat();
    bytes[26..28].copy_from_slice(&super::sum(0, &pseudo).to_be_bytes());
    let mut header = [0; HEADER];
    header[0] = NEEDS_CSUM;
    header[6..8].copy_from_slice(&20u16.to_ne_bytes());
    header[8..10].copy_from_slice(&6u16.to_ne_bytes());
    assert_eq!(accept(&header, &mut bytes, Medium::Ip), Ok(()));
    assert!(bytes == right);
}

#[test]
fn a_header_that_contradicts_the_frame_is_refused() {
    let mut bytes = packet(IpProtocol::Tcp, 100);
    let mut header = prepare(PacketMeta::default(), &mut bytes, Medium::Ip);
    header[1] = GSO_TCPV6;
    header[4] = 9;
    assert_eq!(accept(&header, &mut bytes, Medium::Ip), Err(Bad::Header));
    header[1] = GSO_TCPV4;
    header[4..6].fill(0);
    assert_eq!(accept(&header, &mut bytes, Medium::Ip), Err(Bad::Header));
    (header[1], header[6]) = (0, 255);
    header[7] = 255;
    assert_eq!(accept(&header, &mut bytes, Medium::Ip), Err(Bad::Header));
}

#[test]
fn a_header_with_a_wrong_offset_of_the_tcp_checksum_is_refused() {
    let mut bytes = packet(IpProtocol::Tcp, 100);
    let right = prepare(PacketMeta::default(), &mut bytes, Medium::Ip);
    let sent = bytes.clone();
    for (at, wrong) in [(6, 0), (6, 24), (8, 6), (8, 60)] {
        let mut header = right;
        header[at..at + 2].copy_from_slice(&u16::to_ne_bytes(wrong));
        assert_eq!(accept(&header, &mut bytes, Medium::Ip), Err(Bad::Header), "{wrong} at {at}");
        assert!(bytes == sent, "nothing was written");
    }
    assert_eq!(accept(&right, &mut bytes, Medium::Ip), Ok(()));
}

#[test]
fn a_header_with_a_wrong_offset_of_the_udp_checksum_is_refused() {
    for (sent, head) in [(packet(IpProtocol::Udp, 30), 20), (packet_v6(IpProtocol::Udp, 30), 40)] {
        let with = |start: u16, offset: u16| {
            let [a, b] = start.to_ne_bytes();
            let [c, d] = offset.to_ne_bytes();
            [NEEDS_CSUM, 0, 0, 0, 0, 0, a, b, c, d]
        };
        // Invalid offsets of the checksum: in the IP header, in the datagram's data, or measured from a wrong start.
        for (start, offset) in [(0, 6), (head, 16), (head + 8, 6), (head - 8, 14), (0, head + 6)] {
            let mut bytes = sent.clone();
            assert_eq!(
                accept(&with(start, offset), &mut bytes, Medium::Ip),
                Err(Bad::Header),
                "{offset} after {start}"
            );
            assert!(bytes == sent, "nothing was written");
        }
        assert_eq!(accept(&with(head, 6), &mut sent.clone(), Medium::Ip), Ok(()));
    }
}

#[test]
fn random_headers_and_frames_do_no_harm() {
    let seed = getrandom::u64().unwrap();
    println!("seed {seed}");
    let mut numbers = Random(seed);
    let mut random = || numbers.below(1 << 31);
    let (mut passed, mut filled) = (0, 0);
    for _ in 0..100_000 {
        let protocol = if random() % 2 == 0 { IpProtocol::Tcp } else { IpProtocol::Udp };
        let version = [packet, packet_v6][random() % 2];
        let medium = if random() % 4 == 0 { Medium::Ethernet } else { Medium::Ip };
        let link = if medium == Medium::Ethernet { 14 } else { 0 };
        let mut bytes = [&[0; 14][..link], &version(protocol, random() % 64)].concat();
        let mut header = prepare(PacketMeta::default(), &mut bytes, medium);
        if protocol == IpProtocol::Udp {
            let start = bytes.len().min(link + if bytes[link] >> 4 == 4 { 20 } else { 40 });
            header[0] = NEEDS_CSUM;
            header[6..8].copy_from_slice(&(start as u16).to_ne_bytes());
            header[8..10].copy_from_slice(&6u16.to_ne_bytes());
        }
        for _ in 0..random() % 4 {
            header[random() % HEADER] = if random() % 2 == 0 { random() % 70 } else { random() } as u8;
            let at = random() % bytes.len();
            bytes[at] = random() as u8;
        }
        bytes.truncate(random() % 8 * bytes.len() + random() % (bytes.len() + 1));
        let before = bytes.clone();
        if accept(&header, &mut bytes, medium) == Ok(()) {
            passed += 1;
            let changed: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] != before[at]).collect();
            match tcp_of(&bytes, medium) {
                // The kernel has verified the segment or completes its checksum, or the checksum is right. In each case
                // the frame is unchanged.
                Some(tcp) => {
                    assert!(
                        (header[0] & (NEEDS_CSUM | DATA_VALID) != 0 || tcp.has_right_checksum(&bytes))
                            && changed.is_empty()
                    )
                }
                None if bytes.len() > link + 40 && bytes[link] >> 4 == 6 && bytes[link + 6] == 17 => {
                    filled += changed.len().min(1);
                    assert!(changed.iter().all(|at| (link + 46..link + 48).contains(at)), "{changed:?} {header:?}");
                }
                // Only bytes after the link header can have changed.
                None => assert!(changed.iter().all(|&at| at >= link), "{changed:?} {header:?}"),
            }
        }
        complete(&mut bytes, medium);
    }
    assert!(passed > 10_000 && filled > 1000, "{passed} {filled}");
}
