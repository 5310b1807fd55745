//! The DHCP client with a server that grants, refuses, stays silent, or sends invalid offers.

use smoltcp::time::Duration;
use smoltcp::wire::{DhcpMessageType, DhcpRepr, Icmpv6Message, IpEndpoint, Ipv4Address};

use crate::common::world::dhcp::{GIVEN, SERVER, Server};
use crate::common::world::router::{advertisement, kind, prefix};
use crate::common::world::{Idle, World, arp_asks, arp_has, silence};
use smolstep::stack::{DropReason, End};

#[test]
fn an_address_is_leased_with_its_router_and_servers() {
    let (mut world, mut server) = (asking(), Server::default());
    world.run(3, |frame| server.replies_to(frame));
    assert_eq!(server.heard, ["DISCOVER", "REQUEST 10.0.0.50 of 10.0.0.1"]);
    assert_eq!(
        world.take_events(),
        ["DHCP server 10.0.0.1 leases 10.0.0.50/24 for 1000 s", "+10.0.0.50/24", "router 10.0.0.1 is in use"]
    );
    assert_eq!(world.stack.dns_servers().to_vec(), ["10.0.0.53".parse().unwrap()]);
    // Packets to hosts outside the network go to the router.
    let far = IpEndpoint::new("192.0.2.1".parse().unwrap(), 80);
    assert_eq!(world.stack.source_for(far), Ok(GIVEN.into()));
}

#[test]
fn a_lease_is_renewed_at_half_its_time_and_later_with_any_server() {
    let (mut world, mut server) = (asking(), Server::default());
    world.run(3, |frame| server.replies_to(frame));
    world.take_events();
    server.heard.clear();
    world.run(500, |frame| server.replies_to(frame));
    assert_eq!(server.heard, ["renew 10.0.0.50 at 10.0.0.1"]);
    assert_eq!(world.take_events(), ["DHCP server 10.0.0.1 renews 10.0.0.50/24 for 1000 s"]);
    // The server is silent during the second lease. From seven eighths of the lease on, the client broadcasts its
    // requests to any server.
    server.heard.clear();
    server.silent = true;
    world.run(990, |frame| server.replies_to(frame));
    assert_eq!(server.heard.first().map(String::as_str), Some("renew 10.0.0.50 at 10.0.0.1"));
    assert_eq!(server.heard.last().map(String::as_str), Some("renew 10.0.0.50 at 255.255.255.255"));
    assert_eq!((server.heard.len() < 12, world.addresses()), (true, vec!["10.0.0.50/24".into()]), "{:?}", server.heard);
    world.run(10, silence);
    assert_eq!(
        world.take_events()[..2],
        ["router 10.0.0.1 is gone", "the lease of 10.0.0.50/24 has run out; asking for another"]
    );
}

#[test]
fn an_expired_lease_ends_its_connections() {
    let (mut world, mut server) = (asking(), Server::default());
    world.run(3, |frame| server.replies_to(frame));
    world.run(900, silence);
    let remote = IpEndpoint::new(SERVER.into(), 80);
    let patience = Duration::from_secs(200);
    let id = world.stack.connect(world.now, remote, Idle, patience, &mut world.io).unwrap();
    world.run(110, silence);
    assert_eq!((world.end(id), world.addresses()), (Some(End::AddressGone), vec![]));
    // The client keeps requesting an address, and gets the same one again.
    world.run(200, |frame| server.replies_to(frame));
    assert_eq!(world.addresses(), ["10.0.0.50/24"]);
}

#[test]
fn a_refused_renewal_restarts_the_client() {
    let (mut world, mut server) = (asking(), Server::default());
    world.run(3, |frame| server.replies_to(frame));
    world.take_events();
    server.refuse_renewal = true;
    world.run(600, |frame| server.replies_to(frame));
    assert_eq!(
        world.take_events()[..4],
        [
            "router 10.0.0.1 is gone",
            "the DHCP server takes 10.0.0.50/24 back; asking for another",
            "-10.0.0.50/24",
            "DHCP server 10.0.0.1 leases 10.0.0.50/24 for 1000 s"
        ]
    );
}

