//! The words of the ladder and of the pictures for events, frames and causes, in English and Chinese.
//!
//! Messages without parameters are elsewhere: the code that uses a message contains it in both languages, with
//! [`Lang::pick`].

use core::fmt::{self, Display};

use super::entry::Transfer;
use crate::lab::lang::Lang;
use crate::lab::{HostEvent, Verdict};
use crate::stack::{DropReason, End};
use crate::trace::{Carries, Cause, Mark, Summary};

/// Displays a value in a language: `In(lang, value)`.
pub(crate) struct In<T>(pub(crate) Lang, pub(crate) T);

impl Display for In<DropReason> {
    /// Writes why a packet was dropped, in the chosen language.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The English words are the value's own `Display`.
        let In(Lang::Zh, why) = self else { return self.1.fmt(f) };
        f.write_str(match why {
            DropReason::AfterFin => "FIN 之后的数据",
            DropReason::BacklogFull => "连接队列已满",
            DropReason::BadAck => "确认了从未发送的数据",
            DropReason::BadFragment => "错误的 IP 分片",
            DropReason::BadIcmp => "ICMP 差错与在途分组无关",
            DropReason::BadReset => "RST 的序号不是期望的序号",
            DropReason::BadSyn => "已建立的连接收到 SYN",
            DropReason::Checksum => "校验和错误",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpNak => "DHCP 拒绝报文与请求无关",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpOptions => "DHCP 应答的选项有误",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpServer => "DHCP 应答没有服务器标识",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpTransaction => "DHCP 应答对应别的请求",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpUnexpected => "不需要的 DHCP 应答",
            DropReason::DuplicateAddress => "别的主机使用了本机地址",
            DropReason::FragmentedTcp => "分片的 TCP 报文段",
            DropReason::LostFragments => "IP 分片丢失",
            DropReason::Martian => "不可能的源地址或目的地址",
            DropReason::NoAck => "报文段没有 ACK",
            DropReason::OldAck => "过时的确认",
            DropReason::SlotsFull => "连接位置已占满",
            DropReason::TooLong => "长度超过 MTU",
            DropReason::TooManyAdvertisements => "路由器通告过多",
            DropReason::Unreachable => "接收方不应答 ARP 或 NDP",
            DropReason::UnsupportedHeader => "拒绝的 IPv6 扩展首部",
        })
    }
}

impl Display for In<End> {
    /// Writes how a connection ended, in the chosen language.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The English words are the value's own `Display`.
        let In(Lang::Zh, end) = self else { return self.1.fmt(f) };
        f.write_str(match end {
            End::Aborted => "异常终止",
            End::AddressGone => "地址已失效",
            End::Closed => "已关闭",
            End::Recycled => "被回收",
            End::Refused => "连接被拒绝",
            End::Reset => "被对方复位",
            End::TimedOut => "超时",
            #[cfg(feature = "recovery")]
            End::Undelivered(error) => return write!(f, "超时：{} 报告无法交付", error.from),
            End::Unreachable => "没有主机应答这个地址",
        })
    }
}

impl Display for In<HostEvent> {
    /// Writes what happens to a host, in the chosen language.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The English words are the value's own `Display`.
        let In(Lang::Zh, host_event) = self else { return self.1.fmt(f) };
        f.write_str(match host_event {
            HostEvent::Cut => "网线被拔掉",
            HostEvent::Reboot => "主机重启",
        })
    }
}

impl Display for In<Mark> {
    /// Writes the receiver's view of a segment, in the chosen language.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The words follow those of the frame, so they begin with a space or a colon.
        match (self.0, self.1) {
            (Lang::En, Mark::PartialAck) => write!(f, ": {}", self.1),
            (Lang::En, mark) => write!(f, " {mark}"),
            (Lang::Zh, Mark::OutOfOrder) => f.write_str("：失序"),
            (Lang::Zh, Mark::PartialAck) => f.write_str("：部分确认"),
            (Lang::Zh, Mark::Repeated) => f.write_str("：重复"),
        }
    }
}

impl Display for In<Summary> {
    /// Writes the summary of a frame, in the chosen language.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The English words are the value's own `Display`.
        let In(Lang::Zh, summary) = self else { return self.1.fmt(f) };
        match summary.carries {
            Carries::ArpReply => f.write_str("ARP 应答"),
            Carries::ArpRequest => f.write_str("ARP 请求"),
            Carries::Icmp(0, _) => f.write_str("ICMP 回送应答"),
            Carries::Icmp(3, 3) => f.write_str("ICMP 端口不可达"),
            Carries::Icmp(3, 4) => f.write_str("ICMP 需要分片"),
            Carries::Icmp(3, _) => f.write_str("ICMP 终点不可达"),
            Carries::Icmp(8, _) => f.write_str("ICMP 回送请求"),
            Carries::Icmp(11, _) => f.write_str("ICMP 时间超过"),
            Carries::Other => f.write_str("无法解析的帧"),
            // The names of the other messages, of flags and of fields are English.
            Carries::Icmp(..) | Carries::Icmpv6(..) | Carries::Tcp(_) | Carries::Udp(_) => summary.fmt(f),
        }
    }
}

