//! Router advertisements: flags and lifetimes of prefixes, preferences, the MTU, and floods.

use smolstep::stack::DropReason;
use smoltcp::wire::{Icmpv6Message, IpEndpoint, Ipv6Address};

use crate::common::world::router::{ALL_NODES, advertisement, icmpv6, kind, prefix, servers};
use crate::common::world::{World, silence};

const LINK_LOCAL: &str = "fe80::ff:fe00:1/64";
const MADE: &str = "fd00::5:0:ff:fe00:1";

const FIRST: Ipv6Address = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const SECOND: Ipv6Address = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const THIRD: Ipv6Address = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 3);

const LOW: u8 = 0x18;
const MEDIUM: u8 = 0;
const RESERVED: u8 = 0x10;
const HIGH: u8 = 0x08;

#[test]
fn a_prefix_that_is_not_on_the_link_makes_an_address_without_neighbours() {
    let mut world = asking();
    world.run(2, silence);
    world.inject(&advertisement(1800, &[prefix(64, 0x40, 3600, 3600)]));
    world.run(2, silence);
    assert_eq!(world.addresses(), [LINK_LOCAL.into(), format!("{MADE}/128")]);
    let neighbour: Ipv6Address = "fd00:0:0:5::9".parse().unwrap();
    assert_eq!(world.stack.next_hop(neighbour.into()), Some(FIRST.into()));
    // Now an advertisement says that the prefix is on the link. A later advertisement without the on-link flag changes
    // nothing.
    for flags in [0xc0, 0x40, 0x80] {
        world.inject(&advertisement(1800, &[prefix(64, flags, 3600, 3600)]));
        world.run(2, silence);
        assert_eq!(world.addresses(), [LINK_LOCAL.into(), format!("{MADE}/64")]);
        assert_eq!(world.stack.next_hop(neighbour.into()), Some(neighbour.into()));
    }
}

#[test]
fn a_lifetime_follows_the_two_hour_rule() {
    // Each case consists of the remaining lifetime, the advertised lifetime, and the resulting lifetime (RFC 4862
    // section 5.5.3).
    for (left, advertised, then) in
        [(90_000, 10_000, 10_000), (90_000, 100, 7_200), (90_000, 0, 7_200), (5_000, 100, 5_000), (5_000, 6_000, 6_000)]
    {
        let mut world = asking();
        world.run(2, silence);
        world.inject(&advertisement(1800, &[prefix(64, 0xc0, left, left)]));
        world.run(0, silence);
        world.inject(&advertisement(1800, &[prefix(64, 0xc0, advertised, advertised)]));
        world.run(then - 1, silence);
        assert_eq!(world.addresses().len(), 2, "{left} {advertised}");
        world.run(2, silence);
        assert_eq!(world.addresses().len(), 1, "{left} {advertised}");
    }
}

#[test]
fn new_connections_use_a_preferred_address() {
    let mut world = asking();
    world.run(2, silence);
    // The router advertises a second prefix, fd00:0:0:6::/64, in addition to fd00:0:0:5::/64.
    let mut other = prefix(64, 0xc0, 3600, 3600);
    other[16 + 7] = 6;
    world.inject(&advertisement(1800, &[prefix(64, 0xc0, 3600, 3600), other]));
    world.run(2, silence);
    let source = |world: &World<'_>| {
        let far = IpEndpoint::new("fd00:0:0:5::9".parse().unwrap(), 80);
        world.stack.source_for(far).unwrap().to_string()
    };
    assert_eq!(source(&world), MADE);
    world.inject(&advertisement(1800, &[prefix(64, 0xc0, 3600, 0)]));
    world.run(1, silence);
    assert_eq!((source(&world).as_str(), world.addresses().len()), ("fd00::6:0:ff:fe00:1", 3));
    world.inject(&advertisement(1800, &[prefix(64, 0xc0, 3600, 60)]));
    world.run(59, silence);
    assert_eq!(source(&world), MADE);
    world.run(2, silence);
    assert_eq!(source(&world), "fd00::6:0:ff:fe00:1");
}

