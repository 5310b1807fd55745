//! Scenarios of connections that end.

use smoltcp::time::Duration;

use super::{Scripts, scripts};
use crate::lab::{ScriptStep, Setup};

/// Long enough for a delayed acknowledgement to leave and arrive.
const AFTER_THE_ACK: ScriptStep<'static> = ScriptStep::PauseTrips { millis: 440, trips: 60 };

pub(in crate::lab) const CLIENT_FIRST: Scripts = [
    &[ScriptStep::Send(b"Li"), ScriptStep::Read(9), ScriptStep::Close],
    &[ScriptStep::Read(2), ScriptStep::Send(b"Hello,Li!"), ScriptStep::ReadToEnd, AFTER_THE_ACK, ScriptStep::Close],
];

pub(super) fn client_first() -> Setup<'static> {
    scripts(CLIENT_FIRST)
}

pub(super) fn server_first() -> Setup<'static> {
    Setup::scripts(
        &[ScriptStep::Send(b"Li"), ScriptStep::ReadToEnd, AFTER_THE_ACK, ScriptStep::Close],
        &[ScriptStep::Read(2), ScriptStep::Send(b"Hello,Li!"), ScriptStep::Close],
    )
}

pub(super) fn half_close() -> Setup<'static> {
    Setup::scripts(
        &[ScriptStep::Send(b"Li"), ScriptStep::HalfClose, ScriptStep::ReadToEnd, ScriptStep::Close],
        &[ScriptStep::ReadToEnd, AFTER_THE_ACK, ScriptStep::Send(b"Hello,Li!"), ScriptStep::Close],
    )
}

/// The wire is so long that the FINs cross.
pub(super) fn simultaneous() -> Setup<'static> {
    // The handshake takes five trips, with ARP.
    let both = &[ScriptStep::PauseTrips { millis: 400, trips: 5 }, ScriptStep::Close];
    let mut setup = Setup::scripts(both, both);
    setup.line.latency = Duration::from_millis(20);
    setup
}

pub(super) fn time_wait() -> Setup<'static> {
    // The client's other ACKs travel with data or FIN, so this is the last ACK.
    client_first().with_faults(&["drop client ack 1"])
}

/// The ACK of the client's FIN is delayed until the server's program closes, so it travels with the server's FIN.
pub(super) fn fin_with_ack() -> Setup<'static> {
    Setup::scripts(
        &[ScriptStep::PauseTrips { millis: 90, trips: 10 }, ScriptStep::Close],
        &[ScriptStep::ReadToEnd, ScriptStep::Close],
    )
}

pub(super) fn abort() -> Setup<'static> {
    Setup::scripts(
        &[ScriptStep::Send(b"Li"), AFTER_THE_ACK, ScriptStep::Abort],
        &[ScriptStep::ReadToEnd, ScriptStep::Close],
    )
}
