//! The state diagram of RFC 9293, Figure 5, and the transitions that this stack can make.

use smoltcp::socket::tcp::State;

/// The 11 states, in the order of the figure.
pub const STATES: [State; 11] = [
    State::Closed,
    State::Listen,
    State::SynSent,
    State::SynReceived,
    State::Established,
    State::FinWait1,
    State::FinWait2,
    State::CloseWait,
    State::Closing,
    State::LastAck,
    State::TimeWait,
];

/// Returns the state with this name, written as in RFC 9293: `SYN-SENT`.
pub fn state(name: &str) -> Option<State> {
    NAMES.iter().zip(STATES).find(|(n, _)| **n == name).map(|(_, state)| state)
}

/// The states' names, in the order of [`STATES`].
pub const NAMES: [&str; 11] = [
    "CLOSED",
    "LISTEN",
    "SYN-SENT",
    "SYN-RECEIVED",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
];

/// A transition of the figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state before the transition.
    pub from: State,
    /// The state after the transition.
    pub to: State,
    /// The event that causes the transition.
    pub on: &'static str,
    /// Why this stack never makes the transition, or `None` if it does.
    pub never: Option<&'static str>,
}

const fn on(from: State, to: State, on: &'static str) -> Transition {
    Transition { from, to, on, never: None }
}

const fn never(from: State, to: State, on: &'static str, why: &'static str) -> Transition {
    Transition { from, to, on, never: Some(why) }
}

/// The transitions of the figure, and the transition that its note 2 adds.
pub const TRANSITIONS: [Transition; 21] = [
    on(State::Closed, State::Listen, "passive OPEN"),
    on(State::Closed, State::SynSent, "active OPEN: SYN sent"),
    never(
        State::Listen,
        State::Closed,
        "CLOSE",
        "only the whole stack stops listening, in shut_down; no socket changes its state then",
    ),
    on(State::Listen, State::SynReceived, "SYN received: SYN,ACK sent"),
    never(
        State::Listen,
        State::SynSent,
        "SEND: SYN sent",
        "a listening port cannot open a connection: this stack has no such function",
    ),
    on(State::SynSent, State::Closed, "CLOSE (here, by note 3: RST received)"),
    on(State::SynSent, State::SynReceived, "SYN received: SYN,ACK sent"),
    on(State::SynSent, State::Established, "SYN,ACK received: ACK sent"),
    on(State::SynReceived, State::Listen, "RST received"),
    on(State::SynReceived, State::Established, "ACK of SYN received"),
    never(
        State::SynReceived,
        State::FinWait1,
        "CLOSE: FIN sent",
        "a program runs only from ESTABLISHED on; a connection in SYN-RECEIVED is dropped instead",
    ),
    on(State::Established, State::FinWait1, "CLOSE: FIN sent"),
    on(State::Established, State::CloseWait, "FIN received: ACK sent"),
    on(State::FinWait1, State::FinWait2, "ACK of FIN received"),
    on(State::FinWait1, State::Closing, "FIN received: ACK sent"),
    on(State::FinWait1, State::TimeWait, "note 2: FIN and ACK of FIN received, ACK sent"),
    on(State::FinWait2, State::TimeWait, "FIN received: ACK sent"),
    on(State::CloseWait, State::LastAck, "CLOSE: FIN sent"),
    on(State::Closing, State::TimeWait, "ACK of FIN received"),
    on(State::LastAck, State::Closed, "ACK of FIN received"),
    on(State::TimeWait, State::Closed, "timeout of 2 MSL (here 60 s)"),
];
