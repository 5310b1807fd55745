//! Explains in one sentence why something happened, with the section of the RFC.

mod transition;

pub use transition::transition;

use smoltcp::socket::tcp::State;

use super::entry::What;
use crate::lab::{HostEvent, Snapshot, Verdict};
use crate::stack::{DropReason, End, Event, Next};
use crate::trace::Cause;
use crate::trace::{Carries, Segment};

/// Why something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// One sentence.
    pub text: &'static str,
    /// The RFC and its section, as in `RFC 9293 section 3.5`; empty for behaviour that this stack chose itself.
    pub rfc: &'static str,
}

/// Explains an entry; `None` if there is nothing to say.
pub fn explain(snapshot: &Snapshot) -> Option<Explanation> {
    let host = snapshot.entry.host;
    let state = snapshot.states.get(host).copied();
    Some(match snapshot.entry.what {
        What::Arrived { damaged: true, .. } => because(
            "The checksum does not fit, so the frame is dropped silently: the sender's \
             timer will notice.",
            "RFC 9293 section 3.1",
        ),
        What::Arrived { summary, .. } => return arrived(summary.carries),
        What::Clock => {
            because("Neither host has anything to do: the clock jumps to the next arrival or the next timer.", "")
        }
        What::HostEvent(HostEvent::Cut) => because(
            "The plug is pulled: nothing arrives and nothing leaves; the other end learns it from silence alone.",
            "RFC 9293 section 3.8.3",
        ),
        What::HostEvent(HostEvent::Reboot) => because(
            "The host restarts and knows no connection any more: the other end still believes in it.",
            "RFC 9293 section 3.5.1",
        ),
        What::Ran(next) => ran(next),
        What::RanUdp(..) => {
            because("The program on a UDP port runs: it has a datagram, room to send, or its time has come.", "RFC 768")
        }
        What::Sent { verdict: Verdict::Drop | Verdict::Lost, cause: Some(Cause::KeepAlive), .. } => because(
            "This probe never arrives, and no retransmission timer runs for it: the next one goes when the keep-alive \
             time is over again.",
            "RFC 9293 section 3.8.4",
        ),
        What::Sent { verdict: Verdict::Drop | Verdict::Lost, summary, .. } => lost(summary.carries),
        What::Sent { cause: Some(Cause::DuplicateAck), .. }
            if state == Some(State::Established) && snapshot.states.contains(&State::SynSent) =>
        {
            because(
                "A SYN within a connection may come from a peer that has restarted, or be forged: this challenge ACK says \
                 what is expected, and a peer without such a connection answers it with RST.",
                "RFC 9293 section 3.10.7.4",
            )
        }
        What::Sent { cause: Some(cause), summary, .. } => caused(cause, summary.segment()),
        What::Sent { summary, .. } => match summary.carries {
            Carries::Tcp(segment) => sent(&segment, snapshot, state),
            carries => return other(carries),
        },
        What::Stack(event) => return happened(&event),
    })
}

fn because(text: &'static str, rfc: &'static str) -> Explanation {
    Explanation { text, rfc }
}

fn arrived(carries: Carries) -> Option<Explanation> {
    let segment = match carries {
        Carries::Tcp(segment) => segment,
        Carries::ArpReply => {
            return Some(because(
                "The answer says which hardware address has the IP address: what waited for it can leave.",
                "RFC 826",
            ));
        }
        Carries::ArpRequest => {
            return Some(because(
                "Somebody asks for a hardware address: the owner of the IP address answers, and notes who \
             asked.",
                "RFC 826",
            ));
        }
        Carries::Icmp(..) | Carries::Icmpv6(..) => {
            return Some(because(
                "A control message arrived: it tells of a problem, or asks whether the host is there.",
                "RFC 792",
            ));
        }
        Carries::Udp(_) => return Some(because("A datagram arrived: it is delivered whole or not at all.", "RFC 768")),
        Carries::Other => return None,
    };
    Some(if segment.rst {
        because(
            "RST arrived: if its sequence number is the one expected, the connection ends at once.",
            "RFC 9293 section 3.5.3",
        )
    } else if segment.syn && segment.ack.is_none() {
        because(
            "SYN arrived: somebody wants to connect, and tells the number its bytes will be counted \
             from.",
            "RFC 9293 section 3.5",
        )
    } else if segment.syn {
        because(
            "SYN,ACK arrived: the peer agrees, acknowledges our SYN, and tells its own initial \
             number.",
            "RFC 9293 section 3.5",
        )
    } else if segment.fin {
        because(
            "FIN arrived: the peer sends nothing after it; it takes one sequence number and is \
             acknowledged like a byte.",
            "RFC 9293 section 3.6",
        )
    } else if segment.len > 0 {
        because(
            "Payload arrived: what is in order and within the window is taken, and will be \
             acknowledged.",
            "RFC 9293 section 3.10.7.4",
        )
    } else {
        because(
            "An acknowledgement arrived: everything before its number has reached the peer, and its \
             window says how much more may be sent.",
            "RFC 9293 section 3.4",
        )
    })
}

