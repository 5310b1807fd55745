//! Explains the segments that are not sent for new data or a due acknowledgement.

use smoltcp::socket::tcp::State;

use super::{Explanation, because};
use crate::lab::Snapshot;
use crate::trace::{Cause, Segment};

pub(super) fn caused(cause: Cause, segment: Option<Segment>, snapshot: &Snapshot, state: Option<State>) -> Explanation {
    match cause {
        Cause::AfterTimeout(_) => because(
            "The timer expired for an earlier segment, and all that was in flight counts as lost: this segment is sent again, now \
             that the congestion window has room for it.",
            "RFC 5681 section 3.1",
        ),
        Cause::ChallengeAck | Cause::DuplicateAck if snapshot.states == [State::SynReceived; 2] => because(
            "The peer's SYN,ACK begins with the SYN that arrived before, so it is answered with an ACK, and that ACK completes \
             the handshake. (Figure 7 of the RFC takes SYN,ACK itself for that, and has four segments instead of six.)",
            "RFC 9293 section 3.5",
        ),
        Cause::ChallengeAck if snapshot.states.contains(&State::SynSent) => because(
            "A SYN within a connection may come from a peer that has restarted, or be forged: this challenge ACK has the \
             expected number, and a peer without such a connection answers it with RST.",
            "RFC 5961 section 4.2",
        ),
        Cause::ChallengeAck => because(
            "The segment that arrived does not fit the connection, and may be forged: this challenge ACK has the expected \
             numbers, which a real peer can answer.",
            "RFC 9293 section 3.10.7.4",
        ),
        Cause::DelayedAck(_) => because(
            "The acknowledgement waited for payload to travel with; none came in time, so it is sent alone. (The RFC lets it wait \
             up to half a second.)",
            "RFC 9293 section 3.8.6.3",
        ),
        Cause::DuplicateAck => because(
            "This ACK repeats the number and window of the last one while data is outstanding: a segment arrived out of order, and \
             its sender should know at once.",
            "RFC 5681 section 3.2",
        ),
        Cause::FastRetransmission => because(
            "The acknowledgements say that three segments behind this one have arrived, so this one counts as lost: it is sent \
             again without waiting for the timer. (Without SACK, three duplicate ACKs would say so: RFC 5681 section 3.2.)",
            "RFC 6675 section 5",
        ),
        Cause::PathMtu => because(
            "A router reported that the packet was too long, so its data is sent again in shorter segments. Nothing was lost to \
             congestion, and the congestion window stays as it is.",
            "RFC 1191 section 6.5",
        ),
        Cause::KeepAlive => because(
            "Nothing arrived for the keep-alive time: a number that was acknowledged makes the peer answer, if it still runs. (The \
             RFC has keep-alives off, two hours apart and without data. This stack sends four within its idle timeout, with one \
             byte.)",
            "RFC 9293 section 3.8.4",
        ),
        Cause::KeepAliveAck => because(
            "The probe begins before the window, so it is answered with the expected number: this end still has the connection.",
            "RFC 9293 section 3.8.4",
        ),
        Cause::LostRetransmission => because(
            "The segment was sent again before, and data that left later has arrived: that retransmission was lost too, so the \
             segment is sent once more without waiting for the timer.",
            "RFC 8985 section 6.2",
        ),
        Cause::RepeatedAck if state == Some(State::TimeWait) => because(
            "The peer's FIN came again, so its ACK was lost: it is acknowledged once more, and the time of TIME-WAIT begins anew.",
            "RFC 9293 section 3.10.7.4",
        ),
        Cause::RepeatedAck => because(
            "A segment came again that this end has: it is acknowledged once more, because the first acknowledgement may be lost.",
            "RFC 9293 section 3.10.7.4",
        ),
        Cause::RepeatedSyn => because(
            "The peer's SYN came again, so the SYN,ACK was lost or is late: it is sent again at once. (By the RFC an ACK answers \
             such a SYN.)",
            "RFC 9293 section 3.10.7.4",
        ),
        Cause::Retransmission { count, .. } if count > 1 => because(
            "Still no acknowledgement: the segment is sent once more, and the timeout doubles each time, up to a minute.",
            "RFC 6298 section 5",
        ),
        Cause::Retransmission { .. } if segment.is_some_and(|s| s.syn) => because(
            "No acknowledgement of the SYN arrived within one second, the timer before any round trip is measured: the SYN is sent \
             again.",
            "RFC 6298 section 2",
        ),
        Cause::Retransmission { .. } => because(
            "No acknowledgement arrived before the retransmission timer expired: the oldest segment is sent again. (The timer takes \
             at least a round trip and 200 ms here; the RFC has at least one second.)",
            "RFC 6298 section 5",
        ),
        Cause::SpuriousRetransmission { .. } => because(
            "The timer expired although the peer has this segment: the acknowledgement was lost, or is late. The sender cannot know \
             that, and its segment makes the peer acknowledge again.",
            "RFC 5682 section 1",
        ),
        Cause::TailProbe => because(
            "No acknowledgement arrived for two round trips, or 200 ms more for a lone segment: the last segment is sent again, \
             and the answer shows whether an earlier one was lost.",
            "RFC 8985 section 7.2",
        ),
        Cause::WindowOpened => because(
            "The window has opened: what was sent into the closed window was not accepted, and is sent again at once.",
            "RFC 9293 section 3.8.6",
        ),
        Cause::WindowUpdate => because(
            "The program has read data: this segment tells the peer that the window is larger.",
            "RFC 9293 section 3.8.6",
        ),
        Cause::ZeroWindowProbe => because(
            "The peer's window is closed: one byte probes it, because the update that opens the window may have been lost.",
            "RFC 9293 section 3.8.6.1",
        ),
        Cause::ZeroWindowProbeAck => because(
            "The byte was the expected one, but the closed window has no room for it: the answer repeats number and window, and \
             shows that this end is alive.",
            "RFC 9293 section 3.8.6.1",
        ),
    }
}
