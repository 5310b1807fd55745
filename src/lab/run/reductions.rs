//! Finds the steps in which a sender's congestion window becomes smaller.

use alloc::vec::Vec;

use smoltcp::wire::TcpSeqNumber;

use super::HostLab;
use crate::lab::show::What;
use crate::lab::{Reduction, Sign};
use crate::stack::{Congestion, Control, Tuple};
use crate::trace::{Cause, Segment, Summary};

/// The congestion windows of all connections before a step.
#[derive(Default)]
pub struct Windows(Vec<Window>);

/// The congestion window of one side of a connection.
struct Window {
    host: usize,
    tuple: Tuple,
    cwnd: u32,
    /// The sequence number at which the connection's recovery ends, while a loss is repaired.
    recovery_point: Option<TcpSeqNumber>,
}

impl Windows {
    /// Returns the present congestion windows, for a comparison with those after the next step.
    pub fn of(lab: &HostLab<'_>) -> Self {
        let of_host = |host: usize| {
            lab.control(host).filter_map(move |(tuple, control)| {
                Some(Window { host, tuple, cwnd: control.cwnd?, recovery_point: control.recovery_point })
            })
        };
        Windows((0..lab.hosts.len()).flat_map(of_host).collect())
    }

    /// Returns how the step reduced the congestion window of an entry's connection, at the entry's host. Only the first
    /// entry of the step with a segment of this connection gets the reduction. Other entries get `None`.
    pub fn reduction(
        &mut self,
        host: usize,
        what: &What,
        lab: &HostLab<'_>,
        algorithm: Congestion,
    ) -> Option<Reduction> {
        let (summary, cause, is_sent) = match what {
            What::Arrived { summary, damaged: false, .. } => (summary, None, false),
            What::Sent { summary, cause, .. } => (summary, *cause, true),
            _ => return None,
        };
        let segment = summary.segment()?;
        let tuple = tuple_at_host(summary, is_sent)?;
        // Removing the window keeps later entries of this step from getting the same reduction.
        let windows_before = &mut self.0;
        let index = windows_before.iter().position(|window| window.host == host && window.tuple == tuple)?;
        let before = windows_before.swap_remove(index);
        let (_, after) = lab.control(host).find(|(other, _)| *other == tuple)?;
        let to = after.cwnd.filter(|cwnd| *cwnd < before.cwnd)?;
        let sign =
            if is_sent { sign_of_sent(&segment, cause, &after) } else { sign_of_arrived(&segment, &before, &after)? };
        let is_cubic = algorithm == Congestion::Cubic;
        Some(Reduction { from: before.cwnd, to, ssthresh: after.ssthresh, sign, is_cubic })
    }
}

/// Returns the connection of a frame. `local` is the sender if `is_sent` is true, and otherwise the receiver.
fn tuple_at_host(summary: &Summary, is_sent: bool) -> Option<Tuple> {
    let ends = summary.ends?;
    let (local, remote) = if is_sent { (ends.source, ends.destination) } else { (ends.destination, ends.source) };
    Some(Tuple { local, remote })
}

/// Returns why the window was reduced in a step that sends this segment. `after` is the [`Control`] after the step.
fn sign_of_sent(segment: &Segment, cause: Option<Cause>, after: &Control) -> Sign {
    match cause {
        // A SYN has a cause only if it is sent again.
        Some(_) if segment.syn => Sign::LostSyn,
        Some(Cause::FastRetransmission | Cause::LostRetransmission) => Sign::Retransmission,
        Some(cause) if cause.is_again() && after.recovery_point.is_some() => Sign::Timeout,
        // Any other reduction follows an idle time: the stack makes it before it sends new data.
        _ => Sign::Idle,
    }
}

/// Returns why an arrived segment reduces the window. Returns `None` for a segment of the handshake, because the
/// handshake only replaces the initial window.
fn sign_of_arrived(segment: &Segment, before: &Window, after: &Control) -> Option<Sign> {
    if segment.syn {
        return None;
    }
    Some(match () {
        // No loss is being repaired, so the window was reduced after an idle time. The stack does this before it sends
        // new data, which can be in the step in which an ACK arrives.
        () if after.recovery_point.is_none() => Sign::Idle,
        // The recovery was already in progress, so one of its own retransmissions is lost.
        () if before.recovery_point == after.recovery_point => Sign::Retransmission,
        () if after.sack => Sign::Sack,
        () => Sign::Duplicates(after.duplicates),
    })
}
