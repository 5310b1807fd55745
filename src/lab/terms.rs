//! The glossary: the words of TCP that the lab uses, each with the RFC section that defines the word.

/// A word with its meaning and the RFC section that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The word.
    pub name: &'static str,
    /// The meaning, in one or two sentences.
    pub text: &'static str,
    /// The RFC and its section, as in `RFC 9293 section 3.5`.
    pub rfc: &'static str,
}

const fn term(name: &'static str, text: &'static str, rfc: &'static str) -> Term {
    Term { name, text, rfc }
}

/// The glossary, in alphabetical order.
pub const TERMS: [Term; 40] = [
    term(
        "acknowledgement (ACK)",
        "The number of the byte that is expected next. It acknowledges every byte before.",
        "RFC 9293 section 3.4",
    ),
    term("ARP", "Asks all hosts on a link for the hardware address of an IP address.", "RFC 826"),
    term(
        "backlog",
        "The connections of a listener that wait for its program. A SYN that finds no room there is ignored or refused.",
        "RFC 4987 section 2",
    ),
    term(
        "challenge ACK",
        "Answers a SYN or an RST that may be forged: it names the expected numbers, and ends nothing.",
        "RFC 5961 section 3.2",
    ),
    term(
        "congestion window (cwnd)",
        "How many bytes the sender lets be in flight, so that the network is not overloaded.",
        "RFC 5681 section 2",
    ),
    term(
        "delayed ACK",
        "An acknowledgement that waits, for half a second at most, for data to travel with.",
        "RFC 9293 section 3.8.6.3",
    ),
    term(
        "duplicate ACK",
        "An acknowledgement without data that repeats the last number and the last window while data is outstanding. Three in a row \
         are taken for a loss.",
        "RFC 5681 section 2",
    ),
    term(
        "fast retransmit",
        "Sends a segment again as soon as acknowledgements show that later ones have arrived, before the timer expires.",
        "RFC 5681 section 3.2",
    ),
    term(
        "FIN",
        "The flag that ends one direction: its sender sends no more data. It takes one sequence number, like a byte.",
        "RFC 9293 section 3.6",
    ),
    term("flight size", "The bytes that were sent and are not acknowledged.", "RFC 5681 section 2"),
    term(
        "half-closed",
        "A connection of which one direction has ended with FIN, and the other still carries data.",
        "RFC 9293 section 3.6.1",
    ),
    term(
        "half-open",
        "A connection that one side has and the other has lost, for example in a restart. (RFC 4987 also calls a connection in \
         SYN-RECEIVED so; the lab does not.)",
        "RFC 9293 section 3.5.1",
    ),
    term(
        "half-way",
        "The lab's word for a connection in SYN-RECEIVED: a SYN was received and answered, and the answer is not acknowledged.",
        "RFC 9293 section 3.3.2",
    ),
    term(
        "handshake",
        "SYN, SYN,ACK and ACK: both sides learn the other's initial sequence number.",
        "RFC 9293 section 3.5",
    ),
    term(
        "initial sequence number (ISN)",
        "The number of a side's SYN, from which its bytes are counted. Nobody else should be able to guess it.",
        "RFC 9293 section 3.4.1",
    ),
    term(
        "keep-alive",
        "A segment with an old number, sent to a silent peer: a peer that still runs answers it.",
        "RFC 9293 section 3.8.4",
    ),
    term(
        "maximum segment lifetime (MSL)",
        "How long a segment can stay in the network: two minutes, by agreement.",
        "RFC 9293 section 3.4.2",
    ),
    term(
        "maximum segment size (MSS)",
        "The most payload that a side takes in one segment. It says so in its SYN.",
        "RFC 9293 section 3.7.1",
    ),
    term(
        "Nagle's algorithm",
        "Holds a small segment back while earlier data is not acknowledged.",
        "RFC 9293 section 3.7.4",
    ),
    term(
        "out of order",
        "A segment that arrives although one before it is missing. It is acknowledged at once, with the number of the gap.",
        "RFC 5681 section 4.2",
    ),
    term(
        "partial ACK",
        "An acknowledgement of some, but not all, that was in flight when a loss was found: more was lost.",
        "RFC 6582 section 3.2",
    ),
    term("path MTU", "The largest packet that fits every link on the way to the peer.", "RFC 9293 section 3.7.2"),
    term(
        "receive window",
        "How many bytes a receiver has room for, counted from the acknowledgement. Each segment says so anew.",
        "RFC 9293 section 3.8.6",
    ),
    term("retransmission", "Sends a segment again that may be lost.", "RFC 9293 section 3.8.1"),
    term(
        "retransmission timeout (RTO)",
        "How long a sender waits for an acknowledgement. It follows the round-trip time, and doubles with each expiry.",
        "RFC 6298 section 2",
    ),
    term(
        "round-trip time (RTT)",
        "From a segment to its acknowledgement. The sender keeps a smoothed mean (SRTT) and a variation (RTTVAR).",
        "RFC 6298 section 2",
    ),
    term("RST", "The flag that ends a connection at once, or says that there is none.", "RFC 9293 section 3.5.2"),
    term("segment", "A TCP header with its payload: what TCP hands to IP as one packet.", "RFC 9293 section 3.1"),
    term(
        "selective acknowledgement (SACK)",
        "An option that lists ranges that have arrived behind a gap, so that only the gap is sent again.",
        "RFC 2018 section 3",
    ),
    term(
        "sequence number",
        "The number of a segment's first byte. Bytes are counted modulo 4,294,967,296.",
        "RFC 9293 section 3.4",
    ),
    term(
        "silly window syndrome",
        "Many tiny segments, because a receiver offers or a sender uses each small piece of window at once.",
        "RFC 9293 section 3.8.6.2",
    ),
    term(
        "simultaneous open",
        "Both sides send SYN before either arrives, and one connection comes of it.",
        "RFC 9293 section 3.5",
    ),
    term(
        "slow start",
        "Doubles the congestion window each round trip, until a loss or the threshold (ssthresh).",
        "RFC 5681 section 3.1",
    ),
    term(
        "spurious retransmission",
        "A segment sent again although the first one arrived: its acknowledgement was lost, or late.",
        "RFC 5682 section 1",
    ),
    term(
        "SYN",
        "The flag that opens one direction, with the initial sequence number. It takes one sequence number.",
        "RFC 9293 section 3.5",
    ),
    term(
        "tail loss probe",
        "Sends the last segment again before the timer expires: without a later segment, nothing else would show its loss.",
        "RFC 8985 section 7",
    ),
    term(
        "TIME-WAIT",
        "The state of the side that closed first. It answers a repeated FIN, and lets old segments die out, for two maximum segment \
         lifetimes.",
        "RFC 9293 section 3.6.1",
    ),
    term(
        "window scale",
        "A shift of the window field, agreed on in the SYNs, for windows above 65,535 bytes.",
        "RFC 7323 section 2",
    ),
    term("window update", "An acknowledgement that only tells that the window has grown.", "RFC 9293 section 3.8.6"),
    term(
        "zero-window probe",
        "A byte sent into a closed window, so that a lost window update does not stop the connection for ever.",
        "RFC 9293 section 3.8.6.1",
    ),
];

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn the_glossary_is_in_order_and_names_sections() {
        assert!(TERMS.is_sorted_by(|a, b| a.name.to_lowercase() < b.name.to_lowercase()));
        for term in TERMS {
            let rest = term.rfc.strip_prefix("RFC ").expect(term.name);
            let (number, section) = rest.split_once(" section ").unwrap_or((rest, "1"));
            assert!(number.parse::<u16>().is_ok() && section.split('.').all(|n| n.parse::<u8>().is_ok()), "{term:?}");
            assert!(term.text.ends_with(['.', ')']) && !term.text.contains("  "), "{term:?}");
        }
    }
}
