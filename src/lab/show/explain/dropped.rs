//! Explains why the stack dropped a frame or refused a connection, and what follows when the wire loses a frame.

use smoltcp::socket::tcp::State;

use super::{Explanation, because};
use crate::stack::DropReason;
use crate::trace::{Carries, Cause, Segment};

/// Explains what follows when the wire loses a frame. `state` is the sender's state.
pub(super) fn lost(carries: Carries, cause: Option<Cause>, state: Option<State>) -> Explanation {
    match (carries, cause) {
        (_, Some(Cause::KeepAlive)) => because(
            "This probe never arrives, and no retransmission timer runs for it: the next probe is sent when the keep-alive \
             time has passed again.",
            "这个探测报文段到不了对方，也没有为它设置重传计时器：再经过一个保活时间才发送下一个探测报文段。",
            "RFC 9293 section 3.8.4",
        ),
        (_, Some(Cause::ZeroWindowProbe)) => because(
            "This probe never arrives: the next one is sent when the timer has run twice as long.",
            "这个探测报文段到不了对方：下一次探测要等两倍长的时间。",
            "RFC 9293 section 3.8.6.1",
        ),
        (_, Some(Cause::KeepAliveAck)) => because(
            "This answer to a keep-alive never arrives, and nobody sends it again: the peer sends its next probe.",
            "这个对保活探测的应答到不了对方，也不会重传：对方会再次探测。",
            "RFC 9293 section 3.8.4",
        ),
        (_, Some(Cause::ZeroWindowProbeAck)) => because(
            "This answer to a window probe never arrives, and nobody sends it again: the peer sends its next probe.",
            "这个对窗口探测的应答到不了对方，也不会重传：对方会再次探测。",
            "RFC 9293 section 3.8.6.1",
        ),
        (_, Some(Cause::WindowUpdate)) => because(
            "This window update never arrives, and nobody sends it again: a later ACK, or the answer to a window probe, \
             announces the same window.",
            "这个窗口更新到不了对方，也不会重传：后面的确认，或者对窗口探测的应答，会给出同样的窗口。",
            "RFC 9293 section 3.8.6.1",
        ),
        (_, Some(Cause::ChallengeAck)) => because(
            "This challenge ACK never arrives, and nobody sends it again: a peer that needs the answer repeats its segment.",
            "这个挑战 ACK 到不了对方，也不会重传：需要应答的对方会再次发送它的报文段。",
            "RFC 9293 section 3.10.7.4",
        ),
        (_, Some(Cause::Retransmission { .. } | Cause::SpuriousRetransmission { .. })) => because(
            "The timer had expired, so the segment was sent again, but this one never arrives, either: the timer runs again, twice \
             as long, up to a minute.",
            "计时器超时，所以重传了这个报文段，但这一次它仍到不了对方：计时器再次启动，时间加倍，最长为一\
             分钟。",
            "RFC 6298 section 5",
        ),
        (Carries::Tcp(segment), _) if segment.space() > 0 => because(
            "This frame never arrives; the sender does not know, and its retransmission timer runs.",
            "这个帧到不了对方；发送方并不知道，它的重传计时器正在运行。",
            "RFC 9293 section 3.8.1",
        ),
        (Carries::Tcp(Segment { rst: true, .. }), _) => because(
            "This RST never arrives, and nobody sends it again: RST is not acknowledged.",
            "这个 RST 到不了对方，也不会重传：RST 是不需要确认的。",
            "RFC 9293 section 3.4",
        ),
        (Carries::Tcp(_), _) if state == Some(State::TimeWait) => because(
            "This ACK of the FIN never arrives, and no later segment says the same: the peer will send its FIN again. To answer \
             it is one of the two purposes of TIME-WAIT.",
            "对 FIN 的这个 ACK 到不了对方，以后也没有别的报文段能代替它：对方将重传 FIN。应答它是 \
             TIME-WAIT 状态的两个作用之一。",
            "RFC 9293 section 3.3.2",
        ),
        (Carries::Tcp(_), _) => because(
            "This acknowledgement never arrives, and no timer runs for it: a later one covers its data, too, or the peer sends the \
             data again.",
            "这个确认到不了对方，也没有为它设置计时器：或者由后面的确认一并确认这些数据，或者对方重传这些\
             数据。",
            "RFC 9293 section 3.4",
        ),
        (Carries::Udp(_), _) => because(
            "This datagram never arrives, and UDP does not detect it: the program must.",
            "这个数据报到不了对方，而 UDP 并不能发现：只能由程序自己发现。",
            "RFC 768",
        ),
        _ => because(
            "This frame never arrives: its sender will have to send another one.",
            "这个帧到不了对方：只能由发送方再发送一次。",
            "",
        ),
    }
}

