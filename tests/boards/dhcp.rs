//! A board that gets its address from the DHCP server of QEMU's user network.

use crate::board::{Image, on_every_board};
use crate::common::link::{ask, at, connect, expect, send, udp};

/// QEMU's user network. The DHCP server of this network assigns 192.168.69.50 first, and two ports of the host lead to
/// that address.
const NETWORK: &str = "user,id=n0,net=192.168.69.0/24,host=192.168.69.100,dhcpstart=192.168.69.50,\
                       hostfwd=tcp:127.0.0.1:9999-192.168.69.50:9999,hostfwd=udp:127.0.0.1:7-192.168.69.50:7";

#[test]
fn the_address_comes_from_a_server() {
    on_every_board("dhcp::the_address_comes_from_a_server", |image| {
        let image = Image::build(image.name(), &[("SMOLSTEP_IP", "dhcp")]).unwrap();
        let board = image.serve_on(NETWORK);
        let out = board.out();
        assert!(out.contains("DHCP server 192.168.69.100 leases 192.168.69.50/24"), "{out}");
        assert!(out.contains("listening tcp 192.168.69.50:9999 greeting\n"), "{out}");
        let mut greeting = connect("127.0.0.1", 9999);
        expect(&mut greeting, "Welcome!");
        send(&mut greeting, "Li");
        expect(&mut greeting, "Hello,Li!");
        ask(&udp(at("127.0.0.1", 0), at("127.0.0.1", 7)), "hello", "hello");
    });
}
