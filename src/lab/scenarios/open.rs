//! How connections begin, or do not.

use smoltcp::time::Duration;
use smoltcp::wire::IpEndpoint;

use super::{Scripts, scripts};
use crate::lab::{Act, Actor, Deed, Happening, Script, Setup, address};

const SECOND: Duration = Duration::from_secs(1);
const READ_AND_CLOSE: &[Act<'static>] = &[Act::ReadToEnd, Act::Close];

pub(in crate::lab) const HANDSHAKE: Scripts = [&[Act::Pause(100), Act::Close], READ_AND_CLOSE];

pub(super) fn handshake() -> Setup<'static> {
    scripts(HANDSHAKE)
}

pub(super) fn lost_syn() -> Setup<'static> {
    handshake().with_faults(&["drop client syn 1"])
}

pub(super) fn lost_synack() -> Setup<'static> {
    handshake().with_faults(&["drop server synack 1"])
}

pub(super) fn refused() -> Setup<'static> {
    let mut setup = Setup::default();
    setup.call(Duration::ZERO, &[]);
    setup
}

/// Ports 7001 and 7002 call each other, on a wire so long that the SYNs cross.
pub(super) fn simultaneous() -> Setup<'static> {
    let mut setup = Setup::default();
    setup.line.latency = Duration::from_millis(20);
    for (host, port, peer) in [(0, 7001, 7002), (1, 7002, 7001)] {
        let session =
            Actor::Script(Script::new(if host == 0 { &[Act::Pause(1500), Act::Close] } else { READ_AND_CLOSE }));
        let remote = IpEndpoint::new(address(1 - host), peer);
        let call = Deed::Call { host, port, remote, session, patience: SECOND * 60 };
        let _ = setup.agenda.push((Duration::ZERO, call));
    }
    setup
}

pub(super) fn half_open_reset() -> Setup<'static> {
    let mut setup = Setup::default().listening(READ_AND_CLOSE);
    setup.line.latency = Duration::from_millis(20);
    setup.call(Duration::ZERO, &[]);
    // ARP takes 40 ms, SYN 20 ms more; SYN,ACK is under way then.
    setup.happen(Duration::from_millis(70), 0, Happening::Reboot);
    setup
}

/// The caller uses the same port again, as small systems do that have no clock and no entropy.
pub(super) fn half_open_reboot() -> Setup<'static> {
    let mut setup = Setup::default().listening(READ_AND_CLOSE);
    let calls: [(u64, &[Act<'static>]); 2] = [(0, &[Act::Send(b"first")]), (2, &[Act::Send(b"second"), Act::Close])];
    for (after, acts) in calls {
        let remote = IpEndpoint::new(address(1), crate::lab::SCRIPT_PORT);
        let session = Actor::Script(Script::new(acts));
        let call = Deed::Call { host: 0, port: 50000, remote, session, patience: SECOND * 60 };
        let _ = setup.agenda.push((SECOND * after as u32, call));
    }
    setup.happen(SECOND, 0, Happening::Reboot);
    setup
}

/// The server serves one at a time, and lets one wait.
pub(super) fn backlog_full() -> Setup<'static> {
    let mut setup = Setup::default().listening(&[Act::Read(2), Act::Send(b"Hello!"), Act::Close]);
    for listener in &mut setup.listeners {
        (listener.serve_at_once, listener.backlog) = (1, 1);
    }
    let callers: [&[Act<'static>]; 3] = [
        &[Act::Pause(500), Act::Send(b"Li"), Act::ReadToEnd, Act::Close],
        &[Act::Send(b"Li"), Act::ReadToEnd, Act::Close],
        &[Act::Send(b"Li"), Act::ReadToEnd, Act::Close],
    ];
    for (number, acts) in callers.into_iter().enumerate() {
        setup.call(Duration::from_millis(100 * number as u64), acts);
    }
    setup
}
