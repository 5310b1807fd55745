//! Draws the state diagram of RFC 9293 (Figure 5), and marks the transitions that a run took.

use core::fmt::{self, Write};

use smoltcp::socket::tcp::State;

use super::states::{OTHERS, STEPS, Taken, Visited};
use super::svg::{BLUE, Escaped, INK, open, tip};
use super::words::host_name;
use crate::lab::figure::TRANSITIONS;
use crate::lab::lang::Lang;

/// Draws the state diagram.
///
/// A transition that was taken has the client's or the server's colour, and at most 4 step numbers for each host. A
/// state that was visited has a yellow box. A list below the diagram shows up to 16 changes of state that are not in
/// the diagram.
///
/// # Errors
/// Returns the error from `out`.
pub fn write_states_svg(out: &mut dyn Write, visited: &Visited, lang: Lang) -> fmt::Result {
    let others = visited.others();
    // The list takes 30 pixels for its heading, and 18 pixels for each line.
    let height = BOTTOM + if others.is_empty() { 0 } else { 30 + 18 * others.len() };
    let title =
        lang.pick("The states of TCP, and the transitions that a run took", "TCP 的状态，以及一次运行经过的转换");
    open(out, 1060, height, title)?;
    out.write_str("<defs>\n")?;
    for (name, color) in TIPS {
        tip(out, name, color)?;
    }
    out.write_str("</defs>\n")?;
    legend(out, lang)?;
    for (index, edge) in EDGES.iter().enumerate() {
        edge_lines(out, edge, visited.taken(index))?;
    }
    for (x, y, state) in BOXES {
        state_box(out, x, y, state, visited.was_in(state))?;
    }
    // The labels come last, so that no line or box covers them.
    for ((edge, transition), index) in EDGES.iter().zip(TRANSITIONS).zip(0..) {
        edge_label(out, edge, lang, lang.pick(transition.on, transition.on_zh), visited.taken(index))?;
    }
    if !others.is_empty() {
        // If the list is full, it may lack later changes.
        let not_drawn = if others.len() == OTHERS {
            lang.pick("Not in the diagram, the first of them:", "图中没有的转换（最前面的一部分）：")
        } else {
            lang.pick("Not in the diagram:", "图中没有的转换：")
        };
        writeln!(out, r#"<text x="40" y="{BOTTOM}" font-weight="bold">{not_drawn}</text>"#)?;
    }
    for (other, line) in others.iter().zip(1..) {
        // `side` is 0 or 1. `min` only keeps the index in range.
        let (name, (_, color)) = (host_name(other.side, lang), SIDES[other.side.min(1)]);
        write!(out, r#"<text x="40" y="{}" fill="{color}">"#, BOTTOM + 18 * line)?;
        let step = lang.pick("step", "步");
        write!(Escaped(out), "{name}, {step} {}: {} -> {}", other.step, other.from, other.to)?;
        out.write_str("</text>\n")?;
    }
    out.write_str("</svg>\n")
}

/// The names and colours of the arrowheads of the client and of the server.
const SIDES: [(&str, &str); 2] = [("client", BLUE), ("server", "#c2500a")];
const GREY: &str = "#aaaaaa";
/// The arrowheads: one for transitions that were not taken, and one for each host.
const TIPS: [(&str, &str); 3] = [("none", GREY), SIDES[0], SIDES[1]];

/// The y coordinate of the list of changes that are not in the diagram, in pixels.
const BOTTOM: usize = 920;

/// The centre of each state's box, in pixels. CLOSED is drawn twice, at the top and at the bottom.
const BOXES: [(usize, usize, State); 12] = [
    (530, 50, State::Closed),
    (530, 180, State::Listen),
    (200, 310, State::SynReceived),
    (860, 310, State::SynSent),
    (530, 440, State::Established),
    (200, 560, State::FinWait1),
    (860, 560, State::CloseWait),
    (150, 720, State::FinWait2),
    (600, 720, State::Closing),
    (860, 720, State::LastAck),
    (490, 860, State::TimeWait),
    (860, 860, State::Closed),
];

/// The line of a transition, and the position of the line's label, in pixels.
struct Edge {
    /// The line, as SVG path data.
    path: &'static str,
    x: usize,
    y: usize,
    /// The part of the label at `x`, as SVG's `text-anchor`.
    anchor: &'static str,
}

const fn edge(path: &'static str, x: usize, y: usize, anchor: &'static str) -> Edge {
    Edge { path, x, y, anchor }
}

/// The lines, in the order of [`TRANSITIONS`].
const EDGES: [Edge; TRANSITIONS.len()] = [
    edge("M510 70V158", 502, 105, "end"),
    edge("M605 42C800 42 910 140 910 288", 875, 118, "start"),
    edge("M550 160V72", 558, 105, "start"),
    edge("M465 190C380 205 260 235 225 288", 330, 256, "start"),
    edge("M605 190C690 205 790 235 825 288", 742, 216, "start"),
    edge("M860 290C860 170 760 68 607 58", 600, 140, "start"),
    edge("M785 310H277", 600, 272, "middle"),
    edge("M820 330C790 390 720 430 607 434", 790, 400, "start"),
    edge("M165 290C165 190 300 165 453 170", 178, 190, "end"),
    edge("M240 330C270 390 340 430 453 434", 325, 372, "start"),
    edge("M170 330V538", 160, 440, "end"),
    edge("M453 446C340 452 270 480 240 538", 318, 492, "start"),
    edge("M607 446C720 452 790 480 820 538", 742, 492, "end"),
    edge("M150 580V698", 140, 628, "end"),
    edge("M275 572C420 590 570 640 590 698", 505, 612, "start"),
    edge("M215 580C260 680 310 780 430 838", 290, 672, "start"),
    edge("M150 740C150 820 280 862 413 862", 190, 840, "end"),
    edge("M860 580V698", 868, 630, "start"),
    edge("M555 740V838", 563, 785, "start"),
    edge("M860 740V838", 868, 785, "start"),
    edge("M565 860H783", 674, 825, "middle"),
];

/// Draws the legend: the colours of the hosts, and the meaning of the numbers at the transitions.
fn legend(out: &mut dyn Write, lang: Lang) -> fmt::Result {
    for (((name, color), x), host) in SIDES.into_iter().zip([40, 140]).zip(0..) {
        writeln!(out, r#"<path d="M{x} 26h30" stroke="{color}" stroke-width="3" marker-end="url(#{name})"/>"#)?;
        writeln!(out, r#"<text x="{}" y="30" fill="{color}">{}</text>"#, x + 38, host_name(host, lang))?;
    }
    let (before, after) = match lang {
        Lang::En => ("numbers: the first", "steps at which the transition was taken"),
        Lang::Zh => ("数字：经过该转换的前", "步"),
    };
    writeln!(out, r#"<text x="40" y="50">{before} {STEPS} {after}</text>"#)
}

/// Draws the line of a transition once for each host that took it, or once in grey if no host took it.
fn edge_lines(out: &mut dyn Write, edge: &Edge, taken: &[Taken; 2]) -> fmt::Result {
    let path = edge.path;
    let took = |side: usize| taken.get(side).is_some_and(|taken| taken.count > 0);
    if !took(0) && !took(1) {
        return writeln!(out, r#"<path d="{path}" fill="none" stroke="{GREY}" marker-end="url(#none)"/>"#);
    }
    for (side, (name, color)) in SIDES.into_iter().enumerate().filter(|(side, _)| took(*side)) {
        // If the client took the transition too, the server's line is shifted, so that both lines are visible.
        let shift = if side == 1 && took(0) { 4 } else { 0 };
        write!(out, r#"<path transform="translate({shift} {shift})" d="{path}" fill="none" stroke="{color}" "#)?;
        writeln!(out, r#"stroke-width="2.5" marker-end="url(#{name})"/>"#)?;
    }
    Ok(())
}

/// Draws the box of a state around the point (`x`, `y`). A state that was visited has a yellow box, a dark border and a
/// bold name.
fn state_box(out: &mut dyn Write, x: usize, y: usize, state: State, visited: bool) -> fmt::Result {
    let (fill, stroke, weight) = if visited { ("#fff8d6", INK, "bold") } else { ("#ffffff", GREY, "normal") };
    let (left, top, baseline) = (x - 75, y - 20, y + 5);
    write!(out, r#"<rect x="{left}" y="{top}" width="150" height="40" rx="6" fill="{fill}" stroke="{stroke}"/>"#)?;
    writeln!(
        out,
        r#"<text x="{x}" y="{baseline}" text-anchor="middle" font-size="14" font-weight="{weight}">{state}</text>"#
    )
}

/// Writes the event that causes a transition. Below it, writes a line with the step numbers for each host that took the
/// transition.
fn edge_label(out: &mut dyn Write, edge: &Edge, lang: Lang, on: &str, taken: &[Taken; 2]) -> fmt::Result {
    let Edge { x, y, anchor, .. } = edge;
    let fill = if taken.iter().any(|t| t.count > 0) { INK } else { "#777777" };
    // A white outline keeps the text readable where lines cross it.
    write!(out, r#"<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{fill}" "#)?;
    out.write_str(r##"stroke="#ffffff" stroke-width="3" paint-order="stroke">"##)?;
    write!(Escaped(out), "{on}")?;
    for (host, (taken, (_, color))) in taken.iter().zip(SIDES).enumerate().filter(|(_, (taken, _))| taken.count > 0) {
        let name = host_name(host, lang);
        write!(out, r#"<tspan x="{x}" dy="14" fill="{color}" font-weight="bold">{name} "#)?;
        for (step, index) in taken.steps().iter().zip(0..) {
            write!(out, "{}{step}", if index == 0 { "" } else { ", " })?;
        }
        // Only the first `STEPS` steps are known.
        if taken.count as usize > STEPS {
            out.write_str(", …")?;
        }
        out.write_str("</tspan>")?;
    }
    out.write_str("</text>\n")
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::string::String;

    use super::*;
    use crate::lab::show::svg::tests::check;

    #[test]
    fn every_state_has_its_box_and_every_transition_its_line() {
        let draw = |lang| {
            let mut picture = String::new();
            write_states_svg(&mut picture, &Visited::default(), lang).unwrap();
            check(&picture);
            picture
        };
        let (picture, chinese) = (draw(Lang::En), draw(Lang::Zh));
        // The background is a rectangle, too. No transition was taken, so all lines have the grey arrowhead.
        assert_eq!(picture.matches("<rect").count(), 1 + BOXES.len());
        assert_eq!(picture.matches("url(#none)").count(), TRANSITIONS.len());
        for transition in TRANSITIONS {
            assert!(picture.contains(transition.on) && chinese.contains(transition.on_zh));
            assert!(BOXES.iter().any(|b| b.2 == transition.from) && BOXES.iter().any(|b| b.2 == transition.to));
        }
    }
}
