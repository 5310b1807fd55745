//! Explains why the stack dropped a frame or refused a connection, and what follows when the wire loses a frame.

use smoltcp::socket::tcp::State;

use super::{Explanation, because};
use crate::stack::DropReason;
use crate::trace::{Carries, Cause, Segment};

pub(super) fn lost(carries: Carries, cause: Option<Cause>, state: Option<State>) -> Explanation {
    match (carries, cause) {
        (_, Some(Cause::KeepAlive)) => because(
            "This probe never arrives, and no retransmission timer runs for it: the next probe is sent when the keep-alive \
             time has passed again.",
            "RFC 9293 section 3.8.4",
        ),
        (_, Some(Cause::ZeroWindowProbe)) => because(
            "This probe never arrives: the next one is sent when the timer has run twice as long.",
            "RFC 9293 section 3.8.6.1",
        ),
        (_, Some(Cause::Retransmission { .. } | Cause::SpuriousRetransmission { .. })) => because(
            "The timer had expired, so the segment was sent again, but this one never arrives, either: the timer runs again, twice \
             as long, up to a minute.",
            "RFC 6298 section 5",
        ),
        (Carries::Tcp(segment), _) if segment.space() > 0 => because(
            "This frame never arrives; the sender does not know, and its retransmission timer runs.",
            "RFC 9293 section 3.8.1",
        ),
        (Carries::Tcp(Segment { rst: true, .. }), _) => because(
            "This RST never arrives, and nobody sends it again: RST is not acknowledged.",
            "RFC 9293 section 3.5.2",
        ),
        (Carries::Tcp(_), _) if state == Some(State::TimeWait) => because(
            "This ACK of the FIN never arrives, and no later segment says the same: the peer will send its FIN again. TIME-WAIT \
             exists to answer it.",
            "RFC 9293 section 3.3.2",
        ),
        (Carries::Tcp(_), _) => because(
            "This acknowledgement never arrives, and no timer runs for it: a later one covers its data, too, or the peer sends the \
             data again.",
            "RFC 9293 section 3.4",
        ),
        (Carries::Udp(_), _) => {
            because("This datagram never arrives, and UDP does not detect it: the program must.", "RFC 768")
        }
        _ => because("This frame never arrives: its sender will have to send another one.", ""),
    }
}

pub(super) fn dropped(why: DropReason, refused: bool) -> Explanation {
    match why {
        DropReason::AfterFin => {
            because("The peer has sent FIN: data after it is ignored.", "RFC 9293 section 3.10.7.4")
        }
        DropReason::BadAck => because(
            "The acknowledgement is for bytes that were never sent, or lies far behind: a challenge ACK \
             gives the numbers to a real peer, and nothing to an attacker.",
            "RFC 5961 section 5.2",
        ),
        DropReason::BadFragment => because(
            "Overlapping fragments could hide data from a firewall: the whole datagram is dropped.",
            "RFC 5722 section 4",
        ),
        DropReason::BadIcmp => because(
            "An ICMP error counts only if it quotes a packet that is in flight: anybody can send one, and an attacker \
             who does not see the packets cannot guess the sequence number.",
            "RFC 5927 section 4.1",
        ),
        DropReason::BadReset => because(
            "Only an RST with the expected sequence number ends a connection: another one in the window is \
             answered with a challenge ACK, and one outside it is ignored.",
            "RFC 5961 section 3.2",
        ),
        DropReason::BadSyn => because(
            "A SYN does not end a connection: a challenge ACK is sent, and a peer that has restarted answers it with RST.",
            "RFC 5961 section 4.2",
        ),
        DropReason::Checksum => {
            because("The checksum is wrong: the segment was damaged on the way.", "RFC 9293 section 3.1")
        }
        #[cfg(feature = "dhcp")]
        DropReason::DhcpNak => because(
            "A refusal counts only if it answers the request of this host, so that no other host can end its lease.",
            "RFC 2131 section 3.1",
        ),
        #[cfg(feature = "dhcp")]
        DropReason::DhcpOptions => because(
            "A lease needs a host's address, its network and a time, and a router can only be a host.",
            "RFC 2132",
        ),
        #[cfg(feature = "dhcp")]
        DropReason::DhcpServer => because(
            "A reply names its server, or the client could not tell the servers apart.",
            "RFC 2131 section 4.3.1",
        ),
        #[cfg(feature = "dhcp")]
        DropReason::DhcpTransaction => because(
            "A reply counts only if it has the random number of the request in progress.",
            "RFC 2131 section 4.4.1",
        ),
        #[cfg(feature = "dhcp")]
        DropReason::DhcpUnexpected => {
            because("The client has chosen an offer, and ignores the others.", "RFC 2131 section 3.1")
        }
        DropReason::DuplicateAddress => because(
            "Another host uses the same address. This host keeps the address, because it had the address first.",
            "RFC 5227 section 2.4",
        ),
        DropReason::NoAck => {
            because("After the handshake every segment has an acknowledgement.", "RFC 9293 section 3.10.7.4")
        }
        DropReason::OldAck => because(
            "The acknowledgement is older than one that came before: it brings nothing new.",
            "RFC 9293 section 3.10.7.4",
        ),
        DropReason::BacklogFull | DropReason::SlotsFull if refused => {
            because("There is no room for one more connection: RST reports it at once.", "RFC 9293 section 3.5.2")
        }
        DropReason::BacklogFull => because(
            "The listener's backlog is full: the SYN is ignored, and the caller's retransmission may \
             find room; a SYN flood can fill a backlog.",
            "RFC 4987 section 2",
        ),
        DropReason::SlotsFull => because(
            "Every connection slot is taken: the SYN is ignored, and the caller's retransmission may \
             find room.",
            "RFC 4987 section 2",
        ),
        DropReason::FragmentedTcp => because(
            "This stack has no memory for IP fragments: TCP limits its segments to the path's MTU \
             instead.",
            "RFC 9293 section 3.7.2",
        ),
        DropReason::LostFragments => because(
            "A datagram without all its fragments is of no use: it is dropped at its time-out, or when its memory is needed.",
            "RFC 8200 section 4.5",
        ),
        DropReason::Martian => because(
            "A frame is ignored if its source or destination address is not valid here.",
            "RFC 1122 section 3.2.1.3",
        ),
        DropReason::TooLong => because(
            "The datagram does not fit the link or the path, and this stack has no memory to send it in fragments.",
            "RFC 8200 section 5",
        ),
        DropReason::TooManyAdvertisements => because(
            "At most 16 advertisements of known routers, and 16 of other routers, are read in a second. The list of routers has a limit, too.",
            "RFC 4861 section 6.3.4",
        ),
        DropReason::Unreachable => because(
            "No host on the link answered the requests for the receiver's hardware address, so the datagram cannot be sent. ARP \
             itself has no answer that says so.",
            "RFC 826",
        ),
        DropReason::UnsupportedHeader => because(
            "A packet is dropped if an extension header is not known, or requires a function that this host lacks.",
            "RFC 8200 section 4",
        ),
    }
}
