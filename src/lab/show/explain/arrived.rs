//! Explains received frames.

use smoltcp::socket::tcp::State;

#[cfg(feature = "recovery")]
use super::reduced;
use super::{Explanation, because};
#[cfg(feature = "recovery")]
use crate::lab::Sign;
use crate::lab::Snapshot;
use crate::trace::{Carries, Mark, Segment};

/// Explains a frame that arrived undamaged. Returns `None` for a frame that could not be decoded.
pub(super) fn arrived(carries: Carries, mark: Option<Mark>, snapshot: &Snapshot) -> Option<Explanation> {
    Some(match carries {
        Carries::Tcp(segment) => tcp(&segment, mark, snapshot),
        Carries::ArpReply => because(
            "The reply gives the hardware address of the IP address: packets that waited for it can be sent. (In RFC \
             826 they are thrown away; by RFC 1122 section 2.3.2.2 at least one waits.)",
            "ARP 应答给出该 IP 地址对应的硬件地址：等待这个地址的分组可以发送了。（RFC 826 把它们丢弃；按照 \
             RFC 1122 §2.3.2.2，至少保留一个。）",
            "RFC 826",
        ),
        Carries::ArpRequest => because(
            "A host asks for a hardware address: the owner of the IP address answers, and stores the sender's address.",
            "有主机询问硬件地址：该 IP 地址的拥有者作出应答，并记下询问者的地址。",
            "RFC 826",
        ),
        // Types 133 to 137 are messages of neighbour discovery.
        Carries::Icmpv6(133..=137, _) => because(
            "A neighbour discovery message arrived: in IPv6 it does what ARP does in IPv4, and it finds routers.",
            "收到邻站发现报文：在 IPv6 中起 ARP 在 IPv4 中的作用，还用来发现路由器。",
            "RFC 4861 section 3.1",
        ),
        // Type 3, code 4: fragmentation needed.
        Carries::Icmp(3, 4) => because(
            "A router reports that a packet was too long and must not be fragmented. The report quotes the packet and gives the MTU \
             of the next link, so this end can send the data again in shorter segments.",
            "路由器报告：分组太长，而且不允许分片。报文中引用了这个分组，并给出下一段链路的 MTU，于是本端可以\
             用更短的报文段重传其中的数据。",
            "RFC 1191 section 6.4",
        ),
        // Type 2: packet too big.
        Carries::Icmpv6(2, _) => because(
            "A router reports that a packet was too big. The report quotes the packet and gives the MTU of the next link, so this \
             end can send the data again in shorter segments.",
            "路由器报告：分组太大。报文中引用了这个分组，并给出下一段链路的 MTU，于是本端可以用更短的报文段重\
             传其中的数据。",
            "RFC 4443 section 3.2",
        ),
        Carries::Icmpv6(..) => because(
            "A control message of IPv6 arrived: it reports a problem, or is an echo request or reply.",
            "收到 ICMPv6 报文：它报告差错，或者是回送请求或回送应答。",
            "RFC 4443 section 2.1",
        ),
        Carries::Icmp(..) => because(
            "A control message arrived: it reports a problem, or is an echo request or reply.",
            "收到 ICMP 报文：它报告差错，或者是回送请求或回送应答。",
            "RFC 792",
        ),
        Carries::Udp(_) => because(
            "A datagram arrived: it is delivered whole or not at all.",
            "收到一个数据报：要么完整地交付，要么根本不交付。",
            "RFC 768",
        ),
        Carries::Other => return None,
    })
}

/// Explains why a damaged frame is dropped. No receiver reports the damage to the sender.
pub(super) fn damaged(carries: Carries) -> Explanation {
    match carries {
        Carries::Tcp(_) => because(
            "The checksum is wrong, so the segment is dropped silently, as if it had been lost on the way.",
            "校验和错误，报文段被直接丢弃，不作任何通知，和在途中丢失一样。",
            "RFC 9293 section 3.1",
        ),
        Carries::Udp(_) => because(
            "The checksum is wrong, so the datagram is dropped silently, as if it had been lost on the way.",
            "校验和错误，数据报被直接丢弃，不作任何通知，和在途中丢失一样。",
            "RFC 1122 section 4.1.3.4",
        ),
        Carries::ArpReply | Carries::ArpRequest => because(
            "One bit is wrong. ARP has no checksum of its own: on a real link, the CRC of the frame finds the error.",
            "有一个比特出错。ARP 报文本身没有校验和：在真实的链路上，由帧的 CRC 检出这个差错。",
            "RFC 826",
        ),
        Carries::Icmpv6(..) => because(
            "The checksum is wrong, so the message is dropped silently, like one that was lost on the way.",
            "校验和错误，报文被直接丢弃，不作任何通知，如同在途中丢失。",
            "RFC 4443 section 2.3",
        ),
        // ICMPv4, and frames that could not be decoded.
        _ => because(
            "The checksum is wrong, so the message is dropped silently, as if it had been lost on the way.",
            "校验和错误，报文被直接丢弃，不作任何通知，和在途中丢失一样。",
            "RFC 792",
        ),
    }
}

