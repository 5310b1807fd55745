//! Duplicate address detection for static addresses, and changes of addresses at run time.

use smolstep::stack::{AddressError, DropReason, End};
use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, IpEndpoint, Ipv4Address};

use crate::common::world::router::{ALL_NODES, icmpv6};
use crate::common::world::{Idle, THEIRS, World, arp_asks, arp_has, silence};

const GIVEN: Ipv4Address = Ipv4Address::new(10, 0, 0, 7);

#[test]
fn an_address_is_used_when_nobody_objects() {
    let mut world = World::new(&["10.0.0.7/24", "fd00::7/64"], |config| config.claim = true);
    assert!(!world.stack.is_settled() && world.addresses().is_empty());
    let (mut asked, start) = (0, world.now);
    world.run(1, |frame| {
        asked += usize::from(arp_asks(frame) == Some(GIVEN));
        vec![]
    });
    assert_eq!((asked, world.addresses()), (3, vec!["10.0.0.7/24".to_string(), "fd00::7/64".into()]));
    assert!(world.stack.is_settled() && world.stack.taken().is_none() && world.now >= start);
}

#[test]
fn the_other_owner_of_an_address_is_named() {
    let mut world = World::new(&["10.0.0.7/24", "10.0.0.8/24"], |config| config.claim = true);
    world.run(
        1,
        |frame| if arp_asks(frame) == Some(GIVEN) { vec![arp_has(GIVEN, Ipv4Address::UNSPECIFIED)] } else { vec![] },
    );
    assert!(world.stack.is_settled());
    assert_eq!(world.stack.taken(), Some((GIVEN.into(), THEIRS)));
    assert_eq!(world.addresses(), ["10.0.0.8/24"]);
}

#[test]
fn an_arp_probe_of_another_host_is_a_conflict() {
    let mut world = World::new(&["10.0.0.7/24"], |config| config.claim = true);
    world.run(1, |frame| match arp_asks(frame) {
        // The other host sends the same ARP probe, from another hardware address (RFC 5227 section 2.1.1).
        Some(GIVEN) => {
            let mut question = frame.to_vec();
            question[6..12].copy_from_slice(THEIRS.as_bytes());
            question[22..28].copy_from_slice(THEIRS.as_bytes());
            vec![question]
        }
        _ => vec![],
    });
    assert_eq!(world.stack.taken(), Some((GIVEN.into(), THEIRS)));
}

#[test]
fn without_claim_no_arp_probe_is_sent() {
    let mut world = World::new(&["10.0.0.7/24"], |_| {});
    assert_eq!((world.stack.is_settled(), world.addresses()), (true, vec!["10.0.0.7/24".into()]));
    world.run(10, silence);
    assert_eq!(world.io.probe.sent, 0);
}

#[test]
fn addresses_and_routers_change_at_run_time() {
    let mut world = World::new(&["10.0.0.7/24"], |_| {});
    let (now, probe) = (world.now, &mut world.io.probe);
    let (far, router) = (IpEndpoint::new("192.0.2.1".parse().unwrap(), 80), IpAddress::v4(10, 0, 1, 1));
    assert_eq!(world.stack.set_router(now, router, probe), Err(AddressError::NotOnLink(router)));
    world.stack.add_address(now, "10.0.1.7/24".parse().unwrap(), probe).unwrap();
    world.stack.set_router(now, router, probe).unwrap();
    assert!(world.stack.source_for(far).is_ok());
    // When the address is removed, the router on its network is also removed.
    assert!(world.stack.remove_address(now, IpAddress::v4(10, 0, 1, 7), probe));
    assert!(world.stack.source_for(far).is_err());
    assert!(!world.stack.remove_address(now, IpAddress::v4(10, 0, 1, 7), probe));
    assert_eq!(
        world.take_events(),
        ["+10.0.1.7/24", "router 10.0.1.1 is in use", "-10.0.1.7/24", "router 10.0.1.1 is gone"]
    );
    let not_unicast = AddressError::NotUnicast(IpAddress::v4(224, 0, 0, 1));
    let added = world.stack.add_address(now, "224.0.0.1/4".parse().unwrap(), &mut world.io.probe);
    assert_eq!(added, Err(not_unicast));
}

