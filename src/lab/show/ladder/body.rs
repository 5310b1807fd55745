//! The part of a line between the two states: an arrow, an arrival, or a note. A part that is too long is worded
//! briefly.

use core::fmt::{self, Display, Write};

use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;

use super::super::entry::{Transfer, What};
use super::super::text::Text;
use super::super::words::{Brief, In};
use super::Ladder;
use super::label::Label;
use crate::lab::lang::Lang;
use crate::lab::{Snapshot, WIRE};
use crate::stack::{Event, Next};
use crate::trace::Cause;

/// The part of a line between the two state columns. Host 0 is the client, and host 1 the server.
pub(in crate::lab::show) enum Body {
    /// The client or the server sends a frame.
    Arrow {
        /// The sender.
        host: usize,
        /// Whether the frame never arrives.
        lost: bool,
        /// Whether the frame is a retransmission.
        again: bool,
        /// The arrow's label.
        label: Text,
    },
    /// A frame arrives. The frame's arrow was drawn when the frame was sent.
    Arrival { host: usize, damaged: bool, text: Text },
    /// The clock advances.
    Clock,
    /// Any other event at a host.
    Note { host: usize, tone: Tone, text: Text },
}

/// The emphasis of a line, which its colour shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::show) enum Tone {
    Again,
    Bad,
    Dim,
    Plain,
}

impl Body {
    /// Returns the part for an entry, or `None` if other lines show the event. A text that does not fit gets its
    /// shortest wording. If that does not fit either, the text is cut, with a sign at its end.
    pub(in crate::lab::show) fn of(ladder: Ladder, snapshot: &Snapshot) -> Option<Self> {
        let with_wording = |brief| Self::with_wording(ladder, snapshot, brief);
        let full = with_wording(false)?;
        let mut body = if full.is_cut() { with_wording(true)? } else { full };
        if let Body::Arrival { text, .. } | Body::Note { text, .. } = &mut body {
            text.mark_cut(if ladder.ascii { ".." } else { "…" });
        }
        Some(body)
    }

    /// Returns whether the text of the part did not fit.
    fn is_cut(&self) -> bool {
        matches!(self, Body::Arrival { text, .. } | Body::Note { text, .. } if text.is_cut())
    }

    /// Returns the part, in the shortest wording if `brief` is true. A text that is too long is cut.
    fn with_wording(ladder: Ladder, snapshot: &Snapshot, brief: bool) -> Option<Self> {
        let (host, lang) = (snapshot.entry.host, ladder.lang);
        let room = ladder.room(snapshot.lane);
        let mut text = Text::new(room);
        let mut tone = Tone::Plain;
        let port = |text: &mut Text| snapshot.port.map_or(Ok(()), |port| write!(text, ":{port} "));
        // Writing never fails: text that is too long is cut.
        let _ = match snapshot.entry.what {
            What::Arrived { frame, summary, damaged, mark } => {
                let damage = lang.pick("arrives damaged: thrown away", "到达时已损坏，丢弃");
                let end = match (damaged, brief) {
                    (true, false) => damage,
                    (true, true) => lang.pick("damaged: thrown away", "已损坏，丢弃"),
                    (false, false) => lang.pick("arrives", "到达"),
                    // The mark, which is written below, says enough.
                    (false, true) => "",
                };
                let _ = write!(text, "#{frame} ").and_then(|()| port(&mut text));
                let _ = match summary.segment() {
                    Some(segment) if brief => text.write_str(segment.flags()),
                    _ => write!(text, "{}", Brief(lang, summary)),
                };
                let _ = if end.is_empty() { Ok(()) } else { write!(text, " {end}") };
                let _ = mark.map_or(Ok(()), |mark| write!(text, "{}", In(lang, mark)));
                return Some(Body::Arrival { host, damaged, text });
            }
            What::Clock => return Some(Body::Clock),
            What::HostEvent(host_event) => write!(text, "{}", In(lang, host_event)),
            What::Ran(next, _, transfer) => {
                tone = Tone::Dim;
                let _ = match snapshot.port {
                    // The words that `program_words` adds begin with a space in English, but not in Chinese.
                    Some(port) if brief => write!(text, ":{port}{}", lang.pick("", " ")),
                    _ => port(&mut text),
                };
                let program = if brief && snapshot.port.is_some() { "" } else { lang.pick("program", "程序") };
                let _ = text.write_str(program);
                program_words(&mut text, lang, brief, next, transfer)
            }
            What::RanUdp(port, _, transfer) => {
                tone = Tone::Dim;
                let _ = match lang {
                    _ if brief => write!(text, "UDP :{port}{}", lang.pick("", " ")),
                    Lang::En => write!(text, "program on UDP port {port}"),
                    Lang::Zh => write!(text, "UDP 端口 {port} 的程序"),
                };
                write!(text, "{}", In(lang, transfer))
            }
            What::Sent { frame, summary, cause, verdict, .. } if host < 2 => {
                let label = Label { ladder, isn: snapshot.isn, port: snapshot.port, frame, summary, cause, verdict };
                let label = label.longest_that_fits(room.saturating_sub(6));
                let lost = verdict.is_lost();
                let again = cause.is_some_and(Cause::is_again);
                return Some(Body::Arrow { host, lost, again, label });
            }
            What::Sent { frame, summary, .. } if host == WIRE => {
                tone = Tone::Bad;
                let _ = write!(text, "#{frame} ").and_then(|()| port(&mut text));
                match (lang, summary.segment()) {
                    (Lang::En, Some(_)) => write!(text, "{} is forged", Brief(lang, summary)),
                    (Lang::Zh, Some(_)) => write!(text, "伪造的 {}", Brief(lang, summary)),
                    (_, None) => write!(text, "{}{}", lang.pick("router: ", "路由器："), Brief(lang, summary)),
                }
            }
            What::Sent { frame, summary, .. } => {
                let [name, sends] = [lang.pick("host", "主机"), lang.pick("sends", "发送")];
                write!(text, "{name} {host} {sends} #{frame} {}", Brief(lang, summary))
            }
            What::Stack(event) => {
                if matches!(event, Event::Refused { .. } | Event::Dropped(_)) {
                    tone = Tone::Bad;
                }
                let _ = port(&mut text);
                event_words(&mut text, lang, brief, &event)?
            }
        };
        Some(Body::Note { host, tone, text })
    }

