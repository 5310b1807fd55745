//! Writes a run as JSON, one object a line. docs/lab-json.md lists the fields.

use core::fmt::{self, Display, Write};

use smoltcp::wire::{IpEndpoint, TcpSeqNumber};

use super::entry::What;
use super::explain::explain;
use super::text::Host;
use crate::lab::{START, Snapshot, Verdict};
use crate::stack::{Event, Next};
use crate::trace::Cause;
use crate::trace::{Carries, Segment, Summary};

/// Writes an entry as one line, with its newline.
///
/// # Errors
/// The error of `out`.
pub fn write_json(out: &mut dyn Write, snapshot: &Snapshot) -> fmt::Result {
    let entry = &snapshot.entry;
    let mut line = Object { out, empty: true };
    line.number("step", entry.step)?;
    line.number("t_us", (entry.at - START).total_micros())?;
    match entry.what {
        What::Clock => line.text("host", "all")?,
        _ => line.text("host", Host(entry.host))?,
    }
    line.text("phase", entry.what.phase())?;
    line.text("event", name(&entry.what))?;
    match &entry.what {
        What::Arrived { frame, summary, damaged } => {
            line.number("frame", frame)?;
            headers(&mut line, summary, snapshot.isn)?;
            if *damaged {
                line.text("reason", "damaged")?;
            }
        }
        What::Clock => {}
        What::HostEvent(host_event) => line.text("reason", host_event)?,
        What::Ran(next) => program(&mut line, next)?,
        What::RanUdp(port, next) => {
            line.number("port", port)?;
            program(&mut line, next)?;
        }
        What::Sent { frame, summary, len, cause, verdict } => {
            line.number("frame", frame)?;
            line.number("frame_len", len)?;
            headers(&mut line, summary, snapshot.isn)?;
            if let Some(cause) = cause {
                because(&mut line, cause)?;
            }
            fate(&mut line, verdict)?;
        }
        What::Stack(event) => details(&mut line, event)?,
    }
    line.text("client", snapshot.states[0])?;
    line.text("server", snapshot.states[1])?;
    if let Some(explanation) = explain(snapshot).filter(|explanation| !explanation.rfc.is_empty()) {
        line.text("rfc", explanation.rfc)?;
    }
    line.out.write_str("}\n")
}

fn name(what: &What) -> &'static str {
    match what {
        What::Arrived { .. } => "arrived",
        What::Clock => "clock",
        What::HostEvent(_) => "happened",
        What::Ran(_) | What::RanUdp(..) => "program",
        What::Sent { .. } => "sent",
        What::Stack(event) => match event {
            Event::Address(_) => "address",
            Event::Accepted { .. } => "accepted",
            Event::Connected { .. } => "connected",
            Event::Connecting { .. } => "connecting",
            Event::Dropped(_) => "dropped",
            Event::Ended { .. } => "ended",
            Event::HalfOpenEnded { .. } => "half-open-ended",
            Event::Read { .. } => "read",
            Event::Refused { .. } => "refused",
            Event::State { .. } => "state",
            Event::Udp { .. } => "udp",
            Event::Wrote { .. } => "wrote",
        },
    }
}

fn headers(line: &mut Object<'_>, summary: &Summary, isn: [Option<TcpSeqNumber>; 2]) -> fmt::Result {
    let protocol = match summary.carries {
        Carries::ArpReply | Carries::ArpRequest => "ARP",
        Carries::Icmp(..) => "ICMP",
        Carries::Icmpv6(..) => "ICMPv6",
        Carries::Other => "other",
        Carries::Tcp(_) => "TCP",
        Carries::Udp(_) => "UDP",
    };
    line.text("protocol", protocol)?;
    if let Some(ends) = summary.ends {
        line.text("src", End(ends.source))?;
        line.text("dst", End(ends.destination))?;
    }
    match summary.carries {
        Carries::ArpReply => line.text("operation", "reply"),
        Carries::ArpRequest => line.text("operation", "request"),
        Carries::Icmp(kind, code) | Carries::Icmpv6(kind, code) => {
            line.number("type", kind)?;
            line.number("code", code)
        }
        Carries::Other => Ok(()),
        Carries::Tcp(segment) => tcp(line, &segment, isn),
        Carries::Udp(len) => line.number("len", len),
    }
}