#[test]
fn an_invalid_offer_is_refused_and_reported() {
    type Change = fn(&mut DhcpRepr<'static>);
    let changes: [(&str, Change); 11] = [
        ("255.255.255.255 is not an address that a host can have", |r| r.your_ip = Ipv4Address::BROADCAST),
        ("0.0.0.0 is not an address that a host can have", |r| r.your_ip = Ipv4Address::UNSPECIFIED),
        ("224.0.0.1 is not an address that a host can have", |r| r.your_ip = Ipv4Address::new(224, 0, 0, 1)),
        ("127.0.0.1 is not an address that a host can have", |r| r.your_ip = Ipv4Address::LOCALHOST),
        ("10.0.0.255 is not an address that a host can have", |r| r.your_ip = Ipv4Address::new(10, 0, 0, 255)),
        ("0.0.0.0 cannot be the mask of its network", |r| r.subnet_mask = Some(Ipv4Address::UNSPECIFIED)),
        ("255.0.255.0 cannot be the mask of its network", |r| r.subnet_mask = Some([255, 0, 255, 0].into())),
        ("255.255.255.255 cannot be the router", |r| r.router = Some(Ipv4Address::BROADCAST)),
        ("10.0.0.50 cannot be the router", |r| r.router = Some(GIVEN)),
        ("the lease time is missing, or less than 4 s", |r| r.lease_duration = Some(0)),
        ("the server identifier is missing", |r| r.server_identifier = None),
    ];
    for (why, change) in changes {
        let (mut world, mut server) = (asking(), Server { change: Some(change), ..Server::default() });
        world.run(1, |frame| server.replies_to(frame));
        let said = format!("refused an offer of DHCP server 10.0.0.1: {why}; still asking");
        assert_eq!((world.take_events(), world.addresses()), (vec![said.clone()], vec![]), "{why}");
        // The message appears once for each DHCPDISCOVER, regardless of the number of offers.
        server.copies = 5;
        world.run(25, |frame| server.replies_to(frame));
        assert_eq!(server.heard, ["DISCOVER"; 3], "{why}");
        assert_eq!(world.take_events(), [said.clone(), said], "{why}");
        server.change = None;
        world.run(60, |frame| server.replies_to(frame));
        assert_eq!(world.addresses(), ["10.0.0.50/24"], "{why}");
    }
}

#[test]
fn an_ack_of_another_address_is_refused() {
    let mut server = Server { change_grant: Some(|r| r.your_ip = [10, 0, 0, 51].into()), ..Server::default() };
    let mut world = asking();
    world.run(3, |frame| server.replies_to(frame));
    let said = "refused an offer of DHCP server 10.0.0.1: 10.0.0.51 is not the requested address; still asking";
    assert_eq!((world.take_events(), world.addresses()), (vec![said.into()], vec![]));
}

#[test]
fn an_offer_of_a_static_address_is_refused() {
    let mut world = World::new(&["10.0.0.50/24"], |config| config.dhcp = true);
    let mut server = Server::default();
    world.run(1, |frame| server.replies_to(frame));
    let said = "refused an offer of DHCP server 10.0.0.1: 10.0.0.50 is an address of this host already; still asking";
    assert_eq!((world.take_events(), world.addresses()), (vec![said.into()], vec!["10.0.0.50/24".into()]));
}

#[test]
fn an_offer_of_a_tentative_static_address_is_refused() {
    let mut world = World::new(&["10.0.0.50/24"], |config| (config.claim, config.dhcp) = (true, true));
    let mut server = Server::default();
    world.run(3, |frame| server.replies_to(frame));
    let said = "refused an offer of DHCP server 10.0.0.1: 10.0.0.50 is an address of this host already; still asking";
    assert_eq!(world.take_events(), [said, "+10.0.0.50/24"]);
    // The host keeps its static address, whatever the DHCP server does.
    world.run(2000, |frame| server.replies_to(frame));
    assert_eq!(world.addresses(), ["10.0.0.50/24"]);
}

#[test]
fn a_lease_is_claimed_once_the_list_of_claims_has_room() {
    let own = ["10.0.0.2/24", "10.0.0.3/24", "10.0.0.4/24", "10.0.0.5/24", "10.0.0.6/24", "10.0.0.7/24"];
    let mut world = World::new(&own, |config| (config.claim, config.dhcp, config.slaac) = (true, true, true));
    let mut server = Server::default();
    let mut held = vec![];
    // The server answers after a second. Until then, the link-local address and an advertised prefix have filled the
    // list, together with the configured addresses, which are still being announced.
    world.run(1, |frame| match kind(frame) {
        Some(Icmpv6Message::RouterSolicit) => vec![advertisement(1800, &[prefix(64, 0xc0, 3600, 3600)])],
        Some(_) => vec![],
        None => {
            held.extend(server.replies_to(frame));
            vec![]
        }
    });
    assert_eq!(server.heard, ["DISCOVER"]);
    held.iter().for_each(|reply| world.inject(reply));
    let mut probed = false;
    world.run(20, |frame| {
        probed |= arp_asks(frame) == Some(GIVEN);
        if kind(frame).is_some() { vec![] } else { server.replies_to(frame) }
    });
    assert!(probed, "{:?}", server.heard);
}

#[test]
fn a_server_that_refuses_its_own_offer_is_named_and_asked_less_often() {
    let (mut world, mut server) = (asking(), Server { refuse_request: true, ..Server::default() });
    world.run(7, |frame| server.replies_to(frame));
    // Attempts start at 0, 1, 3 and 7 seconds. The first three attempts are complete.
    assert_eq!(server.heard.len(), 2 * 3);
    world.run(3600, |frame| server.replies_to(frame));
    assert_eq!(world.take_events(), ["DHCP server 10.0.0.1 offers 10.0.0.50, and then refuses it; still asking"]);
    assert!((100..140).contains(&server.heard.len()), "{}", server.heard.len());
    server.refuse_request = false;
    world.run(70, |frame| server.replies_to(frame));
    assert_eq!(world.addresses(), ["10.0.0.50/24"]);
}

#[test]
fn a_server_that_does_not_confirm_its_offer_is_named() {
    let (mut world, mut server) = (asking(), Server { ignore_request: true, ..Server::default() });
    world.run(600, |frame| server.replies_to(frame));
    let said = "DHCP server 10.0.0.1 offers 10.0.0.50, and then does not confirm it; still asking";
    assert_eq!((world.take_events(), world.addresses()), (vec![said.into()], vec![]));
}

#[test]
fn an_address_in_use_is_declined() {
    let (mut world, mut server) = (asking(), Server::default());
    let taken = |server: &mut Server, frame: &[u8]| match arp_asks(frame) {
        Some(GIVEN) => vec![arp_has(GIVEN, Ipv4Address::UNSPECIFIED)],
        _ => server.replies_to(frame),
    };
    world.run(3, |frame| taken(&mut server, frame));
    assert_eq!(server.heard, ["DISCOVER", "REQUEST 10.0.0.50 of 10.0.0.1", "DECLINE 10.0.0.50 of 10.0.0.1"]);
    assert_eq!(world.take_events(), ["10.0.0.50 is in use by 02:00:00:00:00:09: it is not used here"]);
    assert!(world.addresses().is_empty());
    // After DHCPDECLINE, the client waits for ten seconds (RFC 2131 section 3.1).
    world.run(6, |frame| taken(&mut server, frame));
    assert_eq!(server.heard.len(), 3);
    server.given = [10, 0, 0, 60].into();
    world.run(5, |frame| taken(&mut server, frame));
    assert_eq!(world.addresses(), ["10.0.0.60/24"]);
}

#[test]
fn silence_is_reported_once() {
    let mut world = World::new(&["10.0.0.2/24"], |config| config.dhcp = true);
    world.run(3600, silence);
    assert_eq!(world.take_events(), ["no DHCP server answers; still asking"]);
    assert_eq!(world.addresses(), ["10.0.0.2/24"]);
    // The client's messages are 4, 8, 16, 32 and then always 64 seconds apart (RFC 2131 section 4.1).
    assert!((55..70).contains(&world.io.probe.sent), "{}", world.io.probe.sent);
    let mut server = Server::default();
    world.run(70, |frame| server.replies_to(frame));
    assert_eq!(world.addresses(), ["10.0.0.2/24", "10.0.0.50/24"]);
}

#[test]
fn a_reply_to_another_client_is_ignored() {
    for change in [
        |r: &mut DhcpRepr<'static>| r.transaction_id ^= 1,
        |r: &mut DhcpRepr<'static>| {
            r.client_hardware_address.0[5] ^= 1;
        },
    ] {
        let (mut world, mut server) = (asking(), Server { change: Some(change), ..Server::default() });
        world.run(10, |frame| server.replies_to(frame));
        assert_eq!(
            (world.take_events(), world.addresses()),
            (vec!["no DHCP server answers; still asking".into()], vec![])
        );
    }
}

