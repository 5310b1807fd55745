//! Draws a run as a ladder diagram: the client on the left, the server on the right, and a line for each event.

mod label;

use core::fmt::{self, Display, Write};

use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;

use self::label::Label;
use super::entry::{Transfer, What};
use super::text::Text;
use super::words::{In, host_name};
use crate::lab::lang::Lang;
use crate::lab::{Lane, Snapshot, WIRE};
use crate::stack::{Event, Next};
use crate::trace::{Carries, Cause, Segment, Summary};

/// The appearance of a ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// The number of columns in a line, from [`Ladder::NARROWEST`] to [`Ladder::WIDEST`]. Other values are limited to
    /// this range.
    pub width: usize,
    /// Whether to use ASCII only.
    pub ascii: bool,
    /// Whether to use ANSI escape sequences for colours.
    pub color: bool,
    /// The language of the words. The names of states, flags and fields are English in each language.
    pub lang: Lang,
}

/// From this width on, the names of states are not abbreviated.
const WIDE: usize = 100;

impl Ladder {
    /// The smallest number of columns in a ladder.
    pub const NARROWEST: usize = 72;
    /// The largest number of columns in a ladder. More columns would only make the arrows longer.
    pub const WIDEST: usize = 160;

    /// Returns the heading of the columns.
    pub fn header(&self) -> impl Display {
        Header(*self)
    }

    /// Returns the line of an entry, or `None` if other lines show the event.
    ///
    /// The state columns show changes of state. The line for a program's run shows the data that the program read.
    pub fn row(&self, snapshot: &Snapshot) -> Option<impl Display + use<>> {
        Some(Row { ladder: *self, snapshot: *snapshot, body: Body::of(*self, snapshot)? })
    }

    fn width(&self) -> usize {
        self.width.clamp(Self::NARROWEST, Self::WIDEST)
    }

    fn is_wide(&self) -> bool {
        self.width() >= WIDE
    }

    /// Returns the number of columns for a state.
    fn state_width(&self) -> usize {
        if self.is_wide() { 12 } else { 10 }
    }

    /// Returns the number of columns between the two states.
    fn middle(&self) -> usize {
        self.width() - TIME - 1 - STEP - 1 - 2 * (self.state_width() + 1)
    }

    /// Returns the number of columns for an event: those between the two states, without the lanes.
    fn room(&self, lane: Lane) -> usize {
        let lanes = lanes(lane);
        self.middle() - lanes - usize::from(lanes > 0)
    }

    /// Returns a word in the ladder's language.
    fn word(&self, english: &str, chinese: &str) -> Text {
        Text::of(self.lang.pick(english, chinese))
    }

    fn paint(&self, f: &mut fmt::Formatter<'_>, color: &str) -> fmt::Result {
        if self.color { f.write_str(color) } else { Ok(()) }
    }
}

const TIME: usize = 10;
const STEP: usize = 5;

const PLAIN: &str = "\x1b[0m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
/// The colours of the connections. Red and yellow are for lost and repeated frames.
const CONNECTIONS: [&str; 4] = ["\x1b[36m", "\x1b[35m", "\x1b[32m", "\x1b[34m"];

/// The largest number of columns that mark the connections. More connections share these columns.
const MOST_LANES: u32 = 8;

/// Returns the number of columns that mark the connections: 0 if the run has only one connection.
fn lanes(lane: Lane) -> usize {
    if lane.of > 1 { lane.of.min(MOST_LANES) as usize } else { 0 }
}

/// Returns the colour of a connection, or no colour if the run has only one connection.
fn connection_color(lane: Lane) -> &'static str {
    let number = lane.number.filter(|_| lane.of > 1);
    number.map_or("", |number| CONNECTIONS[number as usize % CONNECTIONS.len()])
}

struct Header(Ladder);

impl Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ladder, width) = (self.0, self.0.state_width());
        ladder.paint(f, BOLD)?;
        let [seconds, step] = [ladder.word("seconds", "秒"), ladder.word("step", "步")];
        let [client, server] = [0, 1].map(|host| Text::of(host_name(host, ladder.lang)));
        write!(f, "{seconds:>TIME$} {step:>STEP$} {client:<width$} {:w$} {server}", "", w = ladder.middle())?;
        if ladder.color { f.write_str(PLAIN) } else { Ok(()) }
    }
}

