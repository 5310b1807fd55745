//! The breaches that main is known to have. Who mends one takes its line out.

use super::judge::Breach;

/// Breaches, and what causes them.
pub const KNOWN: [(Breach, &str); 5] = [
    (Breach::CleanTooEarly, "a FIN is taken although bytes before it were cut (smoltcp, police)"),
    (Breach::ForgedReset, "any RST in the window ends a connection (smoltcp, police)"),
    (Breach::TimeWaitCut, "smoltcp clears the receive buffer when TIME-WAIT ends (TIME-WAIT records of our own)"),
    (Breach::TimeWaitReset, "any RST in the window ends TIME-WAIT, RFC 1337 (smoltcp, police)"),
    (Breach::WrongBytes, "an acknowledgement beyond SND.NXT skips bytes (smoltcp, police)"),
];

/// Why main has this breach, if it is known to.
pub fn known(breach: Breach) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == breach).map(|(_, why)| *why)
}
