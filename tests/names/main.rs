//! Tests of names and addresses on a TAP or TUN: DNS, DHCP, router advertisements, and zones.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod addresses;
mod disagreeing;
mod leases;
mod odd_servers;
mod resolver;
mod zones;

use common::peer::Finished;

/// Asserts that a command has succeeded and printed `out`.
#[track_caller]
fn done(run: &Finished, out: &str) {
    assert_eq!((run.code(), run.out().as_str(), run.err().as_str()), (Some(0), out, ""), "{run:?}");
}

/// Asserts that a command has failed with one line that contains `what`.
#[track_caller]
fn failed(run: &Finished, what: &str) {
    let err = run.err();
    let one = err.ends_with('\n') && err.matches('\n').count() == 1;
    assert!(run.code() == Some(1) && run.stdout.is_empty() && one && err.contains(what), "{what}: {run:?}");
}
