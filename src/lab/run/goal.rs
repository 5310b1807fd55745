//! The events at which a run can stop.

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;

use crate::lab::show::What;
use crate::lab::{Kind, Snapshot, change};
use crate::trace::{Carries, Summary};

/// The event at which a run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A frame of this kind is sent or arrives.
    Frame(Protocol),
    /// A frame is sent that is dropped or lost.
    Loss,
    /// One end enters this state: the client (0), the server (1) or either.
    State(Option<usize>, State),
    /// The run has taken this number of steps.
    Step(u32),
    /// The run has lasted for this time.
    Time(Duration),
}

/// A kind of frame, by its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// ARP.
    Arp,
    /// ICMP or ICMPv6.
    Icmp,
    /// A kind of frame that `--fault` can also name.
    Kind(Kind),
    /// Any TCP segment.
    Tcp,
}

impl Goal {
    /// Returns whether an entry is the event. `before` are the states before the step.
    pub(super) fn is_reached(self, snapshot: &Snapshot, before: [State; 2]) -> bool {
        match (self, snapshot.entry.what) {
            (Goal::State(end, state), _) => {
                [0, 1].iter().any(|&host| end.is_none_or(|end| end == host) && enters(snapshot, before, host, state))
            }
            (Goal::Frame(kind), What::Arrived { summary, .. } | What::Sent { summary, .. }) => kind.matches(&summary),
            (Goal::Loss, What::Sent { verdict, .. }) => verdict.is_lost(),
            _ => false,
        }
    }
}

impl Protocol {
    /// Returns whether a frame is of this kind.
    pub fn matches(self, summary: &Summary) -> bool {
        match self {
            Protocol::Arp => matches!(summary.carries, Carries::ArpReply | Carries::ArpRequest),
            Protocol::Icmp => matches!(summary.carries, Carries::Icmp(..) | Carries::Icmpv6(..)),
            Protocol::Kind(kind) => kind.matches(summary),
            Protocol::Tcp => summary.segment().is_some(),
        }
    }
}

/// Returns whether a host enters a state in this entry. `before` are the states before the step.
fn enters(snapshot: &Snapshot, before: [State; 2], host: usize, state: State) -> bool {
    let told = match snapshot.entry.what {
        What::Stack(event) if snapshot.entry.host == host => change(&event).is_some_and(|(_, to)| to == state),
        _ => false,
    };
    told || (snapshot.states[host] == state && before[host] != state)
}
