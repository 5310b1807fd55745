//! Helpers that several test binaries share.
#![allow(dead_code, reason = "each test binary uses only some of the helpers")]

#[cfg(target_os = "linux")]
pub mod dnsmasq;
pub mod document;
#[cfg(target_os = "linux")]
pub mod events;
pub mod executor;
#[cfg(target_os = "linux")]
pub mod far;
#[cfg(target_os = "linux")]
pub mod firmware;
pub mod hostile;
#[cfg(target_os = "linux")]
pub mod link;
#[cfg(target_os = "linux")]
pub mod netns;
#[cfg(target_os = "linux")]
pub mod peer;
pub mod talk;
#[cfg(target_os = "linux")]
pub mod terminal;
pub mod world;

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Reports a skipped test on standard error. Fails the test if SMOLSTEP_REQUIRE contains `what`.
pub fn skip(what: &str, why: &str) {
    assert!(!is_required(what), "SMOLSTEP_REQUIRE has {what}, but: {why}");
    // The test harness would hide the output of eprintln! in a passing test.
    let _ = writeln!(stderr(), "skipped: {why}");
}

/// Returns whether SMOLSTEP_REQUIRE contains `what`.
pub fn is_required(what: &str) -> bool {
    let required = std::env::var("SMOLSTEP_REQUIRE").unwrap_or_default();
    required.split([',', ' ']).any(|r| r == what)
}

/// The path of a temporary file. The file is removed on drop, if it exists.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Chooses a unique path whose file name ends in `name`.
    pub fn new(name: &str) -> Scratch {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Scratch(std::env::temp_dir().join(format!("smolstep-{}-{count}-{name}", std::process::id())))
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl AsRef<Path> for Scratch {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
