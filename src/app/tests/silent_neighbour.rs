//! Tests UDP clients whose server does not answer ARP or NDP at first. Each client waits for at most its own timeout.

use smoltcp::phy::{Device, RxToken};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::rig::*;
use super::stacks::Pair;
use crate::app::{ClientOptions, Failure, find};

/// The frames that the client sent while its server was silent.
#[derive(Debug, Default)]
struct Sent {
    /// The times of the ARP or NDP requests for the server's hardware address, in ms.
    asked: Vec<i64>,
    datagrams: usize,
}

/// Runs a program's client until the client stops. The server answers nothing before `silence` has passed.
fn run(pair: &mut Pair, name: &str, server: IpAddress, options: &ClientOptions<'static>, silence: Duration) -> Outcome {
    let app = find(name).unwrap();
    let remote = IpEndpoint::new(server, app.udp.unwrap());
    let port = pair.client.stack.bind(0, app.udp_client(options, remote).unwrap()).unwrap();
    let appears = pair.now + silence;
    let (start, mut sent) = (pair.now, Sent::default());
    for _ in 0..10_000 {
        let mut next = pair.client.stack.poll(pair.now, &mut pair.client.io);
        if pair.now < appears {
            while let Some((frame, _)) = pair.server.io.device.receive(pair.now) {
                frame.consume(|frame| match frame {
                    // The ARP or NDP request for the server's address. The last byte of that address is 1.
                    [.., 1] if frame[12..14] == [8, 6] => sent.asked.push((pair.now - start).total_millis() as i64),
                    _ if frame[12..14] == [0x86, 0xdd] && frame[20] == 58 && frame[54] == 135 && frame[77] == 1 => {
                        sent.asked.push((pair.now - start).total_millis() as i64);
                    }
                    _ if frame[12..14] == [8, 0] || frame[20] == 17 => sent.datagrams += 1,
                    _ => {}
                });
            }
            next = next.into_iter().chain([appears]).min();
        } else {
            // The request, its answer, the datagram and the reply are all exchanged at the same virtual time.
            for _ in 0..4 {
                let served = pair.server.stack.poll(pair.now, &mut pair.server.io);
                let asked = pair.client.stack.poll(pair.now, &mut pair.client.io);
                next = [served, asked].into_iter().flatten().min();
            }
        }
        if let Some(client) = pair.client.stack.take_udp(port) {
            return Outcome { result: client.result().unwrap(), at: (pair.now - start).total_millis() as i64, sent };
        }
        pair.now = next.unwrap_or(pair.now).max(pair.now);
    }
    panic!("the client never stops: {sent:?}");
}

/// The outcome of [`run`].
#[derive(Debug)]
struct Outcome {
    result: Result<(), Failure>,
    /// The time at which the client stopped, in ms after its start.
    at: i64,
    sent: Sent,
}

fn options(timeout: u64) -> ClientOptions<'static> {
    ClientOptions { texts: &[b"Li"], timeout: Some(Duration::from_secs(timeout)), ..ClientOptions::default() }
}

fn pair() -> Pair {
    let mut pair = Pair::new(BIG);
    // First, each stack checks that no other host uses the stack's addresses.
    for _ in 0..200 {
        let next = [
            pair.client.stack.poll(pair.now, &mut pair.client.io),
            pair.server.stack.poll(pair.now, &mut pair.server.io),
        ];
        pair.now = next.into_iter().flatten().min().unwrap_or(pair.now).clamp(pair.now, Instant::from_secs(5));
    }
    pair.now = Instant::from_secs(5);
    pair
}

#[test]
fn a_server_that_appears_late_receives_each_text_once() {
    for server in [v4(1), v6(1)] {
        let mut pair = pair();
        let outcome = run(&mut pair, "echo", server, &options(10), Duration::from_millis(2500));
        assert_eq!((outcome.result, outcome.at), (Ok(()), 3000), "{server}: {outcome:?}");
        assert_eq!((outcome.sent.asked, outcome.sent.datagrams), (vec![0, 1000, 2000], 0), "{server}");
        assert_eq!(pair.printed(), "Li\n", "{server}");
    }
}

#[test]
fn a_client_without_replies_also_waits_for_its_server() {
    let mut pair = pair();
    let options = ClientOptions { texts: &[b"a", b"b", b"c"], no_wait: true, ..options(10) };
    let outcome = run(&mut pair, "inbox", v4(1), &options, Duration::from_millis(2500));
    assert_eq!((outcome.result, outcome.at), (Ok(()), 3000), "{outcome:?}");
    // The server's inbox prints each message once.
    let printed = String::from_utf8(std::mem::take(&mut pair.server.io.console.printed)).unwrap();
    assert_eq!(["a\n", "b\n", "c\n"].map(|line| printed.matches(line).count()), [1, 1, 1], "{printed}");
}

#[test]
fn a_server_that_never_appears_is_unreachable_at_the_timeout() {
    for server in [v4(9), v6(9)] {
        for (name, no_wait) in [("echo", false), ("inbox", true), ("chat", false)] {
            let mut pair = pair();
            let options = ClientOptions { no_wait, ..options(4) };
            let outcome = run(&mut pair, name, server, &options, Duration::from_secs(100));
            assert_eq!((outcome.result, outcome.at), (Err(Failure::Unreachable), 4000), "{name}: {outcome:?}");
            assert_eq!(outcome.sent.datagrams, 0);
        }
    }
}

/// The console stays open, so the client's timeout applies only because a line is unsent.
#[test]
fn a_typed_line_that_cannot_be_sent_times_out() {
    for (name, no_wait) in [("inbox", true), ("chat", false)] {
        let mut pair = pair();
        pair.client.io.console = Script { open: true, ..Script::typing(&[b"Li\n"]) };
        let options = ClientOptions { texts: &[], no_wait, ..options(4) };
        let outcome = run(&mut pair, name, v4(9), &options, Duration::from_secs(100));
        assert_eq!((outcome.result, outcome.at), (Err(Failure::Unreachable), 4000), "{name}: {outcome:?}");
    }
}
