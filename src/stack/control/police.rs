//! Decides which segments of a connection smoltcp sees (RFC 9293 section 3.10.7.4, RFC 5961).

use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

use super::{Block, DropReason, Patch, Segment, TcpSeqNumber, distance};

/// The shortest time between two challenge ACKs of a connection (RFC 5961 section 7). Each connection has its own limit, so that
/// nobody learns from one connection whether another was challenged.
const CHALLENGE_INTERVAL: Duration = Duration::from_millis(500);

/// What happens to a received segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Verdict {
    /// smoltcp sees it to answer it, and takes nothing from it.
    Answer,
    /// It is dropped, and answered with a challenge ACK.
    Challenge(DropReason),
    /// smoltcp sees a copy of it, with these changes.
    Copy(Patch),
    /// It is dropped.
    Drop(DropReason),
    /// smoltcp sees it.
    Pass,
    /// A SYN: smoltcp sees one that has the options it can use.
    Syn,
    /// It brought an acknowledgement or a window, and nothing else: smoltcp sees what the block makes of it.
    #[cfg(feature = "recovery")]
    Taken,
}

impl Block {
    /// Takes in a segment that arrives in `state`, and decides whether smoltcp sees it. Its checksums are right.
    pub(in crate::stack) fn arrives(&mut self, now: Instant, state: State, segment: &Segment, frame: &[u8]) -> Verdict {
        let verdict = match state {
            State::Closed | State::Listen => {
                self.take_syn(segment, frame);
                #[cfg(feature = "recovery")]
                self.learn(segment, frame);
                Verdict::Syn
            }
            State::SynSent => self.answers_syn(now, segment, frame),
            _ if segment.rst => self.reset(state, segment),
            // A SYN that opens a connection anew never comes here: see `is_superseded_by`.
            State::SynReceived if segment.opens() && segment.seq == self.irs => self.repeated_syn(),
            // The SYN,ACK has not left, because the neighbour is not resolved: there is nothing to answer with.
            State::SynReceived if segment.syn && self.flight() == 0 => Verdict::Drop(DropReason::BadSyn),
            // Another SYN may be forged. A peer that began anew resets the old connection when it is challenged.
            _ if segment.syn => Verdict::Challenge(DropReason::BadSyn),
            _ => match segment.ack {
                None => Verdict::Drop(DropReason::NoAck),
                Some(ack) => self.synchronized(now, state, segment, ack, frame),
            },
        };
        match verdict {
            Verdict::Challenge(why) if now < self.challenge_at => Verdict::Drop(why),
            Verdict::Challenge(why) => {
                self.challenge_at = now + CHALLENGE_INTERVAL;
                Verdict::Challenge(why)
            }
            verdict => verdict,
        }
    }

    /// A segment in SYN-SENT.
    fn answers_syn(&mut self, _now: Instant, segment: &Segment, frame: &[u8]) -> Verdict {
        if !segment.syn || segment.rst {
            return Verdict::Pass;
        }
        // Our own SYN has not left, because the neighbour is not resolved: smoltcp would panic. A peer repeats its SYN.
        if self.flight() == 0 {
            return Verdict::Drop(DropReason::BadSyn);
        }
        match segment.ack {
            // smoltcp answers with RST.
            Some(ack) if ack != self.nxt => return Verdict::Pass,
            Some(_) => {
                self.take_syn(segment, frame);
                #[cfg(feature = "recovery")]
                {
                    self.learn(segment, frame);
                    self.acknowledged(_now, segment, self.nxt, frame);
                }
                self.una = self.nxt;
            }
            // Both sides opened at the same time (RFC 9293 section 3.5).
            None => {
                self.take_syn(segment, frame);
                #[cfg(feature = "recovery")]
                self.learn(segment, frame);
            }
        }
        Verdict::Syn
    }

    /// The peer repeats its SYN: the SYN,ACK was lost, and leaves again.
    fn repeated_syn(&mut self) -> Verdict {
        #[cfg(feature = "recovery")]
        {
            self.syn_repeated();
            Verdict::Taken
        }
        #[cfg(not(feature = "recovery"))]
        Verdict::Drop(DropReason::BadSyn)
    }

    /// An RST in a state after SYN-SENT (RFC 5961 section 3.2): only the expected sequence number resets the connection.
    fn reset(&self, state: State, segment: &Segment) -> Verdict {
        match segment.seq {
            // RFC 1337: nothing resets TIME-WAIT.
            _ if state == State::TimeWait => Verdict::Drop(DropReason::BadReset),
            seq if seq == self.rcv_nxt => Verdict::Pass,
            seq if self.rcv_nxt < seq && seq < self.edge => Verdict::Challenge(DropReason::BadReset),
            _ => Verdict::Drop(DropReason::BadReset),
        }
    }