/// Explains why the stack drops a frame or, if `refused` is true, refuses a connection. `peer` is the peer's state.
pub(super) fn dropped(why: DropReason, refused: bool, peer: Option<State>) -> Explanation {
    match why {
        DropReason::AfterFin => because(
            "The peer has sent FIN: data after it is ignored.",
            "对方已发送 FIN：在它之后的数据不予理会。",
            "RFC 9293 section 3.10.7.4",
        ),
        DropReason::BadAck => because(
            "The acknowledgement is for bytes that were never sent, or lies far behind: a challenge ACK \
             gives the numbers to a real peer, and nothing to an attacker.",
            "确认号所确认的字节从未发送过，或者过于陈旧：挑战 ACK 给出正确的序号，对真正的对方有用，攻击\
             者则一无所获。",
            "RFC 5961 section 5.2",
        ),
        DropReason::BadFragment => because(
            "Overlapping fragments could hide data from a firewall: the whole datagram is dropped. (The RFC is about \
             IPv6; in IPv4, by RFC 791 section 3.2, the newer bytes are used.)",
            "利用重叠的分片可以躲过防火墙的检查：整个数据报都被丢弃。（该 RFC 针对 IPv6；对于 IPv4，按照 \
             RFC 791 §3.2 以后到的为准。）",
            "RFC 5722 section 4",
        ),
        DropReason::BadIcmp => because(
            "An ICMP error is accepted only if it quotes a packet that is in flight: anybody can send one, and an \
             attacker who does not see the packets can hardly guess the sequence number.",
            "ICMP 差错报文必须引用一个在途的分组才有效：任何人都能发送这种报文，但看不到分组的攻击者很\
             难猜中序号。",
            "RFC 5927 section 4.1",
        ),
        DropReason::BadReset => because(
            "Only an RST with the expected sequence number ends a connection: another one in the window is \
             answered with a challenge ACK, and one outside it is ignored. (In TIME-WAIT this stack ignores every RST, as RFC \
             1337 section 4 advises.)",
            "只有序号正好是期望值的 RST 才能终止连接：序号在接收窗口之内的其他 RST 用挑战 ACK 回答，窗口\
             之外的则忽略。（在 TIME-WAIT 状态，本协议栈忽略任何 RST，这是 RFC 1337 §4 的建议。）",
            "RFC 5961 section 3.2",
        ),
        DropReason::BadSyn if peer == Some(State::SynReceived) => because(
            "The peer is in SYN-RECEIVED, so this is its SYN,ACK, and this end already has the peer's SYN. The segment is not \
             processed. The ACK that answers it completes the peer's handshake.",
            "对方处于 SYN-RECEIVED 状态，所以这是它的 SYN,ACK，而它的 SYN 本端先前已收到。这个报文段不作\
             处理；用来回答它的 ACK 会完成对方的握手。",
            "RFC 9293 section 3.10.7.4",
        ),
        DropReason::BadSyn => because(
            "A SYN does not end a connection: a challenge ACK is sent, and a peer that has restarted answers it with RST.",
            "SYN 不能终止连接：发送挑战 ACK；如果对方重启过，就会用 RST 回答。",
            "RFC 5961 section 4.2",
        ),
        DropReason::Checksum => because(
            "The checksum is wrong: the segment was damaged on the way.",
            "校验和错误：报文段在途中出了差错。",
            "RFC 9293 section 3.1",
        ),
        #[cfg(feature = "dhcp")]
        DropReason::DhcpNak => because(
            "A refusal is accepted only if it answers the request of this host, so that no other host can end its \
             lease.",
            "拒绝报文必须是对本主机请求的回答才有效，以免别的主机使租约失效。",
            "RFC 2131 section 4.4",
        ),
        #[cfg(feature = "dhcp")]
        DropReason::DhcpOptions => because(
            "A lease must contain the address of a host, its network and a time, and a router's address must also be \
             the address of a host.",
            "租约必须包含主机地址、所在网络和租用期，路由器地址也必须是一个主机地址。",
            "RFC 2132",
        ),
        #[cfg(feature = "dhcp")]
        DropReason::DhcpServer => because(
            "A reply names its server, or the client could not tell the servers apart.",
            "应答必须给出 DHCP 服务器的标识，否则客户无法区分各个服务器。",
            "RFC 2131 section 4.3.1",
        ),
        #[cfg(feature = "dhcp")]
        DropReason::DhcpTransaction => because(
            "A reply is accepted only if it contains the random number of the request in progress.",
            "应答中的随机数必须与正在进行的请求相同，应答才有效。",
            "RFC 2131 section 4.4.1",
        ),
        #[cfg(feature = "dhcp")]
        DropReason::DhcpUnexpected => because(
            "The client has chosen an offer, and ignores the others.",
            "客户已选定一个提供报文，其余的不予理会。",
            "RFC 2131 section 4.4",
        ),
        DropReason::DuplicateAddress => because(
            "Another host uses the same address. This host keeps the address. (The RFC lets a host keep it or give it up.)",
            "另一台主机使用了同一个地址。本主机继续使用它。（RFC 允许主机保留或放弃这个地址。）",
            "RFC 5227 section 2.4",
        ),
        DropReason::NoAck => because(
            "After the handshake, every segment must contain an acknowledgement.",
            "握手之后，每个报文段都必须带有确认。",
            "RFC 9293 section 3.10.7.4",
        ),
        DropReason::OldAck => because(
            "The acknowledgement is older than one that came before: it brings nothing new.",
            "这个确认比先前收到的更旧：没有带来新的信息。",
            "RFC 9293 section 3.10.7.4",
        ),
        DropReason::BacklogFull | DropReason::SlotsFull if refused => because(
            "There is no room for one more connection: RST reports it at once.",
            "没有空位容纳新的连接：立即用 RST 告知对方。",
            "RFC 4987 section 2.2",
        ),
        DropReason::BacklogFull => because(
            "The listener's backlog is full: the SYN is ignored, and the caller's retransmission may \
             find room; a SYN flood can fill a backlog.",
            "监听端口的连接队列已满：忽略这个 SYN，等对方重传时也许就有空位；SYN 洪泛攻击可以占满这个队列。",
            "RFC 4987 section 2.2",
        ),
        DropReason::SlotsFull => because(
            "Every connection slot is taken: the SYN is ignored, and the caller's retransmission may \
             find room.",
            "所有的连接位置都已占用：忽略这个 SYN，等对方重传时也许就有空位。",
            "RFC 4987 section 2.2",
        ),
        DropReason::FragmentedTcp => because(
            "This stack has no memory for IP fragments: TCP limits its segments to the path's MTU \
             instead. (RFC 1122 section 3.3.2 requires that fragments are reassembled.)",
            "本协议栈没有缓存 IP 分片的内存：TCP 的做法是使报文段长度不超过路径 MTU。（RFC 1122 §3.3.2 要求\
             重装分片。）",
            "RFC 9293 section 3.7.2",
        ),
        DropReason::LostFragments => because(
            "A datagram without all its fragments is of no use: it is dropped at its time-out, or when its memory is needed. (The \
             RFC waits 60 s, this stack 30 s.)",
            "数据报缺少任何一个分片都没有用处：超时之后，或需要这部分内存时，就把它丢弃。（RFC 等待 60 秒，\
             本协议栈等待 30 秒。）",
            "RFC 8200 section 4.5",
        ),
        DropReason::Martian => because(
            "A frame is ignored if its source or destination address is not valid here.",
            "源地址或目的地址在这里无效的帧不予理会。",
            "RFC 1122 section 3.2.1.3",
        ),
        DropReason::TooLong => because(
            "The datagram does not fit the link or the path, and this stack has no memory to send it in fragments.",
            "数据报的长度超过了链路或路径的 MTU，而本协议栈没有用来分片发送的内存。",
            "RFC 8200 section 5",
        ),
        DropReason::TooManyAdvertisements => because(
            "At most 16 advertisements of known routers, and 16 of other routers, are read in a second. The list of routers has a limit, too. \
             (The RFC permits the limit of the list, and has none on the rate.)",
            "每秒最多处理已知路由器的 16 个通告和其他路由器的 16 个通告。路由器表的大小也有限。（RFC 允许限制\
             路由器表的大小，但没有规定速率限制。）",
            "RFC 4861 section 6.3.4",
        ),
        DropReason::Unreachable => because(
            "No host on the link answered the requests for the receiver's hardware address, so the datagram cannot be sent. ARP \
             itself has no answer that says so.",
            "链路上没有主机应答对接收方硬件地址的请求，所以数据报无法发送。ARP 本身没有表示失败的应答。",
            "RFC 826",
        ),
        DropReason::UnsupportedHeader => because(
            "A packet is dropped if an extension header is not known, or requires a function that this host lacks.",
            "如果扩展首部无法识别，或者要求本主机所不具备的功能，就丢弃这个分组。",
            "RFC 8200 section 4",
        ),
    }
}
