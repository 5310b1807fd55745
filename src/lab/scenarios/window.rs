//! Windows, and who waits for whom.

use smoltcp::time::Duration;

use crate::lab::{Act, Buffers, Happening, Setup};

/// The server reads only after ten seconds.
pub(super) fn zero() -> Setup<'static> {
    let mut setup =
        Setup::scripts(&[Act::SendBytes(3000), Act::Close], &[Act::Pause(10_000), Act::ReadToEnd, Act::Close]);
    setup.buffers[1] = Buffers { receive: 1024, send: 1024 };
    setup
}

pub(super) fn small() -> Setup<'static> {
    let mut setup = Setup::scripts(&[Act::SendBytes(5000), Act::Close], &[Act::ReadToEnd, Act::Close]);
    setup.line.mtu = 576;
    setup.buffers[1] = Buffers { receive: 2 * 536, send: 1024 };
    setup
}

pub(super) fn nagle() -> Setup<'static> {
    let mut setup = no_nagle();
    setup.nagle = true;
    setup
}

/// Two small writes, 10 ms apart.
pub(super) fn no_nagle() -> Setup<'static> {
    let mut setup = Setup::scripts(
        &[Act::Pause(100), Act::Send(b"a"), Act::Pause(110), Act::Send(b"b"), Act::Pause(1000), Act::Close],
        &[Act::ReadToEnd, Act::Close],
    );
    setup.ack_delay = Some(Duration::from_millis(200));
    setup
}

/// Probes every five seconds; after half a minute the server is cut off.
pub(super) fn keep_alive() -> Setup<'static> {
    let mut setup = Setup::scripts(&[Act::Send(b"Li")], &[Act::Read(2)]);
    setup.idle_timeout = Duration::from_secs(20);
    setup.happen(Duration::from_secs(28), 1, Happening::Cut);
    setup
}
