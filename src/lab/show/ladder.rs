//! Draws a run as a ladder diagram: the client on the left, the server on the right, and a line for each event.

mod body;
mod label;

#[cfg(feature = "session")]
use alloc::string::{String, ToString};
use core::fmt::{self, Display, Write};

use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;

pub(super) use self::body::{Body, Tone};
use super::text::Text;
use super::words::host_name;
use crate::lab::lang::Lang;
use crate::lab::{Lane, Snapshot};

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

/// The width in columns from which the names of states are not abbreviated.
const WIDE: usize = 100;

impl Ladder {
    /// The smallest number of columns in a ladder.
    pub const NARROWEST: usize = 72;
    /// The largest number of columns in a ladder. More columns would only make the arrows longer.
    pub const WIDEST: usize = 160;

    /// Returns the line with the names of the columns.
    pub fn header(&self) -> impl Display {
        Header(*self)
    }

    /// Returns the line that shows an entry, or `None` if other lines show the event.
    ///
    /// The state columns show changes of state. The line for a program's run shows the data that the program read.
    pub fn row(&self, snapshot: &Snapshot) -> Option<impl Display + use<>> {
        Some(Row { ladder: *self, snapshot: *snapshot, body: Body::of(*self, snapshot)? })
    }

    /// Returns the text of an entry's line between the states: the label of its arrow, or the event. Returns `None` if
    /// other lines show the event.
    #[cfg(feature = "session")]
    pub(crate) fn label(&self, snapshot: &Snapshot) -> Option<String> {
        Some(match Body::of(*self, snapshot)? {
            Body::Arrow { label: text, .. } | Body::Arrival { text, .. } | Body::Note { text, .. } => text.to_string(),
            Body::Clock => self.clock().to_string(),
        })
    }

    /// Returns the word that a line shows if only the clock advances.
    pub(super) fn clock(&self) -> Text {
        self.word("clock", "时钟")
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

    /// Returns the number of columns for an event: the columns between the two states, excluding the lanes.
    fn room(&self, lane: Lane) -> usize {
        let lanes = lanes(lane);
        self.middle() - lanes - usize::from(lanes > 0)
    }

    /// Returns a word in the ladder's language.
    fn word(&self, english: &str, chinese: &str) -> Text {
        Text::of(self.lang.pick(english, chinese))
    }

    /// Writes an escape sequence, if the ladder uses colours.
    fn paint(&self, f: &mut fmt::Formatter<'_>, color: &str) -> fmt::Result {
        if self.color { f.write_str(color) } else { Ok(()) }
    }
}

/// The width of the column of times.
const TIME: usize = 10;
/// The width of the column of steps.
const STEP: usize = 5;

const PLAIN: &str = "\x1b[0m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
/// The colours of the connections. Red and yellow are reserved for lost and retransmitted frames.
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
    /// Writes the headings of the columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ladder, width) = (self.0, self.0.state_width());
        ladder.paint(f, BOLD)?;
        let [seconds, step] = [ladder.word("seconds", "秒"), ladder.word("step", "步")];
        let [client, server] = [0, 1].map(|host| Text::of(host_name(host, ladder.lang)));
        // The client's heading is above its states, and the server's heading above its own.
        write!(f, "{seconds:>TIME$} {step:>STEP$} {client:<width$} {:w$} {server}", "", w = ladder.middle())?;
        if ladder.color { f.write_str(PLAIN) } else { Ok(()) }
    }
}

struct Row {
    ladder: Ladder,
    snapshot: Snapshot,
    body: Body,
}

impl Display for Row {
    /// Writes a line: the time, the step, the client's state, the lanes, the event and the server's state.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { ladder, snapshot, body } = self;
        let (width, room, [client, server]) = (ladder.state_width(), ladder.room(snapshot.lane), snapshot.states);
        let (time, step) = (Micros(snapshot.entry.at), snapshot.entry.step);
        // An entry about UDP, or of a run without TCP, has no states to show.
        let name = |state| if snapshot.has_states { ladder.name(state) } else { Text::of("-") };
        write!(f, "{time} {step:>STEP$} {:<width$} ", name(client))?;
        self.lanes(f)?;
        // Two escape sequences: the brightness and the colour.
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
            Body::Clock => write!(f, "{:^room$}", ladder.clock())?,
            Body::Arrival { host, text, .. } | Body::Note { host, text, .. } => match host {
                // A text is beside its host's state. The texts of other hosts and of the wire are in the middle.
                0 => write!(f, "{text:<room$}")?,
                1 => write!(f, "{text:>room$}")?,
                _ => write!(f, "{text:^room$}")?,
            },
        }
        ladder.paint(f, if tone.is_empty() && color.is_empty() { "" } else { PLAIN })?;
        write!(f, " {}", name(server))
    }
}

impl Row {
    /// Writes a column for each connection of the run, and marks the column of the line's connection. Writes nothing if
    /// the run has only one connection.
    fn lanes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ladder, lane) = (self.ladder, self.snapshot.lane);
        let count = lanes(lane);
        // If there are more connections than columns, several connections share a column. `max` only avoids a division
        // by 0.
        let own = lane.number.map(|number| number as usize % count.max(1));
        let [mark, other] = if ladder.ascii { ['*', '|'] } else { ['●', '│'] };
        for column in 0..count {
            if own == Some(column) {
                ladder.paint(f, connection_color(lane))?;
                f.write_char(mark)?;
                ladder.paint(f, PLAIN)?;
            } else {
                f.write_char(other)?;
            }
        }
        if count > 0 { f.write_char(' ') } else { Ok(()) }
    }

    /// Writes the arrow of a frame that `host` sends: 0 is the client, on the left, and 1 the server. The arrow of a
    /// lost frame ends early with a cross, and the shaft of a retransmission (`again`) is dashed.
    fn arrow(&self, f: &mut fmt::Formatter<'_>, host: usize, lost: bool, again: bool, label: &Text) -> fmt::Result {
        let (line, right, left, cross) = match (self.ladder.ascii, again) {
            (false, false) => ("─", '►', '◄', '✗'),
            (false, true) => ("╌", '►', '◄', '✗'),
            (true, false) => ("-", '>', '<', 'x'),
            (true, true) => ("- ", '>', '<', 'x'),
        };
        // "── label ────►": two columns of the shaft, a space, the label, a space, the rest of the shaft, the
        // arrowhead. Five columns belong neither to the label nor to the rest.
        let rest = self.ladder.room(self.snapshot.lane).saturating_sub(5 + label.columns());
        // The arrow of a lost frame does not reach the other host.
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