/// Explains a received segment. If it makes the congestion window smaller, explains this reduction. Otherwise, explains
/// why the segment does not fit the receiver's state, or else explains it by its mark, or else by its flags.
fn tcp(segment: &Segment, mark: Option<Mark>, snapshot: &Snapshot) -> Explanation {
    #[cfg(feature = "recovery")]
    if let Some(reduction) = snapshot.reduction
        // An idle time says nothing about this segment, so the segment keeps its usual explanation.
        && !matches!(reduction.sign, Sign::Idle)
    {
        return reduced::arrived(reduction.sign);
    }
    if let Some(why) = out_of_place(segment, snapshot) {
        return why;
    }
    match mark {
        Some(Mark::OutOfOrder) if segment.fin => because(
            "FIN arrived, but data before it is missing: it takes effect once that data has arrived.",
            "收到 FIN，但它之前还有数据没有到达：等这些数据到齐之后，FIN 才生效。",
            "RFC 9293 section 3.10.7.4",
        ),
        Some(Mark::OutOfOrder) => because(
            "Payload arrived, but a segment before it is missing: it is kept until the gap is filled, and the sender is told at \
             once.",
            "收到数据，但它之前缺少报文段：先把它缓存起来，直到缺口填满；同时立即告知发送方。",
            "RFC 9293 section 3.10.7.4",
        ),
        Some(Mark::PartialAck) => because(
            "A partial acknowledgement: it covers only some of the data that was in flight when the loss was found, so \
             another segment was lost, too.",
            "部分确认：它只确认了发现丢失时在途数据中的一部分，说明还有别的报文段丢失了。",
            "RFC 6582 section 3.2",
        ),
        Some(Mark::Repeated) => because(
            "All of this segment had arrived before: it is discarded, and answered with the number that is expected.",
            "这个报文段的内容先前都已收到：把它丢弃，并用期望收到的序号作为回答。",
            "RFC 9293 section 3.10.7.4",
        ),
        // The peer has sent no SYN, so this end is in SYN-SENT.
        None if segment.rst
            && segment.ack.is_some()
            && (snapshot.isn[0].is_none() || snapshot.state_before() == Some(State::SynSent)) =>
        {
            because(
                "RST arrived in SYN-SENT: it is valid only if it acknowledges our SYN. Its sequence number says nothing, \
             because no number is expected yet.",
                "在 SYN-SENT 状态收到 RST：它必须确认了我们的 SYN 才有效。它的序号不起作用，因为这时还没有期\
             望的序号。",
                "RFC 9293 section 3.5.3",
            )
        }
        None if segment.rst => because(
            "RST arrived: with the expected sequence number it ends the connection at once. Another one in the window is answered \
             with a challenge ACK.",
            "收到 RST：如果序号正好是期望的序号，连接立即终止；如果序号在接收窗口之内但不是期望的值，则用\
             挑战 ACK 回答。",
            "RFC 9293 section 3.10.7.4",
        ),
        None if segment.syn && segment.ack.is_none() => because(
            "SYN arrived: the peer wants to connect, and announces its initial sequence number.",
            "收到 SYN：对方请求建立连接，并给出它的初始序号。",
            "RFC 9293 section 3.5",
        ),
        None if segment.syn => because(
            "SYN,ACK arrived: the peer accepts, acknowledges our SYN, and announces its own initial sequence number.",
            "收到 SYN,ACK：对方同意建立连接，确认了我们的 SYN，并给出它的初始序号。",
            "RFC 9293 section 3.5",
        ),
        None if snapshot.is_refused => because(
            "Payload arrived, but the window has no room for it: it is discarded, and answered with the number and the window.",
            "收到数据，但接收窗口容不下它：把它丢弃，并用期望收到的序号和窗口作为回答。",
            "RFC 9293 section 3.10.7.4",
        ),
        None if segment.fin => because(
            "FIN arrived: the peer will send no more data; FIN takes one sequence number and is acknowledged like a byte.",
            "收到 FIN：对方不再发送数据。FIN 消耗一个序号，要像一个字节的数据那样加以确认。",
            "RFC 9293 section 3.6",
        ),
        None if segment.len > 0 => because(
            "Payload arrived: data in order and within the window is accepted, and will be acknowledged.",
            "收到数据：按序到达并且落在接收窗口之内的数据被接受，随后要加以确认。",
            "RFC 9293 section 3.10.7.4",
        ),
        None => because(
            "An acknowledgement arrived: everything before its number has reached the peer, and its window says how much more \
             may be sent.",
            "收到确认：确认号之前的数据都已到达对方，窗口字段说明还可以发送多少字节。",
            "RFC 9293 section 3.4",
        ),
    }
}

