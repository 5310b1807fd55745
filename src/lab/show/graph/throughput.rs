//! Payload per second over time, as sent and as delivered.

use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::super::svg::{BLUE, FAINT};
use super::frame::{DASHED, Frame, SOLID, Symbol};
use super::track::Track;
use crate::lab::lang::Lang;

/// The minimum number of intervals into which the time is divided. The payload is averaged over each interval, whose
/// length is a round number.
const INTERVALS: u64 = 40;

/// Draws the panel of one direction: the rate of the payload as sent and as delivered, averaged over each interval. The
/// unit depends on the highest rate.
pub(super) fn draw(out: &mut dyn Write, frame: Frame, track: &Track) -> fmt::Result {
    let [first, last] = frame.times();
    let interval = round_below((last - first) / INTERVALS);
    let count = ((last - first) / interval + 1) as usize;
    // Adds up the bytes of each interval, and returns its rate in bits per second. Times are in microseconds.
    let rates = |points: &mut dyn Iterator<Item = (u64, u64)>| {
        let mut sums = alloc::vec![0_u64; count];
        for (at, bytes) in points {
            if let Some(sum) = sums.get_mut(((at - first) / interval) as usize) {
                *sum += 8 * bytes;
            }
        }
        let rate = |bits: u64| bits as f64 * 1e6 / interval as f64;
        sums.into_iter().map(rate).collect::<Vec<f64>>()
    };
    // SYN and FIN are included although they are not payload: one byte each is too small to be seen.
    let sent = rates(&mut track.sent.iter().map(|sent| (sent.at, (sent.to - sent.from) as u64)));
    let delivered = rates(&mut track.delivered.iter().copied());
    let high = sent.iter().chain(&delivered).copied().fold(1.0, f64::max);
    let frame = frame.with_values(0.0, high * 1.08);
    let (unit, factor) = match high {
        1e6.. => ("Mbit/s", 1e6),
        1e3.. => ("kbit/s", 1e3),
        _ => ("bit/s", 1.0),
    };
    frame.axes(out, unit, factor)?;
    let mean = super::super::text::Span(smoltcp::time::Duration::from_micros(interval));
    let lang = frame.lang;
    let name = match lang {
        Lang::En => alloc::format!("delivered, mean of {mean}"),
        Lang::Zh => alloc::format!("交付（{mean} 平均）"),
    };
    frame.legend(
        out,
        &[
            (Symbol::Line, BLUE, &name),
            (Symbol::Dashed, FAINT, lang.pick("sent, with what is sent again", "发送（含重传）")),
        ],
    )?;
    frame.open(out)?;
    let points =
        |rates: Vec<f64>| rates.into_iter().zip(0..).map(move |(rate, index)| (first + index * interval, Some(rate)));
    frame.steps(out, points(sent), FAINT, DASHED)?;
    frame.steps(out, points(delivered), BLUE, SOLID)?;
    // End the clipped part that `open` began.
    out.write_str("</svg>\n")
}

/// Returns the largest integer that is at most `most` and is 1, 2 or 5 times a power of ten. Returns 1 if `most` is 0:
/// an interval cannot have the length 0.
fn round_below(most: u64) -> u64 {
    let mut power = 1;
    while power <= most / 10 {
        power *= 10;
    }
    [5, 2, 1].into_iter().map(|factor| factor * power).find(|step| *step <= most).unwrap_or(1)
}
