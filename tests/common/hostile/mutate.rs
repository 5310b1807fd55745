//! Mutates frames from real traffic.

use smoltcp::phy::Medium;

use super::frame::*;
use super::random::Random;

/// Makes one to three random changes to a frame.
///
/// The lengths are then corrected in half of the frames, and the checksums in half. For this reason, the stack does not
/// drop all mutated frames immediately.
pub fn mutate(random: &mut Random, medium: Medium, frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    for _ in 0..1 + random.below(3) {
        change(random, medium, &mut frame);
    }
    frame.truncate(MTU);
    let packet = frame.get_mut(header_len(medium)..).unwrap_or_default();
    if random.one_in(2) {
        fix_lengths(packet);
    }
    if random.one_in(2) {
        fix_checksums(packet);
    }
    frame
}

/// Changes one or two fields of a recorded segment. Its connection might still exist. Lengths and checksums stay
/// correct.
pub fn combination(random: &mut Random, medium: Medium, mut frame: Vec<u8>) -> Vec<u8> {
    let at = header_len(medium);
    if let Some((TCP, start, _)) = upper(frame.get(at..).unwrap_or_default()) {
        for _ in 0..1 + random.below(2) {
            segment(random, &mut frame, at + start);
        }
        let packet = frame.get_mut(at..).unwrap_or_default();
        fix_lengths(packet);
        fix_checksums(packet);
    }
    frame.truncate(MTU);
    frame
}

/// Makes one random change to a frame: inverted bits, another length, or another field.
fn change(random: &mut Random, medium: Medium, frame: &mut Vec<u8>) {
    let at = header_len(medium);
    match random.below(10) {
        0 => {
            for _ in 0..1 + random.below(8) {
                let place = random.below(frame.len());
                if let Some(byte) = frame.get_mut(place) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
        1 => frame.truncate(random.below(frame.len() + 1)),
        2 => frame.extend(random.bytes_below(80)),
        3 => {
            let place = random.below(at + 40);
            put(frame, place, &random.u16().to_be_bytes());
        }
        4 if medium == Medium::Ethernet => {
            let place = random.pick(&[0, 6]);
            let mac = random.pick(&[[0; 6], [0xff; 6], [1, 0, 0x5e, 0, 0, 1], SERVER_MAC, CLIENT_MAC]);
            put(frame, place, &mac);
        }
        4 | 5 => addresses(random, frame.get_mut(at..).unwrap_or_default()),
        _ => {
            let packet = frame.get(at..).unwrap_or_default();
            match upper(packet) {
                Some((TCP, start, _)) => segment(random, frame, at + start),
                // The first 8 bytes of the payload contain the ICMP type and code, or the UDP ports and length.
                Some((_, start, _)) => {
                    let place = at + start + random.below(8);
                    put(frame, place, &random.u16().to_be_bytes());
                }
                None => put(frame, at, &[random.next() as u8]),
            }
        }
    }
}

/// Changes the TCP segment that begins at `start`.
fn segment(random: &mut Random, frame: &mut Vec<u8>, start: usize) {
    let Some(header) = frame.get(start..start + 20) else { return };
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    match random.below(8) {
        0 => {
            let seq = number(4).wrapping_add(random.distance());
            put(frame, start + 4, &seq.to_be_bytes());
        }
        1 => {
            let ack = number(8).wrapping_add(random.distance());
            put(frame, start + 8, &ack.to_be_bytes());
        }
        2 => put(frame, start + 12, &[random.next() as u8]),
        3 => {
            let flags = random.pick(&[0, FIN, SYN, RST, ACK, FIN | ACK, SYN | ACK, RST | ACK, SYN | FIN, 0x3f]);
            put(frame, start + 13, &[flags]);
        }
        4 => put(frame, start + 14, &random.u16().to_be_bytes()),
        5 => put(frame, start + 18, &random.u16().to_be_bytes()),
        6 => {
            let place = start + random.pick(&[0, 2]);
            put(frame, place, &random.u16().to_be_bytes());
        }
        _ => {
            let mut bytes = options(random);
            bytes.resize(bytes.len().div_ceil(4).min(10) * 4, 0);
            let data = (start + usize::from(header[12] >> 4) * 4).clamp(start + 20, frame.len());
            let offset = ((5 + bytes.len() / 4) as u8) << 4;
            frame.splice(start + 20..data, bytes);
            put(frame, start + 12, &[offset]);
        }
    }
}

/// Returns TCP options that are valid, invalid or truncated.
///
/// See RFC 9293 section 3.1, RFC 7323 and RFC 2018.
pub fn options(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.below(6) {
        let [a, b] = random.u16().to_be_bytes();
        match random.below(8) {
            0 => bytes.push(0),
            1 => bytes.push(1),
            2 => bytes.extend([2, 4, a, b]),
            3 => bytes.extend([3, 3, b]),
            4 => bytes.extend([4, 2]),
            5 => {
                bytes.extend([5, 2 + 8 * (1 + b % 3)]);
                bytes.extend(random.bytes(8));
            }
            6 => {
                bytes.extend([8, 10]);
                bytes.extend(random.bytes(8));
            }
            _ => bytes.extend([a, b]),
        }
    }
    bytes
}

/// Replaces the source or the destination of an IP packet with an unusual address.
fn addresses(random: &mut Random, packet: &mut [u8]) {
    match packet.first().map(|b| b >> 4) {
        Some(4) => {
            let address = random.pick(&[[0; 4], [255; 4], [127, 0, 0, 1], [224, 0, 0, 1], SERVER, neighbour(255)]);
            let place = random.pick(&[12, 16]);
            put(packet, place, &address);
        }
        _ => {
            let own = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            let multicast = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            let loopback = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 69, 1];
            let place = random.pick(&[8, 24]);
            let address = random.pick(&[own, multicast, loopback, mapped, [0; 16], [0xff; 16]]);
            put(packet, place, &address);
        }
    }
}

/// Overwrites the frame with `bytes`, from offset `at` on. Bytes beyond the end of the frame are dropped.
fn put(frame: &mut [u8], at: usize, bytes: &[u8]) {
    for (place, byte) in frame.iter_mut().skip(at).zip(bytes) {
        *place = *byte;
    }
}