#[test]
fn removing_an_address_ends_only_its_connections() {
    let mut world = World::new(&["10.0.0.7/24", "10.0.1.7/24"], |_| {});
    let patience = Duration::from_secs(60);
    let [gone, stays] = ["10.0.0.9", "10.0.1.9"].map(|to| {
        let to = IpEndpoint::new(to.parse().unwrap(), 80);
        world.stack.connect(world.now, to, Idle, patience, &mut world.io).unwrap()
    });
    world.run(1, silence);
    world.stack.remove_address(world.now, GIVEN.into(), &mut world.io.probe);
    world.run(1, silence);
    assert_eq!((world.end(gone), world.end(stays)), (Some(End::AddressGone), None));
}

#[test]
fn two_neighbours_are_requested_within_a_second() {
    let mut world = World::new(&["10.0.0.7/24"], |_| {});
    let patience = Duration::from_secs(60);
    for to in ["10.0.0.8", "10.0.0.9", "10.0.0.10"] {
        let to = IpEndpoint::new(to.parse().unwrap(), 80);
        world.stack.connect(world.now, to, Idle, patience, &mut world.io).unwrap();
    }
    // smoltcp alone would send one ARP request, and no more for a second.
    let (mut asked, mut syns) = (Vec::new(), 0);
    world.run(0, |frame| match arp_asks(frame) {
        Some(address) => {
            asked.push(address.octets()[3]);
            vec![arp_has(address, GIVEN)]
        }
        None => {
            syns += 1;
            vec![]
        }
    });
    asked.sort_unstable();
    assert_eq!((asked, syns), (vec![8, 9, 10], 3));
}

#[test]
fn the_maximum_number_of_addresses_can_be_claimed() {
    let addresses: Vec<String> =
        (1..=smoltcp::config::IFACE_MAX_ADDR_COUNT).map(|n| format!("10.0.{n}.7/24")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let mut world = World::new(&addresses, |config| config.claim = true);
    world.run(1, silence);
    assert!(world.stack.is_settled());
    let mut used = world.addresses();
    used.sort_by_key(|address| addresses.iter().position(|given| given == address));
    assert_eq!(used, addresses);
}

#[test]
fn a_host_that_uses_our_address_is_counted_and_reported_once_a_second() {
    let mut world = World::new(&["10.0.0.7/24", "fd00::7/64"], |_| {});
    let own = "fd00::7".parse().unwrap();
    // A neighbour advertisement with the flag Override and the other host's hardware address.
    let advert = [&[136, 0, 0, 0, 0x20, 0, 0, 0], &smoltcp::wire::Ipv6Address::octets(&own)[..], &[2, 1]].concat();
    let advert = icmpv6(own, ALL_NODES, [&advert, THEIRS.as_bytes()].concat());
    for (messages, reported) in [
        (arp_has(GIVEN, GIVEN), "10.0.0.7 is used by 02:00:00:00:00:09, too"),
        (advert, "fd00::7 is used by 02:00:00:00:00:09, too"),
    ] {
        let before = world.io.probe.dropped(DropReason::DuplicateAddress);
        world.run(1, silence);
        for _ in 0..30 {
            world.inject(&messages);
            world.stack.poll(world.now, &mut world.io);
            world.now += Duration::from_millis(100);
        }
        assert_eq!(world.take_events(), [reported; 3]);
        assert_eq!(world.io.probe.dropped(DropReason::DuplicateAddress), before + 30);
    }
    assert_eq!(world.addresses(), ["10.0.0.7/24", "fd00::7/64"]);
}
