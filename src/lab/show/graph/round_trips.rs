//! Measured round trips over time, with the smoothed round trip and the retransmission timeout.

use core::fmt::{self, Write};

use super::super::svg::{BLUE, INK, ORANGE, RED};
use super::frame::{DASHED, Frame, SOLID, Symbol, diamond, dot};
use super::track::{Kept, Track};

/// The axis is logarithmic if the largest value is at least this multiple of the smallest.
const WIDE: f64 = 20.0;

/// Draws the panel of one direction: dots for measured round trips, lines for SRTT and RTO, and a mark for each
/// retransmission. The unit and the kind of the axis depend on the values.
pub(super) fn draw(out: &mut dyn Write, frame: Frame, track: &Track) -> fmt::Result {
    let kept = track.kept.iter().flat_map(|kept| [kept.srtt, Some(kept.rto)]).flatten();
    let values = || kept.clone().chain(track.round_trips.iter().map(|(_, time)| *time)).filter(|time| *time > 0);
    let (low, high) = values().fold((u64::MAX, 1), |(low, high), time| (low.min(time), high.max(time)));
    // Without any value, both are 1.
    let (low, high) = (low.min(high) as f64, high as f64);
    let is_wide = high >= low * WIDE;
    // The highest value is a little below the top, and on a logarithmic axis the lowest is above the bottom.
    let frame = frame.with_values(if is_wide { low / 2.0 } else { 0.0 }, high * if is_wide { 2.0 } else { 1.08 });
    let frame = if is_wide { frame.with_log() } else { frame };
    let lang = frame.lang;
    let (unit, factor) =
        if high >= 5e6 { (lang.pick("seconds", "秒"), 1e6) } else { (lang.pick("milliseconds", "毫秒"), 1e3) };
    frame.axes(out, unit, factor)?;
    frame.legend(
        out,
        &[
            (Symbol::Dot, INK, lang.pick("measured round trip", "测得的往返时间")),
            (Symbol::Line, BLUE, "SRTT"),
            (Symbol::Dashed, ORANGE, "RTO"),
            (Symbol::Diamond, RED, lang.pick("a segment is sent again", "重传报文段")),
        ],
    )?;
    frame.open(out)?;
    let values = |value: fn(&Kept) -> Option<u64>| {
        track.kept.iter().map(move |kept| (kept.at, value(kept).map(|time| time as f64)))
    };
    frame.steps(out, values(|kept| Some(kept.rto)), ORANGE, DASHED)?;
    frame.steps(out, values(|kept| kept.srtt), BLUE, SOLID)?;
    for (at, time) in &track.round_trips {
        dot(out, frame.x(*at), frame.y(*time as f64), INK)?;
    }
    for sent in track.sent.iter().filter(|sent| sent.is_again) {
        // The mark is on the line of the retransmission timeout at that time, or at the lowest value before the line
        // begins.
        let kept = track.kept.iter().rfind(|kept| kept.at <= sent.at);
        diamond(out, frame.x(sent.at), frame.y(kept.map_or(low, |kept| kept.rto as f64)), RED)?;
    }
    // End the clipped part that `open` began.
    out.write_str("</svg>\n")
}
