// The ladder of a run. Only the events in sight are drawn, so a long run scrolls like a short one.
import { drawArrow, foldText, withoutPort } from "./arrow.js";
import { Columns } from "./columns.js";
import { element, setAttributes, setText, shape } from "./dom.js";
import { seconds } from "./format.js";
import { isShown, Layout, LINE, newState, usualFlight } from "./layout.js";
import { stateName, text } from "./text.js";
import { labelOf, sideOf } from "./trace.js";
/** The distance outside the visible part within which events are drawn, in pixels. */
const MARGIN = 200;
export class Ladder {
    app;
    subject;
    root;
    head = element("div", { class: "ladder-head" });
    scroller = element("div", { class: "ladder-scroll", tabindex: -1 });
    space = element("div", { class: "ladder-space" });
    picture = shape("svg", { class: "ladder-picture", role: "group" });
    ground = shape("g", { "aria-hidden": "true" });
    now = shape("path", { class: "now" });
    /** The notes that are drawn. */
    notes = [];
    drawnGround = "";
    frames = shape("g");
    /** The marks of the frames, above their labels. */
    marks = shape("g", { "aria-hidden": "true" });
    arrows = new Map();
    layout;
    laidOut;
    columns = new Columns(600, 1);
    pending = false;
    /** Whether the next drawing scrolls to the current step. */
    mustFollow = false;
    /** Whether the next drawing moves the scroll bar to `view.top`. */
    mustScroll = false;
    /** The visible part. Reading it from the page would make the browser compute the layout once more in each step. */
    view = { width: 0, height: 0, left: 0, top: 0 };
    /** The flight time that sets the scale. It is the same for all runs of an experiment. */
    static flight = { of: undefined, value: 1 };
    constructor(app, subject, label) {
        this.app = app;
        this.subject = subject;
        this.picture.append(this.ground, this.now, this.frames, this.marks);
        this.picture.setAttribute("aria-label", label);
        this.space.append(this.picture);
        this.scroller.append(this.space);
        this.root = element("section", { class: "ladder", "aria-label": label }, this.head, this.scroller);
        this.scroller.addEventListener("scroll", () => this.look());
        new ResizeObserver(() => this.look()).observe(this.scroller);
    }
    update(change) {
        const trace = this.subject.trace();
        if (!trace)
            return;
        if (change === "experiment" || trace !== this.laidOut || this.layout?.shown !== this.app.shown)
            this.lay(trace);
        else
            this.layout?.extend();
        this.mustFollow ||= change !== "more";
        // Draws at the browser's next animation frame, so that several changes are drawn together.
        if (!this.pending) {
            this.pending = true;
            setAttributes(this.root, { "aria-busy": "true" });
            requestAnimationFrame(() => {
                this.pending = false;
                if (this.mustFollow)
                    this.follow();
                this.mustFollow = false;
                this.draw();
                setAttributes(this.root, { "aria-busy": String(!this.subject.trace()?.isWhole) });
            });
        }
    }
    /** Draws immediately, for measurements. */
    drawNow() {
        this.follow();
        this.draw();
    }
    /** Returns the times at the upper and the lower edge of the visible part, in microseconds. */
    visible() {
        const { layout, view } = this;
        const at = (height) => layout?.moments[layout.momentAt(height)]?.t_us ?? 0;
        return { from_us: at(view.top), to_us: at(view.top + view.height) };
    }
    /** Scrolls to a frame, and moves the focus to it. */
    focusFrame(number) {
        const trace = this.subject.trace();
        const frame = trace?.frame(number);
        if (!trace || !frame || !this.layout)
            return;
        this.reveal(this.layout.heights[frame.sent] ?? 0);
        this.draw();
        this.arrows.get(number)?.group.focus();
    }
    lay(trace) {
        if (Ladder.flight.of !== this.app.experiment) {
            Ladder.flight = { of: this.app.experiment, value: usualFlight(trace) };
        }
        this.layout = new Layout(trace, this.app.shown, Ladder.flight.value);
        this.laidOut = trace;
        this.arrows.clear();
        this.frames.replaceChildren();
        this.marks.replaceChildren();
        this.drawnGround = "";
    }
    /** Scrolls to the current step, if it is out of sight. */
    follow() {
        const now = this.laidOut?.lastOf(this.subject.step()) ?? -1;
        this.reveal(this.layout?.heights[now] ?? 0);
    }
    reveal(height) {
        const { view, layout } = this;
        if (!layout || (height >= view.top + LINE && height <= view.top + view.height - 4 * LINE))
            return;
        const most = Math.max(0, layout.height - view.height);
        view.top = Math.round(Math.min(most, Math.max(0, height - view.height * 0.55)));
        // The scroll bar moves after the drawing. Before it, the browser would compute the layout twice.
        this.mustScroll = true;
    }
    /** Draws after the reader has scrolled, or the size has changed. */
    look() {
        const { scroller, view } = this;
        const seen = { width: scroller.clientWidth, height: scroller.clientHeight, left: scroller.scrollLeft, top: scroller.scrollTop };
        if (seen.width === view.width && seen.height === view.height && seen.left === view.left && seen.top === view.top)
            return;
        Object.assign(view, seen);
        this.draw();
    }
    draw() {
        const { layout, laidOut: trace, view, picture } = this;
        if (!layout || !trace)
            return;
        if (this.columns.space !== view.width || this.columns.of !== trace.run.lanes) {
            this.columns = new Columns(view.width, trace.run.lanes);
        }
        const { columns } = this;
        const total = Math.max(layout.height, view.height);
        this.space.style.height = `${total}px`;
        this.space.style.width = `${columns.width}px`;
        const top = Math.max(0, view.top - MARGIN);
        const height = Math.min(total - top, view.height + 2 * MARGIN);
        picture.style.top = `${top}px`;
        setAttributes(picture, {
            width: columns.width,
            height,
            viewBox: `0 ${top} ${columns.width} ${height}`,
            "font-size": columns.font,
        });
        const step = this.subject.step();
        const now = trace.lastOf(step);
        const [first, last] = [layout.momentAt(top), layout.momentAt(top + height)];
        const moments = layout.moments.slice(first, last + 1);
        const entries = [moments[0]?.first ?? 0, layout.moments[last + 1]?.first ?? trace.entries.length];
        this.drawGround(trace, moments, entries, [top, top + height]);
        for (const { index, node } of this.notes)
            node.classList.toggle("future", index > now);
        const line = (layout.heights[now] ?? 0) + LINE / 2;
        setAttributes(this.now, { d: `M0 ${line}H${columns.width}` });
        this.drawFrames(trace, entries, now);
        this.drawHead(trace, step);
        if (this.mustScroll)
            this.scroller.scrollTop = view.top;
        this.mustScroll = false;
    }
    /** Draws the hosts' lines, the times and the notes, unless they are drawn already. */
    drawGround(trace, moments, [from, to], [top, bottom]) {
        const { columns } = this;
        const key = [from, to, top, bottom, columns.width].join(" ");
        if (key === this.drawnGround)
            return;
        this.drawnGround = key;
        const parts = [];
        for (let lane = 0; lane < columns.lanes; lane++) {
            for (const side of [0, 1]) {
                const x = columns.line(lane, side);
                parts.push(shape("path", { class: `host side-${side}`, d: `M${x} ${top}V${bottom}` }));
            }
        }
        for (const moment of moments)
            parts.push(...this.timeOf(trace, moment));
        this.notes = [];
        for (let index = from; index < to; index++) {
            const node = this.note(trace, index);
            if (node)
                this.notes.push({ index, node });
        }
        this.ground.replaceChildren(...parts, ...this.notes.map(({ node }) => node));
    }
    /** Draws the time and the step of a moment, and the fold before it. */
    timeOf(trace, moment) {
        const { columns } = this;
        const parts = [];
        const y = moment.top;
        if (moment.folded !== undefined) {
            const middle = y - 28;
            for (let lane = 0; lane < columns.lanes; lane++) {
                const [left, right] = [columns.line(lane, 0), columns.line(lane, 1)];
                for (const x of [left, right])
                    parts.push(shape("path", { class: "fold", d: `M${x} ${y - 40}v24` }));
                const x = (left + right) / 2;
                if (lane === 0) {
                    const words = columns.fit(foldText(moment.folded), "between");
                    parts.push(shape("text", { class: "fold-text", x, y: middle + 4, "text-anchor": "middle" }, words));
                }
            }
        }
        parts.push(shape("text", { class: "time", x: columns.times, y: y + 4, "text-anchor": "end" }, seconds(moment.t_us)));
        if (!columns.isNarrow) {
            const step = trace.entries[moment.first]?.step ?? 0;
            parts.push(shape("text", { class: "step", x: columns.steps, y: y + 4, "text-anchor": "end" }, String(step)));
        }
        return parts;
    }
    /** Draws an event that is not a frame beside the line of its host. */
    note(trace, index) {
        const { columns, layout } = this;
        const entry = trace.entries[index];
        if (!entry || !layout || !isShown(entry, layout.shown) || entry.event === "sent" || entry.event === "arrived") {
            return undefined;
        }
        const side = sideOf(entry.host);
        const x = columns.line(entry.lane, side) + (side === 0 ? -8 : 8);
        const state = newState(entry);
        const words = state === undefined ? withoutPort(labelOf(entry), columns) : stateName(state, columns.isNarrow);
        const kind = state !== undefined ? `note state side-${side}` : "note";
        const attributes = {
            class: kind,
            x,
            y: (layout.heights[index] ?? 0) + 4,
            "text-anchor": side === 0 ? "end" : "start",
            // In the ladder of the other run, the step would belong to that run, so a click there does nothing.
            click: () => trace === this.app.trace && void this.app.go(entry.step),
        };
        const whole = state === undefined ? words : `${entry.from ?? "CLOSED"} → ${state}`;
        return shape("text", attributes, columns.fit(words, "notes"), shape("title", {}, whole));
    }
    drawFrames(trace, [from, to], now) {
        const { layout, columns, app } = this;
        if (!layout)
            return;
        const frames = trace.inFlight(from - 1);
        for (let index = from; index < to; index++) {
            const entry = trace.entries[index];
            if (entry?.event !== "sent" || !isShown(entry, layout.shown))
                continue;
            const frame = trace.frame(entry.frame);
            if (frame)
                frames.push(frame);
        }
        const shown = frames.filter((frame) => {
            const sent = trace.entries[frame.sent];
            return sent && isShown(sent, layout.shown);
        });
        const visible = new Set(shown.map((frame) => frame.number));
        for (const [number, { group, mark }] of this.arrows) {
            if (visible.has(number))
                continue;
            group.remove();
            mark.remove();
            this.arrows.delete(number);
        }
        // The Tab key reaches the selected frame, or else the first visible frame.
        const inTabOrder = visible.has(app.selected ?? -1) ? app.selected : shown.find((frame) => frame.sent >= from)?.number;
        for (const frame of shown) {
            const arrow = this.arrows.get(frame.number) ?? this.arrow(frame);
            setAttributes(arrow.group, { tabindex: frame.number === inTabOrder ? 0 : -1 });
            const { mark } = arrow;
            drawArrow(arrow, frame, { trace, layout, columns, now, selected: trace === app.trace ? app.selected : undefined });
            // Most frames have no mark.
            if (!mark.hasChildNodes())
                mark.remove();
            else if (!mark.isConnected)
                this.marks.append(mark);
        }
    }
    arrow(frame) {
        const group = shape("g", { role: "button", "data-frame": frame.number });
        const mark = shape("g", { "data-mark": frame.number });
        const arrow = { group, mark };
        this.arrows.set(frame.number, arrow);
        // The arrows are in the order of sending, so that a screen reader reads them in that order.
        const after = [...this.frames.children].find((other) => Number(other.getAttribute("data-frame")) > frame.number);
        this.frames.insertBefore(group, after ?? null);
        return arrow;
    }
    /** Writes the hosts and their states above the lines. With several lanes, a click selects the connection. */
    drawHead(trace, step) {
        const { head, columns, app } = this;
        const count = 1 + 2 * columns.lanes;
        if (head.childElementCount !== count) {
            const ends = Array.from({ length: columns.lanes }, (_, lane) => [this.end(lane, 0), this.end(lane, 1)]);
            head.replaceChildren(element("span", { class: "name" }), ...ends.flat());
        }
        const [name, ...ends] = [...head.children];
        const columnNames = columns.isNarrow ? "" : text("columns");
        if (name)
            setText(name, app.runs.size > 1 ? `${text("run")} ${trace.run.name}` : columnNames);
        ends.forEach((node, place) => {
            const [lane, side] = [place >> 1, (place % 2)];
            const host = text(side === 0 ? "client" : "server");
            const port = columns.lanes > 1 && side === 0 ? ` :${trace.track(lane).port ?? ""}` : "";
            setText(node, `${host}${port} ${stateName(trace.endsAt(lane, step).states[side], columns.isNarrow)}`);
            node.style.left = `${columns.line(lane, side) - this.view.left}px`;
            node.classList.toggle("current", columns.lanes > 1 && lane === app.lane);
        });
    }
    end(lane, side) {
        const name = `end side-${side}`;
        if (this.columns.lanes === 1)
            return element("span", { class: name });
        const select = () => {
            this.app.lane = lane;
            this.app.report("step");
        };
        return element("button", { type: "button", class: name, click: select });
    }
}