/// Displays a frame's content briefly in a language.
pub(super) struct Brief(pub(super) Lang, pub(super) Summary);

impl Display for Brief {
    /// Writes the shortest summary of a frame.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Brief(lang, summary) = *self;
        match (lang, summary.carries) {
            (_, Carries::Tcp(segment)) if segment.len == 0 => f.write_str(segment.flags()),
            (_, Carries::Tcp(segment)) => write!(f, "{} len={}", segment.flags(), segment.len),
            // The words "destination unreachable" would not fit the row.
            (Lang::En, Carries::Icmp(3, 3)) => f.write_str("ICMP port unreachable"),
            (Lang::En, Carries::Icmp(3, 4)) => f.write_str("ICMP fragmentation needed"),
            _ => In(lang, summary).fmt(f),
        }
    }
}

/// How much a program read and wrote, to follow the word `program`: ` reads 2 B, writes 9 B`.
impl Display for In<Transfer> {
    /// Writes how many bytes a program read and wrote, to follow words that name the program.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Lang::En, Transfer { read: 0, written: 0 }) => f.write_str(" runs"),
            (Lang::En, Transfer { read, written: 0 }) => write!(f, " reads {read} B"),
            (Lang::En, Transfer { read: 0, written }) => write!(f, " writes {written} B"),
            (Lang::En, Transfer { read, written }) => write!(f, " reads {read} B, writes {written} B"),
            (Lang::Zh, Transfer { read: 0, written: 0 }) => f.write_str("运行"),
            (Lang::Zh, Transfer { read, written: 0 }) => write!(f, "读取 {read} B"),
            (Lang::Zh, Transfer { read: 0, written }) => write!(f, "写入 {written} B"),
            (Lang::Zh, Transfer { read, written }) => write!(f, "读取 {read} B，写入 {written} B"),
        }
    }
}

impl Display for In<Verdict> {
    /// Writes what happens to a frame, in the chosen language.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The English words are the value's own `Display`.
        let In(Lang::Zh, verdict) = self else { return self.1.fmt(f) };
        f.write_str(match verdict {
            Verdict::Corrupt => "损坏",
            Verdict::Delay(time) => return write!(f, "推迟 {time}"),
            Verdict::Deliver => "送达",
            Verdict::Drop => "丢弃",
            Verdict::Duplicate => "重复",
            Verdict::Lost => "丢失",
            Verdict::QueueFull => "队列已满",
            Verdict::Reorder => "被超越",
            Verdict::TooLong => "太长",
        })
    }
}

/// Returns the name of host `host` in the language `lang`.
pub(crate) fn host_name(host: usize, lang: Lang) -> &'static str {
    if host == 0 { lang.pick("client", "客户") } else { lang.pick("server", "服务器") }
}

/// Returns the words for a cause that precede a segment's flags in a label, in full and in brief. In the label of a
/// retransmission, these words follow the sign `↻` and the timeout.
pub(super) fn marks(lang: Lang, cause: Cause) -> [&'static str; 2] {
    let [english, chinese] = match cause {
        Cause::AfterTimeout(_) => [[" after the timeout ", " "], [" 超时之后 ", " "]],
        Cause::ChallengeAck => [["challenge ", "challenge "], ["挑战 ", "挑战 "]],
        Cause::DelayedAck(_) => [["delayed ", ""], ["延迟 ", ""]],
        Cause::DuplicateAck => [["duplicate ", "dup "], ["重复 ", "重复 "]],
        Cause::FastRetransmission | Cause::LostRetransmission => [[" fast ", " fast "], [" 快重传 ", " 快 "]],
        Cause::KeepAlive => [["keep-alive: ", "alive? "], ["保活探测：", "保活 "]],
        Cause::KeepAliveAck => [["keep-alive ", "alive "], ["保活应答 ", "保活 "]],
        Cause::RepeatedAck => [["repeated ", "again "], ["再次 ", "再次 "]],
        Cause::RepeatedSyn => [[" for a repeated SYN: ", " "], [" 因 SYN 重复：", " "]],
        Cause::Retransmission { .. } => [["", ""], ["", ""]],
        Cause::SpuriousRetransmission { .. } => [["spurious ", "spur "], ["虚假重传 ", "虚假 "]],
        Cause::PathMtu => [[" shorter: ", " "], [" 更短：", " "]],
        Cause::TailProbe => [[" tail loss probe: ", " tail "], [" 尾部丢失探测：", " 尾部 "]],
        Cause::WindowOpened => [[" window opened: ", " "], [" 窗口打开：", " "]],
        Cause::WindowUpdate => [["window update: ", "window "], ["窗口更新：", "窗口 "]],
        Cause::ZeroWindowProbe => [["zero-window probe: ", "probe "], ["零窗口探测：", "探测 "]],
        Cause::ZeroWindowProbeAck => [["zero-window probe ", "probed "], ["零窗口应答 ", "应答 "]],
    };
    match lang {
        Lang::En => english,
        Lang::Zh => chinese,
    }
}
