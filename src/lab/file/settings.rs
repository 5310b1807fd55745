//! Parses the lines that change a set-up: `network`, `hosts`, `host`, `clients`, `flood`, `fault` and `limit`.
//!
//! The words and their limits are the same as for the command line's options.

use alloc::format;

use super::values::{self, duration, duration_or_zero, whole};
use super::words::{FileError, Words};
use super::{SIDES, side};
use crate::lab::{Buffers, Fault, FaultError, Setup};
#[cfg(feature = "recovery")]
use crate::stack::Congestion;

/// The smallest MTU in a file, in bytes. The stack refuses to run IPv4 on a smaller one (RFC 791).
const LEAST_MTU: u64 = 576;

/// The maximum size of a buffer, in bytes.
const MOST_BUFFER: u64 = 1 << 20;

/// Checks a line, without changing a set-up.
pub(super) fn check(words: Words<'_>) -> Result<(), FileError> {
    apply(words, &mut Setup::default())
}

/// Changes `setup` as a line describes.
pub(super) fn apply(mut words: Words<'_>, setup: &mut Setup<'_>) -> Result<(), FileError> {
    match words.next() {
        // A run has at most eight calls, and each client makes one or more.
        Some("clients") => setup.clients = size(&mut words, 1, 8)?,
        Some("flood") => setup.flood = words.parse("a number from 0 to 10000", number(0, 10_000))?,
        Some("fault") => {
            let rest = words.rest();
            // A comment begins with '#'.
            let rest = rest.split('#').next().unwrap_or_default();
            let fault = Fault::parse(rest, duration)
                .map_err(|FaultError { word, expected }| words.unfit_word(word, expected))?;
            // There is room: the parser of the file counts the faults. `Fault::parse` has read the whole line.
            setup.faults.add(fault);
            return Ok(());
        }
        Some("host") => {
            let host = words.parse(SIDES, side)?;
            need_option(&words, HOST)?;
            while words.peek().is_some() {
                host_option(&mut words, setup, host)?;
            }
        }
        Some("hosts") => {
            need_option(&words, HOSTS)?;
            while words.peek().is_some() {
                hosts_option(&mut words, setup)?;
            }
        }
        Some("limit") => setup.limit = words.parse(values::DURATION, duration)?,
        // The remaining word is `network`.
        _ => {
            need_option(&words, NETWORK)?;
            while words.peek().is_some() {
                network_option(&mut words, setup)?;
            }
        }
    }
    words.end()
}

/// Checks that the line has at least one more word.
fn need_option(words: &Words<'_>, expected: &str) -> Result<(), FileError> {
    if words.peek().is_some() { Ok(()) } else { Err(words.missing(expected)) }
}

const NETWORK: &str = "latency TIME, jitter TIME, rate RATE, queue FRAMES, loss PERCENT, mtu BYTES, router-mtu BYTES or \
                       black-hole";

/// Parses and applies an option of `network`.
fn network_option(words: &mut Words<'_>, setup: &mut Setup<'_>) -> Result<(), FileError> {
    let line = &mut setup.line;
    match words.peek() {
        Some("black-hole") => {
            words.next();
            line.black_hole = true;
        }
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
            line.mtu = size(words, LEAST_MTU, 1500)?;
        }
        Some("queue") => {
            words.next();
            line.queue = or_none(words, |words| size(words, 1, 50))?;
        }
        Some("rate") => {
            words.next();
            line.rate = or_none(words, |words| words.parse("a rate, as in 56kbit, 1Mbit or 1Gbit", values::rate))?;
        }
        Some("router-mtu") => {
            words.next();
            line.router_mtu = or_none(words, |words| size(words, LEAST_MTU, 1500))?;
        }
        _ => return Err(words.unfit(NETWORK)),
    }
    Ok(())
}

const HOSTS: &str = "congestion none, reno or cubic; nagle on or off; ack-delay TIME; keep-alive TIME; idle-timeout TIME; \
                     window-scale N; buffer, receive or send BYTES; or isn N";