    /// Returns the emphasis of the line.
    pub(super) fn tone(&self) -> Tone {
        match self {
            // A retransmission that is lost counts as lost, so this arm is the first one.
            Body::Arrow { lost: true, .. } | Body::Arrival { damaged: true, .. } => Tone::Bad,
            Body::Arrow { again: true, .. } => Tone::Again,
            Body::Arrow { .. } => Tone::Plain,
            Body::Arrival { .. } | Body::Clock => Tone::Dim,
            Body::Note { tone, .. } => *tone,
        }
    }
}

/// Writes how much a program read and wrote, and what it does next. A program that only waits gets no words for that,
/// and the brief wording omits the time at which a program wakes.
fn program_words(text: &mut Text, lang: Lang, brief: bool, next: Next, transfer: Transfer) -> fmt::Result {
    write!(text, "{}", In(lang, transfer))?;
    match next {
        Next::Wait => Ok(()),
        Next::WakeAt(_) if brief => Ok(()),
        Next::WakeAt(at) => write!(text, "{} {} s", lang.pick("; wakes at", "；唤醒时刻"), Seconds(at)),
        Next::Close => text.write_str(lang.pick(": close", "：关闭")),
        Next::Abort => text.write_str(lang.pick(": abort", "：异常终止")),
    }
}

/// Writes the words for an event of a stack. Writes nothing and returns `None` if other lines show the event.
fn event_words(text: &mut Text, lang: Lang, brief: bool, event: &Event) -> Option<fmt::Result> {
    Some(match event {
        Event::Address(what) => write!(text, "{what}"),
        Event::Accepted { .. } => text.write_str(lang.pick("connection accepted", "连接已接受")),
        Event::Connected { .. } => text.write_str(lang.pick("connected", "连接已建立")),
        Event::Dropped(why) => write!(text, "{}{}", lang.pick("dropped: ", "丢弃："), In(lang, *why)),
        Event::Ended { end, .. } if brief => write!(text, "{}{}", lang.pick("over: ", "结束："), In(lang, *end)),
        Event::Ended { end, .. } => write!(text, "{}{}", lang.pick("connection over: ", "连接结束："), In(lang, *end)),
        Event::HandshakeEnded { end, .. } if brief => {
            write!(text, "{}{}", lang.pick("half-way over: ", "半连接结束："), In(lang, *end))
        }
        Event::HandshakeEnded { end, .. } => {
            write!(text, "{}{}", lang.pick("half-way connection over: ", "半连接结束："), In(lang, *end))
        }
        Event::Refused { why, .. } => write!(text, "{}{}", lang.pick("refused: ", "拒绝："), In(lang, *why)),
        // A timer causes this change, so no line of a frame or program shows it.
        Event::State { from: State::TimeWait, to: State::Closed, .. } => {
            text.write_str(lang.pick("TIME-WAIT is over", "TIME-WAIT 结束"))
        }
        Event::Connecting { .. }
        | Event::Read { .. }
        | Event::State { .. }
        | Event::Udp { .. }
        | Event::Wrote { .. } => return None,
    })
}

/// The time since the start of the run, in seconds with three decimals.
struct Seconds(Instant);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = (self.0 - crate::lab::START).total_micros();
        write!(f, "{}.{:03}", micros / 1_000_000, micros / 1000 % 1000)
    }
}
