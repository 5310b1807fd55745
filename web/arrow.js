// Draws a frame as an arrow of the ladder.
import { shape } from "./dom.js";
import { seconds, span } from "./format.js";
import { LINE } from "./layout.js";
import { text } from "./text.js";
import { isLost, labelOf } from "./trace.js";
/** The reasons of frames that are sent again. */
const AGAIN = /retransmission|after-timeout|tail-probe|repeated-syn|window-opened|path-mtu/;
/** Draws a frame. */
export function drawArrow({ group, mark }, frame, drawn) {
    const { trace, now } = drawn;
    const sent = trace.entries[frame.sent];
    if (!sent)
        return;
    const ends = endPoints(frame, sent, drawn);
    const isFuture = frame.sent > now;
    const isMoving = !isFuture && !isLost(sent) && (trace.mayArrive(frame) || (frame.arrivals.at(-1) ?? 0) > now);
    const isSelected = frame.number === drawn.selected;
    // Most arrows do not change in a step, so they are not drawn again.
    const key = [isFuture, isMoving, isSelected, frame.arrivals.length, drawn.columns.width].join();
    const share = isMoving ? progress(frame, sent, drawn) : 0;
    if (group.dataset["drawn"] === key) {
        if (isMoving)
            movePacket(mark.firstElementChild, startPoint(frame, sent, drawn), ends[0], share);
        return;
    }
    group.dataset["drawn"] = key;
    for (const part of [group, mark])
        part.setAttribute("class", classes(frame, sent, { isFuture, isMoving, isSelected }));
    group.setAttribute("aria-label", described(frame, sent, drawn));
    group.setAttribute("aria-pressed", String(isSelected));
    const start = startPoint(frame, sent, drawn);
    const parts = [];
    for (const end of ends) {
        const path = `M${start.join(" ")}L${end.join(" ")}`;
        parts.push(shape("path", { class: "hit", d: path }), shape("path", { class: "line", d: path }));
        if (!isLost(sent))
            parts.push(tip(start, end));
    }
    const first = ends[0] ?? start;
    const marks = [];
    if (isLost(sent))
        marks.push(cross(first));
    if (isMoving) {
        const packet = shape("rect", { class: "packet", x: -8, y: -6, width: 16, height: 12, rx: 2 });
        movePacket(packet, start, first, share);
        marks.push(packet);
    }
    mark.replaceChildren(...marks);
    const [ground, words] = label(sent, drawn, start, first);
    group.replaceChildren(ground, ...parts, words);
}
function classes(frame, sent, is) {
    const names = ["frame", `lane-${Math.min(sent.lane, 3)}`];
    if (isLost(sent))
        names.push("lost");
    else if (AGAIN.test(sent.reason ?? ""))
        names.push("again");
    else if (sent.fate && sent.fate !== "delivered")
        names.push("altered");
    if (frame.isForged)
        names.push("forged");
    if (is.isFuture)
        names.push("future");
    if (is.isMoving)
        names.push("moving");
    if (is.isSelected)
        names.push("selected");
    return names.join(" ");
}
/** Returns the text for a screen reader: the whole label, as the reader has chosen to see it, and the way of the frame. */
function described(frame, sent, { trace, layout }) {
    const [from, to] = frame.side === 0 ? [text("client"), text("server")] : [text("server"), text("client")];
    const arrival = trace.entries[frame.arrivals[0] ?? -1];
    const fate = isLost(sent) ? text("lost") : arrival ? `${text("arrives")} ${seconds(arrival.t_us)}` : "";
    return `${labelText(sent, layout)}, ${from} → ${to}, ${seconds(sent.t_us)} s, ${fate}`;
}
function startPoint(frame, sent, { layout, columns }) {
    return [columns.line(sent.lane, frame.side), layout.heights[frame.sent] ?? 0];
}
/** Returns the ends of the arrow, one for each arrival. The arrow of a lost frame ends before the other host. */
function endPoints(frame, sent, drawn) {
    const { layout, columns } = drawn;
    const [x, y] = startPoint(frame, sent, drawn);
    const other = columns.line(sent.lane, frame.side === 0 ? 1 : 0);
    if (frame.arrivals.length > 0)
        return frame.arrivals.map((place) => [other, layout.heights[place] ?? y]);
    const share = 0.62;
    return [[x + (other - x) * share, y + layout.span(layout.flight) * share * 0.6]];
}
/** Returns the share of the way that a frame has covered. */
function progress(frame, sent, { trace, layout, now }) {
    const time = trace.entries[now]?.t_us ?? 0;
    const arrival = trace.entries[frame.arrivals.at(-1) ?? -1]?.t_us ?? sent.t_us + layout.flight;
    const share = (time - sent.t_us) / Math.max(1, arrival - sent.t_us);
    return Math.min(0.85, Math.max(0.12, share));
}
/** Moves the mark that shows the position of a frame in flight. The reader can grab the frame there. */
function movePacket(packet, [x, y], [toX, toY] = [0, 0], share) {
    packet?.setAttribute("transform", `translate(${x + (toX - x) * share} ${y + (toY - y) * share})`);
}
function cross([x, y]) {
    return shape("path", { class: "cross", d: `M${x - 5} ${y - 5}l10 10m0 -10l-10 10` });
}
function tip([x, y], [toX, toY]) {
    const angle = (Math.atan2(toY - y, toX - x) * 180) / Math.PI;
    return shape("path", { class: "tip", d: "M0 0L-9 -4V4z", transform: `translate(${toX} ${toY}) rotate(${angle})` });
}
/** Draws the label above the beginning of the arrow, because the arrow slopes down from there. The ground of the label hides the earlier
 *  arrows that cross it. */
function label(sent, { layout, columns }, [x, y], [toX]) {
    const isRight = toX > x;
    const whole = withoutPort(labelText(sent, layout), columns);
    const words = columns.fit(whole, "between");
    // The pointer shows what is cut.
    const title = words === whole ? [] : [shape("title", {}, whole)];
    const width = columns.widthOf(words) + 4;
    return [
        shape("rect", { class: "under", x: isRight ? x + 6 : x - 6 - width, y: y - LINE + 1, width, height: LINE }),
        shape("text", { x: isRight ? x + 8 : x - 8, y: y - 4, "text-anchor": isRight ? "start" : "end" }, words, ...title),
    ];
}
/** Removes the port from a label, if the head of the lane shows the port. */
export function withoutPort(label, { lanes }) {
    return lanes === 1 ? label : label.replace(/^(#\d+ )?:\d+ /, "$1");
}
/** Returns the label of a frame, including raw numbers and options if the reader has chosen to see them. */
export function labelText(sent, { shown }) {
    let words = labelOf(sent);
    if (shown.raw) {
        if (sent.seq !== undefined)
            words = words.replace(/\b(seq|s)=\d+/, `$1=${sent.seq}`);
        if (sent.ack !== undefined)
            words = words.replace(/\b(ack|a)=\d+/, `$1=${sent.ack}`);
    }
    if (shown.options) {
        if (sent.mss !== undefined)
            words += ` mss=${sent.mss}`;
        if (sent.win_scale !== undefined)
            words += ` ws=${sent.win_scale}`;
    }
    return words;
}
/** Returns the text for the length of a folded gap. */
export function foldText(microseconds) {
    return `⋯ ${span(microseconds)} ${text("noEvent")}`;
}
