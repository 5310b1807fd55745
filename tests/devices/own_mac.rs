//! The default hardware address on a TAP. Each TAP has its own address, which is the same in each run.
//!
//! The log reports another host on the link with the same address.

use std::process::Command;

use smolstep::phy::linux::Kind;

use crate::common::Scratch;
use crate::common::link::{Link, on_tap};
use crate::common::netns::{in_namespace, make, output, skip};
use crate::common::peer::{Peer, nc, smolstep};

#[test]
fn two_servers_on_a_bridge_have_different_hardware_addresses() {
    in_namespace("two_servers_on_a_bridge_have_different_hardware_addresses", || {
        make(Kind::Tap, "tap0", &[]);
        make(Kind::Tap, "tap1", &[]);
        for line in [
            "link add br0 type bridge",
            "link set tap0 master br0",
            "link set tap1 master br0",
            "address add 192.168.69.100/24 dev br0",
            "address add fdaa::64/64 dev br0 nodad",
            "link set br0 up",
        ] {
            ip(line);
        }
        let hosts = [("tap0", ["192.168.69.1", "fdaa::1"]), ("tap1", ["192.168.69.3", "fdaa::3"])];
        let servers = hosts.map(|(tap, [v4, v6])| {
            let (v4, v6) = (format!("{v4}/24"), format!("{v6}/64"));
            let mut serve = smolstep();
            serve.args(["serve", "greeting", "--tap", tap, "--ip", &v4, "--ip", &v6]);
            Peer::start(&mut serve).listening(4)
        });
        // The requests alternate, because a bridge would mix up two hosts with the same hardware address.
        for _ in 0..3 {
            for address in hosts.iter().flat_map(|(_, addresses)| addresses) {
                let greeted = nc(&["-N", address, "9999"], b"Li\n");
                assert!(greeted.out().contains("Hello,Li!"), "{address}: {greeted:?}");
                let ping = output(Command::new("ping").args(["-c", "1", "-W", "60", address])).unwrap();
                assert!(ping.status.success(), "{address}: {ping:?}");
            }
        }
        for server in servers {
            let err = server.stop().err();
            assert!(!err.contains("hardware address"), "{err}");
        }
    });
}

#[test]
fn a_duplicate_hardware_address_logs_one_warning() {
    on_tap("a_duplicate_hardware_address_logs_one_warning", |link| {
        // The kernel's end gets the hardware address of the server.
        ip("link set tap0 address 02:00:00:00:00:07");
        let server = link.serve(&["echo", "--mac", "02:00:00:00:00:07"], 4);
        for _ in 0..3 {
            // The ping fails, because the kernel drops an answer whose source is the kernel's own hardware address.
            output(Command::new("ping").args(["-c", "1", "-W", "0.1", "192.168.69.1"])).unwrap();
        }
        let warning =
            "another host on tap0 has the hardware address 02:00:00:00:00:07, too: give this side another with --mac";
        server.wait_for_log(warning, 1);
        let err = server.stop().err();
        assert!(err.contains("WARN") && err.matches("hardware address").count() == 1, "{err}");
    });
}

#[test]
fn the_machine_id_determines_the_hardware_address() {
    on_tap("the_machine_id_determines_the_hardware_address", |link| {
        let id = Scratch::new("machine-id");
        std::fs::write(&id, "0123456789abcdef0123456789abcdef\n").unwrap();
        let Some((first, log)) = link_local(link, id.path()) else { return };
        assert!(!log.contains("hardware address"), "{log}");
        assert_eq!(link_local(link, id.path()).unwrap().0, first);
        std::fs::write(&id, "0123456789abcdef0123456789abcdee\n").unwrap();
        assert_ne!(link_local(link, id.path()).unwrap().0, first);
        // This file contains no valid identifier.
        std::fs::write(&id, "uninitialized\n").unwrap();
        let runs = [(); 2].map(|()| link_local(link, id.path()).unwrap());
        assert_ne!(runs[0].0, runs[1].0);
        for (_, log) in runs {
            let told = "INFO ] no machine id in /etc/machine-id: tap0 has the random hardware address ";
            assert!(log.contains(told) && log.contains("; --mac gives a lasting one\n"), "{log}");
        }
    });
}

/// Runs a server with the file `id` as /etc/machine-id. Returns its link-local address and its log.
///
/// The link-local address is derived from the hardware address. Returns `None` if this machine has no /etc/machine-id.
fn link_local(link: Link, id: &str) -> Option<(String, String)> {
    if !std::path::Path::new("/etc/machine-id").exists() {
        skip("this machine has no /etc/machine-id to lay another over");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", "mount --bind \"$1\" /etc/machine-id && shift && exec \"$@\"", "sh", id]);
    command.args([env!("CARGO_BIN_EXE_smolstep"), "serve", "echo", "--slaac"]).args(link.arguments());
    let server = Peer::start(&mut command).listening(2);
    let address = server.out().lines().next().unwrap().to_owned();
    assert!(address.starts_with("listening tcp [fe80::"), "{address}");
    Some((address, server.stop().err()))
}

/// Runs `ip LINE`.
#[track_caller]
fn ip(line: &str) {
    let output = output(Command::new("ip").args(line.split(' '))).unwrap();
    assert!(output.status.success(), "ip {line}: {}", String::from_utf8_lossy(&output.stderr));
}
