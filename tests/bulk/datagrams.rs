//! UDP beside offload: the kernel leaves the checksum to the stack, or sends none at all.

use smolstep::phy::linux::Kind;

use crate::common::link::{KERNEL, SERVER, ask, at, connect, expect, noise, on_tap_and_tun, send, udp};
use crate::common::peer::python;

/// Payload lengths: none, one byte, odd and even, the longest of one frame, and some that are fragmented over IPv4.
const LENGTHS: [usize; 7] = [0, 1, 2, 999, 1472, 1473, 8000];

#[test]
fn datagrams_come_back_with_offload_and_without() {
    on_tap_and_tun("datagrams::datagrams_come_back_with_offload_and_without", |link| {
        for offload in [&["echo"][..], &["echo", "--no-offload"]] {
            let _server = link.serve(offload, 4);
            for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
                let socket = udp(at(kernel, 0), at(address, 7));
                for (seed, len) in LENGTHS.into_iter().enumerate() {
                    // smoltcp does not fragment over IPv6, and a payload of 1,472 bytes is too long for one frame there.
                    if len < 1472 || address == SERVER[0] {
                        let text = noise(len, seed as u64);
                        ask(&socket, &text, &text);
                    }
                }
            }
        }
    });
}

#[test]
fn datagrams_without_a_checksum_come_back() {
    on_tap_and_tun("datagrams::datagrams_without_a_checksum_come_back", |link| {
        for offload in [&["echo"][..], &["echo", "--no-offload"]] {
            let _server = link.serve(offload, 4);
            // SO_NO_CHECK; over IPv6 there is no such thing.
            let script = "
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(60)
s.setsockopt(socket.SOL_SOCKET, 11, 1)
s.connect((sys.argv[1], 7))
for length in (1, 2, 999, 1472, 8000):
    text = bytes(n * length % 251 for n in range(length))
    s.send(text)
    assert s.recv(65536) == text, length
";
            let client = python::run(script, &[SERVER[0]]).finish();
            assert_eq!(client.code(), Some(0), "{client:?}");
        }
    });
}

#[test]
fn what_another_program_left_of_its_offload_does_no_harm() {
    on_tap_and_tun("datagrams::what_another_program_left_of_its_offload_does_no_harm", |link| {
        // TUNSETIFF with IFF_NO_PI and IFF_VNET_HDR, TUNSETVNETHDRSZ as QEMU does, TUNSETOFFLOAD: all of it outlives the file.
        let script = "
import fcntl, struct, sys
f = open('/dev/net/tun', 'r+b', buffering=0)
fcntl.ioctl(f, 0x400454ca, struct.pack('16sH22x', sys.argv[1].encode(), int(sys.argv[2]) | 0x5000))
fcntl.ioctl(f, 0x400454d8, struct.pack('i', 12))
fcntl.ioctl(f, 0x400454d0, 7)
";
        let kind = if link.kind == Kind::Tap { "2" } else { "1" };
        for offload in [&["echo"][..], &["echo", "--no-offload"]] {
            let other = python::run(script, &[link.name(), kind]).finish();
            assert_eq!(other.code(), Some(0), "{other:?}");
            let _server = link.serve(offload, 4);
            for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
                ask(&udp(at(kernel, 0), at(address, 7)), "still here", "still here");
                let text = noise(100_000, 5);
                let mut echo = connect(address, 7);
                send(&mut echo, &text);
                expect(&mut echo, &text);
            }
        }
    });
}
