//! Explains why a connection's state changed.

use smoltcp::socket::tcp::State;

use super::{Explanation, because};

/// Explains a change of state.
pub fn transition(from: State, to: State) -> Explanation {
    use State::*;
    match (from, to) {
        (Closed, Listen) => because(
            "A server opens passively: it waits for a client.",
            "服务器被动打开：等待客户的连接请求。",
            "RFC 9293 section 3.9.1.1",
        ),
        (Closed, SynSent) => because(
            "A client opens actively: it sends SYN and waits for SYN,ACK.",
            "客户主动打开：发送 SYN，等待 SYN,ACK。",
            "RFC 9293 section 3.9.1.1",
        ),
        (Listen, SynReceived) => because(
            "A SYN reached the listener: it answers with SYN,ACK, and the handshake is half-way.",
            "SYN 到达监听端口：用 SYN,ACK 回答，三次握手进行到一半。",
            "RFC 9293 section 3.10.7.2",
        ),
        (SynSent, SynReceived) => because(
            "Both ends called each other at the same time: a SYN arrived in place of the expected \
             SYN,ACK.",
            "双方同时向对方发起连接：期待的是 SYN,ACK，收到的却是 SYN，即同时打开。",
            "RFC 9293 section 3.5",
        ),
        (SynSent, Established) => because(
            "SYN,ACK arrived and acknowledges our SYN: this end is established, and its ACK will tell \
             the peer.",
            "收到的 SYN,ACK 确认了我们的 SYN：本端已建立连接，随后用 ACK 告知对方。",
            "RFC 9293 section 3.10.7.3",
        ),
        (SynSent, Closed) => because(
            "The attempt is over: it was refused with RST, timed out, or was aborted.",
            "连接没有建立起来：被 RST 拒绝、超时，或者由本端终止。",
            "RFC 9293 section 3.10.7.3",
        ),
        (SynReceived, Established) => because(
            "Our SYN is acknowledged: the handshake is complete at this end.",
            "我们的 SYN 得到确认：这一端的握手已经完成。",
            "RFC 9293 section 3.10.7.4",
        ),
        (SynReceived, Listen) => because(
            "RST ends a connection in SYN-RECEIVED that began in LISTEN: the listener waits for the next one.",
            "由 LISTEN 进入 SYN-RECEIVED 的连接被 RST 终止：监听端口继续等待下一个连接请求。",
            "RFC 9293 section 3.10.7.4",
        ),
        (SynReceived, CloseWait) => because(
            "The segment that completed the handshake also carried FIN, so the connection passed through \
             ESTABLISHED at once.",
            "完成握手的报文段同时带有 FIN，所以连接刚经过 ESTABLISHED 就离开了。",
            "RFC 9293 section 3.10.7.4",
        ),
        (SynReceived, FinWait1) => because(
            "The program closed before the handshake was complete: FIN follows the SYN.",
            "程序在握手完成之前就关闭了连接：SYN 之后发送 FIN。",
            "RFC 9293 section 3.10.4",
        ),
        (Established, FinWait1) => because(
            "The program closed first: FIN follows the queued data, and the peer may continue to \
             send.",
            "程序先关闭连接：发送缓存中的数据发送完毕后发送 FIN，对方仍可以继续发送数据，即半关闭。",
            "RFC 9293 section 3.6",
        ),
        (Established, CloseWait) => because(
            "The peer's FIN arrived: the peer will send no more data, and this end may send until its \
             program closes.",
            "收到对方的 FIN：对方不再发送数据；本端在程序关闭连接之前仍可以发送。",
            "RFC 9293 section 3.6",
        ),
        (FinWait1, FinWait2) => because(
            "Our FIN is acknowledged: this end now waits for the peer's FIN.",
            "我们的 FIN 得到确认：本端现在等待对方的 FIN。",
            "RFC 9293 section 3.6",
        ),
        (FinWait1, Closing) => because(
            "The peer's FIN arrived and does not acknowledge ours: both ends closed at the same time.",
            "收到对方的 FIN，但它没有确认我们的 FIN：双方同时关闭。",
            "RFC 9293 section 3.6",
        ),
        (FinWait1, TimeWait) => because(
            "One segment carried the peer's FIN and the acknowledgement of ours, so the connection skips \
             FIN-WAIT-2. (Note 2 of the RFC's figure 5 says so; the figure leaves the arrow out.)",
            "一个报文段既带有对方的 FIN，又确认了我们的 FIN，所以跳过 FIN-WAIT-2。（RFC 图 5 的注 2 说明\
             了这一点，图中省略了这个箭头。）",
            "RFC 9293 section 3.3.2",
        ),
        (FinWait2, TimeWait) => because(
            "The peer's FIN arrived: this end acknowledges it and keeps the connection for a while, in case that ACK is \
             lost.",
            "收到对方的 FIN：本端确认它，并把连接再保留一段时间，以防这个 ACK 丢失。",
            "RFC 9293 section 3.6.1",
        ),
        (Closing, TimeWait) => because(
            "Our FIN is acknowledged, and the peer's FIN arrived before: both ends wait until old segments \
             have expired.",
            "我们的 FIN 得到确认，而对方的 FIN 先前已到达：两端都等待旧的报文段从网络中消失。",
            "RFC 9293 section 3.6",
        ),
        (CloseWait, LastAck) => because(
            "The program closed too: FIN is sent, and only its acknowledgement is missing.",
            "程序也关闭连接：发送 FIN，只差对它的确认了。",
            "RFC 9293 section 3.6",
        ),
        (LastAck, Closed) => because(
            "Our FIN is acknowledged: the side that closed last needs no TIME-WAIT.",
            "我们的 FIN 得到确认：后关闭的一端不需要 TIME-WAIT。",
            "RFC 9293 section 3.10.7.4",
        ),
        (TimeWait, Closed) => because(
            "TIME-WAIT is over: no segment of this connection is in flight any more. (The RFC \
             asks for twice the maximum segment lifetime, four minutes; this stack waits 60 s.)",
            "TIME-WAIT 结束：网络中已没有这个连接的报文段。（RFC 要求等待两倍的最长报文段寿命，即四分钟；\
             本协议栈等待 60 秒。）",
            "RFC 9293 section 3.6.1",
        ),
        (_, Closed) => because(
            "The connection ends at once: RST arrived, or this end aborted it or gave it up. (By RFC 9293 section 3.5.2 the end \
             that sends RST should enter TIME-WAIT. By section 3.10.5 it enters CLOSED, as here.)",
            "连接立即终止：收到了 RST，或者本端异常终止或放弃了连接。（发送 RST 的一端，按照 RFC 9293 §3.5.2 \
             应进入 TIME-WAIT，按照 §3.10.5 则进入 CLOSED；这里是后者。）",
            "RFC 9293 section 3.10.7.4",
        ),
        _ => because(
            "The connection made more than one transition of the diagram at once.",
            "连接一次经过了状态图中的多个转换。",
            "RFC 9293 section 3.3.2",
        ),
    }
}
