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

/// A transition between two states in the figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state before the transition.
    pub from: State,
    /// The state after the transition.
    pub to: State,
    /// The event that causes the transition.
    pub on: &'static str,
    /// The event in Chinese.
    pub on_zh: &'static str,
    /// Why this stack never makes the transition, in English and Chinese, or `None` if it does.
    pub never: Option<[&'static str; 2]>,
}

/// Returns a transition that this stack makes. `on` is the event that causes it.
const fn on(from: State, to: State, on: &'static str, on_zh: &'static str) -> Transition {
    Transition { from, to, on, on_zh, never: None }
}

/// Returns a transition that this stack never makes. `on` is the event that would cause it, and `why` is the reason.
/// `on_zh` and `why_zh` are their Chinese texts.
const fn never(
    from: State,
    to: State,
    on: &'static str,
    on_zh: &'static str,
    why: &'static str,
    why_zh: &'static str,
) -> Transition {
    Transition { from, to, on, on_zh, never: Some([why, why_zh]) }
}

/// The transitions of the figure, and the transition that its note 2 adds.
pub const TRANSITIONS: [Transition; 21] = [
    on(State::Closed, State::Listen, "passive OPEN", "被动打开"),
    on(State::Closed, State::SynSent, "active OPEN: SYN sent", "主动打开，发送 SYN"),
    never(
        State::Listen,
        State::Closed,
        "CLOSE",
        "关闭",
        "listening ends only when the whole stack shuts down, and no socket changes its state then",
        "只有整个协议栈停止时才不再监听，这时没有套接字改变状态",
    ),
    on(State::Listen, State::SynReceived, "SYN received: SYN,ACK sent", "收到 SYN，发送 SYN,ACK"),
    never(
        State::Listen,
        State::SynSent,
        "SEND: SYN sent",
        "发送数据，发送 SYN",
        "a listening port cannot open a connection: this stack has no such function",
        "正在监听的端口不能主动打开连接：本协议栈没有这个功能",
    ),
    on(State::SynSent, State::Closed, "CLOSE (here, by note 3: RST received)", "关闭（这里按注 3：收到 RST）"),
    on(State::SynSent, State::SynReceived, "SYN received: SYN,ACK sent", "收到 SYN，发送 SYN,ACK"),
    on(State::SynSent, State::Established, "SYN,ACK received: ACK sent", "收到 SYN,ACK，发送 ACK"),
    on(State::SynReceived, State::Listen, "RST received", "收到 RST"),
    on(State::SynReceived, State::Established, "ACK of SYN received", "收到对 SYN 的 ACK"),
    never(
        State::SynReceived,
        State::FinWait1,
        "CLOSE: FIN sent",
        "关闭，发送 FIN",
        "a program starts to run only in ESTABLISHED; a connection in SYN-RECEIVED is dropped instead",
        "从 ESTABLISHED 起程序才运行；处于 SYN-RECEIVED 的连接直接丢弃",
    ),
    on(State::Established, State::FinWait1, "CLOSE: FIN sent", "关闭，发送 FIN"),
    on(State::Established, State::CloseWait, "FIN received: ACK sent", "收到 FIN，发送 ACK"),
    on(State::FinWait1, State::FinWait2, "ACK of FIN received", "收到对 FIN 的 ACK"),
    on(State::FinWait1, State::Closing, "FIN received: ACK sent", "收到 FIN，发送 ACK"),
    on(
        State::FinWait1,
        State::TimeWait,
        "note 2: FIN and ACK of FIN received, ACK sent",
        "注 2：收到 FIN 和对 FIN 的 ACK，发送 ACK",
    ),
    on(State::FinWait2, State::TimeWait, "FIN received: ACK sent", "收到 FIN，发送 ACK"),
    on(State::CloseWait, State::LastAck, "CLOSE: FIN sent", "关闭，发送 FIN"),
    on(State::Closing, State::TimeWait, "ACK of FIN received", "收到对 FIN 的 ACK"),
    on(State::LastAck, State::Closed, "ACK of FIN received", "收到对 FIN 的 ACK"),
    on(State::TimeWait, State::Closed, "timeout of 2 MSL (here 60 s)", "经过 2 MSL（这里是 60 s）"),
];
