//! The DHCP client in unusual networks.
//!
//! The tests cover unusual masks and routers, relays, and servers that contradict each other.

use smoltcp::time::Duration;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, DhcpOption, DhcpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    IpEndpoint, Ipv4Address,
};

use crate::common::world::dhcp::{GIVEN, SERVER, Server};
use crate::common::world::{Idle, OURS, THEIRS, World, arp_asks, arp_has, datagram, framed, udp};

type Change = fn(&mut DhcpRepr<'static>);

const FAR: Ipv4Address = Ipv4Address::new(192, 0, 2, 1);
const RELAY: Ipv4Address = Ipv4Address::new(10, 0, 0, 2);
/// The address of a DHCP server on another network.
const DISTANT: Ipv4Address = Ipv4Address::new(10, 9, 9, 9);

#[test]
fn networks_of_every_size_are_accepted() {
    let cases: [(&str, &str, Change); 8] = [
        ("10.0.0.50/32", "router 10.0.0.1 is in use", |r| r.subnet_mask = Some(Ipv4Address::BROADCAST)),
        ("10.0.0.50/31", "router 10.0.0.51 is in use", |r| {
            (r.subnet_mask, r.router) = (Some([255, 255, 255, 254].into()), Some([10, 0, 0, 51].into()));
        }),
        ("10.0.0.50/24", "router 10.0.1.1 is in use", |r| r.router = Some([10, 0, 1, 1].into())),
        ("10.0.0.50/24", "", |r| r.router = Some(Ipv4Address::UNSPECIFIED)),
        ("10.0.0.50/24", "", |r| r.router = None),
        // Without a mask, the class of the address determines the prefix length.
        ("10.0.0.50/8", "router 10.0.0.1 is in use", |r| r.subnet_mask = None),
        ("172.16.0.50/16", "router 10.0.0.1 is in use", |r| {
            (r.subnet_mask, r.your_ip) = (None, [172, 16, 0, 50].into())
        }),
        ("192.168.7.50/24", "router 10.0.0.1 is in use", |r| {
            (r.subnet_mask, r.your_ip) = (None, [192, 168, 7, 50].into());
        }),
    ];
    for (address, router, change) in cases {
        let (mut world, mut server) = (asking(), Server { change: Some(change), ..Server::default() });
        world.run(3, |frame| server.replies_to(frame));
        let mut told = vec![format!("DHCP server 10.0.0.1 leases {address} for 1000 s"), format!("+{address}")];
        told.extend((!router.is_empty()).then(|| router.to_string()));
        assert_eq!(world.take_events(), told);
    }
}

#[test]
fn the_first_valid_router_is_used() {
    let (mut world, mut server) = (asking(), Server { change: Some(several), ..Server::default() });
    world.run(3, |frame| server.replies_to(frame));
    assert_eq!(world.take_events()[2..], ["router 10.0.0.7 is in use"]);

    fn several(reply: &mut DhcpRepr<'static>) {
        // The list contains the unspecified address, the network's broadcast address, and two valid routers.
        const ROUTERS: &[u8] = &[0, 0, 0, 0, 10, 0, 0, 255, 10, 0, 0, 7, 10, 0, 0, 8];
        reply.router = None;
        reply.additional_options = &[DhcpOption { kind: 3, data: ROUTERS }];
    }
}

#[test]
fn options_in_file_and_sname_are_read() {
    let (mut world, mut server) = (asking(), Server { change: Some(without_mask), ..Server::default() });
    world.run(3, |frame| {
        server
            .replies_to(frame)
            .iter()
            .map(|frame| {
                let mut data = frame[42..].to_vec();
                data[44..51].copy_from_slice(&[3, 4, 10, 0, 0, 9, 255]);
                data[108..115].copy_from_slice(&[1, 4, 255, 255, 0, 0, 255]);
                udp((SERVER, 67), (GIVEN, 68), &data)
            })
            .collect()
    });
    let told = ["DHCP server 10.0.0.1 leases 10.0.0.50/16 for 1000 s", "+10.0.0.50/16", "router 10.0.0.9 is in use"];
    assert_eq!(world.take_events(), told);

    fn without_mask(reply: &mut DhcpRepr<'static>) {
        (reply.subnet_mask, reply.router) = (None, None);
        reply.additional_options = &[DhcpOption { kind: 52, data: &[3] }];
    }
}

#[test]
fn an_infinite_lease_is_never_renewed() {
    let endless: Change = |r| r.lease_duration = Some(u32::MAX);
    let (mut world, mut server) = (asking(), Server { change: Some(endless), ..Server::default() });
    world.run(3, |frame| server.replies_to(frame));
    assert_eq!(world.take_events()[0], "DHCP server 10.0.0.1 leases 10.0.0.50/24 for ever");
    server.heard.clear();
    world.run(10 * 365 * 86_400, |frame| server.replies_to(frame));
    assert_eq!((world.addresses(), server.heard.len()), (vec!["10.0.0.50/24".into()], 0));
}

#[test]
fn the_shortest_lease_is_renewed_in_time() {
    let short: Change = |r| r.lease_duration = Some(4);
    let (mut world, mut server) = (asking(), Server { change: Some(short), ..Server::default() });
    world.run(120, |frame| server.replies_to(frame));
    let told = world.take_events();
    assert!(told[3..].iter().all(|line| line == "DHCP server 10.0.0.1 renews 10.0.0.50/24 for 4 s"), "{told:?}");
    assert!((50..70).contains(&told.len()), "{}", told.len());
}

#[test]
fn a_distant_router_forwards_packets() {
    let alone: Change = |r| r.subnet_mask = Some(Ipv4Address::BROADCAST);
    let (mut world, mut server) = (asking(), Server { change: Some(alone), ..Server::default() });
    let (mut asked, mut sent) = (0, 0);
    let mut peer = |frame: &[u8]| {
        if arp_asks(frame) == Some(SERVER) {
            // The sender address in the ARP request is the leased address.
            assert_eq!(frame[28..32], GIVEN.octets());
            asked += 1;
            return vec![arp_has(SERVER, GIVEN)];
        }
        if frame[12..14] == [8, 0] && frame[23] == 6 {
            assert_eq!((&frame[..6], &frame[30..34]), (&THEIRS.0[..], &FAR.octets()[..]));
            sent += 1;
        }
        server.replies_to(frame)
    };
    world.run(3, &mut peer);
    let remote = IpEndpoint::new(FAR.into(), 80);
    for _ in 0..2 {
        world.stack.connect(world.now, remote, Idle, Duration::from_secs(5), &mut world.io).unwrap();
        world.run(10, &mut peer);
        world.stack.add_address(world.now, "10.3.0.1/24".parse().unwrap(), &mut world.io.probe).unwrap();
    }
    assert!(sent >= 4 && (1..4).contains(&asked), "{sent} segments, {asked} questions");
}

#[test]
fn a_distant_router_is_answered() {
    let alone: Change = |r| r.subnet_mask = Some(Ipv4Address::BROADCAST);
    let (mut world, mut server) = (asking(), Server { change: Some(alone), ..Server::default() });
    world.run(3, |frame| server.replies_to(frame));
    world.inject(&arp(ArpOperation::Request, THEIRS, SERVER, GIVEN));
    let mut answers = vec![];
    world.run(1, |frame| {
        answers.extend(parse_arp_reply(frame));
        vec![]
    });
    assert_eq!(answers, [(OURS, GIVEN, THEIRS, SERVER)]);
}

#[test]
fn a_relayed_lease_is_renewed_and_released_at_its_server() {
    // The relay is the router or another neighbour. Messages to the server always go to the router's hardware address.
    for (relay, router) in [(SERVER, THEIRS), (RELAY, EthernetAddress([2, 0, 0, 0, 0, 7]))] {
        let distant: Change = |r| r.server_identifier = Some(DISTANT);
        let mut server = Server { change: Some(distant), from: relay, ..Server::default() };
        let mut unicast = vec![];
        let mut peer = |frame: &[u8]| {
            if arp_asks(frame) == Some(SERVER) {
                return vec![arp(ArpOperation::Reply, router, SERVER, GIVEN)];
            }
            if frame[0] != 0xff && datagram(frame).is_some() {
                assert_eq!(frame[30..34], DISTANT.octets());
                unicast.push(EthernetAddress::from_bytes(&frame[..6]));
            }
            server.replies_to(frame)
        };
        let mut world = asking();
        world.run(510, &mut peer);
        world.stack.release_lease(world.now, &mut world.io);
        world.run(1, &mut peer);
        assert_eq!(unicast, [router; 2]);
        assert_eq!(server.heard[2..], ["renew 10.0.0.50 at 10.9.9.9", "RELEASE 10.0.0.50 at 10.9.9.9 of 10.9.9.9"]);
    }
}

#[test]
fn a_link_that_fails_at_any_point_of_dhcp_ends_in_a_lease_once_it_is_back() {
    // Counts the frames until the address is announced for the last time.
    let (mut world, mut server, mut total) = (asking(), Server::default(), 0);
    world.run(10, |frame| {
        total += 1;
        server.replies_to(frame)
    });
    assert!(total >= 7, "{total} frames: two messages, three probes and two announcements at least");
    for passed in 0..=total {
        for seconds in [1, 100] {
            let (mut world, mut server, mut sent) = (asking(), Server::default(), 0);
            // The link fails right after `passed` frames, and their answers, have passed.
            let mut failing = |frame: &[u8]| {
                sent += 1;
                if sent > passed { vec![] } else { server.replies_to(frame) }
            };
            world.run(seconds, &mut failing);
            world.stack.link_changed(world.now, false);
            world.run(seconds, |_| vec![]);
            world.stack.link_changed(world.now, true);
            world.run(10, |frame| server.replies_to(frame));
            assert_eq!(world.addresses(), ["10.0.0.50/24"], "after {passed} frames and {seconds} s");
        }
    }
}

#[test]
fn a_refusal_of_another_server_is_ignored() {
    let (mut world, mut server) = (asking(), Server { ignore_request: true, ..Server::default() });
    let mut refusing = other_server(true);
    // The other server refuses every request. These refusals have no effect until the client broadcasts its requests to
    // any server.
    let mut both = |frame: &[u8]| [server.replies_to(frame), refusing.replies_to(frame)].concat();
    world.run(2, &mut both);
    assert_eq!(world.take_events(), [""; 0]);
    server.ignore_request = false;
    world.run(700, |frame| [server.replies_to(frame), refusing.replies_to(frame)].concat());
    assert_eq!(world.take_events()[0], "DHCP server 10.0.0.1 leases 10.0.0.50/24 for 1000 s");
    assert_eq!(world.addresses(), ["10.0.0.50/24"]);
    server.silent = true;
    world.run(1000, |frame| [server.replies_to(frame), refusing.replies_to(frame)].concat());
    let told = world.take_events();
    assert!(told.contains(&"the DHCP server takes 10.0.0.50/24 back; asking for another".into()), "{told:?}");
}

#[test]
fn a_server_that_keeps_its_offer_is_preferred() {
    let (mut world, mut server) = (asking(), other_server(false));
    let mut liar = Server { refuse_request: true, given: [10, 0, 0, 60].into(), ..Server::default() };
    // The server that refuses its own offer answers first.
    world.run(5, |frame| [liar.replies_to(frame), server.replies_to(frame)].concat());
    let told = world.take_events();
    assert_eq!(
        told[..2],
        [
            "DHCP server 10.0.0.1 offers 10.0.0.60, and then refuses it; still asking",
            "DHCP server 10.0.0.3 leases 10.0.0.50/24 for 1000 s",
        ]
    );
}

#[test]
fn servers_that_disagree_cause_few_lines_and_few_messages() {
    let (mut world, mut first) = (asking(), Server { copies: 2, refuse_renewal: true, ..Server::default() });
    let mut second = Server { copies: 2, ..other_server(true) };
    let mut third = Server { copies: 2, ignore_request: true, ..other_server(false) };
    third.change = Some(|r| (r.server_identifier, r.your_ip) = (Some([10, 0, 0, 4].into()), [10, 0, 0, 61].into()));
    world.run(3600, |frame| [second.replies_to(frame), third.replies_to(frame), first.replies_to(frame)].concat());
    let (told, sent) = (world.take_events(), first.heard.len());
    assert!(told.len() < 3600 / 10 && sent < 3600 / 10, "{} lines, {sent} messages", told.len());
}

/// Creates another server, which offers the same address. If `refuses` is set, this server refuses every request.
fn other_server(refuses: bool) -> Server {
    let change: Change = |r| r.server_identifier = Some([10, 0, 0, 3].into());
    Server {
        change: Some(change),
        from: [10, 0, 0, 3].into(),
        refuse_request: refuses,
        refuse_renewal: refuses,
        ..Server::default()
    }
}

/// Creates a stack without an address that uses DHCP.
fn asking() -> World<'static> {
    World::new(&[], |config| config.dhcp = true)
}

/// Builds an ARP message from the peer.
fn arp(operation: ArpOperation, hardware: EthernetAddress, source: Ipv4Address, target: Ipv4Address) -> Vec<u8> {
    let arp = ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: hardware,
        source_protocol_addr: source,
        target_hardware_addr: OURS,
        target_protocol_addr: target,
    };
    framed(OURS, EthernetProtocol::Arp, arp.buffer_len(), |payload| arp.emit(&mut ArpPacket::new_unchecked(payload)))
}

/// Returns the hardware and IPv4 addresses of the sender and the target of an ARP reply.
fn parse_arp_reply(frame: &[u8]) -> Option<(EthernetAddress, Ipv4Address, EthernetAddress, Ipv4Address)> {
    let frame = EthernetFrame::new_checked(frame).ok().filter(|f| f.ethertype() == EthernetProtocol::Arp)?;
    match ArpRepr::parse(&ArpPacket::new_checked(frame.payload()).ok()?).ok()? {
        ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Reply,
            source_hardware_addr,
            source_protocol_addr,
            target_hardware_addr,
            target_protocol_addr,
        } => Some((source_hardware_addr, source_protocol_addr, target_hardware_addr, target_protocol_addr)),
        _ => None,
    }
}
