//! Writes a page of the picture.

use core::fmt::{self, Write};

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;

use super::super::svg::{FAINT, INK, ORANGE, RED, cross, open, tip};
use super::super::text::Span;
use super::super::words::host_name;
use super::axis::Fold;
use super::events::Arrow;
use super::labels::LINE;
use super::{Picture, TIMES, TIMES_END};
use crate::lab::lang::Lang;

/// The height of a page's head, which contains the legend and the names of the hosts, in pixels.
const HEAD: i32 = 92;
/// The height of the line below a page, in pixels.
const FOOT: i32 = 30;

/// The lengths that the bar of the scale can have, in microseconds.
const BARS: [u64; 16] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

/// Draws the part of the picture between two heights, with a head above and a foot below it. `page` is the number of
/// the page, or `None` if the part is the whole picture.
pub(super) fn page(
    out: &mut dyn Write,
    picture: &Picture,
    [top, bottom]: [i32; 2],
    page: Option<usize>,
) -> fmt::Result {
    let (width, height) = (picture.width(), bottom - top);
    let total = HEAD + height + FOOT;
    let title = picture.lang.pick("A client, a server, and the frames between them", "客户、服务器，以及两者之间的帧");
    open(out, width as usize, total as usize, title)?;
    out.write_str("<defs>\n")?;
    for (name, color) in [("sent", INK), ("again", ORANGE)] {
        tip(out, name, color)?;
    }
    for color in colors(picture) {
        tip(out, tip_name(color), color)?;
    }
    out.write_str("</defs>\n")?;
    legend(out, picture)?;
    heads(out, picture, top)?;
    // The inner picture clips the labels and lines outside this part, which are on other pages.
    writeln!(out, r#"<svg x="0" y="{HEAD}" width="{width}" height="{height}" viewBox="0 {top} {width} {height}">"#)?;
    lifelines(out, picture, top, bottom)?;
    for arrow in &picture.events.arrows {
        // Arrows are in the order of time, so the remaining arrows are on later pages.
        if picture.axis.height(arrow.at) > bottom {
            break;
        }
        // A frame that never arrives has an arrow too.
        if arrow.arrivals.is_empty() {
            self::arrow(out, picture, arrow, None, top)?;
        }
        for arrival in &arrow.arrivals {
            self::arrow(out, picture, arrow, Some(*arrival), top)?;
        }
    }
    for placing in &picture.labels.labels {
        if (top..bottom).contains(&placing.label.y) {
            placing.write(out)?;
        }
    }
    out.write_str("</svg>\n")?;
    foot(out, picture, page, total - 10)?;
    out.write_str("</svg>\n")
}

/// Returns the colours of the lanes, or nothing if there is only one lane.
fn colors(picture: &Picture) -> impl Iterator<Item = &'static str> {
    super::events::COLORS.into_iter().take(if picture.lanes() > 1 { picture.lanes() } else { 0 })
}