/// The part of a line between the two state columns. The numbers of frames are for the picture, which needs a heap.
#[cfg_attr(not(feature = "alloc"), allow(dead_code))]
pub(super) enum Body {
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

/// The emphasis of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Again,
    Bad,
    Dim,
    Plain,
}

impl Body {
    pub(super) fn of(ladder: Ladder, snapshot: &Snapshot) -> Option<Self> {
        let (host, lang) = (snapshot.entry.host, ladder.lang);
        let room = ladder.room(snapshot.lane);
        let mut text = Text::new(room);
        let mut tone = Tone::Plain;
        let port = |text: &mut Text| snapshot.port.map_or(Ok(()), |port| write!(text, ":{port} "));
        // Writing never fails: text that is too long is cut.
        let _ = match snapshot.entry.what {
            What::Arrived { frame, summary, damaged, mark } => {
                let damage = lang.pick("arrives damaged: thrown away", "到达时已损坏，丢弃");
                let end = if damaged { damage } else { lang.pick("arrives", "到达") };
                let _ = write!(text, "#{frame} ").and_then(|()| port(&mut text));
                let _ = write!(text, "{} {end}", Brief(lang, summary));
                let _ = mark.map_or(Ok(()), |mark| write!(text, "{}", In(lang, mark)));
                return Some(Body::Arrival { host, damaged, text });
            }
            What::Clock => return Some(Body::Clock),
            What::HostEvent(host_event) => write!(text, "{}", In(lang, host_event)),
            What::Ran(next, _, transfer) => {
                tone = Tone::Dim;
                port(&mut text).and_then(|()| program_words(&mut text, lang, next, transfer))
            }
            What::RanUdp(port, _, transfer) => {
                tone = Tone::Dim;
                let _ = match lang {
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
                event_words(&mut text, lang, &event)?
            }
        };
        Some(Body::Note { host, tone, text })
    }

    fn tone(&self) -> Tone {
        match self {
            Body::Arrow { lost: true, .. } | Body::Arrival { damaged: true, .. } => Tone::Bad,
            Body::Arrow { again: true, .. } => Tone::Again,
            Body::Arrow { .. } => Tone::Plain,
            Body::Arrival { .. } | Body::Clock => Tone::Dim,
            Body::Note { tone, .. } => *tone,
        }
    }
}

struct Row {
    ladder: Ladder,
    snapshot: Snapshot,
    body: Body,
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { ladder, snapshot, body } = self;
        let (width, middle, [client, server]) = (ladder.state_width(), ladder.room(snapshot.lane), snapshot.states);
        let (time, step) = (Micros(snapshot.entry.at), snapshot.entry.step);
        write!(f, "{time} {step:>STEP$} {:<width$} ", ladder.name(client))?;
        self.lanes(f)?;
        let [tone, color] = match body.tone() {
            Tone::Again => ["", YELLOW],
            Tone::Bad => ["", RED],
            Tone::Dim => [DIM, connection_color(snapshot.lane)],
            Tone::Plain => ["", connection_color(snapshot.lane)],
        };
        ladder.paint(f, tone)?;
        ladder.paint(f, color)?;
        match body {
            Body::Arrow { host, lost, again, label } => self.arrow(f, *host, *lost, *again, label)?,
            Body::Clock => write!(f, "{:^middle$}", ladder.word("clock", "时钟"))?,
            Body::Arrival { host, text, .. } | Body::Note { host, text, .. } => match host {
                0 => write!(f, "{text:<middle$}")?,
                1 => write!(f, "{text:>middle$}")?,
                _ => write!(f, "{text:^middle$}")?,
            },
        }
        ladder.paint(f, if tone.is_empty() && color.is_empty() { "" } else { PLAIN })?;
        write!(f, " {}", ladder.name(server))
    }
}

