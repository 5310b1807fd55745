//! Explains in one sentence why an event happened, and names the RFC section. Each sentence is in English and Chinese.
//!
//! The other explanations are in the folder explain:
//!
//! - arrived.rs: received frames
//! - caused.rs: frames that are sent for a special reason
//! - dropped.rs: dropped and lost frames
//! - ended.rs: the end of a connection
//! - reduced.rs: reductions of the congestion window
//! - transition.rs: state changes
//! - wire.rs: drops, answers and forged segments of the wire

mod arrived;
mod caused;
mod dropped;
mod ended;
#[cfg(feature = "recovery")]
mod reduced;
mod transition;
mod wire;

use arrived::{arrived, damaged};
use caused::caused;
use dropped::{dropped, lost};
use ended::ended;
pub use transition::transition;

use core::fmt::{self, Display};

use smoltcp::socket::tcp::State;
use smoltcp::wire::TcpSeqNumber;

use super::entry::What;
#[cfg(feature = "recovery")]
use crate::lab::Reduction;
use crate::lab::lang::Lang;
use crate::lab::{HostEvent, Snapshot, WIRE};
use crate::stack::{Event, Next};
use crate::trace::{Carries, Segment};

/// The reason why an event happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    english: &'static str,
    chinese: &'static str,
    /// The RFC and its section, as in `RFC 9293 section 3.5`. Empty if no RFC prescribes the behaviour.
    pub rfc: &'static str,
    /// How the congestion window became smaller, if it did.
    #[cfg(feature = "recovery")]
    reduction: Option<Reduction>,
}

impl Explanation {
    /// Returns the explanation, in one or two sentences, without the numbers of a reduced congestion window.
    pub fn text(&self, lang: Lang) -> &'static str {
        lang.pick(self.english, self.chinese)
    }

    /// Returns the whole explanation: the text, then the sizes of the congestion window if the window became smaller,
    /// and then, in brackets, how an RFC differs from this stack, if it does.
    pub(crate) fn whole(&self, lang: Lang) -> impl Display {
        let (text, differs) = self.text_and_difference(lang);
        let [open, close] = [lang.pick(" (", "（"), lang.pick(")", "）")];
        fmt::from_fn(move |f| {
            f.write_str(text)?;
            self.write_reduction(f, lang)?;
            match differs {
                Some(differs) => write!(f, "{open}{differs}{close}"),
                None => Ok(()),
            }
        })
    }

    /// Writes the sentence with the numbers of a reduction, if there is one.
    #[cfg(feature = "recovery")]
    pub(crate) fn write_reduction(&self, f: &mut dyn fmt::Write, lang: Lang) -> fmt::Result {
        match self.reduction {
            Some(reduction) => write!(f, "{}{}", lang.pick(" ", ""), reduced::Numbers(reduction, lang)),
            None => Ok(()),
        }
    }

    #[cfg(not(feature = "recovery"))]
    pub(crate) fn write_reduction(&self, _f: &mut dyn fmt::Write, _lang: Lang) -> fmt::Result {
        Ok(())
    }

    /// Returns the explanation in two parts. If the last sentence is in brackets, it is the second part, without its
    /// brackets: it says how an RFC differs from this stack.
    pub(crate) fn text_and_difference(&self, lang: Lang) -> (&'static str, Option<&'static str>) {
        let text = self.text(lang);
        // `open` begins with the full stop of the sentence before the bracket. That stop belongs to the first part.
        let [stop, open, close] = [lang.pick(".", "。"), lang.pick(". (", "。（"), lang.pick(")", "）")];
        let parts = text.strip_suffix(close).and_then(|text| text.rsplit_once(open));
        match parts {
            Some((before, differs)) => (&text[..before.len() + stop.len()], Some(differs)),
            None => (text, None),
        }
    }
}

/// Explains an entry. Returns `None` if the entry needs no explanation.
pub fn explain(snapshot: &Snapshot) -> Option<Explanation> {
    let explanation = reason(snapshot)?;
    #[cfg(feature = "recovery")]
    let explanation = Explanation { reduction: snapshot.reduction, ..explanation };
    Some(explanation)
}

