//! Explains segments that are sent for a special reason, such as a retransmission, a probe or a challenge ACK.

use smoltcp::socket::tcp::State;

use super::{Explanation, because};
use crate::lab::Snapshot;
use crate::trace::{Cause, Segment};

/// Explains why a segment was sent. `cause` is the reason that the stack reported or that the frames show. `state` is
/// the sender's state.
pub(super) fn caused(cause: Cause, segment: Option<Segment>, snapshot: &Snapshot, state: Option<State>) -> Explanation {
    match cause {
        Cause::AfterTimeout(_) => because(
            "The timer expired for an earlier segment, and all data that was in flight is treated as lost: this \
             segment is sent again, now that the congestion window has room for it.",
            "前面的报文段超时，全部在途数据都视为丢失：现在拥塞窗口已有空间，于是重传这个报文段。",
            "RFC 5681 section 3.1",
        ),
        Cause::ChallengeAck | Cause::DuplicateAck if snapshot.states == [State::SynReceived; 2] => because(
            "The peer's SYN,ACK begins with the SYN that arrived before, so it is answered with an ACK, and that ACK completes \
             the handshake. (Figure 7 of the RFC takes SYN,ACK itself for that, and has four segments instead of six.)",
            "对方的 SYN,ACK 以先前已收到的那个 SYN 开头，所以用 ACK 回答；正是这个 ACK 完成了握手。（RFC \
             的图 7 中 SYN,ACK 本身就完成握手，因此是四个报文段而不是六个。）",
            "RFC 9293 section 3.5",
        ),
        Cause::ChallengeAck if snapshot.peer_state() == Some(State::SynReceived) && state != snapshot.peer_state() => {
            because(
                "The peer's SYN,ACK came again, so our ACK of it was lost or is late: it is acknowledged once more.",
                "对方的 SYN,ACK 又来了，说明我们对它的确认丢失了或者迟到了：再次确认。",
                "RFC 9293 section 3.10.7.4",
            )
        }
        Cause::ChallengeAck if snapshot.states.contains(&State::SynSent) => because(
            "A SYN within a connection may come from a peer that has restarted, or be forged: this challenge ACK has the \
             expected number, and a peer without such a connection answers it with RST.",
            "在已有的连接中收到 SYN，可能是对方重启了，也可能是伪造的：这个挑战 ACK 给出期望的序号；如果\
             对方并没有这个连接，就会用 RST 回答。",
            "RFC 5961 section 4.2",
        ),
        Cause::ChallengeAck => because(
            "The segment that arrived does not fit the connection, and may be forged: this challenge ACK has the expected \
             numbers, which a real peer can answer.",
            "收到的报文段与这个连接不符，可能是伪造的：这个挑战 ACK 给出期望的序号，真正的对方可以据此作\
             出应答。",
            "RFC 9293 section 3.10.7.4",
        ),
        Cause::DelayedAck(_) => because(
            "The acknowledgement waited for payload that could carry it; none came in time, so it is sent alone. (The \
             RFC lets it wait less than half a second.)",
            "这个确认一直在等待可以捎带它的数据，但没有等到，所以单独发送。（RFC 要求推迟的时间小于 0.5 秒。）",
            "RFC 9293 section 3.8.6.3",
        ),
        Cause::DuplicateAck => because(
            "This ACK repeats the number and window of the last one while data is outstanding: a segment arrived out of order, and \
             its sender should know at once.",
            "对方还有数据未得到确认，而这个 ACK 重复了上一个确认号和窗口：有报文段失序到达，要让发送方立\
             即知道。",
            "RFC 5681 section 3.2",
        ),
        Cause::FastRetransmission => because(
            "The acknowledgements say that three segments after this one have arrived, so this one is treated as lost: \
             it is sent again without waiting for the timer. (Without SACK, three duplicate ACKs would say so: RFC \
             5681 section 3.2.)",
            "确认表明：排在这个报文段之后的三个报文段都已到达，所以认为它已丢失，不等计时器超时就立即重传。\
             （不使用 SACK 时，以三个重复确认为准：RFC 5681 §3.2。）",
            "RFC 6675 section 5",
        ),
        Cause::PathMtu => because(
            "A router reported that the packet was too long, so its data is sent again in shorter segments. Nothing \
             was lost to congestion, and the congestion window stays as it is. (The RFC wants one segment to be sent \
             first. This stack sends what the window allows.)",
            "路由器报告分组太长，所以用更短的报文段重传其中的数据。这不是拥塞造成的丢失，拥塞窗口不变。（RFC 要求先只发\
             一个报文段，这个协议栈按窗口允许的数量发送。）",
            "RFC 1191 section 6.4",
        ),
        Cause::KeepAlive => because(
            "Nothing arrived for the keep-alive time: a number that was acknowledged makes the peer answer, if it \
             still runs. (By the RFC, keep-alives are off by default, two hours apart and without data. This stack \
             sends four within its idle timeout, with one byte.)",
            "保活时间内没有收到任何报文段：发送一个序号已被确认的报文段，只要对方还在运行就会应答。（RFC \
             默认不用保活功能，间隔两小时且不带数据；本协议栈在空闲时限内探测四次，每次带一个字节。）",
            "RFC 9293 section 3.8.4",
        ),
        Cause::KeepAliveAck => because(
            "The probe begins before the window, so it is answered with the expected number: this end still has the connection.",
            "探测报文段的序号在接收窗口之前，所以用期望的序号回答：本端仍保留着这个连接。",
            "RFC 9293 section 3.8.4",
        ),
        Cause::LostRetransmission => because(
            "The segment was sent again before, data that was sent later has arrived, and the time allowed for \
             reordering is over: that retransmission was lost too, so the segment is sent once more without waiting \
             for the timer.",
            "这个报文段先前已重传过，在那之后发出的数据已经到达，为失序留出的时间也过去了，说明那次重传也\
             丢失了：不等计时器超时就再次重传。",
            "RFC 8985 section 6.2",
        ),
        Cause::RepeatedAck if state == Some(State::TimeWait) => because(
            "The peer's FIN came again, so its ACK was lost or is late: it is acknowledged once more, and the time of \
             TIME-WAIT begins anew.",
            "对方的 FIN 又来了，说明对它的 ACK 丢失了或者迟到了：再次确认，并重新开始 TIME-WAIT 的计时。",
            "RFC 9293 section 3.10.7.4",
        ),
        Cause::RepeatedAck => because(
            "A segment came again that this end has: it is acknowledged once more, because the first acknowledgement may be lost.",
            "本端已有的报文段又来了：再确认一次，因为前一个确认可能丢失了。",
            "RFC 9293 section 3.10.7.4",
        ),
        Cause::RepeatedSyn => because(
            "The peer's SYN came again, so the SYN,ACK was lost or is late: it is sent again at once. (By the RFC an ACK answers \
             such a SYN.)",
            "对方的 SYN 又来了，说明 SYN,ACK 丢失了或者迟到了：立即重传。（按照 RFC，应当用 ACK 回答这样\
             的 SYN。）",
            "RFC 9293 section 3.10.7.4",
        ),
        Cause::Retransmission { count, .. } if count > 1 && snapshot.tries_shorter => because(
            "Long segments have timed out again and again. The path may drop long packets without a report, so the data is sent in \
             shorter segments.",
            "长报文段一再超时。路径可能丢弃长分组而不报告，所以改用更短的报文段发送数据。",
            "RFC 4821 section 7.7",
        ),
        Cause::Retransmission { count, .. } if count > 1 => because(
            "Still no acknowledgement: the segment is sent once more, and the timeout doubles each time, up to a minute.",
            "仍然没有收到确认：再次重传，并且每次把超时重传时间加倍，最长为一分钟。",
            "RFC 6298 section 5",
        ),
        Cause::Retransmission { .. } if segment.is_some_and(|s| s.syn) => because(
            "No acknowledgement of the SYN arrived within one second, the timer before any round trip is measured: the SYN is sent \
             again.",
            "一秒内没有收到对 SYN 的确认，于是重传 SYN。尚未测出往返时间时，超时重传时间取一秒。",
            "RFC 6298 section 2",
        ),
        Cause::Retransmission { .. } => because(
            "No acknowledgement arrived before the retransmission timer expired: the oldest segment is sent again. \
             (The timer takes at least a round trip and 200 ms here; the RFC requires at least one second.)",
            "重传计时器到期时还没有收到确认：重传最早的未确认报文段，即超时重传。（这里的超时重传时间至少\
             为一个往返时间加 200 ms；RFC 规定至少一秒。）",
            "RFC 6298 section 5",
        ),
        Cause::SpuriousRetransmission { .. } => because(
            "The timer expired although the peer has this segment: the acknowledgement was lost, or is late. The sender cannot know \
             that, and its segment makes the peer acknowledge again.",
            "对方其实已收到这个报文段，但计时器超时了：确认丢失了，或者迟到了。发送方无法知道这一点；重传\
             的报文段会促使对方再次确认。",
            "RFC 5682 section 1",
        ),
        Cause::TailProbe => because(
            "No acknowledgement arrived for two round trips, or 200 ms more for a lone segment: the last segment is sent again, \
             and the answer shows whether an earlier one was lost.",
            "经过两个往返时间（只有一个报文段在途时再加 200 ms）仍没有收到确认：重传最后一个报文段，从对\
             方的回答可以看出前面是否有报文段丢失。",
            "RFC 8985 section 7.2",
        ),
        Cause::WindowOpened => because(
            "The window has opened: what was sent into the closed window was not accepted, and is sent again at once.",
            "窗口打开了：先前发到零窗口中的数据没有被接受，现在立即重传。",
            "RFC 9293 section 3.8.6",
        ),
        Cause::WindowUpdate => because(
            "The program has read data: this segment tells the peer that the window is larger. (The RFC waits until it has grown by \
             a whole segment or half the buffer; this stack, until it has doubled.)",
            "程序已读取数据：这个报文段告诉对方，接收窗口增大了。（RFC 要等到窗口增大一个最大报文段或缓存的\
             一半；本协议栈要等到窗口加倍。）",
            "RFC 9293 section 3.8.6.2.2",
        ),
        Cause::ZeroWindowProbe => because(
            "The peer's window is closed: one byte probes it, because the update that opens the window may have been lost.",
            "对方的窗口为零：发送一个字节进行零窗口探测，因为通知窗口打开的报文段可能已经丢失。",
            "RFC 9293 section 3.8.6.1",
        ),
        Cause::ZeroWindowProbeAck => because(
            "The byte was the expected one, but the closed window has no room for it: the answer repeats number and window, and \
             shows that this end is alive.",
            "这个字节正是期望的字节，但零窗口容不下它：应答重复原来的确认号和窗口，表明本端仍在运行。",
            "RFC 9293 section 3.8.6.1",
        ),
    }
}
