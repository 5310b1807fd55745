// Why: explains the events of the current step, or the selected frame.
import { element } from "./dom.js";
import { seconds } from "./format.js";
import { text } from "./text.js";
import { labelOf } from "./trace.js";
/** At most so many events of a step are explained. */
const MOST = 12;
/** At most so many explanations are kept. */
const MOST_KNOWN = 5000;
export function whyPanel(app) {
    const known = new Map();
    const list = element("div", { class: "why-list" });
    const heading = element("h2", {}, text("why"));
    const root = element("section", { class: "why", "aria-label": text("why") }, heading, list);
    let drawn = "";
    /** Asks once for each entry. */
    function why(run, entry) {
        const key = `${run} ${entry}`;
        let answer = known.get(key);
        if (!answer) {
            if (known.size >= MOST_KNOWN)
                known.clear();
            answer = app.door.command({ do: "why", run, entry }).catch(() => undefined);
            known.set(key, answer);
        }
        return answer;
    }
    function item(entry) {
        const answer = element("div", { class: "answer" });
        void why(app.run.name, entry.i).then((found) => answer.append(...(found ? explained(found) : [])));
        return element("div", { class: "event" }, element("p", { class: "what" }, headline(entry)), answer);
    }
    function update(change) {
        if (change === "experiment")
            known.clear();
        const { trace, step, selected } = app;
        const frame = trace.frame(selected);
        const sent = trace.entries[frame?.sent ?? -1];
        const of = trace.ofStep(step).entries.filter((entry) => entry.event !== "clock");
        const key = [change === "experiment" ? Date.now() : "", trace.run.name, step, of.length, sent?.i].join(" ");
        if (key.trim() === drawn)
            return;
        drawn = key.trim();
        const arrivals = (frame?.arrivals ?? []).flatMap((place) => trace.entries[place] ?? []);
        const entries = sent ? [sent, ...arrivals] : of;
        heading.textContent = sent ? `${text("why")} — ${text("frame")} ${selected}` : `${text("why")} — ${text("step")} ${step}`;
        if (sent) {
            const back = element("button", { type: "button", class: "small", click: () => app.select(undefined) }, text("backToStep"));
            heading.append(" ", back);
        }
        const shown = entries.slice(0, MOST).map(item);
        if (!sent && step === 0)
            shown.unshift(...introduction(app));
        if (shown.length === 0)
            shown.push(element("p", {}, text("clockOnly")));
        list.replaceChildren(...shown);
    }
    return { root, update };
}
/** Returns what the experiment says about itself. An exercise says it above its questions. */
function introduction(app) {
    const { text: words = [], questions = [] } = app.experiment ?? {};
    const paragraphs = (questions.length > 0 ? [] : words).map((words) => element("p", {}, words));
    return [...paragraphs, element("p", { class: "hint" }, text("start"))];
}
function headline(entry) {
    const host = entry.host === "client" || entry.host === "server" ? text(entry.host) : entry.host;
    return `${seconds(entry.t_us)} ${host}: ${labelOf(entry)}`;
}
function explained(why) {
    const parts = [element("p", {}, why.text ?? "", " ")];
    if (why.rfc)
        parts[0]?.append(reference(why.rfc, why.url));
    if (why.differs)
        parts.push(element("p", { class: "differs" }, `${text("differs")} ${why.differs}`));
    return parts;
}
/** Returns a link to the RFC, if the address is one of the RFC editor or the IETF. */
function reference(rfc, url) {
    if (!url || !/^https:\/\/(www\.rfc-editor\.org|datatracker\.ietf\.org)\//.test(url))
        return element("span", {}, rfc);
    return element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, rfc);
}
