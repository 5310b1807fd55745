//! The programs of the scenarios that the self-test runs, without a heap.

use crate::lab::ScriptStep;

/// The scripts of the client and of the server.
pub(in crate::lab) type Scripts = [&'static [ScriptStep<'static>]; 2];

/// A pause that is long enough for the server's delayed ACK of FIN to be sent and to arrive.
const AFTER_THE_ACK: ScriptStep<'static> = ScriptStep::PauseTrips { millis: 440, trips: 60 };

/// The client connects, pauses and closes. The server closes as soon as it has received FIN.
pub(in crate::lab) const HANDSHAKE: Scripts = [
    &[ScriptStep::PauseTrips { millis: 90, trips: 10 }, ScriptStep::Close],
    &[ScriptStep::ReadToEnd, ScriptStep::Close],
];

/// Both sides send a message, and the client closes first.
pub(in crate::lab) const CLIENT_FIRST: Scripts = [
    &[ScriptStep::Send(b"Li"), ScriptStep::Read(9), ScriptStep::Close],
    &[ScriptStep::Read(2), ScriptStep::Send(b"Hello,Li!"), ScriptStep::ReadToEnd, AFTER_THE_ACK, ScriptStep::Close],
];

/// The client sends a message, which [`LOST`] loses three times.
pub(in crate::lab) const MESSAGE: Scripts = [
    &[
        ScriptStep::PauseTrips { millis: 90, trips: 10 },
        ScriptStep::Send(b"Li"),
        ScriptStep::PauseTrips { millis: 9_800, trips: 200 },
        ScriptStep::Close,
    ],
    &[ScriptStep::ReadToEnd, ScriptStep::Close],
];

/// The faults that drop the client's message and its first two retransmissions.
pub(in crate::lab) const LOST: [&str; 3] = ["drop client data 1", "drop client data 2", "drop client data 3"];
