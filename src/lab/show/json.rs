//! Writes a run as JSON, one object on each line. docs/lab-json.md lists the fields.

use core::fmt::{self, Display, Write};

use smoltcp::wire::TcpSeqNumber;

use super::entry::What;
use super::explain::explain;
use super::text::{Host, since};
use crate::lab::{START, Snapshot, Verdict};
#[cfg(feature = "recovery")]
use crate::stack::Control;
use crate::stack::Next;
use crate::trace::json::{Endpoint, Object, details, event_name};
use crate::trace::{Carries, Cause, Segment, Summary};

/// Writes an entry as one line that ends with a newline.
///
/// # Errors
/// Returns the error from `out`.
pub fn write_json(out: &mut dyn Write, snapshot: &Snapshot) -> fmt::Result {
    write(out, snapshot, |_| Ok(()))
}

/// Writes an entry like [`write_json`], and adds the client's and the server's [`Control`] of the entry's connection.
///
/// # Errors
/// Returns the error from `out`.
#[cfg(feature = "recovery")]
pub fn write_json_with(out: &mut dyn Write, snapshot: &Snapshot, holds: [Option<Control>; 2]) -> fmt::Result {
    write_json_and(out, snapshot, holds.each_ref().map(Option::as_ref), |_| Ok(()))
}

