//! Long streams are echoed without a changed byte, even while the interface goes down and up.

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, TcpStream};
use std::thread;

use smolstep::cli::netlink::Netlink;

use crate::common::link::{KERNEL, Link, SERVER, connect, noise, on_tap_and_tun};
use crate::common::netns::{down, up};

#[test]
fn sixteen_mebibytes_come_back() {
    on_tap_and_tun("sixteen_mebibytes_come_back", |link| {
        let _server = link.serve(&["echo"], 4);
        let bytes = noise(TOTAL, 9);
        for address in SERVER {
            echo(connect(address, 7), &bytes, |_| ());
        }
    });
}

#[test]
fn a_stream_survives_the_interface_going_down_and_up() {
    on_tap_and_tun("a_stream_survives_the_interface_going_down_and_up", |link| {
        let _server = link.serve(&["echo"], 4);
        let bytes = noise(TOTAL, 10);
        for address in SERVER {
            echo(connect(address, 7), &bytes, |sent| {
                if sent % (TOTAL / 4) == TOTAL / 8 {
                    down_and_up(link);
                }
            });
        }
    });
}

#[test]
fn four_simultaneous_streams_come_back() {
    on_tap_and_tun("four_simultaneous_streams_come_back", |link| {
        let _server = link.serve(&["echo"], 4);
        let echoes: Vec<_> = [(0, 11), (1, 12), (0, 13), (1, 14)]
            .map(|(family, seed)| {
                thread::spawn(move || echo(connect(SERVER[family], 7), &noise(TOTAL / 8, seed), |_| ()))
            })
            .into();
        for echo in echoes {
            echo.join().unwrap();
        }
    });
}

/// The length of a stream in each direction, in bytes.
const TOTAL: usize = 16 << 20;

/// Sends `bytes`, half-closes, and compares the echo. After each piece, calls `at` with the number of bytes sent so
/// far.
fn echo(mut stream: TcpStream, bytes: &[u8], mut at: impl FnMut(usize)) {
    let mut reader = stream.try_clone().unwrap();
    let back = thread::spawn(move || {
        let mut back = Vec::new();
        reader.read_to_end(&mut back).map(|_| back)
    });
    for (number, piece) in bytes.chunks(TOTAL / 64).enumerate() {
        stream.write_all(piece).unwrap();
        at(number * (TOTAL / 64) + piece.len());
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let back = back.join().unwrap().unwrap();
    let same = back.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    assert!(back == bytes, "{} bytes came back, the first {same} of them right", back.len());
}

/// Takes the kernel's interface down and brings it up again.
fn down_and_up(link: Link) {
    down(link.name());
    up(link.name());
    // The kernel removes IPv6 addresses when an interface goes down.
    let mut netlink = Netlink::open().unwrap();
    let index = netlink.link(link.name()).unwrap().unwrap().index;
    netlink.add_address(index, KERNEL[1].parse::<IpAddr>().unwrap(), 64).unwrap();
}
