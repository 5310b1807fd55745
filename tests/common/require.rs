//! Tests with requirements on the machine.

use std::io::{Write, stderr};

/// Reports a skipped test on standard error, or fails it if SMOLSTEP_REQUIRE holds `what`.
pub fn skip(what: &str, why: &str) {
    let required = std::env::var("SMOLSTEP_REQUIRE").unwrap_or_default();
    assert!(!required.split([',', ' ']).any(|r| r == what), "SMOLSTEP_REQUIRE has {what}, but: {why}");
    // Not eprintln!: the test harness hides that output of a passing test.
    let _ = writeln!(stderr(), "skipped: {why}");
}
