//! Sequence numbers over time: segments as bars, a line of acknowledgement numbers, and the right edge of the window.

use core::fmt::{self, Write};

use super::super::svg::{BLUE, INK, RED};
use super::frame::{DASHED, Frame, SOLID, Symbol, bar, cross, diamond, dot};
use super::track::Track;

const GREEN: &str = "#00695c";
const PURPLE: &str = "#8e24aa";

/// If the window's edge is higher than this multiple of the highest sequence number sent, it is outside the frame.
const FAR: f64 = 4.0;

/// Draws the panel of one direction: a bar for each segment, and from the acknowledgements a line of their numbers, the
/// SACK blocks and the right edge of the window.
pub(super) fn draw(out: &mut dyn Write, frame: Frame, track: &Track) -> fmt::Result {
    let data = track.sent.iter().map(|sent| sent.to).max().unwrap_or(1).max(1) as f64;
    let edge = track.acked.iter().map(|acked| acked.edge).max().unwrap_or(1) as f64;
    // If the window's edge is far above the data, the axis ends at the data. Otherwise the segments would be too small.
    let has_edge = edge <= data * FAR;
    let high = if has_edge { edge.max(data) } else { data };
    let frame = frame.with_values(0.0, high * 1.08);
    let lang = frame.lang;
    let edge_name = match has_edge {
        true => lang.pick("window's edge", "窗口右沿"),
        false => lang.pick("window's edge (above)", "窗口右沿（在上方）"),
    };
    frame.axes(out, lang.pick("sequence number (bytes)", "序号（字节）"), 1.0)?;
    frame.legend(
        out,
        &[
            (Symbol::Bar, INK, lang.pick("segment", "报文段")),
            (Symbol::Diamond, RED, lang.pick("sent again", "重传")),
            (Symbol::Cross, RED, lang.pick("lost", "丢失")),
            (Symbol::Line, GREEN, lang.pick("acknowledged", "已确认")),
            (Symbol::Dot, GREEN, lang.pick("duplicate ACK", "重复确认")),
            (Symbol::Bar, PURPLE, lang.pick("SACK block", "SACK 块")),
            (Symbol::Dashed, BLUE, edge_name),
        ],
    )?;
    frame.open(out)?;
    let edges = track.acked.iter().map(|acked| (acked.at, Some(acked.edge as f64)));
    frame.steps(out, edges, BLUE, DASHED)?;
    // An old acknowledgement can arrive late, so the line shows the highest number so far.
    let mut highest = i64::MIN;
    let numbers = track.acked.iter().map(|acked| {
        highest = highest.max(acked.number);
        (acked.at, Some(highest as f64))
    });
    frame.steps(out, numbers, GREEN, SOLID)?;
    for acked in &track.acked {
        let x = frame.x(acked.at);
        for (from, to) in acked.sacks.iter().flatten() {
            bar(out, x, [frame.y(*to as f64), frame.y(*from as f64)], PURPLE)?;
        }
        if acked.is_duplicate {
            dot(out, x, frame.y(acked.number as f64), GREEN)?;
        }
    }
    for sent in &track.sent {
        let (x, top, bottom) = (frame.x(sent.at), frame.y(sent.to as f64), frame.y(sent.from as f64));
        bar(out, x, [top, bottom], if sent.is_again { RED } else { INK })?;
        if sent.is_again {
            diamond(out, x, (top + bottom) / 2.0, RED)?;
        }
        if sent.is_lost {
            cross(out, x, (top + bottom) / 2.0)?;
        }
    }
    // End the clipped part that `open` began.
    out.write_str("</svg>\n")
}
