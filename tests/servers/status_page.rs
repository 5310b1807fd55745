//! Tests the status page with independent clients: curl, ab, and a headless Chromium.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;

use crate::common::events;
use crate::common::link::{KERNEL, SERVER, connect, expect, expect_last, on_tap, on_tap_and_tun, on_tun, send};
use crate::common::netns::{in_namespace, output, sandbox_possible};
use crate::common::peer::{Finished, Peer, python, smolstep};
use crate::common::skip;

#[test]
fn curl_gets_the_page_and_the_errors() {
    on_tap_and_tun("curl_gets_the_page_and_the_errors", |link| {
        let _server = link.serve(&["http", "echo", "--port", "http=8000"], 6);
        for address in SERVER {
            let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
            let page = format!("http://{host}:8000/");
            let shown = curl(&[&page]);
            assert!(shown.starts_with("<!DOCTYPE html>") && shown.ends_with("</script>\n"), "{shown}");
            assert!(shown.contains("<td>tcp 8000<td>") && shown.contains("<td>udp 7<td>"), "{shown}");
            let own = "<td>http<td><b id=\"c0-";
            assert_eq!(shown.matches(own).count(), 1, "its own connection: {shown}");

            let said =
                |more: &[&str], url: &str| curl(&[more, &["-o", "/dev/null", "-w", "%{http_code}", url]].concat());
            assert_eq!(said(&[], &page), "200");
            assert_eq!(said(&["--http1.0"], &page), "200");
            assert_eq!(said(&["-I"], &page), "200");
            assert_eq!(said(&["--compressed", "-H", "Connection: close"], &page), "200");
            assert_eq!(said(&[], &format!("{page}nosuch")), "404");
            assert_eq!(said(&["-d", "name=value"], &page), "405");
            assert_eq!(said(&["-X", "DELETE"], &page), "405");
            assert_eq!(said(&[], &format!("{page}{}", "x".repeat(2000))), "414");
            assert_eq!(said(&["-H", &format!("Cookie: {}", "x".repeat(2000))], &page), "431");
            assert!(curl(&["-i", "-X", "PUT", &page]).contains("\r\nAllow: GET, HEAD\r\n"));

            // This request is invalid, and curl cannot send it.
            let mut stream = connect(address, 8000);
            send(&mut stream, "no request\r\n\r\n");
            let mut reply = String::new();
            stream.read_to_string(&mut reply).unwrap();
            assert!(reply.starts_with("HTTP/1.1 400 "), "{reply}");

            let connections = curl(&["-w", "%{num_connects}\n", "-o", "/dev/null", "-o", "/dev/null", &page, &page]);
            assert_eq!(connections, "1\n0\n", "the second request is on the first's connection");
        }
    });
}

/// A segment that the control block drops is counted by its reason on the page and in the events. The connection
/// continues.
#[test]
fn forged_segments_are_counted_by_reason() {
    on_tun("forged_segments_are_counted_by_reason", |link| {
        let server = link.serve_with_events(&["http"], 2);
        let peer = python::run("forged", &[link.name(), KERNEL[0], SERVER[0], "80"]).finish();
        for reason in ["RST without the expected sequence number", "SYN for an established connection"] {
            assert!(peer.out().contains(&format!("<dt>{reason}<dd>1<")), "{peer:?}");
            events::wait_for(&server, "dropped", &[("reason", reason)], 1);
        }
    });
}

#[test]
fn ab_sends_many_simultaneous_requests() {
    on_tap("ab_sends_many_simultaneous_requests", |link| {
        if let Err(error) = output(Command::new("ab").arg("-V")) {
            return skip("ab", &format!("ab: {error}; on Debian: apt-get install apache2-utils"));
        }
        let server = link.serve(&["http"], 2);
        let page = format!("http://{}/", SERVER[0]);
        // The length of the page varies between requests, so ab needs -l.
        let ab =
            Peer::start(Command::new("ab").args(["-q", "-l", "-n", "3000", "-c", "50", "-s", "60", &page])).finish();
        let out = ab.out();
        let figure = |name: &str| {
            let line = out.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim().to_owned()
        };
        assert_eq!(ab.code(), Some(0), "{ab:?}");
        assert_eq!((figure("Complete requests:"), figure("Failed requests:")), ("3000".into(), "0".into()), "{out}");
        assert_eq!(figure("Non-2xx responses:"), "", "{out}");
        server.stop();
    });
}

