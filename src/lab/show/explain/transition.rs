//! Why a connection's state changed.

use smoltcp::socket::tcp::State;

use super::{Explanation, because};

/// Explains a change of state.
pub fn transition(from: State, to: State) -> Explanation {
    use State::*;
    match (from, to) {
        (Closed, Listen) => because("A server opens passively: it waits for a client.", "RFC 9293 section 3.9.1.1"),
        (Closed, SynSent) => {
            because("A client opens actively: it sends SYN and waits for SYN,ACK.", "RFC 9293 section 3.9.1.1")
        }
        (Listen, SynReceived) => because(
            "A SYN reached the listener: it answers with SYN,ACK, and the handshake is half-way.",
            "RFC 9293 section 3.10.7.2",
        ),
        (SynSent, SynReceived) => because(
            "Both ends called each other at the same time: a SYN arrived in place of the expected \
             SYN,ACK.",
            "RFC 9293 section 3.5",
        ),
        (SynSent, Established) => because(
            "SYN,ACK arrived and acknowledges our SYN: this end is established, and its ACK will tell \
             the peer.",
            "RFC 9293 section 3.10.7.3",
        ),
        (SynSent, Closed) => because(
            "The attempt is over: it was refused with RST, timed out, or was aborted.",
            "RFC 9293 section 3.10.7.3",
        ),
        (SynReceived, Established) => {
            because("Our SYN is acknowledged: the handshake is complete at both ends.", "RFC 9293 section 3.10.7.4")
        }
        (SynReceived, Listen) => because(
            "RST ends a connection in SYN-RECEIVED that began in LISTEN: the listener waits for the next one.",
            "RFC 9293 section 3.10.7.4",
        ),
        (SynReceived, CloseWait) => because(
            "The segment that completed the handshake also carried FIN, so the connection passed through \
             ESTABLISHED at once.",
            "RFC 9293 section 3.10.7.4",
        ),
        (SynReceived, FinWait1) => because(
            "The program closed before the handshake was complete: FIN follows the SYN.",
            "RFC 9293 section 3.10.4",
        ),
        (Established, FinWait1) => because(
            "The program closed first: FIN follows the queued data, and the peer may continue to \
             send.",
            "RFC 9293 section 3.6",
        ),
        (Established, CloseWait) => because(
            "The peer's FIN arrived: the peer will send no more data, and this end may send until its \
             program closes.",
            "RFC 9293 section 3.6",
        ),
        (FinWait1, FinWait2) => {
            because("Our FIN is acknowledged: this end now waits for the peer's FIN.", "RFC 9293 section 3.6")
        }
        (FinWait1, Closing) => because(
            "The peer's FIN arrived and does not acknowledge ours: both ends closed at the same time.",
            "RFC 9293 section 3.6",
        ),
        (FinWait1, TimeWait) => because(
            "One segment carried the peer's FIN and the acknowledgement of ours, so the connection skips \
             FIN-WAIT-2. (Note 2 of the RFC's figure 5 says so; the figure leaves the arrow out.)",
            "RFC 9293 section 3.3.2",
        ),
        (FinWait2, TimeWait) => because(
            "The peer's FIN arrived: this end acknowledges it and keeps the connection for a while, in case that ACK is \
             lost.",
            "RFC 9293 section 3.6.1",
        ),
        (Closing, TimeWait) => because(
            "Our FIN is acknowledged, and the peer's FIN arrived before: both ends wait until old segments \
             have expired.",
            "RFC 9293 section 3.6",
        ),
        (CloseWait, LastAck) => because(
            "The program closed too: FIN is sent, and only its acknowledgement is missing.",
            "RFC 9293 section 3.6",
        ),
        (LastAck, Closed) => because(
            "Our FIN is acknowledged: the end that closed last needs no TIME-WAIT.",
            "RFC 9293 section 3.10.7.4",
        ),
        (TimeWait, Closed) => because(
            "TIME-WAIT is over: no segment of this connection is in flight any more. (The RFC \
             asks for twice the maximum segment lifetime, four minutes; this stack waits 60 s.)",
            "RFC 9293 section 3.6.1",
        ),
        (_, Closed) => because(
            "The connection ends at once: RST arrived, or this end aborted it or gave it up.",
            "RFC 9293 section 3.10.7.4",
        ),
        _ => because("The connection made more than one transition of the diagram at once.", "RFC 9293 section 3.3.2"),
    }
}
