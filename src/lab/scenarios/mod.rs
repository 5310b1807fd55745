//! The lab's scenarios. Each shows one behaviour of TCP or UDP, and lists the events that must occur.
//!
//! Each scenario is a file: docs/lab-file.md describes the format. The self-test has no heap, so the programs of its
//! three scenarios are also in steps.rs.

mod steps;

pub(super) use steps::{CLIENT_FIRST, HANDSHAKE, LOST, MESSAGE, Scripts};

use smoltcp::time::Duration;

#[cfg(feature = "std")]
use super::Setup;
#[cfg(feature = "alloc")]
use super::expect::Expectations;
#[cfg(feature = "alloc")]
use super::file::Experiment;

/// The longest latency at which every scenario meets its expectations.
///
/// If a round trip took a second, the retransmission timer would expire before the SYN is answered, and the stack would
/// assume a loss.
#[doc(hidden)]
pub const LONGEST_LATENCY: Duration = Duration::from_millis(300);

/// A run that shows one behaviour of TCP or UDP.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The scenario's name on the command line.
    pub slug: &'static str,
    /// The behaviour that the scenario shows, in one line.
    pub summary: &'static str,
    /// The summary in Chinese.
    pub summary_zh: &'static str,
    /// The text of the scenario's file: docs/lab-file.md describes the format.
    pub text: &'static str,
    /// The set-up of the run.
    #[cfg(feature = "std")]
    pub setup: fn() -> Setup<'static>,
}

#[cfg(feature = "alloc")]
impl Scenario {
    /// Returns the experiment in the scenario's file.
    #[doc(hidden)]
    pub fn experiment(&self) -> Experiment {
        // If the file were invalid, the empty experiment would meet no expectation, and the tests of the scenarios
        // would fail.
        Experiment::parse(self.text, None).unwrap_or_default()
    }

    /// Returns the scenario's expectations, for a wire with this latency.
    pub fn expectations(&self, latency: Duration) -> Expectations {
        self.experiment().expectations(latency)
    }
}

macro_rules! scenario {
    ($slug:literal) => {{
        const TEXT: &str = include_str!(concat!($slug, ".lab"));
        Scenario {
            slug: $slug,
            summary: titles(TEXT).0,
            summary_zh: titles(TEXT).1,
            text: TEXT,
            // The set-up borrows from the experiment and its parts, so both are kept in statics.
            #[cfg(feature = "std")]
            setup: || {
                static EXPERIMENT: std::sync::LazyLock<Experiment> =
                    std::sync::LazyLock::new(|| Experiment::parse(TEXT, None).unwrap_or_default());
                static PARTS: std::sync::LazyLock<super::file::Parts<'static>> =
                    std::sync::LazyLock::new(|| EXPERIMENT.parts());
                PARTS.setup().unwrap_or_default()
            },
        }
    }};
}

/// Returns the titles in the first two lines of a scenario's file: `title "English"` and `zh "Chinese"`.
const fn titles(text: &'static str) -> (&'static str, &'static str) {
    let (english, rest) = quoted(text, "title \"".len());
    let (chinese, _) = quoted(rest, "\"\nzh \"".len());
    (english, chinese)
}

/// Returns the part of a text from byte `start` to the next quotation mark, and the rest from that mark on.
const fn quoted(text: &'static str, start: usize) -> (&'static str, &'static str) {
    let (_, rest) = text.split_at(start);
    let mut end = 0;
    // A `const fn` cannot use an iterator. If the text has no further quotation mark, the index is out of bounds.
    while rest.as_bytes()[end] != b'"' {
        end += 1;
    }
    rest.split_at(end)
}

/// Returns the scenario with this name.
pub fn find(slug: &str) -> Option<Scenario> {
    SCENARIOS.into_iter().find(|scenario| scenario.slug == slug)
}

/// All scenarios.
pub const SCENARIOS: [Scenario; 45] = [
    scenario!("handshake"),
    scenario!("half-close"),
    scenario!("client-closes-first"),
    scenario!("server-closes-first"),
    scenario!("simultaneous-open"),
    scenario!("simultaneous-close"),
    scenario!("time-wait"),
    scenario!("refused"),
    scenario!("abort"),
    scenario!("lost-syn"),
    scenario!("lost-synack"),
    scenario!("half-way-reset"),
    scenario!("half-open-reboot"),
    scenario!("backlog-full"),
    scenario!("lost-data"),
    scenario!("fast-retransmit"),
    scenario!("recovery-and-timeout"),
    scenario!("lost-fin"),
    scenario!("fin-with-ack"),
    scenario!("three-and-four-way-close"),
    scenario!("reordered"),
    scenario!("duplicated"),
    scenario!("corrupted"),
    scenario!("zero-window"),
    scenario!("small-window"),
    scenario!("silly-window"),
    scenario!("window-scaling"),
    scenario!("wraparound"),
    scenario!("nagle-delayed-ack"),
    scenario!("no-nagle"),
    scenario!("slow-start"),
    scenario!("congestion-avoidance"),
    scenario!("shared-bottleneck"),
    scenario!("bandwidth-delay"),
    scenario!("path-mtu"),
    scenario!("black-hole"),
    scenario!("keep-alive"),
    scenario!("syn-flood"),
    scenario!("blind-rst"),
    scenario!("head-of-line"),
    scenario!("udp-exchange"),
    scenario!("udp-closed-port"),
    scenario!("udp-lost"),
    scenario!("thanks-tcp"),
    scenario!("thanks-udp"),
];
