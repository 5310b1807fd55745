// The runs of the experiment: switches between branches, compares two of them, and removes one.
import { element } from "./dom.js";
import { text } from "./text.js";
export function runsPanel(app) {
    const root = element("nav", { class: "runs", "aria-label": text("runs"), hidden: true });
    function update() {
        root.hidden = app.runs.size < 2;
        const items = [...app.runs.values()].map(({ run }) => {
            const isCurrent = run.name === app.current;
            const show = element("button", { type: "button", "aria-pressed": String(isCurrent), click: () => void app.show(run.name) }, `${text("run")} ${run.name}${run.by_hand.length > 0 ? `: ${run.by_hand.at(-1)}` : ""}`);
            const remove = element("button", { type: "button", class: "small", "aria-label": `${text("remove")} ${run.name}`, click: () => void app.remove(run.name) }, "✕");
            return element("span", { class: "run" }, show, run.parent !== undefined ? remove : undefined);
        });
        root.replaceChildren(...items, besideChoice(app));
    }
    return { root, update };
}
function besideChoice(app) {
    const others = [...app.runs.keys()].filter((name) => name !== app.current);
    const choice = element("select", { change: () => app.compare(choice.value || undefined) });
    choice.append(new Option(text("alone"), ""), ...others.map((name) => new Option(`${text("run")} ${name}`, name)));
    choice.value = app.beside ?? "";
    const parts = [element("label", {}, `${text("beside")} `, choice)];
    const other = app.runs.get(app.beside ?? "");
    if (other) {
        const parted = partingStep(app.trace, other);
        const words = parted === undefined ? text("sameRun") : `${text("partAt")} ${parted}`;
        parts.push(element("button", { type: "button", click: () => void app.go(parted ?? app.step) }, words));
    }
    return element("span", { class: "beside" }, ...parts);
}
/** Returns the step of the first entry in which two runs differ, or undefined if the fetched entries are equal. */
export function partingStep(one, other) {
    const count = Math.max(one.entries.length, other.entries.length);
    for (let place = 0; place < count; place++) {
        const [left, right] = [one.entries[place], other.entries[place]];
        if (!left || !right)
            return one.isWhole && other.isWhole ? (left ?? right)?.step : undefined;
        if (left.step !== right.step || left.label !== right.label || left.fate !== right.fate || left.t_us !== right.t_us) {
            return left.step;
        }
    }
    return undefined;
}