#[test]
fn the_router_of_the_highest_preference_is_used() {
    let mut world = asking();
    world.run(2, silence);
    world.take_events();
    let steps: [(Ipv6Address, u8, u16, &[&str]); 7] = [
        (FIRST, LOW, 1800, &["router fe80::1 is in use"]),
        (SECOND, MEDIUM, 1800, &["router fe80::1 is gone", "router fe80::2 is in use"]),
        // The reserved value is treated as medium, and the current router does not change.
        (THIRD, RESERVED, 1800, &[]),
        (FIRST, HIGH, 1800, &["router fe80::2 is gone", "router fe80::1 is in use"]),
        (FIRST, LOW, 1800, &["router fe80::1 is gone", "router fe80::2 is in use"]),
        (SECOND, MEDIUM, 0, &["router fe80::2 is gone", "router fe80::3 is in use"]),
        // The third router has a lifetime of 5 s. When the lifetime ends, the first router is used.
        (THIRD, MEDIUM, 5, &[]),
    ];
    for (router, flags, lifetime, told) in steps {
        world.inject(&advertisement_from(router, flags, lifetime, &[]));
        world.run(2, silence);
        assert_eq!(world.take_events(), told, "{router}");
    }
    world.run(5, silence);
    assert_eq!(world.take_events(), ["router fe80::3 is gone", "router fe80::1 is in use"]);
}

#[test]
fn a_router_that_is_not_a_default_router_still_advertises_a_prefix() {
    let mut world = asking();
    world.run(2, silence);
    world.inject(&advertisement(0, &[prefix(64, 0xc0, 3600, 3600), servers(600)]));
    world.run(60, silence);
    let told = world.take_events();
    assert!(!told.iter().any(|line| line.contains("router answers") || line.contains("in use")), "{told:?}");
    assert_eq!((world.addresses().len(), world.stack.dns_servers().len()), (2, 1));
}

#[test]
fn a_flood_of_advertisements_is_counted_and_changes_little() {
    let mut world = asking();
    world.run(2, silence);
    world.inject(&advertisement(1800, &[prefix(64, 0xc0, 3600, 3600)]));
    world.run(2, silence);
    world.take_events();
    let (mut number, mut solicits) = (0_u32, 0);
    for _ in 0..10 {
        for _ in 0..100 {
            for _ in 0..10 {
                number += 1;
                let [_, a, b, c] = number.to_be_bytes();
                // Each advertisement comes from a new router, with a new prefix. Every second advertisement has the
                // lifetime 0.
                let router = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0x100 + u16::from(b), u16::from(c / 2));
                let mut made = prefix(64, 0xc0, 2, 2);
                made[16 + 4..16 + 7].copy_from_slice(&[a, b, c]);
                let lifetime = if c % 2 == 0 { 1800 } else { 0 };
                world.inject(&advertisement_from(router, HIGH, lifetime, &[made, vec![5, 1, 0, 0, 0, 0, 5, 0]]));
            }
            world.run(0, |frame| {
                solicits += usize::from(kind(frame) == Some(Icmpv6Message::RouterSolicit));
                vec![]
            });
        }
        world.run(1, silence);
    }
    let (told, dropped) = (world.take_events(), world.io.probe.dropped(DropReason::TooManyAdvertisements));
    // In ten seconds, the current router changes at most ten times, and each change is logged in two lines. The other
    // lines report the prefixes.
    assert!(told.len() <= 10 * 2 + 2 * 3 * 4, "{}: {told:?}", told.len());
    assert!(dropped > 9_000 && solicits <= 10, "{dropped} dropped, {solicits} solicitations");
    assert!(world.addresses().contains(&format!("{MADE}/64")) && world.addresses().len() <= 4);
    // Advertisements from the known router are still processed.
    world.run(3600, silence);
    world.take_events();
    world.inject(&advertisement(1800, &[]));
    world.run(2, silence);
    assert_eq!(world.take_events(), ["router fe80::1 is in use"]);
}

/// Builds a router's advertisement with `flags` and a lifetime in seconds.
fn advertisement_from(router: Ipv6Address, flags: u8, lifetime: u16, options: &[Vec<u8>]) -> Vec<u8> {
    let mut message = vec![134, 0, 0, 0, 64, flags];
    message.extend(lifetime.to_be_bytes());
    message.extend([0; 8]);
    message.extend(options.concat());
    icmpv6(router, ALL_NODES, message)
}

/// Creates a stack without an address that uses SLAAC.
fn asking() -> World<'static> {
    World::new(&[], |config| config.slaac = true)
}
