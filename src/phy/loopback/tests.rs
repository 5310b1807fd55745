use smoltcp::phy::{Device, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use super::Loopback;

const NOW: Instant = Instant::ZERO;

#[test]
fn sent_frames_come_back_in_order() {
    let mut device = Loopback::<3, 590>::new();
    for round in 0..10 {
        send(&mut device, &[round]);
        send(&mut device, &[round, round]);
        assert_eq!(receive(&mut device), [round]);
        assert_eq!(receive(&mut device), [round, round]);
        assert!(device.receive(NOW).is_none());
    }
}

#[test]
fn a_full_loopback_still_receives_and_accepts_a_reply() {
    let mut device = Loopback::<2, 590>::new();
    send(&mut device, b"ping");
    for _ in 0..5 {
        assert!(device.transmit(NOW).is_none(), "the last free slot is kept for a reply");
        let (frame, place) = device.receive(NOW).unwrap();
        frame.consume(|frame| place.consume(frame.len(), |reply| reply.copy_from_slice(frame)));
    }
    assert_eq!(receive(&mut device), b"ping");
    assert!(device.transmit(NOW).is_some());
}

#[test]
fn capabilities_name_medium_and_mtu() {
    for medium in [Medium::Ethernet, Medium::Ip] {
        let capabilities = Loopback::<2, 590>::with_medium(medium).capabilities();
        assert_eq!((capabilities.medium, capabilities.max_transmission_unit), (medium, 590));
        assert!(capabilities.checksum.ipv4.rx() && capabilities.checksum.udp.tx());
    }
}

fn send<const N: usize>(device: &mut Loopback<N, 590>, frame: &[u8]) {
    device.transmit(NOW).unwrap().consume(frame.len(), |bytes| bytes.copy_from_slice(frame));
}

fn receive<const N: usize>(device: &mut Loopback<N, 590>) -> Vec<u8> {
    device.receive(NOW).unwrap().0.consume(|frame| frame.to_vec())
}