/// Explains an entry, without the reduction of the congestion window, which `explain` adds. Returns `None` if the entry
/// needs no explanation.
fn reason(snapshot: &Snapshot) -> Option<Explanation> {
    let host = snapshot.entry.host;
    let state = snapshot.states.get(host).copied();
    Some(match snapshot.entry.what {
        What::Arrived { damaged: true, summary, .. } => damaged(summary.carries),
        What::Arrived { summary, mark, .. } => return arrived(summary.carries, mark, snapshot),
        What::Clock => because(
            "Neither host has anything to do: in each line 'clock', the clock jumps to the next arrival or the next timer.",
            "两端都无事可做：在写着时钟的各行，虚拟时钟直接跳到下一个帧到达或下一个计时器到期的时刻。",
            "",
        ),
        What::HostEvent(HostEvent::Cut) => because(
            "The plug is pulled: no frame arrives or is sent, and the other end notices only the silence.",
            "网线被拔掉：帧既收不到也发不出，对方只能感到没有任何回音。",
            "RFC 9293 section 3.8.3",
        ),
        What::HostEvent(HostEvent::Reboot) if !peer_has_connection(snapshot) => because(
            "The host restarts and forgets its connections. The other end has no connection either, so none is half-open, unless \
             a SYN is still on its way.",
            "主机重启，忘掉了它的所有连接。对方此时也没有连接，所以没有半打开连接，除非还有 SYN 在途中。",
            "RFC 9293 section 3.5.1",
        ),
        What::HostEvent(HostEvent::Reboot) => because(
            "The host restarts and forgets its connections: the other end still has them, so they are half-open.",
            "主机重启，忘掉了它的所有连接；而对方仍保留着这些连接，于是成为半打开连接。",
            "RFC 9293 section 3.5.1",
        ),
        What::Ran(next, ..) => ran(next),
        What::RanUdp(..) => because(
            "The program on a UDP port runs: it has a datagram, room to send, or a timer that has expired.",
            "UDP 端口上的程序运行：有数据报可读，或有空间可发送，或它的计时器到期了。",
            "",
        ),
        What::Sent { summary, .. } if host == WIRE => wire::sent(&summary),
        What::Sent { verdict, summary, cause, .. } if verdict.is_lost() => {
            wire::dropped(verdict, snapshot.tries_shorter).unwrap_or_else(|| lost(summary.carries, cause, state))
        }
        What::Sent { cause: Some(cause), summary, .. } => caused(cause, summary.segment(), snapshot, state),
        What::Sent { summary, .. } => match summary.carries {
            Carries::Tcp(segment) => sent(&segment, snapshot, state),
            carries => return other(carries),
        },
        What::Stack(event) => return happened(&event, snapshot, state),
    })
}

/// Returns whether the other end of the entry's connection has the connection before the step. If that end's state is
/// not known, returns true.
fn peer_has_connection(snapshot: &Snapshot) -> bool {
    use State::*;
    // Host 0 and host 1 are each other's peer. Another host has none.
    let peer = 1_usize.checked_sub(snapshot.entry.host);
    let before = peer.and_then(|peer| snapshot.before[peer].or(snapshot.states.get(peer).copied()));
    !matches!(before, Some(Closed | Listen | SynSent))
}

/// Makes an explanation from its text in two languages and its RFC section, which can be empty. `explain` adds the
/// reduction later.
fn because(english: &'static str, chinese: &'static str, rfc: &'static str) -> Explanation {
    Explanation {
        english,
        chinese,
        rfc,
        #[cfg(feature = "recovery")]
        reduction: None,
    }
}

/// Explains why a program ran, or what follows from its request to end the connection.
fn ran(next: Next) -> Explanation {
    match next {
        Next::Abort => because(
            "The program aborts the connection: RST tells the peer, and queued data is lost.",
            "程序异常终止连接：向对方发送 RST，发送缓存中尚未发出的数据全部丢弃。",
            "RFC 9293 section 3.10.5",
        ),
        Next::Close => because(
            "The program closes the connection: FIN will follow the data that it has sent.",
            "程序关闭连接：已写入的数据发送完毕之后，发送 FIN。",
            "RFC 9293 section 3.10.4",
        ),
        Next::Wait | Next::WakeAt(_) => because(
            "The program runs, because its connection may have changed; data that it writes waits in the \
             send buffer.",
            "连接的状况可能有变，所以程序运行；它写入的数据先放在发送缓存中。",
            "",
        ),
    }
}

