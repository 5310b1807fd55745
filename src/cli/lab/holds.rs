//! Shows what both ends keep about a connection: all of it for `s` of `lab --step`, and changes of it for `--show`.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::outputs::Shown;
use super::run::HostLab;
use super::value::{Value, or_dash, since, span};
use crate::lab::show::Span;
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
                shown.say(&format!("      {}{port}  {}", NAMES[*host], changed.join("  ")));
            }
        }
        self.last = now;
    }
}

const NAMES: [&str; 2] = ["client", "server"];

/// Shows all that both ends keep about every connection.
pub fn sockets(lab: &HostLab<'_>, shown: &mut Shown) {
    for (host, name) in NAMES.into_iter().enumerate() {
        let connections: Vec<_> = lab.views(host).map(|view| view.connection).collect();
        if connections.is_empty() {
            shown.say(&format!("{name}  no connection"));
        }
        for connection in connections {
            shown.say(&format!("{name}  {}  {}", connection.state, connection.tuple));
            let (queued, unread) = (connection.send_queue, connection.receive_queue);
            shown.say(&format!("  buffers     to send or acknowledge {queued}  received and unread {unread}"));
            let Some((_, control)) = lab.control(host).find(|(tuple, _)| *tuple == connection.tuple) else { continue };
            for line in lines(&control, lab.now(), connection.due) {
                shown.say(&line);
            }
        }
    }
}

/// Returns the lines about one end of a connection. `due` is when it next has work.
fn lines(c: &Control, now: Instant, due: Option<Instant>) -> Vec<String> {
    let number = |number: TcpSeqNumber, first: TcpSeqNumber| format!("{} ({})", since(number, first), number.0 as u32);
    let flight = since(c.nxt, c.una);
    let timers = [
        ("retransmission", c.retransmission),
        ("tail loss probe", c.tail_probe),
        ("persist", c.persist),
        ("TIME-WAIT", c.time_wait),
        ("next deadline", due),
    ];
    let timers: Vec<_> =
        timers.into_iter().filter_map(|(name, at)| Some(format!("{name} in {}", left(at?, now)))).collect();
    let mut lines = vec![
        format!(
            "  send        SND.UNA {}  SND.NXT {}  SND.WND {}  in flight {flight}  MSS {}",
            number(c.una, c.iss),
            number(c.nxt, c.iss),
            or_dash(c.irs.map(|_| c.snd_wnd)),
            c.mss
        ),
        format!(
            "  receive     RCV.NXT {}  RCV.WND {}",
            c.irs.map_or("-".into(), |irs| number(c.rcv_nxt, irs)),
            or_dash(c.irs.map(|_| c.rcv_wnd))
        ),
        format!("  timing      SRTT {}  RTTVAR {}  RTO {}", span(c.srtt), span(c.rttvar), Span(c.rto)),
        format!(
            "  congestion  cwnd {}  ssthresh {}  duplicate ACKs {}{}",
            or_dash(c.cwnd),
            or_dash(c.ssthresh),
            c.duplicates,
            if c.recovers { "  repairs a loss" } else { "" }
        ),
        format!("  timers      {}", if timers.is_empty() { "none".into() } else { timers.join("  ") }),
    ];
    if let Some(by) = c.held_by {
        let by = match by {
            HeldBy::Cwnd => "the congestion window",
            HeldBy::Handshake => "the handshake",
            HeldBy::Loss => "lost data, which is sent first",
            HeldBy::Nagle => "Nagle's algorithm",
            HeldBy::Window => "the peer's window",
        };
        lines.push(format!("  held back   {} bytes, by {by}", c.unsent));
    }
    lines
}

/// Returns how long a timer has left.
fn left(at: Instant, now: Instant) -> Span {
    Span(if at > now { at - now } else { Duration::ZERO })
}
