//! Explains in one sentence why an event happened, and names the RFC section.
//!
//! explain/transition.rs explains state changes. explain/dropped.rs explains dropped frames.

mod dropped;
mod transition;

use dropped::dropped;
pub use transition::transition;

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;

use super::entry::What;
use crate::lab::{HostEvent, Snapshot, Verdict};
use crate::stack::{End, Event, Next};
use crate::trace::{Carries, Cause, Segment};

/// The reason why an event happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The explanation, in one sentence.
    pub text: &'static str,
    /// The RFC and its section, as in `RFC 9293 section 3.5`. Empty if no RFC prescribes the behaviour.
    pub rfc: &'static str,
}

/// Explains an entry. Returns `None` if the entry needs no explanation.
pub fn explain(snapshot: &Snapshot) -> Option<Explanation> {
    let host = snapshot.entry.host;
    let state = snapshot.states.get(host).copied();
    Some(match snapshot.entry.what {
        What::Arrived { damaged: true, .. } => because(
            "The checksum is wrong, so the frame is dropped silently: the sender's \
             timer will notice the loss.",
            "RFC 9293 section 3.1",
        ),
        What::Arrived { summary, .. } => return arrived(summary.carries),
        What::Clock => {
            because("Neither host has anything to do: the clock jumps to the next arrival or the next timer.", "")
        }
        What::HostEvent(HostEvent::Cut) => because(
            "The plug is pulled: no frame arrives or leaves, and the other end notices only the silence.",
            "RFC 9293 section 3.8.3",
        ),
        What::HostEvent(HostEvent::Reboot) => because(
            "The host restarts and forgets its connections: the other end still considers them open.",
            "RFC 9293 section 3.5.1",
        ),
        What::Ran(next) => ran(next),
        What::RanUdp(..) => because(
            "The program on a UDP port runs: it has a datagram, room to send, or a timer that has expired.",
            "RFC 768",
        ),
        What::Sent { verdict: Verdict::Drop | Verdict::Lost, cause: Some(Cause::KeepAlive), .. } => because(
            "This probe never arrives, and no retransmission timer runs for it: the next probe is sent when the keep-alive \
             time has passed again.",
            "RFC 9293 section 3.8.4",
        ),
        What::Sent { verdict: Verdict::Drop | Verdict::Lost, summary, .. } => lost(summary.carries),
        What::Sent { cause: Some(Cause::DuplicateAck), .. }
            if state == Some(State::Established) && snapshot.states.contains(&State::SynSent) =>
        {
            because(
                "A SYN within a connection may come from a peer that has restarted, or be forged: this challenge ACK \
                 has the expected number, and a peer without such a connection answers it with RST.",
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
                "The reply gives the hardware address of the IP address: packets that waited for it can leave.",
                "RFC 826",
            ));
        }
        Carries::ArpRequest => {
            return Some(because(
                "A host asks for a hardware address: the owner of the IP address answers, and stores the \
             sender's address.",
                "RFC 826",
            ));
        }
        Carries::Icmp(..) | Carries::Icmpv6(..) => {
            return Some(because(
                "A control message arrived: it reports a problem, or is an echo request or reply.",
                "RFC 792",
            ));
        }
        Carries::Udp(_) => return Some(because("A datagram arrived: it is delivered whole or not at all.", "RFC 768")),
        Carries::Other => return None,
    };
    Some(if segment.rst {
        because(
            "RST arrived: if its sequence number is the expected one, the connection ends at once.",
            "RFC 9293 section 3.5.3",
        )
    } else if segment.syn && segment.ack.is_none() {
        because(
            "SYN arrived: the peer wants to connect, and announces its initial sequence \
             number.",
            "RFC 9293 section 3.5",
        )
    } else if segment.syn {
        because(
            "SYN,ACK arrived: the peer accepts, acknowledges our SYN, and announces its own initial sequence \
             number.",
            "RFC 9293 section 3.5",
        )
    } else if segment.fin {
        because(
            "FIN arrived: the peer will send no more data; FIN takes one sequence number and is \
             acknowledged like a byte.",
            "RFC 9293 section 3.6",
        )
    } else if segment.len > 0 {
        because(
            "Payload arrived: data in order and within the window is accepted, and will be \
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
            "The program aborts the connection: RST tells the peer, and queued data is lost.",
            "RFC 9293 section 3.10.5",
        ),
        Next::Close => because(
            "The program closes the connection: FIN will follow the data that it has sent.",
            "RFC 9293 section 3.10.4",
        ),
        Next::Wait | Next::WakeAt(_) => because(
            "The program runs, because its connection may have changed; data that it writes waits in the \
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
            "This acknowledgement never arrives, and is not retransmitted: a later one also \
             covers its data.",
            "RFC 9293 section 3.4",
        ),
        Carries::Udp(_) => {
            because("This datagram never arrives, and UDP does not detect it: the program must.", "RFC 768")
        }
        _ => because("This frame never arrives: its sender will have to send another one.", ""),
    }
}

fn caused(cause: Cause, segment: Option<Segment>) -> Explanation {
    match cause {
        Cause::DelayedAck(_) => because(
            "The acknowledgement waited for payload to travel with; none came in time, so it is sent \
             alone.",
            "RFC 9293 section 3.8.6.3",
        ),
        Cause::DuplicateAck => because(
            "This ACK repeats the last one: a segment arrived out of order, and its sender should \
             know at once.",
            "RFC 5681 section 3.2",
        ),
        Cause::FastRetransmission => because(
            "Three duplicate acknowledgements show that later segments arrive and this one is \
             missing: it is sent again without waiting for the timer.",
            "RFC 5681 section 3.2",
        ),
        Cause::KeepAlive => because(
            "The peer was silent for the keep-alive time: an old sequence number makes it answer, if it still \
             runs.",
            "RFC 9293 section 3.8.4",
        ),
        Cause::Retransmission { rto: Duration::ZERO, .. } => because(
            "The timer expired for an earlier segment, and its acknowledgement does not cover this one: it is sent again at once.",
            "RFC 5681 section 3.1",
        ),
        Cause::Retransmission { count, .. } if count > 1 => because(
            "Still no acknowledgement: the segment is sent once more, and the timeout doubles each \
             time.",
            "RFC 6298 section 5",
        ),
        Cause::Retransmission { .. } if segment.is_some_and(|s| s.syn) => because(
            "No acknowledgement of the SYN arrived within one second, the timer before any round trip is \
             measured: the SYN is sent again.",
            "RFC 6298 section 2",
        ),
        Cause::Retransmission { .. } => because(
            "No acknowledgement arrived before the retransmission timer expired, which takes at least 200 ms more than a \
             round trip: the oldest segment is sent again.",
            "RFC 6298 section 5",
        ),
        Cause::TailProbe => because(
            "No acknowledgement arrived for two round trips: the last segment is sent again, and the answer shows whether \
             an earlier one was lost.",
            "RFC 8985 section 7",
        ),
        Cause::WindowUpdate => because(
            "The program has read data: this segment tells the peer that the window is larger.",
            "RFC 9293 section 3.8.6",
        ),
        Cause::ZeroWindowProbe => because(
            "The peer's window is closed: one byte probes it, because the update that \
             opens the window may have been lost.",
            "RFC 9293 section 3.8.6.1",
        ),
    }
}

/// Explains a segment that carries new data or answers a received segment.
fn sent(segment: &Segment, snapshot: &Snapshot, state: Option<State>) -> Explanation {
    use State::*;
    let first = |number: Option<smoltcp::wire::TcpSeqNumber>, isn: Option<smoltcp::wire::TcpSeqNumber>| matches!((number, isn), (Some(number), Some(isn)) if number == isn + 1);
    let [sender, receiver] = snapshot.isn;
    if segment.rst {
        because(
            "RST tells the peer that there is no such connection here, or that this end has aborted \
             it.",
            "RFC 9293 section 3.5.2",
        )
    } else if segment.syn && segment.ack.is_none() {
        because(
            "SYN asks for a connection: its number is this end's initial sequence number, and its \
             options announce the largest segment and the window scale.",
            "RFC 9293 section 3.5",
        )
    } else if segment.syn {
        because(
            "SYN,ACK accepts the connection: it acknowledges the peer's SYN and announces this end's \
             own initial sequence number.",
            "RFC 9293 section 3.5",
        )
    } else if segment.fin && segment.len > 0 {
        because(
            "The last payload and FIN travel in one segment: this end will send no more data.",
            "RFC 9293 section 3.6",
        )
    } else if segment.fin {
        because(
            "FIN: this end will send no more data; FIN takes one sequence number, so that it can be \
             acknowledged.",
            "RFC 9293 section 3.6",
        )
    } else if segment.len > 0 {
        because(
            "New payload, as much as the peer's window and the largest segment allow; it also \
             acknowledges the data that arrived.",
            "RFC 9293 section 3.7",
        )
    } else if matches!(state, Some(CloseWait | LastAck | Closing | TimeWait)) {
        because(
            "The peer's FIN is acknowledged: it counts as one in the acknowledgement number.",
            "RFC 9293 section 3.6",
        )
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
            "A packet can leave only when its receiver's hardware address is known: this request asks all \
             hosts on the link.",
            "RFC 826",
        ),
        Carries::Icmp(3, 3) => {
            because("No program has this UDP port: ICMP reports this to the sender.", "RFC 1122 section 4.1.3.1")
        }
        Carries::Icmp(..) | Carries::Icmpv6(..) => {
            because("A control message: it answers an echo request, or reports a problem.", "RFC 792")
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
            because("The handshake is complete at this end: its program can begin.", "RFC 9293 section 3.10.7.3")
        }
        Event::Connecting { .. } => because(
            "A program asks for a connection: the stack chooses an unused local port and an initial \
             sequence number.",
            "RFC 9293 section 3.9.1.1",
        ),
        Event::Dropped(why) | Event::Refused { why, .. } => dropped(*why, matches!(event, Event::Refused { .. })),
        Event::Ended { end, .. } | Event::HalfOpenEnded { end, .. } => ended(*end),
        Event::Read { .. } => because(
            "The program reads data: the window can grow by the same number of bytes.",
            "RFC 9293 section 3.8.6",
        ),
        Event::State { from, to, .. } => transition(*from, *to),
        Event::Udp { .. } | Event::Wrote { .. } => return None,
    })
}

