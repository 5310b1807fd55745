//! Explains in one sentence why an event happened, and names the RFC section.
//!
//! explain/arrived.rs explains received frames, explain/caused.rs frames that are sent for a special reason,
//! explain/dropped.rs dropped and lost frames, explain/transition.rs state changes, and explain/wire.rs what the wire
//! itself does.

mod arrived;
mod caused;
mod dropped;
mod transition;
mod wire;

use arrived::arrived;
use caused::caused;
use dropped::{dropped, lost};
pub use transition::transition;

use smoltcp::socket::tcp::State;

use super::entry::What;
use crate::lab::{HostEvent, Snapshot, WIRE};
use crate::stack::{End, Event, Next};
use crate::trace::{Carries, Segment};

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
        What::Arrived { summary, mark, .. } => return arrived(summary.carries, mark, snapshot),
        What::Clock => because(
            "Neither host has anything to do: in each line 'clock', the clock jumps to the next arrival or the next timer.",
            "",
        ),
        What::HostEvent(HostEvent::Cut) => because(
            "The plug is pulled: no frame arrives or leaves, and the other end notices only the silence.",
            "RFC 9293 section 3.8.3",
        ),
        What::HostEvent(HostEvent::Reboot) => because(
            "The host restarts and forgets its connections: the other end still has them, so they are half-open.",
            "RFC 9293 section 3.5.1",
        ),
        What::Ran(next, ..) => ran(next),
        What::RanUdp(..) => because(
            "The program on a UDP port runs: it has a datagram, room to send, or a timer that has expired.",
            "RFC 768",
        ),
        What::Sent { summary, .. } if host == WIRE => wire::sent(summary.carries),
        What::Sent { verdict, summary, cause, .. } if verdict.is_lost() => {
            wire::dropped(verdict).unwrap_or_else(|| lost(summary.carries, cause, state))
        }
        What::Sent { cause: Some(cause), summary, .. } => caused(cause, summary.segment(), snapshot, state),
        What::Sent { summary, .. } => match summary.carries {
            Carries::Tcp(segment) => sent(&segment, snapshot, state),
            carries => return other(carries),
        },
        What::Stack(event) => return happened(&event, state),
    })
}

fn because(text: &'static str, rfc: &'static str) -> Explanation {
    Explanation { text, rfc }
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
             options announce the largest segment, the window scale and selective acknowledgements.",
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
    } else if segment.fin && state == Some(LastAck) {
        because(
            "FIN: this end will send no more data. If no segment has acknowledged the peer's FIN yet, this one does: then three \
             segments close the connection, where textbooks draw four.",
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
            "New payload, as much as the peer's window, the congestion window and the largest segment allow; it also \
             acknowledges the data that arrived.",
            "RFC 5681 section 3.1",
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

fn happened(event: &Event, state: Option<State>) -> Option<Explanation> {
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
        Event::Ended { end, .. } | Event::HalfOpenEnded { end, .. } => ended(*end, state),
        Event::Read { .. } => because(
            "The program reads data: the window can grow by the same number of bytes.",
            "RFC 9293 section 3.8.6",
        ),
        Event::State { from, to, .. } => transition(*from, *to),
        Event::Udp { .. } | Event::Wrote { .. } => return None,
    })
}

fn ended(end: End, state: Option<State>) -> Explanation {
    match end {
        End::Aborted => because("This end aborted the connection with RST.", "RFC 9293 section 3.10.5"),
        End::AddressGone => because("The interface lost the address, and with it every connection that used it.", ""),
        End::Closed if state == Some(State::TimeWait) => because(
            "Both directions are closed, and the program is told so. The stack keeps the connection's numbers in TIME-WAIT.",
            "RFC 9293 section 3.6.1",
        ),
        End::Closed => {
            because("Both directions are closed, and all data of this end is acknowledged.", "RFC 9293 section 3.6")
        }
        End::Recycled => because(
            "A new connection needed the slot: the oldest in TIME-WAIT is recycled first, then the oldest in SYN-RECEIVED.",
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
        End::TimedOut => because(
            "The peer did not answer in time, neither what was sent again nor probes.",
            "RFC 9293 section 3.8.3",
        ),
        #[cfg(feature = "recovery")]
        End::Undelivered(_) => because(
            "The peer did not answer in time, and an ICMP error gave the reason: such an error may be temporary, so it ends no connection by itself.",
            "RFC 9293 section 3.9.2.2",
        ),
        End::Unreachable => because(
            "No host on the link answered the requests for the hardware address, so not even the SYN could be sent. ARP itself has no \
             answer that says so.",
            "RFC 826",
        ),
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
