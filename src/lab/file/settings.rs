//! Parses the lines that change a set-up: `network`, `hosts`, `host`, `fault` and `limit`.

use alloc::format;

use super::values::{self, duration, duration_or_zero, whole};
use super::words::{FileError, Words};
use super::{SIDES, side};
use crate::lab::{Buffers, Fault, FaultError, Setup};

/// The largest buffer, in bytes.
const MOST_BUFFER: u64 = 1 << 24;

/// Checks a line.
pub(super) fn check(words: Words<'_>) -> Result<(), FileError> {
    apply(words, &mut Setup::default())
}

/// Changes a set-up as a line says.
pub(super) fn apply(mut words: Words<'_>, setup: &mut Setup<'_>) -> Result<(), FileError> {
    match words.next() {
        Some("fault") => {
            let rest = words.rest();
            let rest = rest.split('#').next().unwrap_or_default();
            let fault = Fault::parse(rest, duration)
                .map_err(|FaultError { word, expected }| words.unfit_word(word, expected))?;
            setup.faults.add(fault);
            return Ok(());
        }
        Some("host") => {
            let host = words.parse(SIDES, side)?;
            some(&words, HOST)?;
            while words.peek().is_some() {
                host_option(&mut words, setup, host)?;
            }
        }
        Some("hosts") => {
            some(&words, HOSTS)?;
            while words.peek().is_some() {
                hosts_option(&mut words, setup)?;
            }
        }
        Some("limit") => setup.limit = words.parse(values::DURATION, duration)?,
        _ => {
            some(&words, NETWORK)?;
            while words.peek().is_some() {
                network_option(&mut words, setup)?;
            }
        }
    }
    words.end()
}

fn some(words: &Words<'_>, expected: &str) -> Result<(), FileError> {
    if words.peek().is_some() { Ok(()) } else { Err(words.missing(expected)) }
}

const NETWORK: &str = "latency TIME, jitter TIME, rate RATE, loss PERCENT or mtu BYTES";

fn network_option(words: &mut Words<'_>, setup: &mut Setup<'_>) -> Result<(), FileError> {
    let line = &mut setup.line;
    match words.peek() {
        Some("jitter") => {
            words.next();
            line.jitter = words.parse(values::DURATION, duration_or_zero)?;
        }
        Some("latency") => {
            words.next();
            line.latency = words.parse(values::DURATION, duration_or_zero)?;
        }
        Some("loss") => {
            words.next();
            line.loss = words.parse("a share from 0% to 100%, as in 10%", values::percent)?;
        }
        Some("mtu") => {
            words.next();
            let mtu = words.parse("a number of bytes from 576 to 1500", whole(576..=1500))?;
            line.mtu = usize::try_from(mtu).unwrap_or(line.mtu);
        }
        Some("rate") => {
            words.next();
            line.rate = Some(words.parse("a rate, as in 56kbit, 1Mbit or 1Gbit", values::rate)?);
        }
        _ => return Err(words.unfit(NETWORK)),
    }
    Ok(())
}

const HOSTS: &str = "ack-delay TIME, idle-timeout TIME, nagle on or nagle off";

/// Options that both hosts share.
fn hosts_option(words: &mut Words<'_>, setup: &mut Setup<'_>) -> Result<(), FileError> {
    match words.peek() {
        Some("ack-delay") => {
            words.next();
            let delay = words.parse(values::DURATION, duration_or_zero)?;
            setup.ack_delay = Some(delay).filter(|delay| delay.total_micros() > 0);
        }
        Some("idle-timeout") => {
            words.next();
            setup.idle_timeout = words.parse(values::DURATION, |word| {
                // The probes are sent at parts of this time.
                duration(word).filter(|time| time.total_millis() >= 100)
            })?;
        }
        Some("nagle") => {
            words.next();
            setup.nagle = words.parse("on or off", |word| match word {
                "on" => Some(true),
                "off" => Some(false),
                _ => None,
            })?;
        }
        _ => return Err(words.unfit(HOSTS)),
    }
    Ok(())
}

const HOST: &str = "buffer BYTES, receive BYTES or send BYTES";

fn host_option(words: &mut Words<'_>, setup: &mut Setup<'_>, host: usize) -> Result<(), FileError> {
    let name = match words.peek() {
        Some(name @ ("buffer" | "receive" | "send")) => name,
        _ => return Err(words.unfit(HOST)),
    };
    words.next();
    // A program needs this number of bytes.
    let least = if name == "send" { 16 } else { 64 };
    let expected = format!("a number of bytes from {least} to {MOST_BUFFER}");
    let bytes = words.parse(&expected, whole(least..=MOST_BUFFER))?;
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let Some(buffers) = setup.buffers.get_mut(host) else { return Ok(()) };
    match name {
        "receive" => buffers.receive = bytes,
        "send" => buffers.send = bytes,
        _ => *buffers = Buffers { receive: bytes, send: bytes },
    }
    Ok(())
}
