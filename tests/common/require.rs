//! Tests that need something of the machine.

use std::io::{Write, stderr};

/// Says that a test is skipped and why, or fails it where SMOLSTEP_REQUIRE holds `what`.
pub fn skip(what: &str, why: &str) {
    let required = std::env::var("SMOLSTEP_REQUIRE").unwrap_or_default();
    assert!(!required.split([',', ' ']).any(|r| r == what), "SMOLSTEP_REQUIRE has {what}, but: {why}");
    // Not eprintln!: of a test that passes, the test harness shows nothing printed so.
    let _ = writeln!(stderr(), "skipped: {why}");
}
