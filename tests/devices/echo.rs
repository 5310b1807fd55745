//! The TAP and TUN devices with a plain smoltcp echo server and kernel clients.
//!
//! The tests run over IPv4 and IPv6.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;

use smolstep::host::Clock;
use smolstep::phy::linux::{Kind, TunTap};
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr};

use crate::common::netns::{down, in_namespace, make, up};

const KERNEL: [(&str, u8); 2] = [("192.168.69.100", 24), ("fdaa::64", 64)];

#[test]
fn a_tap_carries_tcp() {
    in_namespace("a_tap_carries_tcp", || {
        for server in ["192.168.69.1:7", "[fdaa::1]:7"] {
            make(Kind::Tap, "tap0", &KERNEL);
            echo(Kind::Tap, "tap0", move || client(server, |_| {}));
            crate::common::netns::delete("tap0");
        }
    });
}

#[test]
fn a_tun_carries_tcp() {
    in_namespace("a_tun_carries_tcp", || {
        for server in ["192.168.69.1:7", "[fdaa::1]:7"] {
            make(Kind::Tun, "tun0", &KERNEL);
            echo(Kind::Tun, "tun0", move || client(server, |_| {}));
            crate::common::netns::delete("tun0");
        }
    });
}

#[test]
fn a_stream_survives_the_interface_going_down_and_up() {
    in_namespace("a_stream_survives_the_interface_going_down_and_up", || {
        make(Kind::Tap, "tap0", &KERNEL);
        echo(Kind::Tap, "tap0", || {
            client("192.168.69.1:7", |sent| {
                if sent == TOTAL / 2 {
                    down("tap0");
                    up("tap0");
                }
            });
        });
    });
}

/// The number of bytes that a client sends.
const TOTAL: usize = 1 << 20;

/// Sends a stream, half-closes, and compares the echo. After each piece, calls `at` with the number of bytes sent so
/// far.
fn client(server: &str, mut at: impl FnMut(usize)) {
    let mut stream = TcpStream::connect(server).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let back = thread::spawn(move || {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let bytes: Vec<u8> = (0..TOTAL).map(|i| ((i * 31) >> 3) as u8).collect();
    for (i, chunk) in bytes.chunks(TOTAL / 64).enumerate() {
        stream.write_all(chunk).unwrap();
        at((i + 1) * chunk.len());
    }
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(back.join().unwrap() == bytes, "the echo differs");
}

/// Serves echo on port 7 until `client` has returned.
fn echo(kind: Kind, name: &str, client: impl FnOnce() + Send + 'static) {
    let mut device = TunTap::open(kind, name).unwrap();
    let clock = Clock::start();
    let address = match kind {
        Kind::Tap => HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 1])),
        Kind::Tun => HardwareAddress::Ip,
    };
    let mut config = Config::new(address);
    config.random_seed = 1;
    let mut iface = Interface::new(config, &mut device, clock.now());
    iface.update_ip_addrs(|addresses| {
        addresses.push("192.168.69.1/24".parse::<IpCidr>().unwrap()).unwrap();
        addresses.push("fdaa::1/64".parse::<IpCidr>().unwrap()).unwrap();
    });
    let buffer = || tcp::SocketBuffer::new(vec![0; 16_384]);
    let mut socket = tcp::Socket::new(buffer(), buffer());
    socket.listen(7).unwrap();
    let mut sockets = SocketSet::new(vec![]);
    let handle = sockets.add(socket);

    let (ended, running) = UnixStream::pair().unwrap();
    let client = thread::spawn(move || {
        let _running = running;
        client();
    });
    loop {
        iface.poll(clock.now(), &mut device, &mut sockets);
        let socket = sockets.get_mut::<tcp::Socket<'_>>(handle);
        while socket.can_recv() && socket.can_send() {
            let room = socket.send_capacity() - socket.send_queue();
            let data = socket.recv(|data| (data.len().min(room), data[..data.len().min(room)].to_vec())).unwrap();
            socket.send_slice(&data).unwrap();
        }
        if socket.state() == tcp::State::CloseWait && socket.recv_queue() == 0 {
            socket.close();
        }
        iface.poll(clock.now(), &mut device, &mut sockets);
        assert_eq!(device.fault(), None);
        let timeout = iface.poll_delay(clock.now(), &sockets).map(Into::into);
        if device.wait(timeout, &[ended.as_fd()]).unwrap().extra(0) {
            break;
        }
    }
    client.join().unwrap();
}