fn tcp(line: &mut Object<'_>, segment: &Segment, isn: [Option<TcpSeqNumber>; 2]) -> fmt::Result {
    let relative = |number: TcpSeqNumber, isn: TcpSeqNumber| number.0.wrapping_sub(isn.0) as u32;
    line.text("flags", segment.flags())?;
    line.number("seq", segment.seq.0 as u32)?;
    if let Some(isn) = isn[0] {
        line.number("rel_seq", relative(segment.seq, isn))?;
    }
    if let Some(ack) = segment.ack {
        line.number("ack", ack.0 as u32)?;
        if let Some(isn) = isn[1] {
            line.number("rel_ack", relative(ack, isn))?;
        }
    }
    line.number("len", segment.len)?;
    line.number("win", segment.window)?;
    if let Some(shift) = segment.scale {
        line.number("win_scale", shift)?;
    }
    if let Some(mss) = segment.mss {
        line.number("mss", mss)?;
    }
    Ok(())
}

fn because(line: &mut Object<'_>, cause: &Cause) -> fmt::Result {
    let reason = match cause {
        Cause::DelayedAck(_) => "delayed-ack",
        Cause::DuplicateAck => "duplicate-ack",
        Cause::FastRetransmission => "fast-retransmission",
        Cause::KeepAlive => "keep-alive",
        Cause::Retransmission { .. } => "retransmission",
        Cause::WindowUpdate => "window-update",
        Cause::ZeroWindowProbe => "zero-window-probe",
    };
    line.text("reason", reason)?;
    match cause {
        Cause::DelayedAck(time) => line.number("ack_delay_ms", Millis(time.total_micros())),
        Cause::Retransmission { rto, count } => {
            line.number("rto_ms", Millis(rto.total_micros()))?;
            line.number("count", count)
        }
        _ => Ok(()),
    }
}

fn fate(line: &mut Object<'_>, verdict: &Verdict) -> fmt::Result {
    match verdict {
        Verdict::Delay(time) => {
            line.text("fate", "delayed")?;
            line.number("delay_ms", Millis(time.total_micros()))
        }
        verdict => line.text("fate", verdict),
    }
}

fn program(line: &mut Object<'_>, next: &Next) -> fmt::Result {
    match next {
        Next::Abort => line.text("next", "abort"),
        Next::Close => line.text("next", "close"),
        Next::Wait => line.text("next", "wait"),
        Next::WakeAt(at) => {
            line.text("next", "wake")?;
            line.number("at_us", (*at - START).total_micros())
        }
    }
}

fn details(line: &mut Object<'_>, event: &Event) -> fmt::Result {
    if let Some(tuple) = event.tuple() {
        line.text("local", End(tuple.local))?;
        line.text("remote", End(tuple.remote))?;
    }
    match event {
        Event::Address(what) => line.text("what", what),
        Event::Accepted { .. } | Event::Connected { .. } | Event::Connecting { .. } => Ok(()),
        Event::Dropped(why) | Event::Refused { why, .. } => line.text("reason", why),
        Event::Ended { end, .. } | Event::HalfOpenEnded { end, .. } => line.text("reason", end),
        Event::Read { bytes, .. } | Event::Wrote { bytes, .. } => line.number("len", bytes),
        Event::State { from, to, .. } => {
            line.text("from", from)?;
            line.text("to", to)
        }
        Event::Udp { port, from, read, sent } => {
            line.number("port", port)?;
            if let Some(from) = from {
                line.text("src", End(*from))?;
            }
            line.number("read", read)?;
            line.number("queued", sent)
        }
    }
}

/// An address, and its port if it has one.
struct End(IpEndpoint);

impl Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.port {
            0 => self.0.addr.fmt(f),
            _ => core::net::SocketAddr::from(self.0).fmt(f),
        }
    }
}

/// Microseconds as milliseconds, with three decimals if there is a fraction.
struct Millis(u64);

impl Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 1000 {
            0 => write!(f, "{}", self.0 / 1000),
            rest => write!(f, "{}.{rest:03}", self.0 / 1000),
        }
    }
}

/// An object that is being written.
struct Object<'w> {
    out: &'w mut dyn Write,
    empty: bool,
}

impl Object<'_> {
    fn number(&mut self, key: &str, value: impl Display) -> fmt::Result {
        self.key(key)?;
        write!(self.out, "{value}")
    }

    fn text(&mut self, key: &str, value: impl Display) -> fmt::Result {
        self.key(key)?;
        self.out.write_char('"')?;
        write!(Escaped(&mut *self.out), "{value}")?;
        self.out.write_char('"')
    }

    fn key(&mut self, key: &str) -> fmt::Result {
        let before = if core::mem::take(&mut self.empty) { '{' } else { ',' };
        write!(self.out, "{before}\"{key}\":")
    }
}

/// Escapes what a JSON string cannot contain (RFC 8259 section 7).
pub(crate) struct Escaped<'w>(pub(crate) &'w mut dyn Write);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            match char {
                '"' | '\\' => write!(self.0, "\\{char}")?,
                '\0'..' ' => write!(self.0, "\\u{:04x}", u32::from(char))?,
                char => self.0.write_char(char)?,
            }
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