/// Explains a segment that does not fit the state in which the receiver was before the step. Returns `None` for any
/// other segment, and if that state is not known.
fn out_of_place(segment: &Segment, snapshot: &Snapshot) -> Option<Explanation> {
    use State::*;
    let before = snapshot.state_before()?;
    let after = snapshot.states.get(snapshot.entry.host).copied();
    let has_ack = segment.ack.is_some();
    Some(match before {
        Closed if segment.rst => because(
            "RST arrived in CLOSED: there is no such connection here, so it is discarded.",
            "在 CLOSED 状态收到 RST：这里没有这个连接，所以把它丢弃。",
            "RFC 9293 section 3.10.7.1",
        ),
        Closed if has_ack => because(
            "This segment arrived in CLOSED: there is no such connection here, so RST answers it.",
            "在 CLOSED 状态收到这个报文段：这里没有这个连接，所以用 RST 回答。",
            "RFC 9293 section 3.10.7.1",
        ),
        Listen if segment.rst => because(
            "RST arrived in LISTEN: there is no such connection here, so it is ignored.",
            "在 LISTEN 状态收到 RST：这里没有这个连接，所以不予理会。",
            "RFC 9293 section 3.10.7.2",
        ),
        Listen if has_ack => because(
            "This segment arrived in LISTEN: nothing was sent that it could acknowledge, so RST answers it.",
            "在 LISTEN 状态收到这个报文段：这里没有发送过可供它确认的东西，所以用 RST 回答。",
            "RFC 9293 section 3.10.7.2",
        ),
        // `isn[1]` is the receiver's own initial sequence number. An ACK of its SYN has the number after it.
        SynSent if has_ack && !segment.rst && segment.ack != snapshot.isn[1].map(|iss| iss + 1) => because(
            "This segment arrived in SYN-SENT, but does not acknowledge our SYN: it belongs to another connection, such as an \
             earlier one, so RST answers it.",
            "在 SYN-SENT 状态收到这个报文段，但它确认的不是我们的 SYN：它属于别的连接，例如先前的连接，所以用 \
             RST 回答。",
            "RFC 9293 section 3.10.7.3",
        ),
        SynReceived | Established | FinWait1 | FinWait2 | Closing | CloseWait | LastAck
            if segment.syn && has_ack && !segment.rst =>
        {
            because(
                "SYN,ACK arrived, but this end already has the peer's SYN: the segment is not processed, and an ACK answers it.",
                "收到 SYN,ACK，但对方的 SYN 本端先前已收到：这个报文段不作处理，用 ACK 回答。",
                "RFC 9293 section 3.10.7.4",
            )
        }
        // If the state has changed, as is possible in TIME-WAIT, the SYN may have begun a new connection.
        Established | FinWait1 | FinWait2 | Closing | CloseWait | LastAck | TimeWait
            if segment.syn && !segment.rst && after == Some(before) =>
        {
            because(
                "SYN arrived within a connection: it does not begin a new one. The peer has restarted, or the SYN is old or forged.",
                "在已有的连接中收到 SYN：它不会建立新的连接。可能是对方重启了，也可能是旧的或伪造的 SYN。",
                "RFC 9293 section 3.10.7.4",
            )
        }
        _ => return None,
    })
}
