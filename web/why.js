// Why: explains the events of the current step, or the selected frame.
import { afterDrawing, element } from "./dom.js";
import { seconds } from "./format.js";
import { text } from "./text.js";
import { labelOf } from "./trace.js";
/** The maximum number of events of a step that are explained. */
const MOST = 12;
/** The maximum number of explanations of a run that are kept. */
const MOST_KNOWN = 5000;
export function whyPanel(app) {
    // The keys are the runs themselves, because a later run can have the same name.
    const known = new WeakMap();
    const list = element("div", { class: "why-list" });
    const heading = element("h2", {}, text("why"));
    const root = element("section", { class: "why", "aria-label": text("why") }, heading, list);
    let drawn;
    /** Returns an explanation, which is requested only once for each entry. */
    function why(run, entry) {
        const answers = known.get(run) ?? new Map();
        known.set(run, answers);
        let answer = answers.get(entry);
        if (!answer) {
            if (answers.size >= MOST_KNOWN)
                answers.clear();
            answer = app.engine.read({ do: "why", run: run.name, entry }).catch(() => undefined);
            answers.set(entry, answer);
        }
        return answer;
    }
    function item(entry) {
        const { run } = app;
        const answer = element("div", { class: "answer" });
        const fill = () => void why(run, entry.i).then((found) => answer.append(...(found ? explained(found) : [])));
        if (known.get(run)?.has(entry.i))
            fill();
        // The step is drawn before the request is sent. By then, the reader may have gone on.
        else
            afterDrawing(() => answer.isConnected && fill());
        return element("div", { class: "event" }, element("p", { class: "what" }, headline(entry)), answer);
    }
    function update() {
        const { trace, step, selected } = app;
        const frame = trace.frame(selected);
        const sent = trace.entries[frame?.sent ?? -1];
        const of = trace.ofStep(step).entries.filter((entry) => entry.event !== "clock");
        const key = [step, of.length, sent?.i].join(" ");
        if (drawn?.run === trace.run && drawn.key === key)
            return;
        drawn = { run: trace.run, key };
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
/** Returns the experiment's own text. An exercise shows this text above its questions. */
function introduction(app) {
    const { text: words = [], questions = [] } = app.experiment ?? {};
    const paragraphs = (questions.length > 0 ? [] : words).map((words) => element("p", {}, words));
    const options = paragraphs.some(({ textContent }) => / --[a-z]/.test(textContent)) ? [text("terminalOnly")] : [];
    return [...paragraphs, ...[...options, text("start")].map((words) => element("p", { class: "hint" }, words))];
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
