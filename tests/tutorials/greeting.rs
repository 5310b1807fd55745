//! Tests greeting with names and random fractions over TCP, and with names over UDP.

use crate::common::link::{KERNEL, SERVER, on_tap_and_tun};
use crate::pair::{Pair, host};

#[test]
fn three_names_over_tcp() {
    on_tap_and_tun("greeting::three_names_over_tcp", |link| {
        let pair = Pair {
            port: 9999,
            server: ("greeting_server", &["Hello,%s!"]),
            client: ("greeting_client", &["Li", "Cheng", "victor"]),
            input: "",
            lines: 3,
        };
        for family in [0, 1] {
            let python = pair.in_python(family);
            assert_eq!(python.client, "Welcome!\nHello,Li!\nHello,Cheng!\nHello,victor!\n");

            let server = link.serve(&["greeting"], 4);
            assert_eq!(pair.call(SERVER[family]), python.client);
            server.stop();

            assert_eq!(pair.with_our_client(link, family, &["greeting", KERNEL[family]]), python);
            let names = ["greeting", KERNEL[family], "Li", "Cheng", "victor"];
            assert_eq!(pair.with_our_client(link, family, &names), python);
            let typed = Pair { input: "Li\nCheng\nvictor\n", ..pair };
            assert_eq!(typed.with_our_client(link, family, &["greeting", KERNEL[family], "-"]), python);
        }
    });
}

#[test]
fn random_fractions_over_tcp() {
    on_tap_and_tun("greeting::random_fractions_over_tcp", |link| {
        let pair = Pair {
            port: 8081,
            server: ("greeting_server", &["Hello, %s!"]),
            client: ("greeting_client_random", &[]),
            input: "",
            lines: 3,
        };
        for family in [0, 1] {
            let python = pair.in_python(family);
            assert_fractions(&python.client);

            let server = link.serve(&["greeting", "--template", "Hello, {}!", "--port", "greeting=8081"], 4);
            assert_fractions(&pair.call(SERVER[family]));
            server.stop();

            let host = host(KERNEL[family], 8081);
            let ours = pair.with_our_client(link, family, &["greeting", &host, "--random", "20"]);
            assert_fractions(&ours.client);
            assert_eq!(ours.server, python.server);
        }
    });
}

#[test]
fn names_over_udp() {
    on_tap_and_tun("greeting::names_over_udp", |link| {
        let tutorial_1 = Pair {
            port: 9999,
            server: ("greeting_udp_server", &["hello %s!"]),
            client: ("greeting_udp_client", &["Li", "Cheng", "victor"]),
            input: "",
            lines: 4,
        };
        let tutorial_3 = Pair {
            port: 8888,
            server: ("greeting_udp_server", &["Hello, %s!"]),
            client: ("greeting_udp_client", &["Michael", "Tracy", "Sarah"]),
            ..tutorial_1
        };
        for family in [0, 1] {
            let python = tutorial_1.in_python(family);
            assert_eq!(python.client, "hello Li!\nhello Cheng!\nhello victor!\n");
            let server = link.serve(&["greeting"], 4);
            assert_eq!(tutorial_1.call(SERVER[family]), python.client);
            server.stop();
            let ours = tutorial_1.with_our_client(link, family, &["greeting", KERNEL[family], "--udp"]);
            assert_eq!(ours, python);

            let python = tutorial_3.in_python(family);
            assert_eq!(python.client, "Hello, Michael!\nHello, Tracy!\nHello, Sarah!\n");
            let server = link.serve(&["greeting", "--template", "Hello, {}!", "--port", "greeting/udp=8888"], 4);
            assert_eq!(tutorial_3.call(SERVER[family]), python.client);
            server.stop();
            let host = host(KERNEL[family], 8888);
            let arguments = ["greeting", &host, "--udp", "Michael", "Tracy", "Sarah"];
            assert_eq!(tutorial_3.with_our_client(link, family, &arguments), python);
        }
    });
}

/// Asserts that the output is the welcome and twenty greetings, each for a fraction in [0, 1).
#[track_caller]
fn assert_fractions(client: &str) {
    let mut lines = client.lines();
    assert_eq!(lines.next(), Some("Welcome!"), "{client}");
    let is_fraction = |line: &str| {
        let number = line.strip_prefix("Hello, ").and_then(|rest| rest.strip_suffix('!')).unwrap_or_default();
        number.parse::<f64>().is_ok_and(|fraction| (0.0..1.0).contains(&fraction)) && number.contains('.')
    };
    assert!(client.lines().count() == 21 && lines.all(is_fraction), "{client}");
}
