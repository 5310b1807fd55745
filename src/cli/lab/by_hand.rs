//! What the user does to a run by hand: changes a frame in flight, or puts a segment on the wire.

use smoltcp::wire::{EthernetAddress, IpAddress, Ipv4Address};

use crate::lab::lang::Lang;
use crate::lab::packetdrill::Ends;
use crate::lab::packetdrill::segment::SegmentText;
use crate::lab::show::In;
use crate::lab::{Setup, SetupLab, Verdict, address};
use crate::stack::Console;

/// A change that the user makes by hand after a step.
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
    /// What happens to the frame in flight with this number.
    Frame(u32, Verdict),
    /// A segment that is put on the wire: its receiver, its ends and its text.
    Segment(usize, Ends, SegmentText),
}

/// The most changes that a run can have by hand.
pub const MAX_BY_HAND: usize = 1000;

impl ByHand {
    /// Makes the change. Returns false if the frame is not in flight, or if there is no room on the wire.
    pub fn apply<C: Console, const N: usize, const R: usize>(
        &self,
        lab: &mut SetupLab<'_, C, N, R>,
        setup: &Setup<'_>,
    ) -> bool {
        match &self.what {
            Change::Frame(frame, fault) => lab.wire.alter(*frame, *fault),
            Change::Segment(to, ends, text) => {
                text.frames(ends, setup.line.mtu).iter().all(|frame| lab.put(*to, frame))
            }
        }
    }

    /// Returns the fault, if the change is one of this frame.
    pub fn fault_of(&self, wanted: u32) -> Option<Verdict> {
        match self.what {
            Change::Frame(frame, fault) if frame == wanted => Some(fault),
            _ => None,
        }
    }
}

impl ByHand {
    /// Describes the change in a language.
    pub fn text(&self, lang: Lang) -> String {
        let what = match &self.what {
            Change::Frame(frame, fault) => format!("{} {frame} {}", lang.pick("frame", "帧"), In(lang, *fault)),
            Change::Segment(0, _, text) => format!("client < {text}"),
            Change::Segment(_, _, text) => format!("server < {text}"),
        };
        match lang {
            Lang::En => format!("{what} after step {}", self.after),
            Lang::Zh => format!("第 {} 步后{what}", self.after),
        }
    }
}

/// The client's port of a segment without a connection.
const PORT: u16 = 50_000;

/// Returns the ends of a segment to host `to`, as if the other host had sent it: those of the newest connection, or else
/// the ends of a new call.
pub fn ends<C: Console, const N: usize, const R: usize>(
    lab: &SetupLab<'_, C, N, R>,
    setup: &Setup<'_>,
    to: usize,
) -> Ends {
    let hosts = [1 - to, to];
    let addresses = hosts.map(|host| match address(host) {
        IpAddress::Ipv4(address) => address,
        _ => Ipv4Address::UNSPECIFIED,
    });
    let hardware = addresses.map(|address| EthernetAddress([2, 0, 0, 0, 0, address.octets()[3]]));
    let served = setup.listeners.first().map_or(0, |listener| listener.port);
    let mut ends = Ends { hardware, addresses, ports: [PORT, served], isn: [0; 2] };
    if to == 0 {
        ends.ports.reverse();
    }
    // A host that has forgotten the connection does not know its numbers, so ask the receiver, too.
    for (place, host) in hosts.into_iter().enumerate() {
        if let Some(view) = lab.views(host).last() {
            let (tuple, numbers) = (view.connection.tuple, [view.side.iss, view.irs]);
            (ends.ports, ends.isn) =
                ([tuple.local.port, tuple.remote.port], numbers.map(|n| n.map_or(0, |n| n.0 as u32)));
            if place == 1 {
                (ends.ports, ends.isn) = ([ends.ports[1], ends.ports[0]], [ends.isn[1], ends.isn[0]]);
            }
            break;
        }
    }
    ends
}
