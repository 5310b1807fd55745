//! Runs that each show one thing, with their expectations.

mod close;
mod loss;
mod open;
mod program;
mod window;

pub(super) use close::CLIENT_FIRST;
pub(super) use loss::{LOST, MESSAGE};
pub(super) use open::HANDSHAKE;

use super::{ScriptStep, Setup};

/// The steps of the client and of the server.
pub(super) type Scripts = [&'static [ScriptStep<'static>]; 2];

fn scripts([client, server]: Scripts) -> Setup<'static> {
    Setup::scripts(client, server)
}

/// A run that shows one thing.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub slug: &'static str,
    /// What it shows, in one line.
    pub summary: &'static str,
    /// The run.
    pub setup: fn() -> Setup<'static>,
    /// Its expectations, as a file.
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
    scenario!("half-close", "one side ends its stream and reads on", close::half_close),
    scenario!("client-closes-first", "the side that closes first ends in TIME-WAIT", close::client_first),
    scenario!("server-closes-first", "the server answers and closes: TIME-WAIT is its", close::server_first),
    scenario!("simultaneous-open", "both sides send SYN, and one connection comes of it", open::simultaneous),
    scenario!("simultaneous-close", "both sides send FIN: CLOSING", close::simultaneous),
    scenario!("time-wait", "the last ACK is lost, and TIME-WAIT sends it again", close::time_wait),
    scenario!("refused", "nobody listens: RST", open::refused),
    scenario!("abort", "one side gives up: RST", close::abort),
    scenario!("lost-syn", "SYN is sent again after a second", open::lost_syn),
    scenario!("lost-synack", "SYN,ACK is lost: both sides try again", open::lost_synack),
    scenario!("half-open-reset", "the caller restarts before SYN,ACK arrives", open::half_open_reset),
    scenario!("half-open-reboot", "the caller restarts and calls again: challenge ACK", open::half_open_reboot),
    scenario!("backlog-full", "the third caller finds no room and tries again", open::backlog_full),
    scenario!("lost-data", "a segment is lost three times: 1 s, 2 s, 4 s", loss::data),
    scenario!("fast-retransmit", "three duplicate ACKs make a retransmission fast", loss::fast),
    scenario!("lost-fin", "FIN is sent again like data", loss::fin),
    scenario!("fin-with-ack", "FIN and the ACK of FIN in one segment", close::fin_with_ack),
    scenario!("reordered", "a segment overtakes another", loss::reordered),
    scenario!("duplicated", "a segment arrives twice and counts once", loss::duplicated),
    scenario!("corrupted", "the checksum finds a turned bit", loss::corrupted),
    scenario!("zero-window", "a full receiver, and probes until it has room", window::zero),
    scenario!("small-window", "an MTU of 576 bytes and a window of two segments", window::small),
    scenario!("nagle-delayed-ack", "Nagle waits for an ACK that is delayed", window::nagle),
    scenario!("no-nagle", "the same without Nagle: nobody waits", window::no_nagle),
    scenario!("keep-alive", "probes keep an idle connection, and find a dead peer", window::keep_alive),
    scenario!("udp-exchange", "datagrams there and back", program::udp_exchange),
    scenario!("udp-closed-port", "nobody has the port: ICMP says so", program::udp_closed_port),
    scenario!("udp-lost", "a datagram is lost, and nobody sends it again", program::udp_lost),
    scenario!("thanks-tcp", "two messages over TCP, a connection each", program::thanks_tcp),
    scenario!("thanks-udp", "the same over UDP: lengths 2, 11, 5, 11", program::thanks_udp),
];
