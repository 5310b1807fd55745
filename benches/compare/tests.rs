//! Unit tests of the benchmark `compare`, which itself has no test harness.
//!
//! tests/commands/bench.rs runs these tests.
#![allow(unused_imports, dead_code, reason = "without a harness, the tests are not compiled, but their helpers are")]

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicBool;

use super::cable::EchoCable;
use super::deadline::Miss;
use super::kernel::{accept, with_threads};
use super::metric::{Figure, Metric, Spread, Subject};
use super::pattern::{PERIOD, Pattern};
use super::results::{Measured, RowResult};
use super::rows::ROWS;
use super::server::{Duty, WELCOME};

#[test]
fn every_connection_gets_its_turn_with_either_server() {
    for cable in [EchoCable::new(20), EchoCable::one_set(20)] {
        let mut cable = cable.expect("every connection opens");
        for trip in 0..50 {
            assert!(cable.round_trip(), "round trip {trip}");
        }
    }
}

#[test]
fn a_panic_of_the_client_stops_the_server() {
    let client = |address| {
        let mut welcome = [0; WELCOME.len()];
        TcpStream::connect(address).and_then(|mut stream| stream.read_exact(&mut welcome)).unwrap();
        // Unlike panic!, resume_unwind prints no message.
        resume_unwind(Box::new(welcome))
    };
    let panic = catch_unwind(AssertUnwindSafe(|| with_threads::<()>(&Duty::Greet, client))).unwrap_err();
    assert_eq!(panic.downcast_ref::<[u8; WELCOME.len()]>().map(|bytes| &bytes[..]), Some(WELCOME));
}

#[test]
fn a_failed_accept_is_returned_and_clients_are_refused() {
    let (listener, duty) = (TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), Duty::Greet);
    // No client has connected, so accepting fails immediately.
    listener.set_nonblocking(true).unwrap();
    let result = accept(&listener, &duty, &AtomicBool::new(false));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::WouldBlock);
    let connected = TcpStream::connect(listener.local_addr().unwrap());
    assert_eq!(connected.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn the_median_of_an_even_count_is_the_mean_of_the_middle_values() {
    assert_eq!(Spread::of(&[]), None);
    assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 9.0]).map(|spread| spread.median), Some(3.0));
    assert_eq!(Spread::of(&[4.0]).map(|spread| spread.median), Some(4.0));
}

#[test]
fn a_pattern_matches_unless_a_byte_is_changed_lost_or_doubled() {
    let mut bytes = vec![0; 3 * PERIOD];
    let mut pattern = Pattern::default();
    for piece in bytes.chunks_mut(1000) {
        pattern.fill(piece);
    }
    let matches = |bytes: &[u8]| {
        let mut pattern = Pattern::default();
        bytes.chunks(777).all(|piece| pattern.matches(piece))
    };
    assert!(matches(&bytes));
    for at in [0, 776, 777, PERIOD - 1, PERIOD, 2 * PERIOD + 5] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(!matches(&changed), "changed at {at}");
    }
    for power in [1, 256, 4096, 65_536] {
        assert!(!matches(&[&bytes[..1000], &bytes[1000 + power..]].concat()), "{power} bytes lost");
        assert!(!matches(&[&bytes[..1000 + power], &bytes[1000..]].concat()), "{power} bytes twice");
    }
}

#[test]
fn the_result_of_a_row_is_the_median_ratio_of_its_rounds() {
    let row = ROWS.iter().find(|row| row.name == "send-kernel").unwrap();
    let theirs = row.against.unwrap();
    let mut measured = Measured::default();
    for (a, b) in [(10.0, 5.0), (40.0, 10.0), (9.0, 3.0)] {
        measured.take(row.ours.job(), Ok(vec![(row.ours, a)]));
        measured.take(theirs.job(), Ok(vec![(theirs, b)]));
    }
    let RowResult::Measured { ours, result, .. } = measured.row(row) else { panic!("{measured:?}") };
    assert_eq!(ours, Spread { median: 10.0, low: 9.0, high: 40.0 });
    assert_eq!(result, Spread { median: 3.0, low: 2.0, high: 4.0 });
}

#[test]
fn only_the_row_with_a_failed_peer_reports_a_failure() {
    let mut measured = Measured::default();
    let failed = Figure { metric: Metric::Send, subject: Subject::Tuntap };
    measured.take(failed.job(), Err(Miss::failed("gone")));
    for row in &ROWS {
        let missing = measured.row(row) == RowResult::Missing(Miss::failed("gone"));
        assert_eq!(missing, row.name == "send-tuntap", "{}", row.name);
    }
    assert!(measured.has_failed() && measured.has_missed(failed.job()));
}