#[test]
fn a_damaged_reply_is_ignored() {
    let (mut world, mut server) = (asking(), Server::default());
    world.run(10, |frame| {
        let mut replies = server.replies_to(frame);
        for reply in &mut replies {
            // The change flips a bit of the offered address, so the UDP checksum is wrong.
            reply[14 + 20 + 8 + 19] ^= 4;
        }
        replies
    });
    assert_eq!((world.take_events(), world.addresses()), (vec!["no DHCP server answers; still asking".into()], vec![]));
}

#[test]
fn a_lease_is_released_once() {
    let (mut world, mut server) = (asking(), Server::default());
    world.run(3, |frame| server.replies_to(frame));
    world.take_events();
    server.heard.clear();
    for _ in 0..2 {
        world.stack.release_lease(world.now, &mut world.io);
        world.run(1000, |frame| server.replies_to(frame));
    }
    assert_eq!(server.heard, ["RELEASE 10.0.0.50 at 10.0.0.1 of 10.0.0.1"]);
    let told = world.take_events();
    assert!(told.contains(&"10.0.0.50/24 is given back to DHCP server 10.0.0.1".into()), "{told:?}");
    assert!(world.stack.addresses().is_empty() && world.stack.dns_servers().is_empty());
    // Without a lease, the stack sends no DHCPRELEASE.
    let (mut world, mut server) = (asking(), Server::default());
    world.stack.release_lease(world.now, &mut world.io);
    world.run(1000, |frame| server.replies_to(frame));
    assert_eq!(server.heard, [""; 0]);
}