fn ended(end: End) -> Explanation {
    match end {
        End::Aborted => because("This end aborted the connection with RST.", "RFC 9293 section 3.10.5"),
        End::AddressGone => because("The interface lost the address, and with it every connection that used it.", ""),
        End::Closed => {
            because("Both directions are closed, and all data of this end is acknowledged.", "RFC 9293 section 3.6")
        }
        End::Recycled => because(
            "A new connection needed the slot: the oldest in TIME-WAIT is recycled first, then the oldest half-open one.",
            "RFC 4987 section 3.4",
        ),
        End::Refused => because(
            "RST or an ICMP error answered the SYN: no program listens on that port, or there is no room.",
            "RFC 9293 section 3.5.2",
        ),
        End::Reset => because(
            "The peer sent RST: it has aborted the connection, or has no such connection.",
            "RFC 9293 section 3.5.3",
        ),
        End::TimedOut => {
            because("The peer did not answer in time, despite the retransmissions.", "RFC 9293 section 3.8.3")
        }
        #[cfg(feature = "recovery")]
        End::Undelivered(_) => because(
            "The peer did not answer in time, and an ICMP error gave the reason: such an error may be temporary, so it ends no connection by itself.",
            "RFC 9293 section 3.9.2.2",
        ),
        End::Unreachable => because(
            "No host on the link answered for the address, so not even the SYN could be sent.",
            "RFC 1122 section 2.3.2.2",
        ),
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