/// Writes an entry like [`write_json_with`], and adds the fields that `more` writes.
///
/// # Errors
/// Returns the error from `out`.
#[cfg(feature = "recovery")]
pub(crate) fn write_json_and(
    out: &mut dyn Write,
    snapshot: &Snapshot,
    holds: [Option<&Control>; 2],
    more: impl FnOnce(&mut Object<'_>) -> fmt::Result,
) -> fmt::Result {
    write(out, snapshot, |line| {
        for (key, control) in ["client_holds", "server_holds"].into_iter().zip(holds) {
            if let Some(control) = control {
                write_control(line, key, control)?;
            }
        }
        more(line)
    })
}

/// Writes an entry as one line, with the fields that `more` adds at the end.
fn write(out: &mut dyn Write, snapshot: &Snapshot, more: impl FnOnce(&mut Object<'_>) -> fmt::Result) -> fmt::Result {
    let entry = &snapshot.entry;
    let mut line = Object::begin(out)?;
    line.number("step", entry.step)?;
    line.number("t_us", (entry.at - START).total_micros())?;
    match entry.what {
        // The clock belongs to no single host.
        What::Clock => line.text("host", "all")?,
        _ => line.text("host", Host(entry.host))?,
    }
    line.text("phase", entry.what.phase())?;
    line.text("event", name(&entry.what))?;
    match &entry.what {
        What::Arrived { frame, summary, damaged, mark } => {
            line.number("frame", frame)?;
            headers(&mut line, summary, snapshot.isn)?;
            if *damaged {
                line.text("reason", "damaged")?;
            } else if let Some(mark) = mark {
                line.text("reason", mark.slug())?;
            }
        }
        What::Clock => {}
        What::HostEvent(host_event) => line.text("reason", host_event)?,
        What::Ran(next, tuple, _) => {
            if let Some(tuple) = tuple {
                line.text("local", Endpoint(tuple.local))?;
                line.text("remote", Endpoint(tuple.remote))?;
            }
            add_next(&mut line, next)?;
        }
        What::RanUdp(port, next, _) => {
            line.number("port", port)?;
            add_next(&mut line, next)?;
        }
        What::Sent { frame, summary, len, cause, verdict } => {
            line.number("frame", frame)?;
            line.number("frame_len", len)?;
            headers(&mut line, summary, snapshot.isn)?;
            if let Some(cause) = cause {
                add_cause(&mut line, cause)?;
            }
            add_fate(&mut line, verdict)?;
        }
        What::Stack(event) => details(&mut line, event)?,
    }
    if snapshot.has_states {
        let [client_state, server_state] = snapshot.states;
        line.text("client", client_state)?;
        line.text("server", server_state)?;
    }
    if let Some(explanation) = explain(snapshot).filter(|explanation| !explanation.rfc.is_empty()) {
        line.text("rfc", explanation.rfc)?;
    }
    more(&mut line)?;
    line.end()
}

/// Adds the [`Control`] of one side of a connection as an object. Sequence numbers are relative to the initial sequence
/// numbers. Values that are not known, and timers that do not run, are omitted.
#[cfg(feature = "recovery")]
fn write_control(line: &mut Object<'_>, key: &str, c: &Control) -> fmt::Result {
    // `object` writes the first field together with the opening bracket.
    line.object(key, ("una", since(c.una, c.iss)), |line| {
        line.number("nxt", since(c.nxt, c.iss))?;
        // Until the peer's SYN has arrived, these values have no meaning.
        if let Some(irs) = c.irs {
            line.number("snd_wnd", c.snd_wnd)?;
            line.number("rcv_nxt", since(c.rcv_nxt, irs))?;
            line.number("rcv_wnd", c.rcv_wnd)?;
        }
        for (key, time) in [("srtt_ms", c.srtt), ("rttvar_ms", c.rttvar), ("rto_ms", Some(c.rto))] {
            if let Some(time) = time {
                line.number(key, Millis(time.total_micros()))?;
            }
        }
        for (key, bytes) in [("cwnd", c.cwnd), ("ssthresh", c.ssthresh)] {
            if let Some(bytes) = bytes {
                line.number(key, bytes)?;
            }
        }
        line.number("duplicate_acks", c.duplicates)?;
        let timers = [
            ("retransmission_at_us", c.retransmission),
            ("tail_probe_at_us", c.tail_probe),
            ("persist_at_us", c.persist),
            ("time_wait_at_us", c.time_wait),
            ("delayed_ack_at_us", c.delayed_ack),
            ("keep_alive_at_us", c.keep_alive),
            ("user_timeout_at_us", c.user_timeout),
        ];
        for (key, at) in timers {
            if let Some(at) = at {
                line.number(key, (at - START).total_micros())?;
            }
        }
        line.number("queued", c.queued)?;
        line.number("unread", c.unread)?;
        if c.out_of_order[0].is_some() {
            line.number("out_of_order", OutOfOrder(c))?;
        }
        line.number("unsent", c.unsent)?;
        match c.held_by {
            Some(by) => line.text("held_by", by.slug()),
            None => Ok(()),
        }
    })
}

/// The received ranges above RCV.NXT, at least one, as an array of arrays.
#[cfg(feature = "recovery")]
struct OutOfOrder<'c>(&'c Control);

#[cfg(feature = "recovery")]
impl Display for OutOfOrder<'_> {
    /// Writes each range as an array of its first number and the number after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let irs = self.0.irs.unwrap_or_default();
        // Before the first range, this is the bracket of the outer array.
        let mut separator = "[";
        for (from, to) in self.0.out_of_order.iter().flatten() {
            write!(f, "{separator}[{},{}]", since(*from, irs), since(*to, irs))?;
            separator = ",";
        }
        f.write_char(']')
    }
}

/// Returns the value of the field `event` of a line.
fn name(what: &What) -> &'static str {
    match what {
        What::Arrived { .. } => "arrived",
        What::Clock => "clock",
        What::HostEvent(_) => "happened",
        What::Ran(..) | What::RanUdp(..) => "program",
        What::Sent { .. } => "sent",
        What::Stack(event) => event_name(event),
    }
}

/// Adds the fields of a frame's headers. `isn` is as in [`Snapshot`].
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
        line.text("src", Endpoint(ends.source))?;
        line.text("dst", Endpoint(ends.destination))?;
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

