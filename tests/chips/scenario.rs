//! The events on the wire, and the calls that are made meanwhile, for the tests of every chip.

use smoltcp::time::{Duration, Instant};

use crate::bench::Call;
use crate::wire::{End, Wire};

/// A greeting over TCP.
pub const GREETING: Call = Call::Tcp("greeting", &[b"Li"]);
/// What the client of [`GREETING`] prints.
pub const GREETED: &str = "Welcome!\nHello,Li!\n";

/// Calls that last from before the burst until long after it.
pub const ACROSS_THE_BURST: [Call; 4] =
    [GREETING, Call::Udp("greeting", &[b"Ann"]), Call::Wait(Duration::from_secs(3)), GREETING];

/// At 2 s, sends a burst of frames that is longer than a chip's buffer.
pub fn burst(wire: &Wire) -> impl FnMut(Instant) -> Option<Instant> {
    let (at, mut sent) = (Instant::from_secs(2), false);
    move |now| {
        if now < at || sent {
            return (!sent).then_some(at);
        }
        sent = true;
        (0..22).for_each(|_| wire.send(End::Chip, &[0xff; 1514]));
        None
    }
}

/// The program that runs when the link goes down, and the number of frames after which the link goes down. At this
/// moment, bytes flow to the board, from the board, or not any more.
pub const GONE: [(&str, usize); 3] = [("discard", 60), ("chargen", 60), ("discard", usize::MAX)];
const BYTES: u64 = 100_000;
/// The time at which the link goes down at the latest. By then, no call is in progress.
const AT_THE_LATEST: Instant = Instant::from_micros_const(8_000_000);

/// Unplugs the wire for 5 s, once the wire has carried `frames` frames.
pub fn gone_for_5_seconds(wire: &Wire, frames: usize) -> impl FnMut(Instant) -> Option<Instant> {
    let mut back = None;
    move |now: Instant| {
        if back.is_none() && (wire.sent() >= frames || now >= AT_THE_LATEST) {
            wire.plug(false);
            back = Some(now + Duration::from_secs(5));
        }
        let back = back.unwrap_or(AT_THE_LATEST);
        if now >= back {
            wire.plug(true);
        }
        (back > now).then_some(back)
    }
}

/// Returns calls that last from before the link goes down until after it is up again.
pub fn across_the_gap(program: &str) -> [Call<'_>; 4] {
    [GREETING, Call::Bytes(program, BYTES), Call::Wait(Duration::from_secs(10)), GREETING]
}

/// Returns the number of bytes that the clients of [`across_the_gap`] print.
pub fn printed_across_the_gap(program: &str) -> usize {
    2 * GREETED.len() + if program == "chargen" { BYTES as usize } else { 0 }
}
