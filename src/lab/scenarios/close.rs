//! How connections end.

use smoltcp::time::Duration;

use super::{Scripts, scripts};
use crate::lab::{Act, Setup};

pub(in crate::lab) const CLIENT_FIRST: Scripts = [
    &[Act::Send(b"Li"), Act::Read(9), Act::Close],
    &[Act::Read(2), Act::Send(b"Hello,Li!"), Act::ReadToEnd, Act::Pause(500), Act::Close],
];

pub(super) fn client_first() -> Setup<'static> {
    scripts(CLIENT_FIRST)
}

pub(super) fn server_first() -> Setup<'static> {
    Setup::scripts(
        &[Act::Send(b"Li"), Act::ReadToEnd, Act::Pause(500), Act::Close],
        &[Act::Read(2), Act::Send(b"Hello,Li!"), Act::Close],
    )
}

pub(super) fn half_close() -> Setup<'static> {
    Setup::scripts(
        &[Act::Send(b"Li"), Act::HalfClose, Act::ReadToEnd, Act::Close],
        &[Act::ReadToEnd, Act::Pause(500), Act::Send(b"Hello,Li!"), Act::Close],
    )
}

/// The FINs cross on a long wire.
pub(super) fn simultaneous() -> Setup<'static> {
    let mut setup = Setup::scripts(&[Act::Pause(500), Act::Close], &[Act::Pause(500), Act::Close]);
    setup.line.latency = Duration::from_millis(20);
    setup
}

pub(super) fn time_wait() -> Setup<'static> {
    // All its other acknowledgements travel with data or FIN.
    client_first().with_faults(&["drop client ack 1"])
}

/// The ACK of the FIN waits long enough for the program to close too.
pub(super) fn fin_with_ack() -> Setup<'static> {
    Setup::scripts(&[Act::Pause(100), Act::Close], &[Act::ReadToEnd, Act::Close])
}

pub(super) fn abort() -> Setup<'static> {
    Setup::scripts(&[Act::Send(b"Li"), Act::Pause(500), Act::Abort], &[Act::ReadToEnd, Act::Close])
}
