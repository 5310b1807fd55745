//! The congestion window over time, with the slow-start threshold and the bytes in flight.

use core::fmt::{self, Write};

use super::super::svg::{BLUE, FAINT, ORANGE, RED};
use super::frame::{DASHED, Frame, SOLID, Symbol, THIN, diamond};
use super::track::Track;

/// Draws the panel of one direction: lines for the congestion window, ssthresh and the bytes in flight, and a mark for
/// each retransmission.
pub(super) fn draw(out: &mut dyn Write, frame: Frame, track: &Track) -> fmt::Result {
    let windows = track.kept.iter().flat_map(|kept| [kept.cwnd, kept.ssthresh, Some(kept.in_flight)]);
    let high = windows.flatten().max().unwrap_or(1);
    // The highest value is a little below the top.
    let frame = frame.with_values(0.0, f64::from(high) * 1.08);
    let lang = frame.lang;
    frame.axes(out, lang.pick("bytes", "字节"), 1.0)?;
    let has_cwnd = track.kept.iter().any(|kept| kept.cwnd.is_some());
    let has_ssthresh = track.kept.iter().any(|kept| kept.ssthresh.is_some());
    frame.legend(
        out,
        &[
            (Symbol::Line, BLUE, if has_cwnd { "cwnd" } else { lang.pick("no congestion control", "无拥塞控制") }),
            (
                Symbol::Dashed,
                ORANGE,
                if has_ssthresh { "ssthresh" } else { lang.pick("ssthresh (none yet)", "ssthresh（尚无）") },
            ),
            (Symbol::Line, FAINT, lang.pick("sent, not acknowledged", "已发送、未确认")),
            (Symbol::Diamond, RED, lang.pick("a segment is sent again", "重传报文段")),
        ],
    )?;
    frame.open(out)?;
    let values = |value: fn(&super::track::Kept) -> Option<u32>| {
        track.kept.iter().map(move |kept| (kept.at, value(kept).map(f64::from)))
    };
    frame.steps(out, values(|kept| Some(kept.in_flight)), FAINT, THIN)?;
    frame.steps(out, values(|kept| kept.ssthresh), ORANGE, DASHED)?;
    frame.steps(out, values(|kept| kept.cwnd), BLUE, SOLID)?;
    for sent in track.sent.iter().filter(|sent| sent.is_again) {
        // The mark is on the line of the congestion window at that time, or at 0 if there is no such line.
        let kept = track.kept.iter().rfind(|kept| kept.at <= sent.at);
        let value = kept.and_then(|kept| kept.cwnd).unwrap_or_default();
        diamond(out, frame.x(sent.at), frame.y(value.into()), RED)?;
    }
    // End the clipped part that `open` began.
    out.write_str("</svg>\n")
}