/// Explains a sent segment that has no special cause, by its flags and its payload. `state` is the sender's state after
/// the step.
fn sent(segment: &Segment, snapshot: &Snapshot, state: Option<State>) -> Explanation {
    use State::*;
    let [sender, receiver] = snapshot.isn;
    // If both numbers directly follow a SYN, neither side has sent data yet.
    let after_syn = |isn: Option<TcpSeqNumber>| isn.map(|isn| isn + 1);
    let has_first_numbers =
        after_syn(sender) == Some(segment.seq) && segment.ack.is_some() && after_syn(receiver) == segment.ack;
    if segment.rst {
        because(
            "RST tells the peer that there is no such connection here, or that this end has aborted \
             it.",
            "RST 告诉对方：这里没有这个连接，或者本端已异常终止了这个连接。",
            "RFC 9293 section 3.5.2",
        )
    } else if segment.syn && segment.ack.is_none() {
        because(
            "SYN asks for a connection: its number is this end's initial sequence number, and its \
             options announce the largest segment, the window scale and selective acknowledgements.",
            "SYN 请求建立连接：它的序号就是本端的初始序号，选项中说明最大报文段长度、窗口扩大因子以及是否\
             支持选择确认。",
            "RFC 9293 section 3.5",
        )
    } else if segment.syn {
        because(
            "SYN,ACK accepts the connection: it acknowledges the peer's SYN and announces this end's \
             own initial sequence number.",
            "SYN,ACK 同意建立连接：既确认对方的 SYN，又给出本端的初始序号。",
            "RFC 9293 section 3.5",
        )
    } else if segment.fin && segment.len > 0 {
        because(
            "The last payload and FIN travel in one segment: this end will send no more data.",
            "最后的数据和 FIN 放在同一个报文段中发送：本端不再发送数据。",
            "RFC 9293 section 3.6",
        )
    } else if segment.fin && state == Some(LastAck) {
        because(
            "FIN: this end will send no more data. If no segment has acknowledged the peer's FIN yet, this one does: then three \
             segments close the connection, where textbooks draw four.",
            "FIN：本端不再发送数据。如果对方的 FIN 尚未得到确认，这个报文段就一并确认它：这样只用三个报文\
             段便释放连接，而教科书上画的是四次挥手。",
            "RFC 9293 section 3.6",
        )
    } else if segment.fin {
        because(
            "FIN: this end will send no more data; FIN takes one sequence number, so that it can be \
             acknowledged.",
            "FIN：本端不再发送数据。FIN 要消耗一个序号，因此可以像数据一样得到确认。",
            "RFC 9293 section 3.6",
        )
    } else if segment.len > 0 {
        because(
            "New payload, as much as the peer's window, the congestion window and the largest segment allow; it also \
             acknowledges the data that arrived.",
            "发送新数据，其数量不超过对方的接收窗口、拥塞窗口和最大报文段长度所允许的值；同时捎带确认已收\
             到的数据。",
            "RFC 5681 section 3.1",
        )
    } else if matches!(state, Some(CloseWait | LastAck | Closing | TimeWait)) {
        because(
            "The peer's FIN is acknowledged: it counts as one in the acknowledgement number.",
            "确认对方的 FIN：FIN 消耗一个序号，所以确认号要加 1。",
            "RFC 9293 section 3.4",
        )
    } else if state == Some(Established) && has_first_numbers {
        because(
            "The third segment of the handshake: it acknowledges the peer's SYN.",
            "三次握手中的第三个报文段：确认对方的 SYN。",
            "RFC 9293 section 3.5",
        )
    } else {
        because(
            "Everything before this number has arrived; the window says how much more may be sent.",
            "这个确认号之前的数据都已收到；窗口字段说明对方还可以发送多少字节。",
            "RFC 9293 section 3.4",
        )
    }
}

