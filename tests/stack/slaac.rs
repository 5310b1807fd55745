//! SLAAC with a router whose advertisements the test builds.

use smolstep::stack::ConnectError;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{Icmpv6Message, Icmpv6Packet, Icmpv6Repr, IpEndpoint, Ipv6Address, NdiscNeighborFlags, NdiscRepr};

use crate::common::world::router::{ALL_NODES, ROUTER, advertisement, icmpv6, kind, prefix, servers};
use crate::common::world::{THEIRS, World, silence};

const LINK_LOCAL: &str = "fe80::ff:fe00:1/64";
const MADE: &str = "fd00::5:0:ff:fe00:1/64";

#[test]
fn a_prefix_becomes_an_address() {
    let (mut world, mut asked) = (asking(), 0);
    world.run(5, |frame| {
        let solicits = kind(frame) == Some(Icmpv6Message::RouterSolicit);
        asked += usize::from(solicits);
        if solicits { vec![advertisement(1800, &[prefix(64, 0xc0, 3600, 3600), servers(600)])] } else { vec![] }
    });
    assert_eq!((asked, world.addresses()), (1, vec![LINK_LOCAL.to_string(), MADE.into()]));
    let made = format!("+{MADE}");
    let network = format!("a router advertises the network of {MADE}");
    let link_local = format!("+{LINK_LOCAL}");
    assert_eq!(world.take_events(), [&link_local, "router fe80::1 is in use", &network, &made]);
    assert_eq!(world.stack.dns_servers().to_vec(), ["fd00::53".parse().unwrap()]);
    // Each advertised value expires after its own lifetime. When the router expires, the stack solicits routers again.
    world.run(600, silence);
    assert!(world.stack.dns_servers().is_empty());
    world.run(1200, silence);
    assert_eq!(world.take_events(), ["router fe80::1 is gone"]);
    world.run(1800, silence);
    let expired = format!("no router advertises the network of {MADE} any more");
    let gone = format!("-{MADE}");
    assert_eq!(world.take_events(), ["no IPv6 router answers; still asking", &expired, &gone]);
    assert_eq!(world.addresses(), [LINK_LOCAL]);
}

#[test]
fn an_address_is_announced_once_nobody_objects() {
    let mut world = World::new(&["fd01::1/64"], |config| config.claim = true);
    let (mut asked, mut announced) = (0, vec![]);
    world.run(10, |frame| {
        asked += usize::from(kind(frame) == Some(Icmpv6Message::NeighborSolicit));
        if kind(frame) == Some(Icmpv6Message::NeighborAdvert) {
            // The advertisement goes to all nodes, with the override flag, the target and its hardware address (RFC
            // 4861 section 4.4).
            assert_eq!(frame[..12], [0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1]);
            assert_eq!(frame[38..54], ALL_NODES.octets());
            assert_eq!(frame[54 + 4..54 + 8], [0x20, 0, 0, 0]);
            assert_eq!(frame[54 + 24..], [2, 1, 2, 0, 0, 0, 0, 1]);
            announced.push(Ipv6Address::from_octets(frame[54 + 8..54 + 24].try_into().unwrap()));
        }
        vec![]
    });
    let address: Ipv6Address = "fd01::1".parse().unwrap();
    assert_eq!((asked, announced), (3, vec![address; 2]));
}

#[test]
fn nothing_leaves_the_link_from_a_link_local_address() {
    let mut world = asking();
    let far = IpEndpoint::new("fd09::1".parse().unwrap(), 7);
    world.run(2, silence);
    world.inject(&advertisement(1800, &[prefix(64, 0xc0, 3600, 3600)]));
    // The router is known, but duplicate address detection is not complete.
    world.run(0, silence);
    assert_eq!((world.addresses(), world.take_events().len()), (vec![LINK_LOCAL.into()], 2));
    assert_eq!(world.stack.source_for(far), Err(ConnectError::NoRoute));
    assert!(world.stack.source_for(IpEndpoint::new(ROUTER.into(), 7)).is_ok());
    world.run(2, silence);
    assert_eq!(world.stack.source_for(far), Ok(MADE.split('/').next().unwrap().parse().unwrap()));
}

#[test]
fn routers_are_solicited_when_the_router_in_use_withdraws() {
    let (mut world, mut asked) = (asking(), 0);
    world.run(2, silence);
    world.inject(&advertisement(1800, &[prefix(64, 0xc0, 3600, 3600)]));
    world.run(2, silence);
    world.take_events();
    world.inject(&advertisement(0, &[]));
    world.run(15, |frame| {
        asked += usize::from(kind(frame) == Some(Icmpv6Message::RouterSolicit));
        vec![]
    });
    assert_eq!(
        (asked, world.take_events()),
        (4, vec!["router fe80::1 is gone".into(), "no IPv6 router answers; still asking".into()])
    );
}

#[test]
fn solicitations_on_a_silent_link_become_rarer() {
    let (mut world, mut asked) = (asking(), 0);
    world.run(3600, |frame| {
        asked += usize::from(kind(frame) == Some(Icmpv6Message::RouterSolicit));
        vec![]
    });
    assert!((8..20).contains(&asked), "{asked}");
    let link_local = format!("+{LINK_LOCAL}");
    assert_eq!(world.take_events(), [&link_local, "no IPv6 router answers; still asking"]);
}

