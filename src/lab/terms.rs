//! The glossary: the words of TCP that the lab uses, in English and Chinese. Each has the RFC section that defines it.

use super::lang::Lang;

/// A word with its meaning and the RFC section that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The word in English.
    pub name: &'static str,
    chinese_name: &'static str,
    text: &'static str,
    chinese_text: &'static str,
    /// The RFC and its section, as in `RFC 9293 section 3.5`.
    pub rfc: &'static str,
}

impl Term {
    /// Returns the word in a language.
    pub fn name(&self, lang: Lang) -> &'static str {
        lang.pick(self.name, self.chinese_name)
    }

    /// Returns the meaning, in one or two sentences.
    pub fn text(&self, lang: Lang) -> &'static str {
        lang.pick(self.text, self.chinese_text)
    }
}

/// Makes a term from its name and its meaning, each in both languages, and its RFC section.
const fn term(
    name: &'static str,
    chinese_name: &'static str,
    text: &'static str,
    chinese_text: &'static str,
    rfc: &'static str,
) -> Term {
    Term { name, chinese_name, text, chinese_text, rfc }
}

/// The glossary, in the alphabetical order of the English words.
pub const TERMS: [Term; 40] = [
    term(
        "acknowledgement (ACK)",
        "确认（ACK）",
        "The number of the byte that is expected next. It acknowledges every earlier byte.",
        "期望收到的下一个字节的序号，表示它之前的所有字节都已收到（累积确认）。",
        "RFC 9293 section 3.4",
    ),
    term(
        "ARP",
        "地址解析协议 ARP",
        "The protocol that asks all hosts on a link which hardware address belongs to an IP address.",
        "向链路上的所有主机询问某个 IP 地址对应的硬件地址。",
        "RFC 826",
    ),
    term(
        "backlog",
        "连接队列（backlog）",
        "The connections of a listener that wait for its program. A SYN that finds no room is ignored or refused, or replaces a half-way \
         connection (SYN-RECEIVED).",
        "在监听端口上等待程序接受的连接。队列已满时到达的 SYN 被忽略或拒绝，或者取代一个半连接。",
        "RFC 4987 section 2.2",
    ),
    term(
        "challenge ACK",
        "挑战 ACK",
        "An ACK that answers a SYN or an RST that may be forged. It names the expected numbers, and the connection goes on.",
        "用来回答可能是伪造的 SYN 或 RST：只给出期望的序号，并不终止连接。",
        "RFC 5961 section 3.2",
    ),
    term(
        "congestion window (cwnd)",
        "拥塞窗口（cwnd）",
        "The number of bytes that the sender allows in flight, so that the network is not overloaded.",
        "发送方允许自己有多少字节在途，以免网络过载。",
        "RFC 5681 section 2",
    ),
    term(
        "delayed ACK",
        "延迟确认",
        "An acknowledgement that waits, for less than half a second, for data that can carry it or for a second full segment.",
        "为了捎带数据、或者一次确认两个报文段而推迟发送的确认，推迟的时间小于 0.5 秒。",
        "RFC 9293 section 3.8.6.3",
    ),
    term(
        "duplicate ACK",
        "重复确认",
        "An acknowledgement without data, SYN or FIN that repeats the last number and the last window while data is outstanding. Three \
         in a row are taken for a loss.",
        "还有数据未得到确认时，不带数据、SYN 和 FIN，并且重复上一个确认号和窗口的确认。连续收到三个\
         重复确认，就认为有报文段丢失。",
        "RFC 5681 section 2",
    ),
    term(
        "fast retransmit",
        "快重传",
        "Sending a segment again before its timer expires, because three duplicate ACKs or SACK show that later ones have \
         arrived.",
        "一旦收到三个重复确认，或者从选择确认得知后面的报文段已经到达，就立即重传丢失的报文段，\
         不等计时器超时。",
        "RFC 5681 section 3.2",
    ),
    term(
        "FIN",
        "FIN",
        "The flag that ends one direction: its sender sends no more data. It takes one sequence number, like a byte.",
        "终止一个方向的标志：发送它的一端不再发送数据。它像一个字节那样消耗一个序号。",
        "RFC 9293 section 3.6",
    ),
    term(
        "flight size",
        "在途数据量",
        "The bytes that were sent and that no acknowledgement number covers yet.",
        "已发送但还没有得到累积确认的字节数。",
        "RFC 5681 section 2",
    ),
    term(
        "half-closed",
        "半关闭",
        "A connection in which one direction has ended with FIN, and the other still carries data.",
        "一个方向已用 FIN 关闭，另一个方向仍可以传送数据的连接。",
        "RFC 9293 section 3.6.1",
    ),
    term(
        "half-open",
        "半打开",
        "A connection that one side has and the other has lost, for example in a restart. (RFC 4987 also uses this word for a \
         connection in SYN-RECEIVED; the lab does not.)",
        "一端还保留着、而另一端已丢失（例如因为重启）的连接。（RFC 4987 用同一个英文词称呼处于 \
         SYN-RECEIVED 的连接，中文通常把后者叫做半连接。）",
        "RFC 9293 section 3.5.1",
    ),
    term(
        "half-way",
        "半连接",
        "The lab's word for a connection in SYN-RECEIVED: a SYN was received and answered, and the answer is not acknowledged \
         yet.",
        "处于 SYN-RECEIVED 状态的连接：已收到 SYN 并作了回答，但这个回答还没有得到确认。",
        "RFC 9293 section 3.3.2",
    ),
    term(
        "handshake",
        "三次握手",
        "The exchange of SYN, SYN,ACK and ACK, in which each side learns the other's initial sequence number.",
        "依次发送 SYN、SYN,ACK 和 ACK，也叫三报文握手：双方都得知对方的初始序号。",
        "RFC 9293 section 3.5",
    ),
    term(
        "initial sequence number (ISN)",
        "初始序号（ISN）",
        "The sequence number of a side's SYN, from which the side counts its bytes. Nobody else should be able to guess it.",
        "一端的 SYN 的序号，数据字节从它之后开始编号。它不应当被别人猜出。",
        "RFC 9293 section 3.4.1",
    ),
    term(
        "keep-alive",
        "保活",
        "A segment with an old sequence number, sent to a silent peer. A peer that still runs answers it.",
        "向长时间没有动静的对方发送一个带旧序号的报文段：对方只要还在运行就会应答。",
        "RFC 9293 section 3.8.4",
    ),
    term(
        "maximum segment lifetime (MSL)",
        "最长报文段寿命（MSL）",
        "The longest time that a segment can stay in the network: two minutes, by convention.",
        "报文段能够在网络中存在的时间，约定为两分钟。",
        "RFC 9293 section 3.4.2",
    ),
    term(
        "maximum segment size (MSS)",
        "最大报文段长度（MSS）",
        "The longest payload that a side accepts in one segment. The side announces it in its SYN.",
        "一端在一个报文段中最多能接受的数据量，在 SYN 中说明。",
        "RFC 9293 section 3.7.1",
    ),
    term(
        "Nagle's algorithm",
        "Nagle 算法",
        "A rule for the sender: it holds a small segment back while earlier data is not acknowledged.",
        "先前的数据没有得到确认时，暂不发送很小的报文段。",
        "RFC 9293 section 3.7.4",
    ),
    term(
        "out of order",
        "失序",
        "A segment that arrives while an earlier one is missing. The receiver acknowledges at once, with the number of the \
         first missing byte.",
        "报文段到达时，它之前还有报文段没有到达。这时立即发送确认，给出缺口处的序号。",
        "RFC 5681 section 4.2",
    ),
    term(
        "partial ACK",
        "部分确认",
        "An acknowledgement of only a part of the data that was in flight when a loss was found. It shows that more was lost.",
        "只确认了发现丢失时在途数据中的一部分，说明还有别的报文段丢失了。",
        "RFC 6582 section 3.2",
    ),
    term(
        "path MTU",
        "路径 MTU",
        "The largest packet that fits every link on the way to the peer.",
        "能够通过到达对方的路径上所有链路的最大分组长度。",
        "RFC 1191 section 1",
    ),
    term(
        "receive window",
        "接收窗口（rwnd）",
        "How many bytes a receiver has room for, counted from the acknowledgement number. Each segment announces the window \
         again.",
        "接收方还能容纳多少字节，从确认号算起。每个报文段都重新通告，所以也叫通告窗口。滑动窗口由此向\
         前滑动。",
        "RFC 9293 section 3.8.6",
    ),
    term(
        "retransmission",
        "重传",
        "A segment that is sent again because it may be lost.",
        "再次发送可能已丢失的报文段。",
        "RFC 9293 section 3.8",
    ),
    term(
        "retransmission timeout (RTO)",
        "超时重传时间（RTO）",
        "How long a sender waits for an acknowledgement before it sends a segment again. It follows the round-trip time, and \
         doubles each time it expires.",
        "发送方等待确认的时间。它随往返时间而变，每超时一次就加倍。",
        "RFC 6298 section 2",
    ),
    term(
        "round-trip time (RTT)",
        "往返时间（RTT）",
        "The time from a segment to its acknowledgement. The sender keeps a smoothed mean (SRTT) and a variation (RTTVAR).",
        "从发送报文段到收到对它的确认所经过的时间。发送方保存它的平滑平均值（SRTT）和偏差（RTTVAR）。",
        "RFC 6298 section 2",
    ),
    term(
        "RST",
        "RST",
        "The flag that ends a connection at once, or says that there is none.",
        "立即终止连接、或者表明没有这个连接的标志。",
        "RFC 9293 section 3.5.2",
    ),
    term(
        "segment",
        "报文段",
        "A TCP header with its payload: what TCP hands to IP as one packet.",
        "TCP 首部及其数据部分，TCP 把它作为一个分组交给 IP。",
        "RFC 9293 section 3.1",
    ),
    term(
        "selective acknowledgement (SACK)",
        "选择确认（SACK）",
        "An option that lists the data that has arrived after a gap, so that the sender repeats only the gap.",
        "列出缺口之后已到达的数据块的选项，使发送方只重传缺口中的数据。",
        "RFC 2018 section 3",
    ),
    term(
        "sequence number",
        "序号",
        "The number of a segment's first byte. Bytes are counted modulo 4,294,967,296.",
        "报文段中第一个字节的编号。编号按模 4,294,967,296 循环。",
        "RFC 9293 section 3.4",
    ),
    term(
        "silly window syndrome",
        "糊涂窗口综合征",
        "Many tiny segments: the receiver announces each small piece of window at once, or the sender fills it at once.",
        "接收方每空出一点窗口就通告，或者发送方有一点窗口就发送，于是产生许多很小的报文段。",
        "RFC 9293 section 3.8.6.2",
    ),
    term(
        "simultaneous open",
        "同时打开",
        "Both sides send SYN before either SYN arrives, and a single connection results.",
        "双方在收到对方的 SYN 之前都发送了 SYN，结果只建立一个连接。",
        "RFC 9293 section 3.5",
    ),
    term(
        "slow start",
        "慢启动",
        "The phase in which the congestion window grows with each acknowledgement, at most to twice its size in a round trip. It \
         ends with a loss, or at the threshold (ssthresh).",
        "拥塞窗口每经过一个往返时间最多加倍，直到出现丢失或达到门限（ssthresh）。也叫慢开始。",
        "RFC 5681 section 3.1",
    ),
    term(
        "spurious retransmission",
        "虚假重传",
        "A segment that was sent again although the first one had arrived. The acknowledgement was lost or late.",
        "原来的报文段已到达、却又重传了的报文段：对它的确认丢失或迟到了。",
        "RFC 5682 section 1",
    ),
    term(
        "SYN",
        "SYN",
        "The flag that opens one direction, with the initial sequence number. It takes one sequence number.",
        "打开一个方向并给出初始序号的标志。它消耗一个序号。",
        "RFC 9293 section 3.5",
    ),
    term(
        "tail loss probe",
        "尾部丢失探测",
        "Sending new data, or the last segment again, before the timer expires. Without a later segment, nothing else would \
         show a loss.",
        "不等计时器超时就发送新数据，或者再次发送最后一个报文段：后面没有别的报文段，否则无从发现丢失。",
        "RFC 8985 section 7",
    ),
    term(
        "TIME-WAIT",
        "TIME-WAIT（时间等待）",
        "The state of the side that closed first. It answers a repeated FIN, and lets old segments die out, for two maximum segment \
         lifetimes; in this stack, for 60 s.",
        "先关闭连接的一端所处的状态，持续两倍的最长报文段寿命，在本协议栈中是 60 s。它要应答重传的 \
         FIN，并让旧的报文段从网络中消失。",
        "RFC 9293 section 3.6.1",
    ),
    term(
        "window scale",
        "窗口扩大因子",
        "A shift of the window field, for windows above 65,535 bytes. Each side names its own shift in its SYN.",
        "窗口字段左移的位数，双方各在自己的 SYN 中给出，用于大于 65,535 字节的窗口。",
        "RFC 7323 section 2",
    ),
    term(
        "window update",
        "窗口更新",
        "An acknowledgement that only announces a larger window.",
        "只用来通知窗口已增大的确认。",
        "RFC 9293 section 3.8.6.2.2",
    ),
    term(
        "zero-window probe",
        "零窗口探测",
        "A byte sent into a closed window, so that a lost window update does not stop the connection for ever.",
        "发往零窗口的一个字节，以免通知窗口增大的报文段丢失之后，连接永远停下来。",
        "RFC 9293 section 3.8.6.1",
    ),
];

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use crate::lab::lang::tests::check_chinese;

    #[test]
    fn the_glossary_is_in_order_and_names_sections() {
        assert!(TERMS.is_sorted_by(|a, b| a.name.to_lowercase() < b.name.to_lowercase()));
        for term in TERMS {
            let rest = term.rfc.strip_prefix("RFC ").expect(term.name);
            let (number, section) = rest.split_once(" section ").unwrap_or((rest, "1"));
            assert!(number.parse::<u16>().is_ok() && section.split('.').all(|n| n.parse::<u8>().is_ok()), "{term:?}");
            assert!(term.text.ends_with(['.', ')']) && !term.text.contains("  "), "{term:?}");
            assert!(term.chinese_text.ends_with(['。', '）']), "{term:?}");
            check_chinese(term.text, term.chinese_text);
            // The names of flags are the same in both languages.
            if !["FIN", "RST", "SYN"].contains(&term.name) {
                check_chinese(term.name, term.chinese_name);
            }
        }
    }
}
