// The control block of both sides: numbers, windows, round trips and timers. Changes of this step are marked.
import { element } from "./dom.js";
import { round, span } from "./format.js";
import { text } from "./text.js";
const ROWS = [
    ["una", "SND.UNA", "count"],
    ["nxt", "SND.NXT", "count"],
    ["snd_wnd", "SND.WND", "bytes"],
    ["rcv_nxt", "RCV.NXT", "count"],
    ["rcv_wnd", "RCV.WND", "bytes"],
    ["cwnd", "cwnd", "bytes"],
    ["ssthresh", "ssthresh", "bytes"],
    ["srtt_ms", "SRTT", "ms"],
    ["rttvar_ms", "RTTVAR", "ms"],
    ["rto_ms", "RTO", "ms"],
    ["duplicate_acks", "duplicate ACKs", "count"],
];
const TIMERS = [
    ["retransmission_at_us", "retransmission"],
    ["tail_probe_at_us", "tailProbe"],
    ["persist_at_us", "persist"],
    ["delayed_ack_at_us", "delayedAck"],
    ["keep_alive_at_us", "keepAlive"],
    ["user_timeout_at_us", "userTimeout"],
    ["time_wait_at_us", "timeWait"],
];
export function controlPanel(app) {
    const table = element("table", { class: "control" });
    const timers = element("div", { class: "timers" });
    const root = element("section", { "aria-label": text("control") }, table, element("h3", {}, text("timers")), timers);
    let drawn = "";
    function update() {
        const { trace, lane, step } = app;
        const now = trace.endsAt(lane, step);
        const before = trace.endsAt(lane, step - 1);
        const key = JSON.stringify([now, before, step > 0]);
        if (key !== drawn) {
            const focused = table.contains(document.activeElement) ? document.activeElement?.id : undefined;
            table.replaceChildren(...rows(app, now, before));
            if (focused)
                document.getElementById(focused)?.focus();
        }
        drawn = key;
        const bars = [0, 1].flatMap((side) => barsOf(app, side, now.holds[side]));
        timers.replaceChildren(...(bars.length > 0 ? bars : [element("p", {}, text("noTimer"))]));
    }
    return { root, update };
}
function rows(app, now, before) {
    const head = element("tr", {}, element("th", { scope: "col" }, text("value")), element("th", { scope: "col", class: "side-0" }, `${text("client")} ${now.states[0]}`), element("th", { scope: "col", class: "side-1" }, `${text("server")} ${now.states[1]}`));
    const lines = ROWS.map((row) => {
        const cells = [0, 1].map((side) => cell(app, side, row, now.holds[side], app.step > 0 ? before.holds[side] : undefined));
        return element("tr", {}, element("th", { scope: "row" }, row[1]), ...cells);
    });
    return [element("thead", {}, head), element("tbody", {}, ...lines)];
}
function cell(app, side, [key, , unit], now, before) {
    const value = now[key];
    const isNew = before !== undefined && before[key] !== value;
    const words = value === undefined ? "–" : unit === "ms" ? `${round(value)} ms` : value.toLocaleString("en");
    const go = { type: "button", id: `value-${key}-${side}`, title: text("toChange"), click: () => goToChange(app, side, key) };
    const written = value === undefined ? words : element("button", go, words);
    if (!isNew)
        return element("td", {}, written);
    const old = before[key];
    const title = `${text("was")} ${old === undefined ? "–" : String(old)}`;
    // The dot marks the change for readers who cannot see the colour.
    return element("td", { class: "changed", title }, "● ", written);
}
/** Goes to the step in which a value last changed. */
function goToChange(app, side, key) {
    const { trace, lane, step } = app;
    const entry = trace.entries[trace.track(lane).since(trace.lastOf(step), side, key)];
    if (entry)
        void app.go(entry.step);
}
/** Draws a bar for each running timer. Its length shows how much of the timer's time remains. */
function barsOf({ trace, lane, step }, side, holds) {
    const now = trace.timeOf(step);
    return TIMERS.flatMap(([key, name]) => {
        const at = holds[key];
        if (at === undefined || at <= now)
            return [];
        const begin = trace.entries[trace.track(lane).since(trace.lastOf(step), side, key)]?.t_us ?? now;
        const host = text(side === 0 ? "client" : "server");
        const label = `${host}: ${text(name)}, ${span(at - now)}`;
        const bar = element("meter", { min: 0, max: at - begin, value: at - now, "aria-label": label });
        return [element("div", { class: "timer" }, element("span", { class: `side-${side}` }, label), bar)];
    });
}
