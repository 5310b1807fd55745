//! Tests the dialler alone: each test supplies the times, and reports the results of the attempts.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::{DialError, DialStep, Dialler};
use crate::stack::{ConnectError, ConnectionId, End};

const PATIENCE: Duration = Duration::from_secs(10);
const DELAY: Duration = Duration::from_millis(1250);
const BEFORE: i64 = 1249;

#[test]
fn a_name_is_looked_up_first() {
    let mut dialler = Dialler::to_name(7, PATIENCE, DELAY);
    assert_eq!(dialler.next(at(0)), DialStep::Resolve);
    dialler.resolved();
    assert_eq!(dialler.next(at(0)), DialStep::Done);
    assert!(dialler.winner().is_none() && dialler.failures().next().is_none());
}

#[test]
fn families_alternate_and_ipv6_is_first() {
    let mut dialler = to(&["10.0.0.1", "10.0.0.2", "fd00::1", "10.0.0.3", "10.0.0.2"]);
    let order: Vec<_> = (0..4).map(|_| fail(&mut dialler, at(0))).collect();
    assert_eq!(order, ["fd00::1", "10.0.0.1", "10.0.0.2", "10.0.0.3"].map(remote));
    assert_eq!(dialler.next(at(0)), DialStep::Done);
    let failures: Vec<_> = dialler.failures().collect();
    assert_eq!(failures, order.iter().map(|&remote| (remote, NO_ROUTE)).collect::<Vec<_>>());
}

#[test]
fn the_next_address_is_tried_after_the_delay() {
    let mut dialler = to(&["fd00::1", "10.0.0.1"]);
    let first = begin(&mut dialler, at(0), "fd00::1");
    assert_eq!(dialler.next(at(BEFORE)), DialStep::Wait(Some(at(1250))));
    let second = begin(&mut dialler, at(1250), "10.0.0.1");
    assert_eq!(dialler.next(at(1250)), DialStep::Wait(None));
    dialler.established(second);
    // `first` is too late: `second` has already won.
    dialler.established(first);
    assert_eq!(dialler.next(at(1300)), DialStep::Done);
    assert_eq!(dialler.winner(), Some((second, remote("10.0.0.1"))));
    assert_eq!(dialler.running().collect::<Vec<_>>(), [first]);
}

#[test]
fn the_next_attempt_begins_immediately_after_a_failure() {
    let mut dialler = to(&["fd00::1", "10.0.0.1"]);
    let first = begin(&mut dialler, at(0), "fd00::1");
    dialler.ended(first, End::Refused);
    let second = begin(&mut dialler, at(5), "10.0.0.1");
    dialler.ended(second, End::TimedOut);
    assert_eq!(dialler.next(at(10_005)), DialStep::Done);
    let failures: Vec<_> = dialler.failures().collect();
    assert_eq!(
        failures,
        [(remote("fd00::1"), DialError::Ended(End::Refused)), (remote("10.0.0.1"), DialError::Ended(End::TimedOut))]
    );
}

#[test]
fn failures_are_in_the_order_in_which_they_occurred() {
    let mut dialler = to(&["fd00::1", "10.0.0.1"]);
    let first = begin(&mut dialler, at(0), "fd00::1");
    let second = begin(&mut dialler, at(1250), "10.0.0.1");
    dialler.ended(second, End::Refused);
    dialler.ended(first, End::TimedOut);
    let order: Vec<_> = dialler.failures().map(|(remote, _)| remote).collect();
    assert_eq!(order, ["10.0.0.1", "fd00::1"].map(remote));
}

#[test]
fn an_address_added_late_is_tried() {
    let mut dialler = Dialler::to_name(7, PATIENCE, DELAY);
    dialler.add(address("10.0.0.1"));
    dialler.add(address("10.0.0.2"));
    begin(&mut dialler, at(0), "10.0.0.1");
    // The next attempt is to the IPv6 address, although that address was added last.
    dialler.add(address("fd00::1"));
    begin(&mut dialler, at(1250), "fd00::1");
    begin(&mut dialler, at(2500), "10.0.0.2");
    dialler.add(address("fd00::1"));
    assert_eq!(dialler.next(at(9000)), DialStep::Wait(None), "a known address is not tried again");
    dialler.resolved();
    dialler.running().collect::<Vec<_>>().into_iter().for_each(|id| dialler.ended(id, End::TimedOut));
    assert_eq!(dialler.next(at(12_500)), DialStep::Done);
}

#[test]
fn one_at_a_time_abandons_an_attempt_if_another_address_is_left() {
    let mut dialler = to(&["fd00::1", "10.0.0.1"]).one_at_a_time();
    assert_eq!(dialler.next(at(0)), DialStep::Connect { remote: remote("fd00::1"), patience: DELAY });
    let first = ConnectionId::first_of(1);
    dialler.begun(at(0), remote("fd00::1"), Ok(first));
    assert_eq!(dialler.next(at(5000)), DialStep::Wait(None));
    dialler.ended(first, End::TimedOut);
    assert_eq!(dialler.next(at(5000)), DialStep::Connect { remote: remote("10.0.0.1"), patience: PATIENCE });
}

#[test]
fn addresses_after_the_16th_are_ignored() {
    let mut dialler = Dialler::to_name(7, PATIENCE, DELAY);
    (1..=20).for_each(|n| dialler.add(IpAddress::v4(10, 0, 0, n)));
    dialler.resolved();
    let tried = std::iter::from_fn(|| match dialler.next(at(0)) {
        DialStep::Connect { .. } => Some(fail(&mut dialler, at(0))),
        _ => None,
    });
    assert_eq!(tried.last(), Some(remote("10.0.0.16")));
}

const NO_ROUTE: DialError = DialError::Connect(ConnectError::NoRoute);

fn to(addresses: &[&str]) -> Dialler {
    let mut dialler = Dialler::to_name(7, PATIENCE, DELAY);
    addresses.iter().for_each(|text| dialler.add(address(text)));
    dialler.resolved();
    dialler
}

/// Begins the connection that the dialler requests, and checks that the remote address is `to`.
fn begin(dialler: &mut Dialler, now: Instant, to: &str) -> ConnectionId {
    let id = ConnectionId::first_of(dialler.running().count() as u16 + 1);
    assert_eq!(dialler.next(now), DialStep::Connect { remote: remote(to), patience: PATIENCE });
    dialler.begun(now, remote(to), Ok(id));
    id
}

/// Reports that the connection that the dialler requests cannot be begun. Returns the remote endpoint.
fn fail(dialler: &mut Dialler, now: Instant) -> IpEndpoint {
    let DialStep::Connect { remote, .. } = dialler.next(now) else { panic!("{:?}", dialler.next(now)) };
    dialler.begun(now, remote, Err(ConnectError::NoRoute));
    remote
}

fn at(millis: i64) -> Instant {
    Instant::from_millis(millis)
}

fn address(text: &str) -> IpAddress {
    text.parse().unwrap()
}

fn remote(text: &str) -> IpEndpoint {
    IpEndpoint::new(address(text), 7)
}
