//! Paths that lose segments: how long a download stalls, and simultaneous opens and closes.

use std::collections::VecDeque;
use std::vec::Vec;

use smoltcp::phy::Medium;
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

use super::pair::*;
use crate::host::Sizes;
use crate::stack::*;
use crate::testing::random::Random;
use crate::trace::Summary;

/// The delay in each direction.
const DELAY: Duration = Duration::from_millis(10);

/// The longest frame without data, in bytes. Such a frame is never lost.
const SHORT: usize = 100;

/// The frames on their way to one host, with the times at which they arrive.
type Air = VecDeque<(Instant, Vec<u8>)>;

/// Downloads `len` bytes. The path loses the data frames for which `loses` returns true. Returns the longest time in which
/// no data arrived.
fn longest_stall(len: usize, loses: &mut dyn FnMut(&[u8]) -> bool) -> Duration {
    let sizes = |receive, send| Sizes { connections: 1, receive, send, ports: 0, datagrams: 0, payload: 0 };
    let mut pair = Pair::of(sizes(1 << 20, 4_096), sizes(4_096, 1 << 20), |_| {});
    pair.server.io.device.room = usize::MAX;
    pair.server.listen(Listener::new(8, App::ask(&vec![7; len], 1)));
    let id = pair.call(8, App::ask(&[], len));
    let (mut there, mut back) = (Air::new(), Air::new());
    let (begin, mut last, mut longest) = (pair.now, pair.now, Duration::ZERO);
    while pair.now < begin + Duration::from_secs(600) {
        let now = pair.now;
        pair.to_server.borrow_mut().extend(arrived(&mut there, now));
        let server_due = pair.server.stack.poll(now, &mut pair.server.io);
        let mut sent: Vec<_> = pair.to_client.borrow_mut().drain(..).collect();
        sent.retain(|frame| frame.len() <= SHORT || !loses(frame));
        back.extend(sent.into_iter().map(|frame| (now + DELAY, frame)));
        let frames = arrived(&mut back, now);
        if frames.iter().any(|frame| frame.len() > SHORT) {
            (longest, last) = (longest.max(now - last), now);
        }
        pair.to_client.borrow_mut().extend(frames);
        let client_due = pair.client.stack.poll(now, &mut pair.client.io);
        there.extend(pair.to_server.borrow_mut().drain(..).map(|frame| (now + DELAY, frame)));
        let state = pair.state(id);
        if state != Some(tcp::State::Established) && state != Some(tcp::State::SynSent) {
            assert!(last > begin, "no data arrived");
            return longest;
        }
        let arrivals = [&there, &back].map(|air| air.front().map(|(at, _)| *at));
        pair.now = arrivals.into_iter().chain([server_due, client_due]).flatten().min().unwrap_or(now).max(now);
    }
    panic!("the download does not end");
}

/// Removes and returns the frames that have arrived by now.
fn arrived(air: &mut Air, now: Instant) -> Vec<Vec<u8>> {
    let count = air.iter().take_while(|(at, _)| *at <= now).count();
    air.drain(..count).map(|(_, frame)| frame).collect()
}

/// Two segments and their retransmissions are lost. Only the first of them is at SND.UNA when it is retransmitted.
#[test]
fn lost_retransmissions_cost_no_timeout() {
    for losses in 1..=3 {
        let (mut count, mut lost) = (0, Vec::new());
        let longest = longest_stall(500_000, &mut |frame| {
            let seq = u32::from_be_bytes(frame[38..42].try_into().unwrap());
            count += 1;
            if [100, 104].contains(&count) {
                lost.push((seq, losses));
            }
            let has = |first: u32| (first.wrapping_sub(seq) as usize) < frame.len() - 54;
            let Some((_, left)) = lost.iter_mut().find(|(first, left)| has(*first) && *left > 0) else {
                return false;
            };
            *left -= 1;
            true
        });
        assert_eq!(lost.iter().map(|(_, left)| left).sum::<i32>(), 0, "{losses} losses: {lost:?}, {longest}");
        assert!(longest < Duration::from_millis(100), "{losses} losses: {longest}");
    }
}

#[test]
fn five_percent_loss_stops_no_download_for_a_second() {
    for seed in 0..6 {
        let mut random = Random(seed);
        let longest = longest_stall(1_000_000, &mut |_| random.below(100) < 5);
        assert!(longest < Duration::from_secs(1), "seed {seed}: {longest}");
    }
}

/// The timeout doubles with each consecutive loss. Even under heavy loss, most stalls are short, because few losses
/// need a timeout.
#[test]
fn ten_percent_loss_rarely_stops_a_download_for_long() {
    let mut longest: Vec<_> = (0..7)
        .map(|seed| {
            let mut random = Random(seed);
            longest_stall(1_000_000, &mut |_| random.below(100) < 10)
        })
        .collect();
    longest.sort();
    assert!(longest[3] < Duration::from_millis(1_500), "{longest:?}");
}

/// Runs both hosts, and loses the frames for which `loses` returns true. The argument of `loses` is the number of the
/// segment.
fn run_lossy(pair: &mut Pair, time: Duration, mut loses: impl FnMut(usize) -> bool) {
    let (until, mut number) = (pair.now + time, 0);
    while pair.now < until {
        for _ in 0..1_000 {
            let due = [
                pair.client.stack.poll(pair.now, &mut pair.client.io),
                pair.server.stack.poll(pair.now, &mut pair.server.io),
            ];
            for frames in [&pair.to_server, &pair.to_client] {
                frames.borrow_mut().retain(|frame| {
                    let counts = Summary::of(frame, Medium::Ethernet).segment().is_some();
                    number += usize::from(counts);
                    !(counts && loses(number - 1))
                });
            }
            let is_idle = pair.to_server.borrow().is_empty() && pair.to_client.borrow().is_empty();
            if is_idle && due.iter().flatten().all(|at| *at > pair.now) {
                break;
            }
        }
        pair.now += Duration::from_millis(5);
    }
}

/// Both sides open at the same time, and close at the same time (MUST-10, RFC 9293 section 3.6). Whichever segments are
/// lost, both sides get all data and end cleanly.
#[test]
fn opening_and_closing_at_the_same_time_survives_losses() {
    let mut random = Random(9293);
    for round in 0..200 {
        let mut pair = Pair::new(SMALL);
        pair.meet(SERVER);
        let (client, server) = (IpEndpoint::new(CLIENT, 2_000), IpEndpoint::new(SERVER, 7));
        let open = |host: &mut Host, now, port, remote, text: &[u8]| {
            let Host { stack, io } = host;
            let id =
                stack.connect_from(now, port, remote, App::ask(text, text.len()), Duration::from_secs(60), io).unwrap();
            stack.poll(now, io);
            id
        };
        let here = open(&mut pair.client, pair.now, 2_000, server, b"hello");
        let there = open(&mut pair.server, pair.now, 7, client, b"world");
        // Each of the first 20 segments is lost with the same probability. In the first 20 rounds, only one of these
        // segments is lost.
        let (share, only) = (random.below(50), (round < 20).then_some(round));
        let loses = |number| only.map_or(number < 20 && random.below(100) < share, |only| only == number);
        run_lossy(&mut pair, Duration::from_secs(60), loses);
        let (app, end) = pair.client.stack.take(here).unwrap();
        assert_eq!((app.got(), end), (&b"world"[..], End::Closed), "round {round}");
        let (app, end) = pair.server.stack.take(there).unwrap();
        assert_eq!((app.got(), end), (&b"hello"[..], End::Closed), "round {round}");
    }
}
