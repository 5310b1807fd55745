//! A third host that forges segments and ICMP errors.
//!
//! The source of the forged packets is the address of one of the other two hosts.

use smoltcp::phy::Medium;

use super::plan::{Attack, PORTS};
use crate::hostile::frame::*;
use crate::hostile::random::Random;

/// The sequence numbers and the window on one side of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// The ports of the client and of the server.
    pub ports: (u16, u16),
    /// RCV.NXT.
    pub receive_next: u32,
    /// The window in the most recent segment to the peer.
    pub window: u16,
    /// SND.NXT.
    pub send_next: u32,
    /// The sequence number after the final queued byte.
    pub send_end: u32,
}

/// Builds a frame for the host `victim`. `numbers` are the numbers of one of its connections, which is in a
/// synchronized state.
///
/// With [`Attack::Near`], the frame is a segment that RFC 9293 and RFC 5961 require a host to drop or challenge. The
/// segment is a SYN, an acknowledgement of unsent or very old data, or an RST. The sequence number of the RST is in the
/// window, but is not RCV.NXT. TCP has no protection against an attacker that guesses all numbers correctly.
pub fn forge(random: &mut Random, attack: Attack, victim: usize, numbers: Option<Numbers>) -> (Vec<u8>, &'static str) {
    let connection = random.below(4) as u16;
    let known = (PORTS.0 + connection, PORTS.1 + connection);
    let any = (random.next() as u16, random.pick(&[known.1, 7099, 80]));
    let ports = if random.one_in(3) { any } else { known };
    let guess = (random.next() as u32, random.next() as u32);
    let data = if random.one_in(2) { vec![] } else { vec![0xee; 1 + random.below(1000)] };
    let (ports, (seq, ack, flags), data, name) = match numbers.filter(|_| attack == Attack::Near) {
        Some(near) => {
            let (segment, name) = near_miss(random, &near);
            (near.ports, segment, data, name)
        }
        None => {
            let flags = random.pick(&[RST, RST | ACK, SYN, SYN | ACK, ACK, ACK | FIN, 0, FIN]);
            (ports, (guess.0, guess.1, flags), data, "blind segment")
        }
    };
    if random.one_in(5) {
        return (icmp(random, victim, ports, guess.0), "ICMP error");
    }
    let (ports, ends, macs) = match victim {
        0 => ((ports.1, ports.0), Ends::V4(SERVER, CLIENT), (CLIENT_MAC, SERVER_MAC)),
        _ => (ports, Ends::V4(CLIENT, SERVER), (SERVER_MAC, CLIENT_MAC)),
    };
    let segment = tcp(ports, seq, ack, flags, random.u16(), &[], &data);
    (packet(ends, TCP, &segment, macs), name)
}

/// Returns a segment's SEG.SEQ, SEG.ACK and flags, and its name for the trace.
fn near_miss(random: &mut Random, near: &Numbers) -> ((u32, u32, u8), &'static str) {
    let next = near.receive_next;
    let window = usize::from(near.window).max(2);
    let inside = next.wrapping_add(1 + random.below(window - 1) as u32);
    let far = random.below(3000);
    let outside = [next.wrapping_sub(2 + far as u32), next.wrapping_add((window + 1 + far) as u32)];
    let outside = random.pick(&outside);
    // An acknowledgement number beyond all sent and queued data.
    let beyond_all = near.send_end.wrapping_add(1 + random.below(60_000) as u32);
    let queued = near.send_end.wrapping_sub(near.send_next);
    let beyond = near.send_next.wrapping_add(1 + random.below((queued as usize).min(100_000)) as u32);
    let old = near.send_next.wrapping_sub(1 << 30);
    match random.below(9) {
        0 => ((inside, near.send_next, RST), "RST inside the window"),
        1 => ((inside, near.send_next, RST | ACK), "RST,ACK inside the window"),
        2 => ((outside, near.send_next, RST), "RST outside the window"),
        3 => ((random.pick(&[next, inside, outside]), near.send_next, SYN), "SYN"),
        4 => ((random.pick(&[next, inside, outside]), near.send_next, SYN | ACK), "SYN,ACK"),
        5 => ((random.pick(&[next, inside]), beyond_all, ACK), "acknowledgement beyond all data"),
        6 => ((random.pick(&[next, inside]), beyond, ACK), "acknowledgement beyond SND.NXT"),
        7 => ((random.pick(&[next, inside]), old, random.pick(&[ACK, ACK | FIN])), "old acknowledgement"),
        _ => ((random.pick(&[next, inside]), 0, random.pick(&[0, FIN])), "segment without ACK"),
    }
}

/// Builds an ICMP error that quotes a segment with the victim as its sender.
fn icmp(random: &mut Random, victim: usize, ports: (u16, u16), seq: u32) -> Vec<u8> {
    let (kind, code) = (random.pick(&[3, 3, 3, 4, 11, 12]), random.below(16) as u8);
    let (own, other, macs, ports) = match victim {
        0 => (CLIENT, SERVER, (CLIENT_MAC, SERVER_MAC), ports),
        _ => (SERVER, CLIENT, (SERVER_MAC, CLIENT_MAC), (ports.1, ports.0)),
    };
    let quoted = tcp(ports, seq, 0, ACK, 1000, &[], &[]);
    let mut quoted = ip(Ends::V4(own, other), TCP, 0, &quoted);
    fix_checksums(&mut quoted);
    let cut = random.pick(&[28, quoted.len()]);
    let message = [&[kind, code, 0, 0][..], &random.bytes(4), &quoted[..cut]].concat();
    packet(Ends::V4(other, own), ICMP, &message, macs)
}

/// Builds a frame with an IP packet and right checksums. `to` and `from` are the hardware addresses.
fn packet(ends: Ends, protocol: u8, payload: &[u8], (to, from): ([u8; 6], [u8; 6])) -> Vec<u8> {
    let mut packet = ip(ends, protocol, 0, payload);
    fix_checksums(&mut packet);
    frame(Medium::Ethernet, to, from, packet)
}
