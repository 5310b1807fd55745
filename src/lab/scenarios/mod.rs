//! The lab's scenarios: each shows one behaviour of TCP or UDP, and has expectations.

mod close;
mod loss;
mod open;
mod window;

pub(super) use close::CLIENT_FIRST;
pub(super) use loss::{LOST, MESSAGE};
pub(super) use open::HANDSHAKE;

use smoltcp::time::Duration;

use super::{ScriptStep, Setup};
use crate::app;

/// The longest latency at which every scenario meets its expectations.
///
/// A round trip of a second takes as long as the timer of a SYN, so the stack would assume a loss.
#[doc(hidden)]
pub const LONGEST_LATENCY: Duration = Duration::from_millis(300);

/// The scripts of the client and of the server.
pub(super) type Scripts = [&'static [ScriptStep<'static>]; 2];

fn scripts([client, server]: Scripts) -> Setup<'static> {
    Setup::scripts(client, server)
}

/// A run that shows one behaviour of TCP or UDP.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The scenario's name on the command line.
    pub slug: &'static str,
    /// The behaviour that it shows, in one line.
    pub summary: &'static str,
    /// The set-up of the run.
    pub setup: fn() -> Setup<'static>,
    /// The expectations, in the format of an expectation file.
    pub expect: &'static str,
}

macro_rules! scenario {
    ($slug:literal, $summary:literal, $setup:path) => {
        Scenario {
            slug: $slug,
            summary: $summary,
            setup: $setup,
            expect: include_str!(concat!("expect/", $slug, ".txt")),
        }
    };
}

/// Returns the scenario with this name.
pub fn find(slug: &str) -> Option<Scenario> {
    SCENARIOS.into_iter().find(|scenario| scenario.slug == slug)
}

/// All scenarios.
pub const SCENARIOS: [Scenario; 31] = [
    scenario!("handshake", "three segments open a connection", open::handshake),
    scenario!("half-close", "one side sends FIN and continues to read", close::half_close),
    scenario!("client-closes-first", "the side that closes first ends in TIME-WAIT", close::client_first),
    scenario!("server-closes-first", "the server answers, closes first and ends in TIME-WAIT", close::server_first),
    scenario!("simultaneous-open", "both sides send SYN, which opens one connection", open::simultaneous),
    scenario!("simultaneous-close", "both sides send FIN and pass through CLOSING", close::simultaneous),
    scenario!("time-wait", "the last ACK is lost, and TIME-WAIT sends it again", close::time_wait),
    scenario!("refused", "no program listens, so the SYN is answered with RST", open::refused),
    scenario!("abort", "one side aborts the connection with RST", close::abort),
    scenario!("lost-syn", "a lost SYN is sent again after a second", open::lost_syn),
    scenario!("lost-synack", "SYN,ACK is lost: both sides try again", open::lost_synack),
    scenario!("half-way-reset", "the caller restarts before SYN,ACK arrives", open::half_way_reset),
    scenario!(
        "half-open-reboot",
        "a half-open connection: the caller restarts, calls again, and is challenged",
        open::half_open_reboot
    ),
    scenario!("backlog-full", "the third caller finds no room and tries again", open::backlog_full),
    scenario!(
        "lost-data",
        "a segment is lost three times: the timer doubles from 0.2 s to 0.4 s and 0.8 s",
        loss::data
    ),
    scenario!("fast-retransmit", "acknowledgements that repeat a number cause a fast retransmission", loss::fast),
    scenario!("lost-fin", "a lost FIN is retransmitted like data", loss::fin),
    scenario!("fin-with-ack", "FIN and the ACK of the peer's FIN travel in one segment", close::fin_with_ack),
    scenario!("reordered", "a segment overtakes another", loss::reordered),
    scenario!("duplicated", "a segment arrives twice and counts once", loss::duplicated),
    scenario!("corrupted", "the checksum detects an inverted bit", loss::corrupted),
    scenario!("zero-window", "the receiver's window is closed, and probes wait for it to open", window::zero),
    scenario!("small-window", "an MTU of 576 bytes and a window of two segments", window::small),
    scenario!("nagle-delayed-ack", "Nagle's algorithm waits for a delayed ACK", window::nagle),
    scenario!("no-nagle", "the same without Nagle's algorithm: no segment waits", window::no_nagle),
    scenario!("keep-alive", "probes keep an idle connection open, and detect a dead peer", window::keep_alive),
    scenario!("udp-exchange", "datagrams in both directions", udp_exchange),
    scenario!("udp-closed-port", "no program has the port, so ICMP reports it", udp_closed_port),
    scenario!("udp-lost", "a datagram is lost, and nobody sends it again", udp_lost),
    scenario!("thanks-tcp", "two messages over TCP, each on its own connection", thanks_tcp),
    scenario!("thanks-udp", "the same over UDP: datagrams of 2, 11, 5 and 11 bytes", thanks_udp),
];

const LI_CHENG: &[&[u8]] = &[b"Li", b"Cheng"];

fn thanks_tcp() -> Setup<'static> {
    program("thanks", false)
}

fn thanks_udp() -> Setup<'static> {
    program("thanks", true)
}

fn udp_exchange() -> Setup<'static> {
    program("greeting", true)
}

fn udp_lost() -> Setup<'static> {
    program("greeting", true).with_faults(&["drop server udp 2"])
}

fn udp_closed_port() -> Setup<'static> {
    let mut setup = program("echo", true);
    setup.udp.retain(|(host, ..)| *host == 0);
    setup
}

fn program(name: &str, udp: bool) -> Setup<'static> {
    let setup = app::find(name).and_then(|app| Setup::program(&app, LI_CHENG, udp).ok());
    // An empty run meets no expectation, and the tests run every scenario, so they would notice it.
    setup.unwrap_or_default()
}
