//! Scenarios of connections that open, or fail to open.

use smoltcp::time::Duration;
use smoltcp::wire::IpEndpoint;

use super::{Scripts, scripts};
use crate::lab::{HostEvent, Moment, Peer, Scheduled, Script, ScriptStep, Setup, address};

const SECOND: Duration = Duration::from_secs(1);
const READ_AND_CLOSE: &[ScriptStep<'static>] = &[ScriptStep::ReadToEnd, ScriptStep::Close];

pub(in crate::lab) const HANDSHAKE: Scripts =
    [&[ScriptStep::PauseTrips { millis: 90, trips: 10 }, ScriptStep::Close], READ_AND_CLOSE];

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

/// Ports 7001 and 7002 call each other. The wire is so long that the SYNs cross.
pub(super) fn simultaneous() -> Setup<'static> {
    let mut setup = Setup::default();
    setup.line.latency = Duration::from_millis(20);
    for (host, port, peer) in [(0, 7001, 7002), (1, 7002, 7001)] {
        let session = Peer::Script(Script::new(if host == 0 {
            &[ScriptStep::Pause(1500), ScriptStep::Close]
        } else {
            READ_AND_CLOSE
        }));
        let remote = IpEndpoint::new(address(1 - host), peer);
        let call = Scheduled::Call { host, port, remote, session, patience: SECOND * 60 };
        let _ = setup.agenda.push((Duration::ZERO.into(), call));
    }
    setup
}

pub(super) fn half_way_reset() -> Setup<'static> {
    let mut setup = Setup::default().listening(READ_AND_CLOSE);
    setup.line.latency = Duration::from_millis(20);
    setup.call(Duration::ZERO, &[]);
    // ARP takes two trips, and the SYN takes a third. When the SYN arrives, its sender has forgotten the connection.
    setup.host_event(Moment { time: Duration::ZERO, trips: 3 }, 0, HostEvent::Reboot);
    setup
}

/// The client uses the same port again, like small systems without a clock or entropy.
pub(super) fn half_open_reboot() -> Setup<'static> {
    let mut setup = Setup::default().listening(READ_AND_CLOSE);
    // The data of the first call has arrived and been acknowledged before the caller restarts.
    let seconds = |count: u32| Moment { time: Duration::from_millis(900) * count, trips: 100 * count };
    let calls: [(u32, &[ScriptStep<'static>]); 2] =
        [(0, &[ScriptStep::Send(b"first")]), (2, &[ScriptStep::Send(b"second"), ScriptStep::Close])];
    for (after, acts) in calls {
        let remote = IpEndpoint::new(address(1), crate::lab::SCRIPT_PORT);
        let session = Peer::Script(Script::new(acts));
        let call = Scheduled::Call { host: 0, port: 50000, remote, session, patience: SECOND * 60 };
        let _ = setup.agenda.push((seconds(after), call));
    }
    setup.host_event(seconds(1), 0, HostEvent::Reboot);
    setup
}

/// The server serves one connection at a time, and its backlog has room for one more.
pub(super) fn backlog_full() -> Setup<'static> {
    let mut setup = Setup::default().listening(&[ScriptStep::Read(2), ScriptStep::Send(b"Hello!"), ScriptStep::Close]);
    for listener in &mut setup.listeners {
        (listener.serve_at_once, listener.backlog) = (1, 1);
    }
    let callers: [&[ScriptStep<'static>]; 3] = [
        &[
            ScriptStep::PauseTrips { millis: 460, trips: 40 },
            ScriptStep::Send(b"Li"),
            ScriptStep::ReadToEnd,
            ScriptStep::Close,
        ],
        &[ScriptStep::Send(b"Li"), ScriptStep::ReadToEnd, ScriptStep::Close],
        &[ScriptStep::Send(b"Li"), ScriptStep::ReadToEnd, ScriptStep::Close],
    ];
    for (number, acts) in callers.into_iter().enumerate() {
        // Each connection is established before the next call.
        let time = Duration::from_millis(90 * number as u64);
        setup.call(Moment { time, trips: 10 * number as u32 }, acts);
    }
    setup
}
