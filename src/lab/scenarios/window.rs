//! Scenarios of windows that close and open, and of segments that wait.

use smoltcp::time::Duration;

use crate::lab::{Buffers, HostEvent, ScriptStep, Setup};

/// The server reads only after ten seconds.
pub(super) fn zero() -> Setup<'static> {
    let mut setup = Setup::scripts(
        &[ScriptStep::SendBytes(3000), ScriptStep::Close],
        &[ScriptStep::PauseTrips { millis: 9_800, trips: 200 }, ScriptStep::ReadToEnd, ScriptStep::Close],
    );
    setup.buffers[1] = Buffers { receive: 1024, send: 1024 };
    setup
}

pub(super) fn small() -> Setup<'static> {
    let mut setup =
        Setup::scripts(&[ScriptStep::SendBytes(5000), ScriptStep::Close], &[ScriptStep::ReadToEnd, ScriptStep::Close]);
    setup.line.mtu = 576;
    setup.buffers[1] = Buffers { receive: 2 * 536, send: 1024 };
    setup
}

pub(super) fn nagle() -> Setup<'static> {
    let mut setup = no_nagle();
    setup.nagle = true;
    setup
}

/// The program writes two small texts, 10 ms apart.
pub(super) fn no_nagle() -> Setup<'static> {
    let mut setup = Setup::scripts(
        &[
            ScriptStep::PauseTrips { millis: 80, trips: 20 },
            ScriptStep::Send(b"a"),
            ScriptStep::PauseTrips { millis: 90, trips: 20 },
            ScriptStep::Send(b"b"),
            ScriptStep::PauseTrips { millis: 880, trips: 120 },
            ScriptStep::Close,
        ],
        &[ScriptStep::ReadToEnd, ScriptStep::Close],
    );
    setup.ack_delay = Some(Duration::from_millis(200));
    setup
}

/// The hosts send keep-alive probes every five seconds. After 28 seconds, the server is unplugged.
pub(super) fn keep_alive() -> Setup<'static> {
    let mut setup = Setup::scripts(&[ScriptStep::Send(b"Li")], &[ScriptStep::Read(2)]);
    setup.idle_timeout = Duration::from_secs(20);
    setup.host_event(Duration::from_secs(28), 1, HostEvent::Cut);
    setup
}