fn ran(next: Next) -> Explanation {
    match next {
        Next::Abort => because(
            "The program gives the connection up: RST tells the peer, and what was queued is lost.",
            "RFC 9293 section 3.10.5",
        ),
        Next::Close => {
            because("The program wants nothing more: FIN will follow what it has sent.", "RFC 9293 section 3.10.4")
        }
        Next::Wait | Next::WakeAt(_) => because(
            "The program runs, since something may have changed for it; what it writes waits in the \
             send buffer.",
            "",
        ),
    }
}

fn lost(carries: Carries) -> Explanation {
    match carries {
        Carries::Tcp(segment) if segment.space() > 0 => because(
            "This frame never arrives; the sender does not know, and its retransmission timer runs.",
            "RFC 9293 section 3.8.1",
        ),
        Carries::Tcp(Segment { rst: true, .. }) => because(
            "This RST never arrives, and nobody sends it again: RST is not acknowledged.",
            "RFC 9293 section 3.5.2",
        ),
        Carries::Tcp(_) => because(
            "This acknowledgement never arrives, and is not retransmitted: a later one says all that \
             it said.",
            "RFC 9293 section 3.4",
        ),
        Carries::Udp(_) => {
            because("This datagram never arrives, and UDP does not notice: its program has to.", "RFC 768")
        }
        _ => because("This frame never arrives; its sender will have to ask again.", ""),
    }
}

fn caused(cause: Cause, segment: Option<Segment>) -> Explanation {
    match cause {
        Cause::DelayedAck(_) => because(
            "The acknowledgement waited for payload to travel with; none came in time, so it goes \
             alone.",
            "RFC 9293 section 3.8.6.3",
        ),
        Cause::DuplicateAck => because(
            "The same acknowledgement again: what arrived was not what is expected next, and the \
             sender should know at once.",
            "RFC 5681 section 3.2",
        ),
        Cause::FastRetransmission => because(
            "Three duplicate acknowledgements show that later segments arrive and this one is \
             missing: it is sent again without waiting for the timer.",
            "RFC 5681 section 3.2",
        ),
        Cause::KeepAlive => because(
            "Nothing was heard for long: an old sequence number makes the peer answer, if it is still \
             there.",
            "RFC 9293 section 3.8.4",
        ),
        Cause::Retransmission { count, .. } if count > 1 => because(
            "Still no acknowledgement: the segment is sent once more, and the timeout doubles each \
             time.",
            "RFC 6298 section 5",
        ),
        Cause::Retransmission { .. } if segment.is_some_and(|s| s.syn) => because(
            "No acknowledgement of the SYN came before the timer ran out, which takes a second as long as \
             no round trip is measured: it is sent again.",
            "RFC 6298 section 2",
        ),
        Cause::Retransmission { .. } => because(
            "No acknowledgement came before the retransmission timer ran out: the oldest segment is \
             sent again.",
            "RFC 6298 section 5",
        ),
        Cause::WindowUpdate => because(
            "The program has read: the window is open wider, and the peer is told so.",
            "RFC 9293 section 3.8.6",
        ),
        Cause::ZeroWindowProbe => because(
            "The peer's window is closed: one byte asks whether it still is, since the update that \
             opens it may get lost.",
            "RFC 9293 section 3.8.6.1",
        ),
    }
}