#[test]
fn changes_are_sent_as_they_happen() {
    on_tap("changes_are_sent_as_they_happen", |link| {
        let _server = link.serve(&["http", "echo", "chargen"], 8);
        // A client that reads nothing must not block other clients when its receive buffer is full.
        let mut stuck = connect(SERVER[0], 80);
        send(&mut stuck, EVENTS);
        let mut flood = connect(SERVER[0], 19);
        flood.read_exact(&mut [0; 100_000]).unwrap();

        let mut page = Events::open(SERVER[0]);
        let mut echo = connect(SERVER[1], 7);
        let peer = format!("{}<td class=", echo.local_addr().unwrap());
        page.wait_for(|rows| rows.contains(&format!(">ESTABLISHED</b><td>{peer}")));
        send(&mut echo, "hello");
        expect(&mut echo, "hello");
        page.wait_for(|rows| {
            rows.contains(&format!("<td>{peer}")) && rows.contains("<td class=\"n\">5<td class=\"n\">5\n")
        });
        echo.shutdown(Shutdown::Write).unwrap();
        expect_last(&mut echo, "");
        page.wait_for(|rows| !rows.contains(&peer));
        drop(flood);
        drop(stuck);
        page.wait_for(|rows| !rows.contains("<td>chargen<td>"));
    });
}

#[test]
fn a_browser_shows_a_connection_come_and_go() {
    on_tap("a_browser_shows_a_connection_come_and_go", |link| {
        let Some(()) = chromium() else { return };
        let _server = link.serve(&["all"], 26);
        let seen = browse(&format!("http://{}/", SERVER[0]), SERVER[0], "7");
        assert_eq!(
            (seen.code(), seen.out().as_str()),
            (
                Some(0),
                "smolstep\nown http, live ESTABLISHED\ncame echo ESTABLISHED 0 0\ntalked echo ESTABLISHED 5 5\nwent\n\
                 came greeting ESTABLISHED\nclosed greeting FIN-WAIT-2\n"
            ),
            "{}",
            seen.err()
        );
    });
}

#[test]
fn a_browser_on_the_host_sees_itself_in_the_sandbox() {
    // The test's own network namespace acts as the host, so the port is free.
    in_namespace("a_browser_on_the_host_sees_itself_in_the_sandbox", || {
        if let Err(why) = sandbox_possible() {
            return skip("tap", &why);
        }
        let Some(()) = chromium() else { return };
        let mut sandbox = smolstep();
        sandbox.args(["sandbox", "--serve", "all", "--port", "http=8000", "--publish", "18000=8000"]);
        sandbox.args(["--", "sh", "-c", "echo up; cat"]).env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"));
        let sandbox = Peer::start(&mut sandbox);
        sandbox.wait_for("up", |out| out == "up\n");
        let seen = browse("http://127.0.0.1:18000/", "-", "-");
        assert_eq!(
            (seen.code(), seen.out().as_str()),
            (Some(0), "smolstep\nown http, live ESTABLISHED\n"),
            "{}",
            seen.err()
        );
        assert_eq!(sandbox.finish().code(), Some(0));
    });
}

const EVENTS: &str = "GET /events HTTP/1.1\r\nHost: smolstep\r\n\r\n";

/// Runs curl, which must succeed, and returns its standard output.
fn curl(arguments: &[&str]) -> String {
    let finished =
        Peer::start(Command::new("curl").args(["-sS", "-m", "60", "--noproxy", "*"]).args(arguments)).finish();
    assert_eq!(finished.code(), Some(0), "{arguments:?}: {finished:?}");
    finished.out()
}

/// A client that reads the server-sent events of the page.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(address: &str) -> Events {
        let mut stream = connect(address, 80);
        stream.write_all(EVENTS.as_bytes()).unwrap();
        Events(BufReader::new(stream))
    }

    /// Reads events until `done` returns true for one. Fails after 1,000 events.
    #[track_caller]
    fn wait_for(&mut self, done: impl Fn(&str) -> bool) {
        let mut event = String::new();
        for _ in 0..1000 {
            event.clear();
            while !event.ends_with("\n\n") {
                assert_ne!(self.0.read_line(&mut event).unwrap(), 0, "the events have ended");
            }
            if done(&event) {
                return;
            }
        }
        panic!("no such event; the latest is: {event}");
    }
}

fn chromium() -> Option<()> {
    let version = output(Command::new("chromium").arg("--version"));
    version.map(drop).map_err(|e| skip("chromium", &format!("chromium: {e}; on Debian: apt-get install chromium"))).ok()
}

/// Runs tests/peers/browser.py. The first lines of that script describe its output.
fn browse(url: &str, host: &str, port: &str) -> Finished {
    python::run("browser", &[url, host, port]).finish()
}