/// Returns the name of the arrowhead of this colour.
fn tip_name(color: &'static str) -> &'static str {
    match color {
        INK => "sent",
        ORANGE => "again",
        // The colour itself is the name, but without '#': the arrowhead is named in `url(#NAME)`.
        color => color.trim_start_matches('#'),
    }
}

/// Draws the legend and the scale, which is a bar with the time that its length stands for.
fn legend(out: &mut dyn Write, picture: &Picture) -> fmt::Result {
    let pick = |english, chinese| picture.lang.pick(english, chinese);
    let x = TIMES;
    writeln!(out, r#"<path d="M{x} 16h40" stroke="{INK}" marker-end="url(#sent)"/>"#)?;
    writeln!(out, r#"<text x="{}" y="20">{}</text>"#, x + 48, pick("sent", "发送"))?;
    let x = x + 100;
    writeln!(out, r#"<path d="M{x} 16h40" stroke="{ORANGE}" stroke-dasharray="6 4" marker-end="url(#again)"/>"#)?;
    let again = pick("sent again (dashed)", "重传（虚线）");
    writeln!(out, r#"<text x="{}" y="20" fill="{ORANGE}">{again}</text>"#, x + 48)?;
    let x = x + 200;
    writeln!(out, r#"<path d="M{x} 16h34" stroke="{RED}"/>"#)?;
    cross(out, x + 34, 16)?;
    writeln!(out, r#"<text x="{}" y="20" fill="{RED}">{}</text>"#, x + 48, pick("lost", "丢失"))?;
    let x = x + 110;
    let scale = picture.axis.scale;
    // The longest time whose bar is not longer than 30 pixels.
    let bar = BARS.into_iter().rfind(|bar| *bar as f64 * scale <= 30.0).unwrap_or(BARS[0]);
    // The bar is at least 1 pixel long, so that it is visible, and at most 60, so that it fits into the page's head.
    let length = ((bar as f64 * scale) as i32).clamp(1, 60);
    writeln!(out, r#"<path d="M{x} 4h8m-4 0v{length}m-4 0h8" stroke="{INK}" fill="none"/>"#)?;
    let folded = if picture.axis.folds.is_empty() {
        ""
    } else {
        pick(", except where time is folded (⋯)", "，时间折叠（⋯）处除外")
    };
    writeln!(out, r#"<text x="{}" y="20">{}{folded}</text>"#, x + 16, Span(Duration::from_micros(bar)))
}

/// Writes the names of the columns, and the states of the hosts at the top of the page.
fn heads(out: &mut dyn Write, picture: &Picture, top: i32) -> fmt::Result {
    let pick = |english, chinese| picture.lang.pick(english, chinese);
    let (y, seconds, step) = (HEAD - 38, pick("seconds", "秒"), pick("step", "步"));
    writeln!(out, r#"<g font-weight="bold"><text x="{TIMES_END}" y="{y}" text-anchor="end">{seconds}</text>"#)?;
    writeln!(out, r#"<text x="{}" y="{y}" text-anchor="end">{step}</text></g>"#, TIMES - 10)?;
    for (lane, port) in picture.events.ports.iter().enumerate() {
        let lines = picture.lines(lane);
        writeln!(out, r#"<g font-weight="bold">"#)?;
        for (x, name) in lines.iter().zip([0, 1].map(|host| host_name(host, picture.lang))) {
            writeln!(out, r#"<text x="{x}" y="{y}" text-anchor="middle">{name}</text>"#)?;
        }
        if let Some(port) = port {
            let (x, color) = ((lines[0] + lines[1]) / 2, super::events::COLORS[lane]);
            let name = pick("port", "端口");
            writeln!(out, r#"<text x="{x}" y="{y}" text-anchor="middle" fill="{color}">{name} {port}</text>"#)?;
        }
        out.write_str("</g>\n")?;
        let states = || picture.events.states.iter().filter(|(_, of, _)| *of == lane);
        let before = states().rfind(|(at, ..)| picture.axis.height(*at) < top);
        let Some((_, _, shown)) = before.or_else(|| states().next()) else { continue };
        // A lane's first states are shown here only if they are CLOSED or LISTEN: the others are noted beside the line.
        let is_shown = |state: State| before.is_some() || matches!(state, State::Closed | State::Listen);
        for (x, state) in lines.iter().zip(shown).filter(|(_, state)| is_shown(**state)) {
            let y = HEAD - 22;
            writeln!(out, r#"<text x="{x}" y="{y}" text-anchor="middle" fill="{FAINT}">{state}</text>"#)?;
        }
    }
    Ok(())
}

/// Draws the lines of the hosts, and a tick for each instant in the column of times. The lines are dashed where time is
/// folded.
fn lifelines(out: &mut dyn Write, picture: &Picture, top: i32, bottom: i32) -> fmt::Result {
    let lines = (0..picture.lanes()).flat_map(|lane| picture.lines(lane));
    for x in lines.clone() {
        writeln!(out, r#"<path d="M{x} {top}V{bottom}" stroke="{FAINT}" stroke-width="2"/>"#)?;
    }
    let is_visible = |fold: &&Fold| fold.heights[1] > top && fold.heights[0] < bottom;
    for Fold { heights: [from, to], .. } in picture.axis.folds.iter().filter(is_visible) {
        for x in lines.clone() {
            // A white line covers the solid line, and a dashed line is drawn over it.
            writeln!(out, r##"<path d="M{x} {from}V{to}" stroke="#ffffff" stroke-width="4"/>"##)?;
            writeln!(out, r#"<path d="M{x} {from}V{to}" stroke="{FAINT}" stroke-width="2" stroke-dasharray="2 4"/>"#)?;
        }
    }
    for at in picture.events.instants.keys() {
        let y = picture.axis.height(*at);
        if (top..bottom).contains(&y) {
            writeln!(out, r#"<path d="M{} {y}h6" stroke="{FAINT}"/>"#, TIMES_END + 2)?;
        }
    }
    Ok(())
}

/// Draws an arrow to one of its arrivals, or the arrow of a frame that never arrives. Draws nothing if the arrow ends
/// above this page, which begins at the height `top`.
fn arrow(out: &mut dyn Write, picture: &Picture, arrow: &Arrow, arrival: Option<(u64, i32)>, top: i32) -> fmt::Result {
    let points = picture.path(arrow, arrival);
    // The cross or arrowhead of an arrow that ends just above this page can reach into it.
    let Some(&(x, y)) = points.last().filter(|(_, y)| *y >= top - LINE) else { return Ok(()) };
    let mut letter = 'M';
    out.write_str(r#"<path d=""#)?;
    for (x, y) in &points {
        write!(out, "{letter}{x} {y}")?;
        letter = 'L';
    }
    write!(out, r#"" fill="none" stroke="{}""#, arrow.color)?;
    if arrow.is_again {
        out.write_str(r#" stroke-dasharray="6 4""#)?;
    }
    if arrival.is_some() {
        write!(out, r#" marker-end="url(#{})""#, tip_name(arrow.color))?;
    }
    out.write_str("/>\n")?;
    if arrow.is_lost { cross(out, x, y) } else { Ok(()) }
}

/// Writes the page's number if there are several pages, and a note on the last page if rows are missing. If `page` is
/// `None`, the page is the whole picture.
fn foot(out: &mut dyn Write, picture: &Picture, page: Option<usize>, y: i32) -> fmt::Result {
    let pages = picture.pages();
    if let Some(page) = page.filter(|_| pages > 1) {
        write!(out, r#"<text x="{TIMES}" y="{y}" fill="{INK}">"#)?;
        match picture.lang {
            Lang::En => writeln!(out, "Page {} of {pages}.</text>", page + 1)?,
            Lang::Zh => writeln!(out, "第 {} 页，共 {pages} 页。</text>", page + 1)?,
        }
    }
    if picture.is_cut && page.is_none_or(|page| page + 1 == pages) {
        let last = picture.events.instants.keys().next_back().copied().unwrap_or_default();
        let (x, last) = (TIMES + 110, Span(Duration::from_micros(last)));
        write!(out, r#"<text x="{x}" y="{y}" fill="{RED}">"#)?;
        match picture.lang {
            Lang::En => writeln!(out, "Cut here: the run goes on. --from {last} draws the rest.</text>")?,
            Lang::Zh => writeln!(out, "图到此为止，运行还在继续。--from {last} 画出其余部分。</text>")?,
        }
    }
    Ok(())
}