/// Explains a sent frame that is not a TCP segment. Returns `None` for a frame that could not be decoded.
fn other(carries: Carries) -> Option<Explanation> {
    Some(match carries {
        Carries::ArpReply => because(
            "The owner of the IP address answers with its hardware address.",
            "该 IP 地址的拥有者给出自己的硬件地址，作为应答。",
            "RFC 826",
        ),
        Carries::ArpRequest => because(
            "A packet can be sent only when its receiver's hardware address is known: this request asks all hosts on \
             the link.",
            "必须先知道接收方的硬件地址才能发送分组：这个请求以广播方式询问链路上的所有主机。",
            "RFC 826",
        ),
        // Type 3, code 3: port unreachable.
        Carries::Icmp(3, 3) => because(
            "No program has this UDP port: ICMP reports this to the sender.",
            "没有程序使用这个 UDP 端口：用 ICMP 端口不可达报文通知发送方。",
            "RFC 1122 section 4.1.3.1",
        ),
        // Types 133 to 137 are messages of neighbour discovery.
        Carries::Icmpv6(133..=137, _) => because(
            "A neighbour discovery message: in IPv6 it does what ARP does in IPv4, and it finds routers.",
            "邻站发现报文：在 IPv6 中起 ARP 在 IPv4 中的作用，还用来发现路由器。",
            "RFC 4861 section 3.1",
        ),
        Carries::Icmpv6(..) => because(
            "A control message of IPv6: it answers an echo request, or reports a problem.",
            "ICMPv6 报文：回答回送请求，或者报告差错。",
            "RFC 4443 section 2.1",
        ),
        Carries::Icmp(..) => because(
            "A control message: it answers an echo request, or reports a problem.",
            "ICMP 报文：回答回送请求，或者报告差错。",
            "RFC 792",
        ),
        Carries::Udp(_) => because(
            "A datagram: no connection, no acknowledgement, no order; it arrives whole or not at all.",
            "UDP 数据报：无连接、无确认、不保证按序；要么完整到达，要么根本不到。",
            "RFC 768",
        ),
        // `sent` explains TCP segments.
        Carries::Other | Carries::Tcp(_) => return None,
    })
}

/// Explains an event that a host's stack reports. `state` is the host's state after the step. Returns `None` for an
/// event that needs no explanation.
fn happened(event: &Event, snapshot: &Snapshot, state: Option<State>) -> Option<Explanation> {
    Some(match event {
        Event::Address(_) => return None,
        Event::Accepted { .. } => because(
            "The handshake is complete: the connection waits for the server's program, or is served \
             at once.",
            "三次握手完成：连接或者排队等待服务器程序接受，或者立即得到服务。",
            "RFC 9293 section 3.10.7.4",
        ),
        // After a simultaneous open, another section of the RFC applies than in SYN-SENT.
        Event::Connected { .. } if snapshot.state_before() == Some(State::SynReceived) => because(
            "The handshake is complete at this end: its program can begin.",
            "本端的握手已完成：程序可以开始通信了。",
            "RFC 9293 section 3.10.7.4",
        ),
        Event::Connected { .. } => because(
            "The handshake is complete at this end: its program can begin.",
            "本端的握手已完成：程序可以开始通信了。",
            "RFC 9293 section 3.10.7.3",
        ),
        Event::Connecting { .. } => because(
            "A program asks for a connection: the stack chooses an unused local port and an initial \
             sequence number.",
            "程序请求建立连接：协议栈选择一个未使用的本地端口和一个初始序号。",
            "RFC 9293 section 3.10.1",
        ),
        // The second argument says whether the stack refuses a connection.
        Event::Dropped(why) => dropped(*why, false, snapshot.peer_state()),
        Event::Refused { why, .. } => dropped(*why, true, snapshot.peer_state()),
        Event::Ended { end, .. } | Event::HandshakeEnded { end, .. } => ended(*end, state),
        Event::Read { .. } => because(
            "The program reads data: the window can grow by the same number of bytes.",
            "程序读取数据：接收窗口可以增大同样多的字节。",
            "RFC 9293 section 3.8.6",
        ),
        Event::State { from, to, .. } => transition(*from, *to),
        Event::Udp { .. } | Event::Wrote { .. } => return None,
    })
}

#[cfg(all(test, feature = "std"))]
mod tests;
