//! Writes events as JSON, one object on each line.
//!
//! docs/lab-json.md lists the fields. lab/show/json.rs uses this module for the lab's lines.

use core::fmt::{self, Display, Write};

use smoltcp::time::Duration;
use smoltcp::wire::IpEndpoint;

use crate::stack::Event;

/// The version of the format. The version stays the same when fields are added, so a reader must ignore unknown fields.
const VERSION: u8 = 1;

/// Writes an event from this host's stack as one line. `at` is the time since the stack started.
///
/// # Errors
/// Returns the error from `out` if a write fails.
pub fn write_event(out: &mut dyn Write, at: Duration, event: &Event) -> fmt::Result {
    let mut line = Object::begin(out)?;
    line.number("t_us", at.total_micros())?;
    // The lab's lines have the next two fields, too, with other values.
    line.text("host", "self")?;
    line.text("phase", "event")?;
    line.text("event", event_name(event))?;
    details(&mut line, event)?;
    line.end()
}

/// Returns the name of the event in JSON, which is the value of the field `event`.
pub(crate) fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Address(_) => "address",
        Event::Accepted { .. } => "accepted",
        Event::Connected { .. } => "connected",
        Event::Connecting { .. } => "connecting",
        Event::Dropped(_) => "dropped",
        Event::Ended { .. } => "ended",
        Event::HandshakeEnded { .. } => "handshake-ended",
        Event::Read { .. } => "read",
        Event::Refused { .. } => "refused",
        Event::State { .. } => "state",
        Event::Udp { .. } => "udp",
        Event::Wrote { .. } => "wrote",
    }
}

/// Adds the fields that depend on the kind of event to `line`. docs/lab-json.md explains each field.
pub(crate) fn details(line: &mut Object<'_>, event: &Event) -> fmt::Result {
    if let Some(tuple) = event.tuple() {
        line.text("local", Endpoint(tuple.local))?;
        line.text("remote", Endpoint(tuple.remote))?;
    }
    match event {
        Event::Address(what) => line.text("what", what),
        Event::Accepted { .. } | Event::Connected { .. } | Event::Connecting { .. } => Ok(()),
        Event::Dropped(why) | Event::Refused { why, .. } => line.text("reason", why),
        Event::Ended { end, .. } | Event::HandshakeEnded { end, .. } => line.text("reason", end),
        Event::Read { bytes, .. } | Event::Wrote { bytes, .. } => line.number("len", bytes),
        Event::State { from, to, .. } => {
            line.text("from", from)?;
            line.text("to", to)
        }
        Event::Udp { port, from, read, sent } => {
            line.number("port", port)?;
            if let Some(from) = from {
                line.text("src", Endpoint(*from))?;
            }
            line.number("read", read)?;
            line.number("queued", sent)
        }
    }
}

/// An address, with its port if the port is not 0.
pub(crate) struct Endpoint(pub(crate) IpEndpoint);

impl Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.port {
            0 => self.0.addr.fmt(f),
            _ => core::net::SocketAddr::from(self.0).fmt(f),
        }
    }
}

/// A JSON object that is being written.
pub(crate) struct Object<'w> {
    out: &'w mut dyn Write,
}

impl<'w> Object<'w> {
    /// Begins a line, with the version of the format as its first field.
    pub(crate) fn begin(out: &'w mut dyn Write) -> Result<Self, fmt::Error> {
        write!(out, "{{\"v\":{VERSION}")?;
        Ok(Object { out })
    }

    /// Adds a field with a number.
    pub(crate) fn number(&mut self, key: &str, value: impl Display) -> fmt::Result {
        write!(self.out, ",\"{key}\":{value}")
    }

    /// Adds a field with a string.
    pub(crate) fn text(&mut self, key: &str, value: impl Display) -> fmt::Result {
        write!(self.out, ",\"{key}\":\"")?;
        write!(Escaped(&mut *self.out), "{value}")?;
        self.out.write_char('"')
    }

    /// Adds a field with an object.
    ///
    /// The object's first field is the number `first_value` with the key `first_key`. `write` adds the other fields.
    #[cfg(feature = "recovery")]
    pub(crate) fn object(
        &mut self,
        key: &str,
        (first_key, first_value): (&str, impl Display),
        write: impl FnOnce(&mut Object<'_>) -> fmt::Result,
    ) -> fmt::Result {
        write!(self.out, ",\"{key}\":{{\"{first_key}\":{first_value}")?;
        write(&mut Object { out: &mut *self.out })?;
        self.out.write_char('}')
    }

    /// Ends the line.
    pub(crate) fn end(self) -> fmt::Result {
        self.out.write_str("}\n")
    }
}

/// A writer that escapes the characters that a JSON string must not contain (RFC 8259 section 7).
pub(crate) struct Escaped<'w>(pub(crate) &'w mut dyn Write);

impl Write for Escaped<'_> {
    /// Writes `text` with quotes, backslashes and control characters escaped.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Escaped(out) = self;
        for character in text.chars() {
            match character {
                '"' | '\\' => write!(out, "\\{character}")?,
                // The control characters below the space.
                '\0'..' ' => write!(out, "\\u{:04x}", u32::from(character))?,
                _ => out.write_char(character)?,
            }
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::string::String;

    use smoltcp::wire::IpAddress;

    use super::*;
    use crate::stack::DropReason;

    #[test]
    fn an_event_is_written_as_one_line() {
        let mut out = String::new();
        write_event(&mut out, Duration::from_micros(1_002_003), &Event::Dropped(DropReason::BacklogFull)).unwrap();
        let from = Some(IpEndpoint::new(IpAddress::v4(192, 168, 69, 100), 50_000));
        write_event(&mut out, Duration::ZERO, &Event::Udp { port: 7, from, read: 5, sent: 5 }).unwrap();
        assert_eq!(
            out,
            concat!(
                r#"{"v":1,"t_us":1002003,"host":"self","phase":"event","event":"dropped","reason":"backlog full"}"#,
                "\n",
                r#"{"v":1,"t_us":0,"host":"self","phase":"event","event":"udp","port":7,"src":"192.168.69.100:50000","#,
                r#""read":5,"queued":5}"#,
                "\n"
            )
        );
    }

    /// Each drop reason has its own text.
    #[test]
    fn a_drop_names_its_reason() {
        let mut seen = std::collections::BTreeSet::new();
        for &why in DropReason::ALL {
            let mut out = String::new();
            write_event(&mut out, Duration::ZERO, &Event::Dropped(why)).unwrap();
            assert!(out.contains(&std::format!(r#""event":"dropped","reason":"{why}""#)), "{out}");
            assert!(seen.insert(out), "{why} has the text of another reason");
        }
    }

    #[test]
    fn strings_are_escaped() {
        let mut out = String::new();
        write!(Escaped(&mut out), "a\"b\\c\n\u{1}é").unwrap();
        assert_eq!(out, r#"a\"b\\c\u000a\u0001é"#);
    }
}
