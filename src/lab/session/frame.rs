//! The command `frame`: the bytes of a frame, its fields, and the computation of its checksum.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

use serde_json::{Value, json};
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet};

use super::experiment::Opened;
use super::request::{Problem, Request};
use crate::lab::lang::Lang;
use crate::lab::show::What;
use crate::trace::{Field, each_field};

/// The length of an Ethernet header, in bytes.
const ETHERNET: usize = 14;

/// Carries out `frame`: returns the bytes and the fields of a frame, and how its checksum is computed.
pub(super) fn frame(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let (run, wanted) = (opened.run_name(request)?, request.number("frame")?);
    let mut bytes = None;
    opened.with_run(opened.by_hand(run), |run| {
        run.record_while(None, &mut |snapshot, lab| {
            // The wire keeps only the latest frames, so copy the bytes now.
            if matches!(snapshot.entry.what, What::Sent { frame, .. } if frame == wanted) {
                bytes = lab.wire.sent(wanted).map(<[u8]>::to_vec);
            }
            // Once the frame is found, the rest of the run is not needed.
            bytes.is_none()
        })?;
        Ok(())
    })?;
    let Some(bytes) = bytes else {
        return Err(Problem::new(match opened.lang {
            Lang::En => alloc::format!("there is no frame {wanted} in this run"),
            Lang::Zh => alloc::format!("这次运行没有帧 {wanted}"),
        }));
    };
    let mut answer = json!({ "bytes": hex(&bytes), "fields": fields(&bytes) });
    if let Some(checksum) = checksum(&bytes) {
        answer["checksum"] = checksum;
    }
    Ok(answer)
}

/// Returns the bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Returns a JSON object for each field of the frame: its name, its value, and its offset and length in bytes.
fn fields(frame: &[u8]) -> Vec<Value> {
    let mut fields = Vec::new();
    // The closure does not fail.
    let _ = each_field(frame, &mut |Field { offset, bytes, name, value }| {
        let value = value.map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), ToString::to_string);
        fields.push(json!({ "name": name, "value": value, "offset": offset, "len": bytes.len() }));
        Ok(())
    });
    fields
}

/// Computes the Internet checksum of a TCP, UDP or ICMP message (RFC 1071). Returns the steps of the computation.
///
/// Returns `None` if the frame does not contain a TCP, UDP or ICMP message in an unfragmented IPv4 packet.
fn checksum(frame: &[u8]) -> Option<Value> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    if ethernet.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let packet = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
    if packet.more_frags() || packet.frag_offset() > 0 {
        return None;
    }
    // `offset` is the place of the checksum in the payload of the packet.
    let (name, offset, has_pseudo) = match packet.next_header() {
        IpProtocol::Icmp => ("ICMP", 2, false),
        IpProtocol::Tcp => ("TCP", 16, true),
        IpProtocol::Udp => ("UDP", 6, true),
        _ => return None,
    };
    let payload = packet.payload();
    let checksum_in_frame = u16::from_be_bytes(*payload.get(offset..)?.first_chunk()?);
    let mut summed = Vec::new();
    // For TCP and UDP, the sum includes a pseudo-header: the addresses, the protocol and the length.
    if has_pseudo {
        summed.extend_from_slice(&packet.src_addr().octets());
        summed.extend_from_slice(&packet.dst_addr().octets());
        summed.extend_from_slice(&[0, packet.next_header().into()]);
        summed.extend_from_slice(&u16::try_from(payload.len()).ok()?.to_be_bytes());
    }
    // The number of words at the start of the sum that belong to the pseudo-header.
    let pseudo = summed.len() / 2;
    // The checksum field counts as 0.
    let mut own = payload.to_vec();
    own.get_mut(offset..offset + 2)?.fill(0);
    // If the length is odd, a zero byte completes the last word.
    own.resize(own.len().next_multiple_of(2), 0);
    summed.append(&mut own);
    let words: Vec<u16> = summed.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]])).collect();
    let sum: u64 = words.iter().map(|word| u64::from(*word)).sum();
    // Add the carries to the low 16 bits.
    let mut folded = sum;
    while folded > 0xffff {
        folded = (folded & 0xffff) + (folded >> 16);
    }
    let result = match !(folded as u16) {
        // 0 means that a datagram has no checksum (RFC 768).
        0 if name == "UDP" => 0xffff,
        result => result,
    };
    Some(json!({
        "name": name,
        "offset": ETHERNET + usize::from(packet.header_len()) + offset,
        "pseudo": pseudo,
        "words": words,
        "sum": sum,
        "folded": folded,
        "result": result,
        "is_right": result == checksum_in_frame,
    }))
}
