//! Writes the server's answers into a send buffer of any size.

use core::fmt::{self, Write as _};

use smoltcp::socket::tcp::Socket;
use smoltcp::time::Instant;

use super::page::{BOTTOM, Part, Position, TOP};
use super::refusal::Refusal;
use super::request::{Asked, Target};
use super::status::Status;
use crate::app::message::{self, Write};

/// The kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// One event: the changing sections of the page, with one `data:` line for each part.
    Event,
    Page,
    Refusal(Refusal),
    /// Only the head of a response. The events follow as separate answers.
    Watch,
}

/// An answer that is being sent.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    content: Content,
    asked: Asked,
    stage: Stage,
    /// How many bytes of the current stage's output are already in the send buffer.
    queued: u16,
}

/// The part of the answer that is being queued now.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Head,
    Part(Part, Next),
    End,
}

/// The output after the current part: the next part of the page, or the end.
#[derive(Clone, Copy, Debug)]
enum Next {
    End,
    Position(Position),
}

const CONTENT_TYPE: &str = "Content-Type: text/html; charset=utf-8\r\nContent-Security-Policy: default-src 'none'; \
     style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:\r\n";

impl Answer {
    /// Creates the answer to a request: the page, or the head before the events.
    pub fn to(asked: Asked) -> Self {
        let content = if asked.target == Target::Page { Content::Page } else { Content::Watch };
        Answer { content, asked, stage: Stage::Head, queued: 0 }
    }

    /// Creates one event with all the changing sections.
    pub fn event(status: &Status<'_>, now: Instant) -> Self {
        // `true` restricts the position to the changing sections.
        let mut position = Position::beginning(true);
        let stage = match position.next(status, now) {
            Some(part) => Stage::Part(part, Next::Position(position)),
            None => Stage::End,
        };
        // An event answers no request of its own.
        Answer { content: Content::Event, asked: Asked::nothing(), stage, queued: 0 }
    }

    /// Creates the answer that refuses a request.
    pub fn refusal(refusal: Refusal, asked: Asked) -> Self {
        Answer { content: Content::Refusal(refusal), asked, stage: Stage::Head, queued: 0 }
    }

    /// Returns whether the answer is an event.
    pub fn is_event(&self) -> bool {
        self.content == Content::Event
    }

    /// Returns whether events follow the answer.
    pub fn watches(&self) -> bool {
        self.is_event() || (self.content == Content::Watch && !self.asked.head_only)
    }

    /// Returns whether the connection closes after the answer. A stream of events has no length, so only the end of the
    /// connection can end it.
    pub fn is_last(&self) -> bool {
        self.asked.last || self.content == Content::Watch
    }

    /// Queues as much of the answer as fits into the send buffer. Returns whether all of the answer is queued.
    pub fn send(&mut self, socket: &mut Socket<'_>, status: &Status<'_>, now: Instant) -> bool {
        loop {
            let mut queued = usize::from(self.queued);
            let done = message::stream(socket, &mut queued, |write| {
                // `Out` never fails.
                let _ = self.write(status, &mut Out(write));
            });
            // The output of each stage is far shorter than 65,535 bytes.
            self.queued = u16::try_from(queued).unwrap_or(u16::MAX);
            if !done {
                return false;
            }
            self.queued = 0;
            self.stage = match self.stage {
                // Parts follow only the head of a page, and only if the method is not HEAD.
                Stage::Head if self.content != Content::Page || self.asked.head_only => return true,
                // `false` makes the position go through all sections of the page.
                Stage::Head => Stage::Part(Part::Text(TOP), Next::Position(Position::beginning(false))),
                Stage::Part(_, Next::End) => Stage::End,
                Stage::Part(_, Next::Position(mut position)) => match position.next(status, now) {
                    Some(part) => Stage::Part(part, Next::Position(position)),
                    None if self.content == Content::Page => Stage::Part(Part::Text(BOTTOM), Next::End),
                    None => Stage::End,
                },
                Stage::End => return true,
            }
        }
    }

    /// Writes the output of the current stage. A part is written as a line of event data, as a chunk or, if the page is
    /// sent without chunks (`unchunked`), unchanged. Repeated calls for one stage write the same bytes.
    fn write(&self, status: &Status<'_>, out: &mut Out<'_, '_>) -> fmt::Result {
        match (self.stage, self.content) {
            (Stage::Head, _) => self.head(out),
            (Stage::Part(part, _), Content::Event) => {
                out.write_str("data:")?;
                part.write(status, out)?;
                out.write_str("\n")
            }
            (Stage::Part(part, _), _) if self.asked.unchunked => part.write(status, out),
            (Stage::Part(part, _), _) => {
                // A chunk begins with its length, so the part is written twice: first to measure it, then to send it.
                let mut length = Length(0);
                part.write(status, &mut length)?;
                write!(out, "{:x}\r\n", length.0)?;
                part.write(status, out)?;
                out.write_str("\r\n")
            }
            (Stage::End, Content::Event) => out.write_str("\n"),
            (Stage::End, _) if self.asked.unchunked => Ok(()),
            (Stage::End, _) => out.write_str("0\r\n\r\n"),
        }
    }

    /// Writes the head of the answer. For a refusal, also writes the content.
    fn head(&self, out: &mut Out<'_, '_>) -> fmt::Result {
        let (status, text) = match self.content {
            Content::Refusal(refusal) => refusal.text(),
            _ => ("200 OK", ""),
        };
        write!(out, "HTTP/1.1 {status}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n")?;
        if self.is_last() {
            out.write_str("Connection: close\r\n")?;
        }
        match self.content {
            Content::Event => Ok(()),
            Content::Page => {
                out.write_str(CONTENT_TYPE)?;
                out.write_str(if self.asked.unchunked { "\r\n" } else { "Transfer-Encoding: chunked\r\n\r\n" })
            }
            Content::Refusal(refusal) => {
                // The 3 is for the colon, the space and the newline of the content, as in "404 Not Found: …".
                let length = status.len() + text.len() + 3;
                out.write_str(refusal.headers())?;
                write!(out, "Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n")?;
                if self.asked.head_only { Ok(()) } else { writeln!(out, "{status}: {text}") }
            }
            Content::Watch => out.write_str("Content-Type: text/event-stream\r\n\r\n"),
        }
    }
}

/// Passes formatted text to the `Write` closure in pieces.
struct Out<'o, 'p>(&'o mut Write<'p>);

impl fmt::Write for Out<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}

/// Counts the bytes of formatted text.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}
