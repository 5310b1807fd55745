//! Ten thousand simultaneous connections on one TAP.

use std::fs;
use std::net::TcpStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::common::link::{SERVER, connect, expect, expect_last, on_tap, send};
use crate::common::peer::{Peer, smolstep};
use crate::common::skip;

const CONNECTIONS: usize = 10_000;

#[test]
fn ten_thousand_connections_are_greeted_answered_and_closed() {
    if let Err(why) = allow_files(CONNECTIONS as u64 + 200) {
        return skip("tap", &why);
    }
    on_tap("ten_thousand_connections_are_greeted_answered_and_closed", |link| {
        let mut command = smolstep();
        // Log lines for each connection would use too much memory of the test, which collects them.
        command.env("RUST_LOG", "warn").args(["serve", "greeting", "--max-connections", "10000"]);
        command.args(["--socket-buffer", "4K"]).args(link.arguments());
        let server = Peer::start(&mut command).listening(2);
        let mut clients: Vec<TcpStream> = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut client = connect(SERVER[0], 9999);
            expect(&mut client, "Welcome!");
            clients.push(client);
        }
        let resident = resident(server.id()) / CONNECTIONS;
        assert!(resident <= 10 << 10, "{resident} bytes of resident memory a connection");
        // All connections still work.
        for (number, client) in clients.iter_mut().enumerate() {
            send(client, format!("client {number}"));
        }
        for (number, client) in clients.iter_mut().enumerate() {
            expect(client, format!("Hello,client {number}!"));
        }
        // The server closes first, so all its connections are in TIME-WAIT. New connections take over their slots.
        for mut client in clients {
            send(&mut client, "exit");
            expect_last(&mut client, "");
        }
        for _ in 0..100 {
            expect(&mut connect(SERVER[0], 9999), "Welcome!");
        }
        server.stop();
    });
}

/// Returns the resident memory of a process, in bytes.
fn resident(id: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() << 10
}

fn allow_files(number: u64) -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= number) {
        return Ok(());
    }
    let wanted = Rlimit { current: Some(number), maximum: limit.maximum };
    setrlimit(Resource::Nofile, wanted).map_err(|error| format!("{number} open files: {error}"))
}
