//! Tests that frames are unchanged and in order after a port has joined them and the kernel has cut them again.

use std::os::unix::net::UnixDatagram;

use smoltcp::phy::{Medium, PacketMeta};

use super::super::offload::{HEADER, complete};
use super::super::port::Port;
use super::super::port::tests::pair;
use super::*;
use crate::testing::random::Random;

/// A segment of a stream. The payload encodes the segment's position in the stream.
#[derive(Clone, Copy)]
struct Segment {
    port: u16,
    seq: u32,
    ack: u32,
    window: u16,
    flags: u8,
    options: usize,
    len: usize,
}

const PLAIN: Segment = Segment { port: 7, seq: 1000, ack: 1, window: 4096, flags: ACK, options: 0, len: 1440 };

impl Segment {
    /// Returns the segment that follows this one in the stream.
    fn then(self) -> Segment {
        Segment { seq: self.seq.wrapping_add(self.len as u32), ..self }
    }

    /// Builds the frame that carries this segment over IPv6. Its checksum is 0.
    fn frame(self, medium: Medium) -> Vec<u8> {
        let head = 20 + self.options;
        let mut frame = if medium == Medium::Ethernet { vec![2; 12] } else { vec![] };
        if medium == Medium::Ethernet {
            frame.extend([0x86, 0xDD]);
        }
        frame.extend([0x60, 0, 0, 0]);
        frame.extend(((head + self.len) as u16).to_be_bytes());
        frame.extend([6, 64]);
        frame.extend([0xFD; 32]);
        frame.extend(self.port.to_be_bytes());
        frame.extend([0x30, 0x39]);
        frame.extend(self.seq.to_be_bytes());
        frame.extend(self.ack.to_be_bytes());
        frame.extend([(head as u8 / 4) << 4, self.flags]);
        frame.extend(self.window.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(vec![1; self.options]);
        frame.extend((0..self.len as u32).map(|at| (self.seq.wrapping_add(at) % 251) as u8));
        frame
    }
}

fn port(medium: Medium) -> (Port, UnixDatagram) {
    pair(medium, true)
}

fn send(port: &mut Port, frame: &[u8]) {
    port.send(PacketMeta::default(), frame.len(), |to| to.copy_from_slice(frame));
}

/// Returns the frames that arrived at the kernel's end. Each frame is preceded by the payload size of the segments into
/// which the kernel must cut it, or by 0 if the kernel must not cut it.
fn arrived(kernel: &UnixDatagram) -> Vec<(usize, Vec<u8>)> {
    let mut came = vec![0; 100_000];
    core::iter::from_fn(|| {
        let len = kernel.recv(&mut came).ok()?;
        let cut = usize::from(u16::from_ne_bytes([came[4], came[5]]));
        assert_eq!(came[1], if cut > 0 { 4 } else { 0 }, "TCP over IPv6, or none");
        Some((cut, came[HEADER..len].to_vec()))
    })
    .collect()
}

/// Cuts a super-segment as the kernel does. Only the final segment has PSH.
fn cut((size, frame): (usize, Vec<u8>), medium: Medium) -> Vec<Vec<u8>> {
    if size == 0 {
        return vec![frame];
    }
    let link = if medium == Medium::Ethernet { 14 } else { 0 };
    let tcp = link + 40;
    let head = tcp + usize::from(frame[tcp + 12] >> 4) * 4;
    let parts = frame[head..].chunks(size);
    let last = parts.len() - 1;
    let seq = word(&frame, tcp + 4).unwrap();
    let one = |(number, part): (usize, &[u8])| {
        let mut one = [&frame[..head], part].concat();
        one[link + 4..link + 6].copy_from_slice(&((head - tcp + part.len()) as u16).to_be_bytes());
        one[tcp + 4..tcp + 8].copy_from_slice(&seq.wrapping_add((number * size) as u32).to_be_bytes());
        if number < last {
            one[tcp + 13] &= !PSH;
        }
        one
    };
    parts.enumerate().map(one).collect()
}

/// Writes the checksum of the whole segment, as the kernel does when it cuts a super-segment.
fn summed(mut frame: Vec<u8>, medium: Medium) -> Vec<u8> {
    let tcp = if medium == Medium::Ethernet { 54 } else { 40 };
    if frame.len() > tcp + 18 {
        frame[tcp + 16..tcp + 18].fill(0);
    }
    complete(&mut frame, medium);
    frame
}

#[test]
fn segments_of_a_stream_become_one() {
    for medium in [Medium::Ethernet, Medium::Ip] {
        let (mut port, kernel) = port(medium);
        let mut segment = Segment { options: 12, seq: u32::MAX - 2000, ..PLAIN };
        let mut sent = vec![];
        for _ in 0..40 {
            sent.push(segment.frame(medium));
            segment = segment.then();
        }
        sent.push(Segment { len: 17, flags: ACK | PSH, ..segment }.frame(medium));
        let (last, first) = sent.split_last().unwrap();
        for frame in first {
            send(&mut port, frame);
            assert!(port.is_joining() && !port.is_blocked() && port.make_room());
        }
        assert!(arrived(&kernel).is_empty(), "the super-segment waits for more segments");
        // A segment with PSH ends the wait.
        send(&mut port, last);
        assert!(!port.is_joining());
        let came = arrived(&kernel);
        assert_eq!((came.len(), came[0].0), (1, 1440));
        for (frame, was) in cut(came[0].clone(), medium).into_iter().zip(&sent) {
            assert!(summed(frame, medium) == summed(was.clone(), medium));
        }
    }
}

#[test]
fn a_super_segment_is_at_most_as_long_as_an_ip_packet() {
    let (mut port, kernel) = port(Medium::Ip);
    let mut segment = PLAIN;
    for _ in 0..100 {
        send(&mut port, &segment.frame(Medium::Ip));
        segment = segment.then();
    }
    port.end_join();
    let lens: Vec<_> = arrived(&kernel).iter().map(|(_, frame)| frame.len()).collect();
    // Each super-segment consists of its headers and 45 times 1,440 bytes. With one more segment, a super-segment would
    // be too long.
    assert_eq!(lens, [64_860, 64_860, 14_460]);
}

#[test]
fn a_frame_that_does_not_continue_the_stream_follows_in_order() {
    let next = PLAIN.then();
    let others = [
        Segment { port: 8, ..next },
        Segment { seq: next.seq + 1, ..next },
        Segment { ack: 2, ..next },
        Segment { window: 4095, ..next },
        Segment { flags: ACK | 1, ..next },
        Segment { options: 4, ..next },
        Segment { len: 1441, ..next },
        Segment { len: 0, ..next },
        PLAIN,
    ];
    for other in others {
        let (mut port, kernel) = port(Medium::Ip);
        let sent = [PLAIN.frame(Medium::Ip), other.frame(Medium::Ip)];
        for frame in &sent {
            send(&mut port, frame);
        }
        port.end_join();
        let came: Vec<_> = arrived(&kernel).into_iter().map(|(_, frame)| summed(frame, Medium::Ip)).collect();
        assert!(came == sent.map(|frame| summed(frame, Medium::Ip)), "{} {}", other.port, other.seq);
    }
}

#[test]
fn frames_outside_a_stream_are_not_kept_waiting() {
    let long = Segment { len: 60_000, ..PLAIN };
    for segment in [Segment { flags: ACK | PSH, ..PLAIN }, Segment { flags: 2, ..PLAIN }, Segment { len: 59, ..PLAIN }]
    {
        let (mut port, kernel) = port(Medium::Ip);
        send(&mut port, &segment.frame(Medium::Ip));
        assert!(!port.is_joining());
        assert_eq!(arrived(&kernel).len(), 1);
    }
    // A truncated frame does not begin a super-segment.
    for len in 0..long.frame(Medium::Ethernet).len().min(200) {
        for medium in [Medium::Ethernet, Medium::Ip] {
            let mut frame = PLAIN.frame(medium);
            frame.truncate(len);
            assert!(Join::begin(&frame, medium).is_none(), "{len}");
        }
    }
}

#[test]
fn a_full_queue_holds_two_frames_and_loses_none() {
    let (mut port, kernel) = port(Medium::Ip);
    let (mut segment, mut sent) = (PLAIN, vec![]);
    while !port.is_blocked() {
        // The advertised window changes with every fifth frame. Each change ends a super-segment and begins the next
        // one.
        segment.window = segment.window.wrapping_add(u16::from(sent.len() % 5 == 0));
        let frame = segment.frame(Medium::Ip);
        send(&mut port, &frame);
        sent.push(summed(frame, Medium::Ip));
        segment = segment.then();
        assert!(sent.len() < 100_000, "the queue has no end");
    }
    assert!(!port.make_room());
    let mut came = vec![];
    while came.len() < sent.len() {
        let more = arrived(&kernel);
        assert!(!more.is_empty(), "{} of {} came", came.len(), sent.len());
        came.extend(more.into_iter().flat_map(|one| cut(one, Medium::Ip)).map(|frame| summed(frame, Medium::Ip)));
        port.make_room();
    }
    assert!(came == sent);
    assert_eq!((port.dropped, port.fault), (0, None));
}

#[test]
fn any_mix_of_frames_arrives_unchanged_and_in_order() {
    let seed = getrandom::u64().unwrap();
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut below = |limit| random.below(limit);
    for medium in [Medium::Ethernet, Medium::Ip] {
        let (mut port, kernel) = port(medium);
        let (mut sent, mut came, mut joined) = (vec![], vec![], 0);
        let mut streams = [PLAIN, Segment { port: 8, seq: u32::MAX - 5000, options: 12, len: 500, ..PLAIN }];
        for _ in 0..20_000 {
            let stream = &mut streams[usize::from(below(8) == 0)];
            match below(30) {
                0 => stream.window ^= 1,
                1 => stream.ack += 1,
                2 => stream.seq = below(1 << 31) as u32,
                _ => {}
            }
            let mut segment = *stream;
            match below(20) {
                0 => segment.flags |= PSH,
                1 => segment.len = below(1600),
                2 => segment.flags |= 1 << below(6),
                _ => {}
            }
            *stream = Segment { seq: segment.then().seq, ..*stream };
            let mut frame = segment.frame(medium);
            match below(40) {
                0 => frame.truncate(1 + below(frame.len())),
                1 => {
                    let at = below(frame.len().min(90));
                    frame[at] ^= 1 << below(8);
                }
                _ => {}
            }
            send(&mut port, &frame);
            sent.push(summed(frame, medium));
            if below(50) == 0 {
                port.end_join();
            }
            let more = arrived(&kernel);
            joined += more.iter().filter(|(size, _)| *size > 0).count();
            came.extend(more.into_iter().flat_map(|one| cut(one, medium)).map(|frame| summed(frame, medium)));
        }
        port.end_join();
        came.extend(arrived(&kernel).into_iter().flat_map(|one| cut(one, medium)).map(|frame| summed(frame, medium)));
        assert!(joined > 1000, "{joined}");
        assert_eq!(came.len(), sent.len());
        for (number, (came, sent)) in came.iter().zip(&sent).enumerate() {
            assert!(came == sent, "frame {number}: {came:x?} instead of {sent:x?}");
        }
    }
}

/// The segments of a stream become shorter, because the path MTU has become smaller.
#[test]
fn segments_of_another_size_begin_another_super_segment() {
    for medium in [Medium::Ethernet, Medium::Ip] {
        let (mut port, kernel) = port(medium);
        let sizes = [1_440, 1_440, 1_440, 1_300, 1_300, 1_440, 1_440, 1_300];
        let (mut next, mut frames) = (PLAIN, Vec::new());
        for len in sizes {
            next.len = len;
            frames.push(next.frame(medium));
            next = next.then();
        }
        frames.iter().for_each(|frame| send(&mut port, frame));
        port.end_join();
        let came = arrived(&kernel);
        let cuts: Vec<usize> = came.iter().map(|(cut, _)| *cut).collect();
        // The final segment of a super-segment may be shorter.
        assert_eq!(cuts, [1_440, 0, 1_440]);
        let parts: Vec<_> = came.into_iter().flat_map(|frame| cut(frame, medium)).collect();
        let parts: Vec<_> = parts.into_iter().map(|frame| summed(frame, medium)).collect();
        assert_eq!(parts, frames.into_iter().map(|frame| summed(frame, medium)).collect::<Vec<_>>());
    }
}

#[test]
fn a_super_segment_from_the_stack_is_joined_with_no_other() {
    let medium = Medium::Ip;
    let (mut port, kernel) = port(medium);
    let frames = [PLAIN, PLAIN.then(), PLAIN.then().then()].map(|segment| segment.frame(medium));
    for (frame, size) in frames.iter().zip([None, NonZeroU16::new(1_220), None]) {
        let mut meta = PacketMeta::default();
        meta.segmentation_offload_size = size;
        port.send(meta, frame.len(), |to| to.copy_from_slice(frame));
    }
    port.end_join();
    let cuts: Vec<_> = arrived(&kernel).iter().map(|(cut, frame)| (*cut, frame.len())).collect();
    assert_eq!(cuts, [(0, 1_500), (1_220, 1_500), (0, 1_500)]);
}
