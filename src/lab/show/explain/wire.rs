//! Explains what the wire does: it drops frames, answers packets that are too long, and carries forged segments.

use super::{Explanation, because};
use crate::lab::{Verdict, WIRE, address};
use crate::trace::{Carries, Summary};

/// Explains why the wire drops a frame. Returns `None` if the reason is only a fault or chance. `tries_shorter` says
/// whether the sender already tries shorter segments, because long ones have timed out.
pub(super) fn dropped(verdict: Verdict, tries_shorter: bool) -> Option<Explanation> {
    Some(match verdict {
        Verdict::QueueFull => because(
            "The queue of the slow line is full, so the newest frame is dropped (tail drop): to TCP, this loss means \
             congestion.",
            "慢速链路前面的队列已满，最后到来的帧被丢弃（尾部丢弃）：TCP 把这样的丢失看成网络拥塞。",
            "RFC 7567 section 2",
        ),
        Verdict::TooLong if tries_shorter => because(
            "Long segments have timed out, so the path may drop long packets, and this segment is shorter. It is still longer than \
             the router's MTU allows, so the router drops it, too.",
            "长报文段已超时，路径可能丢弃了长分组，所以这个报文段较短。但它的分组仍超过路由器的 MTU，所以也被\
             路由器丢弃。",
            "RFC 4821 section 7.7",
        ),
        Verdict::TooLong => because(
            "The packet is longer than the router's MTU and must not be fragmented, so the router drops it. Its sender learns the \
             path's MTU from ICMP, or only from the loss.",
            "分组长度超过路由器的 MTU，而且不允许分片，所以被路由器丢弃。发送方由 ICMP 得知路径 MTU，或者\
             只能从丢失中察觉。",
            "RFC 1191 section 4",
        ),
        _ => return None,
    })
}

/// Explains a frame that no host has sent: it comes from the router, or is forged.
pub(super) fn sent(summary: &Summary) -> Explanation {
    // Whether the source address belongs to this host.
    let is_from = |host| summary.ends.is_some_and(|ends| ends.source.addr == address(host));
    match summary.carries {
        Carries::ArpReply => {
            because("The router answers with its hardware address.", "路由器给出自己的硬件地址，作为应答。", "RFC 826")
        }
        // Type 3, code 4: fragmentation needed.
        Carries::Icmp(3, 4) => because(
            "The router reports that a packet was too long, with the MTU of the next link: the sender can then send shorter \
             packets.",
            "路由器报告分组太长，并给出下一段链路的 MTU：此后发送方可以发送较短的分组。",
            "RFC 1191 section 4",
        ),
        Carries::Tcp(segment) if segment.rst => because(
            "A forged segment: an attacker who cannot see the connection's packets guesses its numbers and tries to reset it.",
            "伪造的报文段：有人看不到这个连接的分组，只是猜测序号，企图使连接复位。",
            "RFC 5961 section 1.2",
        ),
        // Hosts have the numbers below `WIRE`. The SYNs of a flood come from addresses that no host has: see the next
        // arm.
        Carries::Tcp(segment) if segment.syn && (0..WIRE).any(is_from) => because(
            "A forged SYN: it claims to come from a host that has not sent it. By the old rule of RFC 793, a SYN in the window of \
             a connection resets the connection.",
            "伪造的 SYN：它声称来自某台主机，其实那台主机没有发送过它。按照 RFC 793 的旧规定，落在窗口之内的 \
             SYN 会使已有的连接复位。",
            "RFC 5961 section 4.1",
        ),
        Carries::Tcp(segment) if segment.syn => because(
            "A forged SYN: its sender does not exist, so nobody answers SYN,ACK. A flood of them fills the memory for \
             connections.",
            "伪造的 SYN：它的发送方并不存在，所以没有谁会应答 SYN,ACK。大量这样的 SYN 会占满用于连接的内\
             存。",
            "RFC 4987 section 2.2",
        ),
        _ => because(
            "A forged segment: it claims to come from a host that has not sent it.",
            "伪造的报文段：它声称来自某台主机，其实没有主机发送过它。",
            "RFC 5961 section 1",
        ),
    }
}
