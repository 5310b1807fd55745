//! Tests of connections to a host that answers neither ARP nor TCP, or that answers only ARP. Tests of a host that claims
//! our addresses.

use smoltcp::time::Duration;
use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, EthernetAddress, IpAddress, IpCidr, IpEndpoint, Ipv4Address};

use super::pair::*;
use crate::stack::{AddressEvent, DropReason, End, Event, ndisc};

#[test]
fn the_end_says_whether_any_host_answered() {
    // The attempts time out before and after the second ARP request.
    for timeout in [Duration::from_millis(50), Duration::from_secs(10)] {
        let mut pair = Pair::new(SMALL);
        assert_eq!(call(&mut pair, IpAddress::v4(10, 0, 0, 9), timeout, Pair::run_for), Some(End::Unreachable));
        assert_eq!(call(&mut pair, SERVER, timeout, Pair::run_for), Some(End::Refused));
        // The server's hardware address is known now.
        let end = call(&mut pair, SERVER, timeout, |pair, time| {
            pair.now += time;
            pair.client.stack.poll(pair.now, &mut pair.client.io);
            pair.to_server.borrow_mut().clear();
        });
        assert_eq!(end, Some(End::TimedOut));
    }
}

/// Returns how a connection to `remote` ends. The attempt has the timeout `timeout`. `pass` advances the time.
fn call(pair: &mut Pair, remote: IpAddress, timeout: Duration, pass: fn(&mut Pair, Duration)) -> Option<End> {
    let remote = IpEndpoint::new(remote, 7);
    let app = App::ask(b"", 1);
    let id = pair.client.stack.connect(pair.now, remote, app, timeout, &mut pair.client.io).unwrap();
    for _ in 0..20 {
        pass(pair, timeout / 20);
    }
    pair.client.stack.take(id).map(|(_, end)| end)
}

#[test]
fn the_next_hop_is_the_host_or_its_router() {
    let router = IpAddress::v4(10, 0, 0, 3);
    let mut pair = Pair::new(SMALL);
    let stack = &mut pair.client.stack;
    let (near, far) = (IpAddress::v4(10, 0, 0, 9), IpAddress::v4(10, 1, 0, 9));
    assert_eq!((stack.next_hop(near), stack.next_hop(far)), (Some(near), None));
    stack.set_router(pair.now, router, &mut pair.client.io.probe).unwrap();
    assert_eq!((stack.next_hop(near), stack.next_hop(far)), (Some(near), Some(router)));
    stack.add_address(pair.now, IpCidr::new(IpAddress::v4(10, 1, 0, 1), 16), &mut pair.client.io.probe).unwrap();
    assert_eq!(stack.next_hop(far), Some(far));
}

#[test]
fn a_client_is_served_while_another_host_claims_our_addresses() {
    let other = EthernetAddress([2, 0, 0, 0, 0, 9]);
    let arp = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: other,
        source_protocol_addr: Ipv4Address::new(10, 0, 0, 1),
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: Ipv4Address::new(10, 0, 0, 1),
    };
    let mut announcement = [&[0xff; 6], other.as_bytes(), &[8, 6], &[0; 28]].concat();
    arp.emit(&mut ArpPacket::new_unchecked(&mut announcement[14..]));
    let mut advert = [&[0x33, 0x33, 0, 0, 0, 1], other.as_bytes(), &[0x86, 0xdd], &[0; ndisc::ADVERT]].concat();
    ndisc::emit_advert(SERVER_V6, other, &mut advert[14..]);
    for (remote, claim) in [(SERVER, announcement), (SERVER_V6.into(), advert)] {
        let mut frames = 0;
        let pair = super::fragments::echoes_through(remote, &mut |frame| {
            frames += 1;
            vec![claim.clone(), frame, claim.clone()]
        });
        assert_eq!(pair.server.count(|e| *e == Event::Dropped(DropReason::DuplicateAddress)), 2 * frames);
        let reported = Event::Address(AddressEvent::Duplicate { address: remote, by: other });
        // The exchange takes at most a minute.
        assert!((1..=60).contains(&pair.server.count(|e| *e == reported)));
    }
}