/// Adds the fields of a segment. `isn` contains the initial sequence numbers of the sender and of the receiver. If one
/// of them is not known, the field relative to it is omitted.
fn tcp(line: &mut Object<'_>, segment: &Segment, isn: [Option<TcpSeqNumber>; 2]) -> fmt::Result {
    let [sender_isn, receiver_isn] = isn;
    line.text("flags", segment.flags())?;
    line.number("seq", segment.seq.0 as u32)?;
    if let Some(isn) = sender_isn {
        line.number("rel_seq", since(segment.seq, isn))?;
    }
    if let Some(ack) = segment.ack {
        line.number("ack", ack.0 as u32)?;
        if let Some(isn) = receiver_isn {
            line.number("rel_ack", since(ack, isn))?;
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

/// Adds the reason why a frame was sent, and the numbers that belong to this reason.
fn add_cause(line: &mut Object<'_>, cause: &Cause) -> fmt::Result {
    line.text("reason", cause.slug())?;
    match cause {
        Cause::AfterTimeout(count) => line.number("count", count),
        Cause::DelayedAck(time) => line.number("ack_delay_ms", Millis(time.total_micros())),
        Cause::Retransmission { rto, count } | Cause::SpuriousRetransmission { rto, count } => {
            line.number("rto_ms", Millis(rto.total_micros()))?;
            line.number("count", count)
        }
        _ => Ok(()),
    }
}

/// Adds what happens to a frame, as the field `fate`. A delayed frame also has its delay.
fn add_fate(line: &mut Object<'_>, verdict: &Verdict) -> fmt::Result {
    match verdict {
        Verdict::Delay(time) => {
            line.text("fate", "delayed")?;
            line.number("delay_ms", Millis(time.total_micros()))
        }
        // These values have a hyphen. `Display` writes a space, for people.
        Verdict::QueueFull => line.text("fate", "queue-full"),
        Verdict::TooLong => line.text("fate", "too-long"),
        verdict => line.text("fate", verdict),
    }
}

/// Adds what a program does next, as the field `next`. A program that wakes later also has the time.
fn add_next(line: &mut Object<'_>, next: &Next) -> fmt::Result {
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

/// A number of microseconds, written in milliseconds: without decimals if it is whole, or else with three.
struct Millis(u64);

impl Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 1000 {
            0 => write!(f, "{}", self.0 / 1000),
            rest => write!(f, "{}.{rest:03}", self.0 / 1000),
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::string::String;

    use super::*;
    use crate::lab::show::ladder::tests::{sent, snapshot};

    fn line(what: What) -> String {
        let mut out = String::new();
        write_json(&mut out, &snapshot(1, what)).unwrap();
        out
    }

    #[test]
    fn a_frame_sent_again() {
        let cause = Cause::Retransmission { rto: smoltcp::time::Duration::from_micros(1_000_500), count: 2 };
        assert_eq!(
            line(sent(Some(cause), Verdict::Drop)),
            concat!(
                r#"{"v":1,"step":12,"t_us":1002003,"host":"server","phase":"egress","event":"sent","frame":5,"frame_len":58,"#,
                r#""protocol":"TCP","src":"192.168.69.1:9999","dst":"192.168.69.2:50000","flags":"SYN,ACK","seq":7000,"#,
                r#""rel_seq":0,"ack":501,"rel_ack":1,"len":0,"win":4096,"win_scale":0,"mss":1460,"#,
                r#""reason":"retransmission","rto_ms":1000.500,"count":2,"fate":"dropped","#,
                r#""client":"SYN-SENT","server":"SYN-RECEIVED","rfc":"RFC 6298 section 5"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn the_clock_belongs_to_all_hosts() {
        let expected = r#"{"v":1,"step":12,"t_us":1002003,"host":"all","phase":"clock","event":"clock","client":"SYN-SENT","server":"SYN-RECEIVED"}"#;
        assert_eq!(line(What::Clock).trim_end(), expected);
    }
}