#[test]
fn ignored_replies_are_counted_by_reason() {
    let reasons = [
        DropReason::DhcpNak,
        DropReason::DhcpOptions,
        DropReason::DhcpServer,
        DropReason::DhcpTransaction,
        DropReason::DhcpUnexpected,
    ];
    type Change = fn(&mut DhcpRepr<'static>);
    let changes: [(Change, DropReason); 5] = [
        (|reply| reply.message_type = DhcpMessageType::Nak, DropReason::DhcpNak),
        (|reply| reply.subnet_mask = Some(Ipv4Address::new(255, 0, 255, 0)), DropReason::DhcpOptions),
        (|reply| reply.server_identifier = None, DropReason::DhcpServer),
        (|reply| reply.server_identifier = Some(Ipv4Address::BROADCAST), DropReason::DhcpServer),
        (|reply| reply.transaction_id ^= 1, DropReason::DhcpTransaction),
    ];
    for (change, reason) in changes {
        let (mut world, mut server) = (asking(), Server { change: Some(change), copies: 3, ..Server::default() });
        world.run(1, |frame| server.replies_to(frame));
        for other in reasons {
            let count = if other == reason { 3 } else { 0 };
            assert_eq!(world.io.probe.dropped(other), count, "{other} of {reason}");
        }
        // A valid reply is accepted, and its copies are counted.
        server.change = None;
        world.run(10, |frame| server.replies_to(frame));
        assert_eq!(world.addresses(), ["10.0.0.50/24"], "{reason}");
        assert_eq!(world.io.probe.dropped(DropReason::DhcpUnexpected), 4, "{reason}");
    }
}

/// Creates a stack without an address that uses DHCP.
fn asking() -> World<'static> {
    World::new(&[], |config| config.dhcp = true)
}
