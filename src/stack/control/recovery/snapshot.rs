//! A snapshot of a connection's sequence numbers, windows and timers, for display.

use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::super::receiver::RANGES;
use super::{Block, Congestion};

/// The TCP variables that one side of a connection keeps (RFC 9293 section 3.3.1, RFC 6298, RFC 5681).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct Control {
    /// ISS: the initial sequence number of this end.
    pub iss: TcpSeqNumber,
    /// IRS: the initial sequence number of the peer, or `None` until its SYN has arrived. SND.WND, RCV.NXT and RCV.WND
    /// have no meaning until then.
    pub irs: Option<TcpSeqNumber>,
    /// SND.UNA: the oldest unacknowledged sequence number.
    pub una: TcpSeqNumber,
    /// SND.NXT: the sequence number after the highest byte sent so far.
    pub nxt: TcpSeqNumber,
    /// SND.WND: the peer's receive window, in bytes.
    pub snd_wnd: u32,
    /// RCV.NXT: the next sequence number expected from the peer.
    pub rcv_nxt: TcpSeqNumber,
    /// RCV.WND: how many more bytes the peer may send, as this end has announced.
    pub rcv_wnd: u32,
    /// The largest segment to send, in bytes.
    pub mss: u32,
    /// Whether the connection tries shorter segments, because long ones have timed out.
    pub tries_shorter: bool,
    /// SRTT, or `None` before the first measurement.
    pub srtt: Option<Duration>,
    /// RTTVAR, or `None` before the first measurement.
    pub rttvar: Option<Duration>,
    /// The retransmission timeout, with its backoff.
    pub rto: Duration,
    /// The congestion window in bytes, or `None` without congestion control.
    pub cwnd: Option<u32>,
    /// The slow-start threshold in bytes, or `None` before the first loss.
    pub ssthresh: Option<u32>,
    /// The number of duplicate ACKs that have arrived in a row.
    pub duplicates: u32,
    /// While a loss is being repaired, the sequence number whose acknowledgement ends the recovery.
    pub recovery_point: Option<TcpSeqNumber>,
    /// Whether both sides use SACK (RFC 2018).
    pub sack: bool,
    /// The time at which the retransmission timer expires.
    pub retransmission: Option<Instant>,
    /// The time at which a tail loss probe is sent.
    pub tail_probe: Option<Instant>,
    /// The time at which the persist timer expires and a closed window is probed.
    pub persist: Option<Instant>,
    /// The time at which TIME-WAIT ends.
    pub time_wait: Option<Instant>,
    /// The number of bytes in the send buffer, sent or not.
    pub queued: u32,
    /// The number of received bytes that the program has not read.
    pub unread: u32,
    /// The received ranges above RCV.NXT, newest first.
    pub out_of_order: [Option<(TcpSeqNumber, TcpSeqNumber)>; RANGES],
    /// The time at which a delayed ACK is sent.
    pub delayed_ack: Option<Instant>,
    /// The time at which a keep-alive probe is sent, provided that nothing is in flight and nothing waits to be sent.
    pub keep_alive: Option<Instant>,
    /// The time at which the stack abandons the connection, unless the peer answers, or the handshake or the closing
    /// makes progress, before that time.
    pub user_timeout: Option<Instant>,
    /// The number of bytes in the send buffer that have not been sent.
    pub unsent: u32,
    /// What keeps the unsent bytes from being sent, or `None` if nothing does.
    pub held_by: Option<HeldBy>,
}

/// What keeps queued data from being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum HeldBy {
    /// The congestion window is full.
    Cwnd,
    /// The connection is not established yet.
    Handshake,
    /// Lost data is sent first.
    Loss,
    /// Nagle's algorithm: a small segment waits until everything in flight is acknowledged.
    Nagle,
    /// The peer's window is full, or has room only for a small segment (RFC 9293 section 3.8.6.2.1).
    Window,
}

impl HeldBy {
    /// Returns the name, as in JSON.
    pub fn slug(self) -> &'static str {
        match self {
            HeldBy::Cwnd => "cwnd",
            HeldBy::Handshake => "handshake",
            HeldBy::Loss => "loss",
            HeldBy::Nagle => "nagle",
            HeldBy::Window => "window",
        }
    }
}

impl Block {
    /// Returns a snapshot of a connection in `state`. `queues` are the numbers of bytes in the send and receive buffer.
    /// `nagle` says whether Nagle's algorithm is on. The caller fills in the timers that are `None` here.
    pub(in crate::stack) fn snapshot(&self, state: State, queues: [usize; 2], nagle: bool) -> Control {
        let r = &self.recovery;
        let [queued, unread] = queues.map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
        let is_synchronized = !matches!(state, State::SynSent | State::SynReceived);
        // The send buffer contains neither the SYN nor the FIN, but `flight` includes both.
        let sent = if is_synchronized { self.flight() } else { 0 };
        let unsent = queued.saturating_sub(sent);
        let threshold = r.window.ssthresh();
        Control {
            iss: self.iss,
            irs: (state != State::SynSent).then_some(self.irs),
            una: self.una,
            nxt: self.nxt,
            snd_wnd: self.window,
            rcv_nxt: self.rcv_nxt,
            rcv_wnd: super::distance(self.rcv_nxt, self.edge),
            mss: r.mss,
            #[cfg(feature = "fragments")]
            tries_shorter: self.tried_mtu().is_some(),
            #[cfg(not(feature = "fragments"))]
            tries_shorter: false,
            srtt: r.rtt.smoothed(),
            rttvar: r.rtt.smoothed().map(|_| r.rtt.variation()),
            rto: self.interval(),
            cwnd: (r.window.algorithm() != Congestion::None).then(|| r.window.bytes()),
            // Before the first loss, the threshold is `u32::MAX`.
            ssthresh: (threshold < u32::MAX).then_some(threshold),
            duplicates: r.duplicates,
            recovery_point: r.point,
            sack: r.sack,
            retransmission: r.retransmission.map(|timer| timer.due),
            tail_probe: r.probe,
            persist: r.persist,
            time_wait: None,
            queued,
            unread,
            out_of_order: self.ranges(),
            delayed_ack: None,
            keep_alive: None,
            user_timeout: None,
            unsent,
            held_by: if is_synchronized {
                self.held_by(unsent, nagle)
            } else {
                (unsent > 0).then_some(HeldBy::Handshake)
            },
        }
    }

    /// Returns what keeps `unsent` bytes from being sent, or `None` if nothing does. The rules are those by which
    /// `allowance` (in window.rs) limits new data, but this function changes nothing.
    fn held_by(&self, unsent: u32, nagle: bool) -> Option<HeldBy> {
        let mss = self.recovery.mss;
        if unsent == 0 {
            return None;
        }
        if self.hole().is_some() {
            return Some(HeldBy::Loss);
        }
        let offered = self.window.saturating_sub(self.flight());
        // `None`: nothing must be retransmitted.
        let room = self.room(None);
        let limit = offered.min(room);
        match () {
            // Everything fits, so only Nagle's algorithm can hold the data back.
            () if unsent <= limit => (nagle && unsent < mss && self.flight() > 0).then_some(HeldBy::Nagle),
            // A full segment fits, so nothing holds the data back.
            () if limit >= mss => None,
            () if room < offered => Some(HeldBy::Cwnd),
            () => Some(HeldBy::Window),
        }
    }
}