    /// A segment with ACK, without SYN and RST, in SYN-RECEIVED or a later state.
    fn synchronized(
        &mut self,
        _now: Instant,
        state: State,
        segment: &Segment,
        ack: TcpSeqNumber,
        _frame: &[u8],
    ) -> Verdict {
        if state == State::SynReceived {
            // smoltcp answers an acknowledgement of anything else with RST.
            if ack == self.nxt && segment.seq >= self.rcv_nxt && segment.seq <= self.edge {
                #[cfg(feature = "recovery")]
                self.acknowledged(_now, segment, ack, _frame);
                self.take_window(segment, ack);
                self.una = ack;
            }
        } else if ack > self.nxt || distance(ack, self.una) > self.largest_window {
            // RFC 5961 section 5.2.
            return Verdict::Challenge(DropReason::BadAck);
        }
        if segment.len == 0 && !segment.fin {
            self.pure(_now, state, segment, ack, _frame)
        } else {
            self.data(_now, segment, ack, _frame)
        }
    }

    /// A segment without data and FIN.
    fn pure(&mut self, _now: Instant, state: State, segment: &Segment, _ack: TcpSeqNumber, _frame: &[u8]) -> Verdict {
        // smoltcp answers those outside the window, such as keep-alive probes.
        let acceptable = segment.seq == self.rcv_nxt || (self.rcv_nxt < segment.seq && segment.seq < self.edge);
        #[cfg(feature = "recovery")]
        if !matches!(state, State::SynReceived | State::TimeWait) && _ack >= self.una {
            let news = self.acknowledged(_now, segment, _ack, _frame);
            self.take_window(segment, _ack);
            if acceptable || news {
                return Verdict::Taken;
            }
        }
        #[cfg(not(feature = "recovery"))]
        if acceptable && state != State::SynReceived && _ack >= self.una {
            self.take_window(segment, _ack);
            self.una = _ack;
        }
        match state {
            _ if acceptable && _ack < self.una => Verdict::Drop(DropReason::OldAck),
            State::TimeWait => Verdict::Answer,
            _ if acceptable => Verdict::Pass,
            _ => Verdict::Answer,
        }
    }

    /// A segment with data or FIN.
    fn data(&mut self, _now: Instant, segment: &Segment, ack: TcpSeqNumber, _frame: &[u8]) -> Verdict {
        let data_end = segment.seq + segment.len;
        if self.fin_taken && data_end > self.rcv_nxt {
            return Verdict::Drop(DropReason::AfterFin);
        }
        let acceptable = segment.seq < self.edge.max(self.rcv_nxt + 1) && segment.end() > self.rcv_nxt;
        #[cfg(feature = "recovery")]
        self.note_duplicate(segment);
        if acceptable && ack >= self.una {
            #[cfg(feature = "recovery")]
            self.acknowledged(_now, segment, ack, _frame);
            self.take_window(segment, ack);
            self.una = ack;
        }
        let fits = data_end <= self.limit();
        if acceptable && segment.fin && fits && segment.seq > self.rcv_nxt {
            self.early_fin = Some(data_end);
        }
        // The data came before, the FIN did not: it is all that is left of the segment.
        let only_fin = segment.fin && !self.fin_taken && segment.len > 0 && data_end == self.rcv_nxt;
        let patch = Patch {
            ack: ack.max(self.una),
            window: self.shown_field(segment),
            fin: segment.fin && (fits || only_fin),
            skip: if only_fin { segment.len } else { 0 },
            keep: segment.len,
        };
        let same = patch.ack == ack && patch.window == segment.window && patch.fin == segment.fin && patch.skip == 0;
        // smoltcp takes no acknowledgement from data that its closed window has no room for.
        let closed = segment.len > 0 && !only_fin && self.edge <= self.rcv_nxt;
        match () {
            () if closed || !acceptable => Verdict::Answer,
            () if same => Verdict::Pass,
            () => Verdict::Copy(patch),
        }
    }

    /// Takes in the window field of an acceptable segment (RFC 9293 section 3.10.7.4, fifth step).
    fn take_window(&mut self, segment: &Segment, ack: TcpSeqNumber) {
        if self.is_newer_window(segment, ack) {
            self.window = u32::from(segment.window) << self.peer_scale;
            self.largest_window = self.largest_window.max(self.window);
            self.window_from = (segment.seq, ack);
        }
    }

    /// Whether a segment's window is newer than the one taken last, by SND.WL1 and SND.WL2.
    pub(super) fn is_newer_window(&self, segment: &Segment, ack: TcpSeqNumber) -> bool {
        let (seq, from) = self.window_from;
        seq < segment.seq || (seq == segment.seq && from <= ack)
    }

    /// The window field of a copy that smoltcp is shown.
    #[cfg(not(feature = "recovery"))]
    fn shown_field(&self, segment: &Segment) -> u16 {
        segment.window
    }
}
