use smoltcp::phy::{Medium, PacketMeta};
use smoltcp::wire::{IpAddress, IpProtocol, Ipv4Address, Ipv4Packet, TcpPacket, UdpPacket};

use super::{Bad, DATA_VALID, GSO_TCPV4, GSO_TCPV6, HEADER, NEEDS_CSUM, accept, complete, prepare};

const SOURCE: Ipv4Address = Ipv4Address::new(192, 0, 2, 1);
const DESTINATION: Ipv4Address = Ipv4Address::new(192, 0, 2, 2);

/// An IPv4 packet with its checksums right.
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

fn tcp_holds(bytes: &[u8]) -> bool {
    let (source, destination): (IpAddress, IpAddress) = (SOURCE.into(), DESTINATION.into());
    TcpPacket::new_checked(&bytes[20..]).unwrap().verify_checksum(&source, &destination)
}

#[test]
fn what_is_left_to_the_kernel_completes_to_the_right_checksum() {
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
        assert!(bytes == right && tcp_holds(&bytes), "{payload} bytes");
    }
}

#[test]
fn tcp_that_nobody_vouches_for_is_verified() {
    let mut bytes = packet(IpProtocol::Tcp, 100);
    assert_eq!(accept(&[0; HEADER], &mut bytes, Medium::Ip), Ok(()));
    bytes[80] ^= 1;
    assert_eq!(accept(&[0; HEADER], &mut bytes, Medium::Ip), Err(Bad::Checksum));
    let mut vouched = [0; HEADER];
    vouched[0] = DATA_VALID;
    assert_eq!(accept(&vouched, &mut bytes, Medium::Ip), Ok(()));
}

#[test]
fn a_partial_udp_checksum_is_filled_in() {
    let right = packet(IpProtocol::Udp, 33);
    let mut bytes = right.clone();
    // The pseudo-header's sum, which is the complement of the checksum less what is summed behind it.
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
fn a_checksum_is_wanted_in_tcps_place_or_the_segment_is_refused() {
    let mut bytes = packet(IpProtocol::Tcp, 100);
    let right = prepare(PacketMeta::default(), &mut bytes, Medium::Ip);
    let sent = bytes.clone();
    for (at, place) in [(6, 0), (6, 24), (8, 6), (8, 60)] {
        let mut header = right;
        header[at..at + 2].copy_from_slice(&u16::to_ne_bytes(place));
        assert_eq!(accept(&header, &mut bytes, Medium::Ip), Err(Bad::Header), "{place} at {at}");
        assert!(bytes == sent, "nothing was written");
    }
    assert_eq!(accept(&right, &mut bytes, Medium::Ip), Ok(()));
}

#[test]
fn no_header_and_no_frame_does_harm() {
    let seed = getrandom::u64().unwrap() | 1;
    println!("seed {seed}");
    let mut state = seed;
    let mut random = || {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for _ in 0..20_000 {
        let protocol = if random() % 2 == 0 { IpProtocol::Tcp } else { IpProtocol::Udp };
        let mut bytes = packet(protocol, random() % 64);
        let medium = if random() % 4 == 0 { Medium::Ethernet } else { Medium::Ip };
        let mut header = prepare(PacketMeta::default(), &mut bytes, medium);
        for _ in 0..random() % 4 {
            header[random() % HEADER] = random() as u8;
            let at = random() % bytes.len();
            bytes[at] = random() as u8;
        }
        bytes.truncate(random() % (bytes.len() + 1));
        let _ = accept(&header, &mut bytes, medium);
        complete(&mut bytes, medium);
    }
}
