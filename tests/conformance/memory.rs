//! The devices in memory: the cable and the loopback.

use smolstep::phy::conformance::Peer;
use smolstep::phy::{Cable, CableEnd, Loopback};
use smoltcp::phy::Medium;
use smoltcp::time::Instant;

use crate::{Ticks, receive, run, send};

#[test]
fn a_cable_end_conforms() {
    for medium in [Medium::Ethernet, Medium::Ip] {
        let mut cable = Cable::<5, 1514>::with_medium(medium);
        let (mut left, right) = cable.ends();
        let report = run(&mut left, &mut Other(right, Ticks::default())).unwrap();
        assert_eq!(report.to_string(), "MTU 1514; holds 4 frames to send and 4 frames received");
    }
}

#[test]
fn the_smallest_cable_conforms() {
    let mut cable = Cable::<2, 590>::new();
    let (mut left, right) = cable.ends();
    let report = run(&mut left, &mut Other(right, Ticks::default())).unwrap();
    assert_eq!((report.mtu, report.transmit_queue, report.receive_queue), (590, Some(1), Some(1)));
}

#[test]
fn a_loopback_conforms() {
    for medium in [Medium::Ethernet, Medium::Ip] {
        let report = run(&mut Loopback::<5, 1514>::with_medium(medium), &mut Itself(Ticks::default())).unwrap();
        assert_eq!(report.to_string(), "MTU 1514; holds 4 frames to send and 4 frames received");
    }
}

/// The other end of a cable.
struct Other<'a, const N: usize, const M: usize>(CableEnd<'a, N, M>, Ticks);

impl<const N: usize, const M: usize> Peer<CableEnd<'_, N, M>> for Other<'_, N, M> {
    fn inject(&mut self, _device: &mut CableEnd<'_, N, M>, frame: &[u8]) -> bool {
        send(&mut self.0, frame)
    }

    fn observe(&mut self, _device: &mut CableEnd<'_, N, M>, buffer: &mut [u8]) -> Option<usize> {
        receive(&mut self.0, buffer)
    }

    fn now(&mut self) -> Instant {
        self.1.now()
    }
}

/// The peer of a loopback is the loopback itself, because the loopback receives what it sends.
struct Itself(Ticks);

impl<const N: usize, const M: usize> Peer<Loopback<N, M>> for Itself {
    fn inject(&mut self, device: &mut Loopback<N, M>, frame: &[u8]) -> bool {
        send(device, frame)
    }

    fn observe(&mut self, device: &mut Loopback<N, M>, buffer: &mut [u8]) -> Option<usize> {
        receive(device, buffer)
    }

    fn now(&mut self) -> Instant {
        self.0.now()
    }
}
