// The questions of an exercise. Each answer is marked at once, and the reader can save a file of the answers to hand in.
import { download, element, setText } from "./dom.js";
import { text } from "./text.js";
export function exercisePanel(app) {
    const root = element("section", { class: "exercise", "aria-label": text("exercise") });
    const score = element("output", { class: "score" });
    let asked = [];
    function update(change) {
        if (change !== "experiment")
            return;
        asked = (app.experiment?.questions ?? []).map((question) => ({ question, answer: "" }));
        if (asked.length === 0) {
            const names = app.lists.exercises.map(({ name, title }) => element("li", {}, element("button", { type: "button", class: "link", click: () => void app.open({ exercise: name }) }, title)));
            root.replaceChildren(element("p", {}, text("noQuestions")), element("ul", {}, ...names));
            return;
        }
        root.replaceChildren(...(app.experiment?.text ?? []).map((paragraph) => element("p", {}, paragraph)), ...asked.map((item) => questionForm(app, item, tally)), score, element("button", { type: "button", click: () => save(app, asked) }, text("saveAnswers")), element("p", { class: "hint" }, text("saveHint")));
        tally();
    }
    function tally() {
        const points = asked.reduce((sum, { mark }) => sum + (mark?.points ?? 0), 0);
        const all = asked.reduce((sum, { question }) => sum + question.points, 0);
        setText(score, `${text("points")}: ${points} / ${all}`);
    }
    return { root, update };
}
function questionForm(app, item, tally) {
    const { question } = item;
    const verdict = element("p", { class: "verdict", role: "status" });
    const field = answerField(question);
    const form = element("form", { class: "question" });
    form.append(element("p", {}, element("strong", {}, `${question.number}. `), question.text, ` (${question.points})`), field.root, element("button", {}, text("check")), ...(question.hint ? [hintButton(app, question.number, form)] : []), verdict);
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        void mark();
    });
    async function mark() {
        const typed = field.value();
        // Without an answer, the session marks the manual changes in the current run.
        const answer = typed === "" ? {} : { answer: typed };
        const found = await app.ask({ do: "mark", run: app.run.name, question: question.number, ...answer });
        if (!found)
            return;
        if (found.verdict !== "invalid")
            item.answer = typed || (await faultsByHand(app));
        item.mark = found;
        const sign = { right: "✓", wrong: "✗", invalid: "?" }[found.verdict];
        setText(verdict, `${sign} ${found.message || text(found.verdict)} (${found.points}/${found.of})`);
        verdict.className = `verdict ${found.verdict}`;
        tally();
    }
    return form;
}
/** Returns the field for an answer. Options are chosen or ordered by their letters; any other answer is typed. */
function answerField(question) {
    const { number, kind, form, options = [] } = question;
    const letter = (place) => String.fromCharCode(97 + place);
    if (kind === "choice") {
        const set = element("fieldset", {}, element("legend", { class: "visually-hidden" }, `${number}. ${question.text}`));
        options.forEach((option, place) => {
            const radio = element("input", { type: "radio", name: `question-${number}`, value: letter(place) });
            set.append(element("label", {}, radio, ` ${letter(place)}) ${option}`));
        });
        return { root: set, value: () => set.querySelector("input:checked")?.value ?? "" };
    }
    const input = element("input", { type: "text", maxlength: 1000, "aria-label": `${text("answer")} ${number}` });
    input.placeholder = kind === "make" ? text("makeHint") : form;
    const list = options.map((option, place) => element("li", {}, `${letter(place)}) ${option}`));
    const root = element("div", {}, ...(list.length > 0 ? [element("ul", { class: "options" }, ...list)] : []), input);
    return { root, value: () => input.value.trim() };
}
/** Returns the manual changes in the current run, in the form of an answer in a file. */
async function faultsByHand(app) {
    const answer = await app.ask({ do: "export", run: app.run.name });
    const before = new Set(app.experiment?.lab.split("\n"));
    const added = (answer?.lab ?? "").split("\n").filter((line) => line.startsWith("fault ") && !before.has(line));
    return added.map((line) => line.slice("fault ".length)).join("; ");
}
function hintButton(app, question, form) {
    const button = element("button", { type: "button" }, text("hint"));
    button.addEventListener("click", () => {
        void app.ask({ do: "hint", question }).then((answer) => {
            if (!answer)
                return;
            button.replaceWith(element("span", { class: "hint" }, ` ${answer.text}`));
            form.querySelector("input")?.focus();
        });
    });
    return button;
}
/** Saves the answers as a file that `smolstep lab mark` reads. */
function save(app, asked) {
    const lines = asked.filter(({ answer }) => answer).map(({ question, answer }) => `${question.number}: ${answer}\n`);
    const name = app.source.exercise ?? app.experiment?.name ?? "answers";
    download(`${name.replace(/[^\w-]+/g, "-")}.txt`, "text/plain", `seed ${app.experiment?.seed ?? 0}\n${lines.join("")}`);
}
