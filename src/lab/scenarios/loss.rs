//! Scenarios of segments that are lost, delayed, duplicated or damaged.

use super::{Scripts, scripts};
use crate::lab::{Buffers, ScriptStep, Setup};

pub(in crate::lab) const MESSAGE: Scripts = [
    &[
        ScriptStep::PauseTrips { millis: 90, trips: 10 },
        ScriptStep::Send(b"Li"),
        ScriptStep::PauseTrips { millis: 9_800, trips: 200 },
        ScriptStep::Close,
    ],
    &[ScriptStep::ReadToEnd, ScriptStep::Close],
];
pub(in crate::lab) const LOST: [&str; 3] = ["drop client data 1", "drop client data 2", "drop client data 3"];

/// Sends eight full segments.
fn bulk() -> Setup<'static> {
    let mut setup = Setup::scripts(
        &[ScriptStep::SendBytes(8 * 1460), ScriptStep::Close],
        &[ScriptStep::ReadToEnd, ScriptStep::Close],
    );
    setup.buffers = [Buffers { receive: 16_384, send: 16_384 }; 2];
    setup
}

pub(super) fn data() -> Setup<'static> {
    scripts(MESSAGE).with_faults(&LOST)
}

pub(super) fn fast() -> Setup<'static> {
    bulk().with_faults(&["drop client data 2"])
}

pub(super) fn fin() -> Setup<'static> {
    super::close::fin_with_ack().with_faults(&["drop client fin 1"])
}

pub(super) fn reordered() -> Setup<'static> {
    bulk().with_faults(&["reorder client data 2"])
}

pub(super) fn duplicated() -> Setup<'static> {
    bulk().with_faults(&["duplicate client data 1"])
}

pub(super) fn corrupted() -> Setup<'static> {
    scripts(MESSAGE).with_faults(&["corrupt client data 1"])
}
