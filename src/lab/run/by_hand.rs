//! Manual changes in a run: altering a frame in flight, or putting a segment on the wire.

use alloc::format;
use alloc::string::String;

use super::HostLab;
use crate::lab::lang::Lang;
use crate::lab::packetdrill::Ends;
use crate::lab::packetdrill::segment::SegmentText;
use crate::lab::show::In;
use crate::lab::{Setup, Verdict, hardware, ipv4};
use crate::phy::ETHERNET;
use crate::trace::Summary;

/// A manual change after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// The last step before the change.
    pub after: u32,
    /// The change.
    pub what: Change,
}

/// What the user changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The number of a frame in flight, and what happens to this frame.
    Frame(u32, Verdict),
    /// A segment that is put on the wire: the host that receives it, its two endpoints, and its fields as written.
    Segment(usize, Ends, SegmentText),
}

/// The maximum number of manual changes in a run.
pub const MAX_BY_HAND: usize = 1000;

impl ByHand {
    /// Makes the change in the lab. Returns false if the frame is not in flight, or if there is no room on the wire.
    pub fn apply(&self, lab: &mut HostLab<'_>, setup: &Setup<'_>) -> bool {
        match &self.what {
            Change::Frame(frame, fault) => lab.wire.alter(*frame, *fault),
            Change::Segment(to, ends, text) => {
                // A segment that is longer than the MTU takes several frames. `all` stops at the first frame for which
                // the wire has no room.
                text.frames(ends, setup.line.mtu).iter().all(|frame| lab.put(*to, frame))
            }
        }
    }

    /// Returns the fault, if the change is a fault of frame `wanted`.
    pub fn fault_of(&self, wanted: u32) -> Option<Verdict> {
        match self.what {
            Change::Frame(frame, fault) if frame == wanted => Some(fault),
            _ => None,
        }
    }

    /// Describes the change in a language. A segment is written as in the command `inject`: the receiver, `<` and the
    /// segment.
    pub fn text(&self, lang: Lang) -> String {
        let what = match &self.what {
            Change::Frame(frame, fault) => format!("{} {frame} {}", lang.pick("frame", "帧"), In(lang, *fault)),
            // The first field is the receiver: host 0 is the client.
            Change::Segment(0, _, text) => format!("client < {text}"),
            Change::Segment(_, _, text) => format!("server < {text}"),
        };
        match lang {
            Lang::En => format!("{what} after step {}", self.after),
            Lang::Zh => format!("第 {} 步后{what}", self.after),
        }
    }
}

/// Returns whether the frame with this number is in flight and contains an IP packet. Other frames, such as ARP, have
/// no checksum, so their receivers would not notice damage.
pub fn has_checksum(lab: &HostLab<'_>, frame: u32) -> bool {
    lab.wire.in_flight().any(|(id, .., bytes)| id == frame && Summary::of(bytes, ETHERNET).ends.is_some())
}

/// The client's port in a segment that belongs to no connection.
const PORT: u16 = 50_000;

/// Returns the sides of a segment that host `to` receives and that seems to come from the other host.
///
/// The ports and the initial sequence numbers are those of the sender's newest connection, or else of the receiver's.
/// If neither host has a connection, the ports are those of a call to the first listener, and the numbers are 0.
pub fn ends(lab: &HostLab<'_>, setup: &Setup<'_>, to: usize) -> Ends {
    // As in `Ends`, the sender comes first.
    let hosts = [1 - to, to];
    let served = setup.listeners.first().map_or(0, |listener| listener.port);
    let mut ends =
        Ends { hardware: hosts.map(hardware), addresses: hosts.map(ipv4), ports: [PORT, served], isn: [0; 2] };
    if to == 0 {
        ends.ports.reverse();
    }
    // Take the numbers from the sender's connection. If the sender has none, take them from the receiver's.
    for (host, is_receiver) in hosts.into_iter().zip([false, true]) {
        if let Some(view) = lab.newest(host) {
            // The initial sequence numbers of the host and of its peer.
            let (tuple, numbers) = (view.connection.tuple, [view.side.iss, view.irs]);
            (ends.ports, ends.isn) =
                ([tuple.local.port, tuple.remote.port], numbers.map(|n| n.map_or(0, |n| n.0 as u32)));
            // The receiver sees the sides in the opposite order.
            if is_receiver {
                ends.ports.reverse();
                ends.isn.reverse();
            }
            break;
        }
    }
    ends
}
