//! Skips tests whose requirements this machine lacks.

use std::io::{Write, stderr};

/// Reports a skipped test on standard error. Fails the test if SMOLSTEP_REQUIRE contains `what`.
pub fn skip(what: &str, why: &str) {
    let required = std::env::var("SMOLSTEP_REQUIRE").unwrap_or_default();
    assert!(!required.split([',', ' ']).any(|r| r == what), "SMOLSTEP_REQUIRE has {what}, but: {why}");
    // The test harness would hide the output of eprintln! in a passing test.
    let _ = writeln!(stderr(), "skipped: {why}");
}
