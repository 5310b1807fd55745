//! Shows the [`Control`] of both sides of every connection as a table.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::text::{Span, since};
use super::words::host_name;
use crate::lab::lang::Lang;
use crate::lab::run::HostLab;
use crate::stack::{Control, HeldBy};

/// Returns the lines of a table: each connection of each side, with its buffers and its [`Control`]. A side without a
/// connection has one line, which says so.
pub(crate) fn table(lab: &HostLab<'_>, lang: Lang) -> Vec<String> {
    let mut table = Vec::new();
    for host in [0, 1] {
        let name = host_name(host, lang);
        let connections: Vec<_> = lab.views(host).map(|view| view.connection).collect();
        if connections.is_empty() {
            table.push(format!("{name}  {}", lang.pick("no connection", "没有连接")));
        }
        for connection in connections {
            table.push(format!("{name}  {}  {}", connection.state, connection.tuple));
            let (queued, unread) = (connection.send_queue, connection.receive_queue);
            table.push(match lang {
                Lang::En => format!("  buffers     to send or acknowledge {queued}  received and unread {unread}"),
                Lang::Zh => format!("  缓存  待发送或待确认 {queued}  已收到未读 {unread}"),
            });
            let Some((_, control)) = lab.control(host).find(|(tuple, _)| *tuple == connection.tuple) else { continue };
            table.extend(lines(&control, lab.now(), connection.due, lang));
        }
    }
    table
}

/// Returns the lines about one side of a connection. `due` is the time at which the stack next has work for this
/// connection.
fn lines(c: &Control, now: Instant, due: Option<Instant>, lang: Lang) -> Vec<String> {
    let number = |number: TcpSeqNumber, first: TcpSeqNumber| format!("{} ({})", since(number, first), number.0 as u32);
    let flight = since(c.nxt, c.una);
    let timers = [
        (lang.pick("retransmission", "超时重传"), c.retransmission),
        (lang.pick("tail loss probe", "尾部丢失探测"), c.tail_probe),
        (lang.pick("persist", "持续计时器"), c.persist),
        ("TIME-WAIT", c.time_wait),
        (lang.pick("delayed ACK", "延迟确认"), c.delayed_ack),
        (lang.pick("keep-alive", "保活"), c.keep_alive),
        (lang.pick("user timeout", "用户超时"), c.user_timeout),
        (lang.pick("next deadline", "下次工作"), due),
    ];
    let timer = |(name, at): (&str, Option<Instant>)| {
        let left = time_until(at?, now);
        Some(match lang {
            Lang::En => format!("{name} in {left}"),
            Lang::Zh => format!("{name}还有 {left}"),
        })
    };
    let timers: Vec<_> = timers.into_iter().filter_map(timer).collect();
    let mut lines = vec![
        format!(
            "  {}SND.UNA {}  SND.NXT {}  SND.WND {}  {} {flight}  MSS {}",
            lang.pick("send        ", "发送  "),
            number(c.una, c.iss),
            number(c.nxt, c.iss),
            or_dash(c.irs.map(|_| c.snd_wnd)),
            lang.pick("in flight", "在途"),
            c.mss
        ),
        format!(
            "  {}RCV.NXT {}  RCV.WND {}",
            lang.pick("receive     ", "接收  "),
            c.irs.map_or("-".into(), |irs| number(c.rcv_nxt, irs)),
            or_dash(c.irs.map(|_| c.rcv_wnd))
        ),
        format!(
            "  {}SRTT {}  RTTVAR {}  RTO {}",
            lang.pick("timing      ", "时间  "),
            span(c.srtt),
            span(c.rttvar),
            Span(c.rto)
        ),
        format!(
            "  {}  cwnd {}  ssthresh {}  {} {}{}",
            lang.pick("congestion", "拥塞"),
            or_dash(c.cwnd),
            or_dash(c.ssthresh),
            lang.pick("duplicate ACKs", "重复确认"),
            c.duplicates,
            if c.recovery_point.is_some() { lang.pick("  repairs a loss", "  正在恢复丢失") } else { "" }
        ),
        format!(
            "  {}{}",
            lang.pick("timers      ", "计时器  "),
            if timers.is_empty() { lang.pick("none", "无").into() } else { timers.join("  ") }
        ),
    ];
    if let Some(by) = c.held_by {
        let by = match by {
            HeldBy::Cwnd => lang.pick("the congestion window", "拥塞窗口"),
            HeldBy::Handshake => lang.pick("the handshake", "握手"),
            HeldBy::Loss => lang.pick("lost data, which is sent first", "先要重传的丢失数据"),
            HeldBy::Nagle => lang.pick("Nagle's algorithm", "Nagle 算法"),
            HeldBy::Window => lang.pick("the peer's window", "对方的接收窗口"),
        };
        lines.push(match lang {
            Lang::En => format!("  held back   {} bytes, by {by}", c.unsent),
            Lang::Zh => format!("  暂不发送 {} 字节，原因：{by}", c.unsent),
        });
    }
    lines
}

/// Returns the time until a timer expires, or 0 if the timer has expired.
fn time_until(at: Instant, now: Instant) -> Span {
    Span(if at > now { at - now } else { Duration::ZERO })
}

/// Returns the text of a time, or `-` if the time is not known.
pub(crate) fn span(time: Option<Duration>) -> String {
    time.map_or("-".into(), |time| Span(time).to_string())
}

/// Returns the text of a number, or `-` if the number is not known.
pub(crate) fn or_dash(value: Option<u32>) -> String {
    value.map_or("-".into(), |value| value.to_string())
}
