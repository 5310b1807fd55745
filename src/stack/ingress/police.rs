//! Decides which segments reach smoltcp, and answers some in its place.

use smoltcp::phy::{PacketMeta, TxToken};
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::TcpSeqNumber;

use super::demux::{self, Segment};
use super::frame::{Held, OneFrame};
use crate::stack::{Phase, Session, Stack, UdpSession};

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Whether a SYN for this slot's endpoints begins a new connection.
    ///
    /// In TIME-WAIT it does (RFC 9293 section 3.6.1). In SYN-RECEIVED it does unless it is a retransmission: then the peer has
    /// started anew.
    pub(super) fn is_superseded_by(&self, index: usize, segment: &Segment) -> bool {
        let slot = &self.connections.slots[index];
        match slot.phase {
            Phase::TimeWait => true,
            Phase::HalfOpen => slot.peer_isn != segment.seq,
            _ => false,
        }
    }

    /// False for a half-open connection whose listener has no room for it.
    pub(super) fn may_be_established(&self, index: usize) -> bool {
        let slot = &self.connections.slots[index];
        let has_room = |listener: u8| self.connections.listener_has_room(listener.into());
        slot.phase != Phase::HalfOpen || slot.listener.is_none_or(has_room)
    }

    /// Whether a SYN is answered with a challenge ACK: in every synchronized state, except TIME-WAIT that a new connection may
    /// replace.
    pub(super) fn is_challenged_by_syn(&self, index: usize) -> bool {
        let slot = &self.connections.slots[index];
        let synchronized = !matches!(
            slot.state,
            State::Closed | State::Listen | State::SynSent | State::SynReceived | State::TimeWait
        );
        synchronized && !matches!(slot.phase, Phase::Aborting(_))
    }

    /// Answers a SYN in a synchronized state with a challenge ACK (RFC 9293 section 3.10.7.4, RFC 5961 section 4). A peer that has
    /// restarted replies with RST, and its next SYN is accepted.
    ///
    /// smoltcp is silent in this case, but it answers an acknowledgement of unsent data, at most once a second. So the SYN is
    /// passed on with such an acknowledgement. Only smoltcp knows its sequence numbers: of two acknowledgements that are half the
    /// sequence space apart, one is for unsent data. The SYN flag stays set: no segment with it changes anything in these states.
    pub(super) fn challenge<T: TxToken>(
        &mut self,
        now: Instant,
        index: usize,
        frame: &[u8],
        meta: PacketMeta,
        token: T,
    ) {
        let medium = self.medium();
        let Some(set) = self.connections.slots[index].set() else { return };
        let (syn, reply) = self.scratch.split_at_mut(self.scratch.len() / 2);
        let Some(syn) = syn.get_mut(..frame.len()) else { return };
        syn.copy_from_slice(frame);
        let mut len = 0;
        for number in [0, i32::MIN] {
            demux::acknowledge(syn, medium, TcpSeqNumber(number));
            let held = Held { memory: reply, len: &mut len };
            self.iface.poll_ingress_single(now, &mut OneFrame::new(syn, meta, held), set);
            if len > 0 {
                return token.consume(len, |out| out.copy_from_slice(&reply[..len]));
            }
        }
    }
}
