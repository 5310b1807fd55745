//! Floods of router advertisements, and DHCP servers that contradict each other. smolstep must serve its clients
//! meanwhile.

use super::addresses::{serve, start};
use crate::common::events;
use crate::common::link::{KERNEL, on_tap};
use crate::common::peer::{nc, python};

#[test]
fn clients_are_served_during_a_flood_of_advertisements() {
    on_tap("clients_are_served_during_a_flood_of_advertisements", |link| {
        let server = serve(link, &["echo", "--slaac", "--ip", "192.168.69.1/24", "--ip", "fdaa::1/64"]);
        server.wait_for("its addresses", |out| out.contains("[fdaa::1]:7"));
        let flood = python::run("advertisement_flood", &[link.name(), "192.168.69.1"]);
        flood.wait_for("flood", |out| out.contains("flooding"));
        for _ in 0..5 {
            for address in ["192.168.69.1", "fdaa::1"] {
                assert_eq!(nc(&["-N", address, "7"], b"hello").out(), "hello", "{address}");
            }
        }
        let dropped = [("reason", "too many router advertisements")];
        events::wait_for(&server, "dropped", &dropped, 1000);
        drop(flood);
        // Only a few advertisements caused an address event.
        let out = server.out();
        let lines = events::of(&out, "address", &[]).len();
        assert!(lines < events::of(&out, "dropped", &dropped).len() / 10, "{lines}");
        server.stop();
    });
}

#[test]
fn an_honest_dhcp_server_is_found_beside_a_contradicting_one() {
    on_tap("an_honest_dhcp_server_is_found_beside_a_contradicting_one", |link| {
        let liar = python::run("dhcp_liar", &[link.name()]);
        liar.wait_for("ready", |out| out.starts_with("ready"));
        let server = serve(link, &["echo", "--dhcp", "--ip", "192.168.69.1/24"]).listening(2);
        let said = "DHCP server 192.168.69.99 offers 192.168.69.77, and then refuses it; still asking";
        events::wait_for_address_change(&server, said);
        assert_eq!(nc(&["-N", "192.168.69.1", "7"], b"hello").out(), "hello");
        let Some(_dnsmasq) = start(link, &crate::common::dnsmasq::range(150, 159)) else { return };
        server.wait_for("lease", |out| out.contains("listening udp 192.168.69.15"));
        // The refusals of dhcp_liar.py do not end the lease. The server that granted the lease renews it.
        events::wait_for_address_change(&server, &format!("DHCP server {} renews 192.168.69.15", KERNEL[0]));
        assert_eq!(events::address_changes(&server.out(), "takes"), 0, "{}", server.out());
        assert!(events::count(&server, "dropped", &[("reason", "unrequested DHCP refusal")]) > 0, "{}", server.out());
        assert_eq!(events::address_changes(&server.out(), said), 1, "{}", server.out());
        server.stop();
    });
}
