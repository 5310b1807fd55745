//! The events at which a run can stop.

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;

use crate::lab::figure::{NAMES, STATES};
use crate::lab::show::What;
use crate::lab::{Kind, Snapshot, change};
use crate::trace::{Carries, Summary};

/// The event at which a run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The state of a side changes.
    Change,
    /// A frame of this kind is sent or arrives.
    Frame(Protocol),
    /// A sent frame is dropped or lost.
    Loss,
    /// One side enters this state: the client (0), the server (1) or either.
    State(Option<usize>, State),
    /// The run has taken this many steps.
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

/// The invalid part of an event's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoalError<'w> {
    /// A word that is neither an event nor a state.
    Event(&'w str),
    /// An invalid number of steps.
    Number(&'w str),
    /// A word after `client=` or `server=` that is not a state.
    State(&'w str),
    /// An invalid time.
    Time(&'w str),
}

impl Goal {
    /// Parses an event, as in `ESTABLISHED`, `client=est`, `syn`, `loss` or `time=2s`. `time` parses a time.
    ///
    /// # Errors
    /// Returns [`GoalError`] with the invalid part of `word`.
    pub fn parse<'w>(word: &'w str, time: impl Fn(&str) -> Option<Duration>) -> Result<Goal, GoalError<'w>> {
        // `client=STATE` or `server=STATE`.
        let state_of =
            |host, name: &'w str| state(name).map(|state| Goal::State(Some(host), state)).ok_or(GoalError::State(name));
        if let Some((key, value)) = word.split_once('=') {
            match key {
                key if key.eq_ignore_ascii_case("client") => return state_of(0, value),
                key if key.eq_ignore_ascii_case("server") => return state_of(1, value),
                key if key.eq_ignore_ascii_case("step") => {
                    return value.parse().map(Goal::Step).map_err(|_| GoalError::Number(value));
                }
                key if key.eq_ignore_ascii_case("time") => {
                    return time(value).map(Goal::Time).ok_or(GoalError::Time(value));
                }
                // An unknown name before '=' is reported below, as an unknown event.
                _ => {}
            }
        }
        let lower = word.to_ascii_lowercase();
        Ok(match lower.as_str() {
            "arp" => Goal::Frame(Protocol::Arp),
            "icmp" => Goal::Frame(Protocol::Icmp),
            "loss" => Goal::Loss,
            "packet" => Goal::Frame(Protocol::Kind(Kind::Any)),
            "state" => Goal::Change,
            "tcp" => Goal::Frame(Protocol::Tcp),
            name => match Kind::named(name) {
                Some(kind) => Goal::Frame(Protocol::Kind(kind)),
                None => Goal::State(None, state(word).ok_or(GoalError::Event(word))?),
            },
        })
    }

    /// Returns whether an entry is the event. `before` contains the states before the step.
    pub(super) fn is_reached(self, snapshot: &Snapshot, before: [State; 2]) -> bool {
        match (self, snapshot.entry.what) {
            (Goal::State(named, state), _) => {
                // Without a named host, either host can enter the state.
                let is_meant = |host: usize| named.is_none_or(|named| named == host);
                [0, 1].iter().any(|&host| is_meant(host) && enters(snapshot, before, host, state))
            }
            (Goal::Change, What::Stack(event)) => change(&event).is_some(),
            (Goal::Frame(kind), What::Arrived { summary, .. } | What::Sent { summary, .. }) => kind.matches(&summary),
            (Goal::Loss, What::Sent { verdict, .. }) => verdict.is_lost(),
            // `Run::step` checks `Goal::Step` and `Goal::Time`, which belong to no entry.
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

/// Returns the TCP state that RFC 9293 calls `name`, or the only state whose name starts with `name`. Case does not
/// matter.
pub fn state(name: &str) -> Option<State> {
    let all = || NAMES.into_iter().zip(STATES);
    let begins = |full: &str| full.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    let mut named = all().filter(|(full, _)| !name.is_empty() && begins(full));
    let exact = all().find(|(full, _)| full.eq_ignore_ascii_case(name));
    // An abbreviation is valid only if no second name begins with it.
    exact.or(named.next().filter(|_| named.next().is_none())).map(|(_, state)| state)
}

/// Returns whether a host enters a state in this entry. `before` contains the states before the step.
fn enters(snapshot: &Snapshot, before: [State; 2], host: usize, state: State) -> bool {
    // A step can pass through a state. The event that reports this state counts, even if the state after the step is
    // another one.
    let reported = match snapshot.entry.what {
        What::Stack(event) if snapshot.entry.host == host => change(&event).is_some_and(|(_, to)| to == state),
        _ => false,
    };
    reported || (snapshot.states[host] == state && before[host] != state)
}
