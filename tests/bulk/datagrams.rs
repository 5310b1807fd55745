//! Tests UDP with offload, and UDP datagrams without a checksum.

use smolstep::phy::linux::Kind;

use crate::common::link::{KERNEL, SERVER, ask, at, connect, expect, noise, on_tap_and_tun, send, udp};
use crate::common::peer::python;

/// Payload lengths in bytes: empty, odd and even, one full frame, and several fragments.
const LENGTHS: [usize; 8] = [0, 1, 2, 999, 1472, 1473, 8000, 60_000];

#[test]
fn datagrams_come_back_with_offload_and_without() {
    on_tap_and_tun("datagrams::datagrams_come_back_with_offload_and_without", |link| {
        for offload in [&["echo"][..], &["echo", "--no-offload"]] {
            let _server = link.serve(offload, 4);
            for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
                let socket = udp(at(kernel, 0), at(address, 7));
                for (seed, len) in LENGTHS.into_iter().enumerate() {
                    let text = noise(len, seed as u64);
                    ask(&socket, &text, &text);
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
            // This part uses only IPv4, because UDP over IPv6 requires a checksum.
            let client = python::run("without_checksums", &[SERVER[0]]).finish();
            assert_eq!(client.code(), Some(0), "{client:?}");
        }
    });
}

#[test]
fn the_offload_settings_of_an_earlier_program_do_no_harm() {
    on_tap_and_tun("datagrams::the_offload_settings_of_an_earlier_program_do_no_harm", |link| {
        let kind = if link.kind == Kind::Tap { "2" } else { "1" };
        for offload in [&["echo"][..], &["echo", "--no-offload"]] {
            let other = python::run("leave_offload", &[link.name(), kind]).finish();
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
