//! IPv6 behind a bridge with MLD snooping and an MLD querier.
//!
//! The bridge forwards neighbour solicitations only to ports that have reported the solicited-node group.

use std::process::Command;
use std::thread::yield_now;
use std::time::Instant;

use smolstep::phy::linux::Kind;

use crate::common::link::{KERNEL, Link, PATIENCE, SERVER, connect, expect, send};
use crate::common::netns::{delete, in_namespace, make, output, up};

#[test]
fn a_server_behind_a_bridge_with_mld_snooping_is_found() {
    in_namespace("a_server_behind_a_bridge_with_mld_snooping_is_found", || {
        for version in [1, 2] {
            make(Kind::Tap, "tap0", &[]);
            let link = Link { kind: Kind::Tap };
            ip(&format!(
                "link add br0 type bridge mcast_snooping 1 mcast_querier 1 mcast_stats_enabled 1 mcast_mld_version {version} \
                 mcast_query_interval 100 mcast_query_response_interval 50 mcast_startup_query_interval 50"
            ));
            ip("link set tap0 master br0");
            up("br0");
            ip(&format!("address add {}/24 dev br0", KERNEL[0]));
            ip(&format!("address add {}/64 dev br0 nodad", KERNEL[1]));
            let server = link.serve(&["echo"], 4);
            // The server sends two reports when it joins its groups. Later, the server answers the bridge's queries
            // with the same version of MLD.
            let since = Instant::now();
            while reports(version) < 4 {
                assert!(since.elapsed() < PATIENCE, "{} reports", reports(version));
                yield_now();
            }
            let groups = run("bridge", "mdb show dev br0");
            assert!(groups.contains("port tap0 grp ff02::1:ff00:1"), "{groups}");
            ip("-6 neigh flush dev br0");
            let mut client = connect(SERVER[1], 7);
            send(&mut client, "through the bridge");
            expect(&mut client, "through the bridge");
            drop(client);
            server.stop();
            delete("br0");
            delete("tap0");
        }
    });
}

/// Returns the number of MLD reports of a version that the bridge has received on tap0.
fn reports(version: usize) -> u64 {
    let counts = run("ip", "link xstats type bridge_slave dev tap0");
    let reports = counts.split("MLD reports:").nth(1).expect("counts of reports");
    // The counts have this form: RX: v1 0 v2 0
    let number = reports.split_whitespace().nth(2 * version).expect("a count");
    number.parse().unwrap()
}

fn ip(line: &str) {
    run("ip", line);
}

fn run(program: &str, line: &str) -> String {
    let output = output(Command::new(program).args(line.split_whitespace())).unwrap();
    assert!(output.status.success(), "{program} {line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
