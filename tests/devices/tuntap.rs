//! The TAP and TUN device with the kernel as the peer.

use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use smolstep::host::Clock;
use smolstep::phy::linux::{Kind, MAX_EXTRA, OpenError, TunTap, create};
use smoltcp::phy::{ChecksumCapabilities, Device, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr};

use crate::common::netns::{delete, down, in_namespace, make, output, up};

const KERNEL: (&str, u8) = ("192.168.69.100", 24);
const NOW: Instant = Instant::from_micros_const(1_000_000);

#[test]
fn the_mtu_of_a_tap_includes_the_ethernet_header() {
    in_namespace("the_mtu_of_a_tap_includes_the_ethernet_header", || {
        make(Kind::Tap, "tap0", &[]);
        make(Kind::Tun, "tun0", &[]);
        let tap = TunTap::open(Kind::Tap, "tap0").unwrap();
        let tun = TunTap::open(Kind::Tun, "tun0").unwrap();
        assert_eq!(tap.capabilities().max_transmission_unit, 1514);
        assert_eq!(tun.capabilities().max_transmission_unit, 1500);
        assert_eq!((tap.name(), tap.kind()), ("tap0", Kind::Tap));
    });
}

#[test]
fn datagrams_go_both_ways_through_a_tun() {
    in_namespace("datagrams_go_both_ways_through_a_tun", || {
        let (mut device, kernel) = tun_and_kernel_socket();
        send(&mut device, b"up");
        assert_eq!(receive(&kernel), b"up");

        kernel.send_to(b"down", "192.168.69.1:5000").unwrap();
        let ready = device.wait(None, &[]).unwrap();
        assert!(ready.device);
        let (frame, _) = device.receive(NOW).unwrap();
        frame.consume(|packet| {
            let ip = Ipv4Packet::new_checked(packet).unwrap();
            assert_eq!(UdpPacket::new_checked(ip.payload()).unwrap().payload(), b"down");
        });
        assert!(device.receive(NOW).is_none());
        assert_eq!(device.fault(), None);
    });
}

#[test]
fn a_frame_is_kept_while_the_interface_is_down() {
    in_namespace("a_frame_is_kept_while_the_interface_is_down", || {
        let (mut device, kernel) = tun_and_kernel_socket();
        down("tun0");
        send(&mut device, b"first");
        assert!(device.is_blocked());
        assert!(device.transmit(NOW).is_none());
        assert!(device.receive(NOW).is_none());
        // While the device is blocked, even a wait with a timeout of zero takes until the next attempt to send.
        assert!(!device.wait(Some(Duration::ZERO), &[]).unwrap().device);
        assert!(device.is_blocked());
        assert_eq!(device.held(), 1, "it was tried more than once");

        up("tun0");
        assert!(device.wait(None, &[]).unwrap().device);
        send(&mut device, b"second");
        assert!(!device.is_blocked());
        assert_eq!(receive(&kernel), b"first");
        assert_eq!(receive(&kernel), b"second");
        assert_eq!((device.held(), device.dropped(), device.fault()), (1, 0, None));
    });
}

#[test]
fn waiting_frames_do_not_wake_a_blocked_device() {
    in_namespace("waiting_frames_do_not_wake_a_blocked_device", || {
        let (mut device, kernel) = tun_and_kernel_socket();
        // This datagram stays unread, so the device is readable while the interface is down.
        kernel.send_to(b"unread", "192.168.69.1:5000").unwrap();
        down("tun0");
        send(&mut device, b"held");
        assert!(!device.wait(Some(Duration::ZERO), &[]).unwrap().device);
        up("tun0");
        assert!(device.transmit(NOW).is_some());
        assert!(device.receive(NOW).is_some());
    });
}

#[test]
fn a_malformed_frame_is_dropped_and_counted() {
    in_namespace("a_malformed_frame_is_dropped_and_counted", || {
        let (mut device, kernel) = tun_and_kernel_socket();
        device.transmit(NOW).unwrap().consume(4, |packet| packet.fill(0));
        assert_eq!((device.dropped(), device.is_blocked(), device.fault()), (1, false, None));
        send(&mut device, b"next");
        assert_eq!(receive(&kernel), b"next");
    });
}

#[test]
fn a_deleted_interface_is_a_fault() {
    in_namespace("a_deleted_interface_is_a_fault", || {
        for kind in [Kind::Tap, Kind::Tun] {
            make(kind, "gone", &[]);
            let mut waiting = TunTap::open(kind, "gone").unwrap();
            delete("gone");
            assert!(waiting.wait(None, &[]).unwrap().device);
            let fault = waiting.fault().unwrap().to_string();
            assert_eq!(fault, "the interface gone was deleted: make it again, then start this program again");
            assert!(waiting.transmit(NOW).is_none());
            assert!(waiting.receive(NOW).is_none());

            make(kind, "gone", &[]);
            let mut sending = TunTap::open(kind, "gone").unwrap();
            delete("gone");
            sending.transmit(NOW).unwrap().consume(60, |packet| packet.fill(0));
            assert!(sending.fault().is_some());
            assert!(sending.transmit(NOW).is_none());

            make(kind, "gone", &[]);
            let mut reading = TunTap::open(kind, "gone").unwrap();
            delete("gone");
            assert!(reading.receive(NOW).is_none());
            assert!(reading.fault().is_some());
        }
    });
}