/// Parses and applies an option of `hosts` to both hosts.
fn hosts_option(words: &mut Words<'_>, setup: &mut Setup<'_>) -> Result<(), FileError> {
    // The stack sends a keep-alive probe every quarter of the idle timeout. A quarter must be at least a millisecond.
    let idle = |word: &str| duration(word).filter(|time| time.total_millis() >= 4);
    match words.peek() {
        Some("ack-delay") => {
            words.next();
            let delay = words.parse(values::DURATION, duration_or_zero)?;
            // With a delay of 0, ACKs are not delayed.
            setup.ack_delay = Some(delay).filter(|delay| delay.total_micros() > 0);
        }
        #[cfg(feature = "recovery")]
        Some("congestion") => {
            words.next();
            setup.congestion = words.parse("none, reno or cubic", |word| match word {
                "cubic" => Some(Congestion::Cubic),
                "none" => Some(Congestion::None),
                "reno" => Some(Congestion::Reno),
                _ => None,
            })?;
        }
        Some("idle-timeout") => {
            words.next();
            setup.idle_timeout = words.parse("a time of at least 4ms", idle)?;
        }
        Some("keep-alive") => {
            words.next();
            let positive = |word: &str| duration(word).filter(|time| time.total_micros() > 0);
            setup.keep_alive = Some(words.parse("a time longer than zero", positive)?);
        }
        Some("nagle") => {
            words.next();
            setup.nagle = words.parse("on or off", |word| match word {
                "on" => Some(true),
                "off" => Some(false),
                _ => None,
            })?;
        }
        #[cfg(feature = "recovery")]
        Some("window-scale") => {
            words.next();
            setup.window_scale = Some(words.parse("a number from 0 to 14", number(0, 14))?);
        }
        Some("buffer" | "receive" | "send" | "isn") => {
            // Read the same words once for each host.
            let mut for_client = words.clone();
            host_option(&mut for_client, setup, 0)?;
            host_option(words, setup, 1)?;
        }
        _ => return Err(words.unfit(HOSTS)),
    }
    Ok(())
}

const HOST: &str = "buffer BYTES, receive BYTES, send BYTES or isn N";

/// Parses and applies an option of `host` to one host. The option `buffer` sets the sizes of both buffers.
fn host_option(words: &mut Words<'_>, setup: &mut Setup<'_>, host: usize) -> Result<(), FileError> {
    let name = words.peek().unwrap_or_default();
    #[cfg(feature = "recovery")]
    if name == "isn" {
        words.next();
        let isn = words.parse("a number from 0 to 4294967295", number(0, u32::MAX.into()))?;
        if let Some(of_host) = setup.isn.get_mut(host) {
            *of_host = Some(isn);
        }
        return Ok(());
    }
    if !["buffer", "receive", "send"].contains(&name) {
        return Err(words.unfit(HOST));
    }
    words.next();
    let bytes = size(words, 128, MOST_BUFFER)?;
    // `host` is 0 or 1, and both hosts have buffers.
    let Some(buffers) = setup.buffers.get_mut(host) else { return Ok(()) };
    match name {
        "receive" => buffers.receive = bytes,
        "send" => buffers.send = bytes,
        _ => *buffers = Buffers { receive: bytes, send: bytes },
    }
    Ok(())
}

/// Parses the word `none`, or a value.
fn or_none<T>(
    words: &mut Words<'_>,
    value: impl Fn(&mut Words<'_>) -> Result<T, FileError>,
) -> Result<Option<T>, FileError> {
    if words.take("none") { Ok(None) } else { value(words).map(Some) }
}

/// Returns a parser for a number from `least` to `most`.
fn number<T: TryFrom<u64>>(least: u64, most: u64) -> impl Fn(&str) -> Option<T> {
    move |word| T::try_from(whole(least..=most)(word)?).ok()
}

/// Parses a number from `least` to `most`, such as a size in bytes.
fn size(words: &mut Words<'_>, least: u64, most: u64) -> Result<usize, FileError> {
    words.parse(&format!("a number from {least} to {most}"), number(least, most))
}
