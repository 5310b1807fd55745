//! `serve --events` writes a line for each event immediately. The tests also cover a full disk, and a reader that
//! exits.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;

use crate::common::Scratch;
use crate::common::events;
use crate::common::link::{SERVER, at, connect, expect, expect_last, on_tap, on_tap_and_tun, send};
use crate::common::netns::{output, spawn};
use crate::common::peer::smolstep;

#[test]
fn a_file_has_each_event_in_order() {
    on_tap_and_tun("a_file_has_each_event_in_order", |link| {
        let file = Scratch::new("events");
        let server = link.serve(&["greeting", "--events", file.path()], 4);
        for address in SERVER {
            let mut client = connect(address, 9999);
            expect(&mut client, "Welcome!");
            send(&mut client, "exit");
            expect_last(&mut client, "");
        }
        server.stop();
        let lines = fs::read_to_string(&file).unwrap();
        for address in SERVER {
            let host = if address.contains(':') { format!("[{address}]") } else { address.into() };
            let local = [("local", &format!("{host}:9999")[..])];
            for kind in ["accepted", "read", "wrote", "ended"] {
                assert_eq!(events::of(&lines, kind, &local).len(), 1, "{kind} {local:?}: {lines}");
            }
        }
        let times: Vec<u64> = events::all(&lines).iter().filter_map(|event| event["t_us"].as_u64()).collect();
        assert!(times.is_sorted() && times.len() == lines.lines().count(), "{lines}");
        for event in events::all(&lines) {
            assert!(event["v"] == 1 && event["host"] == "self" && event["phase"] == "event", "{event}");
        }
    });
}

#[test]
fn an_event_is_written_immediately() {
    on_tap("an_event_is_written_immediately", |link| {
        let pipe = Scratch::new("events");
        assert!(output(Command::new("mkfifo").arg(pipe.path())).unwrap().status.success());
        // The server can open the pipe for writing only when a reader has opened it.
        let path = pipe.path().to_owned();
        let reader = thread::spawn(move || BufReader::new(File::open(path).unwrap()));
        let server = link.serve(&["greeting", "--events", pipe.path()], 4);
        let mut lines = reader.join().unwrap().lines();
        let mut client = connect(SERVER[0], 9999);
        // The event arrives while the server still runs, before the end of the file.
        while !lines.next().unwrap().unwrap().contains(r#""event":"accepted""#) {}
        expect(&mut client, "Welcome!");
        server.stop();
    });
}

#[test]
fn a_full_disk_is_a_one_line_error_at_the_end() {
    on_tap("a_full_disk_is_a_one_line_error_at_the_end", |link| {
        let server = link.serve(&["greeting", "--events", "/dev/full"], 4);
        for _ in 0..2 {
            expect(&mut connect(SERVER[0], 9999), "Welcome!");
        }
        server.interrupt();
        let server = server.finish();
        let errors: Vec<String> =
            server.err().lines().filter(|line| line.contains("/dev/full")).map(String::from).collect();
        let full = "smolstep: the events /dev/full cannot be written: No space left on device (os error 28)";
        assert_eq!((server.code(), &errors[..]), (Some(1), &[full.to_owned()][..]));
    });
}

#[test]
fn the_server_exits_when_the_reader_of_its_events_has_exited() {
    on_tap("the_server_exits_when_the_reader_of_its_events_has_exited", |link| {
        let mut command = smolstep();
        command.env("RUST_LOG", "warn").args(["serve", "greeting", "--events", "-"]).args(link.arguments());
        let mut server = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
        let lines = BufReader::new(server.stdout.take().unwrap()).lines();
        assert_eq!(lines.map_while(Result::ok).filter(|line| line.starts_with("listening ")).take(4).count(), 4);
        // The attempt to connect causes an event, even if the connection does not succeed.
        let client = thread::spawn(|| TcpStream::connect(at(SERVER[0], 9999)));
        let ended = server.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(141), ""));
        drop(client);
    });
}
