//! Explains received frames.

use super::{Explanation, because};
use crate::lab::Snapshot;
use crate::trace::{Carries, Mark, Segment};

pub(super) fn arrived(carries: Carries, mark: Option<Mark>, snapshot: &Snapshot) -> Option<Explanation> {
    Some(match carries {
        Carries::Tcp(segment) => tcp(&segment, mark, snapshot),
        Carries::ArpReply => because(
            "The reply gives the hardware address of the IP address: packets that waited for it can leave.",
            "RFC 826",
        ),
        Carries::ArpRequest => because(
            "A host asks for a hardware address: the owner of the IP address answers, and stores the sender's address.",
            "RFC 826",
        ),
        Carries::Icmp(..) | Carries::Icmpv6(..) => {
            because("A control message arrived: it reports a problem, or is an echo request or reply.", "RFC 792")
        }
        Carries::Udp(_) => because("A datagram arrived: it is delivered whole or not at all.", "RFC 768"),
        Carries::Other => return None,
    })
}

fn tcp(segment: &Segment, mark: Option<Mark>, snapshot: &Snapshot) -> Explanation {
    match mark {
        Some(Mark::OutOfOrder) if segment.fin => because(
            "FIN arrived, but data before it is missing: it counts once that data has arrived.",
            "RFC 9293 section 3.10.7.4",
        ),
        Some(Mark::OutOfOrder) => because(
            "Payload arrived, but a segment before it is missing: it is kept until the gap is filled, and the sender is told at \
             once.",
            "RFC 9293 section 3.10.7.4",
        ),
        Some(Mark::PartialAck) => because(
            "A partial acknowledgement: it covers only a part of what was in flight when the loss was found, so another segment \
             was lost, too.",
            "RFC 6582 section 3.2",
        ),
        Some(Mark::Repeated) => because(
            "All of this segment arrived before: it is thrown away, and answered with the number that is expected.",
            "RFC 9293 section 3.10.7.4",
        ),
        // The peer has sent no SYN, so this end is in SYN-SENT.
        None if segment.rst && segment.ack.is_some() && snapshot.isn[0].is_none() => because(
            "RST arrived in SYN-SENT: it counts if it acknowledges our SYN. Its sequence number says nothing, because no number \
             is expected yet.",
            "RFC 9293 section 3.5.3",
        ),
        None if segment.rst => because(
            "RST arrived: with the expected sequence number it ends the connection at once. Another one in the window is answered \
             with a challenge ACK.",
            "RFC 9293 section 3.10.7.4",
        ),
        None if segment.syn && segment.ack.is_none() => because(
            "SYN arrived: the peer wants to connect, and announces its initial sequence number.",
            "RFC 9293 section 3.5",
        ),
        None if segment.syn => because(
            "SYN,ACK arrived: the peer accepts, acknowledges our SYN, and announces its own initial sequence number.",
            "RFC 9293 section 3.5",
        ),
        None if segment.fin => because(
            "FIN arrived: the peer will send no more data; FIN takes one sequence number and is acknowledged like a byte.",
            "RFC 9293 section 3.6",
        ),
        None if segment.len > 0 => because(
            "Payload arrived: data in order and within the window is accepted, and will be acknowledged.",
            "RFC 9293 section 3.10.7.4",
        ),
        None => because(
            "An acknowledgement arrived: everything before its number has reached the peer, and its window says how much more \
             may be sent.",
            "RFC 9293 section 3.4",
        ),
    }
}
