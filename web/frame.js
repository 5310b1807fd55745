// A frame: its bytes next to its fields, and the computation of its checksum.
import { element } from "./dom.js";
import { hex } from "./format.js";
import { lastInFlight } from "./prompt.js";
import { text } from "./text.js";
const ROW = 16;
export function framePanel(app) {
    const body = element("div", {});
    const root = element("section", { "aria-label": text("frame") }, body);
    let drawn;
    async function update(change) {
        if (root.closest("[hidden]") || change === "more")
            return;
        const frame = app.selected ?? lastInFlight(app) ?? lastSent(app);
        // The runs are compared as objects: a hidden panel misses changes, and a later run can have the same name.
        if (drawn?.run === app.run && drawn.frame === frame)
            return;
        const drawing = { run: app.run, frame };
        drawn = drawing;
        if (frame === undefined) {
            body.replaceChildren(element("p", {}, text("selectFrame")));
            return;
        }
        const answer = await app.ask({ do: "frame", run: app.run.name, frame });
        if (answer && drawn === drawing)
            body.replaceChildren(...draw(frame, answer));
    }
    return { root, update: (change) => void update(change) };
}
/** Returns the last frame that was sent up to the current step. */
function lastSent(app) {
    const now = app.trace.lastOf(app.step);
    return app.trace.frames.findLast((frame) => frame.sent <= now)?.number;
}
function draw(frame, { bytes, fields, checksum }) {
    const pairs = bytes.match(/../g) ?? [];
    const cells = pairs.map((pair) => element("span", { class: "byte" }, pair));
    const rows = [];
    for (let from = 0; from < cells.length; from += ROW) {
        const row = element("div", { class: "byte-row" }, element("span", { class: "offset" }, hex(from, 4)));
        row.append(...cells.slice(from, from + ROW));
        rows.push(row);
    }
    const mark = (field, isOn) => {
        for (const cell of cells.slice(field.offset, field.offset + field.len))
            cell.classList.toggle("on", isOn);
        lines[fields.indexOf(field)]?.classList.toggle("on", isOn);
    };
    const lines = fields.map((field) => {
        const line = element("tr", { tabindex: 0 }, element("th", { scope: "row" }, field.name), element("td", {}, String(field.value)));
        const place = field.len === 1 ? String(field.offset) : `${field.offset}–${field.offset + field.len - 1}`;
        line.append(element("td", { class: "offset" }, place));
        // The bytes of a field lead to it, and it leads to them.
        for (const node of [line, ...cells.slice(field.offset, field.offset + field.len)]) {
            for (const event of ["pointerenter", "focus"])
                node.addEventListener(event, () => mark(field, true));
            for (const event of ["pointerleave", "blur"])
                node.addEventListener(event, () => mark(field, false));
        }
        return line;
    });
    const head = element("tr", {}, ...[text("field"), text("value"), text("place")].map((name) => element("th", { scope: "col" }, name)));
    return [
        element("h3", {}, `${text("frame")} ${frame}: ${pairs.length} ${text("bytesLong")}, ${text("asSent")}`),
        element("div", { class: "bytes", tabindex: 0, role: "group", "aria-label": text("bytesOfFrame") }, ...rows),
        element("table", { class: "fields" }, element("thead", {}, head), element("tbody", {}, ...lines)),
        ...(checksum ? [sum(checksum)] : []),
    ];
}
/** Shows how the checksum is computed. */
function sum({ name, words, pseudo, sum, folded, result, is_right }) {
    const list = (some) => some.map((word) => hex(word, 4)).join(" + ");
    return element("details", { class: "checksum", open: true }, element("summary", {}, `${name}: ${hex(result, 4)} ${is_right ? `✓ ${text("right")}` : `✗ ${text("checksumWrong")}`}`), element("p", {}, text("checksumHow")), element("p", { class: "words" }, pseudo > 0 ? `${text("pseudo")}: ${list(words.slice(0, pseudo))}` : ""), element("p", { class: "words" }, `${text("segment")}: ${list(words.slice(pseudo))}`), element("p", { class: "words" }, `${text("sum")}: ${hex(sum, 4)} → ${text("carries")}: ${hex(folded, 4)} → ${text("complement")}: ${hex(result, 4)}`));
}
