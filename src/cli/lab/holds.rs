//! Shows what both ends keep about a connection: all of it for `s` of `lab --step`, and changes of it for `--show`.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::host_lab::HostLab;
use super::outputs::Shown;
use super::value::{Value, or_dash, span};
use crate::lab::lang::Lang;
use crate::lab::show::{Span, host_name, since};
use crate::stack::{Control, HeldBy, Tuple};

/// Prints values below the rows of the ladder, after each step that has changed one of them.
pub struct Watch<'a> {
    values: &'a [Value],
    /// The host, the connection and the latest texts of its values.
    last: Vec<(usize, Tuple, Vec<String>)>,
}

impl<'a> Watch<'a> {
    /// Watches these values of each connection.
    pub fn new(values: &'a [Value]) -> Self {
        Watch { values, last: Vec::new() }
    }

    /// Prints what has changed since the previous call. Does nothing while the step has more entries to show.
    pub fn step(&mut self, lab: &HostLab<'_>, shown: &mut Shown) {
        if self.values.is_empty() || lab.entries.iter().next().is_some() {
            return;
        }
        let mut now = Vec::new();
        for host in 0..2 {
            for (tuple, control) in lab.control(host) {
                now.push((host, tuple, self.values.iter().map(|value| (value.text)(&control)).collect::<Vec<_>>()));
            }
        }
        for (host, tuple, texts) in &now {
            let before = self.last.iter().find(|(h, t, _)| (h, t) == (host, tuple)).map(|(_, _, texts)| texts);
            let changed = self.values.iter().zip(texts).enumerate();
            let changed: Vec<_> = changed
                .filter(|(place, (_, text))| before.and_then(|before| before.get(*place)) != Some(*text))
                .map(|(_, (value, text))| format!("{}={text}", value.name))
                .collect();
            if !changed.is_empty() {
                let of = now.iter().filter(|(h, ..)| h == host).count();
                let port = if *host == 0 { tuple.local.port } else { tuple.remote.port };
                let port = if of > 1 { format!(" :{port}") } else { String::new() };
                shown.say(&format!("      {}{port}  {}", host_name(*host, shown.lang()), changed.join("  ")));
            }
        }
        self.last = now;
    }
}

/// Shows all that both ends keep about every connection.
pub fn sockets(lab: &HostLab<'_>, shown: &mut Shown) {
    let lang = shown.lang();
    for host in [0, 1] {
        let name = host_name(host, lang);
        let connections: Vec<_> = lab.views(host).map(|view| view.connection).collect();
        if connections.is_empty() {
            shown.say(&format!("{name}  {}", lang.pick("no connection", "没有连接")));
        }
        for connection in connections {
            shown.say(&format!("{name}  {}  {}", connection.state, connection.tuple));
            let (queued, unread) = (connection.send_queue, connection.receive_queue);
            shown.say(&match lang {
                Lang::En => format!("  buffers     to send or acknowledge {queued}  received and unread {unread}"),
                Lang::Zh => format!("  缓存  待发送或待确认 {queued}  已收到未读 {unread}"),
            });
            let Some((_, control)) = lab.control(host).find(|(tuple, _)| *tuple == connection.tuple) else { continue };
            for line in lines(&control, lab.now(), connection.due, lang) {
                shown.say(&line);
            }
        }
    }
}

/// Returns the lines about one end of a connection. `due` is when it next has work.
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
        let left = left(at?, now);
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
            if c.recovers { lang.pick("  repairs a loss", "  正在恢复丢失") } else { "" }
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

/// Returns how long a timer has left.
fn left(at: Instant, now: Instant) -> Span {
    Span(if at > now { at - now } else { Duration::ZERO })
}
