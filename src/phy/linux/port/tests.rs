//! Tests of the port with a socket instead of a TAP. The tests can make a socket refuse, truncate or corrupt frames.

use std::io::{ErrorKind, Read};
use std::os::unix::net::{UnixDatagram, UnixStream};

use rustix::net::sockopt::set_socket_send_buffer_size;

use super::*;

fn port(offload: bool) -> (Port, UnixDatagram) {
    pair(Medium::Ip, offload)
}

/// Makes a port on a datagram socket, which keeps frame boundaries. Also returns the socket's other end, which stands
/// for the kernel.
pub(in crate::phy::linux) fn pair(medium: Medium, offload: bool) -> (Port, UnixDatagram) {
    let (ours, kernel) = UnixDatagram::pair().unwrap();
    for end in [&ours, &kernel] {
        end.set_nonblocking(true).unwrap();
    }
    (Port::new(ours.into(), medium, offload), kernel)
}

/// Builds an empty virtio-net header followed by a packet that is not TCP.
fn frame(number: u8) -> Vec<u8> {
    [&[0; HEADER][..], &[0x60, number, 3, 4]].concat()
}

fn send(port: &mut Port, number: u8, len: usize) {
    port.send(PacketMeta::default(), len, |frame| frame.fill(number));
}

#[test]
fn an_invalid_frame_is_counted_and_the_next_frame_is_read() {
    let (mut port, kernel) = port(true);
    // The invalid inputs have a partial checksum positioned beyond the frame, segments of length 0, no bytes, fewer
    // bytes than a header, and more bytes than any frame.
    let mut beyond = frame(1);
    beyond[0] = 1;
    beyond[6..10].fill(0xFF);
    let mut no_size = frame(2);
    no_size[1] = 1;
    for bad in [beyond, no_size, vec![], vec![0; HEADER], vec![0; HEADER + MAX_FRAME + 1], vec![0; 100_000]] {
        kernel.send(&bad).unwrap();
    }
    kernel.send(&frame(7)).unwrap();
    let mut buffer = buffer();
    assert_eq!(port.read(&mut buffer), Some(&frame(7)[HEADER..]));
    assert_eq!((port.dropped, port.fault), (6, None));
    assert_eq!(port.read(&mut buffer), None);
}

#[test]
fn the_longest_frame_is_read_and_sent_whole() {
    for offload in [true, false] {
        let (mut port, kernel) = port(offload);
        let header = if offload { HEADER } else { 0 };
        let mut longest = vec![0x5A; header + MAX_FRAME];
        longest[..header].fill(0);
        kernel.send(&longest).unwrap();
        let mut buffer = buffer();
        assert!(port.read(&mut buffer) == Some(&longest[header..]));
        send(&mut port, 0x5A, MAX_FRAME);
        let mut came = vec![0; 100_000];
        let len = kernel.recv(&mut came).unwrap();
        assert!(came[..len] == longest);
        assert_eq!((port.dropped, port.is_blocked()), (0, false));
    }
}

#[test]
fn a_flood_of_bad_frames_does_not_block_the_stack() {
    let (mut port, kernel) = port(true);
    let mut buffer = buffer();
    let mut turns = 0;
    for _ in 0..5 {
        // Sends as many frames as fit in the queue.
        while kernel.send(&[0]).is_ok() {}
        assert_eq!(port.read(&mut buffer), None);
        turns += 1;
        assert!(port.dropped <= turns * MAX_DISCARDED as u64, "{} after {turns} turns", port.dropped);
    }
    assert!(port.dropped > turns, "{}", port.dropped);
}

#[test]
fn a_frame_that_the_kernel_does_not_accept_is_held_and_not_lost() {
    let (mut port, kernel) = port(true);
    let mut sent = 0;
    while !port.is_blocked() {
        send(&mut port, (sent % 251) as u8, 40);
        sent += 1;
        assert!(sent < 100_000, "the queue has no end");
    }
    assert!(!port.make_room() && matches!(port.blocked, Blocked::UntilWritable));
    // The port tried to write the frame twice, but counts it once.
    assert_eq!(port.held, 1);
    let mut came = [0; 100];
    for number in 0..sent {
        assert_eq!(kernel.recv(&mut came).unwrap(), HEADER + 40);
        assert_eq!(came[HEADER], (number % 251) as u8);
        // The held frame is written before any new frame.
        assert!(port.make_room());
    }
    assert_eq!(kernel.recv(&mut came).unwrap_err().kind(), ErrorKind::WouldBlock);
    // The next held frame is also counted.
    while !port.is_blocked() {
        send(&mut port, 1, 40);
    }
    assert_eq!((port.held, port.dropped, port.fault), (2, 0, None));
}

#[test]
fn a_short_write_is_counted_and_the_rest_is_not_written() {
    let (ours, mut kernel) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    // A super-segment does not fit in the smallest socket buffer.
    set_socket_send_buffer_size(&ours, 1).unwrap();
    let mut port = Port::new(ours.into(), Medium::Ip, true);
    send(&mut port, 1, 60_000);
    assert_eq!((port.dropped, port.is_blocked(), port.fault), (1, false, None));
    drop(port);
    let mut came = Vec::new();
    kernel.read_to_end(&mut came).unwrap();
    assert!((1..HEADER + 60_000).contains(&came.len()), "{}", came.len());
}

#[test]
fn a_failed_file_is_a_fault_and_is_not_used_again() {
    let (mut port, kernel) = port(true);
    drop(kernel);
    send(&mut port, 1, 40);
    assert!(port.fault.is_some());
    assert!(!port.make_room());
    let mut buffer = buffer();
    assert_eq!(port.read(&mut buffer), None);
}