impl Row {
    /// Writes a column for each connection of the run, and marks the column of the line's connection.
    fn lanes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ladder, lane) = (self.ladder, self.snapshot.lane);
        let count = lanes(lane);
        let own = lane.number.map(|number| number as usize % count.max(1));
        let [mark, other] = if ladder.ascii { ['*', '|'] } else { ['●', '│'] };
        for place in 0..count {
            if own == Some(place) {
                ladder.paint(f, connection_color(lane))?;
                f.write_char(mark)?;
                ladder.paint(f, PLAIN)?;
            } else {
                f.write_char(other)?;
            }
        }
        if count > 0 { f.write_char(' ') } else { Ok(()) }
    }

    fn arrow(&self, f: &mut fmt::Formatter<'_>, host: usize, lost: bool, again: bool, label: &Text) -> fmt::Result {
        let (line, right, left, cross) = match (self.ladder.ascii, again) {
            (false, false) => ("─", '►', '◄', '✗'),
            (false, true) => ("╌", '►', '◄', '✗'),
            (true, false) => ("-", '>', '<', 'x'),
            (true, true) => ("- ", '>', '<', 'x'),
        };
        // "── label ────►": two columns of the shaft come before the label, and the rest follows the label.
        let rest = self.ladder.room(self.snapshot.lane).saturating_sub(5 + label.columns());
        // The arrow of a lost frame does not reach the other end.
        let gap = if lost { (rest / 3).min(8) } else { 0 };
        let shaft = |f: &mut fmt::Formatter<'_>, count: usize| {
            line.chars().cycle().take(count).try_for_each(|c| f.write_char(c))
        };
        if host == 0 {
            shaft(f, 2)?;
            write!(f, " {label} ")?;
            shaft(f, rest - gap)?;
            write!(f, "{}{:gap$}", if lost { cross } else { right }, "")
        } else {
            write!(f, "{:gap$}{}", "", if lost { cross } else { left })?;
            shaft(f, rest - gap)?;
            write!(f, " {label} ")?;
            shaft(f, 2)
        }
    }
}

/// The time since the start of the run, in seconds with six decimals.
pub(super) struct Micros(pub(super) Instant);

impl Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = (self.0 - crate::lab::START).total_micros();
        write!(f, "{:>3}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

fn program_words(text: &mut Text, lang: Lang, next: Next, transfer: Transfer) -> fmt::Result {
    write!(text, "{}{}", lang.pick("program", "程序"), In(lang, transfer))?;
    match next {
        Next::Wait => Ok(()),
        Next::WakeAt(at) => write!(text, "{} {} s", lang.pick("; wakes at", "；唤醒时刻"), Seconds(at)),
        Next::Close => text.write_str(lang.pick(": close", "：关闭")),
        Next::Abort => text.write_str(lang.pick(": abort", "：异常终止")),
    }
}

/// Describes an event. Returns `None` if other lines show the event.
fn event_words(text: &mut Text, lang: Lang, event: &Event) -> Option<fmt::Result> {
    Some(match event {
        Event::Address(what) => write!(text, "{what}"),
        Event::Accepted { .. } => text.write_str(lang.pick("connection accepted", "连接已接受")),
        Event::Connected { .. } => text.write_str(lang.pick("connected", "连接已建立")),
        Event::Dropped(why) => write!(text, "{}{}", lang.pick("dropped: ", "丢弃："), In(lang, *why)),
        Event::Ended { end, .. } => write!(text, "{}{}", lang.pick("connection over: ", "连接结束："), In(lang, *end)),
        Event::HandshakeEnded { end, .. } => {
            write!(text, "{}{}", lang.pick("half-way connection over: ", "半连接结束："), In(lang, *end))
        }
        Event::Refused { why, .. } => write!(text, "{}{}", lang.pick("refused: ", "拒绝："), In(lang, *why)),
        // No step causes this change, so no other line shows it.
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

/// A short description of a frame's content.
struct Brief(Lang, Summary);

impl Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1.carries {
            Carries::Tcp(Segment { len: 0, .. }) => f.write_str(self.1.segment().map_or("", |s| s.flags())),
            Carries::Tcp(segment) => write!(f, "{} len={}", segment.flags(), segment.len),
            // The word before it, "destination unreachable", would not fit the row.
            Carries::Icmp(3, 4) => f.write_str(self.0.pick("ICMP fragmentation needed", "ICMP 需要分片")),
            _ => In(self.0, self.1).fmt(f),
        }
    }
}

impl Ladder {
    /// Returns a state's name, abbreviated if the ladder is narrow.
    fn name(&self, state: State) -> Text {
        let width = self.state_width();
        let mut text = Text::new(width);
        let _ = match state {
            State::Established if !self.is_wide() => text.write_str("ESTAB"),
            State::SynReceived if !self.is_wide() => text.write_str("SYN-RCVD"),
            state => write!(text, "{state}"),
        };
        text
    }
}

#[cfg(all(test, feature = "std"))]
pub(super) mod tests;
