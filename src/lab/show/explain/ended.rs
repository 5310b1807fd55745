//! Explains how a connection ended.

use smoltcp::socket::tcp::State;

use super::{Explanation, because};
use crate::stack::End;

/// Explains how a connection ended. `state` is the host's state after the step.
pub(super) fn ended(end: End, state: Option<State>) -> Explanation {
    match end {
        End::Aborted => because(
            "This end aborted the connection with RST.",
            "本端用 RST 异常终止了连接。",
            "RFC 9293 section 3.10.5",
        ),
        End::AddressGone => because(
            "The interface lost the address, and with it every connection that used it.",
            "接口失去了这个地址，使用该地址的连接也随之消失。",
            "",
        ),
        End::Closed if state == Some(State::TimeWait) => because(
            "Both directions are closed, and the program is told so. The stack keeps the connection's numbers in TIME-WAIT.",
            "两个方向都已关闭，并已通知程序。协议栈仍在 TIME-WAIT 状态中保留这个连接的序号。",
            "RFC 9293 section 3.6.1",
        ),
        End::Closed => because(
            "Both directions are closed, and all data of this end is acknowledged.",
            "两个方向都已关闭，本端的全部数据都已得到确认。",
            "RFC 9293 section 3.6",
        ),
        End::Recycled => because(
            "A new connection needed the slot: the oldest in TIME-WAIT is recycled first, then the oldest in SYN-RECEIVED.",
            "新连接需要占用一个位置：首先回收处于 TIME-WAIT 时间最长的连接，其次回收处于 SYN-RECEIVED 时\
             间最长的连接。",
            "RFC 4987 section 3.4",
        ),
        End::Refused => because(
            "RST or an ICMP error answered the SYN: no program listens on that port, or there is no room.",
            "SYN 得到的回答是 RST 或 ICMP 差错报文：没有程序监听这个端口，或者已没有空位。",
            "RFC 9293 section 3.8.3",
        ),
        End::Reset => because(
            "The peer sent RST: it has aborted the connection, or has no such connection.",
            "对方发来 RST：对方已异常终止这个连接，或者没有这个连接。",
            "RFC 9293 section 3.5.3",
        ),
        End::TimedOut => because(
            "The peer did not answer in time: it answered neither retransmissions nor probes. (The RFC repeats a SYN \
             for at least three minutes. Here the caller sets the time. By section 3.10.8, nothing is sent after the \
             time-out. Here one RST is sent if the handshake was complete, so that a peer that still runs learns of the end.)",
            "对方在规定时间内没有应答：重传的报文段和探测报文段都没有回音。（RFC 规定重传 SYN 至少持续三分钟；\
             这里由主动打开的一方规定时间。按照 §3.10.8，超时之后什么也不发送；这里如果握手已完成，就发送一个 RST，使\
             仍在运行的对方知道连接已结束。）",
            "RFC 9293 section 3.8.3",
        ),
        #[cfg(feature = "recovery")]
        End::Undelivered(_) => because(
            "The peer did not answer in time, and an ICMP error gave the reason: such an error may be temporary, so it \
             ends no connection by itself. (By the RFC, a hard error, such as port unreachable, should abort the \
             connection; here it ends only an attempt to connect.)",
            "对方在规定时间内没有应答，ICMP 差错报文给出了原因：这种差错可能只是暂时的，因此它本身并不终\
             止连接。（按照 RFC，端口不可达之类的硬差错应终止连接；这里它只终止正在建立的连接。）",
            "RFC 9293 section 3.9.2.2",
        ),
        End::Unreachable => because(
            "No host on the link answered the requests for the hardware address, so not even the SYN could be sent. ARP itself has no \
             answer that says so.",
            "链路上没有主机应答对该硬件地址的请求，所以连 SYN 也发不出去。ARP 本身没有表示失败的应答。",
            "RFC 826",
        ),
    }
}
