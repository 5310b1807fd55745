//! The contents of the status page, part by part.
//!
//! A part is small and stores its values, so the part's text stays the same until the part is sent. Only addresses,
//! ports and numbers come from outside, so no text needs escaping.

use core::fmt::{self, Write};

use smoltcp::time::Instant;

use super::status::{Row, Service, Status, Transport, seconds};
use crate::app::find;
use crate::stack::DisplayEndpoint;

/// The HTML at the beginning of the page.
pub const TOP: &str = include_str!("top.html");
/// The HTML at the end of the page.
pub const BOTTOM: &str = include_str!("bottom.html");

/// The sections of the page, in order. Each has the HTML that ends the previous section and begins this one, and the
/// list of its contents.
const SECTIONS: [(&str, List); 5] = [
    (r#"<section id="now" aria-label="Now"><dl>"#, List::Now),
    (
        concat!(
            r#"</dl></section><section id="connections" tabindex="0"><h2>Connections</h2><table><thead><tr><th scope="col">Program"#,
            r#"<th scope="col">State<th scope="col">Peer<th scope="col" class="n">For<th scope="col" class="n">Bytes read"#,
            r#"<th scope="col" class="n">Bytes written</thead><tbody>"#
        ),
        List::Rows,
    ),
    (r#"</table></section><section id="counters"><h2>Counters</h2><dl>"#, List::Figures),
    (r#"</dl></section><section id="drops"><h2>Dropped</h2><dl>"#, List::Drops),
    (
        concat!(
            r#"</dl></section><section tabindex="0"><h2>Programs</h2><table><thead><tr><th scope="col">Program"#,
            r#"<th scope="col">Port<th scope="col">What it does</thead><tbody>"#
        ),
        List::Services,
    ),
];
/// The HTML that ends the final section.
const END: &str = "</table></section>";

/// The number of changing sections, which come first.
const LIVE: u8 = 4;
/// The HTML that ends the final changing section, if no other section follows.
const LIVE_END: &str = "</dl></section>";

/// The list that a section of the page contains.
#[derive(Clone, Copy, Debug)]
enum List {
    Drops,
    Figures,
    Now,
    Rows,
    Services,
}

/// A position in the page.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    section: u8,
    /// The index of the next part in the section. Index 0 is the HTML that begins the section.
    index: u16,
    /// Whether only the changing sections are shown.
    live: bool,
}

/// A piece of the page that is written as a whole.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    Figure(&'static str, u64),
    Drops(crate::stack::DropReason, u64),
    /// A connection: its slot, its row, and the seconds since its last state change.
    Row(u16, Row, u32),
    Service(Service),
    Text(&'static str),
    Uptime(u32),
}

impl Position {
    /// Returns the position of the first section's beginning. If `live`, the position moves only through the changing
    /// sections.
    pub fn beginning(live: bool) -> Self {
        Position { section: 0, index: 0, live }
    }

    /// Returns the part at this position, and moves past that part. Returns `None` at the end.
    pub fn next(&mut self, status: &Status<'_>, now: Instant) -> Option<Part> {
        loop {
            let index = self.index;
            self.index = index.saturating_add(1);
            // Past the final section, index 0 is the HTML that ends that section. Later indices are past the end.
            let contents = SECTIONS.get(usize::from(self.section)).filter(|_| !self.live || self.section < LIVE);
            // Index 0 is the HTML that begins a section. Index n is item n - 1 of the section's list.
            match (contents, index.checked_sub(1)) {
                (None, None) => return Some(Part::Text(if self.live { LIVE_END } else { END })),
                (None, Some(_)) => return None,
                (Some((beginning, _)), None) => return Some(Part::Text(beginning)),
                (Some((_, list)), Some(at)) => match list.item(at, status, now) {
                    Item::End => (self.section, self.index) = (self.section + 1, 0),
                    Item::Nothing => {}
                    Item::Part(part) => return Some(part),
                },
            }
        }
    }
}

/// The result of [`List::item`].
enum Item {
    /// The list has no more items.
    End,
    /// No connection uses the row, but more rows can follow.
    Nothing,
    Part(Part),
}

impl List {
    /// Returns the item at `index` of this list. An item can be empty, and `Item::End` follows the last one.
    fn item(self, index: u16, status: &Status<'_>, now: Instant) -> Item {
        let at = usize::from(index);
        let part = match self {
            List::Drops => status.drops(at).map(|(drop, count)| Part::Drops(drop, count)),
            List::Figures => status.figure(at).map(|(name, value)| Part::Figure(name, value)),
            List::Now => match at {
                0 => Some(Part::Uptime(status.uptime(now))),
                1 => Some(Part::Figure("Open connections", status.open())),
                _ => None,
            },
            List::Rows => match status.row(at) {
                Some(Some(row)) => Some(Part::Row(index, row, seconds(row.since, now))),
                // No connection uses this row.
                Some(None) => return Item::Nothing,
                None => None,
            },
            List::Services => status.service(at).map(Part::Service),
        };
        part.map_or(Item::End, Item::Part)
    }
}

impl Part {
    /// Writes the part as HTML, at least one character, because an empty chunk would end the page.
    ///
    /// Except for [`TOP`] and [`BOTTOM`], the text has no newline, because a newline would end the data of an event.
    pub fn write(&self, status: &Status<'_>, out: &mut dyn Write) -> fmt::Result {
        match *self {
            Part::Drops(drop, count) => write!(out, "<div><dt>{drop}<dd>{}</div>", Grouped(count)),
            Part::Figure(name, value) => write!(out, "<div><dt>{name}<dd>{}</div>", Grouped(value)),
            Part::Row(slot, row, age) => write!(
                out,
                r#"<tr><td>{}{}<td><b id="c{slot}-{}" class="{}">{}</b><td>{}<td class="n">{}<td class="n">{}<td class="n">{}"#,
                status.program(row.tuple.local).unwrap_or("a client here"),
                if row.watches { ", live" } else { "" },
                row.tuple.remote.port,
                row.state,
                row.state,
                DisplayEndpoint(row.tuple.remote),
                Clock(age),
                Grouped(row.read),
                Grouped(row.wrote),
            ),
            Part::Service(Service { name, transport, port }) => {
                let transport = if transport == Transport::Tcp { "tcp" } else { "udp" };
                let summary = find(name).map_or("", |app| app.program.summary());
                write!(out, r#"<tr><th scope="row">{name}<td>{transport} {port}<td>{summary}"#)
            }
            Part::Text(text) => out.write_str(text),
            Part::Uptime(time) => write!(out, "<div><dt>Running for<dd>{}</div>", Clock(time)),
        }
    }
}

/// A time in seconds, shown as in `26:03:09`.
struct Clock(u32);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:02}:{:02}", self.0 / 3600, self.0 / 60 % 60, self.0 % 60)
    }
}

/// A number, shown in groups of three digits as in `1,234,567`.
struct Grouped(u64);

impl fmt::Display for Grouped {
    /// Writes the number with a comma before each group of three digits, as in `1,234,567`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `unit` is the power of 1,000 that belongs to the first group, and then to each further group.
        let mut unit = 1;
        while self.0 / unit >= 1000 {
            unit *= 1000;
        }
        write!(f, "{}", self.0 / unit)?;
        while unit > 1 {
            unit /= 1000;
            write!(f, ",{:03}", self.0 / unit % 1000)?;
        }
        Ok(())
    }
}
