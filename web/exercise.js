// The questions of an exercise. Each answer is marked at once, and the reader can save a file of the answers to hand in.
import { download, element, setText } from "./dom.js";
import { text } from "./text.js";
export function exercisePanel(app) {
    const root = element("section", { class: "exercise", "aria-label": text("exercise") });
    const score = element("output", { class: "score" });
    const notice = element("p", { class: "hint", role: "status" });
    function update(change) {
        if (change !== "experiment")
            return;
        const { about, asked: before } = app.answers;
        const asked = (app.experiment?.questions ?? []).map((question) => ask(question, about, before));
        app.answers = { about: app.source, asked };
        if (asked.length === 0) {
            const names = app.lists.exercises.map(({ name, title }) => element("li", {}, element("button", { type: "button", class: "link", click: () => void app.open({ exercise: name }) }, title)));
            root.replaceChildren(element("p", {}, text("noQuestions")), element("ul", {}, ...names));
            return;
        }
        const isAnswered = asked.some(({ field, mark }) => field.value() !== "" && !mark);
        const notices = [
            ...(isAnswered && !isSame(about, app.source) ? [text("answersKept")] : []),
            ...(Object.keys(app.source.settings ?? {}).length > 0 ? [text("settingsDiffer")] : []),
        ];
        setText(notice, notices.join(" "));
        root.replaceChildren(...(app.experiment?.text ?? []).map((paragraph) => element("p", {}, paragraph)), notice, ...asked.map((item) => questionForm(app, item, tally)), score, element("button", { type: "button", click: () => save(app, asked) }, text("saveAnswers")), element("p", { class: "hint" }, text("saveHint")));
        tally();
    }
    /** Prepares a question, with the earlier answer if the same question was there before. */
    function ask(question, about, before) {
        const item = { question, field: answerField(question), answer: "" };
        const old = before.find((old) => isSameQuestion(question, app.source, old.question, about));
        if (!old)
            return item;
        const typed = relettered(old.field.value(), old.question, question, isSame(about, app.source));
        item.field.set(typed);
        // The right answer depends on the seed and on the settings, so only the same run keeps its marks.
        if (isSame(about, app.source) && old.mark)
            Object.assign(item, { answer: old.answer, mark: old.mark });
        return item;
    }
    function tally() {
        const { asked } = app.answers;
        const points = asked.reduce((sum, { mark }) => sum + (mark?.points ?? 0), 0);
        const all = asked.reduce((sum, { question }) => sum + question.points, 0);
        setText(score, `${text("points")}: ${points} / ${all}`);
    }
    return { root, update };
}
function isSame(one, other) {
    return JSON.stringify(one) === JSON.stringify(other);
}
/** Returns whether two questions are the same: the same one of the same file, or the same words in a text that was edited. */
function isSameQuestion(one, about, other, otherAbout) {
    const named = ({ scenario, exercise, program, lab }) => JSON.stringify([scenario, exercise, program, lab]);
    if (named(about) === named(otherAbout))
        return one.number === other.number;
    const options = ({ options = [] }) => [...options].sort();
    return about.lab !== undefined && JSON.stringify([one.text, options(one)]) === JSON.stringify([other.text, options(other)]);
}
/** Returns an answer for options that another seed has put in another order. */
function relettered(typed, from, to, isSameRun) {
    const [before, after] = [from.options ?? [], to.options ?? []];
    if (isSameRun || before.length === 0)
        return typed;
    const letters = typed.replace(/[a-z]/gi, (letter) => {
        const place = after.indexOf(before[letter.toLowerCase().charCodeAt(0) - 97] ?? "");
        return place < 0 ? "?" : String.fromCharCode(97 + place);
    });
    return letters.includes("?") ? "" : letters;
}
function questionForm(app, item, tally) {
    const { question, field } = item;
    const verdict = element("p", { class: "verdict", role: "status" });
    const form = element("form", { class: "question" });
    form.append(element("p", {}, element("strong", {}, `${question.number}. `), question.text, ` (${question.points})`), field.root, element("button", {}, text("check")), ...(question.hint ? [hintButton(app, question.number, form)] : []), verdict);
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        void mark();
    });
    async function mark() {
        const typed = field.value();
        const answer = typed === "" && question.kind === "make" ? await changesByHand(app) : typed;
        if (answer === undefined)
            return;
        // Without an answer, the session says what is missing.
        const given = answer === "" ? {} : { answer };
        const found = await app.ask({ do: "mark", run: app.run.name, question: question.number, ...given });
        if (!found)
            return;
        if (found.verdict !== "invalid")
            item.answer = answer;
        item.mark = found;
        show(found.message);
        tally();
    }
    function show(message) {
        if (!item.mark)
            return;
        const { verdict: word, points, of } = item.mark;
        const sign = { right: "✓", wrong: "✗", invalid: "?" }[word];
        setText(verdict, `${sign} ${message || text(word)} (${points}/${of})`);
        verdict.className = `verdict ${word}`;
    }
    // The message of an earlier mark can be in another language.
    show("");
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
        const radios = [...set.querySelectorAll("input")];
        return {
            root: set,
            value: () => radios.find((radio) => radio.checked)?.value ?? "",
            set: (value) => radios.forEach((radio) => (radio.checked = radio.value === value)),
        };
    }
    const input = element("input", { type: "text", maxlength: 1000, "aria-label": `${text("answer")} ${number}` });
    input.placeholder = kind === "make" ? text("makeHint") : form;
    const list = options.map((option, place) => element("li", {}, `${letter(place)}) ${option}`));
    const root = element("div", {}, ...(list.length > 0 ? [element("ul", { class: "options" }, ...list)] : []), input);
    return { root, value: () => input.value.trim(), set: (value) => (input.value = value) };
}
/** Returns the manual changes in the current run, in the form of an answer in a file. After an error, returns undefined. */
async function changesByHand(app) {
    const answer = await app.ask({ do: "export", run: app.run.name });
    if (!answer)
        return undefined;
    const before = (app.experiment?.lab ?? "").split("\n");
    const added = answer.lab.split("\n").filter((line) => {
        const place = before.indexOf(line);
        // The file can contain the same line as a manual change, and then contains it one time less.
        if (place >= 0)
            before.splice(place, 1);
        return place < 0 && /^(fault|at) /.test(line);
    });
    return added.map((line) => line.replace(/^fault /, "")).join("; ");
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