/// Explains a segment that carries new data or answers a segment that arrived.
fn sent(segment: &Segment, snapshot: &Snapshot, state: Option<State>) -> Explanation {
    use State::*;
    let first = |number: Option<smoltcp::wire::TcpSeqNumber>, isn: Option<smoltcp::wire::TcpSeqNumber>| matches!((number, isn), (Some(number), Some(isn)) if number == isn + 1);
    let [sender, receiver] = snapshot.isn;
    if segment.rst {
        because(
            "RST tells the peer that there is no such connection here, or that this end has given it \
             up.",
            "RFC 9293 section 3.5.2",
        )
    } else if segment.syn && segment.ack.is_none() {
        because(
            "SYN asks for a connection: its number is where this end's bytes are counted from, its \
             options tell the largest segment and the window scale.",
            "RFC 9293 section 3.5",
        )
    } else if segment.syn {
        because(
            "SYN,ACK agrees to the connection: it acknowledges the peer's SYN and brings this end's \
             own initial number.",
            "RFC 9293 section 3.5",
        )
    } else if segment.fin && segment.len > 0 {
        because(
            "The last payload and FIN travel in one segment: this end sends nothing after it.",
            "RFC 9293 section 3.6",
        )
    } else if segment.fin {
        because(
            "FIN: this end sends nothing after it; it takes one sequence number, so that it can be \
             acknowledged.",
            "RFC 9293 section 3.6",
        )
    } else if segment.len > 0 {
        because(
            "New payload, as much as the peer's window and the largest segment allow; it carries the \
             acknowledgement of what came.",
            "RFC 9293 section 3.7",
        )
    } else if matches!(state, Some(CloseWait | LastAck | Closing | TimeWait)) {
        because("The peer's FIN is acknowledged: ACK counts one for it.", "RFC 9293 section 3.6")
    } else if state == Some(Established) && first(Some(segment.seq), sender) && first(segment.ack, receiver) {
        because("The third segment of the handshake: it acknowledges the peer's SYN.", "RFC 9293 section 3.5")
    } else {
        because(
            "Everything before this number has arrived; the window says how much more may be sent.",
            "RFC 9293 section 3.4",
        )
    }
}

fn other(carries: Carries) -> Option<Explanation> {
    Some(match carries {
        Carries::ArpReply => because("The owner of the IP address answers with its hardware address.", "RFC 826"),
        Carries::ArpRequest => because(
            "Before a packet can leave, its receiver's hardware address must be known: everybody on \
             the link is asked.",
            "RFC 826",
        ),
        Carries::Icmp(3, 3) => because("No program has this UDP port: the sender is told.", "RFC 1122 section 4.1.3.1"),
        Carries::Icmp(..) | Carries::Icmpv6(..) => {
            because("A control message: it answers an echo request, or tells of a problem.", "RFC 792")
        }
        Carries::Udp(_) => because(
            "A datagram: no connection, no acknowledgement, no order; it arrives whole or not at all.",
            "RFC 768",
        ),
        Carries::Other | Carries::Tcp(_) => return None,
    })
}

fn happened(event: &Event) -> Option<Explanation> {
    Some(match event {
        Event::Address(_) => return None,
        Event::Accepted { .. } => because(
            "The handshake is complete: the connection waits for the server's program, or is served \
             at once.",
            "RFC 9293 section 3.10.7.4",
        ),
        Event::Connected { .. } => {
            because("The handshake is complete at this end: its program may begin.", "RFC 9293 section 3.10.7.3")
        }
        Event::Connecting { .. } => because(
            "A program asks for a connection: an unused local port and an initial sequence number are \
             chosen.",
            "RFC 9293 section 3.9.1.1",
        ),
        Event::Dropped(why) | Event::Refused { why, .. } => dropped(*why, matches!(event, Event::Refused { .. })),
        Event::Ended { end, .. } | Event::HalfOpenEnded { end, .. } => ended(*end),
        Event::Read { .. } => because("The program reads: the window can open by as much.", "RFC 9293 section 3.8.6"),
        Event::State { from, to, .. } => transition(*from, *to),
        Event::Udp { .. } | Event::Wrote { .. } => return None,
    })
}