#[test]
fn invalid_advertisements_are_ignored() {
    let linklocal = [&prefix(64, 0xc0, 3600, 3600)[..16], &ROUTER.octets()].concat();
    let multicast = [&prefix(64, 0xc0, 3600, 3600)[..16], &ALL_NODES.octets()].concat();
    let good = prefix(64, 0xc0, 3600, 3600);
    for options in [
        vec![prefix(48, 0xc0, 3600, 3600)],
        vec![prefix(64, 0x80, 3600, 3600)],
        vec![prefix(64, 0xc0, 3600, 3601)],
        vec![prefix(64, 0xc0, 0, 0)],
        vec![linklocal, multicast],
        // Parsing stops at an option of length 0. An option that is longer than the message is ignored.
        vec![vec![3, 0, 0, 0, 0, 0, 0, 0], good.clone()],
        vec![vec![3, 200], good[2..].to_vec()],
    ] {
        let mut world = asking();
        world.run(2, silence);
        world.inject(&advertisement(0, &options));
        world.run(2, silence);
        assert_eq!(world.addresses(), [LINK_LOCAL], "{options:?}");
    }
    for spoil in [
        // These changes cause a wrong hop limit, a source that is not link-local, and a wrong checksum.
        |frame: &mut Vec<u8>| frame[14 + 7] = 254,
        |frame: &mut Vec<u8>| frame[14 + 8] = 0x20,
        |frame: &mut Vec<u8>| frame[14 + 40 + 2] ^= 1,
    ] {
        let mut world = asking();
        world.run(2, silence);
        let mut frame = advertisement(1800, std::slice::from_ref(&good));
        spoil(&mut frame);
        world.inject(&frame);
        world.run(2, silence);
        assert_eq!(world.addresses(), [LINK_LOCAL]);
    }
}

#[test]
fn an_advertisement_cannot_cut_a_lifetime_to_nothing() {
    let mut world = asking();
    world.run(2, silence);
    world.inject(&advertisement(1800, &[prefix(64, 0xc0, 90_000, 90_000)]));
    world.run(2, silence);
    // At least two hours of the lifetime remain (RFC 4862 section 5.5.3).
    world.inject(&advertisement(1800, &[prefix(64, 0xc0, 1, 1)]));
    world.run(7100, silence);
    assert_eq!(world.addresses(), [LINK_LOCAL, MADE]);
    world.run(200, silence);
    assert_eq!(world.addresses(), [LINK_LOCAL]);
}

#[test]
fn an_address_that_a_neighbour_has_is_not_used() {
    let mut world = asking();
    world.run(2, silence);
    world.inject(&advertisement(1800, &[prefix(64, 0xc0, 3600, 3600)]));
    world.take_events();
    world.run(2, |frame| if kind(frame) == Some(Icmpv6Message::NeighborSolicit) { vec![has(MADE)] } else { vec![] });
    let said = format!("{} is in use by 02:00:00:00:00:09: it is not used here", &MADE[..MADE.len() - 3]);
    assert_eq!(
        (world.take_events(), world.addresses()),
        (vec!["router fe80::1 is in use".into(), said], vec![LINK_LOCAL.into()])
    );
    // The next advertisement does not restore the address.
    world.inject(&advertisement(1800, &[prefix(64, 0xc0, 3600, 3600)]));
    world.run(2, silence);
    assert_eq!(world.addresses(), [LINK_LOCAL]);
}

#[test]
fn slaac_can_be_combined_with_dhcp_and_static_addresses() {
    let mut world = World::new(&["192.168.0.1/24", "fd01::1/64"], |config| {
        (config.claim, config.dhcp, config.slaac) = (true, true, true);
    });
    let mut server = crate::common::world::dhcp::Server::default();
    world.run(5, |frame| match kind(frame) {
        Some(Icmpv6Message::RouterSolicit) => vec![advertisement(1800, &[prefix(64, 0xc0, 3600, 3600)])],
        _ => server.replies_to(frame),
    });
    let mut addresses = world.addresses();
    addresses.sort();
    assert_eq!(addresses, ["10.0.0.50/24", "192.168.0.1/24", "fd00::5:0:ff:fe00:1/64", "fd01::1/64", LINK_LOCAL]);
}

/// Creates a stack without an address that uses SLAAC.
fn asking() -> World<'static> {
    World::new(&[], |config| config.slaac = true)
}

/// Builds a neighbour advertisement, in which a neighbour claims an address.
fn has(address: &str) -> Vec<u8> {
    let target_addr = address.split('/').next().unwrap().parse().unwrap();
    let advert = Icmpv6Repr::Ndisc(NdiscRepr::NeighborAdvert {
        flags: NdiscNeighborFlags::OVERRIDE,
        target_addr,
        lladdr: Some(THEIRS.into()),
    });
    let mut message = vec![0; advert.buffer_len()];
    let mut packet = Icmpv6Packet::new_unchecked(&mut message[..]);
    advert.emit(&ROUTER, &ALL_NODES, &mut packet, &ChecksumCapabilities::default());
    icmpv6(ROUTER, ALL_NODES, message)
}
