//! Explains what the wire does: it drops frames, answers packets that are too long, and carries forged segments.

use super::{Explanation, because};
use crate::lab::Verdict;
use crate::trace::Carries;

/// Explains why the wire drops a frame, or returns `None` if only a fault or chance is the reason.
pub(super) fn dropped(verdict: Verdict) -> Option<Explanation> {
    Some(match verdict {
        Verdict::QueueFull => because(
            "The queue in front of the slow line is full, so the newest frame is dropped (tail drop): to TCP, this loss means \
             congestion.",
            "RFC 5681 section 1",
        ),
        Verdict::TooLong => because(
            "The packet is longer than the router's MTU and must not be fragmented, so the router drops it. Its sender learns the \
             path's MTU from ICMP, or only from the loss.",
            "RFC 1191 section 3",
        ),
        _ => return None,
    })
}

/// Explains a frame that no host has sent.
pub(super) fn sent(carries: Carries) -> Explanation {
    match carries {
        Carries::ArpReply => because("The router answers with its hardware address.", "RFC 826"),
        Carries::Icmp(3, 4) => because(
            "The router reports that a packet was too long, with the MTU of the next link: the sender can then send shorter \
             packets.",
            "RFC 1191 section 4",
        ),
        Carries::Tcp(segment) if segment.rst => because(
            "A forged segment: somebody who does not see the connection's packets guesses its numbers and tries to reset it.",
            "RFC 5961 section 1.1",
        ),
        Carries::Tcp(segment) if segment.syn => because(
            "A forged SYN: its sender does not exist, so nobody answers SYN,ACK. A flood of them fills the memory for \
             connections.",
            "RFC 4987 section 2",
        ),
        _ => because("A forged segment: no host has sent it, although it says so.", "RFC 5961 section 1"),
    }
}