fn dropped(why: DropReason, refused: bool) -> Explanation {
    match why {
        DropReason::AfterFin => {
            because("The peer has sent FIN: data after it is ignored.", "RFC 9293 section 3.10.7.4")
        }
        DropReason::BadAck => because(
            "The acknowledgement is for bytes that were never sent, or lies far behind: a challenge ACK \
             tells a real peer the numbers, and an attacker learns nothing.",
            "RFC 5961 section 5.2",
        ),
        DropReason::BadReset => because(
            "Only an RST with the expected sequence number ends a connection: another one in the window is \
             answered with a challenge ACK, and one outside it is ignored.",
            "RFC 5961 section 3.2",
        ),
        DropReason::BadSyn => because(
            "A SYN does not end an established connection: a challenge ACK asks the peer, and one that has \
             restarted answers with RST.",
            "RFC 5961 section 4.2",
        ),
        DropReason::Checksum => {
            because("The checksum is not right: the segment was damaged on the way.", "RFC 9293 section 3.1")
        }
        DropReason::NoAck => {
            because("After the handshake every segment has an acknowledgement.", "RFC 9293 section 3.10.7.4")
        }
        DropReason::OldAck => because(
            "The acknowledgement is older than one that came before: it brings nothing new.",
            "RFC 9293 section 3.10.7.4",
        ),
        DropReason::BacklogFull | DropReason::SlotsFull if refused => {
            because("There is no room for one more connection: RST says so at once.", "RFC 9293 section 3.5.2")
        }
        DropReason::BacklogFull => because(
            "The listener's backlog is full: the SYN is ignored, and the caller's retransmission may \
             find room; what fills a backlog may be a flood of SYNs.",
            "RFC 4987 section 2",
        ),
        DropReason::SlotsFull => because(
            "Every connection slot is taken: the SYN is ignored, and the caller's retransmission may \
             find room.",
            "RFC 4987 section 2",
        ),
        DropReason::FragmentedTcp => because(
            "This stack takes no TCP from IP fragments: TCP keeps its segments below the path's size \
             instead.",
            "RFC 9293 section 3.7.2",
        ),
        DropReason::Martian => {
            because("An address that cannot be a sender or a receiver here is ignored.", "RFC 1122 section 3.2.1.3")
        }
        DropReason::Unreachable => because(
            "Nobody on the link owns the receiver's address, so the datagram cannot leave.",
            "RFC 1122 section 2.3.2.2",
        ),
        DropReason::UnsupportedHeader => because(
            "This stack looks for TCP behind the IPv6 header only, not behind extension headers.",
            "RFC 8200 section 4",
        ),
    }
}

fn ended(end: End) -> Explanation {
    match end {
        End::Aborted => because("This end gave the connection up with RST.", "RFC 9293 section 3.10.5"),
        End::AddressGone => because("The interface lost the address, and with it every connection that used it.", ""),
        End::Closed => {
            because("Both directions are closed, and all that this end sent is acknowledged.", "RFC 9293 section 3.6")
        }
        End::Recycled => because(
            "The slot was needed for a new connection: the oldest in TIME-WAIT or half-open goes \
             first.",
            "RFC 4987 section 3.4",
        ),
        End::Refused => {
            because("RST answered the SYN: nobody listens on that port, or there is no room.", "RFC 9293 section 3.5.2")
        }
        End::Reset => because(
            "The peer sent RST: it has given the connection up, or knows nothing of it.",
            "RFC 9293 section 3.5.3",
        ),
        End::TimedOut => {
            because("The peer did not answer in time, for all the retransmissions.", "RFC 9293 section 3.8.3")
        }
        End::Unreachable => because(
            "No host on the link answered for the address, so not even the SYN could leave.",
            "RFC 1122 section 2.3.2.2",
        ),
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