#[test]
fn a_short_wait_is_not_rounded_down_to_zero() {
    in_namespace("a_short_wait_is_not_rounded_down_to_zero", || {
        make(Kind::Tap, "tap0", &[]);
        let mut device = TunTap::open(Kind::Tap, "tap0").unwrap();
        let clock = Clock::start();
        for micros in [1, 50, 700, 1_300] {
            let deadline = clock.now() + Duration::from_micros(micros).into();
            let mut waits = 0;
            while clock.now() < deadline {
                device.wait(Some((deadline - clock.now()).into()), &[]).unwrap();
                waits += 1;
            }
            // A second wait can be necessary, because the clock and the kernel's timer differ slightly.
            assert!(waits <= 2, "{waits} waits for {micros} µs");
        }
    });
}

#[test]
fn other_files_end_a_wait_even_with_high_descriptors() {
    in_namespace("other_files_end_a_wait_even_with_high_descriptors", || {
        make(Kind::Tap, "tap0", &[]);
        let mut device = TunTap::open(Kind::Tap, "tap0").unwrap();
        let (quiet, _kept) = UnixStream::pair().unwrap();
        let (ended, other) = UnixStream::pair().unwrap();
        // select(2) does not support file descriptors this large.
        let ended = rustix::io::fcntl_dupfd_cloexec(&ended, 1500);
        drop(other);
        match ended {
            Ok(ended) => {
                let ready = device.wait(None, &[quiet.as_fd(), ended.as_fd()]).unwrap();
                assert_eq!((ready.device, ready.extra(0), ready.extra(1)), (false, false, true));
                assert!(!ready.extra(MAX_EXTRA) && !ready.extra(usize::MAX));
            }
            Err(e) => eprintln!("skipped: file numbers above 1500 are not allowed: {e}"),
        }
        assert!(device.wait(None, &[quiet.as_fd(); MAX_EXTRA + 1]).is_err());
    });
}

#[test]
fn a_failed_open_explains_the_reason() {
    in_namespace("a_failed_open_explains_the_reason", || {
        let refusal = |kind, name: &str| TunTap::open(kind, name).unwrap_err();
        for bad in ["", "a-name-of-16-char", "tap%d", "a/b", "a b", ".", "..", "a\0b"] {
            assert_eq!(refusal(Kind::Tap, bad), OpenError::BadName(bad.into()));
        }

        assert_eq!(refusal(Kind::Tap, "tap0"), OpenError::NoInterface { kind: Kind::Tap, name: "tap0".into() });
        assert_eq!(refusal(Kind::Tap, "lo"), OpenError::NotTunTap("lo".into()));

        make(Kind::Tap, "tap0", &[]);
        make(Kind::Tun, "tun0", &[]);
        assert_eq!(refusal(Kind::Tun, "tap0"), OpenError::OtherKind { is: Kind::Tap, name: "tap0".into() });
        assert_eq!(refusal(Kind::Tap, "tun0"), OpenError::OtherKind { is: Kind::Tun, name: "tun0".into() });
        assert_eq!(create(Kind::Tap, "tap0").unwrap_err(), OpenError::InUse("tap0".into()));

        let queues = output(Command::new("ip").args(["tuntap", "add", "dev", "mq0", "mode", "tap", "multi_queue"]));
        assert!(queues.unwrap().status.success());
        assert_eq!(refusal(Kind::Tap, "mq0"), OpenError::MultiQueue { kind: Kind::Tap, name: "mq0".into() });

        let user = TunTap::open(Kind::Tap, "tap0").unwrap();
        assert_eq!(refusal(Kind::Tap, "tap0"), OpenError::InUse("tap0".into()));
        drop(user);
        assert!(TunTap::open(Kind::Tap, "tap0").is_ok());
    });
}

#[test]
fn each_refusal_is_a_one_line_error() {
    let name = || "x0".to_owned();
    let kind = Kind::Tap;
    for error in [
        OpenError::BadName(name()),
        OpenError::InUse(name()),
        OpenError::MultiQueue { kind, name: name() },
        OpenError::NoDevNetTun,
        OpenError::NoInterface { kind, name: name() },
        OpenError::NoPermission,
        OpenError::NotOwner { kind, name: name() },
        OpenError::NotTunTap(name()),
        OpenError::Os(rustix::io::Errno::MFILE),
        OpenError::OtherKind { is: Kind::Tun, name: name() },
    ] {
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
}

/// Creates a TUN and a kernel socket on port 5000 at its other end.
fn tun_and_kernel_socket() -> (TunTap, UdpSocket) {
    make(Kind::Tun, "tun0", &[KERNEL]);
    let device = TunTap::open(Kind::Tun, "tun0").unwrap();
    let kernel = UdpSocket::bind("0.0.0.0:5000").unwrap();
    // Without this limit, a failing test would hang.
    kernel.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    (device, kernel)
}

fn receive(kernel: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 64];
    let len = kernel.recv(&mut buffer).unwrap();
    buffer[..len].to_vec()
}

/// Sends one UDP datagram from 192.168.69.1 to the kernel's port 5000.
fn send(device: &mut TunTap, payload: &[u8]) {
    let udp = UdpRepr { src_port: 5000, dst_port: 5000 };
    let ip = Ipv4Repr {
        src_addr: Ipv4Address::new(192, 168, 69, 1),
        dst_addr: Ipv4Address::new(192, 168, 69, 100),
        next_header: IpProtocol::Udp,
        payload_len: 8 + payload.len(),
        hop_limit: 64,
    };
    let sums = ChecksumCapabilities::default();
    device.transmit(NOW).unwrap().consume(ip.buffer_len() + ip.payload_len, |packet| {
        packet.fill(0);
        ip.emit(&mut Ipv4Packet::new_unchecked(&mut *packet), &sums);
        let mut datagram = UdpPacket::new_unchecked(&mut packet[20..]);
        let fill = |buffer: &mut [u8]| buffer.copy_from_slice(payload);
        udp.emit(&mut datagram, &ip.src_addr.into(), &ip.dst_addr.into(), payload.len(), fill, &sums);
    });
}
